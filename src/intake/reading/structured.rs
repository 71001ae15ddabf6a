//! XML (C-CDA among it), JSON (FHIR among it) and what HTML hides. Takes text, gives lines in which
//! each value stands behind the name it has in the document: a label is half of a finding.

use std::fmt::Write as _;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::intake::pattern::pattern;

pattern!(
    /// A comment, or an attribute with its quoted value.
    HIDDEN,
    r#"(?s)<!--(.*?)-->|([A-Za-z-]{2,40})\s*=\s*(?:"([^"<>]*)"|'([^'<>]*)')"#
);

/// Every text and attribute as `element: value`; parts of one name or address stay on one line.
pub(super) fn xml(source: &str) -> String {
    let mut reader = Reader::from_str(source);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    let mut out = String::new();
    let mut element = String::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => {
                element = local(&tag);
                attributes(&tag, &element, &mut out);
            }
            Ok(Event::Empty(tag)) => attributes(&tag, &local(&tag), &mut out),
            Ok(Event::Text(text)) => value(&element, &text, &mut out),
            Ok(Event::CData(text)) => value(&element, &text, &mut out),
            Ok(Event::Comment(text)) => value("", &text, &mut out),
            Ok(Event::GeneralRef(name)) => entity(&name, &mut out),
            Ok(Event::Eof) => break,
            Ok(_) => {}
            // Broken markup: what follows is read as plain text.
            Err(_) => {
                let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
                out.push_str(source.get(at..).unwrap_or_default());
                break;
            }
        }
    }
    out
}

fn local(tag: &BytesStart<'_>) -> String {
    tag.local_name().as_ref().to_owned()
}

fn attributes(tag: &BytesStart<'_>, element: &str, out: &mut String) {
    for attribute in tag.attributes().with_checks(false).flatten() {
        let key = attribute.key.local_name().as_ref().to_owned();
        let text = &attribute.value;
        let label = if matches!(key.as_str(), "value" | "extension" | "content") { element } else { &key };
        value(label, text, out);
    }
}

/// Elements of which the next ones go on in the same line (HL7 v3 person and address parts).
const PARTS: [&str; 10] = [
    "given",
    "family",
    "prefix",
    "suffix",
    "streetAddressLine",
    "city",
    "state",
    "postalCode",
    "country",
    "t",
];

fn value(label: &str, text: &str, out: &mut String) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    if PARTS.contains(&label) {
        let gap = if out.is_empty() || out.ends_with([' ', '\n']) { "" } else { " " };
        let _ = write!(out, "{gap}{}", unescaped(text));
    } else {
        let gap = if out.is_empty() || out.ends_with('\n') { "" } else { "\n" };
        let colon = if label.is_empty() { "" } else { ": " };
        let _ = writeln!(out, "{gap}{}{colon}{}", spaced(label), unescaped(text));
    }
}

fn entity(name: &str, out: &mut String) {
    out.push_str(&crate::intake::markup::entities(&format!("&{name};")));
}

fn unescaped(text: &str) -> String {
    crate::intake::markup::entities(text)
}

/// `birthTime` and `date_of_birth` as words.
pub(super) fn spaced(label: &str) -> String {
    let mut out = String::with_capacity(label.len() + 4);
    let mut lower = false;
    for c in label.chars() {
        if c.is_uppercase() && lower {
            out.push(' ');
        }
        lower = c.is_lowercase();
        out.push(if matches!(c, '_' | '-' | '.') { ' ' } else { c });
    }
    out
}

/// Every value of a JSON document as `key: value`; `None` when it is none. The parser bounds the depth.
pub(super) fn json(source: &str) -> Option<String> {
    let mut out = String::new();
    for document in serde_json::Deserializer::from_str(source).into_iter::<serde_json::Value>() {
        leaves("", &document.ok()?, &mut out);
    }
    Some(out)
}

fn leaves(key: &str, value: &serde_json::Value, out: &mut String) {
    use serde_json::Value;
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                leaves(key, value, out);
            }
        }
        Value::Array(list) if list.iter().all(Value::is_string) && !list.is_empty() => {
            let words: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            line(key, &words.join(" "), out);
        }
        Value::Array(list) => list.iter().for_each(|value| leaves(key, value, out)),
        Value::String(text) => line(key, text, out),
        Value::Number(number) => line(key, &number.to_string(), out),
        Value::Null | Value::Bool(_) => {}
    }
}

fn line(key: &str, text: &str, out: &mut String) {
    let colon = if key.is_empty() { "" } else { ": " };
    let _ = writeln!(out, "{}{colon}{text}", spaced(key));
}

/// Values of attributes, and comments: what a reader of HTML does not see.
pub(super) fn hidden(html: &str) -> String {
    let mut out = String::new();
    for hit in HIDDEN.captures_all(html) {
        let group = |n: usize| hit.get(n).map(|m| m.as_str());
        if let Some(comment) = group(1) {
            line("", comment, &mut out);
        } else if let (Some(key), Some(text)) = (group(2), group(3).or_else(|| group(4))) {
            line(key, text, &mut out);
        }
    }
    out
}
