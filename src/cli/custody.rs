//! `ticket erase`, `hold`, `release`, `consent`: what is kept of a ticket, and what goes.

use std::sync::Arc;

use crate::domain::ticket::Actor;
use crate::imap::Limits;
use crate::store::{ErasedView, Ids, Keeping};
use crate::worker::erase::Eraser;

use super::args::ActWithReason;
use super::exit::{Exit, Stop};
use super::office::Office;
use super::out::{self, Out};
use super::ticket::{agent, number};

fn reason(args: &ActWithReason) -> Result<&str, Stop> {
    let reason = args.reason.trim();
    if reason.chars().count() < 5 {
        return Err(Stop::usage("--reason must say why; its keyed hash stands in the audit trail"));
    }
    Ok(reason)
}

/// Erases for ever, here and where copies are found.
pub async fn erase(args: &ActWithReason) -> Result<Exit, Stop> {
    let reason = reason(args)?;
    let office = Office::open(&args.act.config.config, args.act.at.at).await?;
    let (number, agent) = (number(args.act.number)?, agent(&args.act.agent)?);
    office.commands().entitled(number, &agent).await?;
    let operator = super::operator();
    let ids = Ids::new(office.clock.now(), office.random());
    let actor = Actor::Agent(agent);
    // Outside first: where copies lie is known only as long as the ticket is, and an erasure that is
    // broken off is begun again.
    let copies = office.store.copies(number).await?;
    let rules = office.book.current();
    let eraser = Eraser {
        policy: &rules.policy,
        password: Arc::new(super::serve::password),
        limits: Limits::default(),
        now: office.clock.now(),
    };
    let server = match copies {
        Some((desk, mails, sent)) => eraser.take(&desk, &mails, &sent).await,
        None => Vec::new(),
    };
    let erased = office.store.erase_ticket(number, &actor, (reason, operator.as_str()), &ids).await?;
    for copy in server.iter().filter_map(|copy| Some((copy, copy.unreached?))) {
        let (place, why) = copy;
        out::note(format!("mailward: copies in {} {} are left to you: {why}", place.account, place.folder));
    }
    Out::stdout().json(&ErasedView { server, ..erased })?;
    Ok(Exit::Ok)
}

/// Holds, releases, or notes consent.
pub async fn keep(args: &ActWithReason, keeping: Keeping) -> Result<Exit, Stop> {
    let reason = reason(args)?;
    let office = Office::open(&args.act.config.config, args.act.at.at).await?;
    let (number, agent) = (number(args.act.number)?, agent(&args.act.agent)?);
    office.commands().entitled(number, &agent).await?;
    let now = office.clock.now();
    let word = match keeping {
        Keeping::Hold => "under legal hold".to_owned(),
        Keeping::Release => "the legal hold ended".to_owned(),
        Keeping::Consent(until) if until <= now => return Err(Stop::usage("--until lies in the past")),
        Keeping::Consent(until) => {
            format!("consent until {}", until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
        }
    };
    let why = (reason, super::operator());
    office.store.keep_ticket((number, keeping), &Actor::Agent(agent), (why.0, why.1.as_str()), now).await?;
    Out::stdout().line(format!("ticket {}: {word}", args.act.number))?;
    Ok(Exit::Ok)
}
