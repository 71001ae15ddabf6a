//! `ingest`: mail from files or a pipe, as an MTA hands it over; prints what became of each.

use serde::Serialize;

use crate::domain::account::Account;
use crate::domain::ids::DeskName;
use crate::domain::policy::Policy;
use crate::worker::ingest::Ended;

use super::args::Ingest;
use super::exit::{Exit, Stop};
use super::office::Office;
use super::out::Out;

#[derive(Serialize)]
struct Line<'a> {
    ledger: Option<String>,
    state: &'a str,
    ticket: Option<i64>,
    action: &'a str,
}

/// Takes every file; one that fails does not stop the others.
pub async fn run(args: Ingest) -> Result<Exit, Stop> {
    let office = Office::open(&args.config.config, args.at.at).await?;
    let account = pipe(&args.desk, &office)?;
    let ingest = office.ingest();
    let mut out = Out::stdout();
    let mut exit = Exit::Ok;
    let progress = super::say::bar(args.files.len());
    for file in &args.files {
        progress.inc(1);
        let bytes = match super::read(file) {
            Ok(bytes) => bytes,
            Err(stop) => {
                super::say::complain(&stop);
                exit = Exit::Data;
                continue;
            }
        };
        let ended = ingest.take(&account, bytes, office.clock.now()).await?;
        print(&mut out, ended.as_ref())?;
    }
    progress.finish_and_clear();
    Ok(exit)
}

fn print(out: &mut Out, ended: Option<&Ended>) -> Result<(), Stop> {
    let line = match ended {
        Some(ended) => Line {
            ledger: Some(ended.ledger.to_string()),
            state: ended.state,
            ticket: ended.ticket,
            action: ended.action,
        },
        None => Line { ledger: None, state: "ignored", ticket: None, action: "duplicate" },
    };
    Ok(out.json(&line)?)
}

/// The pipe of a desk.
fn pipe(desk: &str, office: &Office) -> Result<Account, Stop> {
    let rules = office.book.current();
    let policy: &Policy = &rules.policy;
    let name =
        DeskName::parse(desk).ok().filter(|name| policy.desks.contains_key(name)).ok_or_else(|| {
            let known: Vec<&str> = policy.desks.keys().map(DeskName::as_str).collect();
            Stop::usage(format!("there is no desk `{desk}`"))
                .help(format!("the desks are: {}", known.join(", ")))
        })?;
    Ok(policy.pipe(&name))
}
