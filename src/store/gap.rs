//! Gaps (L3): UIDs that the server announced and did not give. Each is a ledger row that is asked for
//! again, with growing waits, for ever; the cursor goes on without it.

use chrono::TimeDelta;
use sqlx::any::AnyRow;

use super::cells::{Cells, micros, raw};
use super::lease::Lease;
use super::{Store, StoreError};
use crate::domain::ids::{AccountName, FolderName, LedgerId, Uid, UidValidity};
use crate::domain::message::{Instant, Origin};

/// A UID that the server did not give.
#[derive(Debug, Clone)]
pub struct NewGap {
    /// A row of its own, used when the gap is new.
    pub id: LedgerId,
    /// The place.
    pub origin: Origin,
    /// Why, as a code: `no_data`, `refused`, `placeholder`.
    pub reason: &'static str,
    /// Now.
    pub now: Instant,
    /// There before the folder was first seen.
    pub history: bool,
}

/// A UID to ask for again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The row.
    pub id: LedgerId,
    /// The place.
    pub origin: Origin,
    /// How often it was asked for without success; an alarm from 3 on.
    pub attempts: u32,
    /// When to ask again.
    pub next_try: Instant,
    /// There before the folder was first seen.
    pub history: bool,
}

/// How long to wait after so many tries, in minutes; the last one repeats.
const WAITS: [i64; 6] = [1, 5, 30, 2 * 60, 6 * 60, 24 * 60];

fn wait(attempts: u32) -> TimeDelta {
    let at = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    TimeDelta::minutes(WAITS.get(at).or(WAITS.last()).copied().unwrap_or(1))
}

fn read(row: &AnyRow) -> Result<Gap, StoreError> {
    let cells = Cells(row);
    Ok(Gap {
        id: LedgerId::from_slice(&cells.blob("id")?)?,
        origin: Origin {
            account: cells.name("account", AccountName::parse_stored)?,
            folder: cells.name("folder", FolderName::parse)?,
            uidvalidity: UidValidity(cells.small("uidvalidity")?),
            uid: Uid::new(cells.small("uid")?)?,
        },
        attempts: cells.small("attempts")?,
        next_try: cells.instant("next_try")?,
        history: cells.flag("history")?,
    })
}

impl Store {
    /// Notes a UID that the server did not give (L3): state `unfetchable`, one more attempt, the next
    /// one after a growing wait (1, 5, 30 minutes, 2, 6, then 24 hours). A place that is durable
    /// already stays as it is and gives `None`.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the lease is lost: nothing was written.
    pub async fn record_gap(&self, lease: Option<&Lease>, gap: &NewGap) -> Result<Option<Gap>, StoreError> {
        let (at, now) = (&gap.origin, micros(gap.now));
        let mut tx = self.begin_under(lease).await?;
        let row = sqlx::query(
            "INSERT INTO ledger (id, account, folder, uidvalidity, uid, arrived_at, noted_at, size, history,
                released, state, state_at, reason, attempts, next_try, run, tidy)
             VALUES ($1, $2, $3, $4, $5, $6, $6, 0, $7, 0, 'unfetchable', $6, $8, 1, $9, $1, 'here')
             ON CONFLICT (account, folder, uidvalidity, uid)
                DO UPDATE SET attempts = ledger.attempts + 1, reason = excluded.reason
             WHERE ledger.state = 'unfetchable'
             RETURNING id, account, folder, uidvalidity, uid, attempts, next_try, history",
        )
        .bind(raw(gap.id.as_bytes()))
        .bind(at.account.as_str())
        .bind(at.folder.as_str())
        .bind(i64::from(at.uidvalidity.0))
        .bind(i64::from(at.uid.get()))
        .bind(now)
        .bind(i64::from(gap.history))
        .bind(gap.reason)
        .bind(micros(gap.now + wait(1)))
        .fetch_optional(&mut *tx)
        .await?;
        let Some(mut noted) = row.as_ref().map(read).transpose()? else { return Ok(None) };
        if noted.attempts > 1 {
            noted.next_try = gap.now + wait(noted.attempts);
            sqlx::query("UPDATE ledger SET next_try = $1 WHERE id = $2")
                .bind(micros(noted.next_try))
                .bind(raw(noted.id.as_bytes()))
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(Some(noted))
    }

    /// Gaps of the folder whose next try has come, oldest first.
    pub async fn due_gaps(
        &self,
        account: &AccountName,
        folder: &FolderName,
        now: Instant,
    ) -> Result<Vec<Gap>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, account, folder, uidvalidity, uid, attempts, next_try, history FROM ledger
             WHERE next_try IS NOT NULL AND account = $1 AND folder = $2 AND next_try <= $3
                AND uidvalidity = (SELECT uidvalidity FROM folder WHERE account = $1 AND name = $2)
             ORDER BY next_try, uid",
        )
        .bind(account.as_str())
        .bind(folder.as_str())
        .bind(micros(now))
        .fetch_all(&self.pools.read)
        .await?;
        rows.iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l03_waits_grow_and_never_end() {
        let minutes: Vec<i64> = (1..=8).map(|n| wait(n).num_minutes()).collect();
        assert_eq!(minutes, [1, 5, 30, 120, 360, 1440, 1440, 1440]);
    }
}
