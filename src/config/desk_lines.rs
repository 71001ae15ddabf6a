//! Proof that the shipped desks promise what their organisations promise.

use chrono::{DateTime, Utc};

use super::Loaded;
use crate::decide::hours::{DueQuery, clocks, due_line, effective};
use crate::domain::desk::Desk;
use crate::domain::ids::{Category, DeskName};
use crate::domain::message::Instant;
use crate::domain::ticket::{ClockKind, Priority};

fn at(text: &str) -> Instant {
    DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
}

fn loaded() -> Loaded {
    super::embedded(at("2026-06-01T00:00:00Z")).map_err(|problems| format!("{problems:?}")).unwrap()
}

fn desk<'a>(loaded: &'a Loaded, name: &str) -> &'a Desk {
    &loaded.policy.desks[&DeskName::parse(name).unwrap()]
}

/// Start, then `desk priority clock [type] due`; `-` where nothing is promised.
const LINES: &str = "
# Tuesday morning, everyone open; colombia: urgent 1e/4e/-; high 2b/8b/-; medium 4b/24b/-; low 8b/48b/-
2026-02-03T09:00:00-05:00
colombia urgent response 2026-02-03T10:00:00-05:00
colombia urgent resolution 2026-02-03T13:00:00-05:00
colombia urgent update -
colombia high response 2026-02-03T11:00:00-05:00
colombia high resolution 2026-02-03T17:00:00-05:00
colombia medium response 2026-02-03T13:00:00-05:00
colombia medium resolution 2026-02-05T13:00:00-05:00
colombia low response 2026-02-03T17:00:00-05:00
colombia low resolution 2026-02-09T17:00:00-05:00
colombia low update -
# Friday evening before a Monday that is a holiday
2026-01-09T17:00:00-05:00
colombia urgent response 2026-01-09T18:00:00-05:00
colombia high response 2026-01-13T09:00:00-05:00
# tuotempo promises nothing
2026-02-03T09:00:00+01:00
tuotempo urgent response -
tuotempo high resolution -
tuotempo medium update -
tuotempo low response -
# unimed: urgent none; high 8b/-/-; medium 20b/-/-; low 80b/-/-; the day has 8 hours
2026-02-03T08:30:00-03:00
unimed urgent response -
unimed high response 2026-02-03T18:00:00-03:00
unimed high resolution -
unimed medium response 2026-02-05T14:00:00-03:00
unimed low response 2026-02-16T18:00:00-03:00
unimed high response consulting -
2026-02-03T11:00:00-03:00
unimed high response 2026-02-04T11:00:00-03:00
# offsite: urgent -/8e/1e; high -/24b/4b; medium -/72b/8b; low none
2026-02-03T10:00:00-06:00
offsite urgent response -
offsite urgent resolution 2026-02-03T18:00:00-06:00
offsite urgent update 2026-02-03T11:00:00-06:00
offsite high response -
offsite high resolution 2026-02-05T16:00:00-06:00
offsite high update 2026-02-03T14:00:00-06:00
offsite medium resolution 2026-02-13T10:00:00-06:00
offsite medium update 2026-02-04T09:00:00-06:00
offsite low response -
offsite low resolution -
offsite low update -
# Independence Day falls on a Saturday: Friday is closed
2026-07-02T16:00:00-05:00
offsite high update 2026-07-06T11:00:00-05:00
# rxhealth: urgent none; high 1e/-/1e; medium 8e/-/8e; low 16e/-/16e; type question, task, change 8e/-/-
2026-02-07T22:00:00-05:00
rxhealth urgent response -
rxhealth high response 2026-02-07T23:00:00-05:00
rxhealth high update 2026-02-07T23:00:00-05:00
rxhealth high resolution -
rxhealth medium response 2026-02-08T06:00:00-05:00
rxhealth medium update 2026-02-08T06:00:00-05:00
rxhealth low response 2026-02-08T14:00:00-05:00
rxhealth low update 2026-02-08T14:00:00-05:00
rxhealth low response question 2026-02-08T06:00:00-05:00
rxhealth high response task 2026-02-08T06:00:00-05:00
rxhealth medium response change 2026-02-08T06:00:00-05:00
rxhealth medium update change -
colombia-breach urgent response 2026-02-07T23:00:00-05:00
";

#[test]
fn every_line_of_deadlines_by_desk() {
    let loaded = loaded();
    let mut start = at("2026-01-01T00:00:00Z");
    for line in LINES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        let (desk, priority, clock, rest) = match words.as_slice() {
            [instant] => {
                start = at(instant);
                continue;
            }
            [desk, priority, clock, rest @ ..] => (desk, priority, clock, rest),
            _ => panic!("{line}"),
        };
        let (category, want) = match rest {
            [want] => (None, want),
            [category, want] => (Some(Category::parse(category).unwrap()), want),
            _ => panic!("{line}"),
        };
        let query = DueQuery {
            desk: DeskName::parse(desk).unwrap(),
            priority: Priority::parse(priority).unwrap(),
            clock: ClockKind::parse(clock).unwrap(),
            start,
            category,
        };
        let want = (*want != "-").then(|| at(want));
        assert_eq!(due_line(&loaded.policy, &query), want, "{start} {line}");
    }
}

#[test]
fn offsite_counts_no_more_than_low_until_it_opens() {
    let loaded = loaded();
    let desk = desk(&loaded, "offsite");
    let (evening, monday) = (at("2026-02-06T19:00:00-06:00"), at("2026-02-09T08:00:00-06:00"));
    let high = effective(desk, Priority::High, evening);
    assert_eq!((high.priority, high.capped, high.after_hours), (Priority::Low, true, true));
    assert_eq!((high.clocks_start, high.next_opening), (monday, Some(monday)));
    let urgent = effective(desk, Priority::Urgent, evening);
    assert_eq!((urgent.priority, urgent.capped, urgent.clocks_start), (Priority::Urgent, false, evening));
    assert!(urgent.after_hours);
    let noon = effective(desk, Priority::High, at("2026-02-06T12:00:00-06:00"));
    assert_eq!((noon.priority, noon.after_hours, noon.next_opening), (Priority::High, false, None));
    let holiday = effective(desk, Priority::Medium, at("2026-11-26T12:00:00-06:00"));
    assert_eq!(holiday.next_opening, Some(at("2026-11-27T08:00:00-06:00")));
}

#[test]
fn colombia_lowers_nothing_and_handles_urgent_at_night() {
    let loaded = loaded();
    let desk = desk(&loaded, "colombia");
    let night = at("2026-02-06T23:00:00-05:00");
    let high = effective(desk, Priority::High, night);
    assert_eq!((high.priority, high.after_hours), (Priority::High, true));
    assert_eq!(high.next_opening, Some(at("2026-02-09T08:00:00-05:00")));
    let due: Vec<_> = clocks(desk, Priority::Urgent, None, night).iter().map(|c| c.kind).collect();
    assert_eq!(due, [ClockKind::Response, ClockKind::Resolution]);
    assert!(desk.escalation.raise && desk.autoclose.is_none());
}

#[test]
fn rxhealth_knows_no_hours() {
    let loaded = loaded();
    let desk = desk(&loaded, "rxhealth");
    assert!(desk.elapsed_only());
    let sunday = effective(desk, Priority::High, at("2026-02-08T03:00:00-05:00"));
    assert_eq!((sunday.after_hours, sunday.next_opening), (false, None));
    let entry: Vec<_> =
        [Priority::Low, Priority::Medium, Priority::High].map(|p| desk.escalation.entry(p)).to_vec();
    assert_eq!(entry, [Some(2), Some(3), Some(4)]);
    assert_eq!(desk.escalation.contacts(3).count(), 3);
}
