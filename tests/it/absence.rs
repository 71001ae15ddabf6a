//! Proof of absence: identifiers of every type, in four languages, in every place of a mail, go through
//! real servers and the started program; then every octet of its database, logs, output, outgoing mail
//! and temporary files is searched for them. What the redactor claims to catch stands nowhere in the
//! clear; what it missed is counted by type. The twin: a word that is nobody's identifier is found.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;

use aho_corasick::AhoCorasick;
use mail_parser::MessageParser;
use mailward::domain::account::AuthEvidence;
use mailward::domain::desk::ClinicalWords;
use mailward::intake::{self, ReadSettings};
use mailward::phi::{Lists, Redactor};
use mailward::worker::ingest::understand::redact;
use sqlx::Connection as _;

use crate::app::{App, Post};
use crate::harness::{Dovecot, Postgres, Sink, servers};

/// Stands in every mail and is nobody's: the search finds it, or it finds nothing.
const CANARY: &str = "quizzaciously";

/// One identifier.
struct Planted {
    kind: &'static str,
    place: &'static str,
    mail: usize,
    text: String,
}

/// A mailbox of mails that hold identifiers.
struct Garden {
    planted: Vec<Planted>,
    mails: Vec<Vec<u8>>,
    next: u64,
}

const LANGUAGES: [&str; 4] = ["en", "es", "pt", "it"];
const KINDS: [&str; 12] =
    ["NAME", "CPF", "SSN", "FISCAL", "RECORD", "PHONE", "EMAIL", "IBAN", "CARD", "URL", "BIRTH", "ADDRESS"];

fn luhn(digits: &str) -> u32 {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let value = u32::from(digit - b'0') * if at % 2 == 0 { 2 } else { 1 };
            value / 10 + value % 10
        })
        .sum();
    (10 - sum % 10) % 10
}

fn cpf(number: u64) -> String {
    let mut digits: Vec<u64> = format!("{:09}", 100_000_000 + number * 7919 % 800_000_000)
        .bytes()
        .map(|b| u64::from(b - b'0'))
        .collect();
    for weight in [10, 11] {
        let sum: u64 = digits.iter().zip((2..=weight).rev()).map(|(digit, weight)| digit * weight).sum();
        digits.push(if sum % 11 < 2 { 0 } else { 11 - sum % 11 });
    }
    let part = |from: usize, to: usize| {
        digits.iter().skip(from).take(to - from).map(u64::to_string).collect::<String>()
    };
    format!("{}.{}.{}-{}", part(0, 3), part(3, 6), part(6, 9), part(9, 11))
}

fn iban(number: u64) -> String {
    let account = format!("{:018}", 100_000_000_000_000_000 + number * 104_729);
    // DE00 at the end, letters as two digits.
    let rest = format!("{account}131400")
        .bytes()
        .fold(0_u64, |rest, digit| (rest * 10 + u64::from(digit - b'0')) % 97);
    format!("DE{:02}{account}", 98 - rest)
}

fn family(number: u64) -> String {
    const HEAD: [&str; 12] =
        ["Bar", "Cal", "Don", "Fer", "Gal", "Lom", "Mar", "Pal", "Ros", "San", "Tor", "Val"];
    const MIDDLE: [&str; 12] = ["ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sa", "te"];
    const TAIL: [&str; 8] = ["ldini", "ndez", "rosa", "nelli", "veira", "stone", "rtolo", "mundo"];
    let at = |list: &[&'static str], step: u64| list[usize::try_from(number / step).unwrap() % list.len()];
    format!("{}{}{}{}", at(&HEAD, 1), at(&MIDDLE, 12), at(&MIDDLE, 144), at(&TAIL, 1728))
}

/// The identifier itself, and the words in which it stands.
fn sentence(kind: &str, number: u64, language: &str) -> (String, String) {
    let pick = |words: [&'static str; 4]| words[LANGUAGES.iter().position(|l| *l == language).unwrap()];
    let given = ["Mary", "Lucia", "Carlos", "Giulia", "Pedro", "Anna"][usize::try_from(number % 6).unwrap()];
    let patient = pick(["Patient", "Paciente", "Paciente", "Paziente"]);
    let (label, value) = match kind {
        "NAME" => return (family(number), format!("{patient}: {given} {}", family(number))),
        "CPF" => ("CPF", cpf(number)),
        "SSN" => (
            "SSN",
            format!("{:03}-{:02}-{:04}", 100 + number % 500, 10 + number / 500 % 89, 1000 + number % 8999),
        ),
        "FISCAL" => ("Codice fiscale", format!("{}85T10A{:03}S", letters(number), number % 1000)),
        "RECORD" => (
            pick(["MRN", "Historia clínica", "Prontuário", "Cartella clinica"]),
            format!("{}", 40_000_000 + number * 37),
        ),
        "PHONE" => (
            pick(["phone", "teléfono", "telefone", "telefono"]),
            format!("+1 212 555 {:04}", number % 10_000),
        ),
        "EMAIL" => {
            (pick(["mail", "correo", "e-mail", "posta"]), format!("person{number}x@mail{number}.example"))
        }
        "IBAN" => ("IBAN", iban(number)),
        "CARD" => {
            let head = format!("4{:014}", 20_000_000_000_000 + number * 15_485_863);
            (pick(["card", "tarjeta", "cartão", "carta"]), format!("{head}{}", luhn(&head)))
        }
        "URL" => ("link", format!("https://portal.example/record?patient={}", 700_000 + number)),
        "BIRTH" => (
            pick(["date of birth", "fecha de nacimiento", "data de nascimento", "data di nascita"]),
            format!("{:02}/{:02}/{}", 1 + number % 28, 1 + number / 28 % 12, 1925 + number / 336 % 70),
        ),
        _ => (
            pick(["address", "dirección", "endereço", "indirizzo"]),
            format!("{} {} {}", pick(["Street", "Calle", "Rua", "Via"]), family(number), 10 + number % 900),
        ),
    };
    let text = format!("{label}: {value}");
    (value, text)
}

fn letters(number: u64) -> String {
    (0..6).map(|at| char::from(b'A' + u8::try_from(number / 20_u64.pow(at) % 20).unwrap())).collect()
}

impl Garden {
    /// At least so many identifiers.
    fn of(count: usize) -> Self {
        let mut garden = Self { planted: Vec::new(), mails: Vec::new(), next: 1 };
        while garden.planted.len() < count {
            garden.mail();
        }
        garden
    }

    fn plant(&mut self, place: &'static str, kind: &'static str) -> String {
        let mail = self.mails.len();
        let (text, words) = sentence(kind, self.next, LANGUAGES[mail % 4]);
        self.next += 1;
        self.planted.push(Planted { kind, place, mail, text });
        words
    }

    fn kind(&self, step: usize) -> &'static str {
        KINDS[(self.mails.len() + step) % KINDS.len()]
    }

    fn mail(&mut self) {
        let number = self.mails.len();
        let subject = self.plant("subject", "NAME");
        let header = self.plant("header", self.kind(1));
        let display = self.plant("display name", "NAME");
        let cc = self.plant("display name", "NAME");
        let name = |words: &str| words.split(": ").nth(1).unwrap_or_default().to_owned();
        let mut body = format!("The viewer is {CANARY} slow since this morning, please help.\r\n\r\n");
        for step in 0..6 {
            let words = self.plant("body", self.kind(step * 2));
            let _ = write!(body, "{words}.\r\n");
        }
        let quoted = self.plant("quotation", self.kind(3));
        let _ = write!(body, "\r\nOn Mon, 2 Mar 2026 the desk wrote:\r\n> {quoted}\r\n");
        let (text, attribute) =
            (self.plant("html", self.kind(4)), self.plant("html attribute", self.kind(5)));
        let html = format!(
            "<html><body><p>{}</p><p>{text}</p><img alt=\"{attribute}\" title=\"{attribute}\" src=\"cid:x\">\
             <a href=\"https://h.example/\" title=\"{attribute}\">see</a></body></html>",
            body.replace('>', "&gt;").replace("\r\n", "<br>\r\n")
        );
        let file = self.plant("file name", "NAME");
        let [txt, csv, json, hl7] = [6, 7, 8, 9].map(|step| self.plant("attachment", self.kind(step)));
        let parts = [
            ("text/plain", format!("{} notes.txt", name(&file)), txt),
            ("text/csv", "table.csv".to_owned(), csv),
            ("application/json", "data.json".to_owned(), format!("{{\"note\":\"{json}\"}}")),
            ("text/plain", "result.hl7".to_owned(), format!("MSH|^~\\&|LAB\r\nNTE|1||{hl7}")),
        ];
        let mut mail = format!(
            "From: \"{}\" <person@clinic{number}.example>\r\nTo: support@example.net\r\nCc: \"{}\" <cc@clinic{number}.example>\r\n\
             Subject: {CANARY} {subject}\r\nX-Record: {header}\r\nMessage-ID: <absence{number}@clinic.example>\r\n\
             Date: Mon, 2 Mar 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=outer\r\n\r\n--outer\r\n\
             Content-Type: multipart/alternative; boundary=inner\r\n\r\n--inner\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n\
             --inner\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n--inner--\r\n",
            name(&display),
            name(&cc)
        );
        for (media, file, content) in parts {
            let _ = write!(
                mail,
                "--outer\r\nContent-Type: {media}; name=\"{file}\"\r\nContent-Disposition: attachment; filename=\"{file}\"\r\n\r\n{content}\r\n"
            );
        }
        mail.push_str("--outer--\r\n");
        self.mails.push(bent(number, mail));
    }
}

/// Some mails are malformed, and some cannot be read at all.
fn bent(number: usize, mail: String) -> Vec<u8> {
    match number % 12 {
        // No end of the outer part, and octets of no charset.
        5 => [mail.replace("--outer--\r\n", "").as_bytes(), b"\xff\xfe\x80 broken"].concat(),
        // Another boundary than the one that is declared.
        7 => mail.replacen("boundary=outer", "boundary=another", 1).into_bytes(),
        // What the parser must not see: refused, quarantined.
        9 => {
            let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(60);
            mail.replacen("Content-Type: multipart/mixed; boundary=outer\r\n\r\n", &nested, 1).into_bytes()
        }
        _ => mail.into_bytes(),
    }
}

/// What the redactor leaves in the texts of each mail, by its own reckoning.
fn left(garden: &Garden) -> Vec<String> {
    let redactor = Redactor::new(&Lists::default());
    let settings =
        ReadSettings { auth: &AuthEvidence::None, own_addresses: &[], own_lists: &[], fields: &[] };
    let texts = |mail: &Vec<u8>| {
        let Ok(mail) = intake::understand(mail, &settings) else { return String::new() };
        let redacted = redact(&mail, &redactor, ClinicalWords::Near);
        let names = redacted.attachments.iter().map(|a| a.name.as_str().to_owned());
        let html = redacted.html.map(|html| html.as_str().to_owned()).unwrap_or_default();
        [redacted.subject.as_str(), redacted.visible.as_str(), redacted.elided.as_str(), &html]
            .map(str::to_owned)
            .into_iter()
            .chain(names)
            .collect::<Vec<_>>()
            .join("\n")
    };
    garden.mails.iter().map(texts).collect()
}

/// Everything that may hold traces: where, and the octets.
struct Traces(Vec<(String, Vec<u8>)>);

impl Traces {
    fn folder(&mut self, path: &Path) {
        for entry in std::fs::read_dir(path).unwrap().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.folder(&path),
                Ok(kind) if kind.is_file() => {
                    self.0.push((path.display().to_string(), std::fs::read(&path).unwrap_or_default()));
                }
                _ => {}
            }
        }
    }

    /// Which patterns occur, and where.
    fn search(&self, patterns: &[&str]) -> HashMap<usize, Vec<&str>> {
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(patterns).unwrap();
        let mut hits: HashMap<usize, Vec<&str>> = HashMap::new();
        for (place, octets) in &self.0 {
            for hit in automaton.find_overlapping_iter(octets) {
                // Eight digits occur by chance in the hexadecimal of sealed octets (rows, a server's log).
                let hexadecimal =
                    |at: Option<usize>| at.and_then(|at| octets.get(at)).is_some_and(u8::is_ascii_hexdigit);
                let number = patterns[hit.pattern().as_usize()].bytes().all(|b| b.is_ascii_digit());
                if number && (hexadecimal(hit.start().checked_sub(1)) || hexadecimal(Some(hit.end()))) {
                    continue;
                }
                let places = hits.entry(hit.pattern().as_usize()).or_default();
                if places.last() != Some(&place.as_str()) {
                    places.push(place);
                }
            }
        }
        hits
    }
}

/// Rows as text: the server keeps long ones compressed on disk.
fn rows(url: &str) -> Vec<u8> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let mut on = sqlx::AnyConnection::connect(url).await.unwrap();
        let tables = "SELECT CAST(table_name AS TEXT) AS name FROM information_schema.tables WHERE table_schema = 'public'";
        let tables: Vec<(String,)> = sqlx::query_as(tables).fetch_all(&mut on).await.unwrap();
        let mut all = Vec::new();
        for (table,) in tables.iter().filter(|(table,)| !table.starts_with("_sqlx")) {
            let sql = sqlx::AssertSqlSafe(format!("SELECT CAST(t AS TEXT) AS row FROM {table} t"));
            let rows: Vec<(String,)> = sqlx::query_as(sql).fetch_all(&mut on).await.unwrap();
            all.extend(rows.into_iter().flat_map(|(row,)| row.into_bytes()));
        }
        on.close().await.unwrap();
        all
    })
}

fn prove(count: usize, cluster: Option<&Postgres>) {
    let garden = Garden::of(count);
    let (dovecot, sink) = (Dovecot::start(&["support", "breach"]), Sink::start());
    let url = cluster.map(Postgres::database);
    let app = App::new(url.as_deref(), &Post::Servers { imap: dovecot.imap, smtp: sink.port });
    for mail in &garden.mails {
        dovecot.deliver("support", mail);
    }
    app.ok(&["serve", "--until-idle"]);
    assert!(app.json(&["ticket", "list"]).len() * 10 > garden.mails.len() * 8, "most became tickets");
    assert!(!app.json(&["quarantine", "list"]).is_empty(), "and some could not be read");
    let mut traces = Traces(vec![("standard error".to_owned(), app.heard().into_bytes())]);
    for words in [
        &["ticket", "list"][..],
        &["ticket", "show", "1"],
        &["ticket", "show", "2", "--json"],
        &["outbox", "list"],
        &["ledger", "list"],
        &["quarantine", "list"],
        &["audit", "show"],
        &["health"],
    ] {
        traces.0.push((words.join(" "), app.run(words).stdout.into_bytes()));
    }
    for mail in sink.mails() {
        let parsed = MessageParser::default().parse(mail.bytes.as_slice()).unwrap();
        let texts = parsed.parts.iter().map(|part| part.contents().to_vec()).collect::<Vec<_>>().join(&b'\n');
        traces.0.push(("outgoing mail".to_owned(), [mail.bytes.clone(), texts].concat()));
    }
    if let (Some(cluster), Some(url)) = (cluster, &url) {
        traces.0.push(("rows".to_owned(), rows(url)));
        traces.folder(cluster.folder());
    }
    traces.folder(&app.path(""));
    report(&garden, &traces);
    app.finish();
}

fn report(garden: &Garden, traces: &Traces) {
    let canary = traces.search(&[CANARY]).remove(&0).unwrap_or_default();
    let seen = |what: &str| canary.iter().any(|place| place.contains(what));
    assert!(
        seen("outgoing mail") && (seen("mailward.db") || seen("rows")),
        "the search is blind: {canary:?}"
    );
    let left = left(garden);
    let patterns: Vec<&str> = garden.planted.iter().map(|planted| planted.text.as_str()).collect();
    let hits = traces.search(&patterns);
    let mut missed: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut leaks = Vec::new();
    for (at, places) in &hits {
        let planted = &garden.planted[*at];
        if left[planted.mail].to_lowercase().contains(&planted.text.to_lowercase()) {
            *missed.entry((planted.kind, planted.place)).or_default() += 1;
        } else {
            leaks.push(format!(
                "{} in {}: {:?} stands in {places:?}",
                planted.kind, planted.place, planted.text
            ));
        }
    }
    let mut line = format!(
        "{} identifiers in {} mails; missed by the redactor:",
        garden.planted.len(),
        garden.mails.len()
    );
    for ((kind, place), count) in &missed {
        let _ = write!(line, " {kind} in {place} {count},");
    }
    std::io::Write::write_all(&mut std::io::stderr(), format!("{line}\n").as_bytes()).unwrap();
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
    let missed: usize = missed.values().sum();
    assert!(missed * 20 <= garden.planted.len(), "the redactor missed {missed} of {}", garden.planted.len());
}

#[test]
fn planted_identifiers_are_unique_and_in_their_mails() {
    let garden = Garden::of(10_000);
    let mut texts: Vec<&str> = garden.planted.iter().map(|planted| planted.text.as_str()).collect();
    texts.sort_unstable();
    let all = texts.len();
    texts.dedup();
    assert!(all >= 10_000 && texts.len() == all, "{} of {all} are unique", texts.len());
    for planted in &garden.planted {
        let mail = String::from_utf8_lossy(&garden.mails[planted.mail]);
        assert!(mail.contains(&planted.text), "{} in {}", planted.kind, planted.place);
    }
}

#[test]
fn absence_on_sqlite() {
    if servers(&["dovecot"]) {
        prove(600, None);
    }
}

#[test]
fn absence_on_postgresql() {
    if servers(&["dovecot"])
        && let Some(cluster) = Postgres::start()
    {
        prove(600, Some(&cluster));
    }
}

#[test]
#[ignore = "ten thousand identifiers take minutes; `cargo test --test it torture_proof -- --ignored`"]
fn torture_proof_of_absence() {
    if servers(&["dovecot"]) {
        prove(10_000, None);
        if let Some(cluster) = Postgres::start() {
            prove(10_000, Some(&cluster));
        }
    }
}
