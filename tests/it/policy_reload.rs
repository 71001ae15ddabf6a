//! A policy that changes while tickets run: hours that move deadlines, a new configuration at SIGHUP,
//! and a broken one that changes nothing.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::app::{App, DESK, Post};

fn mail(app: &App, at: &str, subject: &str, text: &str) {
    let mail = format!(
        "From: Mary <mary@lakeside.example>\r\nTo: {DESK}\r\nSubject: {subject}\r\nMessage-ID: <{}@lakeside.example>\r\n\
         Date: Tue, 03 Feb 2026 10:00:00 -0600\r\n\r\n{text}\r\n",
        subject.replace(' ', ".")
    );
    let done = app.feed(&["ingest", "--desk", "imaging", "--at", at, "-"], mail.as_bytes());
    assert_eq!(done.code, 0, "{}", done.stderr);
}

fn due(app: &App, number: &str, clock: &str) -> String {
    let ticket = &app.json(&["ticket", "show", number])[0];
    let clocks = ticket["clocks"].as_array().unwrap();
    let found = clocks.iter().find(|c| c["kind"] == clock).unwrap();
    found["due"].as_str().unwrap_or("-").to_owned()
}

#[test]
fn desks_clocks_recompute_shows_first_and_changes_when_told() {
    let app = App::new(None, &Post::Folders);
    // Tuesday 15:00 in Chicago: several users, 8 open hours until Wednesday 14:00.
    mail(&app, "2026-02-03T21:00:00Z", "worklist", "Several users get an error in the worklist.");
    mail(&app, "2026-02-03T21:00:01Z", "question", "How long do you keep studies?");
    assert_eq!(due(&app, "1", "resolution"), "2026-02-04T20:00:00Z");
    let nothing = app.json(&["clocks", "recompute", "--at", "2026-02-03T21:10:00Z"]);
    assert_eq!(nothing, Vec::<Value>::new(), "the same hours move nothing");
    // Wednesday turns out to be closed.
    let desk = app.read("desks/imaging.toml");
    app.write(
        "desks/imaging.toml",
        &desk.replace("zone = \"America/Chicago\"", "closed = [\"2026-02-04\"], zone = \"America/Chicago\""),
    );
    let shown = app.json(&["clocks", "recompute", "--at", "2026-02-03T21:20:00Z"]);
    let line = |clock: &str, due: &str, becomes: &str| serde_json::json!({ "ticket": 1, "desk": "imaging", "clock": clock, "due": due, "becomes": becomes });
    assert_eq!(shown, [line("resolution", "2026-02-04T20:00:00Z", "2026-02-05T20:00:00Z")]);
    assert_eq!(due(&app, "1", "resolution"), "2026-02-04T20:00:00Z", "a dry run changes nothing");
    let table = app.ok(&["clocks", "recompute", "--apply", "--at", "2026-02-03T21:30:00Z"]);
    assert!(table.contains("2026-02-05 20:00:00Z") && table.contains("1 deadlines moved"), "{table}");
    assert_eq!(due(&app, "1", "resolution"), "2026-02-05T20:00:00Z");
    assert_eq!(due(&app, "1", "response"), "2026-02-03T23:00:00Z", "what lies before that day stays");
    let history = &app.json(&["ticket", "show", "1"])[0]["history"];
    let rows = history.as_array().unwrap();
    let row = rows.iter().find(|row| row["action"] == "recomputed").unwrap();
    assert!(row["reasons"].to_string().contains("calendar_changed"), "{row}");
    assert_eq!(
        app.json(&["clocks", "recompute", "--at", "2026-02-03T21:40:00Z"]),
        Vec::<Value>::new(),
        "once"
    );
    // The day is open after all: back, as long as nobody changed the ticket meanwhile.
    app.write("desks/imaging.toml", &desk);
    let back = app.json(&["clocks", "recompute", "--apply", "--at", "2026-02-03T21:50:00Z"]);
    assert_eq!(back, [line("resolution", "2026-02-05T20:00:00Z", "2026-02-04T20:00:00Z")]);
    app.idle_at("2026-02-03T22:00:00Z");
    app.finish();
}

/// Waits until the log says so.
fn says(log: impl Fn() -> String, text: &str, times: usize) {
    let since = Instant::now();
    while log().matches(text).count() < times {
        assert!(since.elapsed() < Duration::from_mins(2), "never said `{text}`:\n{}", log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// File, what is replaced by what, and the code of `check`.
const BROKEN: [(&str, &str, &str, &str); 7] = [
    (
        "desks/imaging.toml",
        "[[rule]]\nid = \"question\"",
        "[[rule]]\nid = \"twin\"\nsays = \"the same words, another priority\"\nwhen = [\"many-users\", \"problem\"]\n\
         unless = [\"resolved\", \"hypothetical\"]\npriority = \"low\"\n\n[[rule]]\nid = \"question\"",
        "contradiction",
    ),
    (
        "desks/imaging.toml",
        "calendar = { holidays = [\"us-federal\"], zone = \"America/Chicago\", hours = { mon-fri = [\"08:00-17:00\"] } }",
        "calendar = { holidays = [\"us-federal\"], zone = \"America/Chicago\", hours = {} }",
        "target_without_hours",
    ),
    ("desks/imaging.toml", "calendar = {", "# {", "missing_key"),
    ("calendars/us-federal.toml", "years = [2024, 2035]", "years = [2024, 2025]", "missing_year"),
    ("desks/imaging.toml", "America/Chicago", "America/Chikago", "unknown_zone"),
    ("templates/en/closed.txt", "", "Ticket {{ ticket.nummer }}\n", "unknown_variable"),
    (
        "desks/imaging.toml",
        "[priority]\n",
        "[escalation]\n[[escalation.level]]\nname = \"Level 1\"\ncontacts = []\n\n[priority]\n",
        "no_contact",
    ),
];

#[test]
fn desks_a_broken_policy_is_refused_with_its_place_and_the_old_one_holds() {
    let app = App::new(None, &Post::Folders);
    std::fs::create_dir_all(app.path("templates/en")).unwrap();
    let main = app.read("mailward.toml").replace("[paths]\n", "[paths]\ntemplates = \"templates\"\n");
    app.write("mailward.toml", &main.replace("simulated = true", "simulated = false"));
    let running = app.serve();
    says(|| running.log(), "mailward runs", 1);
    for (number, (file, from, to, code)) in BROKEN.iter().enumerate() {
        let original = std::fs::read_to_string(app.path(file)).ok();
        let text = original.clone().unwrap_or_default();
        assert!(text.contains(from), "{file}: {from}");
        app.write(file, &if from.is_empty() { (*to).to_owned() } else { text.replacen(from, to, 1) });
        let done = app.run(&["check", "--json"]);
        assert_eq!(done.code, 78, "{code}: {}{}", done.stdout, done.stderr);
        let problems: Vec<Value> =
            done.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let found = problems.iter().find(|p| p["code"] == *code);
        let found = found.unwrap_or_else(|| panic!("no {code} in {}", done.stdout));
        // A year that a calendar lacks is told where a desk wants it.
        let wanted = if *code == "missing_year" { "desks/" } else { file };
        assert!(found["file"].as_str().unwrap().contains(wanted), "{found}");
        for place in ["line", "column"] {
            assert!(found[place].as_u64() > Some(0), "{code}: {place} in {found}");
        }
        for words in ["message", "help"] {
            assert!(!found[words].as_str().unwrap().is_empty(), "{code}: {words} in {found}");
        }
        running.signal("-HUP");
        says(|| running.log(), "ALARM: the new configuration is invalid", number + 1);
        match original {
            Some(original) => app.write(file, &original),
            None => std::fs::remove_file(app.path(file)).unwrap(),
        }
    }
    // It never stopped, and a good one is taken.
    running.signal("-HUP");
    says(|| running.log(), "the new configuration holds from the next mail on", 1);
    assert_eq!(running.stop().0, 0);
    app.write("mailward.toml", &main);
    mail(&app, "2026-11-30T16:00:00Z", "question", "How long do you keep studies?");
    app.idle_at("2026-11-30T16:00:00Z");
    app.finish();
}
