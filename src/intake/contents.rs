//! What attachments hold: their octets on demand, their text for the redactor, whether they are a
//! patient's record. Takes the octets of a mail that was understood before; answers in the order of its
//! attachments. Never shows anything: whoever asks for octets answers for it.

use mail_parser::{Message, MessagePart, PartType};

use super::attachments::{content, of_inside, one, parts};
use super::parse::Mail;
use super::{charset, limits, parse, reading};
use crate::domain::message::{Attachment, Label, Reading};
use crate::domain::text::RawText;

/// Reads every attachment of a mail that was understood before; in the order of its attachments.
pub fn read(bytes: &[u8]) -> Vec<Reading> {
    let mut budget = limits::READING_BYTES;
    let mut readings = Vec::new();
    within(bytes, |mail| {
        for part in parts(&mail.message) {
            readings.push(match &part.body {
                PartType::Message(nested) => nested_reading(nested, &mut budget),
                _ => reading::read(content(part), &one(part), &mut budget),
            });
        }
        for file in &mail.inside {
            readings.push(reading::read(&file.content, &of_inside(file), &mut budget));
        }
    });
    readings
}

/// The octets of the attachment with that place in the order of a mail's attachments, and what it is.
pub fn open(bytes: &[u8], place: usize) -> Option<(Attachment, Vec<u8>)> {
    within(bytes, |mail| {
        let count = parts(&mail.message).count();
        let inside = || mail.inside.get(place.checked_sub(count)?);
        match parts(&mail.message).nth(place) {
            Some(part) => Some((one(part), content(part).to_vec())),
            None => inside().map(|file| (of_inside(file), file.content.clone())),
        }
    })?
}

/// Every attachment with the label that its form, name and text give it; `found` is left to the redactor.
pub fn assess(bytes: &[u8]) -> Vec<(Attachment, Label)> {
    let described = within(bytes, |mail| {
        let parts = parts(&mail.message).map(|part| (one(part), nests_record(part)));
        parts.chain(mail.inside.iter().map(|file| (of_inside(file), false))).collect::<Vec<_>>()
    });
    let described = described.unwrap_or_default().into_iter().zip(read(bytes));
    let label = |((attachment, nests), reading): ((Attachment, bool), Reading)| {
        let record = nests || is_record(&attachment, &reading);
        (attachment, Label { record, ..Label::default() })
    };
    described.map(label).collect()
}

/// Does a mail within the mail carry a record, or something that cannot be looked into?
fn nests_record(part: &MessagePart<'_>) -> bool {
    let PartType::Message(nested) = &part.body else { return false };
    parts(nested).any(|inner| {
        let about = one(inner);
        let veiled = about.flags.iter().any(|flag| matches!(*flag, "archive" | "tnef" | "encrypted"));
        let reading = reading::read(content(inner), &about, &mut limits::READING_BYTES.clone());
        veiled || is_record(&about, &reading) || nests_record(inner)
    })
}

/// The mail with a note in the place of the octets of these attachments; `None` when it cannot be read,
/// or one of them stands within the text.
pub fn cut_out(bytes: &[u8], places: &[usize]) -> Option<Vec<u8>> {
    limits::check(bytes).ok()?;
    let prepared = parse::prepare(bytes, &mut Vec::new());
    let mail = parse::parse(&prepared, Vec::new()).ok()?;
    let parts: Vec<&MessagePart<'_>> = parts(&mail.message).collect();
    let span = |place: &usize| {
        let part = parts.get(*place)?;
        Some((usize::try_from(part.offset_body).ok()?, usize::try_from(part.offset_end).ok()?))
    };
    let mut spans: Vec<(usize, usize)> = places.iter().map(span).collect::<Option<_>>()?;
    spans.sort_unstable();
    let (mut out, mut from) = (Vec::with_capacity(prepared.len()), 0);
    for (start, end) in spans {
        out.extend_from_slice(prepared.get(from..start.max(from))?);
        out.extend_from_slice(b"[left out: never shown by this desk]\r\n");
        from = end.max(from);
    }
    out.extend_from_slice(prepared.get(from..)?);
    Some(out)
}

fn within<T>(bytes: &[u8], look: impl FnOnce(&Mail<'_>) -> T) -> Option<T> {
    limits::check(bytes).ok()?;
    let bytes = parse::prepare(bytes, &mut Vec::new());
    limits::check(&bytes).ok()?;
    parse::parse(&bytes, Vec::new()).ok().map(|mail| look(&mail))
}

/// A mail within the mail: who wrote it, subject and texts. What hangs on it in turn is not read.
fn nested_reading(nested: &Message<'_>, budget: &mut usize) -> Reading {
    let mut text = String::new();
    for header in nested.headers() {
        if let Some(value) = header.value().as_text() {
            text.push_str(value);
            text.push('\n');
        }
    }
    let people = [nested.from(), nested.to(), nested.cc()].into_iter().flatten().flat_map(|a| a.iter());
    for person in people {
        text.push_str(person.name().unwrap_or_default());
        text.push('\n');
        text.push_str(person.address().unwrap_or_default());
        text.push('\n');
    }
    for part in 0..nested.text_body_count() {
        text.push_str(&nested.body_text(part).unwrap_or_default());
        text.push('\n');
    }
    let (text, cut) = charset::cut(text, *budget);
    *budget -= text.len();
    let text = RawText::new(charset::clean(&text));
    match (cut, nested.attachments.is_empty()) {
        (true, _) => Reading::Part(text, "too_large"),
        (false, false) => Reading::Part(text, "nested"),
        (false, true) => Reading::Whole(text),
    }
}

/// What a patient's record is called in our languages, folded; at word boundaries.
const RECORD: [&str; 22] = [
    "medical record",
    "health record",
    "patient chart",
    "discharge summary",
    "progress note",
    "clinical document",
    "prontuario",
    "evolucao clinica",
    "anamnese",
    "sumario de alta",
    "laudo medico",
    "historia clinica",
    "historia medica",
    "epicrisis",
    "evolucion medica",
    "resumen de egreso",
    "cartella clinica",
    "fascicolo sanitario",
    "referto",
    "lettera di dimissione",
    "anamnesi",
    "scheda clinica",
];
/// Octets of a text in which it would call itself so.
const HEADING: usize = 2000;

/// Does an attachment have the form of a patient's record, or call itself one by name or heading?
pub fn is_record(attachment: &Attachment, read: &Reading) -> bool {
    if attachment.flags.iter().any(|flag| matches!(*flag, "hl7" | "cda" | "fhir" | "dicom")) {
        return true;
    }
    let text = match read {
        Reading::Whole(text) | Reading::Part(text, _) => text.expose(),
        Reading::Nothing(_) => "",
    };
    let (heading, _) = charset::cut(text.chars().take(HEADING).collect(), HEADING);
    [attachment.name.expose(), &heading].iter().any(|text| {
        let words = format!(" {} ", folded(text));
        RECORD.iter().any(|name| words.contains(&format!(" {name} ")))
    })
}

/// Lower case, without accents, everything but letters and digits a single space.
fn folded(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    let plain = text.nfd().filter(|c| !matches!(c, '\u{300}'..='\u{36f}')).flat_map(char::to_lowercase);
    let spaced: String = plain.map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}
