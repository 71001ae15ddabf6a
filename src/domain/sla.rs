//! Deadlines: spans over a calendar, by one rule. Business time runs only inside `[open, close)`; a
//! clock that starts in closed time starts at the next opening; a deadline is the earliest instant
//! at which the promised open time has run, so it may be a closing instant, never the next opening.
//! Takes instants, gives instants; `None` where the years of known holidays end.

use chrono::Duration;

use super::calendar::{Calendar, Opening};
use super::desk::Span;
use super::message::Instant;

/// When a promise that starts at `start` falls due.
pub fn due(calendar: &Calendar, start: Instant, span: Span) -> Option<Instant> {
    let mut left = match span {
        Span::Elapsed(time) => return start.checked_add_signed(time),
        Span::Business(time) => time.max(Duration::zero()),
    };
    openings_from(calendar, start).find_map(|opening| {
        let room = opening.until - opening.from;
        if left <= room {
            return Some(opening.from + left);
        }
        left -= room;
        None
    })
}

/// The first open instant at or after `at`: `at` itself when it is open.
pub fn next_opening(calendar: &Calendar, at: Instant) -> Option<Instant> {
    openings_from(calendar, at).next().map(|opening| opening.from)
}

/// True inside `[open, close)`.
pub fn is_open(calendar: &Calendar, at: Instant) -> bool {
    let date = calendar.date(at);
    calendar.knows(date) && calendar.openings(date).any(|o| o.from <= at && at < o.until)
}

/// The open time within `[from, to)`; zero when `to` is not after `from`.
pub fn elapsed_business(calendar: &Calendar, from: Instant, to: Instant) -> Option<Duration> {
    if to <= from || calendar.never_opens() {
        return Some(Duration::zero());
    }
    if !calendar.knows(calendar.date(from)) || !calendar.knows(calendar.date(to)) {
        return None;
    }
    let spans = openings_from(calendar, from).take_while(|opening| opening.from < to);
    Some(spans.fold(Duration::zero(), |sum, opening| sum + (opening.until.min(to) - opening.from)))
}

/// What is left of a clock that runs out at `due`, in whole seconds of its own kind of time; negative
/// once it has run out. The kind is that of `span`.
pub fn left_s(calendar: &Calendar, span: Span, due: Instant, now: Instant) -> Option<i64> {
    let between = |from, to| match span {
        Span::Elapsed(_) => Some(to - from),
        Span::Business(_) => elapsed_business(calendar, from, to),
    };
    if now <= due { between(now, due) } else { between(due, now).map(|late| -late) }.map(|t| t.num_seconds())
}

/// When a clock that stood still with `left_s` seconds of its own kind of time falls due, if it
/// runs again from `now`. A clock that had run out is due at once.
pub fn resume(calendar: &Calendar, span: Span, left_s: i64, now: Instant) -> Option<Instant> {
    let left = Duration::try_seconds(left_s)?;
    if left <= Duration::zero() {
        return Some(now);
    }
    match span {
        Span::Elapsed(_) => due(calendar, now, Span::Elapsed(left)),
        Span::Business(_) => due(calendar, now, Span::Business(left)),
    }
}

/// Open time from `start` on, in order, until the known years end.
fn openings_from(calendar: &Calendar, start: Instant) -> impl Iterator<Item = Opening> + use<'_> {
    let dates = (!calendar.never_opens()).then(|| calendar.date(start).iter_days());
    dates.into_iter().flatten().take_while(|date| calendar.knows(*date)).flat_map(move |date| {
        let rest = move |o: Opening| (o.until > start).then(|| Opening { from: o.from.max(start), ..o });
        calendar.openings(date).filter_map(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
    use chrono_tz::Tz;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn time(text: &str) -> NaiveTime {
        if text == "24:00" { NaiveTime::MIN } else { NaiveTime::parse_from_str(text, "%H:%M").unwrap() }
    }

    /// Hours such as `08:00-12:00 13:00-18:00` from Monday to Friday, or on all days.
    fn calendar(zone: Tz, hours: &str, days: u8, holidays: &[&str]) -> Calendar {
        let intervals: Vec<_> =
            hours.split(' ').map(|i| i.split_once('-').map(|(a, b)| (time(a), time(b))).unwrap()).collect();
        Calendar {
            name: "test".into(),
            zone,
            weekly: (0..days).map(|day| (day, intervals.clone())).collect::<BTreeMap<_, _>>(),
            holidays: holidays.iter().map(|d| d.parse::<NaiveDate>().unwrap()).collect::<BTreeSet<_>>(),
            years: (2025, 2028),
        }
    }

    fn at(text: &str) -> Instant {
        DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
    }

    fn business(minutes: i64) -> Span {
        Span::Business(Duration::minutes(minutes))
    }

    #[test]
    fn l31_the_rule_for_deadlines() {
        let bogota = calendar(Tz::America__Bogota, "08:00-18:00", 5, &["2026-01-12", "2026-03-23"]);
        let sao_paulo = calendar(Tz::America__Sao_Paulo, "08:30-12:00 13:30-18:00", 5, &["2026-04-03"]);
        let chicago = calendar(Tz::America__Chicago, "08:00-17:00", 5, &["2026-11-26"]);
        let night = calendar(Tz::America__New_York, "00:00-04:00 22:00-24:00", 7, &[]);
        let cases: [(&Calendar, &str, i64, &str); 19] = [
            (&bogota, "2026-02-03T09:00:00-05:00", 120, "2026-02-03T11:00:00-05:00"),
            // The deadline may be a closing instant, never the next opening.
            (&bogota, "2026-02-03T16:00:00-05:00", 120, "2026-02-03T18:00:00-05:00"),
            (&bogota, "2026-02-03T16:00:01-05:00", 120, "2026-02-04T08:00:01-05:00"),
            // A start on a closing instant is closed, on an opening instant open.
            (&bogota, "2026-02-03T18:00:00-05:00", 1, "2026-02-04T08:01:00-05:00"),
            (&bogota, "2026-02-03T08:00:00-05:00", 600, "2026-02-03T18:00:00-05:00"),
            (&bogota, "2026-02-03T08:00:00-05:00", 601, "2026-02-04T08:01:00-05:00"),
            (&bogota, "2026-02-03T03:00:00-05:00", 60, "2026-02-03T09:00:00-05:00"),
            // Friday evening, with a holiday on Monday.
            (&bogota, "2026-01-09T17:30:00-05:00", 60, "2026-01-13T08:30:00-05:00"),
            (&bogota, "2026-03-23T10:00:00-05:00", 60, "2026-03-24T09:00:00-05:00"),
            // Nothing is due at once when open, at the next opening when closed.
            (&bogota, "2026-02-03T09:00:00-05:00", 0, "2026-02-03T09:00:00-05:00"),
            (&bogota, "2026-02-07T09:00:00-05:00", 0, "2026-02-09T08:00:00-05:00"),
            // Over noon, and to the end of the morning.
            (&sao_paulo, "2026-02-03T11:30:00-03:00", 30, "2026-02-03T12:00:00-03:00"),
            (&sao_paulo, "2026-02-03T11:30:00-03:00", 31, "2026-02-03T13:31:00-03:00"),
            (&sao_paulo, "2026-04-02T17:00:00-03:00", 480, "2026-04-06T17:00:00-03:00"),
            // Spring and autumn: wall time holds.
            (&chicago, "2026-03-06T16:00:00-06:00", 120, "2026-03-09T09:00:00-05:00"),
            (&chicago, "2026-10-30T16:00:00-05:00", 120, "2026-11-02T09:00:00-06:00"),
            (&chicago, "2026-11-25T16:30:00-06:00", 60, "2026-11-27T08:30:00-06:00"),
            // The night in which an hour is missing, and the one in which it comes twice.
            (&night, "2026-03-08T00:00:00-05:00", 180, "2026-03-08T04:00:00-04:00"),
            (&night, "2026-11-01T00:00:00-04:00", 300, "2026-11-01T04:00:00-05:00"),
        ];
        for (calendar, start, minutes, want) in cases {
            assert_eq!(
                due(calendar, at(start), business(minutes)),
                Some(at(want)),
                "{start} + {minutes} min"
            );
        }
        let elapsed = due(&bogota, at("2026-01-09T17:30:00Z"), Span::Elapsed(Duration::hours(48)));
        assert_eq!(elapsed, Some(at("2026-01-11T17:30:00Z")));
    }

    #[test]
    fn l31_nothing_is_said_beyond_the_known_years() {
        let bogota = calendar(Tz::America__Bogota, "08:00-18:00", 5, &[]);
        assert_eq!(due(&bogota, at("2028-12-29T17:30:00-05:00"), business(60)), None);
        assert_eq!(due(&bogota, at("2029-01-02T09:00:00-05:00"), business(60)), None);
        let never = Calendar { weekly: BTreeMap::new(), ..bogota };
        assert_eq!(due(&never, at("2026-02-03T09:00:00-05:00"), business(60)), None);
        assert_eq!(next_opening(&never, at("2026-02-03T09:00:00-05:00")), None);
    }

    #[test]
    fn l31_a_pause_across_midnight_keeps_what_was_left() {
        let bogota = calendar(Tz::America__Bogota, "08:00-18:00", 5, &[]);
        let span = business(480);
        let start = at("2026-02-03T14:00:00-05:00");
        let first = due(&bogota, start, span).unwrap();
        let left = left_s(&bogota, span, first, at("2026-02-03T17:00:00-05:00")).unwrap();
        assert_eq!(left, 5 * 3600);
        let again = resume(&bogota, span, left, at("2026-02-05T01:00:00-05:00"));
        assert_eq!(again, Some(at("2026-02-05T13:00:00-05:00")));
        let late = left_s(&bogota, span, first, first + Duration::hours(1)).unwrap();
        assert_eq!(late, -3600);
        assert_eq!(resume(&bogota, span, late, start), Some(start));
    }

    fn calendars() -> Vec<Calendar> {
        vec![
            calendar(Tz::America__Bogota, "08:00-18:00", 5, &["2026-01-12"]),
            calendar(Tz::America__Sao_Paulo, "08:30-12:00 13:30-18:00", 5, &["2026-04-03", "2026-04-21"]),
            calendar(Tz::Europe__Rome, "00:30-02:30 22:00-24:00", 7, &["2026-10-25"]),
            calendar(Tz::America__New_York, "01:00-01:30 02:15-03:15", 7, &["2026-07-03"]),
            calendar(Tz::Australia__Lord_Howe, "00:00-24:00", 7, &["2026-04-06"]),
        ]
    }

    /// Open by the wall clock, without any knowledge of intervals in UTC.
    fn wall_open(calendar: &Calendar, at: Instant) -> bool {
        let wall = at.with_timezone(&calendar.zone).naive_local();
        let day = chrono::Datelike::weekday(&wall.date());
        !calendar.holidays.contains(&wall.date())
            && calendar.weekday(day).iter().any(|(open, close)| {
                *open <= wall.time() && (wall.time() < *close || *close == NaiveTime::MIN)
            })
    }

    /// Independent reckoning, minute by minute.
    fn slow_due(calendar: &Calendar, start: Instant, minutes: i64) -> Instant {
        let (mut now, mut left) = (start, minutes);
        while left > 0 || (minutes == 0 && !wall_open(calendar, now)) {
            left -= i64::from(wall_open(calendar, now));
            now += Duration::minutes(1);
        }
        now
    }

    fn some_instant() -> impl Strategy<Value = Instant> {
        // Around the days on which offsets change, and anywhere else in 2026.
        let days = [
            "2026-03-08T00:00:00Z",
            "2026-03-29T00:00:00Z",
            "2026-04-04T12:00:00Z",
            "2026-10-03T12:00:00Z",
            "2026-10-25T00:00:00Z",
            "2026-11-01T00:00:00Z",
            "2026-04-02T12:00:00Z",
        ];
        let near = (prop::sample::select(days.map(at).to_vec()), -2000_i64..2000);
        let any = (0_i64..500_000).prop_map(|m| at("2026-01-01T00:00:00Z") + Duration::minutes(m));
        prop_oneof![near.prop_map(|(day, m)| day + Duration::minutes(m)), any]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn l31_agrees_with_a_reckoning_by_the_minute(which in 0..5_usize, start in some_instant(), minutes in 0_i64..900) {
            let calendar = &calendars()[which];
            prop_assert_eq!(due(calendar, start, business(minutes)), Some(slow_due(calendar, start, minutes)));
            prop_assert_eq!(is_open(calendar, start), wall_open(calendar, start));
        }

        #[test]
        fn l31_additive_monotone_and_inverse(
            which in 0..5_usize, start in some_instant(), (a, b) in (1_i64..3000, 1_i64..3000), later in 0_i64..3000,
        ) {
            let calendar = &calendars()[which];
            let whole = due(calendar, start, business(a + b)).unwrap();
            let first = due(calendar, start, business(a)).unwrap();
            prop_assert_eq!(due(calendar, first, business(b)), Some(whole));
            let after = due(calendar, start + Duration::minutes(later), business(a)).unwrap();
            prop_assert!(after >= first);
            prop_assert_eq!(elapsed_business(calendar, start, whole), Some(Duration::minutes(a + b)));
            let left = left_s(calendar, business(a + b), whole, first).unwrap();
            prop_assert_eq!(resume(calendar, business(a + b), left, first), Some(whole));
        }
    }
}
