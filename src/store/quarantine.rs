//! Mail that waits for a person: quarantined (it could not be understood) or held (it may be spam).

use super::audit::{self, Entry};
use super::cells::{Cells, micros, raw};
use super::lease::Lease;
use super::work::Work;
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
    /// An agent reviewed it: it becomes no ticket.
    Refuse,
}

impl Store {
    /// Quarantines a mail that could not be understood alone; `reason` is a code such as `crash`,
    /// `timeout`, `unparsable`.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is decided already, [`StoreError::Fenced`] when the lease is lost.
    pub async fn quarantine(
        &self,
        lease: Option<&Lease>,
        id: LedgerId,
        reason: &'static str,
        now: Instant,
    ) -> Result<(), StoreError> {
        let mut work = self.begin(lease).await?;
        let done = sqlx::query(
            "UPDATE ledger SET state = 'quarantined', state_at = $1, reason = $2, action = 'quarantined'
             WHERE id = $3 AND state = 'stored'",
        )
        .bind(micros(now))
        .bind(reason)
        .bind(raw(id.as_bytes()))
        .execute(&mut *work.tx)
        .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Missing("mail to quarantine"));
        }
        work.note(entry(id, "quarantined", reason, (now, "system".into())));
        work.commit(now).await
    }

    /// Carries out a person's order on a quarantined or held mail.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when no such mail waits.
    pub async fn quarantine_act(
        &self,
        id: LedgerId,
        action: QuarantineAction,
        actor: &Actor,
        now: Instant,
    ) -> Result<(), StoreError> {
        let mut work = self.begin(None).await?;
        let (code, released) = match action {
            QuarantineAction::Retry => ("quarantine_retry", 0_i64),
            QuarantineAction::Release => ("quarantine_release", 1),
            QuarantineAction::Discard => ("quarantine_discard", 0),
            QuarantineAction::Refuse => ("held_refuse", 0),
        };
        let done = match action {
            QuarantineAction::Discard => work.discard(id, "discarded", now).await?,
            QuarantineAction::Refuse => work.discard(id, "refused", now).await?,
            QuarantineAction::Retry | QuarantineAction::Release => work.again(id, (released, 0), now).await?,
        };
        if !done {
            return Err(StoreError::Missing("mail that waits for a person"));
        }
        work.note(entry(id, code, "ordered", (now, audit::name(actor))));
        work.commit(now).await
    }

    /// Puts one mail of the account that was quarantined by a crash back to `stored`, once in its life,
    /// with so many attempts spent; called when idle.
    pub async fn quarantine_second_chance(
        &self,
        lease: Option<&Lease>,
        account: &AccountName,
        attempts: u32,
        now: Instant,
    ) -> Result<Option<LedgerId>, StoreError> {
        let row = sqlx::query(
            "SELECT id FROM ledger WHERE state IN ('stored', 'held', 'quarantined', 'unfetchable')
                AND state = 'quarantined' AND account = $1 AND reason = 'crash'
                AND second_chance = 0 ORDER BY noted_at LIMIT 1",
        )
        .bind(account.as_str())
        .fetch_optional(&self.pools.read)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let id = LedgerId::from_slice(&Cells(&row).blob("id")?)?;
        let mut work = self.begin(lease).await?;
        sqlx::query("UPDATE ledger SET second_chance = 1 WHERE id = $1")
            .bind(raw(id.as_bytes()))
            .execute(&mut *work.tx)
            .await?;
        if !work.again(id, (0, attempts), now).await? {
            // A person was faster.
            return Ok(None);
        }
        work.note(entry(id, "quarantine_retry", "second_chance", (now, "system".into())));
        work.commit(now).await?;
        Ok(Some(id))
    }
}

fn entry(id: LedgerId, action: &str, reason: &str, (at, actor): (Instant, String)) -> Entry {
    let reasons = vec![reason.to_owned()];
    Entry { at, actor, action: action.into(), ticket: None, ledger: Some(id), reasons }
}

impl Work {
    /// Back to `stored`, of no run in flight, so that it is replayed.
    async fn again(
        &mut self,
        id: LedgerId,
        (released, attempts): (i64, u32),
        now: Instant,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE ledger SET state = 'stored', state_at = $1, reason = NULL, action = NULL, attempts = $4,
                released = CASE WHEN $2 = 1 THEN 1 ELSE released END, run = id
             WHERE id = $3 AND state IN ('quarantined', 'held')",
        )
        .bind(micros(now))
        .bind(released)
        .bind(raw(id.as_bytes()))
        .bind(i64::from(attempts))
        .execute(&mut *self.tx)
        .await?;
        Ok(done.rows_affected() == 1)
    }
    async fn discard(&mut self, id: LedgerId, reason: &str, now: Instant) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE ledger SET state = 'ignored', state_at = $1, reason = $3, action = 'ignored'
             WHERE id = $2 AND state IN ('quarantined', 'held')",
        )
        .bind(micros(now))
        .bind(raw(id.as_bytes()))
        .bind(reason.to_owned())
        .execute(&mut *self.tx)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
