//! `mailward report` of a small month, on both databases: figures, forms, and nobody's words.

use serde_json::Value;

use crate::app::{App, DESK, Post};
use crate::harness::Postgres;

/// Words of mails that may stand in no report.
const PLANTED: [&str; 5] =
    ["Plantagenet", "555-0177", "mary@lakeside.example", "worklist", "lakeside.example"];

fn mail(app: &App, at: &str, number: u32, text: &str) {
    let mail = format!(
        "From: Mary Plantagenet <mary@lakeside.example>\r\nTo: {DESK}\r\nSubject: worklist of Mr Plantagenet {number}\r\n\
         Message-ID: <{number}@lakeside.example>\r\nDate: Tue, 03 Feb 2026 10:00:00 -0600\r\n\r\n{text}\r\n\
         Call me: 555-0177\r\n"
    );
    let done = app.feed(&["ingest", "--desk", "imaging", "--at", at, "-"], mail.as_bytes());
    assert_eq!(done.code, 0, "{}", done.stderr);
}

fn row<'a>(rows: &'a [Value], section: &str, name: &str) -> &'a Value {
    rows.iter()
        .find(|row| row["section"] == section && row["name"] == name)
        .unwrap_or_else(|| panic!("no {section} {name} in {rows:#?}"))
}

fn story(url: Option<&str>) {
    let app = App::new(url, &Post::Folders);
    // Tuesday 09:00 in Chicago, one high incident that is answered in time and closed by silence,
    mail(&app, "2026-02-03T15:00:00Z", 1, "Several users get an error.");
    // a second one that nobody answers before its 2 hours are over,
    mail(&app, "2026-02-03T15:30:00Z", 2, "Several users get an error in the viewer.");
    // and a question.
    mail(&app, "2026-02-03T16:00:00Z", 3, "How long do you keep studies?");
    let reply = |at: &str, number: &str, resolve: bool| {
        let mut arguments = vec!["ticket", "reply", number, "--as", "ana", "--at", at, "-"];
        if resolve {
            arguments.push("--resolve");
        }
        let done = app.feed(&arguments, b"Please restart the viewer.\n");
        assert_eq!(done.code, 0, "{}", done.stderr);
    };
    app.idle_at("2026-02-03T16:10:00Z");
    reply("2026-02-03T16:30:00Z", "1", false);
    app.idle_at("2026-02-03T16:31:00Z");
    app.idle_at("2026-02-03T18:00:00Z");
    reply("2026-02-03T19:00:00Z", "2", true);
    app.idle_at("2026-02-03T19:01:00Z");
    // Ticket 1 falls silent; ticket 2 is opened again by an agent.
    let reopened = ["ticket", "reopen", "2", "--as", "ana", "--at", "2026-02-04T16:00:00Z"];
    app.ok(&reopened);
    app.idle_at("2026-02-05T17:00:00Z");
    app.idle_at("2026-02-06T17:00:00Z");

    let arguments = ["report", "--from", "2026-02-01", "--to", "2026-02-28", "--at", "2026-02-06T17:00:00Z"];
    let rows = app.json(&arguments);
    let all = row(&rows, "all", "imaging");
    let figure = |row: &Value, name: &str| row[name].as_i64();
    let wanted = [
        ("tickets", 3),
        ("answered", 2),
        ("response_met", 1),
        ("response_missed", 1),
        ("response_p50_s", 90 * 60),
        ("response_p90_s", 210 * 60),
        ("reopened", 1),
        ("auto_closed", 1),
        ("bounced", 0),
    ];
    for (name, want) in wanted {
        assert_eq!(figure(all, name), Some(want), "{name} in {all}");
    }
    assert_eq!(figure(row(&rows, "kind", "incident"), "tickets"), Some(2));
    assert_eq!(figure(row(&rows, "kind", "request"), "tickets"), Some(1));
    assert_eq!(figure(row(&rows, "priority", "high"), "tickets"), Some(2));
    assert_eq!(figure(row(&rows, "clinic", "lakeside"), "tickets"), Some(3));
    assert_eq!(figure(row(&rows, "hour", "09"), "tickets"), Some(2), "the desk's own hour");
    let csv = app.ok(&[&arguments[..], &["--format", "csv"]].concat());
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].starts_with("desk,section,name,tickets,answered,"), "{csv}");
    let clinic = "imaging,clinic,lakeside,3,2,1,1,5400,12600,12600,";
    assert!(lines.iter().any(|line| line.starts_with(clinic)), "{csv}");
    assert_eq!(lines.len(), rows.len() + 1);
    let table = app.ok(&arguments);
    assert!(table.contains("2026-02-01 to 2026-02-28") && table.contains("1h 30m"), "{table}");
    let html = app.ok(&[&arguments[..], &["--format", "html"]].concat());
    assert!(html.starts_with("<!DOCTYPE html>") && html.trim_end().ends_with("</html>"));
    assert!(html.contains("<svg") && html.contains("lakeside") && html.contains("Targets kept and missed"));
    for foreign in ["<script", "http:", "https:", "src=", "url(", "@import", "<link"] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    for (form, text) in [("csv", &csv), ("table", &table), ("html", &html)] {
        for word in PLANTED {
            assert!(!text.contains(word), "{word} in {form}");
        }
    }
    // The words are there to be found: a ticket's own page has them, masked or redacted as it must.
    assert!(app.ok(&["ticket", "list"]).contains("worklist"));
    let other = ["report", "--from", "2026-03-01", "--to", "2026-03-31", "--at", "2026-02-06T17:00:00Z"];
    assert_eq!(app.json(&other), Vec::<Value>::new(), "another month");
    assert_eq!(
        app.json(&[&arguments[..], &["--desk", "breach"]].concat()),
        Vec::<Value>::new(),
        "another desk"
    );
    assert_eq!(app.run(&["report", "--desk", "nowhere"]).code, 64);
    app.finish();
}

#[test]
fn report_on_sqlite() {
    story(None);
}

#[test]
fn report_on_postgresql() {
    let Some(cluster) = Postgres::start() else { return };
    story(Some(&cluster.database()));
}
