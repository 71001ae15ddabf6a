//! Originals under lock, through the started program: labels, openings with an end, kinds that are never
//! shown, consent, legal hold, retention, what goes along to agents, keys that take over under load.

use serde_json::Value;

use crate::app::{App, DESK, Post};
use crate::harness::{Dovecot, Sink, servers};

const NINE: &str = "2026-03-02T15:00:00Z";
const RECORD: &str = "MSH|^~\\&|LAB\r\nPID|1||445566^^^HOSP||MAJOR^MARY";

/// A mail with three attachments: one that holds nobody, one that holds a patient, one that is a record.
fn mail(number: usize) -> String {
    let part = |name: &str, text: &str| {
        format!(
            "--x\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\r\n{text}\r\n"
        )
    };
    format!(
        "From: Pat <pat@lakeside.example>\r\nTo: {DESK}\r\nSubject: The viewer is slow\r\n\
         Message-ID: <c{number}@lakeside.example>\r\nDate: Mon, 2 Mar 2026 15:00:00 +0000\r\n\
         Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nIt does not open (case {number}).\r\n{}{}{}--x--\r\n",
        part("version.txt", "the viewer is of version 4.2"),
        part("Jane Placeholder.csv", "patient;ssn\r\nJane Placeholder;536-22-8741"),
        part("result.hl7", RECORD)
    )
}

fn app(tables: &str) -> App {
    let app = App::new(None, &Post::Folders);
    let desk = app.read("desks/imaging.toml");
    app.write("desks/imaging.toml", &format!("{desk}\n{tables}"));
    app
}

fn taken(app: &App, mail: &str) {
    app.write("mailbox/imaging/1.eml", mail);
    app.idle_at(NINE);
}

fn code(app: &App, arguments: &[&str]) -> i32 {
    app.run(arguments).code
}

fn flags(app: &App) -> Vec<String> {
    let shown = app.json(&["ticket", "show", "1"]);
    let attachments = shown[0]["messages"][0]["attachments"].as_array().unwrap().clone();
    let joined = |part: &Value| {
        part["flags"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect::<Vec<_>>().join(" ")
    };
    attachments.iter().map(joined).collect()
}

/// The notifications that went to someone, as they lie in the directory.
fn notifications(app: &App, to: &str) -> Vec<String> {
    let sent = std::fs::read_dir(app.path("sent")).unwrap().flatten();
    let mails = sent.map(|entry| std::fs::read_to_string(entry.path()).unwrap());
    mails.filter(|mail| mail.contains(&format!("To: {to}"))).collect()
}

#[test]
fn attachments_are_labelled_and_opened_by_the_rule() {
    let app = app("[reveal]\nminutes = 30\nnever = [\"medical-record\"]\n");
    taken(&app, &mail(1));
    let flags = flags(&app);
    assert_eq!(flags[0], "clean");
    assert!(flags[1].contains("found:NAME:") && flags[1].contains("found:ID:"), "{flags:?}");
    assert!(flags[2].contains("hl7") && flags[2].contains("record"), "{flags:?}");
    let told = notifications(&app, "ana@team.example").concat();
    assert!(told.contains("version.txt - text/plain, 1 KiB: clean"), "{told}");
    assert!(!told.contains("Placeholder") && !told.contains("536-22-8741"), "{told}");

    let at = |minute: &str| format!("2026-03-02T{minute}:00Z");
    let (now, later, over) = (at("15:01"), at("15:30"), at("15:32"));
    let why = ["--reason", "Pat asked for it"];
    let get = |which: &str, at: &str, more: &[&str]| {
        app.run(&[&["attachment", "1", which, "--as", "ana", "--at", at], more].concat())
    };
    assert_eq!(get("1", &now, &[]).code, 64, "no reason, no opening");
    let opened = get("1", &now, &why);
    assert_eq!(
        (opened.code, opened.stdout.trim_end()),
        (0, "the viewer is of version 4.2"),
        "{}",
        opened.stderr
    );
    assert!(opened.stderr.contains("open until 2026-03-02T15:31:00Z"), "{}", opened.stderr);
    let again = get("2", &later, &[]);
    assert!(again.code == 0 && again.stdout.contains("536-22-8741"), "the opening lasts: {}", again.stderr);
    assert_eq!(get("2", &over, &[]).code, 64, "and ends");
    let refused = get("3", &over, &why);
    assert!(refused.code == 65 && refused.stderr.contains("medical-record"), "{}", refused.stderr);
    assert_eq!(get("4", &over, &why).code, 65, "there is none");
    let stranger =
        app.run(&["attachment", "1", "1", "--as", "carla", "--at", &over, "--reason", "I would like to"]);
    assert_eq!(stranger.code, 65, "{}", stranger.stderr);

    let revealed = app.run(&["reveal", "1", "--at", &over, "--reason", "Pat asked for it"]);
    assert!(revealed.code == 0 && revealed.stdout.contains("536-22-8741"), "{}", revealed.stderr);
    assert!(!revealed.stdout.contains("MAJOR^MARY"), "the record is cut out");
    let trail = app.ok(&["audit", "show", "--ticket", "1"]);
    assert!(
        trail.contains("attachment") && trail.contains("reveal") && !trail.contains("Pat asked"),
        "{trail}"
    );
    app.finish();
}

#[test]
fn unimed_line_45_consent_opens_and_ends() {
    let app = app("[reveal]\nconsent = true\n");
    taken(&app, &mail(1));
    let reveal =
        |at: &str| code(&app, &["reveal", "1", "--as", "ana", "--at", at, "--reason", "Pat asked for it"]);
    assert_eq!(reveal("2026-03-02T15:01:00Z"), 65, "no consent is on record");
    let consent = [
        "ticket",
        "consent",
        "1",
        "--as",
        "ana",
        "--until",
        "2026-03-03T00:00:00Z",
        "--reason",
        "signed form",
    ];
    app.ok(&[&consent[..], &["--at", "2026-03-02T15:02:00Z"]].concat());
    assert_eq!(reveal("2026-03-02T15:03:00Z"), 0);
    assert_eq!(reveal("2026-03-03T00:00:00Z"), 65, "it is over");
    app.finish();
}

#[test]
fn a_breach_ticket_opens_to_its_desk_alone() {
    let app = app("");
    app.write("mailbox/breach/1.eml", &mail(1).replace(DESK, "breach@example.net"));
    app.idle_at(NINE);
    let reveal = |more: &[&str]| {
        code(
            &app,
            &[&["reveal", "1", "--at", "2026-03-02T15:01:00Z", "--reason", "an inquiry"], more].concat(),
        )
    };
    assert_eq!((reveal(&[]), reveal(&["--as", "ana"]), reveal(&["--as", "carla"])), (65, 65, 0));
    app.finish();
}

#[test]
fn only_what_was_found_clean_goes_along() {
    let app = app("[attachments]\nmail = \"pass-clean\"\n");
    taken(&app, &mail(1));
    let told = notifications(&app, "ana@team.example").concat();
    let octets = |text: &str| data_encoding::BASE64.encode(text.as_bytes());
    let head = |text: &str| octets(text).chars().take(12).collect::<String>();
    assert!(told.contains(&octets("the viewer is of version 4.2")), "{told}");
    assert!(told.contains("filename=\"version.txt\""), "{told}");
    assert!(!told.contains(&head("patient;ssn")) && !told.contains(&head(RECORD)), "{told}");
    let withheld = super::custody::app("");
    taken(&withheld, &mail(1));
    let told = notifications(&withheld, "ana@team.example").concat();
    assert!(
        !told.contains("multipart/mixed") && told.contains("version.txt"),
        "the twin: by default nothing goes"
    );
    app.finish();
    withheld.finish();
}

#[test]
fn originals_go_over_verified_tls_only() {
    let app = app("[attachments]\nmail = \"originals\"\ndomains = [\"team.example\"]\n");
    let done = app.run(&["check"]);
    assert!(done.code == 78 && done.stderr.contains("no verified TLS"), "{} {}", done.code, done.stderr);
    let desk = app.read("desks/imaging.toml").replace("mail = \"originals\"\n", "");
    app.write("desks/imaging.toml", &desk);
    assert_eq!(code(&app, &["check"]), 78, "domains without originals");
    app.write("desks/imaging.toml", &desk.replace("domains = [\"team.example\"]\n", ""));
    taken(&app, &mail(1));
    app.finish();
}

#[test]
fn a_text_too_large_for_the_redactor_is_withheld() {
    let app = app("");
    let long = "the patient is Jane Placeholder and the viewer is slow\r\n".repeat(20_000);
    taken(&app, &mail(1).replace("It does not open", &format!("{long}It does not open")));
    let shown = app.json(&["ticket", "show", "1"]);
    let message = &shown[0]["messages"][0];
    assert!(message["text"].as_str().unwrap().starts_with("[withheld: too_large;"), "{message}");
    assert_eq!(message["original"], "sealed");
    let told = notifications(&app, "ana@team.example").concat();
    assert!(told.contains("[withheld: too_large;") && !told.contains("Placeholder"), "{told}");
    let opened = app.ok(&["reveal", "1", "--at", "2026-03-02T15:01:00Z", "--reason", "Pat asked for it"]);
    assert!(opened.contains("Jane Placeholder and"), "the sealed original is whole");
    app.finish();
}

#[test]
fn hold_retention_and_erasure_by_command() {
    let app = app("[retention]\noriginals_days = 30\ntickets_days = 60\n");
    taken(&app, &mail(1));
    let act = |words: &[&str], at: &str| {
        app.run(&[words, &["1", "--as", "ana", "--reason", "a court asked", "--at", at]].concat())
    };
    assert_eq!(act(&["ticket", "hold"], "2026-03-02T16:00:00Z").code, 0);
    let refused = act(&["ticket", "erase"], "2026-03-02T16:01:00Z");
    assert!(refused.code == 65 && refused.stderr.contains("legal hold"), "{}", refused.stderr);
    app.ok(&["sweep", "--at", "2026-05-01T12:00:00Z"]);
    let original = || app.json(&["ticket", "show", "1"])[0]["messages"][0]["original"].clone();
    assert_eq!(original(), "sealed", "held");
    assert_eq!(act(&["ticket", "release"], "2026-05-01T13:00:00Z").code, 0);
    app.ok(&["sweep", "--at", "2026-05-01T14:00:00Z"]);
    assert_eq!(original(), "erased", "its thirty days were over");
    app.ok(&["ticket", "close", "1", "--as", "ana", "--at", "2026-05-01T15:00:00Z"]);
    let swept = |at: &str| app.ok(&["sweep", "--at", at]);
    assert!(!swept("2026-06-30T14:00:00Z").contains("retention"), "not before sixty days");
    assert!(swept("2026-06-30T16:00:00Z").contains("ticket 1: erased retention"));
    let shown = app.ok(&["ticket", "show", "1", "--expose"]);
    assert!(!shown.contains("pat@lakeside.example"), "{shown}");
    app.finish();
}

#[test]
fn keys_rotate_while_mail_comes_in() {
    let app = app("");
    for number in 0..30 {
        app.write(&format!("mailbox/imaging/{number:03}.eml"), &mail(number));
    }
    app.idle_at(NINE);
    let ring = app.ok(&["keys", "rotate"]);
    app.write("mailward.keys", &ring);
    let serving = app.serve();
    for number in 30..60 {
        app.write(&format!("tmp/{number:03}.eml"), &mail(number));
        std::fs::rename(
            app.path(&format!("tmp/{number:03}.eml")),
            app.path(&format!("mailbox/imaging/{number:03}.eml")),
        )
        .unwrap();
    }
    let early = app.run(&["keys", "retire", "1"]);
    assert!(early.code == 65 && early.stderr.contains("in use"), "{}", early.stderr);
    let walked = app.json(&["keys", "rewrap"]);
    assert!(walked.iter().all(|line| line["renewed"].as_i64() > Some(0)), "{walked:?}");
    crate::harness::eventually("all sixty are tickets", || app.json(&["ticket", "list"]).len() == 60);
    assert_eq!(serving.stop().0, 0);
    let status = app.json(&["keys", "status"]);
    assert_eq!(
        (&status[0]["state"], &status[1]["state"]),
        (&Value::from("may be retired"), &Value::from("current")),
        "{status:?}"
    );
    let again = app.json(&["keys", "rewrap"]);
    assert!(again.iter().all(|line| line["renewed"] == 0), "nothing is left to do: {again:?}");
    let retired = app.ok(&["keys", "retire", "1"]);
    app.write("mailward.keys", &retired);
    for number in ["1", "45"] {
        let opened = app.ok(&["reveal", number, "--reason", "is it still there"]);
        assert!(opened.contains("It does not open"), "{number}");
    }
    assert_eq!(app.json(&["audit", "verify"])[0]["ok"], true);
    app.ok(&["serve", "--until-idle"]);
    app.finish();
}

/// Erases the first of two tickets; gives what the command said of copies.
fn erased_on_server(after: &str) -> (Dovecot, Value) {
    let (dovecot, sink) = (Dovecot::start(&["support", "breach"]), Sink::start());
    let app = App::new(None, &Post::Servers { imap: dovecot.imap, smtp: sink.port });
    let configured =
        app.read("mailward.toml").replace("after = \"flag\"", &format!("{after}\nsent = \"Sent\""));
    app.write("mailward.toml", &configured);
    for number in [1, 2] {
        dovecot.deliver("support", mail(number).as_bytes());
    }
    app.ok(&["serve", "--until-idle"]);
    dovecot.create_folder("support", "Sent");
    for ours in sink.mails_to("pat@lakeside.example") {
        dovecot.append("support", "Sent", &ours.bytes, "02-Mar-2026 10:00:00 +0000");
    }
    // A stranger's mail under the same Message-ID is not ours to delete.
    let forged = mail(1).replace("It does not open", "Something else");
    dovecot.append(
        "support",
        if after.contains("move") { "Done" } else { "Sent" },
        forged.as_bytes(),
        "02-Mar-2026 10:00:00 +0000",
    );
    let said = app.ok(&["ticket", "erase", "1", "--as", "ana", "--reason", "Pat asked for it"]);
    app.finish();
    (dovecot, serde_json::from_str(&said).unwrap())
}

fn count(dovecot: &Dovecot, folder: &str) -> usize {
    dovecot.client("support").subjects(folder).len()
}

#[test]
fn erasing_takes_copies_off_the_server() {
    if !servers(&["dovecot"]) {
        return;
    }
    let (dovecot, said) = erased_on_server("after = \"flag\"");
    assert_eq!(
        (count(&dovecot, "INBOX"), count(&dovecot, "Sent")),
        (1, 2),
        "the other ticket's stay: {said}"
    );
    let (dovecot, said) = erased_on_server("after = \"move\"\nmove_to = \"Done\"");
    assert_eq!((count(&dovecot, "Done"), count(&dovecot, "Sent")), (2, 1), "the stranger's stays: {said}");
    assert!(said["server"].as_array().unwrap().iter().all(|copy| copy["unreached"].is_null()), "{said}");
}

#[test]
fn erasing_takes_files_and_says_what_it_does_not_reach() {
    let app = app("");
    taken(&app, &mail(1));
    app.write("mailbox/imaging/2.eml", &mail(2));
    app.idle_at(NINE);
    let files = || std::fs::read_dir(app.path("mailbox/imaging/processed")).unwrap().count();
    assert_eq!(files(), 2);
    let late = ["--at", "2026-03-02T16:00:00Z"];
    let erase = |number: &str| {
        app.run(
            &[&["ticket", "erase", number, "--as", "ana", "--reason", "Pat asked for it"], &late[..]]
                .concat(),
        )
    };
    let said = erase("1");
    assert!(said.code == 0 && said.stdout.contains("\"removed\":1"), "{}{}", said.stdout, said.stderr);
    assert_eq!(files(), 1, "the other ticket's mail stays");
    let piped = app.feed(&[&["ingest", "--desk", "imaging", "-"][..], &late].concat(), mail(3).as_bytes());
    assert_eq!(piped.code, 0, "{}", piped.stderr);
    let said = erase("3");
    assert!(
        said.stdout.contains("not_a_reader") && said.stderr.contains("are left to you"),
        "{}{}",
        said.stdout,
        said.stderr
    );
    app.finish();
}
