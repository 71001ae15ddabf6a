use super::*;
use chrono::{NaiveDate, TimeZone as _, Utc};

fn now() -> Instant {
    Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).unwrap()
}

fn shown(problems: &[Problem]) -> String {
    let line =
        |p: &Problem| format!("{}:{}:{} {} {} ({})", p.file, p.line, p.column, p.code, p.message, p.help);
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_shipped_files_are_valid() {
    let loaded = embedded(now()).map_err(|problems| shown(&problems)).unwrap();
    assert_eq!(shown(&loaded.warnings), "");
    assert_eq!(loaded.policy.desks.len(), 6);
    assert_eq!(loaded.policy.accounts.len(), 2);
}

#[test]
fn holidays_of_2026() {
    let loaded = embedded(now()).map_err(|problems| shown(&problems)).unwrap();
    let cases = [
        (
            "colombia",
            "01-01 01-12 03-23 04-02 04-03 05-01 05-18 06-08 06-15 06-29 07-13 07-20 08-07 08-17 10-12 11-02 11-16 12-08 12-25",
        ),
        ("unimed", "01-01 04-03 04-21 05-01 09-07 10-12 11-02 11-15 11-20 12-25"),
        ("tuotempo", "01-01 01-06 04-05 04-06 04-25 05-01 06-02 08-15 10-04 11-01 12-08 12-25 12-26"),
        ("offsite", "01-01 01-19 02-16 05-25 06-19 07-03 07-04 09-07 10-12 11-11 11-26 12-25"),
    ];
    for (desk, days) in cases {
        let desk = loaded.policy.desks.values().find(|d| d.name.as_str() == desk).unwrap();
        let of_year = |d: &&NaiveDate| chrono::Datelike::year(*d) == 2026;
        let found: Vec<String> =
            desk.calendar.holidays.iter().filter(of_year).map(|d| d.format("%m-%d").to_string()).collect();
        assert_eq!(found.join(" "), days, "{}", desk.name);
    }
}
