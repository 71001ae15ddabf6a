//! The figures as a table for people, as CSV (RFC 4180) and as JSON lines for programs.

use std::io;

use serde_json::{Value, json};

use crate::domain::ids::DeskName;
use crate::domain::report::{Figures, Section};

use super::super::out::Out;
use super::Findings;

/// Columns of figures, with the figure of each.
type Column = (&'static str, fn(&Figures) -> Option<u64>);

/// Every figure; spans in elapsed seconds.
pub(super) const COLUMNS: [Column; 16] = [
    ("tickets", |f| Some(f.tickets)),
    ("answered", |f| Some(f.answered)),
    ("response_met", |f| Some(f.response.met)),
    ("response_missed", |f| Some(f.response.missed)),
    ("response_p50_s", |f| f.response_s(50).map(u64::from)),
    ("response_p90_s", |f| f.response_s(90).map(u64::from)),
    ("response_p95_s", |f| f.response_s(95).map(u64::from)),
    ("resolved", |f| Some(f.resolved)),
    ("resolution_met", |f| Some(f.resolution.met)),
    ("resolution_missed", |f| Some(f.resolution.missed)),
    ("resolution_p50_s", |f| f.resolution_s(50).map(u64::from)),
    ("resolution_p90_s", |f| f.resolution_s(90).map(u64::from)),
    ("resolution_p95_s", |f| f.resolution_s(95).map(u64::from)),
    ("reopened", |f| Some(f.reopened)),
    ("auto_closed", |f| Some(f.auto_closed)),
    ("bounced", |f| Some(f.bounced)),
];

/// One object a row.
pub fn json(out: &mut Out, findings: &Findings) -> io::Result<()> {
    for (desk, section, name, figures) in rows(findings) {
        let mut object = json!({ "desk": desk.as_str(), "section": section.as_str(), "name": name });
        for (column, figure) in COLUMNS {
            if let Value::Object(object) = &mut object {
                object.insert(column.to_owned(), json!(figure(figures)));
            }
        }
        out.json(&object)?;
    }
    Ok(())
}

/// A header and one line a row; an unknown figure is empty.
pub fn csv(out: &mut Out, findings: &Findings) -> io::Result<()> {
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    out.line(format!("desk,section,name,{}", names.join(",")))?;
    for (desk, section, name, figures) in rows(findings) {
        let cells =
            COLUMNS.iter().map(|(_, figure)| figure(figures).map_or(String::new(), |n| n.to_string()));
        let cells: Vec<String> = cells.collect();
        out.line(format!(
            "{},{},{},{}",
            field(desk.as_str()),
            section.as_str(),
            field(name),
            cells.join(",")
        ))?;
    }
    Ok(())
}

/// Names are codes; a comma or quote in one is quoted all the same.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// For people: spans in hours and minutes, promises as kept of all.
pub fn table(out: &mut Out, findings: &Findings) -> io::Result<()> {
    out.line(format!("{} to {}", findings.days.0, findings.days.1))?;
    let header = [
        "desk",
        "by",
        "name",
        "tickets",
        "response",
        "p50",
        "p90",
        "resolved",
        "resolution",
        "p50 ",
        "p90 ",
        "reopened",
        "auto-closed",
        "bounced",
    ];
    let rows: Vec<Vec<String>> = rows(findings)
        .map(|(desk, section, name, f)| {
            vec![
                desk.to_string(),
                section.as_str().to_owned(),
                name.to_owned(),
                f.tickets.to_string(),
                kept(f.response.met, f.response.missed),
                f.response_s(50).map_or_else(String::new, span),
                f.response_s(90).map_or_else(String::new, span),
                f.resolved.to_string(),
                kept(f.resolution.met, f.resolution.missed),
                f.resolution_s(50).map_or_else(String::new, span),
                f.resolution_s(90).map_or_else(String::new, span),
                f.reopened.to_string(),
                f.auto_closed.to_string(),
                f.bounced.to_string(),
            ]
        })
        .collect();
    out.table(&header, &header[3..], &rows)
}

/// `12/14`: kept of all that are decided.
pub(super) fn kept(met: u64, missed: u64) -> String {
    if met + missed == 0 { String::new() } else { format!("{met}/{}", met + missed) }
}

/// `49h 05m`, `12m`.
pub(super) fn span(seconds: u32) -> String {
    let (hours, minutes) = (seconds / 3600, seconds % 3600 / 60);
    if hours == 0 { format!("{minutes}m") } else { format!("{hours}h {minutes:02}m") }
}

/// Every row, desks and sections in order.
fn rows(findings: &Findings) -> impl Iterator<Item = (&DeskName, Section, &str, &Figures)> {
    findings.desks.iter().flat_map(|(desk, rows)| {
        rows.iter().map(move |((section, name), figures)| (desk, *section, name.as_str(), figures))
    })
}
