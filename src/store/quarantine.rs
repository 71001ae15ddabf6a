//! Mail that waits for a person: quarantined (it could not be understood) or held (it may be spam).

use super::{Store, StoreError};
use crate::domain::ids::{AccountName, LedgerId};
use crate::domain::message::Instant;
use crate::domain::ticket::Actor;

/// What a person orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuarantineAction {
    /// Understand and decide it once more, as it is.
    Retry,
    /// Decide it once more; marks of spam no longer hold it.
    Release,
    /// Keep it, in no ticket.
    Discard,
}

impl Store {
    /// Quarantines a mail that could not be understood alone; `reason` is a code such as `crash`,
    /// `timeout`, `unparsable`.
    pub async fn quarantine(
        &self,
        _id: LedgerId,
        _reason: &'static str,
        _now: Instant,
    ) -> Result<(), StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Carries out a person's order on a quarantined or held mail.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when no such mail waits.
    pub async fn quarantine_act(
        &self,
        _id: LedgerId,
        _action: QuarantineAction,
        _actor: &Actor,
        _now: Instant,
    ) -> Result<(), StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Puts one mail of the account that was quarantined by a crash back to `stored`, once in its
    /// life; called when idle.
    pub async fn quarantine_second_chance(
        &self,
        _account: &AccountName,
        _now: Instant,
    ) -> Result<Option<LedgerId>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
}
