//! Reads for the commands: ledger, quarantine and outbox. On the read-only connections.

use data_encoding::HEXLOWER;
use sqlx::any::AnyRow;

use super::cells::{Cells, raw};
use super::read::limit;
use super::sealed::{OutboxSecret, Place, open};
use super::views::{LedgerFilter, LedgerView, OutboxFilter, OutboxView, QuarantineView};
use super::{Store, StoreError};
use crate::domain::address::EmailAddress;
use crate::domain::ids::{AccountName, LedgerId, OutboxId, TicketNumber};

impl Store {
    /// Mails of ours, in the order in which they were written.
    pub async fn outbox_list(
        &self,
        filter: &OutboxFilter,
        expose: bool,
    ) -> Result<Vec<OutboxView>, StoreError> {
        let rows = sqlx::query(
            "SELECT o.id, t.number, o.kind, o.sealed, o.state, o.reason, o.attempts, o.created_at, o.not_before,
                o.sent_at, o.last_error, o.bounced
             FROM outbox o LEFT JOIN ticket t ON t.id = o.ticket
             WHERE ($1 = 0 OR t.number = $1) AND ($2 = '' OR o.state = $2)
             ORDER BY o.created_at, t.number, o.participant, o.id LIMIT $3",
        )
        .bind(filter.ticket.map_or(0, TicketNumber::get))
        .bind(filter.state.as_deref().unwrap_or(""))
        .bind(limit(filter.limit))
        .fetch_all(&self.pools.read)
        .await?;
        rows.iter().map(|row| self.outbox_view(row, expose)).collect()
    }

    fn outbox_view(&self, row: &AnyRow, expose: bool) -> Result<OutboxView, StoreError> {
        let cells = Cells(row);
        let id = OutboxId::from_slice(&cells.blob("id")?)?;
        let secret: OutboxSecret = open(&self.sealer, &Place::Outbox(id.as_bytes()), &cells.blob("sealed")?)?;
        let address = EmailAddress::parse(&secret.to);
        let masked = address.map_or_else(|_| String::new(), |address| address.masked());
        Ok(OutboxView {
            id: id.to_string(),
            ticket: cells.maybe_int("number")?,
            kind: cells.text("kind")?,
            recipient: if expose { secret.to } else { masked },
            message_id: secret.id,
            state: cells.text("state")?,
            reason: cells.maybe_text("reason")?,
            attempts: cells.int("attempts")?,
            created_at: cells.instant("created_at")?,
            not_before: cells.maybe_instant("not_before")?,
            sent_at: cells.maybe_instant("sent_at")?,
            last_error: cells.maybe_text("last_error")?,
            bounced: cells.flag("bounced")?,
        })
    }

    /// Mails from outside, in order of arrival.
    pub async fn ledger_list(&self, filter: &LedgerFilter) -> Result<Vec<LedgerView>, StoreError> {
        let rows = sqlx::query(
            "SELECT l.id, l.account, l.folder, l.uidvalidity, l.uid, l.sha256, l.arrived_at, l.state, l.reason, l.action,
                l.attempts, l.duplicate_of, t.number
             FROM ledger l LEFT JOIN ticket t ON t.id = l.ticket
             WHERE ($1 = '' OR l.account = $1) AND ($2 = '' OR l.state = $2) AND ($3 = 0 OR t.number = $3)
                AND ($4 = 0 OR l.id = $5)
             ORDER BY l.noted_at, l.account, l.folder, l.uid LIMIT $6",
        )
        .bind(filter.account.as_ref().map_or("", AccountName::as_str))
        .bind(filter.state.as_deref().unwrap_or(""))
        .bind(filter.ticket.map_or(0, TicketNumber::get))
        .bind(i64::from(filter.id.is_some()))
        .bind(filter.id.map_or_else(Vec::new, |id| raw(id.as_bytes())))
        .bind(limit(filter.limit))
        .fetch_all(&self.pools.read)
        .await?;
        rows.iter().map(ledger_view).collect()
    }

    /// Mails that wait for a person, oldest first.
    pub async fn quarantine_list(&self) -> Result<Vec<QuarantineView>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, state, reason, attempts, state_at, size, sha256, desk FROM ledger
             WHERE state IN ('stored', 'held', 'quarantined', 'unfetchable')
                AND state IN ('quarantined', 'held') ORDER BY state_at, uid",
        )
        .fetch_all(&self.pools.read)
        .await?;
        let view = |row| {
            let cells = Cells(row);
            let id = LedgerId::from_slice(&cells.blob("id")?)?.to_string();
            Ok(QuarantineView {
                ledger: id.clone(),
                id,
                state: cells.text("state")?,
                desk: cells.maybe_text("desk")?,
                reason: cells.maybe_text("reason")?.unwrap_or_default(),
                attempts: cells.int("attempts")?,
                since: cells.instant("state_at")?,
                size: cells.int("size")?,
                sha256: cells.maybe_blob("sha256")?.map(|hash| HEXLOWER.encode(&hash)),
            })
        };
        rows.iter().map(view).collect()
    }
}

fn ledger_view(row: &AnyRow) -> Result<LedgerView, StoreError> {
    let cells = Cells(row);
    let id = |bytes: Vec<u8>| Ok::<_, StoreError>(LedgerId::from_slice(&bytes)?.to_string());
    Ok(LedgerView {
        id: id(cells.blob("id")?)?,
        account: cells.text("account")?,
        folder: cells.text("folder")?,
        uidvalidity: cells.int("uidvalidity")?,
        uid: cells.int("uid")?,
        sha256: cells.maybe_blob("sha256")?.map(|hash| HEXLOWER.encode(&hash)),
        arrived_at: cells.instant("arrived_at")?,
        state: cells.text("state")?,
        reason: cells.maybe_text("reason")?,
        action: cells.maybe_text("action")?,
        attempts: cells.int("attempts")?,
        ticket: cells.maybe_int("number")?,
        duplicate_of: cells.maybe_blob("duplicate_of")?.map(id).transpose()?,
    })
}
