//! Business hours: open intervals in local wall time, resolved per date in an IANA zone.

use chrono::{NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;
use std::collections::{BTreeMap, BTreeSet};

/// A calendar: zone, weekly hours, holidays by date, and the years for which holidays are known.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// Its name in configuration.
    pub name: String,
    /// The zone in which its wall times hold.
    pub zone: Tz,
    /// Open intervals `[open, close)` by weekday, sorted, disjoint.
    pub weekly: BTreeMap<u8, Vec<(NaiveTime, NaiveTime)>>,
    /// Closed dates.
    pub holidays: BTreeSet<NaiveDate>,
    /// First and last year for which the holidays are complete.
    pub years: (i32, i32),
}

impl Calendar {
    /// Open intervals of a weekday, Monday 0.
    pub fn weekday(&self, day: Weekday) -> &[(NaiveTime, NaiveTime)] {
        let number = u8::try_from(day.num_days_from_monday()).unwrap_or(0);
        self.weekly.get(&number).map_or(&[], Vec::as_slice)
    }
}
