//! Attachments to text, for the redactor: what kind of patient's data hangs on a mail is told from
//! it, and it is never shown to anyone. Takes the octets of one attachment with its name and types,
//! gives its text or the reason why there is none. Never fails, never panics, never takes more than
//! the limits in [`super::limits`] allow; what it cannot read counts as not scanned, never as clean.

mod office;
mod pdf;
mod structured;
mod table;

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{charset, limits, render};
use crate::domain::message::{Attachment, Reading};
use crate::domain::text::RawText;

/// How an attachment is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Table,
    Html,
    Xml,
    Json,
    Office,
    Pdf,
}

/// Text of an attachment, and why it is not all of it; or why there is none.
type Text = Result<(String, Option<&'static str>), &'static str>;

/// Reads one attachment; `budget` is what the mail has left of [`limits::READING_BYTES`].
pub(super) fn read(content: &[u8], about: &Attachment, budget: &mut usize) -> Reading {
    let form = match form(content, about) {
        Ok(form) => form,
        Err(why) => return Reading::Nothing(why),
    };
    if content.len() > limits::READING_INPUT && matches!(form, Form::Office | Form::Pdf) {
        return Reading::Nothing("too_large");
    }
    // The readers of packed forms are other people's code, fed by strangers.
    let text = catch_unwind(AssertUnwindSafe(|| text(form, content, *budget)));
    let (text, missing) = match text {
        Ok(Ok(text)) => text,
        Ok(Err(why)) => return Reading::Nothing(why),
        Err(_) => return Reading::Nothing("unreadable"),
    };
    let (text, cut) = charset::cut(text, *budget);
    *budget -= text.len();
    let text = RawText::new(charset::clean(&text));
    match missing.or(cut.then_some("too_large")) {
        Some(why) => Reading::Part(text, why),
        None => Reading::Whole(text),
    }
}

fn text(form: Form, content: &[u8], budget: usize) -> Text {
    match form {
        Form::Office => office::text(content, budget),
        Form::Pdf => pdf::text(content, budget),
        Form::Text | Form::Table | Form::Html | Form::Xml | Form::Json => {
            let bound = content.len().min(budget.saturating_mul(4));
            let head = content.get(..bound).unwrap_or_default();
            let (text, _) = charset::decode(head, None);
            let text = match form {
                Form::Table => table::labelled(&text),
                Form::Html => html(&text),
                Form::Xml => structured::xml(&text),
                Form::Json => structured::json(&text).unwrap_or(text),
                _ => text,
            };
            Ok((text, (bound < content.len()).then_some("too_large")))
        }
    }
}

/// What a reader sees, and what stands in attributes and comments.
fn html(source: &str) -> String {
    format!("{}\n{}", render::text(source), structured::hidden(source))
}

/// What tells the form: what hangs on it already, its content, its name, its declared type.
fn form(content: &[u8], about: &Attachment) -> Result<Form, &'static str> {
    for why in ["encrypted", "executable", "dicom"] {
        if about.flags.contains(&why) {
            return Err(why);
        }
    }
    let name = about.name.expose().to_lowercase();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let declared = about.declared_type.as_str();
    if content.starts_with(b"%PDF-") {
        return Ok(Form::Pdf);
    }
    if content.starts_with(b"PK\x03\x04") {
        let office = ["docx", "docm", "dotx", "xlsx", "xlsm", "pptx", "odt", "ods", "odp"];
        let known = office.contains(&ending)
            || declared.contains("officedocument")
            || declared.contains("opendocument")
            || about.detected_type.as_deref().is_some_and(|t| t.contains("officedocument"));
        return if known { Ok(Form::Office) } else { Err("archive") };
    }
    let detected = about.detected_type.as_deref().unwrap_or_default();
    let family = |what: &str| detected.starts_with(what) || declared.starts_with(what);
    if family("image/") && !content.starts_with(b"<") {
        return Err("image");
    }
    if family("audio/") || family("video/") {
        return Err("media");
    }
    if about.flags.contains(&"archive") {
        return Err("archive");
    }
    if !is_text(content) {
        return Err("unknown_format");
    }
    Ok(match ending {
        "csv" | "tsv" => Form::Table,
        "json" | "fhir" => Form::Json,
        "html" | "htm" | "xhtml" => Form::Html,
        "xml" | "svg" | "cda" | "ccda" | "ccd" => Form::Xml,
        _ if declared == "text/csv" => Form::Table,
        _ if declared.ends_with("json") => Form::Json,
        _ if declared == "text/html" => Form::Html,
        _ if declared.ends_with("xml") => Form::Xml,
        _ => by_content(content),
    })
}

fn by_content(content: &[u8]) -> Form {
    match content.trim_ascii_start().first() {
        Some(b'{' | b'[') => Form::Json,
        Some(b'<') => Form::Xml,
        _ => Form::Text,
    }
}

/// Text of any charset holds no NUL and hardly a control character; UTF-16 says what it is.
fn is_text(content: &[u8]) -> bool {
    if content.starts_with(b"\xff\xfe") || content.starts_with(b"\xfe\xff") {
        return true;
    }
    let head = content.get(..content.len().min(4096)).unwrap_or_default();
    let odd = head.iter().filter(|b| **b < 32 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0x1c));
    odd.count() * 100 <= head.len()
}

#[cfg(test)]
mod tests;
