//! Calendar files -> calendars: rules for holidays expanded to dates. Laws change, so rules carry
//! years; a year that no file covers is an error, never a silent working day.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use chrono::{Datelike as _, Duration, NaiveDate, Weekday};
use chrono_tz::Tz;

use super::desk_tables::{CalendarEntry, CalendarParts};
use super::document::Reader;
use super::other_tables::{CalendarFile, HolidayTable, ShiftWord};
use super::{ical, spans};
use crate::domain::calendar::Calendar;
use crate::domain::message::Instant;

/// Calendar files by name.
pub type Calendars = BTreeMap<String, Calendar>;

/// Reads one file.
pub fn read(reader: &mut Reader<'_>, name: &str, file: &CalendarFile) -> Option<Calendar> {
    if file.years.0 > file.years.1 || file.years.0 < 1900 || file.years.1 > 2200 {
        reader.fail("years", "invalid", "`years` is not [first, last]", "for example [2024, 2035]");
        return None;
    }
    if file.source.trim().is_empty() {
        reader.fail(
            "source",
            "empty",
            "the holidays name no source",
            "the laws, and when they were looked up",
        );
    }
    let mut holidays = BTreeSet::new();
    for (number, rule) in file.holiday.iter().enumerate() {
        match kind(rule) {
            // A day observed before New Year falls into the year before: one more is expanded.
            Ok(kind) => {
                let years = (file.years.0 - 1)..=(file.years.1 + 1);
                holidays.extend(years.flat_map(|year| days(&kind, rule, year)));
            }
            Err(wrong) => {
                let help = "give one of `date`, `easter`, `nth`";
                reader.fail(
                    &format!("holiday/{number}"),
                    "invalid",
                    format!("`{}` {wrong}", rule.name),
                    help,
                );
            }
        }
    }
    holidays.retain(|day| (file.years.0..=file.years.1).contains(&day.year()));
    Some(Calendar {
        name: name.to_owned(),
        zone: zone(reader, "zone", &file.zone)?,
        weekly: spans::weekly(reader, "hours", &file.hours),
        holidays,
        years: file.years,
    })
}

/// The calendar of a desk.
pub fn of_desk(
    reader: &mut Reader<'_>,
    entry: &CalendarEntry,
    base: &Path,
    (calendars, now): (&Calendars, Instant),
) -> Option<Arc<Calendar>> {
    let names: Vec<&str> = calendars.keys().map(String::as_str).collect();
    let calendar = match entry {
        CalendarEntry::Name(name) => {
            reader.known("calendar", ("calendar", name), calendars.get(name).cloned(), &names)?
        }
        CalendarEntry::Parts(parts) => {
            let mut bases = Vec::new();
            for name in &parts.holidays {
                bases.push(reader.known(
                    "calendar/holidays",
                    ("calendar", name),
                    calendars.get(name),
                    &names,
                )?);
            }
            merged(reader, parts, base, &bases)?
        }
    };
    let year = calendar.date(now).year();
    if !(calendar.years.0..=calendar.years.1).contains(&year) {
        let message = format!("the holidays of {year} are not known to the calendar `{}`", calendar.name);
        let help = "add the year's rules to the calendar file and extend its `years`";
        reader.fail("calendar", "missing_year", message, help);
    } else if calendar.years.1 == year {
        let message =
            format!("the holidays of {} are not known to the calendar `{}`", year + 1, calendar.name);
        reader.warn("calendar", "missing_next_year", message, "deadlines beyond New Year cannot be told");
    }
    Some(Arc::new(calendar))
}

fn merged(
    reader: &mut Reader<'_>,
    parts: &CalendarParts,
    base: &Path,
    bases: &[&Calendar],
) -> Option<Calendar> {
    let Some((first, rest)) = bases.split_first() else {
        reader.fail(
            "calendar/holidays",
            "missing_key",
            "`holidays` names no calendar",
            "for example [\"co\"]",
        );
        return None;
    };
    let mut calendar = Calendar::clone(first);
    for other in rest {
        calendar.holidays.extend(&other.holidays);
        calendar.years = (calendar.years.0.max(other.years.0), calendar.years.1.min(other.years.1));
        calendar.name = format!("{}+{}", calendar.name, other.name);
    }
    for (number, file) in parts.import.iter().enumerate() {
        let path = base.join(file);
        let text = std::fs::read_to_string(&path).map_err(|error| format!("cannot be read: {error}"));
        let days = text.and_then(|text| ical::days(&text, calendar.years));
        let days = reader.parsed(&format!("calendar/import/{number}"), &path.display().to_string(), days);
        calendar.holidays.extend(days.unwrap_or_default());
    }
    if let Some(text) = &parts.zone {
        calendar.zone = zone(reader, "calendar/zone", text)?;
    }
    if let Some(hours) = &parts.hours {
        calendar.weekly = spans::weekly(reader, "calendar/hours", hours);
    }
    for (path, texts, closed) in
        [("calendar/closed", &parts.closed, true), ("calendar/open", &parts.open, false)]
    {
        for (number, text) in texts.iter().enumerate() {
            if let Some(date) = reader.parsed(&format!("{path}/{number}"), text, spans::date(text)) {
                let _ = if closed { calendar.holidays.insert(date) } else { calendar.holidays.remove(&date) };
            }
        }
    }
    Some(calendar)
}

fn zone(reader: &mut Reader<'_>, path: &str, text: &str) -> Option<Tz> {
    let names: Vec<&str> = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
    let zone = text.parse::<Tz>().ok();
    if zone.is_none() {
        let near = super::shape::nearest(text, names.iter().copied()).unwrap_or("America/Bogota");
        reader.fail(
            path,
            "unknown_zone",
            format!("`{text}` is no IANA zone"),
            format!("did you mean `{near}`?"),
        );
    }
    zone
}

enum Kind {
    Fixed { month: u32, day: u32 },
    Easter { offset: i64 },
    Nth { nth: u8, weekday: Weekday, month: u32 },
    Last { weekday: Weekday, month: u32 },
}

fn kind(rule: &HolidayTable) -> Result<Kind, &'static str> {
    match (&rule.date, rule.easter, &rule.nth) {
        (Some(date), None, None) => {
            let (month, day) = date.split_once('-').ok_or("has a `date` that is not MM-DD")?;
            let number = |text: &str| text.parse().map_err(|_| "has a `date` that is not MM-DD");
            let (month, day) = (number(month)?, number(day)?);
            // 2024 is a leap year: 02-29 is a date in some years.
            NaiveDate::from_ymd_opt(2024, month, day).ok_or("has a `date` that does not exist")?;
            Ok(Kind::Fixed { month, day })
        }
        (None, Some(offset), None) if offset.abs() < 300 => Ok(Kind::Easter { offset }),
        (None, None, Some(nth)) => nth_of(nth),
        _ => Err("is not one kind of rule"),
    }
}

const NTH: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

fn nth_of(text: &str) -> Result<Kind, &'static str> {
    let wrong = "has an `nth` that is not like `third mon of january`";
    let words: Vec<&str> = text.split_whitespace().collect();
    let [nth, day, "of", month] = words.as_slice() else { return Err(wrong) };
    let weekday = Weekday::try_from(spans::weekday(day)?).map_err(|_| wrong)?;
    let month =
        MONTHS.iter().position(|m| m == month).and_then(|m| u32::try_from(m + 1).ok()).ok_or(wrong)?;
    if *nth == "last" {
        return Ok(Kind::Last { weekday, month });
    }
    let nth = NTH.iter().position(|n| n == nth).and_then(|n| u8::try_from(n + 1).ok()).ok_or(wrong)?;
    Ok(Kind::Nth { nth, weekday, month })
}

/// The closed days of a rule in a year.
fn days(kind: &Kind, rule: &HolidayTable, year: i32) -> Vec<NaiveDate> {
    if rule.from.is_some_and(|from| year < from) || rule.until.is_some_and(|until| year > until) {
        return Vec::new();
    }
    let day = match kind {
        Kind::Fixed { month, day } => NaiveDate::from_ymd_opt(year, *month, *day),
        Kind::Easter { offset } => easter(year).and_then(|e| e.checked_add_signed(Duration::days(*offset))),
        Kind::Nth { nth, weekday, month } => {
            NaiveDate::from_weekday_of_month_opt(year, *month, *weekday, *nth)
        }
        Kind::Last { weekday, month } => {
            let at = |nth| NaiveDate::from_weekday_of_month_opt(year, *month, *weekday, nth);
            at(5).or_else(|| at(4))
        }
    };
    let Some(day) = day else { return Vec::new() };
    let weekday = day.weekday();
    match rule.shift {
        None => vec![day],
        Some(ShiftWord::NextMonday) => {
            let ahead = (7 - weekday.num_days_from_monday()) % 7;
            vec![day + Duration::days(i64::from(ahead))]
        }
        Some(ShiftWord::NearestWeekday) => match weekday {
            Weekday::Sat => vec![day, day - Duration::days(1)],
            Weekday::Sun => vec![day, day + Duration::days(1)],
            _ => vec![day],
        },
    }
}

/// Easter Sunday of the Gregorian calendar: Gauss's rule with the epact corrected (Explanatory
/// Supplement to the Astronomical Almanac, 12.92).
fn easter(year: i32) -> Option<NaiveDate> {
    let century = year.div_euclid(100);
    let golden = year.rem_euclid(19);
    let shift = (century - 17).div_euclid(25);
    let raw =
        (century - century.div_euclid(4) - (century - shift).div_euclid(3) + 19 * golden + 15).rem_euclid(30);
    let skipped = i32::from(raw > 28 || (raw == 28 && golden > 10));
    let moon = raw - skipped;
    let leaps = century.div_euclid(4) - century + 2;
    let weekday = (year + year.div_euclid(4) + moon + leaps).rem_euclid(7);
    let day = moon - weekday + 28;
    let (month, day) = if day > 31 { (4, day - 31) } else { (3, day) };
    NaiveDate::from_ymd_opt(year, month, u32::try_from(day).ok()?)
}
