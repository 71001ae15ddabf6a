//! The audit trail: ids, codes, hashes; never text, never erased. One chain: each row's hash covers
//! the row and the hash before it, the head row holds the last one.

use super::views::{AuditReport, AuditView};
use super::{Store, StoreError};
use crate::domain::ids::TicketNumber;

impl Store {
    /// Walks the whole chain.
    pub async fn audit_verify(&self) -> Result<AuditReport, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Rows of one ticket or of all, oldest first, from `after` (0 for the first) on.
    pub async fn audit_show(
        &self,
        _ticket: Option<TicketNumber>,
        _after: i64,
        _limit: u32,
    ) -> Result<Vec<AuditView>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Number and hash of the last row, for the hourly log line that shows a cut-off chain.
    pub async fn audit_head(&self) -> Result<(i64, [u8; 32]), StoreError> {
        Err(StoreError::Defect("not yet"))
    }
}
