//! The way out: rows are claimed under a lease, sent by someone else, and settled in one commit. No
//! transaction is open while a mail travels.

use chrono::TimeDelta;

use super::{Store, StoreError};
use crate::domain::address::EmailAddress;
use crate::domain::ids::{MessageId, OutboxId, RunId, TicketId};
use crate::domain::message::Instant;
use crate::domain::ticket::Actor;

/// A row that this run may send until `lease_until`.
#[derive(Clone)]
pub struct Claimed {
    /// The row.
    pub id: OutboxId,
    /// Its ticket.
    pub ticket: TicketId,
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

impl Store {
    /// Claims up to `limit` sendable rows for `ttl` (120 s): answers first, then by age. Rows whose
    /// lease ran out are claimed again.
    pub async fn claim(
        &self,
        _now: Instant,
        _run: RunId,
        _ttl: TimeDelta,
        _limit: u32,
    ) -> Result<Vec<Claimed>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Settles results in one commit. An accepted answer makes its ticket due now, so that the sweep
    /// sets its closing time; a dead answer makes it due, too. `Sent` counts whoever holds the row;
    /// other outcomes count only while `run` holds it.
    pub async fn settle(
        &self,
        _now: Instant,
        _run: RunId,
        _results: &[(OutboxId, Outcome)],
    ) -> Result<(), StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Gives rows back without counting an attempt: the transport is paused, not the row's fault.
    pub async fn release_rows(&self, _run: RunId, _ids: &[OutboxId]) -> Result<(), StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// When the next row becomes sendable, if any waits; may lie in the past.
    pub async fn next_wake(&self) -> Result<Option<Instant>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Rows queued, leased or later.
    pub async fn unsent_count(&self) -> Result<u64, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// When the oldest unsent row was written (health).
    pub async fn oldest_unsent(&self) -> Result<Option<Instant>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Puts a dead or waiting row back at the head of the queue with fresh attempts; audited.
    pub async fn outbox_retry(&self, _id: OutboxId, _actor: &Actor, _now: Instant) -> Result<(), StoreError> {
        Err(StoreError::Defect("not yet"))
    }
}
