//! Spans, hours and dates as people write them. Takes text, gives values or says what is wrong.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, NaiveTime};

use super::document::Reader;
use crate::domain::desk::Span;
pub use crate::domain::span::duration;

/// Hours of a week: by weekday from Monday 0, sorted, disjoint.
pub type Weekly = BTreeMap<u8, Vec<(NaiveTime, NaiveTime)>>;

/// Reads `8h business`, `1h30m elapsed`, `2d elapsed`.
pub fn span(text: &str) -> Result<Span, &'static str> {
    Span::parse(text)
}

/// Reads `{ mon-fri = ["08:00-18:00"] }`; a shift over midnight is split at it.
pub fn weekly(reader: &mut Reader<'_>, path: &str, hours: &BTreeMap<String, Vec<String>>) -> Weekly {
    let mut weekly = Weekly::new();
    for (days, intervals) in hours {
        let place = format!("{path}/{days}");
        let Some(days) = reader.parsed(&place, days, weekdays(days)) else { continue };
        for text in intervals {
            let Some((open, close)) = reader.parsed(&place, text, interval(text)) else { continue };
            for day in &days {
                if close == NaiveTime::MIN || open < close {
                    weekly.entry(*day).or_default().push((open, close));
                } else {
                    weekly.entry(*day).or_default().push((open, NaiveTime::MIN));
                    weekly.entry((day + 1) % 7).or_default().push((NaiveTime::MIN, close));
                }
            }
        }
    }
    let mut overlap = false;
    for intervals in weekly.values_mut() {
        intervals.sort_unstable();
        overlap |= intervals.windows(2).any(|pair| match pair {
            [(_, close), (open, _)] => *close == NaiveTime::MIN || open < close,
            _ => false,
        });
    }
    if overlap {
        reader.fail(path, "overlap", "open intervals of one day overlap", "");
    }
    weekly
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The number of a weekday, Monday 0, from its first three letters.
pub fn weekday(text: &str) -> Result<u8, &'static str> {
    let number = DAYS.iter().position(|day| *day == text.trim());
    number.and_then(|n| u8::try_from(n).ok()).ok_or("is no weekday: mon, tue, wed, thu, fri, sat, sun")
}

fn weekdays(text: &str) -> Result<Vec<u8>, &'static str> {
    let mut days = BTreeSet::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (weekday(first)?, weekday(last)?);
        days.extend((0..7).map(|n| (first + n) % 7).take(usize::from((last + 7 - first) % 7) + 1));
    }
    Ok(days.into_iter().collect())
}

fn interval(text: &str) -> Result<(NaiveTime, NaiveTime), &'static str> {
    let wrong = "is no interval such as `08:00-18:00`";
    let (open, close) = text.split_once('-').ok_or(wrong)?;
    let time = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").map_err(|_| wrong);
    let close = if close.trim() == "24:00" { NaiveTime::MIN } else { time(close)? };
    let open = time(open)?;
    if open == close && open != NaiveTime::MIN { Err("is empty") } else { Ok((open, close)) }
}

/// Reads `2026-12-24`.
pub fn date(text: &str) -> Result<NaiveDate, &'static str> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| "is no date such as `2026-12-24`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_intervals() {
        assert_eq!(weekdays("mon-fri"), Ok(vec![0, 1, 2, 3, 4]));
        assert_eq!(weekdays("sat-mon"), Ok(vec![0, 5, 6]));
        assert_eq!(weekdays("mon,wed"), Ok(vec![0, 2]));
        assert!(weekdays("monday").is_err());
        assert!(interval("08:00-24:00").is_ok());
        for bad in ["8-18", "08:00", "08:00-08:00", "25:00-26:00"] {
            assert!(interval(bad).is_err(), "{bad}");
        }
    }
}
