//! The stories of `fixtures/mail`, each with LF, CRLF and CR line ends, against `fixtures/vectors`;
//! and what no mail may do to the reader: panic, run on, lose its bounds.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;
use crate::domain::account::TokenCarrier;
use crate::domain::token::TokenKeys;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn vectors() -> Vec<Value> {
    serde_json::from_slice(&std::fs::read(root().join("vectors/mail.json")).unwrap()).unwrap()
}

fn stories() -> Vec<(String, Vec<u8>)> {
    let name = |v: &Value| v["file"].as_str().unwrap().to_owned();
    vectors()
        .iter()
        .map(name)
        .map(|n| (n.clone(), std::fs::read(root().join("mail").join(n)).unwrap()))
        .collect()
}

fn read(bytes: &[u8], authserv_id: &str) -> Result<InboundMessage, Refused> {
    let auth = AuthEvidence::Rfc8601 { authserv_ids: vec![authserv_id.to_owned()] };
    let own = [EmailAddress::parse("help@desk.example").unwrap()];
    let lists = ["help.desk.example".to_owned()];
    let label = |label: &str, name: &str| (label.to_owned(), name.to_owned());
    let fields = [label("Instance", "instance"), label("Prioridade", "priority")];
    understand(bytes, &ReadSettings { auth: &auth, own_addresses: &own, own_lists: &lists, fields: &fields })
}

fn with_ends(bytes: &[u8], end: &[u8]) -> Vec<u8> {
    bytes.split(|b| *b == b'\n').collect::<Vec<_>>().join(end)
}

/// Everything a vector may speak of.
fn told(m: &InboundMessage) -> Value {
    let keys = TokenKeys::new(vec![(1, [7; 32])]).unwrap();
    let hints = threading::hints(m, &keys, Some('+'), TokenCarrier::Plus);
    let ids =
        |ids: &[crate::domain::ids::MessageId]| ids.iter().map(|i| i.expose().to_owned()).collect::<Vec<_>>();
    let bounce = m.bounce.clone().unwrap_or_default();
    json!({
        "class": m.class.unwrap().as_str(), "visible": m.visible.expose(), "subject": m.subject.expose(),
        "language": m.language.map(crate::domain::message::Language::as_str),
        "robot": m.robot.iter().map(|r| r.as_str()).collect::<Vec<_>>(),
        "from": m.from.as_ref().map(|f| f.address.expose().to_owned()), "from_name": m.from.as_ref().and_then(|f| f.name.clone()),
        "attachments": m.attachments.iter().map(|a| a.name.expose().to_owned()).collect::<Vec<_>>(),
        "flags": m.attachments.iter().map(|a| a.flags.clone()).collect::<Vec<_>>(),
        "defects": m.defects, "tag": hints.tag.map(crate::domain::ids::TicketNumber::get),
        "references": ids(&m.references), "in_reply_to": ids(&m.in_reply_to),
        "message_id": m.message_id.as_ref().map(|i| i.expose().to_owned()), "list_ids": m.list_ids,
        "recipients": bounce.recipients.iter().map(|r| r.address.expose().to_owned()).collect::<Vec<_>>(),
        "status": bounce.recipients.iter().map(|r| r.status.clone()).collect::<Vec<_>>(),
        "permanent": bounce.permanent, "original": bounce.original.map(|i| i.expose().to_owned()),
        "recipients_to": m.to.iter().chain(&m.cc).map(|r| r.address.expose().to_owned()).collect::<Vec<_>>(),
        "grade": m.authentication.grade.as_str(),
        "fields": m.fields.iter().map(|(n, v)| (n.clone(), json!(v.expose()))).collect::<serde_json::Map<_, _>>(),
        "sanitized": m.sanitized.as_ref().map(|s| s.expose().to_owned()),
    })
}

fn check(vector: &Value, bytes: &[u8], end: &str) {
    let file = vector["file"].as_str().unwrap();
    let got = told(&read(bytes, vector["authserv_id"].as_str().unwrap_or("mx.desk.example")).unwrap());
    for (key, want) in vector.as_object().unwrap() {
        if let Some(of) = key.strip_suffix("_not_contains") {
            let found = want
                .as_array()
                .unwrap()
                .iter()
                .find(|w| got[of].as_str().unwrap().contains(w.as_str().unwrap()));
            assert_eq!(found, None, "{file} {end} {key}");
        } else if let Some(of) = key.strip_suffix("_contains") {
            let missing = want
                .as_array()
                .unwrap()
                .iter()
                .find(|w| !got[of].as_str().unwrap().contains(w.as_str().unwrap()));
            assert_eq!(missing, None, "{file} {end} {key}: {}", got[of]);
        } else if !matches!(key.as_str(), "file" | "authserv_id") {
            assert_eq!(&got[key], want, "{file} {end} {key}");
        }
    }
}

#[test]
fn every_story_reads_as_its_vector_says_whatever_its_line_ends() {
    for (vector, (_, bytes)) in vectors().iter().zip(stories()) {
        check(vector, &bytes, "LF");
        check(vector, &with_ends(&bytes, b"\r\n"), "CRLF");
        let cr = read(&with_ends(&bytes, b"\r"), "mx.desk.example").unwrap();
        assert!(cr.defects.contains(&"bare_cr"));
    }
}

#[test]
fn every_story_stands_in_a_vector() {
    let known: Vec<String> = stories().into_iter().map(|(name, _)| name).collect();
    for kind in std::fs::read_dir(root().join("mail")).unwrap() {
        for file in std::fs::read_dir(kind.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let name = path.strip_prefix(root().join("mail")).unwrap().to_str().unwrap().to_owned();
            assert!(known.contains(&name), "{name}");
        }
    }
}

#[test]
fn l06_identity_is_content_not_transport() {
    for (name, bytes) in stories() {
        let lf = content_identity(&read(&bytes, "x").unwrap());
        let crlf = with_ends(&bytes, b"\r\n");
        let mut moved = b"Received: from a by b.example; Mon, 5 Jan 2026 10:00:00 +0000\r\n".to_vec();
        moved.extend(&crlf);
        assert_eq!(content_identity(&read(&moved, "x").unwrap()), lf, "{name}");
    }
    let part = |boundary: &str, encoding: &str, body: &str| {
        let head = format!(
            "Message-ID: <a@b.example>\nContent-Type: multipart/mixed; boundary={boundary}\n\n--{boundary}\n"
        );
        format!(
            "{head}Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n\n{body}\n--{boundary}--\n"
        )
    };
    let one = content_identity(&read(part("one", "8bit", "ol\u{e1}").as_bytes(), "x").unwrap());
    let two = content_identity(&read(part("two", "base64", "b2zDoQ==").as_bytes(), "x").unwrap());
    let other = content_identity(&read(part("two", "base64", "b2zDoQo5").as_bytes(), "x").unwrap());
    assert_eq!(one, two);
    assert_ne!(one, other);
}

/// Read whatever it is, and what was sanitised is the same when sanitised again.
fn endures(bytes: &[u8]) {
    if let Some(html) = read(bytes, "x").ok().and_then(|message| message.sanitized) {
        assert_eq!(sanitise::html(html.expose()).html, html.expose(), "idempotent");
    }
}

#[test]
fn l25_a_cut_mail_never_harms_the_reader() {
    for (_, bytes) in stories() {
        for end in [&b"\n"[..], b"\r\n", b"\r"] {
            let whole = with_ends(&bytes, end);
            for percent in 0..100 {
                let _ = read(&whole[..whole.len() * percent / 100], "x");
            }
        }
    }
}

#[test]
fn l25_octets_that_mail_may_not_have_never_harm_the_reader() {
    for (name, bytes) in stories() {
        for odd in [&b"\0"[..], b"\r", b"\xe9\xff", b"\x1b$B", b"\xef\xbb\xbf"] {
            for place in [0, 1, bytes.len() / 3, bytes.len() / 2] {
                let mut damaged = bytes.clone();
                drop(damaged.splice(place..place, odd.iter().copied()));
                endures(&damaged);
            }
            // In every header field.
            let text: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
            let body = text.iter().position(|line| line.is_empty()).unwrap_or(text.len());
            let lines = text.iter().enumerate();
            let damaged: Vec<Vec<u8>> =
                lines.map(|(n, line)| if n < body { [line, odd].concat() } else { line.to_vec() }).collect();
            endures(&damaged.join(&b'\n'));
        }
        let eight_bit = [b"Subject: caf\xe9\nX-Other: \xff\xfe\n", bytes.as_slice()].concat();
        let message = read(&eight_bit, "mx.desk.example").unwrap();
        assert!(message.defects.contains(&"header_8bit"), "{name}");
    }
}

#[path = "../../fuzz/mutate.rs"]
mod mutate;

#[test]
fn l25_mutated_mail_never_harms_the_reader() {
    let mails: Vec<Vec<u8>> = stories().into_iter().map(|(_, bytes)| bytes).collect();
    let mut dice = mutate::Dice(0x9e37_79b9_7f4a_7c15);
    let start = Instant::now();
    let mut runs = 0;
    while runs < 1500 && start.elapsed() < Duration::from_secs(8) {
        let mut bytes = dice.pick(&mails).unwrap().clone();
        mutate::mutate(&mut bytes, &mails, &mut dice);
        endures(&bytes);
        runs += 1;
    }
    assert!(runs > 20, "{runs}");
}

#[test]
fn l25_large_and_odd_mail_stays_in_bounds() {
    let head = "From: a@b.example\nMessage-ID: <a@b.example>\n";
    let html = format!("{head}Content-Type: text/html\n\n");
    let cases: [(String, Option<&str>); 9] = [
        (format!("{head}Content-Type: message/rfc822\n\n").repeat(40_000), Some("too_deep")),
        ("A: b\n".repeat(1_000_000), Some("too_many_headers")),
        (String::new(), Some("empty")),
        (format!("{html}{}", "<div>".repeat(60_000)), None),
        (format!("{html}{}", "&".repeat(300_000)), None),
        (format!("{head}Content-Transfer-Encoding: base64\n\n{}", "QUJD".repeat(1_000_000)), None),
        (format!("{head}\n{}", "On 1 Jan 2026 <a@b.example> wrote\n".repeat(50_000)), None),
        (format!("{head}\n{}", "x".repeat(3_000_000)), None),
        (format!("{head}Subject: {}\n\nx", "=?utf-8?q?a?= ".repeat(20_000)), None),
    ];
    for (text, refused) in cases {
        let start = Instant::now();
        let got = read(text.as_bytes(), "x");
        assert_eq!(got.as_ref().err().map(|r| r.code), refused);
        assert!(start.elapsed() < Duration::from_secs(10), "{refused:?} {:?}", start.elapsed());
    }
}

fn class_of(mail: &str) -> (MessageClass, Vec<&'static str>) {
    let message = read(mail.as_bytes(), "x").unwrap();
    (message.class.unwrap(), message.class_reasons)
}

#[test]
fn rfc3834_what_a_system_makes_of_itself_and_what_it_answers() {
    let mail = |from: &str, more: &str| {
        format!(
            "From: {from}\nTo: help@desk.example\nAuto-Submitted: auto-generated\n{more}\nInterface down\n"
        )
    };
    let cases = [
        (mail("alerts@lab.example", "Subject: LAB-3 stopped\n"), MessageClass::Bulk, "auto_generated"),
        (mail("noreply@shop.example", "Subject: Order\n"), MessageClass::Bulk, "auto_generated"),
        (mail("mary@clinic.example", "Subject: Notice\n"), MessageClass::Autoreply, "auto_generated"),
        (mail("mary@clinic.example", "Subject: Re: Notice\n"), MessageClass::Autoreply, "auto_answer"),
        (
            mail("desk@clinic.example", "In-Reply-To: <a@desk.example>\n"),
            MessageClass::Autoreply,
            "auto_answer",
        ),
    ];
    for (mail, class, reason) in cases {
        assert_eq!(class_of(&mail), (class, vec![reason]), "{mail}");
    }
}

#[test]
fn vacation_subjects_in_their_languages() {
    for subject in [
        "Automatic reply: scan",
        "Out of Office AutoReply: scan",
        "Automatische Antwort: scan",
        "Respuesta autom\u{e1}tica: x",
        "Resposta autom\u{e1}tica: x",
        "Risposta automatica: x",
        "R\u{e9}ponse automatique : x",
        "Automatisch antwoord: x",
        "Autosvar: x",
        "Automatisk svar: x",
        "Automatick\u{e1} odpov\u{11b}\u{10f}: x",
        "Odpowied\u{17a} automatyczna: x",
        "Automatikus v\u{e1}lasz: x",
        "R\u{103}spuns automat: x",
        "Otomatik yan\u{131}t: x",
        "Αυτόματη απάντηση: x",
        "Автоматический ответ: x",
        "Автоматична відповідь: x",
        "תשובה אוטומטית: x",
        "رد تلقائي: x",
        "自动答复: x",
        "自動回覆: x",
        "自動応答: x",
        "자동 회신: x",
        "Automaattinen vastaus: x",
        "Samodejni odgovor: x",
        "Automatski odgovor: x",
    ] {
        let mail =
            format!("From: mary@clinic.example\nTo: help@desk.example\nSubject: {subject}\n\nI am away.\n");
        assert_eq!(class_of(&mail).0, MessageClass::Autoreply, "{subject}");
        let answer = format!(
            "From: mary@clinic.example\nTo: help@desk.example\nSubject: Re: {subject}\n\nWhen are you back?\n"
        );
        assert_eq!(class_of(&answer).0, MessageClass::Human, "Re: {subject}");
    }
}

#[test]
fn challenges_in_their_languages() {
    for (subject, text) in [
        (
            "Please confirm your message",
            "Click the link below to verify that you are a human, so that your message will be delivered.",
        ),
        (
            "Confirmaci\u{f3}n de su mensaje",
            "Para reducir el spam, haga clic en el enlace para confirmar su mensaje.",
        ),
        (
            "AntiSpam: confirma\u{e7}\u{e3}o de mensagem",
            "Clique no link abaixo e confirme o envio para que sua mensagem seja entregue.",
        ),
        ("Conferma del messaggio", "Clicca sul link per confermare, il messaggio sar\u{e0} consegnato."),
        (
            "Demande de confirmation de votre message",
            "Cliquez sur le lien pour confirmer que vous \u{ea}tes humain.",
        ),
        (
            "Best\u{e4}tigung Ihrer Nachricht",
            "Bitte klicken Sie auf den Link, um Ihre Nachricht zu best\u{e4}tigen.",
        ),
    ] {
        let mail =
            format!("From: guard@clinic.example\nTo: help@desk.example\nSubject: {subject}\n\n{text}\n");
        assert_eq!(class_of(&mail).0, MessageClass::Challenge, "{subject}");
    }
    for (subject, text) in [
        ("Confirmaci\u{f3}n de mi correo", "Quiero confirmar mi cuenta pero el enlace no funciona."),
        ("Anti-spam", "Since Monday I have to confirm each link by hand, can you switch that off?"),
        ("F\u{e9}rias", "Preciso do acesso ao m\u{f3}dulo de f\u{e9}rias."),
        ("Mensagem autom\u{e1}tica n\u{e3}o chega", "Os pacientes n\u{e3}o recebem a mensagem."),
        ("Please confirm the appointment", "Can you confirm the appointment of Monday?"),
        ("Confirma\u{e7}\u{e3}o de envio", "Confirmo o envio do relat\u{f3}rio de ontem."),
    ] {
        let mail =
            format!("From: mary@clinic.example\nTo: help@desk.example\nSubject: {subject}\n\n{text}\n");
        assert_eq!(class_of(&mail).0, MessageClass::Human, "{subject}");
    }
}

#[test]
fn what_is_wrapped_is_flagged_and_not_lost() {
    let head = "From: a@b.example\nSubject: x\nMIME-Version: 1.0\n";
    let part = |kind: &str, name: &str| {
        format!(
            "{head}Content-Type: {kind}; name={name}\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename={name}\n\nMIIB\n"
        )
    };
    let smime =
        read(part("application/pkcs7-mime; smime-type=signed-data", "smime.p7m").as_bytes(), "x").unwrap();
    assert_eq!((smime.class, smime.class_reasons), (Some(MessageClass::Encrypted), vec!["smime_opaque"]));
    let tnef = read(part("application/ms-tnef", "winmail.dat").as_bytes(), "x").unwrap();
    assert!(tnef.attachments[0].flags.contains(&"tnef"));
    let uu =
        read(format!("{head}\nSee the log.\n\nbegin 644 log.txt\n#0V%T\n`\nend\n").as_bytes(), "x").unwrap();
    assert_eq!((uu.visible.expose(), uu.attachments[0].name.expose()), ("See the log.", "log.txt"));
    assert_eq!((uu.attachments[0].size, uu.attachments[0].flags.clone()), (3, vec!["uuencoded"]));
}
