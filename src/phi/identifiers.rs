//! Numbers that stand for a person, an organisation, an account, a card or a device: by their form
//! and check digits where these are proof enough, else by the label that governs them. Takes a cut
//! page and its chunks, gives findings. Ticket numbers, error codes and versions carry no label of
//! these kinds and no such check digits: they stay.

use std::collections::HashMap;

use super::checks::{self, digits};
use super::chunks::{Chunk, label_of};
use super::finding::{Finding, Kind};
use super::lexicon::Label;
use super::page::{Page, Shape, Zone};

/// What keys of programs call identifiers: `patientDoc=`, `insurance_id:`.
const KEY_PARTS: [&str; 22] = [
    "patient",
    "pacient",
    "pazient",
    "mrn",
    "cpf",
    "ssn",
    "dni",
    "cedula",
    "documento",
    "prontuario",
    "cartella",
    "chart",
    "medicalrecord",
    "insur",
    "memberid",
    "afili",
    "benefici",
    "cartao",
    "passport",
    "fiscal",
    "rut",
    "nhc",
];

/// Adds again what was found once, wherever the same letters and digits recur.
pub fn again(page: &Page<'_>, chunks: &[Chunk], found: &mut Vec<Finding>) {
    /// Fewer digits recur by chance.
    const TELLING: usize = 6;
    let plain = |start: usize, end: usize| -> String {
        page.slice(start, end).chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
    };
    let numbers = found
        .iter()
        .filter(|f| matches!(f.kind, Kind::Id | Kind::Phone | Kind::Account | Kind::Card | Kind::Device));
    let known: HashMap<String, Kind> = numbers
        .map(|f| (plain(f.start, f.end), f.kind))
        .filter(|(value, _)| value.bytes().filter(u8::is_ascii_digit).count() >= TELLING)
        .collect();
    let mut held: Vec<(usize, usize)> = found.iter().map(|f| (f.start, f.end)).collect();
    held.sort_unstable();
    for chunk in chunks.iter().filter(|chunk| !known.is_empty() && chunk.digits >= TELLING) {
        if super::chunks::is_taken(&held, chunk.start) {
            continue;
        }
        if let Some(kind) = known.get(&plain(chunk.start, chunk.end)) {
            found.push(Finding::new(chunk.start, chunk.end, *kind, "id.again"));
        }
    }
}

/// True behind a program's key that speaks of a patient's number.
fn keyed(page: &Page<'_>, chunk: &Chunk) -> bool {
    let mut at = chunk.first;
    for _ in 0..4 {
        let Some(prev) =
            at.checked_sub(1).filter(|prev| page.glued(*prev) || page.get(*prev).is_some_and(|t| t.is(':')))
        else {
            return false;
        };
        at = prev;
        let Some(token) = page.get(at) else { return false };
        if token.is_word() {
            let word = page.word(at);
            return word.len() > 2 && KEY_PARTS.iter().any(|part| word.contains(part));
        }
        if !matches!(token.mark(), Some('=' | ':' | '"' | '\'')) {
            return false;
        }
    }
    false
}

/// Labels that govern numbers.
const fn governs(label: Label) -> bool {
    !matches!(label, Label::Date | Label::Address)
}

/// Adds the identifiers among the chunks.
pub fn find(page: &Page<'_>, chunks: &[Chunk], found: &mut Vec<Finding>) {
    let mut at = 0;
    while let Some(chunk) = chunks.get(at) {
        let (used, finding) = judge(page, chunks, at, chunk);
        found.extend(finding);
        at += used;
    }
}

/// Judges the chunk at `at`, with the chunks behind it as far as they are one number with it.
fn judge(page: &Page<'_>, chunks: &[Chunk], at: usize, chunk: &Chunk) -> (usize, Option<Finding>) {
    let run = run_from(page, chunks, at);
    let label = label_of(page, chunk.first, governs);
    for (used, (start, end)) in run.iter().enumerate().rev() {
        let text = page.slice(*start, *end);
        if let Some((kind, rule)) = by_form(text, label) {
            return (used + 1, Some(Finding::new(*start, *end, kind, rule)));
        }
    }
    let (used, end) = longest_number(page, chunks, at, &run);
    let whole = Chunk { digits: chunk.digits + digits(page.slice(chunk.end, end)).len(), ..*chunk };
    if let Some((kind, rule)) = label.and_then(|label| by_label(page, &whole, label)) {
        return (used, Some(Finding::new(opening(page, chunk), end, kind, rule)));
    }
    if chunk.digits >= 4 && keyed(page, chunk) && !page.slice(chunk.start, chunk.end).contains(':') {
        return (used, Some(Finding::new(chunk.start, end, Kind::Id, "id.key")));
    }
    if matches!(label, Some(Label::Ticket)) || page.zone(chunk.first) == Zone::Log || spared(page, chunk) {
        return (1, None);
    }
    for (used, (start, end)) in run.iter().enumerate().rev() {
        if let Some((kind, rule)) = by_shape(page.slice(*start, *end)) {
            return (used + 1, Some(Finding::new(*start, *end, kind, rule)));
        }
    }
    (1, None)
}

/// The ranges of the chunk alone, with the next, with the next two...: as long as a space or a
/// bracket is all that stands between.
fn run_from(page: &Page<'_>, chunks: &[Chunk], at: usize) -> Vec<(usize, usize)> {
    /// An IBAN in groups of four has nine.
    const GROUPS: usize = 9;
    let Some(first) = chunks.get(at) else { return Vec::new() };
    let start = opening(page, first);
    let mut run = vec![(start, first.end)];
    for pair in chunks.get(at..).unwrap_or_default().windows(2).take(GROUPS) {
        let [one, two] = pair else { break };
        let gap = page.slice(one.end, two.start);
        let bank = || {
            let head = page.slice(first.start, first.end);
            let letters = gap.trim();
            run.len() == 1
                && letters.len() == 4
                && letters.bytes().all(|b| b.is_ascii_uppercase())
                && iban_head(head)
        };
        let near =
            bank() || matches!(gap, " " | ") " | ")" | " (" | "(" | "\u{a0}" | ")-" | " - " | " / " | "  ");
        let grouped =
            two.letters <= 4 && two.end - two.start <= 12 && !page.slice(two.start, two.end).contains(':');
        if !near || !grouped {
            break;
        }
        run.push((start, two.end));
    }
    run
}

/// Where the number begins: a `+` or `(` before it belongs to it.
fn opening(page: &Page<'_>, chunk: &Chunk) -> usize {
    let mut start = chunk.start;
    for mark in ['(', '+', '('] {
        if page.slice(0, start).ends_with(mark) {
            start -= mark.len_utf8();
        }
    }
    start
}

/// The end of a labelled number: further groups of digits behind a space belong to it.
fn longest_number(page: &Page<'_>, chunks: &[Chunk], at: usize, run: &[(usize, usize)]) -> (usize, usize) {
    let mut used = 1;
    let mut end = chunks.get(at).map_or(0, |chunk| chunk.end);
    for (more, range) in run.iter().enumerate().skip(1) {
        let Some(next) = chunks.get(at + more) else { break };
        let pure = next.letters == 0
            && next.digits >= 2
            && page.get(next.first).is_some_and(|t| t.shape == Shape::Number);
        if !pure
            || digits(page.slice(range.0, range.1)).len() > 20
            || super::dates::numeric(page.slice(next.start, next.end))
        {
            break;
        }
        used = more + 1;
        end = next.end;
    }
    (used, end)
}

/// Numbers whose form or check digits are proof enough.
fn by_form(text: &str, label: Option<Label>) -> Option<(Kind, &'static str)> {
    let bytes = text.as_bytes();
    let count = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = bytes.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let mask: String = text.chars().map(mask_of).collect();
    let open = !matches!(label, Some(Label::Ticket));
    match (count, letters) {
        (11, 0) if matches!(mask.as_str(), "ddd.ddd.ddd-dd" | "ddddddddd-dd" | "ddd ddd ddd dd") => {
            Some((Kind::Id, "id.cpf"))
        }
        (11, 0) if mask.len() == 11 && checks::cpf(text) && open => Some((Kind::Id, "id.cpf")),
        (14, 0) if mask == "dd.ddd.ddd/dddd-dd" => Some((Kind::Id, "id.cnpj")),
        (13..=19, 0) if card_groups(&mask) && label != Some(Label::Device) && checks::card(text) => {
            Some((Kind::Card, "card.luhn"))
        }
        (14, 0) if mask.len() == 14 && checks::cnpj(text) => Some((Kind::Id, "id.cnpj")),
        _ if letters > 0 && cnpj_form(&mask) && checks::cnpj(text) => Some((Kind::Id, "id.cnpj")),
        (15, 0) if matches!(mask.len(), 15 | 18) && checks::cns(text) => Some((Kind::Id, "id.cns")),
        (15, 0) if mask.len() == 15 && checks::imei(text) => Some((Kind::Device, "device.imei")),
        (20, 0) if text.starts_with("80380") => Some((Kind::Id, "id.tessera_sanitaria")),
        (9, 0) if mask == "ddd-dd-dddd" && checks::ssn(text) => Some((Kind::Id, "id.ssn")),
        (9..=11, 0) if nit_form(&mask) && checks::nit(text) => Some((Kind::Id, "id.nit")),
        (8 | 9, 0 | 1)
            if matches!(mask.as_str(), "dd.ddd.ddd-d" | "dd.ddd.ddd-X" | "d.ddd.ddd-d") && open =>
        {
            Some((Kind::Id, "id.rg"))
        }
        (8 | 10, 0)
            if matches!(mask.as_str(), "dd.ddd.ddd" | "d.ddd.ddd.ddd") && !text.ends_with("000") && open =>
        {
            Some((Kind::Id, "id.cedula"))
        }
        (5..=11, 6..=11) if codice_fiscale(&mask) => Some((Kind::Id, "id.codice_fiscale")),
        _ if omocodia(text) && checks::codice_fiscale(text) => Some((Kind::Id, "id.codice_fiscale")),
        _ if mbi(text) => Some((Kind::Id, "id.mbi")),
        (7, 2) if mask == "XXddddddd" && checks::dea(text) && open => Some((Kind::Id, "id.dea")),
        (12.., 2..)
            if iban_form(text)
                && (checks::iban(text) || label == Some(Label::Account) || text.starts_with("IT")) =>
        {
            Some((Kind::Account, "account.iban"))
        }
        _ => None,
    }
}

fn mask_of(c: char) -> char {
    match c {
        '0'..='9' => 'd',
        'A'..='Z' | 'a'..='z' => 'X',
        '–' => '-',
        '\u{a0}' => ' ',
        _ => c,
    }
}

/// Digits alone, or groups of at least three parted by the same mark.
fn card_groups(mask: &str) -> bool {
    [' ', '-'].iter().any(|sep| {
        let groups: Vec<&str> = mask.split(*sep).collect();
        groups.iter().all(|g| g.len() >= 3 && g.bytes().all(|b| b == b'd')) && groups.len() <= 5
    })
}

fn nit_form(mask: &str) -> bool {
    matches!(
        mask,
        "dddddddd-d" | "ddddddddd-d" | "dddddddddd-d" | "ddd.ddd.ddd-d" | "dd.ddd.ddd-d" | "d.ddd.ddd.ddd-d"
    )
}

/// Six letters, two digits, a letter, two digits, a letter, three digits, a letter; digits may be
/// letters (omocodia).
fn codice_fiscale(mask: &str) -> bool {
    let plain: Vec<char> = mask.chars().filter(|c| *c != ' ').collect();
    plain.len() == 16
        && plain.iter().enumerate().all(|(at, c)| match at {
            0..=5 | 8 | 11 | 15 => *c == 'X',
            _ => matches!(c, 'd' | 'X'),
        })
        && plain.iter().filter(|c| **c == 'd').count() >= 5
}

/// Fourteen letters and digits, the last two digits, in one piece or as `12.ABC.345/01DE-35`.
fn cnpj_form(mask: &str) -> bool {
    let marks: String = mask.chars().filter(|c| !matches!(c, 'd' | 'X')).collect();
    let whole = mask.len() - marks.len() == 14 && mask.ends_with("dd");
    whole && (marks.is_empty() || marks == "../-" && mask.find('.') == Some(2) && mask.find('/') == Some(10))
}

/// Digits of a codice fiscale written as letters where two persons would share it; with few digits
/// left only the check letter is proof.
fn omocodia(text: &str) -> bool {
    let number = |c: char| c.is_ascii_digit() || "LMNPQRSTUV".contains(c.to_ascii_uppercase());
    text.len() == 16
        && text.chars().enumerate().all(|(at, c)| match at {
            0..=5 | 8 | 11 | 15 => c.is_ascii_alphabetic(),
            _ => number(c),
        })
}

/// Medicare's number: C A AN N A AN N A A N N, without S L O I B Z.
fn mbi(text: &str) -> bool {
    let plain: Vec<char> = text.chars().filter(|c| *c != '-' && *c != ' ').collect();
    let letter = |c: char| {
        c.is_ascii_alphabetic() && !matches!(c.to_ascii_uppercase(), 'S' | 'L' | 'O' | 'I' | 'B' | 'Z')
    };
    plain.len() == 11
        && plain.iter().enumerate().all(|(at, c)| match at {
            0 => matches!(c, '1'..='9'),
            1 | 4 | 7 | 8 => letter(*c),
            2 | 5 => letter(*c) || c.is_ascii_digit(),
            _ => c.is_ascii_digit(),
        })
}

/// `GB82`: behind it a bank's four letters may stand.
fn iban_head(text: &str) -> bool {
    matches!(text.as_bytes(), [a, b, c, d] if a.is_ascii_uppercase() && b.is_ascii_uppercase() && c.is_ascii_digit() && d.is_ascii_digit())
}

/// Two letters, two digits, then 11 to 30 letters and digits.
fn iban_form(text: &str) -> bool {
    let plain: Vec<u8> = text.bytes().filter(u8::is_ascii_alphanumeric).collect();
    let [a, b, c, d, rest @ ..] = plain.as_slice() else { return false };
    a.is_ascii_uppercase()
        && b.is_ascii_uppercase()
        && c.is_ascii_digit()
        && d.is_ascii_digit()
        && (11..=30).contains(&rest.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ')
}

/// What a label makes of the number behind it.
fn by_label(page: &Page<'_>, chunk: &Chunk, label: Label) -> Option<(Kind, &'static str)> {
    let text = page.slice(chunk.start, chunk.end);
    if text.contains(':') || text.contains('_') && chunk.letters > 3 || text.starts_with("0x") {
        return None;
    }
    if super::dates::numeric(text) || super::contacts::four_octets(text) || year(text) {
        return None;
    }
    let size = chunk.digits + chunk.letters.min(4);
    match label {
        Label::Id if chunk.digits >= 4 || chunk.digits >= 3 && size >= 5 => Some((Kind::Id, "id.label")),
        Label::Person if chunk.digits >= 5 => Some((Kind::Id, "id.label")),
        Label::Card if chunk.digits >= 4 => Some((Kind::Card, "card.label")),
        Label::Account if chunk.digits >= 4 => Some((Kind::Account, "account.label")),
        Label::Device if chunk.digits >= 4 => Some((Kind::Device, "device.label")),
        Label::Phone if chunk.digits >= 7 || run_of_phone(page, chunk) => Some((Kind::Phone, "phone.label")),
        _ => None,
    }
}

/// A bare year, which stays.
fn year(text: &str) -> bool {
    text.len() == 4 && (text.starts_with("19") || text.starts_with("20"))
}

/// True when a telephone begins with this chunk: more digits follow.
fn run_of_phone(page: &Page<'_>, chunk: &Chunk) -> bool {
    let tail = page.text.get(chunk.start..).unwrap_or_default();
    let phone =
        tail.chars().take_while(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '(' | ')' | '/'));
    phone.filter(char::is_ascii_digit).count() >= 7
}

/// Money, hash tags, hexadecimal and names with an underscore are no identifiers.
fn spared(page: &Page<'_>, chunk: &Chunk) -> bool {
    let text = page.slice(chunk.start, chunk.end);
    let before = page.before(chunk.first).filter(|token| token.end == chunk.start);
    let hash = before.is_some_and(|token| token.is('#') || token.is('$') || token.is('€') || token.is('='));
    hash || text.contains(['_', ':']) || text.starts_with("0x") || chunk.letters > 2
}

/// Numbers without label whose grouping or length gives them away.
fn by_shape(text: &str) -> Option<(Kind, &'static str)> {
    let address = super::contacts::four_octets(text);
    if address || super::dates::numeric(text) || text.bytes().any(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    let groups: Vec<usize> =
        text.split(|c: char| !c.is_ascii_digit()).map(str::len).filter(|len| *len > 0).collect();
    let total: usize = groups.iter().sum();
    let marked = text.starts_with(['+', '(']);
    if marked && (8..=15).contains(&total) {
        return Some((Kind::Phone, "phone.form"));
    }
    let first = groups.first().copied().unwrap_or_default();
    match groups.len() {
        1 if (10..=11).contains(&total) => Some((Kind::Phone, "phone.digits")),
        1 if total == 9 || (12..=20).contains(&total) => Some((Kind::Id, "id.digits")),
        2 if text.starts_with('0')
            && (2..=4).contains(&first)
            && (7..=11).contains(&total)
            && !text.contains('.') =>
        {
            Some((Kind::Phone, "phone.form"))
        }
        2..=5
            if (9..=12).contains(&total)
                && (2..=4).contains(&first)
                && groups.iter().all(|len| *len >= 2) =>
        {
            Some((Kind::Phone, "phone.form"))
        }
        _ => None,
    }
}
