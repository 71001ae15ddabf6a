//! Priority and category of written mails, by the shipped desks. To measure mails that the rules never
//! saw, add their file to `MAILS`: the test prints the confusion table and every line that went wrong.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{TimeZone as _, Utc};

use crate::decide::priority::prioritise;
use crate::domain::ids::DeskName;
use crate::domain::ticket::Priority;

const MAILS: [(&str, &str); 12] = [
    ("mixed", include_str!("../../fixtures/priority/mixed-2.txt")),
    ("mixed", include_str!("../../fixtures/priority/mixed-1.txt")),
    ("en", include_str!("../../fixtures/priority/en.txt")),
    ("es", include_str!("../../fixtures/priority/es.txt")),
    ("pt", include_str!("../../fixtures/priority/pt.txt")),
    ("it", include_str!("../../fixtures/priority/it.txt")),
    ("en", include_str!("../../fixtures/priority/unseen/en.txt")),
    ("es", include_str!("../../fixtures/priority/unseen/es.txt")),
    ("pt", include_str!("../../fixtures/priority/unseen/pt.txt")),
    ("it", include_str!("../../fixtures/priority/unseen/it.txt")),
    ("mixed", include_str!("../../fixtures/priority/unseen/second.txt")),
    ("mixed", include_str!("../../fixtures/priority/unseen/third.txt")),
];

/// Mails counted by the priority they have and the one they got.
type Confusion = BTreeMap<(Priority, Priority), usize>;

/// `have` down, `got` across, precision and recall beside each.
fn shown(confusion: &Confusion) -> String {
    let count = |have, got| confusion.get(&(have, got)).copied().unwrap_or(0);
    let of = |right: usize, all: usize| {
        (right * 100).checked_div(all).map_or_else(|| "-".to_owned(), |percent| format!("{percent} %"))
    };
    let mut table = String::from("| have | low | medium | high | urgent | precision | recall |\n");
    for level in Priority::ALL {
        let row = Priority::ALL.map(|got| count(level, got));
        let column: usize = Priority::ALL.iter().map(|have| count(*have, level)).sum();
        let (right, all) = (count(level, level), row.iter().sum());
        let cells = row.map(|n| n.to_string()).join(" | ");
        let _ =
            writeln!(table, "| {} | {cells} | {} | {} |", level.as_str(), of(right, column), of(right, all));
    }
    table
}

/// Measures one file; gives every line that went wrong.
fn measure(language: &str, mails: &str, confusion: &mut Confusion) -> Vec<String> {
    let now = Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).unwrap();
    let loaded = super::embedded(now).map_err(|problems| format!("{problems:?}")).unwrap();
    let mut wrong = Vec::new();
    for line in mails.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let parts: Vec<&str> = line.split(" | ").collect();
        let [desk, priority, category, subject, text] = parts.as_slice() else { panic!("{line}") };
        let desk = &loaded.policy.desks[&DeskName::parse(desk).unwrap()];
        let got = prioritise(subject, &text.replace("\\n", "\n"), None, desk);
        let found = got.category.as_ref().map_or("-", |c| c.as_str());
        *confusion.entry((Priority::parse(priority).unwrap(), got.priority)).or_default() += 1;
        if got.priority.as_str() != *priority || found != *category {
            let why: Vec<String> = got.reasons.iter().map(crate::domain::effect::Reason::words).collect();
            wrong.push(format!("{language} {line}\n   -> {} {found} {why:?}", got.priority.as_str()));
        }
    }
    wrong
}

#[test]
fn mails_get_the_priority_of_their_desk() {
    let mut confusion = Confusion::new();
    let wrong: Vec<String> =
        MAILS.iter().flat_map(|(language, mails)| measure(language, mails, &mut confusion)).collect();
    let total: usize = confusion.values().sum();
    assert!(wrong.is_empty(), "{} of {total}\n{}\n{}", wrong.len(), shown(&confusion), wrong.join("\n"));
}
