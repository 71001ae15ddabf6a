//! Redaction under guard: fails closed. Takes an understood mail, gives its redacted texts and the
//! labels of its attachments; a text that is too large or on which the redactor fails is withheld with
//! a notice, and what stalled or killed an earlier attempt is left out of the next. The original is
//! sealed all the while.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::domain::custody::AttachmentRule;
use crate::domain::desk::Desk;
use crate::domain::message::{Attachment, InboundMessage, Label, Reading, RedactedAttachment, RedactedMail};
use crate::domain::text::{RawText, RedactedText};
use crate::intake::contents;
use crate::phi::{self, Context, Redactor};

/// Octets of a text that is redacted; a larger one is withheld as a whole. A person writes a hundredth.
pub const TEXT: usize = 768 * 1024;
/// The same for HTML, most of which is markup.
pub const HTML: usize = 2 * 1024 * 1024;
/// Octets of attachments that go along in one mail to an agent; the relay's own limit lies above.
const PASSED: usize = 10 * 1024 * 1024;

/// What may be tried with a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Care {
    /// Attachments are read.
    scan: bool,
    /// Texts are redacted; else withheld.
    redact: bool,
}

impl Care {
    /// After so many solo attempts that did not end: first the attachments are left out, then the
    /// redactor, so that a mail which stalls either still becomes a ticket.
    pub const fn after(attempts: u32) -> Self {
        Self { scan: attempts == 0, redact: attempts < 2 }
    }
}

/// Redacts by `work`, or withholds.
pub fn texts(mail: &InboundMessage, care: Care, work: impl FnOnce() -> RedactedMail) -> RedactedMail {
    if !care.redact {
        return withheld(mail, "time_out");
    }
    let Ok(done) = catch_unwind(AssertUnwindSafe(work)) else {
        return withheld(mail, "redactor_failed");
    };
    let fits = |raw: &RawText, bound: usize| raw.expose().len() <= bound;
    let or_withheld =
        |raw: &RawText, text: RedactedText| if fits(raw, TEXT) { text } else { phi::withheld("too_large") };
    RedactedMail {
        visible: or_withheld(&mail.visible, done.visible),
        elided: or_withheld(&mail.elided, done.elided),
        html: done.html.filter(|_| mail.sanitized.as_ref().is_some_and(|raw| fits(raw, HTML))),
        ..done
    }
}

/// The mail without the texts that are too large for the redactor.
pub fn bounded(mail: &InboundMessage) -> std::borrow::Cow<'_, InboundMessage> {
    let large = |raw: &RawText, bound: usize| raw.expose().len() > bound;
    let html = mail.sanitized.as_ref().is_some_and(|raw| large(raw, HTML));
    if !large(&mail.visible, TEXT) && !large(&mail.elided, TEXT) && !html {
        return std::borrow::Cow::Borrowed(mail);
    }
    let mut mail = mail.clone();
    for text in [&mut mail.visible, &mut mail.elided] {
        if large(text, TEXT) {
            *text = RawText::default();
        }
    }
    mail.sanitized = mail.sanitized.filter(|_| !html);
    std::borrow::Cow::Owned(mail)
}

fn withheld(mail: &InboundMessage, why: &'static str) -> RedactedMail {
    let unless_blank =
        |raw: &RawText| if raw.is_blank() { RedactedText::default() } else { phi::withheld(why) };
    let named =
        |_: &Attachment| RedactedAttachment { name: phi::withheld(why), ..RedactedAttachment::default() };
    RedactedMail {
        subject: phi::withheld(why),
        visible: phi::withheld(why),
        elided: unless_blank(&mail.elided),
        html: None,
        attachments: mail.attachments.iter().map(named).collect(),
    }
}

/// Reads every attachment and says what the redactor finds in it.
pub fn label(
    redacted: &mut RedactedMail,
    mail: &InboundMessage,
    bytes: &[u8],
    care: Care,
    redactor: &Redactor,
) {
    if mail.attachments.is_empty() {
        return;
    }
    let readings = if care.scan { contents::read(bytes) } else { Vec::new() };
    let mut readings = readings.into_iter().chain(std::iter::repeat(Reading::Nothing("put_off")));
    for (attachment, shown) in mail.attachments.iter().zip(&mut redacted.attachments) {
        let reading = readings.next().unwrap_or(Reading::Nothing("put_off"));
        let scanned = catch_unwind(AssertUnwindSafe(|| scanned(&reading, redactor)));
        shown.label = scanned.unwrap_or(Label { unscanned: Some("redactor_failed"), ..Label::default() });
        shown.label.record |= contents::is_record(attachment, &reading);
    }
}

fn scanned(reading: &Reading, redactor: &Redactor) -> Label {
    let (text, unscanned) = match reading {
        Reading::Whole(text) => (Some(text), None),
        Reading::Part(text, why) => (Some(text), Some(*why)),
        Reading::Nothing(why) => (None, Some(*why)),
    };
    let mut found: Vec<(&'static str, usize)> = Vec::new();
    for finding in text.map(|text| redactor.redact(text, &Context::default()).findings).unwrap_or_default() {
        let kind = finding.kind.as_str();
        match found.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => found.push((kind, 1)),
        }
    }
    found.sort_unstable();
    Label { found, unscanned, record: false }
}

/// Takes along the octets that the desk lets its agents have by mail.
pub fn pass(redacted: &mut RedactedMail, mail: &InboundMessage, bytes: &[u8], desk: &Desk, verified: bool) {
    let rule = &desk.custody.attachments;
    if matches!(rule, AttachmentRule::Withhold) || (matches!(rule, AttachmentRule::Originals(_)) && !verified)
    {
        return;
    }
    let mut left = PASSED;
    for (place, (attachment, shown)) in mail.attachments.iter().zip(&mut redacted.attachments).enumerate() {
        let size = usize::try_from(attachment.size).unwrap_or(usize::MAX);
        let clean = !matches!(rule, AttachmentRule::PassClean) || shown.label.is_clean();
        if !clean || size > left || desk.custody.reveal.forbids(attachment, &shown.label).is_some() {
            continue;
        }
        if let Some((_, octets)) = contents::open(bytes, place) {
            left -= size;
            shown.passed = Some(Arc::new(octets));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phi::Lists;

    fn mail() -> InboundMessage {
        InboundMessage {
            subject: RawText::new("about Mary Major"),
            visible: RawText::new("Mary Major fell"),
            ..InboundMessage::default()
        }
    }

    #[test]
    fn a_redactor_that_fails_stalls_or_is_overfed_withholds() {
        let plain = || RedactedMail { visible: phi::no_customer_text("redacted"), ..RedactedMail::default() };
        let cases = [
            (texts(&mail(), Care::after(0), || panic!("a defect")), "[withheld: redactor_failed;"),
            (texts(&mail(), Care::after(2), plain), "[withheld: time_out;"),
            (texts(&mail(), Care::after(1), plain), "redacted"),
        ];
        for (got, want) in cases {
            assert!(got.visible.as_str().starts_with(want), "{want}: {}", got.visible.as_str());
            assert!(!got.subject.as_str().contains("Major"));
        }
        let large = InboundMessage { visible: RawText::new("x".repeat(TEXT + 1)), ..mail() };
        assert!(bounded(&large).visible.is_blank() && !bounded(&mail()).visible.is_blank());
        assert!(texts(&large, Care::after(0), plain).visible.as_str().starts_with("[withheld: too_large;"));
    }

    #[test]
    fn attachments_are_labelled_with_what_they_hold() {
        let redactor = Redactor::new(&Lists::default());
        let raw = |text: &str| Reading::Whole(RawText::new(text));
        let cases = [
            (raw("no patient here"), vec!["clean"]),
            (raw("Patient: Mary Major\nSSN 219-09-9999"), vec!["found:ID:1", "found:NAME:1"]),
            (Reading::Nothing("image"), vec!["not_scanned:image"]),
            (
                Reading::Part(RawText::new("SSN 219-09-9999"), "image"),
                vec!["found:ID:1", "not_scanned:image"],
            ),
        ];
        for (reading, want) in cases {
            assert_eq!(scanned(&reading, &redactor).codes().collect::<Vec<_>>(), want, "{reading:?}");
        }
        // What stalled an attempt is not read again, and never counts as clean.
        let mut redacted =
            RedactedMail { attachments: vec![RedactedAttachment::default()], ..RedactedMail::default() };
        let attached = intake(b"patient Mary Major");
        let bytes = attached.1.as_bytes();
        label(&mut redacted, &attached.0, bytes, Care::after(1), &redactor);
        assert_eq!(redacted.attachments[0].label.unscanned, Some("put_off"));
        label(&mut redacted, &attached.0, bytes, Care::after(0), &redactor);
        assert_eq!(redacted.attachments[0].label.codes().collect::<Vec<_>>(), ["found:NAME:1"]);
    }

    fn intake(content: &[u8]) -> (InboundMessage, String) {
        let text = String::from_utf8_lossy(content);
        let mail = format!(
            "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nhello\r\n--x\r\n\
             Content-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\n{text}\r\n--x--\r\n"
        );
        let settings = crate::intake::ReadSettings {
            auth: &crate::domain::account::AuthEvidence::None,
            own_addresses: &[],
            own_lists: &[],
            fields: &[],
        };
        (crate::intake::understand(mail.as_bytes(), &settings).unwrap(), mail)
    }
}
