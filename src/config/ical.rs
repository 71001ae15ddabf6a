//! Closed days from an iCalendar file (RFC 5545): whole-day events, single or yearly. Takes text,
//! gives dates; a rule of repetition that it does not know is an error, never a silent working day.

use std::collections::BTreeSet;

use chrono::{Datelike as _, Duration, NaiveDate};
use icalendar::{Calendar, CalendarComponent, CalendarDateTime, Component as _, DatePerhapsTime};

/// The days of all events within the years.
pub fn days(text: &str, years: (i32, i32)) -> Result<BTreeSet<NaiveDate>, String> {
    let calendar: Calendar =
        text.parse().map_err(|error: String| format!("is no iCalendar file: {error}"))?;
    let mut days = BTreeSet::new();
    for event in calendar.components.iter().filter_map(event) {
        let name = event.get_summary().unwrap_or("an event");
        let first =
            event.get_start().map(|at| date(&at)).ok_or_else(|| format!("`{name}` has no DTSTART"))?;
        // DTEND is the day after the last one (RFC 5545 3.6.1); absent, the event is one day.
        let end =
            event.get_end().map_or(first + Duration::days(1), |at| date(&at)).max(first + Duration::days(1));
        let length = (end - first).num_days().min(366);
        let last_year = match event.property_value("RRULE") {
            None => first.year(),
            Some(rule) => {
                yearly(rule, first).ok_or_else(|| format!("`{name}` repeats by `{rule}`"))?.min(years.1)
            }
        };
        for year in first.year()..=last_year {
            if let Some(start) = first.with_year(year) {
                days.extend((0..length).map(|n| start + Duration::days(n)));
            }
        }
    }
    days.retain(|day| (years.0..=years.1).contains(&day.year()));
    Ok(days)
}

fn event(component: &CalendarComponent) -> Option<&icalendar::Event> {
    match component {
        CalendarComponent::Event(event) => Some(event),
        _ => None,
    }
}

fn date(at: &DatePerhapsTime) -> NaiveDate {
    match at {
        DatePerhapsTime::Date(date) => *date,
        DatePerhapsTime::DateTime(
            CalendarDateTime::Floating(time) | CalendarDateTime::WithTimezone { date_time: time, .. },
        ) => time.date(),
        DatePerhapsTime::DateTime(CalendarDateTime::Utc(time)) => time.date_naive(),
    }
}

/// The last year of a plain yearly rule; `None` for every other rule.
fn yearly(rule: &str, first: NaiveDate) -> Option<i32> {
    let mut last = i32::MAX;
    let mut is_yearly = false;
    for part in rule.split(';').filter(|part| !part.is_empty()) {
        match part.split_once('=')? {
            ("FREQ", "YEARLY") => is_yearly = true,
            ("INTERVAL", "1") | ("WKST", _) => {}
            ("COUNT", count) => last = first.year() + count.parse::<i32>().ok()? - 1,
            ("UNTIL", until) => last = until.get(..4)?.parse().ok()?,
            ("BYMONTH", month) if month.parse() == Ok(first.month()) => {}
            ("BYMONTHDAY", day) if day.parse() == Ok(first.day()) => {}
            _ => return None,
        }
    }
    is_yearly.then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(events: &[&str]) -> String {
        let event =
            |lines: &&str| format!("BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Day\r\n{lines}\r\nEND:VEVENT\r\n");
        let body = events.iter().map(event).collect::<Vec<_>>().concat();
        format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\n{body}END:VCALENDAR\r\n")
    }

    #[test]
    fn closed_days_of_an_icalendar_file() {
        let cases: [(&str, &[&str]); 5] = [
            ("DTSTART;VALUE=DATE:20260217", &["2026-02-17"]),
            ("DTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261226", &["2026-12-24", "2026-12-25"]),
            ("DTSTART;VALUE=DATE:20250101\r\nRRULE:FREQ=YEARLY", &["2025-01-01", "2026-01-01", "2027-01-01"]),
            ("DTSTART;VALUE=DATE:20250102\r\nRRULE:FREQ=YEARLY;COUNT=2", &["2025-01-02", "2026-01-02"]),
            ("DTSTART:20260303T000000", &["2026-03-03"]),
        ];
        for (event, want) in cases {
            let found = days(&file(&[event]), (2025, 2027)).unwrap();
            assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), want, "{event}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let monthly = file(&["DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=MONTHLY"]);
        assert!(days(&monthly, (2025, 2027)).is_err());
        assert!(days(&file(&["DESCRIPTION:x"]), (2025, 2027)).is_err());
        assert!(days("BEGIN:VCALENDAR", (2025, 2027)).is_err());
    }
}
