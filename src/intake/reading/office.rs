//! Packed office documents (OOXML, OpenDocument): text of documents, sheets, slides, notes, comments
//! and properties. Unpacks member by member under a bound of octets; macros and pictures are not read.

use std::io::{Cursor, Read as _};

use quick_xml::Reader;
use quick_xml::events::Event;

use super::{Text, table};
use crate::intake::limits;

/// Text of every member that holds words.
pub(super) fn text(content: &[u8], budget: usize) -> Text {
    let mut archive = zip::ZipArchive::new(Cursor::new(content)).map_err(|_| "unreadable")?;
    let mut unfolded = limits::UNFOLDED;
    let mut missing = (archive.len() > limits::MEMBERS).then_some("too_large");
    let mut members = Vec::new();
    for number in 0..archive.len().min(limits::MEMBERS) {
        let member = archive.by_index(number).map_err(|_| "encrypted")?;
        let name = member.name().map_err(|_| "unreadable")?.into_owned();
        if !name.to_lowercase().ends_with(".xml") {
            // A picture may show what no text says; fonts, themes and links do not.
            missing = missing.or(picture(&name).then_some("image"));
            continue;
        }
        let mut xml = Vec::new();
        let bound = u64::try_from(unfolded).unwrap_or(u64::MAX);
        member.take(bound).read_to_end(&mut xml).map_err(|_| "unreadable")?;
        unfolded -= xml.len();
        if unfolded == 0 {
            return Err("too_large");
        }
        members.push((name, String::from_utf8_lossy(&xml).into_owned()));
    }
    let shared = members.iter().find(|(name, _)| name == "xl/sharedStrings.xml");
    let shared = shared.map(|(_, xml)| strings(xml)).unwrap_or_default();
    let mut out = String::new();
    for (name, xml) in &members {
        if out.len() > budget {
            break;
        }
        if name.starts_with("xl/worksheets/") {
            out.push_str(&table::rows(sheet(xml, &shared).into_iter()));
        } else if name != "xl/sharedStrings.xml" && holds_words(name) {
            out.push_str(&paragraphs(xml));
        }
    }
    Ok((out, missing))
}

fn picture(name: &str) -> bool {
    let name = name.to_lowercase();
    name.contains("media/") || name.contains("pictures/") || name.contains("embeddings/")
}

fn holds_words(name: &str) -> bool {
    let dull = ["[content_types]", "styles", "theme", "settings", "fonttable", "websettings", "numbering"];
    let lower = name.to_lowercase();
    !dull.iter().any(|word| lower.contains(word))
}

/// Runs of a paragraph joined, a line a paragraph; a table's cells are lines of their own.
fn paragraphs(xml: &str) -> String {
    let mut out = String::new();
    events(xml, |event| match event {
        Part::Text(_, text) => out.push_str(&text),
        Part::End(name) if matches!(name.as_str(), "p" | "h" | "row" | "tc" | "author" | "title") => {
            out.push('\n');
        }
        Part::Void(name) if matches!(name.as_str(), "br" | "tab" | "line-break" | "s") => out.push(' '),
        Part::End(_) | Part::Start(..) | Part::Void(_) => {}
    });
    out.push('\n');
    out
}

/// The table of strings that cells point into.
fn strings(xml: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut one = String::new();
    events(xml, |event| match event {
        Part::Text(_, text) => one.push_str(&text),
        Part::End(name) if name == "si" => all.push(std::mem::take(&mut one)),
        _ => {}
    });
    all
}

fn sheet(xml: &str, shared: &[String]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row: Vec<String> = Vec::new();
    let (mut is_shared, mut cell, mut column) = (false, String::new(), 0);
    events(xml, |event| match event {
        Part::Start(name, attributes) if name == "c" => {
            is_shared = attributes.iter().any(|(key, value)| key == "t" && value == "s");
            let place = attributes.iter().find(|(key, _)| key == "r").map(|(_, place)| place.as_str());
            column = place.map_or(row.len(), column_of).min(limits::MEMBERS);
            cell.clear();
        }
        Part::Text(element, text) if element == "v" || element == "t" => cell.push_str(&text),
        Part::End(name) if name == "c" => {
            let value = std::mem::take(&mut cell);
            let string = value.parse::<usize>().ok().filter(|_| is_shared).and_then(|at| shared.get(at));
            while row.len() < column {
                row.push(String::new());
            }
            row.push(string.cloned().unwrap_or(value));
        }
        Part::End(name) if name == "row" => rows.push(std::mem::take(&mut row)),
        _ => {}
    });
    rows
}

/// The column of a cell's place (`AB12`), from 0.
fn column_of(place: &str) -> usize {
    let letters = place.bytes().take_while(u8::is_ascii_uppercase).take(4);
    letters.fold(0_usize, |sum, letter| sum * 26 + usize::from(letter - b'A') + 1).saturating_sub(1)
}

/// What a document's markup is made of.
enum Part {
    Start(String, Vec<(String, String)>),
    Void(String),
    Text(String, String),
    End(String),
}

fn events(xml: &str, mut each: impl FnMut(Part)) {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let mut element = String::new();
    let name = |raw: &str| raw.to_owned();
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => {
                element = name(tag.local_name().as_ref());
                let mut pairs = Vec::new();
                for pair in tag.attributes().with_checks(false).flatten() {
                    pairs.push((name(pair.key.local_name().as_ref()), name(&pair.value)));
                }
                each(Part::Start(element.clone(), pairs));
            }
            Ok(Event::Empty(tag)) => each(Part::Void(name(tag.local_name().as_ref()))),
            Ok(Event::End(tag)) => each(Part::End(name(tag.local_name().as_ref()))),
            Ok(Event::Text(text)) => each(Part::Text(element.clone(), name(&text))),
            Ok(Event::CData(text)) => each(Part::Text(element.clone(), name(&text))),
            Ok(Event::GeneralRef(entity)) => {
                let text = crate::intake::markup::entities(&format!("&{};", name(&entity)));
                each(Part::Text(element.clone(), text));
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
}
