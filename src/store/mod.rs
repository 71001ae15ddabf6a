//! The store: SQLite or PostgreSQL behind one set of SQL. Takes facts and decisions, gives facts
//! and rows. Everything that changes a ticket goes through [`Work::apply`] in one transaction. The
//! database knows no one: addresses, names, Message-IDs, fields and mail are sealed before they are
//! bound, and found by keyed look-ups. Never reads a clock, never decides, never logs a value.

mod apply;
mod audit;
mod error;
mod facts;
mod folder;
mod lease;
mod ledger;
mod outbox;
mod privacy;
mod quarantine;
mod read;
mod tick;
mod views;
mod work;

use std::sync::Arc;

pub use apply::{Applied, Placed, Thread};
pub use error::StoreError;
pub use facts::FactsQuery;
pub use folder::{FirstSight, FolderState};
pub use lease::{Lease, LeaseName};
pub use ledger::{Cursor, Gap, Landing, NewGap, NewOriginal, OriginalBatch, StoredMail, Tidied, ToTidy};
pub use outbox::{Claimed, Outcome};
pub use privacy::Revealed;
pub use quarantine::QuarantineAction;
pub use tick::{CommandQuery, TickQuery};
pub use views::{
    ArticleView, AttachmentView, AuditReport, AuditView, BalanceView, ClockView, ErasedView, HistoryView,
    LedgerFilter, LedgerView, OutboxFilter, OutboxView, ParticipantView, QuarantineView, TicketFilter,
    TicketLine, TicketView,
};
pub use work::{Ids, Work};

use crate::domain::message::Instant;
use crate::seal::Sealer;

/// The open database. Cheap to clone; all clones share the connections.
#[derive(Clone, Debug)]
pub struct Store {
    sealer: Arc<Sealer>,
}

impl Store {
    /// Opens `sqlite:PATH` (made with mode 0600 in a folder of mode 0700 where it is missing) or
    /// `postgres://...`, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the server or folder is away, [`StoreError::Defect`] when
    /// the schema is newer than this program.
    pub async fn open(_url: &str, _sealer: Arc<Sealer>) -> Result<Self, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// The keys it seals with.
    pub const fn sealer(&self) -> &Arc<Sealer> {
        &self.sealer
    }
    /// Closes every connection; what was committed is durable before this already.
    pub async fn close(&self) {}
    /// The latest instant that any commit recorded: an `--at` before it is refused by the caller.
    pub async fn last_instant(&self) -> Result<Option<Instant>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
}
