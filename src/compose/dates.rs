//! Instants in the words of a language and the wall time of a zone. Takes the zone from the desk's
//! calendar; the zone is always named, because the reader may live in another.

use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _, Utc};
use chrono_tz::{OffsetName as _, Tz};

use crate::domain::message::Language;

/// Names and order of one language.
struct Words {
    /// Monday first.
    weekdays: [&'static str; 7],
    months: [&'static str; 12],
}

const EN: Words = Words {
    weekdays: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
};
const ES: Words = Words {
    weekdays: ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
    months: [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
};
const PT: Words = Words {
    weekdays: [
        "segunda-feira",
        "terça-feira",
        "quarta-feira",
        "quinta-feira",
        "sexta-feira",
        "sábado",
        "domingo",
    ],
    months: [
        "janeiro",
        "fevereiro",
        "março",
        "abril",
        "maio",
        "junho",
        "julho",
        "agosto",
        "setembro",
        "outubro",
        "novembro",
        "dezembro",
    ],
};
const IT: Words = Words {
    weekdays: ["lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"],
    months: [
        "gennaio",
        "febbraio",
        "marzo",
        "aprile",
        "maggio",
        "giugno",
        "luglio",
        "agosto",
        "settembre",
        "ottobre",
        "novembre",
        "dicembre",
    ],
};

const fn words(language: Language) -> &'static Words {
    match language {
        Language::En => &EN,
        Language::Es => &ES,
        Language::Pt => &PT,
        Language::It => &IT,
    }
}

/// "Monday, November 23, 2026": the date alone.
pub(super) fn date(at: DateTime<Utc>, zone: Tz, language: Language) -> String {
    day(at.with_timezone(&zone).date_naive(), language)
}

/// The same of a day on the wall.
pub(super) fn day(at: NaiveDate, language: Language) -> String {
    let words = words(language);
    let index = usize::try_from(at.weekday().num_days_from_monday()).unwrap_or(0);
    let weekday = words.weekdays.get(index).copied().unwrap_or_default();
    let month = words.months.get(usize::try_from(at.month0()).unwrap_or(0)).copied().unwrap_or_default();
    let (day, year) = (at.day(), at.year());
    match (language, day) {
        (Language::En, _) => format!("{weekday}, {month} {day}, {year}"),
        (Language::Es, _) => format!("{weekday} {day} de {month} de {year}"),
        (Language::Pt, 1) => format!("{weekday}, 1º de {month} de {year}"),
        (Language::Pt, _) => format!("{weekday}, {day} de {month} de {year}"),
        (Language::It, 1) => format!("{weekday} 1º {month} {year}"),
        (Language::It, _) => format!("{weekday} {day} {month} {year}"),
    }
}

/// "Monday, November 23, 2026 at 9:30 AM (EST, America/New_York)": date, time and zone.
pub(super) fn date_time(at: DateTime<Utc>, zone: Tz, language: Language) -> String {
    format!("{} ({})", date_time_here(at, zone, language), zone_name(at, zone))
}

/// The same without the zone, for a mail that has named it already.
pub(super) fn date_time_here(at: DateTime<Utc>, zone: Tz, language: Language) -> String {
    let local = at.with_timezone(&zone);
    let (hour, minute) = (local.hour(), local.minute());
    let day = date(at, zone, language);
    match language {
        Language::En => {
            let (noon, hour) = local.hour12();
            format!("{day} at {hour}:{minute:02} {}", if noon { "PM" } else { "AM" })
        }
        Language::Es if hour == 1 => format!("{day} a la {hour}:{minute:02}"),
        Language::Es => format!("{day} a las {hour}:{minute:02}"),
        Language::Pt if hour <= 1 => format!("{day} à {hour}h{minute:02}"),
        Language::Pt => format!("{day} às {hour}h{minute:02}"),
        Language::It => format!("{day} alle ore {hour}:{minute:02}"),
    }
}

/// The zone's own abbreviation where it has one, else its distance from UTC; with its IANA name.
fn zone_name(at: DateTime<Utc>, zone: Tz) -> String {
    let local = at.with_timezone(&zone);
    match local.offset().abbreviation() {
        Some(short) if short == zone.name() => short.to_owned(),
        Some(short) if short.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            format!("{short}, {}", zone.name())
        }
        _ => format!("UTC{}, {}", local.format("%:z"), zone.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone as _;

    #[test]
    fn an_instant_reads_naturally_in_every_language() {
        let at = |h, m| Utc.with_ymd_and_hms(2026, 3, 2, h, m, 0).unwrap();
        let cases = [
            (
                at(15, 5),
                chrono_tz::America::Chicago,
                Language::En,
                "Monday, March 2, 2026 at 9:05 AM (CST, America/Chicago)",
            ),
            (
                at(18, 0),
                chrono_tz::America::Chicago,
                Language::En,
                "Monday, March 2, 2026 at 12:00 PM (CST, America/Chicago)",
            ),
            (
                at(6, 0),
                chrono_tz::America::Chicago,
                Language::En,
                "Monday, March 2, 2026 at 12:00 AM (CST, America/Chicago)",
            ),
            (
                at(18, 0),
                chrono_tz::America::Bogota,
                Language::Es,
                "lunes 2 de marzo de 2026 a las 13:00 (UTC-05:00, America/Bogota)",
            ),
            (
                at(6, 30),
                chrono_tz::America::Bogota,
                Language::Es,
                "lunes 2 de marzo de 2026 a la 1:30 (UTC-05:00, America/Bogota)",
            ),
            (
                at(12, 30),
                chrono_tz::America::Sao_Paulo,
                Language::Pt,
                "segunda-feira, 2 de março de 2026 às 9h30 (UTC-03:00, America/Sao_Paulo)",
            ),
            (
                at(8, 0),
                chrono_tz::Europe::Rome,
                Language::It,
                "lunedì 2 marzo 2026 alle ore 9:00 (CET, Europe/Rome)",
            ),
            (at(8, 0), chrono_tz::UTC, Language::En, "Monday, March 2, 2026 at 8:00 AM (UTC)"),
        ];
        for (at, zone, language, want) in cases {
            assert_eq!(date_time(at, zone, language), want);
        }
    }

    #[test]
    fn l31_the_zone_follows_daylight_saving() {
        let at = Utc.with_ymd_and_hms(2026, 7, 1, 15, 5, 0).unwrap();
        let want = "Wednesday, July 1, 2026 at 10:05 AM (CDT, America/Chicago)";
        assert_eq!(date_time(at, chrono_tz::America::Chicago, Language::En), want);
        let first = Utc.with_ymd_and_hms(2026, 5, 1, 12, 0, 0).unwrap();
        assert_eq!(
            date(first, chrono_tz::America::Sao_Paulo, Language::Pt),
            "sexta-feira, 1º de maio de 2026"
        );
    }
}
