//! The three walkthroughs of docs/ARCHITECTURE.md, each with the test of its name: the real binary on
//! SQLite, mailboxes and outgoing mail as folders.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::app::{App, Post};
use crate::harness::SunkMail;
use crate::journey_world::{Answer, Shape, reply};

const MARY: &str = "mary.major@lakeside.example";
const ANA: &str = "ana@team.example";
const MONDAY: &str = "2025-02-03T15:00:00Z";

fn office() -> App {
    App::new(None, &Post::Folders)
}

/// Puts a mail into the desk's mailbox and lets the workers run at this instant.
fn arrives(app: &App, at: &str, name: &str, mail: &[u8]) {
    std::fs::write(app.path("mailbox/imaging").join(name), mail).unwrap();
    app.idle_at(at);
}

fn first() -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/journey/first.eml")).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == "eml")).collect()
}

/// The mails that were sent to one person, by subject.
fn sent(app: &App, who: &str) -> Vec<SunkMail> {
    let all = files(&app.path("sent")).into_iter().map(|path| SunkMail {
        from: String::new(),
        parameters: String::new(),
        to: vec![who.to_owned()],
        bytes: std::fs::read(path).unwrap(),
        session: 0,
    });
    all.filter(|mail| mail.text().contains(&format!("\r\nTo: {who}\r\n"))).collect()
}

fn about(app: &App, who: &str, words: &str) -> SunkMail {
    let mut found = sent(app, who).into_iter().filter(|mail| mail.text().contains(words));
    found.next().unwrap_or_else(|| panic!("{who} got nothing with {words:?}"))
}

fn answered(app: &App, at: &str, (who, to): (&str, &str), words: &str) {
    let (_, mail) = reply(&about(app, who, to), &Answer { from: who, words, shape: Shape::Plain });
    arrives(app, at, "answer.eml", mail.as_bytes());
}

fn ticket(app: &App, number: i64) -> Value {
    app.json(&["ticket", "show", &number.to_string()]).remove(0)
}

fn tickets(app: &App) -> usize {
    app.json(&["ticket", "list"]).len()
}

#[test]
fn walkthrough_a_first_mail() {
    let app = office();
    arrives(&app, MONDAY, "first.eml", &first());

    // 1, 2: one durable row that ended in exactly one state with a reason; the original is sealed.
    let ledger = app.json(&["ledger", "list"]);
    assert_eq!(ledger.len(), 1);
    assert_eq!((&ledger[0]["state"], &ledger[0]["reason"]), (&"committed".into(), &"new".into()));
    // 3, 4, 5: understood, redacted, decided.
    let shown = ticket(&app, 1);
    assert_eq!((&shown["state"], &shown["priority"]), (&"new".into(), &"high".into()));
    assert_eq!(shown["messages"][0]["original"], "sealed");
    let text = shown["messages"][0]["text"].as_str().unwrap();
    assert!(text.contains("several of our users") && text.contains("[ID-1]") && !text.contains("536-22"));
    let roles: Vec<_> = shown["participants"].as_array().unwrap().iter().map(|p| &p["role"]).collect();
    assert_eq!(roles, ["requester", "participant", "agent", "agent"]);
    // 6: only now it left the mailbox, and the ledger remembers that.
    assert_eq!(files(&app.path("mailbox/imaging")), Vec::<PathBuf>::new());
    // 7: one acknowledgment to the requester alone, one notification an agent.
    assert_eq!(sent(&app, MARY).len(), 1);
    assert_eq!(sent(&app, ANA).len(), 1);
    assert_eq!(sent(&app, "bob@team.example").len(), 1);
    assert_eq!(files(&app.path("sent")).len(), 3);
    let rows = app.outbox(&["sent"]);
    assert_eq!(rows.iter().filter(|row| row["kind"] == "received").count(), 1);

    // The same mail once more changes nothing.
    arrives(&app, "2025-02-03T15:01:00Z", "again.eml", &first());
    assert_eq!((tickets(&app), files(&app.path("sent")).len()), (1, 3));
    app.finish();
}

#[test]
fn walkthrough_a_reply() {
    let app = office();
    arrives(&app, MONDAY, "first.eml", &first());
    answered(&app, "2025-02-03T15:10:00Z", (MARY, "We have received"), "A detail.");
    let shown = ticket(&app, 1);
    assert_eq!(shown["messages"][1]["text"], "A detail.");
    assert_eq!(sent(&app, MARY).len(), 1, "no second acknowledgment");
    assert_eq!(sent(&app, ANA).len(), 2);

    // The agent's words go to the customer, the notification that they quote does not.
    answered(&app, "2025-02-03T15:20:00Z", (ANA, "New ticket"), "Please try again.");
    let answer = about(&app, MARY, "Please try again.").text();
    assert!(!answer.contains("write above this line") && !answer.contains("likely identifiers"), "{answer}");
    assert_eq!(ticket(&app, 1)["state"], "pending");
    answered(&app, "2025-02-03T15:30:00Z", (MARY, "Please try again."), "No better.");
    assert_eq!(ticket(&app, 1)["state"], "open");
    assert_eq!(tickets(&app), 1);

    // A stranger who writes the bare tag joins nothing.
    let stranger = b"From: x@elsewhere.example\nTo: support@example.net\nSubject: [#1] me too\n\
        Message-ID: <x@elsewhere.example>\n\nDoes it work again?\n";
    arrives(&app, "2025-02-03T15:40:00Z", "stranger.eml", stranger);
    assert_eq!(tickets(&app), 2);
    assert_eq!(ticket(&app, 1)["messages"].as_array().unwrap().len(), 4);

    // Long after the end, a reply opens a follow-up, linked.
    app.ok(&["ticket", "close", "1", "--as", "ana", "--at", "2025-02-03T16:00:00Z"]);
    answered(&app, "2025-02-17T15:59:00Z", (MARY, "Please try again."), "Within 14 days.");
    assert_eq!(ticket(&app, 1)["state"], "open");
    app.ok(&["ticket", "close", "1", "--as", "ana", "--at", "2025-02-17T16:00:00Z"]);
    answered(&app, "2025-03-03T16:01:00Z", (MARY, "Please try again."), "After 14 days.");
    assert_eq!((tickets(&app), &ticket(&app, 3)["follow_up_of"]), (3, &Value::from(1)));
    assert_eq!(ticket(&app, 1)["state"], "closed");
    app.finish();
}

/// A ticket that Ana answered on Tuesday noon and Mary was reminded of a day later.
fn reminded() -> App {
    let app = office();
    arrives(&app, MONDAY, "first.eml", &first());
    answered(&app, "2025-02-04T18:00:00Z", (ANA, "New ticket"), "Is it well again?");
    assert_eq!(ticket(&app, 1)["state"], "pending");
    app.idle_at("2025-02-05T17:59:59Z");
    assert_eq!(sent(&app, MARY).len(), 2, "a day and a second are left");
    app.idle_at("2025-02-05T18:00:00Z");
    about(&app, MARY, "We are waiting for your reply");
    app
}

#[test]
fn walkthrough_a_quiet_48_hours() {
    let app = reminded();
    app.idle_at("2025-02-06T17:59:59Z");
    assert_eq!(ticket(&app, 1)["state"], "pending");
    // L32: the clock alone does not close; somebody must have looked into every folder after it.
    let swept = app.json(&["sweep", "--at", "2025-02-06T18:00:00Z"]);
    assert_eq!(swept[0]["reason"], "close_waits_for_poll");
    assert_eq!(ticket(&app, 1)["state"], "pending");
    app.idle_at("2025-02-06T18:05:00Z");
    let shown = ticket(&app, 1);
    assert_eq!((&shown["state"], &shown["close_reason"]), (&"closed".into(), &"no_answer".into()));
    about(&app, MARY, "Your ticket is closed");
    answered(&app, "2025-02-07T15:00:00Z", (MARY, "Your ticket is closed"), "Not quite.");
    assert_eq!(ticket(&app, 1)["state"], "open");
    app.finish();

    // Its twin: a reply of the last second, fetched after it.
    let app = reminded();
    let ours = about(&app, MARY, "Is it well again?");
    let (_, mail) = reply(&ours, &Answer { from: MARY, words: "No.", shape: Shape::Plain });
    arrives(&app, "2025-02-06T18:05:00Z", "last.eml", mail.as_bytes());
    let shown = ticket(&app, 1);
    assert_eq!((&shown["state"], &shown["closed_at"]), (&"open".into(), &Value::Null));
    assert!(!sent(&app, MARY).iter().any(|mail| mail.text().contains("Your ticket is closed")));
    app.finish();
}
