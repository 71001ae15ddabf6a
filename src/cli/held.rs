//! `held`: mail of people who may not open tickets, and an agent's review of it.

use crate::domain::ids::{AgentName, DeskName, LedgerId};
use crate::domain::ticket::Actor;
use crate::store::{QuarantineAction, QuarantineView};

use super::args::{Held, Listing, Review};
use super::exit::{Exit, Stop};
use super::office::Office;
use super::out::Out;

/// Lists, releases, refuses.
pub async fn run(args: Held) -> Result<Exit, Stop> {
    match args {
        Held::List(listing) => list(&listing).await,
        Held::Release(review) => order(&review, QuarantineAction::Release).await,
        Held::Refuse(review) => order(&review, QuarantineAction::Refuse).await,
    }
}

async fn held(office: &Office) -> Result<Vec<QuarantineView>, Stop> {
    let mut rows = office.store.quarantine_list().await?;
    rows.retain(|row| row.state == "held");
    Ok(rows)
}

async fn list(listing: &Listing) -> Result<Exit, Stop> {
    let office = Office::open(&listing.config.config, None).await?;
    let rows = held(&office).await?;
    let head = ["ledger", "desk", "reason", "since", "size"];
    super::ledger::print(listing, (&head, &["size"]), &rows, |row| {
        vec![
            row.ledger.clone(),
            row.desk.clone().unwrap_or_default(),
            row.reason.clone(),
            row.since.format("%Y-%m-%d %H:%M:%S").to_string(),
            row.size.to_string(),
        ]
    })?;
    Ok(Exit::Ok)
}

/// Only an agent of the desk that received the mail decides on it.
async fn order(review: &Review, action: QuarantineAction) -> Result<Exit, Stop> {
    let office = Office::open(&review.config.config, review.at.at).await?;
    let id = LedgerId::parse(&review.id).map_err(|_| Stop::usage("the id is none of `held list`"))?;
    let agent = AgentName::parse(&review.agent)
        .map_err(|_| Stop::usage(format!("`{}` names no agent; see directory.toml", review.agent)))?;
    let rows = held(&office).await?;
    let row = rows.iter().find(|row| row.ledger == id.to_string());
    let row = row.ok_or_else(|| Stop::new(Exit::Data, "no such mail is held"))?;
    let desk = row.desk.as_deref().and_then(|name| DeskName::parse(name).ok());
    let directory = &office.book.current().policy.directory;
    if desk.is_none_or(|desk| directory.agent_of_desk(&agent, &desk).is_none()) {
        let desk = row.desk.as_deref().unwrap_or("that received the mail");
        return Err(Stop::usage(format!("{agent} does not work for the desk {desk}; see directory.toml")));
    }
    office.store.quarantine_act(id, action, &Actor::Agent(agent), office.clock.now()).await?;
    Out::stdout().line(match action {
        QuarantineAction::Refuse => "refused: kept in the ledger, in no ticket",
        _ => "released: the running gateway opens its ticket, or the next start does",
    })?;
    Ok(Exit::Ok)
}
