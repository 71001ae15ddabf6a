//! Transaction B. [`Work`] is one ordered write transaction: facts are read on the same connection
//! that writes, so that mail k+1 may answer mail k; a savepoint a message. Dropping it undoes all.

use super::facts::FactsQuery;
use super::lease::Lease;
use super::{Store, StoreError};
use crate::clock::Random;
use crate::domain::facts::MessageFacts;
use crate::domain::ids::{ArticleId, LedgerId, OutboxId, RunId, TicketId, TicketNumber};
use crate::domain::message::Instant;
use crate::domain::ticket::TicketSnapshot;

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
        self.random.uuid(self.now).map_err(|_| StoreError::Defect("no randomness"))
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

/// One open write transaction.
#[derive(Debug)]
pub struct Work {}

impl Store {
    /// Opens a write transaction: `BEGIN IMMEDIATE` on SQLite; on PostgreSQL one advisory lock, so
    /// that numbers and decisions have one order. A lease given here is checked now and stays valid
    /// until the commit.
    ///
    /// # Errors
    /// [`StoreError::Busy`], or [`StoreError::Fenced`] when the lease is lost.
    pub async fn begin(&self, _lease: Option<&Lease>) -> Result<Work, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
}

impl Work {
    /// Opens a savepoint; they do not nest.
    pub async fn savepoint(&mut self) -> Result<(), StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Undoes everything since the savepoint, number and audit rows included, and closes it.
    pub async fn rollback_to(&mut self) -> Result<(), StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Keeps what was done since the savepoint and closes it.
    pub async fn release(&mut self) -> Result<(), StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Writes the audit rows, its head row locked last, and commits.
    ///
    /// # Errors
    /// [`StoreError::Busy`] or [`StoreError::Conflict`]: nothing was written, do it all again.
    pub async fn commit(self, _now: Instant) -> Result<(), StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Undoes everything.
    pub async fn rollback(self) -> Result<(), StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Everything `decide::on_message` wants to know about one mail.
    pub async fn facts(&mut self, _query: &FactsQuery<'_>) -> Result<MessageFacts, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// The ticket of that number, as it stands (merged tickets are not followed).
    pub async fn ticket(&mut self, _number: TicketNumber) -> Result<Option<TicketSnapshot>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// The ticket of that id.
    pub async fn ticket_by_id(&mut self, _id: TicketId) -> Result<Option<TicketSnapshot>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
}
