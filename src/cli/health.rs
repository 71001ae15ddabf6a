//! `health`: the age of the last success, not the state of a process (L26). Exit 75 when a folder was
//! not completely polled or reconciled, or a mail waits unsent or undecided, for longer than allowed.

use serde::Serialize;

use crate::domain::message::Instant;

use super::args::Health;
use super::exit::{Exit, Stop};
use super::office::Office;

/// Between two looks at all that a folder holds, in seconds.
const HOUR: i64 = 3600;

/// One figure.
#[derive(Debug, Serialize)]
struct Line {
    what: String,
    /// When it was well last, or how long it waits already.
    since: Option<String>,
    age_s: Option<i64>,
    ok: bool,
}

/// Prints a line a figure.
pub async fn run(args: Health) -> Result<Exit, Stop> {
    let office = Office::open(&args.listing.config.config, None).await?;
    let now = office.clock.now();
    let most = i64::from(args.max_age);
    let mut lines = Vec::new();
    for account in office.loaded.policy.accounts.values() {
        for folder in &account.folders {
            let state = office.store.folder(&account.name, &folder.name).await?;
            let (polled, reconciled) = state.map_or((None, None), |s| (s.polled_at, s.reconciled_at));
            let name = format!("poll {} {}", account.name, folder.name);
            // A folder that was never polled is not well.
            lines.push(line(name, polled, now, |age| age.is_some_and(|age| age <= most)));
            // Hourly; a difference between server and ledger that stays keeps it from being written.
            let name = format!("reconcile {} {}", account.name, folder.name);
            lines.push(line(name, reconciled, now, |age| age.is_some_and(|age| age <= HOUR + most)));
        }
    }
    let waits = |age: Option<i64>| age.is_none_or(|age| age <= most);
    let unsent = office.store.oldest_unsent().await?;
    lines.push(line("oldest unsent mail".to_owned(), unsent, now, waits));
    let quarantined = office.store.quarantine_list().await?;
    let oldest = quarantined.iter().map(|row| row.since).min();
    lines
        .push(line(format!("{} waiting for a person, the oldest", quarantined.len()), oldest, now, |_| true));
    let undecided = office.store.undecided(None).await?;
    lines.push(Line { what: format!("{undecided} undecided"), since: None, age_s: None, ok: true });
    print(&args, &lines)?;
    Ok(if lines.iter().all(|line| line.ok) { Exit::Ok } else { Exit::Again })
}

fn line(what: String, at: Option<Instant>, now: Instant, ok: impl Fn(Option<i64>) -> bool) -> Line {
    let age_s = at.map(|at| (now - at).num_seconds());
    let since = at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    Line { what, since, age_s, ok: ok(age_s) }
}

fn print(args: &Health, lines: &[Line]) -> Result<(), Stop> {
    super::ledger::print(&args.listing, (&["what", "since", "age_s", "ok"], &["age_s"]), lines, |line| {
        vec![
            line.what.clone(),
            line.since.clone().unwrap_or_else(|| "-".to_owned()),
            line.age_s.map_or(String::new(), |age| age.to_string()),
            if line.ok { "yes" } else { "NO" }.to_owned(),
        ]
    })
}
