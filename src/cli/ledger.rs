//! `outbox`, `ledger`, `audit`: lists for the operator, and the two checks that the books allow.

use crate::domain::ids::{OutboxId, TicketNumber};
use crate::domain::ticket::Actor;
use crate::store::{LedgerFilter, OutboxFilter};

use super::args::{Audit, Ledger, Listing, Outbox};
use super::exit::{Exit, Stop};
use super::office::Office;
use super::out::Out;

/// Columns of figures.
const NUMBERS: [&str; 13] = [
    "ticket",
    "attempts",
    "uid",
    "in",
    "tickets",
    "joined",
    "recorded",
    "ignored",
    "held",
    "quarantined",
    "unfetchable",
    "stored",
    "seq",
];
/// So many rows at most in one listing.
const MOST: u32 = 100_000;

/// `outbox list|retry`.
pub async fn outbox(args: Outbox) -> Result<Exit, Stop> {
    match args {
        Outbox::List(listing) => {
            let office = Office::open(&listing.config.config, None).await?;
            let rows = office
                .store
                .outbox_list(&OutboxFilter { limit: MOST, ..OutboxFilter::default() }, false)
                .await?;
            let head = ["id", "ticket", "kind", "recipient", "state", "reason", "attempts", "error"];
            print(&listing, (&head, &NUMBERS), &rows, |row| {
                vec![
                    row.id.clone(),
                    row.ticket.map_or(String::new(), |n| n.to_string()),
                    row.kind.clone(),
                    row.recipient.clone(),
                    row.state.clone(),
                    row.reason.clone().unwrap_or_default(),
                    row.attempts.to_string(),
                    row.last_error.clone().unwrap_or_default(),
                ]
            })?;
        }
        Outbox::Retry { config, id, at } => {
            let office = Office::open(&config.config, at.at).await?;
            let id = OutboxId::parse(&id).map_err(|_| Stop::usage("the id is none of `outbox list`"))?;
            let actor = Actor::Operator(super::operator());
            office.store.outbox_retry(id, &actor, office.clock.now()).await?;
            Out::stdout().line("queued again")?;
        }
    }
    Ok(Exit::Ok)
}

/// `ledger list|balance`.
pub async fn ledger(args: Ledger) -> Result<Exit, Stop> {
    match args {
        Ledger::List(listing) => {
            let office = Office::open(&listing.config.config, None).await?;
            let rows =
                office.store.ledger_list(&LedgerFilter { limit: MOST, ..LedgerFilter::default() }).await?;
            let head = ["id", "account", "folder", "uid", "arrived", "state", "reason", "ticket"];
            print(&listing, (&head, &NUMBERS), &rows, |row| {
                vec![
                    row.id.clone(),
                    row.account.clone(),
                    row.folder.clone(),
                    row.uid.to_string(),
                    row.arrived_at.format("%Y-%m-%d %H:%M:%S").to_string(),
                    row.state.clone(),
                    row.reason.clone().unwrap_or_default(),
                    row.ticket.map_or(String::new(), |n| n.to_string()),
                ]
            })?;
            Ok(Exit::Ok)
        }
        Ledger::Balance(listing) => {
            let office = Office::open(&listing.config.config, None).await?;
            let rows = office.store.ledger_balance(None).await?;
            let head = [
                "account",
                "day",
                "in",
                "tickets",
                "joined",
                "recorded",
                "ignored",
                "held",
                "quarantined",
                "unfetchable",
                "stored",
                "balanced",
            ];
            print(&listing, (&head, &NUMBERS), &rows, |row| {
                let mut cells = vec![row.account.clone(), row.day.clone()];
                let figures = [
                    row.incoming,
                    row.tickets,
                    row.joined,
                    row.recorded,
                    row.ignored,
                    row.held,
                    row.quarantined,
                    row.unfetchable,
                    row.stored,
                ];
                cells.extend(figures.iter().map(ToString::to_string));
                cells.push(if row.balanced { "yes" } else { "NO" }.to_owned());
                cells
            })?;
            if rows.iter().all(|row| row.balanced) {
                return Ok(Exit::Ok);
            }
            Err(Stop::new(Exit::No, "a line does not balance: a mail that came in stands nowhere").help(
                "stop the gateway and keep a copy of the database; `audit verify` and `ledger list` show what is \
                 missing; then restore the last sound backup: mail that lies on the server is read again",
            ))
        }
    }
}

/// `audit verify|show`.
pub async fn audit(args: Audit) -> Result<Exit, Stop> {
    match args {
        Audit::Verify(listing) => {
            let office = Office::open(&listing.config.config, None).await?;
            let report = office.store.audit_verify().await?;
            let mut out = Out::stdout();
            if listing.json {
                out.json(&report)?;
            } else if report.ok {
                out.line(format!("the chain of {} rows is sound; its head is {}", report.rows, report.head))?;
            } else {
                out.line(format!("BROKEN at row {}", report.first_bad.unwrap_or_default()))?;
            }
            Ok(if report.ok { Exit::Ok } else { Exit::No })
        }
        Audit::Show { listing, ticket } => {
            let office = Office::open(&listing.config.config, None).await?;
            let ticket = ticket
                .map(TicketNumber::new)
                .transpose()
                .map_err(|_| Stop::usage("a ticket's number is at least 1"))?;
            let rows = office.store.audit_show(ticket, 0, MOST).await?;
            let head = ["seq", "at", "actor", "action", "ticket", "reasons"];
            print(&listing, (&head, &NUMBERS), &rows, |row| {
                vec![
                    row.seq.to_string(),
                    row.at.format("%Y-%m-%d %H:%M:%S").to_string(),
                    row.actor.clone(),
                    row.action.clone(),
                    row.ticket.map_or(String::new(), |n| n.to_string()),
                    row.reasons.join(", "),
                ]
            })?;
            Ok(Exit::Ok)
        }
    }
}

/// Objects or a table, as asked.
pub fn print<T: serde::Serialize>(
    listing: &Listing,
    (head, numbers): (&[&str], &[&str]),
    rows: &[T],
    cells: impl Fn(&T) -> Vec<String>,
) -> Result<(), Stop> {
    let mut out = Out::stdout();
    if listing.json {
        for row in rows {
            out.json(row)?;
        }
        return Ok(());
    }
    let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
    Ok(out.table(head, numbers, &rows)?)
}
