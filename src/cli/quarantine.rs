//! `quarantine`: what waits for a person, and the person's orders.

use crate::domain::ids::LedgerId;
use crate::domain::ticket::Actor;
use crate::store::QuarantineAction;

use super::args::{Quarantine, Row};
use super::exit::{Exit, Stop};
use super::office::Office;
use super::out::Out;

/// Lists, shows, orders.
pub async fn run(args: Quarantine) -> Result<Exit, Stop> {
    match args {
        Quarantine::List(listing) => {
            let office = Office::open(&listing.config.config, None).await?;
            let rows = office.store.quarantine_list().await?;
            let head = ["ledger", "state", "reason", "attempts", "since", "size"];
            super::ledger::print(&listing, (&head, &["attempts", "size"]), &rows, |row| {
                vec![
                    row.ledger.clone(),
                    row.state.clone(),
                    row.reason.clone(),
                    row.attempts.to_string(),
                    row.since.format("%Y-%m-%d %H:%M:%S").to_string(),
                    row.size.to_string(),
                ]
            })?;
            Ok(Exit::Ok)
        }
        Quarantine::Show(row) => {
            let office = Office::open(&row.listing.config.config, row.at.at).await?;
            let id = id(&row)?;
            let rows = office.store.quarantine_list().await?;
            let found = rows.iter().find(|r| r.ledger == id.to_string());
            let found = found.ok_or_else(|| Stop::new(Exit::Data, "no such mail waits"))?;
            Out::stdout().json(found)?;
            Ok(Exit::Ok)
        }
        Quarantine::Retry(row) => order(&row, QuarantineAction::Retry).await,
        Quarantine::Release(row) => order(&row, QuarantineAction::Release).await,
        Quarantine::Discard(row) => order(&row, QuarantineAction::Discard).await,
    }
}

async fn order(row: &Row, action: QuarantineAction) -> Result<Exit, Stop> {
    let office = Office::open(&row.listing.config.config, row.at.at).await?;
    let actor = Actor::Operator(super::operator());
    office.store.quarantine_act(id(row)?, action, &actor, office.clock.now()).await?;
    Out::stdout().line(match action {
        QuarantineAction::Discard => "kept in the ledger, in no ticket",
        _ => "decided once more by the running gateway, or at its next start",
    })?;
    Ok(Exit::Ok)
}

fn id(row: &Row) -> Result<LedgerId, Stop> {
    LedgerId::parse(&row.id).map_err(|_| Stop::usage("the id is none of `quarantine list`"))
}
