//! `mailward due` against a second reckoning that knows nothing of the first: every minute of three
//! years is open or closed by the wall clock, and a promise is walked off minute by minute. Hours,
//! holidays and promises stand here once more, as the desks' descriptions write them.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::Path;
use std::process::Command;

use chrono::{DateTime, Datelike as _, TimeDelta, TimeZone as _, Timelike as _, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::harness::Scratch;

/// A desk as its description has it.
struct Desk {
    name: &'static str,
    zone: Tz,
    /// Minutes of the local day from and to which it is open, Monday to Friday.
    hours: &'static [(u32, u32)],
    /// `YYYY-MM-DD` by months, written out by year.
    holidays: &'static [(i32, &'static str)],
    /// Priority or type, then response, resolution, update: `8b`, `1e`, `-`.
    promises: &'static [(&'static str, &'static str)],
}

const CO: [(i32, &str); 3] = [
    (
        2026,
        "01-01 01-12 03-23 04-02 04-03 05-01 05-18 06-08 06-15 06-29 07-13 07-20 08-07 08-17 10-12 11-02 11-16 12-08 12-25",
    ),
    (
        2027,
        "01-01 01-11 03-22 03-25 03-26 05-01 05-10 05-31 06-07 07-05 07-12 07-20 08-07 08-16 10-18 11-01 11-15 12-08 12-25",
    ),
    (2028, "01-01 01-10"),
];
const BR: [(i32, &str); 3] = [
    (2026, "01-01 04-03 04-21 05-01 09-07 10-12 11-02 11-15 11-20 12-25"),
    (2027, "01-01 03-26 04-21 05-01 09-07 10-12 11-02 11-15 11-20 12-25"),
    (2028, "01-01"),
];
const IT: [(i32, &str); 3] = [
    (2026, "01-01 01-06 04-05 04-06 04-25 05-01 06-02 08-15 10-04 11-01 12-08 12-25 12-26"),
    (2027, "01-01 01-06 03-28 03-29 04-25 05-01 06-02 08-15 10-04 11-01 11-07 12-08 12-25 12-26"),
    (2028, "01-01 01-06"),
];
const US: [(i32, &str); 3] = [
    (2026, "01-01 01-19 02-16 05-25 06-19 07-03 07-04 09-07 10-12 11-11 11-26 12-25"),
    (2027, "01-01 01-18 02-15 05-31 06-18 06-19 07-04 07-05 09-06 10-11 11-11 11-25 12-24 12-25 12-31"),
    (2028, "01-01 01-17"),
];

const DESKS: [Desk; 5] = [
    Desk {
        name: "colombia",
        zone: Tz::America__Bogota,
        hours: &[(8 * 60, 18 * 60)],
        holidays: &CO,
        promises: &[("urgent", "1e 4e -"), ("high", "2b 8b -"), ("medium", "4b 24b -"), ("low", "8b 48b -")],
    },
    Desk {
        name: "tuotempo",
        zone: Tz::Europe__Rome,
        hours: &[(9 * 60, 18 * 60)],
        holidays: &IT,
        promises: &[("urgent", "- - -"), ("high", "- - -"), ("medium", "- - -"), ("low", "- - -")],
    },
    Desk {
        name: "unimed",
        zone: Tz::America__Sao_Paulo,
        hours: &[(8 * 60 + 30, 12 * 60), (13 * 60 + 30, 18 * 60)],
        holidays: &BR,
        promises: &[("urgent", "- - -"), ("high", "8b - -"), ("medium", "20b - -"), ("low", "80b - -")],
    },
    Desk {
        name: "offsite",
        zone: Tz::America__Chicago,
        hours: &[(8 * 60, 17 * 60)],
        holidays: &US,
        promises: &[("urgent", "- 8e 1e"), ("high", "- 24b 4b"), ("medium", "- 72b 8b"), ("low", "- - -")],
    },
    Desk {
        name: "rxhealth",
        zone: Tz::America__New_York,
        hours: &[],
        holidays: &US,
        promises: &[
            ("urgent", "- - -"),
            ("high", "1e - 1e"),
            ("medium", "8e - 8e"),
            ("low", "16e - 16e"),
            ("question", "8e - -"),
            ("task", "8e - -"),
            ("change", "8e - -"),
        ],
    },
];

const CLOCKS: [&str; 3] = ["response", "resolution", "update"];

fn first() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap()
}

/// Open or closed, for every minute of UTC from the first of 2026 to the end of January 2028.
fn minutes(desk: &Desk) -> Vec<bool> {
    let count = (Utc.with_ymd_and_hms(2028, 2, 1, 0, 0, 0).unwrap() - first()).num_minutes();
    let mut open = Vec::new();
    for minute in 0..count {
        let wall = (first() + TimeDelta::minutes(minute)).with_timezone(&desk.zone);
        let of_day = wall.hour() * 60 + wall.minute();
        let hours = desk.hours.iter().any(|(from, to)| (*from..*to).contains(&of_day));
        let days = desk.holidays.iter().find(|(year, _)| *year == wall.year()).map_or("", |(_, days)| days);
        let holiday = || days.split(' ').any(|day| day == wall.format("%m-%d").to_string());
        open.push(hours && wall.weekday().num_days_from_monday() < 5 && !holiday());
    }
    open
}

/// The promise walked off: a second counts when its minute is open.
fn walk(open: &[bool], start: DateTime<Utc>, promise: &str) -> Option<DateTime<Utc>> {
    let (hours, kind) = promise.split_at(promise.len() - 1);
    let mut left = hours.parse::<i64>().ok()? * 3600;
    if kind == "e" {
        return Some(start + TimeDelta::seconds(left));
    }
    let mut at = (start - first()).num_seconds();
    loop {
        let room = 60 - at % 60;
        if open[usize::try_from(at / 60).unwrap()] {
            let used = room.min(left);
            left -= used;
            if left == 0 {
                return Some(first() + TimeDelta::seconds(at + used));
            }
        }
        at += room;
    }
}

/// Numbers that differ in every run; the seed is printed when something fails.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }
}

/// Instants around which something changes for a desk: openings, closings, noon, days with a change
/// of the clock, holidays, New Year; a second before, at, and a second after.
fn edges(desk: &Desk) -> Vec<DateTime<Utc>> {
    let days =
        ["2026-01-01", "2026-03-08", "2026-03-29", "2026-07-02", "2026-10-25", "2026-11-01", "2026-12-31"];
    let more =
        ["2027-03-14", "2027-03-28", "2027-10-31", "2027-11-07", "2027-12-23", "2026-04-02", "2026-11-20"];
    let mut found = Vec::new();
    for day in days.iter().chain(&more) {
        let day: chrono::NaiveDate = day.parse().unwrap();
        for minute in desk.hours.iter().flat_map(|(from, to)| [*from, *to]).chain([0, 119, 120, 180]) {
            let wall = day.and_hms_opt(minute / 60, minute % 60, 0).unwrap();
            let Some(at) = desk.zone.from_local_datetime(&wall).earliest() else { continue };
            let at = at.with_timezone(&Utc);
            found.extend(
                [-1, 0, 1].map(|s| at + TimeDelta::seconds(s)).into_iter().filter(|at| *at >= first()),
            );
        }
    }
    found
}

/// Every question of a desk at an instant, with its answer.
fn questions(desk: &Desk, open: &[bool], start: DateTime<Utc>) -> Vec<(Value, Option<DateTime<Utc>>)> {
    let mut asked = Vec::new();
    for (whom, promises) in desk.promises {
        for (clock, promise) in CLOCKS.iter().zip(promises.split(' ')) {
            let start_text = start.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            let mut line =
                json!({ "desk": desk.name, "priority": whom, "clock": clock, "start": start_text });
            if !["urgent", "high", "medium", "low"].contains(whom) {
                line["priority"] = json!("medium");
                line["type"] = json!(whom);
            }
            asked.push((line, if promise == "-" { None } else { walk(open, start, promise) }));
        }
    }
    asked
}

/// Runs the program on a file of lines; gives its exit code and output.
fn due(lines: &str) -> (i32, Vec<Value>) {
    let scratch = Scratch::new("due");
    let file = scratch.join("questions.jsonl");
    std::fs::write(&file, lines).unwrap();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/mailward.toml");
    let done = Command::new(env!("CARGO_BIN_EXE_mailward"))
        .args(["due", "--jsonl", "--config"])
        .args([&config, &file])
        .output()
        .unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    (done.status.code().unwrap(), text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn due_agrees_with_a_reckoning_minute_by_minute() {
    let seed = RandomState::new().build_hasher().finish() | 1;
    let mut dice = Dice(seed);
    let span = (Utc.with_ymd_and_hms(2028, 1, 1, 0, 0, 0).unwrap() - first()).num_seconds();
    let mut asked = Vec::new();
    for desk in &DESKS {
        let open = minutes(desk);
        let random = (0..2500).map(|_| first() + TimeDelta::seconds(dice.below(span)));
        let instants: Vec<_> = random.chain(edges(desk)).collect();
        for start in instants {
            let questions = questions(desk, &open, start);
            let keep = usize::try_from(dice.below(i64::try_from(questions.len()).unwrap())).unwrap();
            // Of a random instant one question is enough; near an edge all are asked.
            let near = start.second() < 2 || start.second() == 59;
            asked.extend(
                questions.into_iter().enumerate().filter(|(n, _)| near || *n == keep).map(|(_, q)| q),
            );
        }
    }
    assert!(asked.len() >= 12_000, "{}", asked.len());
    let lines: Vec<String> = asked.iter().map(|(line, _)| line.to_string()).collect();
    let (code, answers) = due(&lines.join("\n"));
    assert_eq!((code, answers.len()), (0, asked.len()));
    let mut told: BTreeMap<bool, usize> = BTreeMap::new();
    for ((line, want), answer) in asked.iter().zip(&answers) {
        let mut want_line = line.clone();
        let want = want.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
        *told.entry(want.is_some()).or_default() += 1;
        want_line["due"] = want.map_or(Value::Null, Value::String);
        assert_eq!(*answer, want_line, "seed {seed}");
    }
    assert!(told[&true] > 5000 && told[&false] > 1000, "{told:?}");
}

#[test]
fn due_names_each_bad_line_and_answers_the_others_in_order() {
    let good = r#"{"desk":"colombia","priority":"high","clock":"response","start":"2026-02-03T11:00:00-05:00","id":7}"#;
    let bad = [
        ("{", "not a JSON object"),
        ("[1]", "not a JSON object"),
        ("\u{fffd}\u{0}", "not a JSON object"),
        (r#"{"desk":"nowhere"}"#, "there is no such desk"),
        (r#"{"desk":"colombia","priority":"huge"}"#, "priority is urgent, high, medium or low"),
        (r#"{"desk":"colombia","priority":"high","clock":"x"}"#, "clock is response, resolution or update"),
        (
            r#"{"desk":"colombia","priority":"high","clock":"response","start":"now"}"#,
            "start is no RFC 3339 instant",
        ),
        (
            r#"{"desk":"colombia","priority":"high","clock":"response","start":"2026-02-03T11:00:00Z","type":7}"#,
            "type is no category's code",
        ),
    ];
    let lines: Vec<String> = bad.iter().map(|(line, _)| format!("{line}\n{good}")).collect();
    let (code, answers) = due(&lines.join("\n"));
    assert_eq!((code, answers.len()), (65, bad.len() * 2));
    for ((line, error), pair) in bad.iter().zip(answers.chunks(2)) {
        assert_eq!(pair[0]["error"], *error, "{line}");
        assert_eq!((pair[0].get("due"), &pair[1]["due"]), (None, &json!("2026-02-03T18:00:00Z")), "{line}");
        assert_eq!(pair[1]["id"], 7, "the other keys stay");
    }
}
