//! The bytes, read back by another parser: one desk, a fixed instant, seeded randomness.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeZone as _, Utc};
use mail_parser::{Address, HeaderValue, MessageParser};

use super::testing::*;
use super::*;
use crate::domain::agent_mail::{self, MARKER};
use crate::domain::calendar::Calendar;
use crate::domain::ids::DeskName;
use crate::domain::message::Language;
use crate::domain::outgoing::{Notice, Recipient, Suppression};
use crate::domain::token::{Purpose, Token};

pub(super) fn at(day: u32, hour: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, day, hour, 5, 9).unwrap()
}

fn desk() -> Desk {
    let calendar = Calendar {
        name: "test".into(),
        zone: chrono_tz::America::Chicago,
        weekly: BTreeMap::new(),
        holidays: BTreeSet::new(),
        years: (2026, 2026),
    };
    let address = EmailAddress::parse("support@imaging.example").unwrap();
    let mut desk = Desk::new(DeskName::parse("imaging").unwrap(), address, Arc::new(calendar));
    desk.from_name = "Imaging Support".into();
    desk.languages = Language::ALL.to_vec();
    desk.after_hours.emergency_phone = Some("+1 312 555 0100".into());
    desk
}

/// What may differ between two mails of a test.
struct Setting {
    desk: Desk,
    carrier: TokenCarrier,
    subaddress: Option<char>,
    reverse_path: ReversePathPolicy,
    to: Mailbox,
    references: Vec<MessageId>,
    templates: Templates,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            desk: desk(),
            carrier: TokenCarrier::Plus,
            subaddress: Some('+'),
            reverse_path: ReversePathPolicy::Null,
            to: Mailbox {
                name: Some("BUY NOW at spam.example".into()),
                address: EmailAddress::parse("pat@clinic.example").unwrap(),
            },
            references: vec![MessageId::parse("first@clinic.example").unwrap()],
            templates: Templates::embedded(),
        }
    }
}

fn keys() -> TokenKeys {
    TokenKeys::new(vec![(1, [7; 32])]).unwrap()
}

fn number() -> TicketNumber {
    TicketNumber::new(123).unwrap()
}

fn outgoing(notice: Notice, language: Language) -> Outgoing {
    Outgoing {
        notice,
        to: Recipient::Participant(ParticipantNo::new(1).unwrap()),
        language,
        in_reply_to: Some(MessageId::parse("last@clinic.example").unwrap()),
        suppressed: None,
    }
}

fn mint_with(setting: &Setting, outgoing: &Outgoing) -> Minted {
    try_mint(setting, outgoing).unwrap()
}

fn try_mint(setting: &Setting, outgoing: &Outgoing) -> Result<Minted, ComposeError> {
    let random = Random::seeded(1);
    mint(&MintRequest {
        id: OutboxId::from_slice(&[1; 16]).unwrap(),
        desk: &setting.desk,
        carrier: setting.carrier,
        subaddress: setting.subaddress,
        reverse_path: setting.reverse_path,
        number: Some(number()).filter(|_| !of_no_ticket(&outgoing.notice)),
        participant: ParticipantNo::new(1).unwrap(),
        to: &setting.to,
        outgoing,
        references: &setting.references,
        keys: &keys(),
        templates: &setting.templates,
        now: at(2, 15),
        random: &random,
    })
}

fn of_no_ticket(notice: &Notice) -> bool {
    matches!(notice, Notice::Held { .. } | Notice::Review { .. })
}

fn mint_one(notice: Notice, language: Language) -> Minted {
    mint_with(&Setting::default(), &outgoing(notice, language))
}

fn parsed(minted: &Minted) -> mail_parser::Message<'_> {
    MessageParser::default().parse(&minted.bytes).unwrap()
}

fn header<'a>(mail: &'a mail_parser::Message<'_>, name: &'a str) -> Option<&'a str> {
    mail.header_raw(name).map(str::trim)
}

fn only_address<'a>(address: Option<&'a Address<'_>>) -> (Option<&'a str>, &'a str) {
    let all: Vec<_> = address.unwrap().iter().collect();
    assert_eq!(all.len(), 1);
    (all[0].name(), all[0].address().unwrap())
}

/// The rules of the wire that hold for every mail (RFC 5321 4.5.3.1.6, RFC 5322 2.1.1).
fn assert_sound(minted: &Minted) {
    let text = std::str::from_utf8(&minted.bytes).unwrap();
    assert!(text.is_ascii());
    assert!(text.ends_with("\r\n"));
    for line in text.split_inclusive('\n') {
        assert!(line.ends_with("\r\n") && line.len() <= 1000, "{line:?}");
        assert!(!line.trim_end_matches("\r\n").contains(['\r', '\n', '\0']), "{line:?}");
    }
}

#[test]
fn every_notice_in_every_language_reads_as_agreed() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../fixtures/golden/compose");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for language in Language::ALL {
        let mut golden = Vec::new();
        for (name, notice) in every_notice() {
            let minted = mint_one(notice, language);
            assert_sound(&minted);
            let mail = parsed(&minted);
            let head = String::from_utf8_lossy(&minted.bytes);
            let head = head.split("\r\n\r\n").next().unwrap().replace("\r\n", "\n");
            let subject = mail.subject().unwrap();
            golden.push(format!("==== {name}\n{head}\n\n---- subject\n{subject}\n---- text\n"));
            golden.push(mail.body_text(0).unwrap().replace("\r\n", "\n"));
            if mail.html_body_count() > 0 && mail.parts.len() > 1 {
                let html = mail.body_html(0).unwrap().replace("\r\n", "\n");
                golden.push(format!("---- html\n{html}"));
            }
        }
        settings.bind(|| insta::assert_snapshot!(language.as_str(), golden.concat()));
    }
}

#[test]
fn headers_say_what_rfc_3834_and_the_desk_ask_for() {
    for (name, notice) in every_notice() {
        let (automatic, to_customer) = (notice.automatic(), notice.to_customer());
        let replied = matches!(
            notice,
            Notice::Received { .. }
                | Notice::Held { .. }
                | Notice::Reopened
                | Notice::Status { .. }
                | Notice::AgentRefusal { .. }
        );
        let minted = mint_one(notice, Language::En);
        let mail = parsed(&minted);
        let want = automatic.then_some(if replied { "auto-replied" } else { "auto-generated" });
        assert_eq!(header(&mail, "Auto-Submitted"), want, "{name}");
        assert_eq!(header(&mail, "X-Auto-Response-Suppress"), automatic.then_some("All"), "{name}");
        assert_eq!(header(&mail, LOOP_HEADER), Some("imaging"));
        for absent in ["Precedence", "List-Id", "List-Unsubscribe", "Sender", "Cc", "Bcc"] {
            assert_eq!(header(&mail, absent), None, "{name} {absent}");
        }
        assert_eq!(mail.date().unwrap().to_timestamp(), at(2, 15).timestamp());
        assert_eq!(mail.message_id(), Some(minted.message_id.expose()));
        assert_eq!(mail.in_reply_to().as_text(), Some("last@clinic.example"));
        let (from, address) = only_address(mail.from());
        assert_eq!(address, "support@imaging.example");
        let agent = name.starts_with("answer") || name.starts_with("resolved");
        assert_eq!(from, Some(if agent { "Mary O'Neil (Imaging Support)" } else { "Imaging Support" }));
        assert_eq!(mail.parts.len(), if to_customer { 3 } else { 1 }, "{name}");
        let of_ticket = !matches!(name, "held" | "review" | "page_storm");
        assert_eq!(mail.subject().unwrap().contains("[#123]"), of_ticket, "{name}");
    }
}

#[test]
fn l16_no_word_of_an_outsider_comes_back() {
    let minted = mint_one(received(), Language::En);
    let mail = parsed(&minted);
    assert_eq!(only_address(mail.to()), (None, "pat@clinic.example"));
    assert_eq!(mail.subject(), Some("[#123] We have received your message"));
    assert!(!String::from_utf8_lossy(&minted.bytes).contains("BUY"));
    // Its twin: what the decision allows is shown, and only there.
    let (_, allowed) = every_notice().remove(1);
    let minted = mint_one(allowed, Language::En);
    let want = "[#123] We have received your message: Viewer fails for [NAME]";
    assert_eq!(parsed(&minted).subject(), Some(want));
}

#[test]
fn a_breach_desk_acknowledges_without_subject_or_promise() {
    let setting = Setting {
        templates: Templates::with_overrides(BTreeMap::from([(
            "en/restricted.txt".to_owned(),
            "{{ number }}{{ arrived }}".to_owned(),
        )]))
        .unwrap(),
        ..Setting::default()
    };
    let (_, notice) = every_notice().remove(2);
    for setting in [Setting::default(), setting] {
        let minted = mint_with(&setting, &outgoing(notice.clone(), Language::En));
        let text = String::from_utf8_lossy(&minted.bytes).replace("=\r\n", "");
        assert!(!text.contains("never shown") && !text.contains("answer by"));
        assert_eq!(minted.kind, "received");
    }
}

#[test]
fn l24_a_customers_mail_has_no_variable_of_an_agents() {
    let internal = ["event", "reasons", "attachments", "marker", "end_marker", "why"];
    let to_customers = ["received", "restricted", "assigned", "reopened", "status", "answer", "resolved"];
    for notice in to_customers.into_iter().chain(["reminder", "closed", "held", "duplicate", "progress"]) {
        for (name, _) in words::variables(notice) {
            assert!(!internal.contains(&name), "{notice} {name}");
        }
    }
    for (name, notice) in every_notice() {
        let customer = notice.to_customer();
        let minted = mint_one(notice, Language::En);
        let text = parsed(&minted).body_text(0).unwrap().into_owned();
        let acts = matches!(name, "notification" | "refusal");
        let to_agent = !customer && acts;
        assert_eq!(text.contains(MARKER), to_agent, "{name}");
    }
}

#[test]
fn the_list_of_variables_and_their_values_agree() {
    for (name, notice) in every_notice() {
        let mut want: Vec<_> =
            words::variables(words::template(&notice)).map(|(name, _)| name.to_owned()).collect();
        let of_ticket = Some(number()).filter(|_| !of_no_ticket(&notice));
        let mut got = words::names_of(&words::context(&notice, &desk(), of_ticket, Language::En));
        want.sort();
        got.sort();
        assert_eq!(got, want, "{name}");
    }
}

#[test]
fn l24_the_quoted_notification_leaves_nothing_in_an_answer() {
    let canary = "CANARY-7731";
    let minted = mint_one(notification(canary, canary), Language::En);
    let text = parsed(&minted).body_text(0).unwrap().into_owned();
    let quoted: Vec<String> = text.lines().map(|line| format!("> {line}")).collect();
    let quoted = quoted.join("\n");
    let answer = format!("#resolve\n\nAll done.\n\nOn Mon, 2 Mar 2026, Imaging Support wrote:\n\n{quoted}");
    let read = agent_mail::read(&answer);
    assert_eq!((read.words.as_str(), read.commands.len()), ("All done.", 1));
    let leaked = Notice::Answer { text: public(&answer), agent_name: "Mary".into(), eta: None };
    let refused = try_mint(&Setting::default(), &outgoing(leaked, Language::En));
    assert!(matches!(refused, Err(ComposeError::Notification)));
}

#[test]
fn l35_reverse_path() {
    let desk_address = "support@imaging.example";
    let check = |policy, carrier, want_automatic: Option<&str>, want_answer: &str| {
        for (name, notice) in every_notice().into_iter().filter(|(_, notice)| !of_no_ticket(notice)) {
            let setting = Setting { reverse_path: policy, carrier, ..Setting::default() };
            let minted = mint_with(&setting, &outgoing(notice, Language::En));
            let got = minted.reverse_path.as_ref().map(EmailAddress::expose);
            let want = if minted.automatic { want_automatic } else { Some(want_answer) };
            assert_eq!(got, want, "{policy:?} {carrier:?} {name}");
        }
    };
    let bounce = keys().mint(Token {
        purpose: Purpose::Bounce,
        ticket: number(),
        participant: ParticipantNo::new(1).unwrap(),
    });
    let verp = format!("support+{bounce}@imaging.example");
    let caught = format!("{bounce}@imaging.example");
    check(ReversePathPolicy::Null, TokenCarrier::Plus, None, desk_address);
    check(ReversePathPolicy::Desk, TokenCarrier::Plus, Some(desk_address), desk_address);
    check(ReversePathPolicy::Verp, TokenCarrier::Plus, Some(&verp), &verp);
    check(ReversePathPolicy::Verp, TokenCarrier::Catchall, Some(&caught), &caught);
    check(ReversePathPolicy::Verp, TokenCarrier::ReferencesOnly, Some(desk_address), desk_address);
}

#[test]
fn l37_the_token_travels_as_the_account_can_carry_it() {
    let check = |address: &str, carrier, subaddress, signed: bool| {
        let mut setting = Setting { carrier, subaddress, ..Setting::default() };
        setting.desk.address = EmailAddress::parse(address).unwrap();
        for (notice, purpose) in [(received(), Purpose::Reply), (notification("x", "x"), Purpose::Agent)] {
            let minted = mint_with(&setting, &outgoing(notice, Language::En));
            let mail = parsed(&minted);
            let (_, reply_to) = only_address(mail.reply_to());
            let local = reply_to.rsplit_once('@').unwrap().0;
            assert!(local.len() <= 64, "{local}");
            let own = Some(Token { purpose, ticket: number(), participant: ParticipantNo::new(1).unwrap() });
            let token = local.rsplit(['+', '-']).next().unwrap();
            assert_eq!(keys().verify(token), own.filter(|_| signed), "{address} {carrier:?}");
            if !signed {
                assert_eq!(reply_to, address);
            }
            // L36: Message-ID and the first reference carry it in any case.
            for id in [minted.message_id.expose(), references(&mail)[0]] {
                assert_eq!(keys().verify(id.split('.').next().unwrap()), own);
            }
        }
    };
    check("support@imaging.example", TokenCarrier::Plus, Some('+'), true);
    check("support@imaging.example", TokenCarrier::Plus, Some('-'), true);
    check("support@imaging.example", TokenCarrier::Plus, None, false);
    check("support@imaging.example", TokenCarrier::Catchall, None, true);
    check("support@imaging.example", TokenCarrier::ReferencesOnly, Some('+'), false);
    check("nineteen-characters@imaging.example", TokenCarrier::Plus, Some('+'), true);
    check("twenty-characters-xx@imaging.example", TokenCarrier::Plus, Some('+'), false);
    let address = |local: &str| EmailAddress::parse(&format!("{local}@imaging.example")).unwrap();
    assert!(carries(&address("nineteen-characters"), TokenCarrier::Plus, Some('+')));
    assert!(!carries(&address("twenty-characters-xx"), TokenCarrier::Plus, Some('+')));
    assert!(!carries(&address("support"), TokenCarrier::Plus, None));
}

fn references<'a>(mail: &'a mail_parser::Message<'_>) -> Vec<&'a str> {
    match mail.references() {
        HeaderValue::Text(one) => vec![one.as_ref()],
        HeaderValue::TextList(all) => all.iter().map(AsRef::as_ref).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn l36_references_name_the_signed_root_first_and_lend_no_token() {
    let of = |purpose, participant| {
        keys().mint(Token {
            purpose,
            ticket: number(),
            participant: ParticipantNo::new(participant).unwrap(),
        })
    };
    let own = format!("{}.root@imaging.example", of(Purpose::Reply, 1));
    let thread = [
        "first@clinic.example".to_owned(),
        format!("{}.abc@imaging.example", of(Purpose::Reply, 1)),
        format!("{}.abc@imaging.example", of(Purpose::Reply, 2)),
        format!("{}.abc@imaging.example", of(Purpose::Agent, 1)),
        own.clone(),
        "not-ascii-é@clinic.example".to_owned(),
        format!("{}@clinic.example", "l".repeat(900)),
        "last@clinic.example".to_owned(),
        "later@clinic.example".to_owned(),
    ];
    let references_of = |thread: &[String]| {
        let ids = thread.iter().map(|id| MessageId::parse(id).unwrap()).collect();
        let setting = Setting { references: ids, ..Setting::default() };
        let minted = mint_with(&setting, &outgoing(received(), Language::En));
        assert_sound(&minted);
        references(&parsed(&minted)).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let want = [&own, &thread[0], &thread[1], &thread[8], &thread[7]].map(String::clone);
    assert_eq!(references_of(&thread), want);
    let long: Vec<String> = (0..500).map(|n| format!("{n}@clinic.example")).collect();
    let got = references_of(&long);
    assert_eq!(got.len(), 18);
    assert_eq!((got[0].as_str(), got[1].as_str()), (own.as_str(), "0@clinic.example"));
    assert_eq!(got[17], "last@clinic.example");
}

#[test]
fn no_name_or_subject_can_add_a_header() {
    let hostile = [
        "a\r\nBcc: victim@clinic.example\r\n\r\nbody",
        "\" <evil@clinic.example>, \"b",
        "back\\slash\\",
        "Übung\r\nBcc: x@clinic.example",
        "=?utf-8?q?=0d=0aBcc:_x@clinic.example?=",
        "\u{202e}gpj.exe\u{200b}\0\u{7}",
        "é",
        "漢字🩺",
        " \t ",
        "",
    ];
    let long = ["x".repeat(500), "é".repeat(500), "word ".repeat(100), "\"\\".repeat(250)];
    for text in hostile.into_iter().chain(long.iter().map(String::as_str)) {
        let mut setting = Setting::default();
        setting.desk.from_name = text.to_owned();
        let answer = Notice::Answer { text: public(text), agent_name: text.to_owned(), eta: None };
        for notice in [answer, notification(text, text), received()] {
            let minted = mint_with(&setting, &outgoing(notice, Language::Es));
            assert_sound(&minted);
            let mail = parsed(&minted);
            assert!(mail.header("Bcc").is_none(), "{text:?}");
            assert_eq!(only_address(mail.to()).1, "pat@clinic.example");
            let (name, address) = only_address(mail.from());
            assert_eq!(address, "support@imaging.example", "{text:?}");
            assert!(name.is_none_or(|n| !n.contains(['\r', '\n']) && n.chars().count() <= 210));
            assert!(mail.subject().unwrap().chars().count() <= 190);
        }
    }
    // Its twin: an ordinary name comes through unchanged.
    let mut setting = Setting::default();
    setting.desk.from_name = "Suporte \"Clínica\" 漢字".to_owned();
    let minted = mint_with(&setting, &outgoing(received(), Language::Pt));
    assert_eq!(only_address(parsed(&minted).from()).0, Some("Suporte \"Clínica\" 漢字"));
}

#[test]
fn an_agents_words_arrive_as_written() {
    let long = format!("{} https://portal.example/{} end", "word ".repeat(40), "p".repeat(900));
    let words =
        ["First line\nsecond <b>line</b> & more\n\nÜber \"quotes\" 漢字", "{{ number }} {% if %}", &long];
    for text in words {
        let answer = Notice::Answer { text: public(text), agent_name: "Ana".into(), eta: None };
        let minted = mint_one(answer, Language::En);
        assert_sound(&minted);
        let mail = parsed(&minted);
        let plain = mail.body_text(0).unwrap();
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat(&plain).starts_with(&flat(text)), "{plain}");
        let wrapped = plain.lines().all(|line| line.chars().count() <= 76 || !line.contains(' '));
        assert!(wrapped, "{plain}");
        let html = mail.body_html(0).unwrap();
        assert!(!html.contains("<b>") && !html.contains("http-equiv") && !html.contains("src="));
    }
}

#[test]
fn the_same_request_gives_the_same_bytes() {
    for (_, notice) in every_notice() {
        let (one, two) = (mint_one(notice.clone(), Language::It), mint_one(notice, Language::It));
        assert_eq!(one.bytes, two.bytes);
        assert_eq!(one.message_id, two.message_id);
    }
}

#[test]
fn a_suppressed_mail_has_an_identifier_and_no_bytes() {
    let mut mail = outgoing(received(), Language::En);
    mail.suppressed = Some(Suppression::Cap);
    let minted = mint_with(&Setting::default(), &mail);
    assert!(minted.bytes.is_empty());
    assert_eq!(minted.suppressed, Some(Suppression::Cap));
}

#[test]
fn an_overriding_text_is_used() {
    let texts = BTreeMap::from([
        ("en/received.subject".to_owned(), "[#{{ number }}] Got it".to_owned()),
        ("en/received.txt".to_owned(), "Number {{ number }}, {{ desk }}".to_owned()),
    ]);
    let setting = Setting { templates: Templates::with_overrides(texts).unwrap(), ..Setting::default() };
    let minted = mint_with(&setting, &outgoing(received(), Language::En));
    let mail = parsed(&minted);
    assert_eq!(mail.subject(), Some("[#123] Got it"));
    assert_eq!(mail.body_text(0).unwrap().trim(), "Number 123, Imaging Support");
    assert!(mail.body_html(0).unwrap().contains("Thank you"));
}
