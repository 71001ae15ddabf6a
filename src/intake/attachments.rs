//! What hangs on a mail: name made safe, type by content against the declared one, size, SHA-256,
//! and codes for what an agent must know before opening it. Takes parts, gives descriptions, and on
//! demand their octets or what [`super::reading`] makes of them.

use mail_parser::{Encoding, Message, MessagePart, MimeHeaders as _, PartType};
use sha2::{Digest as _, Sha256};

use super::{charset, headers, limits, parse, reading};
use crate::domain::message::{Attachment, Label, Reading};
use crate::domain::text::RawText;

/// Describes every part that is no text of the message.
pub fn describe(message: &Message<'_>) -> Vec<Attachment> {
    parts(message).map(one).collect()
}

fn parts<'m, 'x>(message: &'m Message<'x>) -> impl Iterator<Item = &'m MessagePart<'x>> {
    let ids = message.attachments.iter().take(limits::ATTACHMENTS);
    ids.filter_map(|id| message.parts.get(usize::try_from(*id).ok()?))
}

/// Reads every attachment of a mail that was understood before; in the order of [`describe`].
pub fn read(bytes: &[u8]) -> Vec<Reading> {
    let mut budget = limits::READING_BYTES;
    let read = |part: &MessagePart<'_>| match &part.body {
        PartType::Message(nested) => nested_reading(nested, &mut budget),
        _ => reading::read(content(part), &one(part), &mut budget),
    };
    within(bytes, |message| parts(message).map(read).collect()).unwrap_or_default()
}

/// The octets of the attachment with that place in the order of [`describe`], and what it is.
pub fn open(bytes: &[u8], place: usize) -> Option<(Attachment, Vec<u8>)> {
    within(bytes, |message| parts(message).nth(place).map(|part| (one(part), content(part).to_vec())))?
}

/// Every attachment with the label that its form, name and text give it; `found` is left to the redactor.
pub fn assess(bytes: &[u8]) -> Vec<(Attachment, Label)> {
    let described = within(bytes, |message| {
        parts(message).map(|part| (one(part), nests_record(part))).collect::<Vec<_>>()
    });
    let readings = read(bytes);
    let described = described.unwrap_or_default().into_iter().zip(readings);
    let label = |(attachment, nests, reading): (Attachment, bool, Reading)| {
        let record = nests || is_record(&attachment, &reading);
        (attachment, Label { record, ..Label::default() })
    };
    described.map(|((attachment, nests), reading)| label((attachment, nests, reading))).collect()
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

/// The mail with a note in the place of the octets of these attachments; `None` when it cannot be read.
pub fn cut_out(bytes: &[u8], places: &[usize]) -> Option<Vec<u8>> {
    limits::check(bytes).ok()?;
    let prepared = parse::prepare(bytes, &mut Vec::new());
    let mail = parse::parse(&prepared, Vec::new()).ok()?;
    let spans = parts(&mail.message).enumerate().filter(|(place, _)| places.contains(place));
    let mut spans: Vec<(usize, usize)> = spans
        .map(|(_, part)| {
            Some((usize::try_from(part.offset_body).ok()?, usize::try_from(part.offset_end).ok()?))
        })
        .collect::<Option<_>>()?;
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

fn within<T>(bytes: &[u8], look: impl FnOnce(&Message<'_>) -> T) -> Option<T> {
    limits::check(bytes).ok()?;
    let bytes = parse::prepare(bytes, &mut Vec::new());
    limits::check(&bytes).ok()?;
    parse::parse(&bytes, Vec::new()).ok().map(|mail| look(&mail.message))
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

fn one(part: &MessagePart<'_>) -> Attachment {
    let declared = declared_type(part);
    let content = content(part);
    let detected = infer::get(content).map(|kind| kind.mime_type().to_owned());
    let name = name(part, &declared);
    let inline = part.content_id().is_some()
        || part.content_disposition().is_some_and(|d| d.ctype().eq_ignore_ascii_case("inline"));
    let flags = flags(&name, &declared, detected.as_deref(), content);
    Attachment {
        name: RawText::new(name),
        declared_type: declared,
        detected_type: detected,
        size: u64::try_from(content.len()).unwrap_or(u64::MAX),
        sha256: digest(part, content),
        inline,
        flags,
        label: None,
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

/// Line ends of parts that travel as lines are the transport's, not the content's: one copy of a mail
/// may come with LF and another with CR LF (L6).
fn digest(part: &MessagePart<'_>, content: &[u8]) -> [u8; 32] {
    let binary = matches!(part.body, PartType::InlineBinary(_) | PartType::Binary(_))
        && !declared_type(part).starts_with("message/");
    if part.encoding == Encoding::Base64 || binary {
        return Sha256::digest(content).into();
    }
    let mut hash = Sha256::new();
    for line in content.split_inclusive(|b| *b == b'\n') {
        match line.strip_suffix(b"\r\n") {
            Some(text) => {
                hash.update(text);
                hash.update(b"\n");
            }
            None => hash.update(line),
        }
    }
    hash.finalize().into()
}

fn content<'p>(part: &'p MessagePart<'_>) -> &'p [u8] {
    match &part.body {
        PartType::Text(text) | PartType::Html(text) => text.as_bytes(),
        PartType::Binary(octets) | PartType::InlineBinary(octets) => octets,
        // The parser gives a nested message the whole mail as its octets, unless it was encoded.
        PartType::Message(nested) => nested_octets(part, nested),
        PartType::Multipart(_) => &[],
    }
}

fn nested_octets<'p>(part: &MessagePart<'_>, nested: &'p Message<'_>) -> &'p [u8] {
    let start = usize::try_from(part.offset_body).unwrap_or(usize::MAX);
    let end = usize::try_from(part.offset_end).unwrap_or(usize::MAX);
    let whole: &[u8] = &nested.raw_message;
    if part.encoding == Encoding::None { whole.get(start..end).unwrap_or_default() } else { whole }
}

fn declared_type(part: &MessagePart<'_>) -> String {
    let Some(ct) = part.content_type() else { return "text/plain".to_owned() };
    let declared = match ct.subtype() {
        Some(subtype) => format!("{}/{}", ct.ctype(), subtype),
        None => ct.ctype().to_owned(),
    };
    known_type(&charset::one_line(&declared).to_ascii_lowercase())
}

/// Top-level types of RFC 6838 and the ones below `application` that mail carries. The type stands in
/// a clear column and in mail to agents: a stranger's own words do not get there by it.
fn known_type(declared: &str) -> String {
    let (top, sub) = declared.split_once('/').unwrap_or((declared, ""));
    let tops = ["text", "image", "audio", "video", "message", "multipart", "font", "model", "application"];
    let plain = |c: char| c.is_ascii_lowercase() || matches!(c, '.' | '-' | '+');
    let digits = sub.bytes().filter(u8::is_ascii_digit).count();
    let sound = tops.contains(&top)
        && (1..=80).contains(&sub.len())
        && digits <= 4
        && sub.chars().all(|c| plain(c) || c.is_ascii_digit());
    let registered = SUBTYPES.contains(&sub) || sub.starts_with("vnd.") || mime_family(top, sub);
    if sound && registered { declared.to_owned() } else { "application/octet-stream".to_owned() }
}

fn mime_family(top: &str, sub: &str) -> bool {
    matches!(top, "image" | "audio" | "video" | "message" | "multipart") && sub.len() <= 24
}

/// Subtypes of `application` and `text` that are named in clear.
const SUBTYPES: [&str; 46] = [
    "plain",
    "html",
    "csv",
    "calendar",
    "xml",
    "rtf",
    "markdown",
    "vcard",
    "x-vcard",
    "directory",
    "css",
    "richtext",
    "enriched",
    "tab-separated-values",
    "rfc822-headers",
    "x-log",
    "javascript",
    "x-amp-html",
    "octet-stream",
    "pdf",
    "zip",
    "json",
    "fhir+json",
    "fhir+xml",
    "hl7-v2",
    "hl7-v2+xml",
    "dicom",
    "msword",
    "gzip",
    "x-gzip",
    "x-zip-compressed",
    "x-7z-compressed",
    "x-rar-compressed",
    "x-tar",
    "ms-tnef",
    "pgp-encrypted",
    "pgp-signature",
    "pgp-keys",
    "pkcs7-mime",
    "pkcs7-signature",
    "x-pkcs7-mime",
    "x-pkcs7-signature",
    "x-msdownload",
    "ics",
    "x-microsoft-rpmsg-message",
    "vnd.ms-excel",
];

fn name(part: &MessagePart<'_>, declared: &str) -> String {
    let given = part.attachment_name().map(|name| safe_name(&repair(name))).unwrap_or_default();
    if !given.is_empty() {
        return given;
    }
    if let PartType::Message(nested) = &part.body {
        let subject = safe_name(nested.subject().unwrap_or_default());
        return if subject.is_empty() { "message.eml".to_owned() } else { format!("{subject}.eml") };
    }
    let description = part.content_description().map(safe_name).unwrap_or_default();
    if !description.is_empty() && description.contains('.') {
        return description;
    }
    default_name(declared).to_owned()
}

/// Names with RFC 2047 words within quotes, which RFC 2231 forbids and most clients write.
fn repair(name: &str) -> String {
    if name.contains("=?") { headers::decode_words(name) } else { name.to_owned() }
}

/// No path, no control characters, no hidden order of characters, at most
/// [`limits::NAME_CHARS`] characters.
pub fn safe_name(name: &str) -> String {
    let line = charset::one_line(name);
    let base = line.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept = base.trim_matches(['.', ' ', '"']);
    let count = kept.chars().count();
    if count <= limits::NAME_CHARS {
        return kept.to_owned();
    }
    // The end holds what opens it.
    let tail: String = kept.chars().skip(count - 20).collect();
    kept.chars().take(limits::NAME_CHARS - 21).chain(std::iter::once('~')).chain(tail.chars()).collect()
}

fn default_name(declared: &str) -> &'static str {
    match declared {
        "text/calendar" => "invite.ics",
        "text/html" => "part.html",
        "message/delivery-status" => "delivery-status.txt",
        "message/disposition-notification" => "disposition-notification.txt",
        "message/feedback-report" => "feedback-report.txt",
        "text/rfc822-headers" => "headers.txt",
        "application/pgp-encrypted" => "pgp-version.txt",
        "application/pgp-signature" => "signature.asc",
        "application/pkcs7-signature" | "application/x-pkcs7-signature" => "smime.p7s",
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => "smime.p7m",
        "application/ms-tnef" => "winmail.dat",
        declared if declared.starts_with("text/") => "part.txt",
        declared if declared.starts_with("image/") => "image",
        _ => "attachment",
    }
}

/// Endings that a desktop runs on a double click.
const EXECUTABLE: [&str; 32] = [
    "exe", "com", "scr", "pif", "bat", "cmd", "vbs", "vbe", "js", "jse", "wsf", "wsh", "hta", "msi", "msp",
    "jar", "ps1", "psm1", "lnk", "cpl", "reg", "dll", "iso", "img", "vhd", "vhdx", "apk", "app", "dmg",
    "chm", "scf", "url",
];
const MACRO: [&str; 8] = ["docm", "dotm", "xlsm", "xltm", "xlam", "pptm", "potm", "ppsm"];
const ENCRYPTED: [&str; 3] =
    ["application/pgp-encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"];
const SIGNATURE: [&str; 3] =
    ["application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"];
const ARCHIVE: [&str; 9] = ["zip", "rar", "7z", "gz", "tgz", "bz2", "xz", "tar", "cab"];

fn flags(name: &str, declared: &str, detected: Option<&str>, content: &[u8]) -> Vec<&'static str> {
    let lower = name.to_lowercase();
    let ending = lower.rsplit_once('.').map_or("", |(_, ending)| ending);
    let starts = |magic: &[u8]| content.starts_with(magic);
    let table = [
        (
            "executable",
            EXECUTABLE.contains(&ending)
                || starts(b"MZ")
                || starts(b"\x7fELF")
                || declared == "application/x-msdownload",
        ),
        ("double_extension", EXECUTABLE.contains(&ending) && lower.matches('.').count() > 1),
        ("macro", MACRO.contains(&ending)),
        ("archive", ARCHIVE.contains(&ending)),
        ("html", matches!(ending, "html" | "htm" | "svg" | "xhtml" | "shtml")),
        ("tnef", declared == "application/ms-tnef" || lower == "winmail.dat" || starts(b"\x78\x9f\x3e\x22")),
        (
            "dicom",
            ending == "dcm" || declared == "application/dicom" || content.get(128..132) == Some(b"DICM"),
        ),
        ("hl7", starts(b"MSH|") || ending == "hl7"),
        ("cda", contains_early(content, b"<ClinicalDocument")),
        ("fhir", contains_early(content, b"\"resourceType\"") || declared.contains("fhir")),
        ("calendar", declared == "text/calendar" || ending == "ics"),
        (
            "encrypted",
            ENCRYPTED.contains(&declared) || ending == "rpmsg" || starts(b"-----BEGIN PGP MESSAGE"),
        ),
        ("signature", SIGNATURE.contains(&declared)),
        ("message", declared == "message/rfc822" || declared == "message/global"),
        ("type_mismatch", detected.is_some_and(|detected| mismatch(declared, detected))),
    ];
    table.into_iter().filter(|(_, holds)| *holds).map(|(code, _)| code).collect()
}

fn contains_early(content: &[u8], needle: &[u8]) -> bool {
    let head = content.get(..content.len().min(4096)).unwrap_or_default();
    head.windows(needle.len()).any(|window| window == needle)
}

/// Only families count: half of all clients declare a PDF as octet-stream or a docx as a zip.
fn mismatch(declared: &str, detected: &str) -> bool {
    let family = |name: &str| name.split('/').next().unwrap_or_default().to_owned();
    let pdf = "application/pdf";
    match family(declared).as_str() {
        claimed @ ("image" | "audio" | "video" | "text") => claimed != family(detected),
        _ => declared == pdf && detected != pdf,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_could_lead_astray() {
        let cases = [
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\x\\scan.pdf", "scan.pdf"),
            ("in\u{202e}fdp.exe", "infdp.exe"),
            ("a\r\nb\u{0}.txt", "a b.txt"),
            ("...", ""),
        ];
        for (name, want) in cases {
            assert_eq!(safe_name(name), want);
        }
        let long = safe_name(&format!("{}.exe", "x".repeat(900)));
        assert!(
            long.chars().count() <= limits::NAME_CHARS
                && long.contains('~')
                && long.rsplit('.').next() == Some("exe")
        );
    }

    #[test]
    fn flags_say_what_opening_it_would_mean() {
        let cases: [(&str, &str, &[u8], &str); 8] = [
            ("scan.pdf.exe", "application/pdf", b"MZ", "double_extension"),
            ("photo.jpg", "image/jpeg", b"MZ\x90", "executable"),
            ("photo.jpg", "image/jpeg", b"%PDF-1.4", "type_mismatch"),
            ("x.docm", "application/zip", b"PK", "macro"),
            ("winmail.dat", "application/octet-stream", b"", "tnef"),
            ("lab.txt", "text/plain", b"MSH|^~\\&|LAB", "hl7"),
            ("message.rpmsg", "application/x-microsoft-rpmsg-message", b"", "encrypted"),
            ("c.xml", "text/xml", b"<?xml?><ClinicalDocument xmlns=", "cda"),
        ];
        for (name, declared, content, want) in cases {
            let detected = infer::get(content).map(|k| k.mime_type());
            let got = flags(name, declared, detected, content);
            assert!(got.contains(&want), "{name}: {got:?}");
        }
        assert_eq!(
            flags("a.pdf", "application/pdf", Some("application/pdf"), b"%PDF-1.4"),
            Vec::<&str>::new()
        );
    }
}
