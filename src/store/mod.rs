//! The store: SQLite or PostgreSQL behind one set of SQL. Takes facts and decisions, gives facts
//! and rows. Everything that changes a ticket goes through [`Work::apply`] in one transaction. The
//! database knows no one: addresses, names, Message-IDs, fields and mail are sealed before they are
//! bound, and found by keyed look-ups. Never reads a clock, never decides, never logs a value.

mod apply;
mod audit;
mod balance;
mod calendars;
mod cells;
mod custody;
mod dialect;
mod erase;
mod error;
mod facts;
mod folder;
mod foresight;
mod gap;
mod lease;
mod ledger;
mod listing;
mod outbox;
mod pending;
mod place;
mod policy_facts;
mod presence;
mod privacy;
mod quarantine;
mod read;
mod regroup;
mod rekey;
mod replay;
mod report;
mod sealed;
mod tick;
mod ticket_row;
mod views;
mod work;
mod write;

use std::sync::Arc;

pub use apply::Applied;
pub use custody::{ErasedCopy, Keeping, Opening, SentCopy};
pub use erase::Expired;
pub use error::StoreError;
pub use facts::FactsQuery;
pub use folder::{FirstSight, FolderState};
pub use foresight::Expected;
pub use gap::{Gap, NewGap};
pub use lease::{Lease, LeaseName};
pub use ledger::{Cursor, Landing, NewOriginal, OriginalBatch, Tidied, ToTidy};
pub use outbox::{Claimed, Hold, Outcome};
pub use place::{Placed, Thread};
pub use policy_facts::PolicyQuery;
pub use presence::Presence;
pub use privacy::Revealed;
pub use quarantine::QuarantineAction;
pub use rekey::{SealedColumn, Walk};
pub use replay::StoredMail;
pub use report::ReportQuery;
pub use tick::{CommandQuery, TickQuery};
pub use views::{
    ArticleView, AttachmentView, AuditReport, AuditView, BalanceView, ClockView, CopyView, ErasedView,
    HistoryView, LedgerFilter, LedgerView, OutboxFilter, OutboxView, ParticipantView, QuarantineView,
    RelatedView, TicketFilter, TicketLine, TicketView,
};
pub use work::{Ids, Work};

use crate::domain::ids::{ParticipantNo, TicketId};
use crate::domain::message::Instant;
use crate::seal::Sealer;

/// The open database. Cheap to clone; all clones share the connections.
#[derive(Clone, Debug)]
pub struct Store {
    sealer: Arc<Sealer>,
    pools: dialect::Pools,
}

impl Store {
    /// Opens `sqlite:PATH` (made with mode 0600 in a folder of mode 0700 where it is missing) or
    /// `postgres://...`, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the server or folder is away, [`StoreError::Defect`] when
    /// the schema is newer than this program.
    pub async fn open(url: &str, sealer: Arc<Sealer>) -> Result<Self, StoreError> {
        Ok(Self { sealer, pools: dialect::Pools::open(url).await? })
    }
    /// The keys it seals with.
    pub const fn sealer(&self) -> &Arc<Sealer> {
        &self.sealer
    }
    /// Closes every connection; what was committed is durable before this already.
    pub async fn close(&self) {
        self.pools.read.close().await;
        self.pools.write.close().await;
    }
    /// The latest instant that any commit recorded: an `--at` before it is refused by the caller.
    pub async fn last_instant(&self) -> Result<Option<Instant>, StoreError> {
        let row = sqlx::query("SELECT value FROM counter WHERE name = 'instant'");
        let row = row.fetch_one(&self.pools.read).await?;
        let value = cells::Cells(&row).int("value")?;
        if value == 0 { Ok(None) } else { cells::from_micros(value).map(Some) }
    }

    /// Does the key ring open what lies here? Looks at the oldest and the newest sealed row: with the
    /// ring of another installation nothing may be read, sent or taken in.
    pub async fn ring_fits(&self) -> Result<bool, StoreError> {
        for order in ["ASC", "DESC"] {
            let sql =
                format!("SELECT ticket, no, sealed FROM participant ORDER BY ticket {order}, no LIMIT 1");
            let row = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_optional(&self.pools.read).await?;
            let Some(row) = row else { return Ok(true) };
            let cells = cells::Cells(&row);
            let ticket = TicketId::from_slice(&cells.blob("ticket")?)?;
            let no = ParticipantNo::new(cells.small("no")?)?;
            let place = sealed::Place::Participant(ticket, no);
            if sealed::open::<sealed::Person>(&self.sealer, &place, &cells.blob("sealed")?).is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
