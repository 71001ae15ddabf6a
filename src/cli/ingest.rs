//! `ingest`: mail from files or a pipe, as an MTA hands it over; prints what became of each.

use serde::Serialize;

use crate::domain::account::{Account, After, AuthEvidence, FirstRun, Source};
use crate::domain::ids::{AccountName, DeskName};
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

/// The account of a pipe: that of the desk, read from nowhere, trusting the same evidence.
fn pipe(desk: &str, office: &Office) -> Result<Account, Stop> {
    let rules = office.book.current();
    let policy: &Policy = &rules.policy;
    let name = DeskName::parse(desk).ok().filter(|name| policy.desks.contains_key(name)).ok_or_else(|| {
        let known: Vec<&str> = policy.desks.keys().map(DeskName::as_str).collect();
        Stop::usage(format!("there is no desk `{desk}`")).help(format!("the desks are: {}", known.join(", ")))
    })?;
    let like = policy.account_of(&name);
    let account = Account {
        name: AccountName::parse(&format!("pipe-{desk}")).map_err(|_| Stop::usage("the desk's name is too long"))?,
        source: Source::Directory(std::path::PathBuf::new()),
        folders: Vec::new(),
        routes: Vec::new(),
        desk: name,
        after: After::None,
        first_run: FirstRun::Live,
        token_carrier: like.map_or(crate::domain::account::TokenCarrier::Plus, |a| a.token_carrier),
        subaddress: like.map_or(Some('+'), |a| a.subaddress),
        auth: like.map_or(AuthEvidence::None, |a| a.auth.clone()),
    };
    office.know(&account);
    Ok(account)
}
