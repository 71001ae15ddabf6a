//! What decisions of a transaction added and what is not written yet. Rows wait here so that a batch
//! of mails is written with a few statements a table and not a dozen a mail: each statement costs
//! two changes of thread. Whoever reads what a decision may have written lets it be written first.

use sqlx::AnyConnection;

use super::StoreError;
use super::dialect::Dialect;
use super::ticket_row::{ParticipantRow, TicketRow};
use super::work::{MailKeys, Work};
use super::write::{self, On};
use crate::domain::effect::Related;
use crate::domain::ids::{ArticleId, DeskName, LedgerId, LookupKey, OutboxId, TicketId};
use crate::domain::message::Instant;

/// One row of `article`.
pub(super) struct ArticleRow {
    pub id: ArticleId,
    pub ticket: TicketId,
    pub direction: &'static str,
    pub kind: &'static str,
    pub class: Option<&'static str>,
    pub at: Instant,
    pub grade: &'static str,
    pub text: String,
    pub elided: String,
    pub html: Option<String>,
    pub flags: String,
    pub ledger: Option<LedgerId>,
    pub sealed: Vec<u8>,
}

/// One row of `attachment`.
pub(super) struct AttachmentRow {
    pub article: ArticleId,
    pub no: i64,
    pub declared: String,
    pub detected: Option<String>,
    pub size: i64,
    pub sha256: [u8; 32],
    pub inline: bool,
    pub flags: String,
}

/// One row of `outbox`.
pub(super) struct OutboxRow {
    pub id: OutboxId,
    pub ticket: Option<TicketId>,
    pub article: Option<ArticleId>,
    pub participant: i64,
    pub desk: DeskName,
    pub kind: &'static str,
    pub automatic: bool,
    pub governed: bool,
    pub suppressed: Option<&'static str>,
    pub recipient: LookupKey,
    pub message: [u8; 16],
    pub sealed: Vec<u8>,
    pub bytes: Vec<u8>,
    pub created_at: Instant,
    pub not_before: Option<Instant>,
}

/// How a row of `ledger` ends.
pub(super) struct LedgerEnd {
    pub ledger: LedgerId,
    pub state: &'static str,
    pub at: Instant,
    pub reason: &'static str,
    pub action: &'static str,
    pub ticket: Option<TicketId>,
    pub duplicate_of: Option<LedgerId>,
    pub keys: Option<MailKeys>,
}

/// Everything that waits to be written, in the order in which it happened.
#[derive(Default)]
pub(super) struct Pending {
    /// The last ticket number given out.
    pub number: Option<i64>,
    pub tickets: Vec<TicketRow>,
    /// Changed rows, each with the version that it must have in the database.
    pub changed: Vec<(TicketRow, i64)>,
    pub people: Vec<(TicketId, ParticipantRow)>,
    pub articles: Vec<ArticleRow>,
    pub attachments: Vec<AttachmentRow>,
    pub outbox: Vec<OutboxRow>,
    pub refs: Vec<([u8; 16], TicketId)>,
    pub relations: Vec<(TicketId, Related)>,
    pub ends: Vec<LedgerEnd>,
}

impl Pending {
    /// A row that changed: once more, or for the first time. Its version is the new one.
    pub fn change(&mut self, row: TicketRow) {
        let id = row.snapshot.id;
        if let Some(new) = self.tickets.iter_mut().find(|new| new.snapshot.id == id) {
            *new = row;
        } else if let Some((known, _)) = self.changed.iter_mut().find(|(known, _)| known.snapshot.id == id) {
            *known = row;
        } else {
            let before = row.snapshot.version - 1;
            self.changed.push((row, before));
        }
    }

    /// Governed mails that wait here and that a count since `from` would find in the database.
    pub fn governed(&self, from: Instant, now: Instant, of: impl Fn(&OutboxRow) -> bool) -> u32 {
        let counts =
            |row: &&OutboxRow| row.governed && row.created_at > from && row.created_at <= now && of(row);
        u32::try_from(self.outbox.iter().filter(counts).count()).unwrap_or(u32::MAX)
    }

    /// Parents go before their children: the database checks each reference at once.
    async fn write(self, on: &mut AnyConnection, dialect: Dialect) -> Result<(), StoreError> {
        if let Some(number) = self.number {
            write::set_number(On(&mut *on, dialect), number).await?;
        }
        write::insert_tickets(On(&mut *on, dialect), &self.tickets).await?;
        write::update_tickets(On(&mut *on, dialect), &self.changed).await?;
        write::insert_people(On(&mut *on, dialect), &self.people).await?;
        write::insert_articles(On(&mut *on, dialect), &self.articles).await?;
        write::insert_attachments(On(&mut *on, dialect), &self.attachments).await?;
        write::insert_outbox(On(&mut *on, dialect), &self.outbox).await?;
        write::insert_refs(On(&mut *on, dialect), &self.refs).await?;
        write::insert_relations(On(&mut *on, dialect), &self.relations).await?;
        write::end_ledgers(On(&mut *on, dialect), &self.ends).await
    }
}

impl Work {
    /// Writes what waits.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a ticket changed since it was read, [`StoreError::Missing`] when a
    /// mail was decided before.
    pub(super) async fn flush(&mut self) -> Result<(), StoreError> {
        std::mem::take(&mut self.pending).write(&mut self.tx, self.dialect).await
    }

    /// The connection, for a statement that must see everything that was decided so far.
    pub(super) async fn on(&mut self) -> Result<&mut AnyConnection, StoreError> {
        self.flush().await?;
        Ok(&mut self.tx)
    }
}
