//! A mailbox of two thousand mails, made by a generator that knows the truth, drained from a real
//! Dovecot by `serve --until-idle`. Without colleagues every mail stands in the ticket of its
//! thread; with them the tickets are those of an independent reckoning of the table of L19.
//!
//! The generator is no part of this project: `MAILWARD_DATA` names the folder that holds
//! `bench/gen.py` (the Makefile sets it where that folder lies beside the project).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::harness::{Dovecot, Scratch, run, servers};
use super::lessons_support::{House, Plan, imap_account};

const MAILS: usize = 2000;
/// Where the generated mail is addressed to.
const SUPPORT: &str = "support@helpdesk.test";

/// The generator, or a clear word that this test is left out.
fn generator() -> Option<PathBuf> {
    let folder = std::env::var_os("MAILWARD_DATA").filter(|value| !value.is_empty());
    let Some(file) = folder.map(|folder| PathBuf::from(folder).join("bench/gen.py")) else {
        // Not by `eprintln!`, which the test harness keeps to itself when a test passes.
        let word = b"LEFT OUT: a drain test; MAILWARD_DATA does not name the folder of the mail generator\n";
        std::io::stderr().write_all(word).unwrap();
        return None;
    };
    assert!(file.is_file(), "MAILWARD_DATA is set, but there is no {}", file.display());
    servers(&["dovecot", "python3"]).then_some(file)
}

/// A line of the manifest, with what the mail's own headers say.
#[derive(Debug)]
struct Truth {
    kind: String,
    thread: i64,
    id: String,
    from: String,
    people: Vec<String>,
    references: Vec<String>,
    tag: Option<i64>,
    sha256: String,
}

fn generate(generator: &Path, scratch: &Scratch, more: &[&str]) -> Vec<Truth> {
    let out = scratch.join("made").display().to_string();
    let count = MAILS.to_string();
    let script = generator.display().to_string();
    let mut arguments =
        vec![script.as_str(), "-n", &count, "--base-time", "0", "--format", "maildir", "--out", &out];
    arguments.extend(more);
    run("python3", &arguments);
    let folder = scratch.join("made/Maildir/new");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let manifest = std::fs::read_to_string(scratch.join("made/manifest.jsonl")).unwrap();
    let truths: Vec<Truth> = manifest.lines().zip(&files).map(|(line, file)| truth(line, file)).collect();
    assert_eq!(truths.len(), MAILS);
    truths
}

fn truth(line: &str, file: &Path) -> Truth {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let bytes = std::fs::read(file).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let head = text.split("\n\n").next().unwrap().replace("\n ", " ").replace("\n\t", " ");
    let field =
        |name: &str| head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned));
    let id = line["mid"].as_str().unwrap().to_owned();
    assert_eq!(field("Message-ID").as_ref(), Some(&id), "the manifest and the files go together");
    let mut references: Vec<String> = field("In-Reply-To").into_iter().collect();
    let older = field("References").unwrap_or_default();
    references.extend(older.split_whitespace().rev().map(str::to_owned));
    let recipients = [field("To"), field("Cc")].into_iter().flatten();
    let subject = field("Subject").unwrap_or_default();
    Truth {
        kind: line["kind"].as_str().unwrap().into(),
        thread: line["thread"].as_i64().unwrap(),
        from: address(&field("From").unwrap()),
        people: recipients.map(|value| address(&value)).filter(|address| address != SUPPORT).collect(),
        references,
        tag: tag(&decoded(&subject)),
        // The mail server stores and gives CRLF.
        sha256: sha256(&text_with_crlf(&bytes)),
        id,
    }
}

fn text_with_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 40);
    for (at, &byte) in bytes.iter().enumerate() {
        if byte == b'\n' && (at == 0 || bytes[at - 1] != b'\r') {
            out.push(b'\r');
        }
        out.push(byte);
    }
    out
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(bytes))
}

fn address(mailbox: &str) -> String {
    mailbox.rsplit('<').next().unwrap().trim_end_matches('>').trim().to_lowercase()
}

/// A subject whose encoded words are read: the tag may stand inside one.
fn decoded(subject: &str) -> String {
    let mail = format!("Subject: {subject}\n\n");
    let parsed = mail_parser::MessageParser::default().parse(mail.as_bytes()).unwrap();
    parsed.subject().unwrap_or_default().to_owned()
}

fn tag(subject: &str) -> Option<i64> {
    subject.split_once("[#")?.1.split_once(']')?.0.parse().ok()
}

/// The table of L19, reckoned apart from the program: which ticket each mail stands in, 0 for none.
fn reckon(truths: &[Truth]) -> Vec<i64> {
    let mut people: Vec<HashSet<&str>> = Vec::new();
    let mut home: HashMap<&str, i64> = HashMap::new();
    let mut tickets = Vec::new();
    for mail in truths {
        let takes_part = |ticket: i64| {
            usize::try_from(ticket - 1)
                .ok()
                .and_then(|at| people.get(at))
                .is_some_and(|p| p.contains(mail.from.as_str()))
        };
        let named = mail.references.iter().filter_map(|id| home.get(id.as_str()).copied()).chain(mail.tag);
        let joins = named.into_iter().find(|ticket| takes_part(*ticket));
        let ticket = match (joins, mail.kind.as_str()) {
            (Some(ticket), _) => ticket,
            (None, "auto" | "bounce") => 0,
            (None, _) => {
                people.push(
                    std::iter::once(mail.from.as_str())
                        .chain(mail.people.iter().map(String::as_str))
                        .collect(),
                );
                i64::try_from(people.len()).unwrap()
            }
        };
        if ticket > 0 {
            home.insert(&mail.id, ticket);
        }
        tickets.push(ticket);
    }
    tickets
}

/// Loads, drains, and gives the ticket of each mail in the manifest's order, 0 for none.
async fn drain(generator: &Path, more: &[&str]) -> (Vec<Truth>, Vec<i64>) {
    let scratch = Scratch::new("drain");
    let truths = generate(generator, &scratch, more);
    let dovecot = Dovecot::start(&["support"]);
    dovecot.import("support", &scratch.join("made/Maildir"));
    let mut plan = Plan {
        accounts: imap_account(&dovecot, "support", "help", "first_run = \"live\""),
        help: format!("aliases = [\"{SUPPORT}\"]"),
        simulated: false,
        ..Plan::default()
    };
    plan.governor = "per_address_hour = 0\nper_address_day = 0\nper_mailbox_hour = 0".into();
    let house = House::open(&plan).await;
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_mailward"))
        .args(["serve", "--until-idle", "--config"])
        .arg(&house.config)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
    let balance = house.balance().await;
    assert_eq!(balance.incoming, i64::try_from(MAILS).unwrap());
    assert_eq!((balance.stored, balance.quarantined, balance.held, balance.ignored), (0, 0, 0, 0));
    let rows = house.ledger().await;
    let by_hash: HashMap<&str, i64> =
        rows.iter().filter_map(|row| Some((row.sha256.as_deref()?, row.ticket.unwrap_or(0)))).collect();
    let tickets = truths.iter().map(|truth| by_hash[truth.sha256.as_str()]).collect();
    let opened = house.tickets().await.len();
    let rows = house.to_customers().await;
    let acknowledged: HashSet<i64> =
        rows.iter().filter(|row| row.kind == "received").filter_map(|row| row.ticket).collect();
    assert_eq!(acknowledged.len(), opened, "every ticket of a person is acknowledged");
    assert_eq!(rows.len(), opened, "once, and nobody else is written to");
    (truths, tickets)
}

#[tokio::test(flavor = "multi_thread")]
async fn drain_gives_exactly_the_threads() {
    let Some(generator) = generator() else { return };
    let (truths, tickets) = drain(&generator, &["--colleagues", "0"]).await;
    let mut of_thread: BTreeMap<i64, i64> = BTreeMap::new();
    for (truth, &ticket) in truths.iter().zip(&tickets) {
        if ["auto", "bounce"].contains(&truth.kind.as_str()) {
            assert_eq!(ticket, 0, "{truth:?} opens or joins no ticket");
        } else {
            let known = *of_thread.entry(truth.thread).or_insert(ticket);
            assert_eq!(known, ticket, "{truth:?}");
        }
    }
    let threads: HashSet<i64> = of_thread.values().copied().collect();
    assert_eq!(threads.len(), of_thread.len(), "no two threads share a ticket");
    assert!(
        of_thread.iter().all(|(thread, ticket)| thread == ticket),
        "numbers are given in the order of arrival"
    );
    assert_eq!(tickets, reckon(&truths));
}

#[tokio::test(flavor = "multi_thread")]
async fn drain_with_colleagues_follows_the_table_of_l19() {
    let Some(generator) = generator() else { return };
    let (truths, tickets) = drain(&generator, &[]).await;
    let reckoned = reckon(&truths);
    for (truth, (&ticket, &want)) in truths.iter().zip(tickets.iter().zip(&reckoned)) {
        assert_eq!(ticket, want, "{truth:?}");
    }
    let opened: HashSet<i64> = tickets.iter().copied().filter(|ticket| *ticket > 0).collect();
    let threads: HashSet<i64> = truths.iter().map(|truth| truth.thread).collect();
    assert_eq!(opened.len(), reckoned.iter().copied().max().and_then(|n| usize::try_from(n).ok()).unwrap());
    assert!(opened.len() > threads.len(), "colleagues who are no participants open tickets of their own");
    // No message joins a ticket of another thread.
    let mut thread_of: HashMap<i64, i64> = HashMap::new();
    let mut strangers = Vec::new();
    for (truth, &ticket) in truths.iter().zip(&tickets).filter(|(_, ticket)| **ticket > 0) {
        let known = *thread_of.entry(ticket).or_insert(truth.thread);
        if known != truth.thread {
            strangers.push((truth, ticket, known));
        }
    }
    assert!(
        strangers.is_empty(),
        "{} in a ticket of another thread: {:?}",
        strangers.len(),
        strangers.first()
    );
}
