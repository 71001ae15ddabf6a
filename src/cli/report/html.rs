//! The figures as one page: it needs no server, no script and no font from elsewhere, and prints.

use std::fmt::Write as _;

use crate::domain::policy::Policy;
use crate::domain::report::{Figures, OTHER, Rows, Section};

use super::Findings;
use super::chart::{self, Bar, escaped};
use super::lines::{kept, span};

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c2530; --soft: #5b6b7b; --line: #d5dde5; --a: #2f6fab; --b: #d9822b; --page: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --soft: #9fb0c0; --line: #384552; --a: #6aa6dd; --b: #e6a25c; --page: #12181f; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); } h3 { font-size: 1rem; margin: 1.5rem 0 .4rem; }
p, figcaption { color: var(--soft); } figure { margin: 0; }
.cards { display: flex; flex-wrap: wrap; gap: .6rem; } .cards div { border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .9rem; }
.cards b { display: block; font-size: 1.3rem; }
table { border-collapse: collapse; width: 100%; font-size: .87rem; font-variant-numeric: tabular-nums; } .wide { overflow-x: auto; }
th, td { text-align: right; padding: .25rem .45rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
svg { max-width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
.a { fill: var(--a); } .b { fill: var(--b); } .key { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em; }
";

/// The whole page.
pub(super) fn page(findings: &Findings, policy: &Policy) -> String {
    let (from, to) = findings.days;
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Help desks, {from} to {to}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>Help desks, {from} to {to}</h1>\n\
         <p>Tickets by the day of their first mail (UTC). Spans are elapsed time, nights and weekends included; \
         targets count as each desk promises them. Groups are codes of the configuration, \
         “{OTHER}” is what none of them fits.</p>\n"
    );
    if findings.desks.is_empty() {
        page.push_str("<p>No ticket arrived in this period.</p>\n");
    }
    for (name, rows) in &findings.desks {
        let zone = policy.desks.get(name).map_or("UTC", |desk| desk.calendar.zone.name());
        desk(&mut page, name.as_str(), zone, rows);
    }
    page.push_str("</body>\n</html>");
    page
}

fn desk(page: &mut String, name: &str, zone: &str, rows: &Rows) {
    let Some(all) = rows.get(&(Section::All, name.to_owned())) else { return };
    let _ = writeln!(page, "<section>\n<h2>{}</h2>\n<div class=\"cards\">", escaped(name));
    let dash = || "–".to_owned();
    let cards = [
        ("tickets", all.tickets.to_string()),
        ("responses in time", share(all.response.met, all.response.missed)),
        ("median response", all.response_s(50).map_or_else(dash, span)),
        ("90 % answered within", all.response_s(90).map_or_else(dash, span)),
        ("resolutions in time", share(all.resolution.met, all.resolution.missed)),
        ("median resolution", all.resolution_s(50).map_or_else(dash, span)),
        ("reopened", all.reopened.to_string()),
        ("closed by silence", all.auto_closed.to_string()),
        ("with a bounce", all.bounced.to_string()),
    ];
    for (label, value) in cards {
        let _ = writeln!(page, "<div><b>{value}</b>{label}</div>");
    }
    page.push_str("</div>\n");
    hours(page, zone, rows);
    targets(page, rows);
    for (section, title) in [
        (Section::Kind, "By kind"),
        (Section::Priority, "By priority"),
        (Section::Module, "By module"),
        (Section::Clinic, "By clinic or organisation"),
        (Section::Reseller, "By reseller"),
    ] {
        group(page, title, &of(rows, section));
    }
    page.push_str("</section>\n");
}

/// Rows of a section: the most tickets first.
fn of(rows: &Rows, section: Section) -> Vec<(&str, &Figures)> {
    let mut found: Vec<(&str, &Figures)> =
        rows.iter().filter(|((s, _), _)| *s == section).map(|((_, name), f)| (name.as_str(), f)).collect();
    found.sort_by_key(|(name, figures)| (std::cmp::Reverse(figures.tickets), *name));
    found
}

fn hours(page: &mut String, zone: &str, rows: &Rows) {
    let bars: Vec<Bar> = (0..24)
        .map(|hour| {
            let name = format!("{hour:02}");
            let first = rows.get(&(Section::Hour, name.clone())).map_or(0, |f| f.tickets);
            let label = if first == 0 { String::new() } else { first.to_string() };
            Bar { name, first, second: 0, label }
        })
        .collect();
    let title = format!("Tickets by hour of arrival ({zone})");
    let _ = writeln!(page, "<h3>{title}</h3>\n<figure>{}</figure>", chart::columns(&title, &bars));
}

fn targets(page: &mut String, rows: &Rows) {
    let bar = |name: &str, met: u64, missed: u64| Bar {
        name: name.to_owned(),
        first: met,
        second: missed,
        label: share(met, missed),
    };
    let mut bars = Vec::new();
    for (name, f) in of(rows, Section::Priority) {
        for (what, kept) in [("response", f.response), ("resolution", f.resolution)] {
            if kept.met + kept.missed > 0 {
                bars.push(bar(&format!("{name} {what}"), kept.met, kept.missed));
            }
        }
    }
    if bars.is_empty() {
        return;
    }
    let title = "Targets kept and missed";
    let _ = writeln!(
        page,
        "<h3>{title}</h3>\n<figure>{}<figcaption><svg class=\"key\" viewBox=\"0 0 1 1\"><rect class=\"a\" width=\"1\" \
         height=\"1\"/></svg>kept<svg class=\"key\" viewBox=\"0 0 1 1\"><rect class=\"b\" width=\"1\" height=\"1\"/>\
         </svg>missed</figcaption></figure>",
        chart::rows(title, &bars)
    );
}

fn group(page: &mut String, title: &str, rows: &[(&str, &Figures)]) {
    // One row that fits nothing says nothing.
    if rows.iter().all(|(name, _)| *name == OTHER) {
        return;
    }
    let bar = |(name, f): &(&str, &Figures)| Bar {
        name: (*name).to_owned(),
        first: f.tickets,
        second: 0,
        label: f.tickets.to_string(),
    };
    let bars: Vec<Bar> = rows.iter().take(12).map(bar).collect();
    let _ = writeln!(page, "<h3>{title}</h3>\n<figure>{}</figure>", chart::rows(title, &bars));
    page.push_str(
        "<div class=\"wide\"><table>\n<tr><th></th><th>tickets</th><th>response</th><th>p50</th><th>p90</th>\
         <th>resolved</th><th>resolution</th><th>p50</th><th>p90</th><th>reopened</th><th>auto-closed</th>\
         <th>bounced</th></tr>\n",
    );
    for (name, f) in rows {
        let cells = [
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
        ];
        let _ = writeln!(page, "<tr><td>{}</td><td>{}</td></tr>", escaped(name), cells.join("</td><td>"));
    }
    page.push_str("</table></div>\n");
}

/// `86 %`, of what is decided.
fn share(met: u64, missed: u64) -> String {
    (met * 100).checked_div(met + missed).map_or_else(|| "–".to_owned(), |percent| format!("{percent} %"))
}
