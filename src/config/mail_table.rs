//! Priority and category of written mails, by the shipped desks.

use std::collections::BTreeMap;

use chrono::{TimeZone as _, Utc};

use crate::decide::priority::prioritise;
use crate::domain::ids::DeskName;

const MAILS: [(&str, &str); 6] = [
    ("mixed", include_str!("../../fixtures/priority/mixed-2.txt")),
    ("mixed", include_str!("../../fixtures/priority/mixed-1.txt")),
    ("en", include_str!("../../fixtures/priority/en.txt")),
    ("es", include_str!("../../fixtures/priority/es.txt")),
    ("pt", include_str!("../../fixtures/priority/pt.txt")),
    ("it", include_str!("../../fixtures/priority/it.txt")),
];

#[test]
fn mails_get_the_priority_of_their_desk() {
    let now = Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).unwrap();
    let loaded = super::embedded(now).map_err(|problems| format!("{problems:?}")).unwrap();
    let mut wrong = Vec::new();
    let mut confusion: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (language, mails) in MAILS {
        for line in mails.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let parts: Vec<&str> = line.split(" | ").collect();
            let [desk, priority, category, subject, text] = parts.as_slice() else { panic!("{line}") };
            let desk = &loaded.policy.desks[&DeskName::parse(desk).unwrap()];
            let got = prioritise(subject, &text.replace("\\n", "\n"), None, desk);
            let found = got.category.as_ref().map_or("-", |c| c.as_str());
            *confusion.entry((priority, got.priority.as_str())).or_default() += 1;
            if got.priority.as_str() != *priority || found != *category {
                wrong.push(format!(
                    "{language} {line}\n   -> {} {found} {:?}",
                    got.priority.as_str(),
                    got.reasons
                ));
            }
        }
    }
    let total: usize = confusion.values().sum();
    assert!(wrong.is_empty(), "{} of {total}: {confusion:?}\n{}", wrong.len(), wrong.join("\n"));
}
