//! How far each folder was read: cursor, UIDVALIDITY (RFC 3501 2.3.1.1), the border of history
//! (L15), and when it was last polled and reconciled completely (L32).

use sqlx::any::AnyRow;

use super::cells::{Cells, micros};
use super::{Store, StoreError};
use crate::domain::account::FirstRun;
use crate::domain::ids::{AccountName, FolderName, Uid, UidValidity};
use crate::domain::message::Instant;

/// One folder as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderState {
    /// The UIDVALIDITY that the cursor belongs to.
    pub uidvalidity: UidValidity,
    /// The cursor: the first UID that was not fetched yet.
    pub next_uid: Uid,
    /// UIDs below this are history; 0 when nothing is.
    pub history_below: u32,
    /// Every UID below UIDNEXT of this instant is in the ledger.
    pub polled_at: Option<Instant>,
    /// At this instant the server's UIDs minus the ledger's were none.
    pub reconciled_at: Option<Instant>,
}

/// A folder seen for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstSight {
    /// Its account.
    pub account: AccountName,
    /// The folder.
    pub folder: FolderName,
    /// UIDVALIDITY as the server told.
    pub uidvalidity: UidValidity,
    /// UIDNEXT as the server told (RFC 3501 2.3.1.1).
    pub uid_next: u32,
    /// What mail below UIDNEXT is.
    pub first_run: FirstRun,
}

const COLUMNS: &str = "uidvalidity, next_uid, history_below, polled_at, reconciled_at";
/// UIDVALIDITY of folders without a server.
const LOCAL: u32 = 1;

fn read(row: &AnyRow) -> Result<FolderState, StoreError> {
    let cells = Cells(row);
    Ok(FolderState {
        uidvalidity: UidValidity(cells.small("uidvalidity")?),
        next_uid: Uid::new(cells.small("next_uid")?)?,
        history_below: cells.small("history_below")?,
        polled_at: cells.maybe_instant("polled_at")?,
        reconciled_at: cells.maybe_instant("reconciled_at")?,
    })
}

impl Store {
    /// How far the folder was read; `None` when it was never seen.
    pub async fn folder(
        &self,
        account: &AccountName,
        folder: &FolderName,
    ) -> Result<Option<FolderState>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM folder WHERE account = $1 AND name = $2");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(account.as_str())
            .bind(folder.as_str())
            .fetch_optional(&self.pools.read)
            .await?;
        row.as_ref().map(read).transpose()
    }
    /// Notes a folder at its first sight; a folder already known stays as it is.
    pub async fn first_sight(&self, sight: &FirstSight) -> Result<FolderState, StoreError> {
        let history_below = match sight.first_run {
            FirstRun::History => sight.uid_next,
            FirstRun::Live => 0,
        };
        sqlx::query(
            "INSERT INTO folder (account, name, uidvalidity, next_uid, history_below)
             VALUES ($1, $2, $3, 1, $4) ON CONFLICT (account, name) DO NOTHING",
        )
        .bind(sight.account.as_str())
        .bind(sight.folder.as_str())
        .bind(i64::from(sight.uidvalidity.0))
        .bind(i64::from(history_below))
        .execute(&self.pools.write)
        .await?;
        let state = self.folder(&sight.account, &sight.folder).await?;
        state.ok_or(StoreError::Missing("folder"))
    }
    /// A new UIDVALIDITY (L30): the cursor goes back to 1, nothing of it is history; what was read
    /// before is recognised by content.
    pub async fn uidvalidity_changed(
        &self,
        account: &AccountName,
        folder: &FolderName,
        uidvalidity: UidValidity,
    ) -> Result<FolderState, StoreError> {
        sqlx::query(
            "UPDATE folder SET uidvalidity = $1, next_uid = 1, history_below = 0, polled_at = NULL,
                reconciled_at = NULL
             WHERE account = $2 AND name = $3 AND uidvalidity <> $1",
        )
        .bind(i64::from(uidvalidity.0))
        .bind(account.as_str())
        .bind(folder.as_str())
        .execute(&self.pools.write)
        .await?;
        self.folder(account, folder).await?.ok_or(StoreError::Missing("folder"))
    }
    /// The folder was completely polled at `now`.
    pub async fn polled(
        &self,
        account: &AccountName,
        folder: &FolderName,
        now: Instant,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE folder SET polled_at = $1 WHERE account = $2 AND name = $3";
        self.touch(sql, (account, folder), now).await
    }
    /// The folder was completely reconciled at `now`. Sources without a server (directory, Maildir)
    /// call it after every complete pass.
    pub async fn reconciled(
        &self,
        account: &AccountName,
        folder: &FolderName,
        now: Instant,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE folder SET reconciled_at = $1 WHERE account = $2 AND name = $3";
        self.touch(sql, (account, folder), now).await
    }
    async fn touch(
        &self,
        sql: &'static str,
        (account, folder): (&AccountName, &FolderName),
        now: Instant,
    ) -> Result<(), StoreError> {
        sqlx::query(sql)
            .bind(micros(now))
            .bind(account.as_str())
            .bind(folder.as_str())
            .execute(&self.pools.write)
            .await?;
        Ok(())
    }
    /// The next free UID of a folder without a server (directory, Maildir, pipe); such a folder has
    /// UIDVALIDITY 1 and is noted here at its first use. Each call gives another one.
    pub async fn next_local_uid(
        &self,
        account: &AccountName,
        folder: &FolderName,
    ) -> Result<Uid, StoreError> {
        let rows = sqlx::query(
            "INSERT INTO folder (account, name, uidvalidity, next_uid, history_below)
             VALUES ($1, $2, $3, 2, 0)
             ON CONFLICT (account, name) DO UPDATE SET next_uid = folder.next_uid + 1
             RETURNING next_uid",
        )
        .bind(account.as_str())
        .bind(folder.as_str())
        .bind(i64::from(LOCAL))
        .fetch_all(&self.pools.write)
        .await?;
        let row = rows.first().ok_or(StoreError::Missing("folder"))?;
        Ok(Uid::new(Cells(row).small("next_uid")?.saturating_sub(1))?)
    }
    /// The UIDs of the folder that the ledger knows, ascending; gaps included.
    pub async fn known_uids(
        &self,
        account: &AccountName,
        folder: &FolderName,
        uidvalidity: UidValidity,
    ) -> Result<Vec<Uid>, StoreError> {
        let rows = sqlx::query(
            "SELECT uid FROM ledger WHERE account = $1 AND folder = $2 AND uidvalidity = $3 ORDER BY uid",
        )
        .bind(account.as_str())
        .bind(folder.as_str())
        .bind(i64::from(uidvalidity.0))
        .fetch_all(&self.pools.read)
        .await?;
        rows.iter().map(|row| Ok(Uid::new(Cells(row).small("uid")?)?)).collect()
    }
}
