//! Transaction B. [`Work`] is one ordered write transaction: facts are read on the same connection
//! that writes, so that mail k+1 may answer mail k; a savepoint a message. Dropping it undoes all.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::{Any, AnyConnection, AssertSqlSafe, Executor as _, Transaction};

use super::audit::{self, Entry};
use super::cells::{Cells, marks, micros, padded, raw};
use super::dialect::Dialect;
use super::foresight::Foresight;
use super::lease::Lease;
use super::pending::Pending;
use super::ticket_row::{COLUMNS, Loaded, ParticipantRow, TicketRow};
use super::{Store, StoreError};
use crate::clock::Random;
use crate::domain::ids::{ArticleId, DeskName, LedgerId, OutboxId, RunId, TicketId, TicketNumber};
use crate::domain::message::Instant;
use crate::domain::ticket::TicketSnapshot;
use crate::seal::Sealer;

/// Mints row ids of one instant.
#[derive(Debug, Clone)]
pub struct Ids {
    /// The instant that the ids and rows carry.
    pub now: Instant,
    /// Where their randomness comes from.
    pub random: Random,
}

impl Ids {
    /// For rows of this instant.
    pub fn new(now: Instant, random: &Random) -> Self {
        Self { now, random: random.clone() }
    }
    fn uuid(&self) -> Result<uuid::Uuid, StoreError> {
        self.random.uuid(self.now).map_err(|_| StoreError::defect("no randomness"))
    }
    /// A fresh ticket id.
    pub fn ticket(&self) -> Result<TicketId, StoreError> {
        self.uuid().map(TicketId::new)
    }
    /// A fresh message id (of a row, not of a mail).
    pub fn article(&self) -> Result<ArticleId, StoreError> {
        self.uuid().map(ArticleId::new)
    }
    /// A fresh ledger id.
    pub fn ledger(&self) -> Result<LedgerId, StoreError> {
        self.uuid().map(LedgerId::new)
    }
    /// A fresh outbox id.
    pub fn outbox(&self) -> Result<OutboxId, StoreError> {
        self.uuid().map(OutboxId::new)
    }
    /// A fresh run id.
    pub fn run(&self) -> Result<RunId, StoreError> {
        self.uuid().map(RunId::new)
    }
}

/// The keyed hashes of a mail, noted when its facts were read, written when it is decided.
#[derive(Debug, Clone)]
pub(super) struct MailKeys {
    pub desk: DeskName,
    pub content: [u8; 16],
    pub message: Option<[u8; 16]>,
    pub from: Option<[u8; 16]>,
}

/// One open write transaction. Tickets that it read or wrote stay in memory: nobody else can change
/// them before it ends.
pub struct Work {
    pub(super) tx: Transaction<'static, Any>,
    pub(super) dialect: Dialect,
    pub(super) sealer: Arc<Sealer>,
    pub(super) mails: HashMap<LedgerId, MailKeys>,
    pub(super) pending: Pending,
    pub(super) foresight: Foresight,
    /// The last ticket number given out, once it was asked for.
    pub(super) number: Option<i64>,
    tickets: HashMap<TicketId, Loaded>,
    trail: Vec<Entry>,
    mark: usize,
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<work, {} audit rows>", self.trail.len())
    }
}

/// Notes the latest instant of any commit; the last statement but those of the audit trail.
pub(super) async fn touch_clock(on: &mut AnyConnection, now: Instant) -> Result<(), StoreError> {
    sqlx::query("UPDATE counter SET value = $1 WHERE name = 'instant' AND value < $1")
        .bind(micros(now))
        .execute(on)
        .await?;
    Ok(())
}

impl Store {
    /// Opens a write transaction: `BEGIN IMMEDIATE` on SQLite; on PostgreSQL the counter's row is
    /// locked, so that numbers and decisions have one order. A lease given here is checked now and
    /// stays valid until the commit.
    ///
    /// # Errors
    /// [`StoreError::Busy`], or [`StoreError::Fenced`] when the lease is lost.
    pub async fn begin(&self, lease: Option<&Lease>) -> Result<Work, StoreError> {
        let mut tx = self.pools.begin_ordered().await?;
        if let Some(lease) = lease {
            lease.check(&mut tx, self.pools.dialect).await?;
        }
        Ok(Work {
            tx,
            dialect: self.pools.dialect,
            sealer: self.sealer.clone(),
            mails: HashMap::new(),
            pending: Pending::default(),
            foresight: Foresight::default(),
            number: None,
            tickets: HashMap::new(),
            trail: Vec::new(),
            mark: 0,
        })
    }
}

impl Work {
    /// Opens a savepoint; they do not nest. A batch that is expected to go well needs none: where it
    /// fails it is dropped and done again with them.
    pub async fn savepoint(&mut self) -> Result<(), StoreError> {
        self.flush().await?;
        self.tx.execute("SAVEPOINT mail").await?;
        self.mark = self.trail.len();
        Ok(())
    }
    /// Undoes everything since the savepoint, number and audit rows included, and closes it.
    pub async fn rollback_to(&mut self) -> Result<(), StoreError> {
        self.tx.execute("ROLLBACK TO SAVEPOINT mail").await?;
        self.tx.execute("RELEASE SAVEPOINT mail").await?;
        self.trail.truncate(self.mark);
        self.tickets.clear();
        self.pending = Pending::default();
        self.foresight = Foresight::default();
        self.number = None;
        Ok(())
    }
    /// Keeps what was done since the savepoint and closes it.
    pub async fn release(&mut self) -> Result<(), StoreError> {
        self.flush().await?;
        self.tx.execute("RELEASE SAVEPOINT mail").await?;
        Ok(())
    }
    /// Writes the audit rows, its head row locked last, and commits.
    ///
    /// # Errors
    /// [`StoreError::Busy`] or [`StoreError::Conflict`]: nothing was written, do it all again.
    pub async fn commit(mut self, now: Instant) -> Result<(), StoreError> {
        self.flush().await?;
        touch_clock(&mut self.tx, now).await?;
        audit::append(&mut self.tx, self.dialect, &self.trail).await?;
        Ok(self.tx.commit().await?)
    }
    /// Undoes everything.
    pub async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.tx.rollback().await?)
    }
    /// The ticket of that number, as it stands (merged tickets are not followed).
    pub async fn ticket(&mut self, number: TicketNumber) -> Result<Option<TicketSnapshot>, StoreError> {
        Ok(self.load_number(number).await?.map(Loaded::snapshot))
    }
    /// The ticket of that id.
    pub async fn ticket_by_id(&mut self, id: TicketId) -> Result<Option<TicketSnapshot>, StoreError> {
        Ok(self.load(id).await?.map(Loaded::snapshot))
    }

    /// One more row of the audit trail.
    pub(super) fn note(&mut self, entry: Entry) {
        self.trail.push(entry);
    }
    /// A ticket as this transaction knows it.
    pub(super) fn loaded(&self, id: TicketId) -> Option<&Loaded> {
        self.tickets.get(&id)
    }
    /// Keeps a ticket as it was just read or written.
    pub(super) fn keep(&mut self, loaded: Loaded) {
        self.tickets.insert(loaded.row.snapshot.id, loaded);
    }
    /// Forgets a ticket whose row was changed by a statement of its own.
    pub(super) fn forget(&mut self, id: TicketId) {
        self.tickets.remove(&id);
    }
    /// Reads a ticket unless it is known.
    pub(super) async fn load(&mut self, id: TicketId) -> Result<Option<&Loaded>, StoreError> {
        if !self.tickets.contains_key(&id) {
            let sql = format!("SELECT {COLUMNS} FROM ticket WHERE id = $1");
            let query = sqlx::query(AssertSqlSafe(sql)).bind(raw(id.as_bytes()));
            let row = query.fetch_optional(self.on().await?).await?;
            if let Some(row) = row {
                self.adopt(vec![TicketRow::read(&row)?]).await?;
            }
        }
        Ok(self.tickets.get(&id))
    }
    pub(super) async fn load_number(&mut self, number: TicketNumber) -> Result<Option<&Loaded>, StoreError> {
        let known = self.tickets.values().find(|loaded| loaded.row.snapshot.number == number);
        if let Some(id) = known.map(|loaded| loaded.row.snapshot.id) {
            return Ok(self.tickets.get(&id));
        }
        let sql = format!("SELECT {COLUMNS} FROM ticket WHERE number = $1");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(number.get());
        let Some(row) = query.fetch_optional(self.on().await?).await? else { return Ok(None) };
        let row = TicketRow::read(&row)?;
        let id = row.snapshot.id;
        self.adopt(vec![row]).await?;
        Ok(self.tickets.get(&id))
    }
    /// Takes rows just read and adds their people, all with one statement.
    pub(super) async fn adopt(&mut self, rows: Vec<TicketRow>) -> Result<(), StoreError> {
        let rows: Vec<TicketRow> =
            rows.into_iter().filter(|row| !self.tickets.contains_key(&row.snapshot.id)).collect();
        let ids: Vec<TicketId> = rows.iter().map(|row| row.snapshot.id).collect();
        for row in rows {
            self.keep(Loaded { row, people: Vec::new() });
        }
        for ids in ids.chunks(64) {
            self.adopt_people(&padded(ids)).await?;
        }
        Ok(())
    }

    async fn adopt_people(&mut self, ids: &[TicketId]) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT ticket, no, key, role, organisation, agent, sealed FROM participant
             WHERE ticket IN ({}) ORDER BY ticket, no",
            marks(1, ids.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for id in ids {
            query = query.bind(raw(id.as_bytes()));
        }
        for row in query.fetch_all(self.on().await?).await? {
            let ticket = TicketId::from_slice(&Cells(&row).blob("ticket")?)?;
            if let Some(loaded) = self.tickets.get_mut(&ticket) {
                loaded.people.push(ParticipantRow::read(&row)?);
            }
        }
        Ok(())
    }
}
