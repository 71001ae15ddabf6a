//! What hangs on a mail: name made safe, type by content against the declared one, size, SHA-256,
//! and codes for what an agent must know before opening it: what a desktop would run, macros,
//! archives and what their tables name, TNEF, S/MIME and PGP, and clinical content (DICOM PS3.10,
//! HL7 2, C-CDA, FHIR). Takes parts, gives descriptions; never unpacks anything.

use mail_parser::{Encoding, Message, MessagePart, MimeHeaders as _, PartType};
use sha2::{Digest as _, Sha256};

use super::uu::Inside;
use super::{archive, charset, headers, limits};
use crate::domain::message::Attachment;
use crate::domain::text::RawText;

/// Describes every part that is no text of the message.
pub fn describe(message: &Message<'_>) -> Vec<Attachment> {
    parts(message).map(one).collect()
}

/// The parts that are no text of the message.
pub(super) fn parts<'m, 'x>(message: &'m Message<'x>) -> impl Iterator<Item = &'m MessagePart<'x>> {
    let ids = message.attachments.iter().take(limits::ATTACHMENTS);
    ids.filter_map(|id| message.parts.get(usize::try_from(*id).ok()?))
}

/// What one of them is.
pub(super) fn one(part: &MessagePart<'_>) -> Attachment {
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

/// A file that stood within the text.
pub fn of_inside(file: &Inside) -> Attachment {
    let declared = "application/octet-stream";
    let given = safe_name(&file.name);
    let name = if given.is_empty() { default_name(declared).to_owned() } else { given };
    let detected = infer::get(&file.content).map(|kind| kind.mime_type().to_owned());
    let mut flags = flags(&name, declared, detected.as_deref(), &file.content);
    flags.push(file.flag);
    Attachment {
        name: RawText::new(name),
        declared_type: declared.to_owned(),
        detected_type: detected,
        size: u64::try_from(file.content.len()).unwrap_or(u64::MAX),
        sha256: Sha256::digest(&file.content).into(),
        inline: false,
        flags,
        label: None,
    }
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

/// Its octets.
pub(super) fn content<'p>(part: &'p MessagePart<'_>) -> &'p [u8] {
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
const ARCHIVE: [&str; 12] = ["zip", "rar", "7z", "gz", "tgz", "bz2", "xz", "tar", "cab", "arj", "lzh", "zst"];
const ARCHIVE_STARTS: [&[u8]; 5] = [b"PK\x03\x04", b"Rar!\x1a", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"MSCF"];
/// A message, a batch, a file of batches; or a message framed by MLLP.
const HL7: [&[u8]; 4] = [b"MSH|", b"BHS|", b"FHS|", b"\x0bMSH|"];

fn flags(name: &str, declared: &str, detected: Option<&str>, content: &[u8]) -> Vec<&'static str> {
    let lower = name.to_lowercase();
    let ending = lower.rsplit_once('.').map_or("", |(_, ending)| ending);
    let starts = |magic: &[u8]| content.starts_with(magic);
    let listing = archive::list(content).unwrap_or_default();
    let office = listing.names.iter().any(|name| name == "[Content_Types].xml");
    let holds = |endings: &[&str]| {
        listing.names.iter().any(|name| {
            name.rsplit_once('.').is_some_and(|(_, e)| endings.contains(&e.to_lowercase().as_str()))
        })
    };
    let table = [
        (
            "executable",
            EXECUTABLE.contains(&ending)
                || starts(b"MZ")
                || starts(b"\x7fELF")
                || declared == "application/x-msdownload",
        ),
        ("double_extension", EXECUTABLE.contains(&ending) && lower.matches('.').count() > 1),
        (
            "macro",
            MACRO.contains(&ending) || listing.names.iter().any(|name| name.ends_with("vbaProject.bin")),
        ),
        ("archive", ARCHIVE.contains(&ending) || ARCHIVE_STARTS.iter().any(|magic| starts(magic)) && !office),
        ("archive_executable", holds(&EXECUTABLE)),
        ("archive_nested", holds(&ARCHIVE)),
        ("archive_locked", listing.locked),
        ("archive_bomb", listing.bomb),
        ("html", matches!(ending, "html" | "htm" | "svg" | "xhtml" | "shtml")),
        ("tnef", declared == "application/ms-tnef" || lower == "winmail.dat" || starts(b"\x78\x9f\x3e\x22")),
        (
            "dicom",
            ending == "dcm"
                || declared == "application/dicom"
                || content.get(128..132) == Some(b"DICM")
                || listing.names.iter().any(|name| name.ends_with("DICOMDIR"))
                || holds(&["dcm"]),
        ),
        ("hl7", HL7.iter().any(|start| starts(start)) || ending == "hl7" || declared.contains("hl7-v2")),
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
    use crate::intake::archive::testing::zip_of;

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
        let office = zip_of(&["[Content_Types].xml", "word/vbaProject.bin"], false, 9);
        let got = flags("x.docx", "application/zip", None, &office);
        assert!(got.contains(&"macro") && !got.contains(&"archive"), "{got:?}");
        let zipped = zip_of(&["scan/DICOMDIR", "run.exe", "more.zip"], true, u32::MAX);
        assert_eq!(
            flags("x.zip", "application/zip", None, &zipped),
            ["archive", "archive_executable", "archive_nested", "archive_locked", "archive_bomb", "dicom"]
        );
        assert_eq!(
            flags("a.pdf", "application/pdf", Some("application/pdf"), b"%PDF-1.4"),
            Vec::<&str>::new()
        );
    }
}
