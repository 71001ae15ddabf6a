//! What is fuzzed: each target takes damaged octets and panics where a promise of `intake` breaks.

use mailward::domain::account::AuthEvidence;
use mailward::domain::address::{EmailAddress, Mailbox};
use mailward::domain::message::{InboundMessage, ReversePath};
use mailward::domain::text::RawText;
use mailward::intake::markup::{Token, Tokens};
use mailward::intake::{
    self, ReadSettings, attachments, bounce, charset, classify, language, limits, parse, render, robot,
    sanitise, visible,
};

/// A target: its name, what it is fed with, what it does.
pub struct Target {
    pub name: &'static str,
    pub food: Food,
    pub run: fn(&[u8]),
}

/// Which part of a fixture a target is fed with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Food {
    Mail,
    Body,
    Html,
}

/// The targets; a run goes round them in turn.
pub const TARGETS: [Target; 6] = [
    Target { name: "parse", food: Food::Mail, run: parse },
    Target { name: "classify", food: Food::Mail, run: classify },
    Target { name: "visible", food: Food::Body, run: visible },
    Target { name: "sanitise", food: Food::Html, run: sanitise },
    Target { name: "bounce", food: Food::Mail, run: bounce },
    Target { name: "understand", food: Food::Mail, run: understand },
];

const SETTINGS: ReadSettings<'static> =
    ReadSettings { auth: &AuthEvidence::None, own_addresses: &[], own_lists: &[], fields: &[] };

/// A mail taken apart, and as much of a message as classifying asks for.
fn taken_apart(bytes: &[u8], with: impl FnOnce(&parse::Mail<'_>, InboundMessage)) {
    if limits::check(bytes).is_err() {
        return;
    }
    let mut defects = Vec::new();
    let bytes = parse::prepare(bytes, &mut defects);
    if limits::check(&bytes).is_err() {
        return;
    }
    let Ok(mail) = parse::parse(&bytes, defects) else { return };
    let headers = &mail.headers;
    let message = InboundMessage {
        from: headers.mailboxes("from", limits::RECIPIENTS).into_iter().next(),
        to: headers.mailboxes("to", limits::RECIPIENTS),
        subject: RawText::new(headers.text("subject").unwrap_or_default()),
        ..InboundMessage::default()
    };
    with(&mail, message);
}

fn parse(bytes: &[u8]) {
    taken_apart(bytes, |mail, _| {
        assert!(mail.text.len() <= limits::TEXT_BYTES, "text is bounded");
        assert!(!mail.text.contains('\0'), "no NUL in text");
        for attachment in attachments::describe(&mail.message) {
            let name = attachment.name.expose();
            assert!(!name.contains(['/', '\\', '\0', '\n']), "an attachment's name is safe");
        }
    });
}

fn classify(bytes: &[u8]) {
    taken_apart(bytes, |mail, message| {
        let verdict = classify::classify(mail, &message, None, false);
        assert!(!verdict.reasons.is_empty(), "a class has a reason");
        let signs = robot::signs(&mail.headers, &message, false, &SETTINGS);
        assert!(signs.is_sorted(), "signs are sorted");
    });
}

/// Every notice is read as one of a daemon, so that the prose is always looked at.
fn bounce(bytes: &[u8]) {
    taken_apart(bytes, |mail, mut message| {
        let address = EmailAddress::parse("mailer-daemon@relay.example").ok();
        message.from = address.map(|address| Mailbox { name: None, address });
        message.reverse_path = ReversePath::Null;
        let Some(report) = bounce::read(mail, &message) else { return };
        assert!(report.recipients.len() <= limits::FAILED_RECIPIENTS, "recipients are bounded");
        for code in report.recipients.iter().filter_map(|r| r.status.as_deref()) {
            let known = code.starts_with(['2', '4', '5']) && code.matches('.').count() == 2;
            assert!(known, "a status has the form of RFC 3463: {code}");
        }
    });
}

fn visible(bytes: &[u8]) {
    let (text, _) = charset::decode(bytes, Some("utf-8"));
    let text = charset::clean(&text);
    let html = text.trim_start().starts_with('<');
    let seen = if html { visible::reply_html(&text) } else { visible::reply_text(&text) };
    let source = if html { render::text(&text) } else { text };
    assert_eq!(seen.visible.trim().is_empty(), source.trim().is_empty(), "never leaves nothing");
    let _ = language::tell(&seen.visible);
}

fn sanitise(bytes: &[u8]) {
    let (text, _) = charset::decode(bytes, Some("utf-8"));
    let once = sanitise::html(&text);
    assert_eq!(sanitise::html(&once.html).html, once.html, "idempotent");
    for token in Tokens::new(&once.html) {
        let Token::Open(tag) = token else { continue };
        let active =
            matches!(tag.name.as_str(), "script" | "style" | "iframe" | "svg" | "math" | "form" | "base");
        let handler =
            ["onerror", "onload", "onclick", "style"].iter().any(|name| tag.attribute(name).is_some());
        let link = tag.attribute("href").unwrap_or_default().trim().to_lowercase();
        assert!(!active && !handler && !link.starts_with("javascript:"), "nothing active is left");
        assert!(tag.attribute("src").is_none_or(|src| src.starts_with("cid:")), "nothing remote is left");
    }
}

fn understand(bytes: &[u8]) {
    let Ok(message) = intake::understand(bytes, &SETTINGS) else { return };
    assert!(message.class.is_some(), "every mail has a class");
    assert!(message.defects.is_sorted(), "defects are sorted");
}
