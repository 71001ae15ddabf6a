//! Street addresses, postal codes and places that a label names. Takes a cut page, gives findings.
//! A town or a country by itself stays.

use std::collections::HashSet;

use super::finding::{Finding, Kind};
use super::lexicon::{Label, Roles};
use super::page::{Page, Shape, Token, Zone};

/// Kinds of streets that read like something else before a number: `Cr 0.8`, `AV 1`.
const ABBREVIATED: [&str; 13] =
    ["cl", "cll", "cr", "cra", "kr", "kra", "av", "ave", "tv", "dg", "diag", "st", "pt"];
/// An address rarely has more tokens.
const LONGEST: usize = 30;

/// Adds addresses.
pub fn find(page: &Page<'_>, taken: &[(usize, usize)], found: &mut Vec<Finding>) {
    let mut at = 0;
    while at < page.tokens.len() {
        let start = labelled(page, at).or_else(|| street_first(page, at)).or_else(|| number_first(page, at));
        let start = start.or_else(|| postal(page, at));
        match start {
            Some((start, rule)) => {
                let last = extent(page, start, taken, rule == "address.label");
                if let (Some(first), Some(end)) = (page.get(start), page.get(last)) {
                    found.push(Finding::new(first.start, end.end, Kind::Address, rule));
                }
                at = last.max(at) + 1;
            }
            None => at += 1,
        }
    }
}

/// Behind `Address:` and its like.
fn labelled(page: &Page<'_>, at: usize) -> Option<(usize, &'static str)> {
    let label = page.label_before(at).filter(|label| label.label == Label::Address)?;
    let gap = page.tokens.get(label.last + 1..at)?;
    let marked = !gap.is_empty()
        && gap.len() <= 2
        && gap.iter().all(|token| matches!(token.mark(), Some(':' | '=' | '.' | '/')));
    let marked = marked && gap.iter().any(|token| token.is(':') || token.is('='));
    let spoken = gap.is_empty() && label.first < label.last;
    let value = page.get(at).filter(|token| token.is_capital() || token.has_digit())?;
    let same_line = page.get(label.last).is_some_and(|l| l.line == value.line);
    (same_line && (marked || spoken && value.is_capital())).then_some((at, "address.label"))
}

/// `Calle 8 # 22-13`, `Rua Dr. Melo, 2234`, `Via Galvani, 6`: the kind of street, a name or number,
/// and a number not far behind.
fn street_first(page: &Page<'_>, at: usize) -> Option<(usize, &'static str)> {
    let token = page.get(at)?;
    let next = page.get(at + 1)?;
    let spelled = token.roles.has(Roles::STREET) && !page.word(at).is_empty();
    let short = match (page.word(at), token.shape) {
        ("c", Shape::Initial | Shape::Lower) => next.is('/') && page.glued(at),
        ("r", Shape::Initial) => next.is('.') && page.get(at + 2).is_some_and(Token::is_capital),
        ("v", Shape::Initial) => next.is('.') && matches!(page.word(at + 2), "le" | "lo"),
        _ => false,
    };
    if !spelled && !short {
        return None;
    }
    let mut body = at + 1;
    while page.get(body).is_some_and(|t| {
        t.is('.')
            || t.is('/')
            || t.is(',')
            || (short && t.roles.has(Roles::PARTICLE) && t.shape == Shape::Lower)
    }) {
        body += 1;
    }
    let begins = page.get(body).filter(|t| t.line == token.line)?;
    let named = begins.is_capital() && !begins.roles.has(Roles::COMMON)
        || begins.shape == Shape::Number
        || begins.shape == Shape::Mixed
        || token.is_capital() && begins.shape == Shape::Lower && begins.is_listed()
        || token.is_capital() && (begins.roles.has(Roles::PARTICLE) || begins.is_capital());
    let on_line = |i: usize| page.get(i).filter(|t| t.line == token.line);
    let unnumbered = |i: usize| page.word(i) == "sn" || page.word(i) == "s" && page.word(i + 2) == "n";
    let numbered = (body..body + 9).any(|i| on_line(i).is_some_and(Token::has_digit) || unnumbered(i));
    let digit_soon = begins.has_digit() || page.get(body + 1).is_some_and(Token::has_digit);
    let brief = spelled && digit_soon && ABBREVIATED.contains(&page.word(at));
    let sign = |i: usize| {
        page.get(i).is_some_and(|t| t.is('#')) || matches!(page.word(i), "n" | "no" | "num" | "numero")
    };
    let counted = !brief || (body + 1..body + 5).any(|i| on_line(i).is_some() && sign(i));
    let capital = token.is_capital() || begins.is_capital();
    (named && numbered && counted && capital).then_some((at, "address.street"))
}

/// `1346 Gutierrez Blvd`: a number, capital words, the kind of street.
fn number_first(page: &Page<'_>, at: usize) -> Option<(usize, &'static str)> {
    let number = page.get(at).filter(|token| token.shape == Shape::Number && token.end - token.start <= 6)?;
    for next in at + 1..at + 6 {
        let token = page.get(next).filter(|token| token.line == number.line)?;
        let titled = page.word(next) == "dr"
            && page.get(next + 1).is_some_and(|t| t.is('.'))
            && page.get(next + 2).is_some_and(Token::is_capital);
        if next == at + 1 && !token.is_capital() && !token.has_digit() {
            return None;
        }
        if next > at + 1 && token.roles.has(Roles::SUFFIX) && token.is_capital() && !titled {
            return Some((at, "address.street"));
        }
        let inside =
            token.is_capital() || token.has_digit() || token.is('.') || token.roles.has(Roles::PARTICLE);
        if !inside || token.is_capital() && token.roles.has(Roles::MONTH) {
            return None;
        }
    }
    None
}

/// `28029 Madrid`: a code of five digits and a place that is known.
fn postal(page: &Page<'_>, at: usize) -> Option<(usize, &'static str)> {
    let code = page.get(at).filter(|token| token.shape == Shape::Number && token.end - token.start == 5)?;
    let next =
        if page.get(at + 1).is_some_and(|t| t.is(',') || t.is('.') || t.is('-')) { at + 2 } else { at + 1 };
    let place = page.get(next).filter(|token| token.is_capital() && token.line == code.line)?;
    place.roles.has(Roles::PLACE).then_some((at, "address.postal"))
}

/// The last token of the address that begins at `start`; behind a label all words up to the end of
/// the field belong to it.
fn extent(page: &Page<'_>, start: usize, links: &[(usize, usize)], labelled: bool) -> usize {
    let line = page.get(start).map_or(0, |token| token.line);
    let mut last = start;
    for at in start + 1..start + LONGEST {
        let Some(token) = page.get(at).filter(|token| token.line == line) else { break };
        let foreign = super::chunks::is_taken(links, token.start);
        if foreign || fielded(page, at, token) || sentence_end(page, at) {
            break;
        }
        if holds(page, at, token, labelled) {
            last = at;
        } else if !joins(page, at, token) {
            break;
        }
    }
    close_bracket(page, start, last)
}

/// True where the next field begins: `Tel:`, `E-mail:`.
fn fielded(page: &Page<'_>, at: usize, token: &Token) -> bool {
    let other = page.label_at(at).is_some_and(|l| !matches!(l.label, Label::Address | Label::Ticket));
    let marked = (1..4).any(|step| page.get(at + step).is_some_and(|t| t.is(':')));
    let mail = page.word(at + 2) == "mail" && page.get(at + 1).is_some_and(|t| t.is('-'));
    mail || other && marked && !token.roles.has(Roles::UNIT)
}

/// True for a token that an address may end with.
fn holds(page: &Page<'_>, at: usize, token: &Token, labelled: bool) -> bool {
    let small = token.shape == Shape::Lower && (labelled || token.is_listed());
    let unnumbered = page.word(at) == "s" && page.word(at + 2) == "n" && page.glued(at);
    small || unnumbered || token.has_digit() || token.is_capital() || token.roles.has(Roles::UNIT)
}

/// True for a token that an address may go on over.
fn joins(page: &Page<'_>, at: usize, token: &Token) -> bool {
    let marks = [',', '.', '-', '/', '#', '\'', '’', '´', '–', ':', '(', ')', '°'];
    token.roles.has(Roles::PARTICLE)
        || token.is_word() && page.word(at).is_empty()
        || token.mark().is_some_and(|mark| marks.contains(&mark))
}

/// A closing bracket belongs to the address when its opening one does.
fn close_bracket(page: &Page<'_>, start: usize, last: usize) -> usize {
    let opened = (start..=last).any(|at| page.get(at).is_some_and(|t| t.is('(')));
    let closes = page.get(last + 1).is_some_and(|t| t.is(')'));
    if opened && closes { last + 1 } else { last }
}

/// A full stop with white space and a capital behind it; not behind an abbreviation, nor between a
/// postal code and its town.
fn sentence_end(page: &Page<'_>, at: usize) -> bool {
    let Some(stop) = page.get(at).filter(|token| token.is('.')) else { return false };
    if page.glued(at) {
        return false;
    }
    let Some(next) = page.get(at + 1).filter(|next| next.line == stop.line) else { return true };
    let Some(before) = page.before(at).filter(|t| t.is_word() || t.has_digit()) else { return false };
    let known =
        [Roles::STREET, Roles::UNIT, Roles::SUFFIX, Roles::TITLE].iter().any(|r| before.roles.has(*r));
    let size = before.end - before.start;
    let cut = before.shape == Shape::Title && (size <= 3 || size <= 4 && before.roles == Roles::default());
    let short = before.is_word() && (known || before.shape == Shape::Initial || cut);
    let code = before.shape == Shape::Number && size == 5;
    let town = code && next.is_capital() && !next.roles.has(Roles::COMMON);
    let door = before.shape == Shape::Number && next.shape == Shape::Initial;
    next.is('.') || (next.is_capital() && !short && !town && !door)
}

/// Adds the towns and postal codes that stand on a line with an address or a mail address of the
/// body: there they tell where someone lives.
pub fn find_places(page: &Page<'_>, found: &mut Vec<Finding>) {
    let tells = |f: &&Finding| matches!(f.kind, Kind::Address | Kind::Email);
    let lines: HashSet<usize> =
        found.iter().filter(tells).filter_map(|f| page.get(page.token_at(f.start))).map(|t| t.line).collect();
    for (at, token) in page.tokens.iter().enumerate() {
        if !lines.contains(&token.line) || page.zone(at) == Zone::Signature {
            continue;
        }
        let town = |at: usize| {
            page.get(at)
                .filter(|t| t.line == token.line && t.is_capital() && !t.roles.has(Roles::COMMON))
                .map(|t| t.end)
        };
        let end = if token.shape == Shape::Number && token.end - token.start == 5 {
            town(at + 1)
                .or_else(|| town(at + 2).filter(|_| page.get(at + 1).is_some_and(|t| t.is(',') || t.is('.'))))
        } else {
            let person = token.roles.has(Roles::GIVEN)
                || token.roles.has(Roles::FAMILY)
                    && page.before(at).is_some_and(|t| t.is_capital() && t.is_listed());
            let place = token.roles.has(Roles::PLACE) && token.is_capital() && !person;
            place.then_some(token.end)
        };
        found.extend(end.map(|end| Finding::new(token.start, end, Kind::Address, "address.place")));
    }
}
