//! Reads for the commands, on the read-only connections: they never wait for a writer.

use super::views::{
    BalanceView, LedgerFilter, LedgerView, OutboxFilter, OutboxView, QuarantineView, TicketFilter,
    TicketLine, TicketView,
};
use super::{Store, StoreError};
use crate::domain::ids::{AccountName, TicketNumber};
use crate::domain::message::Instant;

impl Store {
    /// One ticket with everything that hangs on it; `expose` shows addresses, names and Message-IDs
    /// in the clear: the caller audits that first ([`Store::expose_audit`]). `now` is for what is
    /// left of running clocks.
    pub async fn ticket_show(
        &self,
        _number: TicketNumber,
        _expose: bool,
        _now: Instant,
    ) -> Result<Option<TicketView>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Tickets by number.
    pub async fn ticket_list(
        &self,
        _filter: &TicketFilter,
        _expose: bool,
    ) -> Result<Vec<TicketLine>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Mails of ours, in the order in which they were written.
    pub async fn outbox_list(
        &self,
        _filter: &OutboxFilter,
        _expose: bool,
    ) -> Result<Vec<OutboxView>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Mails from outside, in order of arrival.
    pub async fn ledger_list(&self, _filter: &LedgerFilter) -> Result<Vec<LedgerView>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// In and out, per account and day.
    pub async fn ledger_balance(
        &self,
        _account: Option<&AccountName>,
    ) -> Result<Vec<BalanceView>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Mails that wait for a person, oldest first.
    pub async fn quarantine_list(&self) -> Result<Vec<QuarantineView>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
}
