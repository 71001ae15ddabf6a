//! The operator's lists for the redactor: `[redaction]` of the main file. Takes the table as it is
//! written, gives lists; a pattern that does not compile, that finds nothing at all or everything, and
//! a word that is both a name and never one, are errors with their place.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::document::Reader;
use crate::phi::{Lists, LocalFormat};

/// What the operator knows better than the built-in rules.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RedactionTable {
    /// Persons who are always redacted, however they are written: `["Zita Orbeck"]`
    #[serde(default)]
    pub names: Vec<String>,
    /// Words or phrases that are never taken for a name: products, places, your own house
    #[serde(default)]
    pub never: Vec<String>,
    /// Local forms of identifiers
    #[serde(default)]
    pub format: Vec<FormatTable>,
}

/// A local form of identifier.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FormatTable {
    /// A regular expression (no look-around, no back-references): `'\bHX\d{6}\b'`
    pub pattern: String,
    /// Words of which one must stand in the 40 characters before; without them the form stands alone
    #[serde(default)]
    pub context: Vec<String>,
}

/// What no form of identifier may take away.
const ORDINARY: [&str; 5] = [
    "Re: [#123] no access since Monday",
    "error 0x80070005, HTTP 502, version 4.12.7",
    "2026-11-22 10:04:31",
    "Please call us back, thank you.",
    "a",
];

/// Reads the table.
pub fn read(reader: &mut Reader<'_>, table: &RedactionTable) -> Lists {
    let mut formats = Vec::new();
    for (number, format) in table.format.iter().enumerate() {
        formats.extend(read_format(reader, &format!("redaction/format/{number}"), format));
    }
    let names = phrases(reader, "redaction/names", &table.names);
    let never = phrases(reader, "redaction/never", &table.never);
    for (number, word) in table.never.iter().enumerate() {
        if table.names.iter().any(|name| name.to_lowercase() == word.to_lowercase()) {
            let message = format!("`{word}` is a name here and never one there");
            reader.fail(
                &format!("redaction/never/{number}"),
                "contradiction",
                message,
                "remove one of the two",
            );
        }
    }
    Lists { names, formats, never }
}

/// Phrases with something in them, each once.
fn phrases(reader: &mut Reader<'_>, path: &str, list: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    for (number, phrase) in list.iter().enumerate() {
        let place = format!("{path}/{number}");
        if phrase.chars().filter(|c| c.is_alphanumeric()).count() < 2 {
            let message = format!("`{phrase}` is too short");
            reader.fail(&place, "too_short", message, "a word has two letters at least");
        } else if !seen.insert(phrase.to_lowercase()) {
            reader.fail(&place, "duplicate", format!("`{phrase}` stands here twice"), "");
        }
    }
    list.to_vec()
}

fn read_format(reader: &mut Reader<'_>, path: &str, format: &FormatTable) -> Option<LocalFormat> {
    let place = format!("{path}/pattern");
    for (number, word) in format.context.iter().enumerate() {
        if word.trim().is_empty() {
            reader.fail(&format!("{path}/context/{number}"), "too_short", "an empty word", "remove it");
        }
    }
    match LocalFormat::parse(&format.pattern, &format.context) {
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            let help = "the syntax is that of the regex crate: no look-around, no back-references";
            reader.fail(&place, "bad_pattern", format!("the pattern does not compile: {reason}"), help);
            None
        }
        Ok(parsed) => {
            if ORDINARY.iter().any(|text| parsed.matches(text)) || parsed.matches("") {
                let help =
                    "it finds ticket tags, error codes, time stamps or plain words: say more of the form";
                reader.fail(&place, "too_wide", format!("`{}` finds ordinary text", format.pattern), help);
            }
            Some(parsed)
        }
    }
}
