//! Notices of mail programs and providers in `fixtures/vectors/bounces.json`, one a dialect, written
//! for that table in the form each of them writes: who was not reached, with which status, for good
//! or for now; and mail of people that must not be taken for one.

use serde_json::{Value, json};

use crate::domain::account::AuthEvidence;
use crate::domain::message::{InboundMessage, MessageClass};
use crate::intake::{ReadSettings, understand};

fn read(mail: &str) -> InboundMessage {
    let settings =
        ReadSettings { auth: &AuthEvidence::None, own_addresses: &[], own_lists: &[], fields: &[] };
    understand(mail.as_bytes(), &settings).unwrap()
}

fn notice(from: &str, subject: &str, body: &str) -> InboundMessage {
    read(&format!(
        "From: {from}\nTo: help@desk.example\nSubject: {subject}\nMessage-ID: <n@relay.example>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{body}\n"
    ))
}

#[test]
fn every_dialect_tells_whom_why_and_for_how_long() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/vectors/bounces.json");
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        let word = |key: &str| case[key].as_str().unwrap();
        let message = notice(word("from"), word("subject"), word("text"));
        let bounce = message.bounce.clone().unwrap_or_default();
        let got = json!({
            "class": message.class.unwrap().as_str(),
            "recipients": bounce.recipients.iter().map(|r| r.address.expose()).collect::<Vec<_>>(),
            "status": bounce.recipients.first().and_then(|r| r.status.clone()),
            "permanent": bounce.permanent,
        });
        let want = json!({
            "class": "bounce", "recipients": case["recipients"], "status": case["status"],
            "permanent": case["permanent"],
        });
        if got != want {
            wrong.push(format!("{case}\n=> {got}"));
        }
    }
    assert!(
        cases.len() > 50 && wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

#[test]
fn what_comes_without_a_daemons_name() {
    // The reverse-path is null, and the subject or text says what became of the mail.
    for (subject, body, status) in [
        ("Undeliverable mail", "Mail to kim@clinic.example could not be delivered: user unknown", "5.1.1"),
        ("Mail not delivered", "kim@clinic.example: mailbox full", "5.2.2"),
    ] {
        let message = read(&format!(
            "Return-Path: <>\nFrom: System <robot@relay.example>\nTo: help@desk.example\nSubject: {subject}\n\n{body}\n"
        ));
        assert_eq!(message.class, Some(MessageClass::Bounce), "{subject}");
        let bounce = message.bounce.unwrap();
        assert_eq!(bounce.recipients[0].address.expose(), "kim@clinic.example");
        assert_eq!(bounce.recipients[0].status.as_deref(), Some(status));
    }
}

#[test]
fn people_who_write_about_undelivered_mail_are_people() {
    for (subject, body) in [
        ("Undelivered mail", "Hello, my mail to kim@clinic.example was not delivered, what can I do?"),
        (
            "Re: Undelivered Mail Returned to Sender",
            "I got this for kim@clinic.example. 550 user unknown. Please help.",
        ),
        (
            "Delivery failure of the results",
            "The lab results of yesterday could not be delivered to the ward.",
        ),
        ("Falha na entrega", "A entrega do equipamento falhou, ninguém estava na recepção."),
        ("Mailbox full", "Your mailbox is full they tell me, please enlarge it."),
        ("User unknown", "When I log in it says user unknown."),
    ] {
        let message = notice("Mary Major <mary@clinic.example>", subject, body);
        assert_eq!(message.class, Some(MessageClass::Human), "{subject}");
    }
}
