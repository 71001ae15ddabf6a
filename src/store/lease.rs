//! Leases: which of several gateways reads an account, and which one sweeps. A lease carries a
//! fence that grows with every holder; a commit under a lease checks it inside its transaction, so
//! that a holder who slept too long changes nothing.

use chrono::TimeDelta;

use super::{Store, StoreError};
use crate::domain::ids::{AccountName, RunId};
use crate::domain::message::Instant;

/// What a lease is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LeaseName {
    /// Reading one mail account.
    Account(AccountName),
    /// Sweeping due tickets.
    Sweep,
}

/// A lease that was held when it was given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What for.
    pub name: LeaseName,
    /// Grows with every holder; checked inside each transaction.
    pub fence: i64,
}

impl Store {
    /// Takes the lease for `ttl`, unless another run holds it at `now`. The same run may take it
    /// again; its older leases are fenced then.
    pub async fn take_lease(
        &self,
        _name: &LeaseName,
        _run: RunId,
        _now: Instant,
        _ttl: TimeDelta,
    ) -> Result<Option<Lease>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Prolongs a lease until `now + ttl`.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another holder took it in between.
    pub async fn renew(&self, _lease: &Lease, _now: Instant, _ttl: TimeDelta) -> Result<(), StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Gives the lease back at once; a lost lease is no error.
    pub async fn release(&self, _lease: &Lease) -> Result<(), StoreError> {
        Err(StoreError::Defect("not yet"))
    }
}
