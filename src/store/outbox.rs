//! The way out: rows are claimed under a lease, sent by someone else, and settled in one commit. No
//! transaction is open while a mail travels.

use chrono::TimeDelta;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::audit::{self, Entry};
use super::cells::{Cells, marks, micros, padded, raw};
use super::dialect::RETRIES;
use super::sealed::{OutboxSecret, Place, message_key, open, open_bytes};
use super::work::Work;
use super::write::{On, insert_refs};
use super::{Store, StoreError};
use crate::domain::address::EmailAddress;
use crate::domain::ids::{MessageId, OutboxId, RunId, TicketId};
use crate::domain::message::Instant;
use crate::domain::ticket::Actor;

/// Under which lease rows are claimed. Leases live in the world's time, also where the desk's clock
/// is simulated.
#[derive(Debug, Clone, Copy)]
pub struct Hold {
    /// Who claims.
    pub run: RunId,
    /// The world's now.
    pub at: Instant,
    /// How long the lease holds.
    pub ttl: TimeDelta,
}

/// A row that this run may send until `lease_until`.
#[derive(Clone)]
pub struct Claimed {
    /// The row.
    pub id: OutboxId,
    /// Its ticket; none for word about mail that is held.
    pub ticket: Option<TicketId>,
    /// `Notice::kind`.
    pub kind: String,
    /// RCPT TO.
    pub recipient: EmailAddress,
    /// MAIL FROM; `None` is the null reverse-path.
    pub reverse_path: Option<EmailAddress>,
    /// The whole mail, CRLF; the same at every attempt.
    pub bytes: Vec<u8>,
    /// No agent wrote it.
    pub automatic: bool,
    /// The number of this attempt, from 1.
    pub attempts: u32,
    /// Our Message-ID.
    pub message_id: MessageId,
    /// When the row was written; a row of more than 72 hours dies.
    pub created_at: Instant,
    /// After this instant another run may send it.
    pub lease_until: Instant,
}

impl std::fmt::Debug for Claimed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<claimed {} {}, {} bytes>", self.kind, self.id, self.bytes.len())
    }
}

/// How a send ended. Texts are codes or enhanced status codes, never what a server said of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// SMTP accepted it.
    Sent {
        /// An identifier that the relay gave in its final reply and that bounces may name (L36).
        learnt: Option<MessageId>,
    },
    /// Try again.
    Later {
        /// Not before this.
        not_before: Instant,
        /// Why.
        error: String,
    },
    /// Given up.
    Dead {
        /// Why.
        error: String,
    },
}

fn ticket_of(cells: &Cells<'_>) -> Result<Option<TicketId>, StoreError> {
    cells.maybe_blob("ticket")?.map(|id| Ok(TicketId::from_slice(&id)?)).transpose()
}

/// What a row needs to be sent.
fn read(row: &AnyRow, store: &Store) -> Result<Claimed, StoreError> {
    let cells = Cells(row);
    let id = OutboxId::from_slice(&cells.blob("id")?)?;
    let secret: OutboxSecret = open(&store.sealer, &Place::Outbox(id.as_bytes()), &cells.blob("sealed")?)?;
    let address =
        |text: &str| EmailAddress::parse(text).map_err(|_| StoreError::defect("a sealed address is none"));
    Ok(Claimed {
        id,
        ticket: ticket_of(&cells)?,
        kind: cells.text("kind")?,
        recipient: address(&secret.to)?,
        reverse_path: secret.path.as_deref().map(address).transpose()?,
        bytes: open_bytes(&store.sealer, &Place::Bytes(id.as_bytes()), &cells.blob("bytes")?)?,
        automatic: cells.flag("automatic")?,
        attempts: cells.small("attempts")?,
        message_id: MessageId::parse(&secret.id)?,
        created_at: cells.instant("created_at")?,
        lease_until: cells.instant("lease_until")?,
    })
}

impl Store {
    /// Claims up to `limit` rows that are sendable `now`: answers first, then by age. Rows whose lease
    /// ran out are claimed again.
    pub async fn claim(&self, now: Instant, hold: Hold, limit: u32) -> Result<Vec<Claimed>, StoreError> {
        let run = hold.run;
        let mut rows = self.try_claim(now, hold, limit).await;
        for _ in 1..RETRIES {
            if matches!(rows, Err(StoreError::Conflict)) {
                rows = self.try_claim(now, hold, limit).await;
            }
        }
        let mut claimed = Vec::new();
        for row in rows? {
            match read(&row, self) {
                Ok(mail) => claimed.push(mail),
                // One row that does not open must not hold up the others.
                Err(_) => self.bury(OutboxId::from_slice(&Cells(&row).blob("id")?)?, now, run).await?,
            }
        }
        claimed.sort_by_key(|row| (row.automatic, row.created_at, row.id));
        Ok(claimed)
    }

    async fn bury(&self, id: OutboxId, now: Instant, run: RunId) -> Result<(), StoreError> {
        self.settle(now, run, &[(id, Outcome::Dead { error: "unreadable".into() })]).await
    }

    async fn try_claim(&self, now: Instant, hold: Hold, limit: u32) -> Result<Vec<AnyRow>, StoreError> {
        let sql = format!(
            "UPDATE outbox SET state = 'leased', run = $1, lease_until = $2, attempts = attempts + 1
             WHERE id IN (
                SELECT id FROM outbox WHERE state IN ('queued', 'later', 'leased') AND not_before <= $3
                    AND (lease_until IS NULL OR lease_until <= $4)
                ORDER BY automatic, not_before, id LIMIT $5{})
             RETURNING id, ticket, kind, automatic, sealed, bytes, created_at, attempts, lease_until",
            self.pools.dialect.skip_locked()
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(raw(hold.run.as_bytes()))
            .bind(micros(hold.at + hold.ttl))
            .bind(micros(now))
            .bind(micros(hold.at))
            .bind(i64::from(limit))
            .fetch_all(&self.pools.write)
            .await?;
        Ok(rows)
    }

    /// Settles results in one commit. An accepted answer makes its ticket due now, so that the sweep
    /// sets its closing time; a dead answer makes it due, too. `Sent` counts whoever holds the row;
    /// other outcomes count only while `run` holds it.
    pub async fn settle(
        &self,
        now: Instant,
        run: RunId,
        results: &[(OutboxId, Outcome)],
    ) -> Result<(), StoreError> {
        for _ in 1..RETRIES {
            match self.try_settle(now, run, results).await {
                Err(StoreError::Conflict) => {}
                other => return other,
            }
        }
        self.try_settle(now, run, results).await
    }

    async fn try_settle(
        &self,
        now: Instant,
        run: RunId,
        results: &[(OutboxId, Outcome)],
    ) -> Result<(), StoreError> {
        let mut work = self.begin(None).await?;
        let sent: Vec<Sent<'_>> = results.iter().filter_map(sent).collect();
        for chunk in sent.chunks(64) {
            work.settle_sent(chunk, now).await?;
        }
        for (id, outcome) in results {
            match outcome {
                Outcome::Sent { .. } => {}
                Outcome::Later { not_before, error } => {
                    let error = (error.as_str(), *not_before);
                    if let Some(ticket) = later(&mut work.tx, *id, run, error).await? {
                        // A page that fails takes the second channel at once.
                        work.look(ticket, now).await?;
                    }
                }
                Outcome::Dead { error } => work.settle_dead((*id, run), error, now).await?,
            }
        }
        work.commit(now).await
    }

    /// Prolongs the lease on these rows, as far as `hold.run` holds them still; gives how many it does.
    pub async fn renew_rows(&self, hold: Hold, ids: &[OutboxId]) -> Result<usize, StoreError> {
        let mut ours = 0;
        for chunk in ids.chunks(64) {
            let chunk = padded(chunk);
            let sql = format!(
                "UPDATE outbox SET lease_until = $1 WHERE state = 'leased' AND run = $2 AND id IN ({})",
                marks(3, chunk.len())
            );
            let mut query = sqlx::query(AssertSqlSafe(sql)).bind(micros(hold.at + hold.ttl));
            query = query.bind(raw(hold.run.as_bytes()));
            for id in &chunk {
                query = query.bind(raw(id.as_bytes()));
            }
            ours += query.execute(&self.pools.write).await?.rows_affected();
        }
        Ok(usize::try_from(ours).unwrap_or(usize::MAX))
    }

    /// Gives rows back without counting an attempt: the transport is paused, not the row's fault.
    pub async fn release_rows(&self, run: RunId, ids: &[OutboxId]) -> Result<(), StoreError> {
        for chunk in ids.chunks(64) {
            let chunk = padded(chunk);
            let sql = format!(
                "UPDATE outbox SET state = CASE WHEN attempts > 1 THEN 'later' ELSE 'queued' END,
                    attempts = attempts - 1, run = NULL, lease_until = NULL
                 WHERE state = 'leased' AND run = $1 AND id IN ({})",
                marks(2, chunk.len())
            );
            let mut query = sqlx::query(AssertSqlSafe(sql)).bind(raw(run.as_bytes()));
            for id in &chunk {
                query = query.bind(raw(id.as_bytes()));
            }
            query.execute(&self.pools.write).await?;
        }
        Ok(())
    }

    /// When the next row becomes sendable, if any waits; may lie in the past.
    pub async fn next_wake(&self) -> Result<Option<Instant>, StoreError> {
        let sql = "SELECT MIN(COALESCE(lease_until, not_before)) AS at FROM outbox
             WHERE state IN ('queued', 'later', 'leased')";
        let row = sqlx::query(sql).fetch_one(&self.pools.read).await?;
        Cells(&row).maybe_instant("at")
    }

    /// Rows that some run has in hand, or had when it died.
    pub async fn leased_count(&self) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT COUNT(*) AS n FROM outbox WHERE state = 'leased'");
        let row = row.fetch_one(&self.pools.read).await?;
        Ok(u64::try_from(Cells(&row).int("n")?).unwrap_or(0))
    }

    /// Rows queued, leased or later.
    pub async fn unsent_count(&self) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) AS n FROM outbox WHERE state IN ('queued', 'later', 'leased')";
        let row = sqlx::query(sql).fetch_one(&self.pools.read).await?;
        Ok(u64::try_from(Cells(&row).int("n")?).unwrap_or(0))
    }

    /// When the oldest unsent row was written (health).
    pub async fn oldest_unsent(&self) -> Result<Option<Instant>, StoreError> {
        let sql = "SELECT MIN(created_at) AS at FROM outbox WHERE state IN ('queued', 'later', 'leased')";
        let row = sqlx::query(sql).fetch_one(&self.pools.read).await?;
        Cells(&row).maybe_instant("at")
    }

    /// Puts a dead or waiting row back at the head of the queue with fresh attempts; audited.
    pub async fn outbox_retry(&self, id: OutboxId, actor: &Actor, now: Instant) -> Result<(), StoreError> {
        let mut work = self.begin(None).await?;
        let row = sqlx::query(
            "UPDATE outbox SET state = 'queued', attempts = 0, not_before = $1, last_error = NULL
             WHERE id = $2 AND state IN ('dead', 'later', 'queued') AND length(bytes) > 0 RETURNING ticket",
        )
        .bind(micros(now))
        .bind(raw(id.as_bytes()))
        .fetch_optional(&mut *work.tx)
        .await?;
        let row = row.ok_or(StoreError::Missing("mail that could be sent again"))?;
        let ticket = ticket_of(&Cells(&row))?;
        work.note(about(id, ticket, "outbox_retry", (now, audit::name(actor))));
        work.commit(now).await
    }
}

fn about(id: OutboxId, ticket: Option<TicketId>, action: &str, (at, actor): (Instant, String)) -> Entry {
    let reasons = vec![format!("outbox:{id}")];
    Entry { at, actor, action: action.into(), ticket, ledger: None, reasons }
}

/// Puts a row off; gives the ticket when it was a page.
async fn later(
    on: &mut AnyConnection,
    id: OutboxId,
    run: RunId,
    (error, not_before): (&str, Instant),
) -> Result<Option<TicketId>, StoreError> {
    let row = sqlx::query(
        "UPDATE outbox SET state = 'later', not_before = $1, last_error = $2, run = NULL, lease_until = NULL
         WHERE id = $3 AND state = 'leased' AND run = $4 RETURNING ticket, kind",
    )
    .bind(micros(not_before))
    .bind(error.to_owned())
    .bind(raw(id.as_bytes()))
    .bind(raw(run.as_bytes()))
    .fetch_optional(on)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let page = Cells(&row).text("kind")? == "page";
    Ok(ticket_of(&Cells(&row))?.filter(|_| page))
}

/// An accepted row, and what the relay calls it.
type Sent<'a> = (OutboxId, Option<&'a MessageId>);

fn sent((id, outcome): &(OutboxId, Outcome)) -> Option<Sent<'_>> {
    match outcome {
        Outcome::Sent { learnt } => Some((*id, learnt.as_ref())),
        _ => None,
    }
}

impl Work {
    /// Settles up to 64 accepted rows: one statement, and one more for each answer of an agent.
    async fn settle_sent(&mut self, sent: &[Sent<'_>], now: Instant) -> Result<(), StoreError> {
        let ids = padded(sent);
        let sql = format!(
            "UPDATE outbox SET state = 'sent', sent_at = $1, not_before = NULL, lease_until = NULL, run = NULL,
                last_error = NULL
             WHERE id IN ({}) AND state IN ('leased', 'later', 'queued', 'dead')
             RETURNING id, ticket, article, participant, kind",
            marks(2, ids.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(micros(now));
        for (id, _) in &ids {
            query = query.bind(raw(id.as_bytes()));
        }
        let mut acknowledged = Vec::new();
        for row in query.fetch_all(&mut *self.tx).await? {
            if let ("received" | "answer" | "resolved", Some(ticket)) =
                (Cells(&row).text("kind")?.as_str(), ticket_of(&Cells(&row))?)
            {
                acknowledged.push(ticket);
            }
            let id = OutboxId::from_slice(&Cells(&row).blob("id")?)?;
            let learnt = sent.iter().find(|(row, _)| *row == id).and_then(|(_, learnt)| *learnt);
            self.accepted(&Cells(&row), learnt, now).await?;
        }
        self.acknowledged(&acknowledged, now).await
    }

    /// Clocks that waited for the acknowledgment start at the sweep's next look.
    async fn acknowledged(&mut self, tickets: &[TicketId], now: Instant) -> Result<(), StoreError> {
        if tickets.is_empty() {
            return Ok(());
        }
        let tickets = padded(tickets);
        let sql = format!(
            "UPDATE ticket SET ack_settled_at = $1,
                due_at = CASE WHEN due_at IS NULL OR due_at > $1 THEN $1 ELSE due_at END
             WHERE awaits_ack = 1 AND ack_settled_at IS NULL AND id IN ({})",
            marks(2, tickets.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(micros(now));
        for id in &tickets {
            query = query.bind(raw(id.as_bytes()));
        }
        query.execute(&mut *self.tx).await?;
        Ok(())
    }

    /// The sweep looks at a ticket at once.
    async fn look(&mut self, ticket: TicketId, now: Instant) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE ticket SET due_at = CASE WHEN due_at IS NULL OR due_at > $1 THEN $1 ELSE due_at END
             WHERE id = $2 AND state <> 'closed'",
        )
        .bind(micros(now))
        .bind(raw(ticket.as_bytes()))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    async fn accepted(
        &mut self,
        cells: &Cells<'_>,
        learnt: Option<&MessageId>,
        now: Instant,
    ) -> Result<(), StoreError> {
        let Some(ticket) = ticket_of(cells)? else { return Ok(()) };
        if let Some(learnt) = learnt {
            let key = message_key(&self.sealer, learnt);
            insert_refs(On(&mut self.tx, self.dialect), &[(key, ticket)]).await?;
        }
        let Some(article) = cells.maybe_blob("article")? else { return Ok(()) };
        sqlx::query(
            "UPDATE ticket SET accepted_at = $1,
                due_at = CASE WHEN due_at IS NULL OR due_at > $1 THEN $1 ELSE due_at END
             WHERE id = $2 AND last_article = $3 AND accepted_at IS NULL AND EXISTS
                (SELECT 1 FROM participant p WHERE p.ticket = $2 AND p.no = $4 AND p.role = 'requester')",
        )
        .bind(micros(now))
        .bind(raw(ticket.as_bytes()))
        .bind(article)
        .bind(cells.int("participant")?)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    async fn settle_dead(
        &mut self,
        (id, run): (OutboxId, RunId),
        error: &str,
        now: Instant,
    ) -> Result<(), StoreError> {
        let row = sqlx::query(
            "UPDATE outbox SET state = 'dead', last_error = $1, not_before = NULL, lease_until = NULL, run = NULL
             WHERE id = $2 AND state = 'leased' AND run = $3 RETURNING ticket, article, kind",
        )
        .bind(error.to_owned())
        .bind(raw(id.as_bytes()))
        .bind(raw(run.as_bytes()))
        .fetch_optional(&mut *self.tx)
        .await?;
        let Some(row) = row else { return Ok(()) };
        let ticket = ticket_of(&Cells(&row))?;
        self.note(about(id, ticket, "delivery_failed", (now, "system".into())));
        let (Some(ticket), kind) = (ticket, Cells(&row).text("kind")?) else { return Ok(()) };
        if kind == "received" {
            // Nothing can be waited for any more.
            self.acknowledged(&[ticket], now).await?;
        }
        if Cells(&row).maybe_blob("article")?.is_some() || kind == "page" {
            self.look(ticket, now).await?;
        }
        Ok(())
    }
}
