//! What the clock and a person may know: due tickets, the facts of a tick (L32), of a command.

use std::collections::BTreeSet;

use sqlx::AssertSqlSafe;

use super::StoreError;
use super::cells::{Cells, marks, micros, padded, raw};
use super::sealed::{Place, ThreadSecret, open};
use super::ticket_row::{COLUMNS, Loaded, TicketRow};
use super::work::Work;
use crate::domain::facts::{CommandFacts, TickFacts};
use crate::domain::ids::{AccountName, AgentName, FolderName, MessageId, TicketId, TicketNumber};
use crate::domain::message::{Grade, Instant};
use crate::domain::outgoing::INTERNAL;
use crate::domain::policy::Governor;
use crate::domain::ticket::{LastPublic, Role, TicketSnapshot};

/// What to read for a due ticket.
#[derive(Debug, Clone, Copy)]
pub struct TickQuery<'a> {
    /// The ticket, as [`Work::due_tickets`] gave it.
    pub ticket: &'a TicketSnapshot,
    /// Now.
    pub now: Instant,
    /// Every folder that mail for the ticket's desk may lie in; none counts as polled just now.
    pub folders: &'a [(AccountName, FolderName)],
    /// Caps of the governor.
    pub caps: &'a Governor,
    /// The desk has an on-call address.
    pub on_call: bool,
}

/// What to read for a command.
#[derive(Debug, Clone, Copy)]
pub struct CommandQuery<'a> {
    /// The ticket.
    pub number: TicketNumber,
    /// Who acts.
    pub agent: Option<&'a AgentName>,
    /// The other ticket of a merge.
    pub other: Option<TicketNumber>,
    /// Now.
    pub now: Instant,
    /// Caps of the governor.
    pub caps: &'a Governor,
}

/// States in which a mail is not yet, or never, decided.
const WAITING: &str = "state IN ('stored', 'held', 'quarantined', 'unfetchable')";

impl Work {
    /// Tickets whose due instant has come, earliest first.
    pub async fn due_tickets(&mut self, now: Instant, limit: u32) -> Result<Vec<TicketSnapshot>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM ticket WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at, number LIMIT $2 + 0"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(micros(now)).bind(i64::from(limit));
        let rows = query.fetch_all(self.on().await?).await?;
        let rows = rows.iter().map(TicketRow::read).collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<_> = rows.iter().map(|row| row.snapshot.id).collect();
        self.adopt(rows).await?;
        Ok(ids.iter().filter_map(|id| self.loaded(*id)).map(Loaded::snapshot).collect())
    }

    /// A due ticket that nothing could be decided about is looked at again then.
    pub async fn postpone(&mut self, ticket: TicketId, until: Instant) -> Result<(), StoreError> {
        sqlx::query("UPDATE ticket SET due_at = $1 WHERE id = $2")
            .bind(micros(until))
            .bind(raw(ticket.as_bytes()))
            .execute(self.on().await?)
            .await?;
        self.forget(ticket);
        Ok(())
    }

    /// Everything `decide::on_tick` wants to know.
    pub async fn tick_facts(&mut self, query: &TickQuery<'_>) -> Result<TickFacts, StoreError> {
        let ticket = query.ticket;
        let requester = ticket.participants.iter().find(|p| p.role == Role::Requester).map(|p| p.key);
        let (mail_waits, unattributed_since) = self.waiting_mail(query).await?;
        let (unsent, never_notify) = self.unsent(ticket).await?;
        let page_failed = query.on_call && self.page_failed(ticket).await?;
        let proven = self.loaded(ticket.id).is_some_and(|loaded| loaded.row.grade == Grade::Pass);
        Ok(TickFacts {
            page_failed,
            proven,
            never_notify,
            mail_waits,
            unattributed_since,
            polled_until: self.polled_until(query).await?,
            unsent,
            counts: self.counts(requester, &ticket.desk, query.now, query.caps).await?,
            ticket: ticket.clone(),
        })
    }

    /// Does a mail of one of its customers wait, and since when does one wait that nobody can
    /// attribute (it was never understood)?
    async fn waiting_mail(&mut self, query: &TickQuery<'_>) -> Result<(bool, Option<Instant>), StoreError> {
        let accounts: BTreeSet<&str> = query.folders.iter().map(|(account, _)| account.as_str()).collect();
        if accounts.is_empty() {
            return Ok((false, None));
        }
        let accounts: Vec<&str> = padded(&accounts.into_iter().collect::<Vec<_>>());
        let people = query.ticket.participants.iter().filter(|p| p.role != Role::Agent);
        // Nobody's key is 16 zeros: the list is never empty.
        let keys: Vec<[u8; 16]> = padded(&people.map(|p| p.key.0).chain([[0; 16]]).collect::<Vec<_>>());
        let sql = format!(
            "SELECT (SELECT COUNT(*) FROM ledger WHERE {WAITING} AND account IN ({0}) AND from_key IN ({1})) AS known,
                (SELECT MIN(noted_at) FROM ledger WHERE {WAITING} AND account IN ({0}) AND from_key IS NULL) AS since",
            marks(1, accounts.len()),
            marks(accounts.len() + 1, keys.len())
        );
        let mut statement = sqlx::query(AssertSqlSafe(sql));
        for account in &accounts {
            statement = statement.bind((*account).to_owned());
        }
        for key in &keys {
            statement = statement.bind(raw(key));
        }
        let row = statement.fetch_one(self.on().await?).await?;
        Ok((Cells(&row).int("known")? > 0, Cells(&row).maybe_instant("since")?))
    }

    /// The instant up to which every folder was polled and reconciled.
    async fn polled_until(&mut self, query: &TickQuery<'_>) -> Result<Option<Instant>, StoreError> {
        let mut until = query.now;
        for (account, folder) in query.folders {
            let row =
                sqlx::query("SELECT polled_at, reconciled_at FROM folder WHERE account = $1 AND name = $2")
                    .bind(account.as_str())
                    .bind(folder.as_str())
                    .fetch_optional(self.on().await?)
                    .await?;
            let Some(row) = row else { return Ok(None) };
            let cells = Cells(&row);
            match (cells.maybe_instant("polled_at")?, cells.maybe_instant("reconciled_at")?) {
                (Some(polled), Some(reconciled)) => until = until.min(polled).min(reconciled),
                _ => return Ok(None),
            }
        }
        Ok(Some(until))
    }

    /// Is a mail to a customer still on its way, or did the last answer never leave? And why was the
    /// acknowledgment suppressed, where it was?
    pub(super) async fn unsent(
        &mut self,
        ticket: &TicketSnapshot,
    ) -> Result<(bool, Option<String>), StoreError> {
        let answer = match ticket.last_public {
            Some(LastPublic::Answer { article, .. }) => Some(raw(article.as_bytes())),
            _ => None,
        };
        let inside = INTERNAL.map(|kind| format!("'{kind}'")).join(", ");
        let sql = format!(
            "SELECT
                (SELECT COUNT(*) FROM outbox WHERE ticket = $1 AND kind NOT IN ({inside})
                    AND (state IN ('queued', 'leased', 'later') OR (state = 'dead' AND article = $2))) AS n,
                (SELECT reason FROM outbox WHERE ticket = $1 AND kind = 'received' AND state = 'suppressed'
                    ORDER BY created_at DESC LIMIT 1) AS reason",
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(raw(ticket.id.as_bytes())).bind(answer);
        let row = query.fetch_one(self.on().await?).await?;
        Ok((Cells(&row).int("n")? > 0, Cells(&row).maybe_text("reason")?))
    }

    /// Everything `decide::on_command` wants to know; `None` without such a ticket. A merged ticket
    /// is not followed.
    pub async fn command_facts(
        &mut self,
        query: &CommandQuery<'_>,
    ) -> Result<Option<CommandFacts>, StoreError> {
        let Some(loaded) = self.load_number(query.number).await? else { return Ok(None) };
        let (ticket, requester) = (loaded.snapshot(), loaded.requester().map(|p| p.key));
        let sealed = loaded.row.thread.clone();
        let thread: ThreadSecret = open(&self.sealer, &Place::Thread(ticket.id), &sealed)?;
        let other = match query.other {
            Some(number) => self.load_number(number).await?.map(Loaded::snapshot),
            None => None,
        };
        let (_, never_notify) = self.unsent(&ticket).await?;
        Ok(Some(CommandFacts {
            never_notify,
            agent: query.agent.cloned(),
            other,
            last_inbound: thread.inbound.as_deref().and_then(|id| MessageId::parse(id).ok()),
            counts: self.counts(requester, &ticket.desk, query.now, query.caps).await?,
            ticket,
        }))
    }
}
