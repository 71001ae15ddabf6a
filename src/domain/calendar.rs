//! Business hours: open intervals in local wall time, resolved per date in an IANA zone. Takes
//! instants, gives intervals in UTC; never guesses beyond the years whose holidays it knows.

use chrono::{
    Datelike as _, Duration, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeZone as _, Weekday,
};
use chrono_tz::Tz;
use std::collections::{BTreeMap, BTreeSet};

use super::message::Instant;

/// A calendar: zone, weekly hours, holidays by date, and the years for which holidays are known.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Calendar {
    /// Its name in configuration.
    pub name: String,
    /// The zone in which its wall times hold.
    pub zone: Tz,
    /// Open intervals `[open, close)` by weekday, sorted, disjoint; a close of 00:00 is the end of the day.
    pub weekly: BTreeMap<u8, Vec<(NaiveTime, NaiveTime)>>,
    /// Closed dates.
    pub holidays: BTreeSet<NaiveDate>,
    /// First and last year for which the holidays are complete.
    pub years: (i32, i32),
}

/// A stretch of open time in UTC, `[from, until)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// The first open instant.
    pub from: Instant,
    /// The first instant that is closed again.
    pub until: Instant,
}

impl Calendar {
    /// True when the other one counts every second as this one does, whatever its name is.
    pub fn same_hours(&self, other: &Self) -> bool {
        let (zone, weekly, holidays, years) = (&self.zone, &self.weekly, &self.holidays, &self.years);
        (zone, weekly, holidays, years) == (&other.zone, &other.weekly, &other.holidays, &other.years)
    }
    /// Open intervals of a weekday, Monday 0.
    pub fn weekday(&self, day: Weekday) -> &[(NaiveTime, NaiveTime)] {
        let number = u8::try_from(day.num_days_from_monday()).unwrap_or(0);
        self.weekly.get(&number).map_or(&[], Vec::as_slice)
    }
    /// False outside the years for which the holidays are complete: nothing is said about such a date.
    pub fn knows(&self, date: NaiveDate) -> bool {
        (self.years.0..=self.years.1).contains(&date.year())
    }
    /// True when no weekday opens at all.
    pub fn never_opens(&self) -> bool {
        self.weekly.values().all(Vec::is_empty)
    }
    /// The date on the wall at an instant.
    pub fn date(&self, at: Instant) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }
    /// The open time of one local date in UTC, in order; nothing on a holiday. On a day on which the
    /// zone's offset changes, wall times that occur twice are open twice, those skipped never.
    pub fn openings(&self, date: NaiveDate) -> impl Iterator<Item = Opening> + use<'_> {
        let intervals = if self.holidays.contains(&date) { &[] } else { self.weekday(date.weekday()) };
        let offsets = if intervals.is_empty() { None } else { Offsets::around(self.zone, date) };
        intervals.iter().flat_map(move |(open, close)| {
            let next = if *close == NaiveTime::MIN { date.succ_opt().unwrap_or(date) } else { date };
            offsets
                .map(|o| o.pieces(date.and_time(*open), next.and_time(*close)))
                .into_iter()
                .flatten()
                .flatten()
        })
    }
}

/// The zone's offsets from UTC before and after a date, and where they change if they do.
#[derive(Clone, Copy)]
struct Offsets {
    before: Duration,
    after: Duration,
    change: Option<NaiveDateTime>,
}

impl Offsets {
    fn around(zone: Tz, date: NaiveDate) -> Option<Self> {
        let offset = |utc: NaiveDateTime| {
            Duration::seconds(i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()))
        };
        let midnight = date.and_time(NaiveTime::MIN);
        // No zone is further than 14 hours from UTC: the date lies well inside these bounds.
        let (mut low, mut high) = (
            midnight.checked_sub_signed(Duration::hours(16))?,
            midnight.checked_add_signed(Duration::hours(40))?,
        );
        let (before, after) = (offset(low), offset(high));
        if before == after {
            return Some(Self { before, after, change: None });
        }
        while high - low > Duration::seconds(1) {
            let middle = low + Duration::seconds((high - low).num_seconds() / 2);
            if offset(middle) == before { low = middle } else { high = middle }
        }
        Some(Self { before, after, change: Some(high) })
    }

    /// The instants whose wall time lies in `[open, close)`.
    fn pieces(self, open: NaiveDateTime, close: NaiveDateTime) -> [Option<Opening>; 2] {
        let piece = |from: NaiveDateTime, until: NaiveDateTime| {
            (from < until).then(|| Opening { from: from.and_utc(), until: until.and_utc() })
        };
        match self.change {
            None => [piece(open - self.before, close - self.before), None],
            Some(change) => [
                piece(open - self.before, (close - self.before).min(change)),
                piece((open - self.after).max(change), close - self.after),
            ],
        }
    }
}
