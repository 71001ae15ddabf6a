//! Commit A: sealed originals, ledger rows and the cursor in one transaction. Identity here is the
//! place of the mail: account, folder, UIDVALIDITY, UID. Afterwards: what still lies on the server.

use std::collections::HashSet;

use sqlx::{Any, AssertSqlSafe, Transaction};

use super::cells::{Cells, marks, micros, number, padded, plain_rows, raw, rows};
use super::dialect::{Dialect, RETRIES};
use super::lease::Lease;
use super::work::touch_clock;
use super::{Store, StoreError};
use crate::domain::ids::{AccountName, FolderName, LedgerId, RunId, Uid, UidValidity};
use crate::domain::message::{Instant, Origin};
use crate::seal::SealedOriginal;

/// A mail to make durable, sealed already.
#[derive(Debug, Clone)]
pub struct NewOriginal {
    /// Its row; the sealed form is bound to it.
    pub id: LedgerId,
    /// Where it was found.
    pub origin: Origin,
    /// Its arrival, never later than now.
    pub arrived_at: Instant,
    /// Of the fetched octets; evidence only.
    pub sha256: [u8; 32],
    /// Fetched octets.
    pub size: u64,
    /// The sealed octets.
    pub sealed: SealedOriginal,
    /// The whole size, when only the head was fetched.
    pub oversize: Option<u64>,
    /// There before the folder was first seen (L15).
    pub history: bool,
}

/// How far a folder is read once the batch is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The account.
    pub account: AccountName,
    /// The folder.
    pub folder: FolderName,
    /// A cursor of another UIDVALIDITY is refused.
    pub uidvalidity: UidValidity,
    /// The first UID that was not fetched; never goes back.
    pub next_uid: Uid,
}

/// What one commit A makes durable.
#[derive(Debug, Clone)]
pub struct OriginalBatch {
    /// The run that has these mails in flight.
    pub run: RunId,
    /// The instant of the commit.
    pub now: Instant,
    /// The mails.
    pub originals: Vec<NewOriginal>,
    /// How far the folder is read now; `None` leaves it (a gap that was filled).
    pub cursor: Option<Cursor>,
}

/// What became of one mail of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landing {
    /// Durable under the id it came with, state `stored`; a gap that is filled counts as new.
    New(LedgerId),
    /// That place was known already, under this id; nothing was written.
    Known(LedgerId),
}

/// A decided mail that still lies in its folder on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToTidy {
    /// The row.
    pub id: LedgerId,
    /// Its UID.
    pub uid: Uid,
    /// It was copied already (L13): only flag it, never copy again.
    pub copied: bool,
}

/// What was done with a mail on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tidied {
    /// Copied to the other folder; not yet flagged.
    Copied,
    /// Moved or flagged: nothing is left to do.
    Done,
}

/// Bound columns of a new row; the others are the same for each.
const BOUND: usize = 13;
/// Originals of one statement: their bodies are in memory twice while it runs.
const BODIES: usize = 8;
/// Octets of one piece of a large original: the driver and the database hold a value five times over
/// while they write it.
pub(super) const PIECE: usize = 1 << 20;

impl Store {
    /// Makes originals, ledger rows and cursor durable in one transaction. Idempotent by place; the
    /// answers stand in the order of the batch.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the lease is lost: nothing was written.
    pub async fn commit_originals(
        &self,
        lease: Option<&Lease>,
        batch: OriginalBatch,
    ) -> Result<Vec<Landing>, StoreError> {
        for _ in 1..RETRIES {
            match self.try_commit_originals(lease, &batch).await {
                Err(StoreError::Conflict) => {}
                other => return other,
            }
        }
        self.try_commit_originals(lease, &batch).await
    }

    async fn try_commit_originals(
        &self,
        lease: Option<&Lease>,
        batch: &OriginalBatch,
    ) -> Result<Vec<Landing>, StoreError> {
        let mut tx = self.begin_under(lease).await?;
        let written = insert_rows(&mut tx, self.pools.dialect, batch).await?;
        let fresh: Vec<&NewOriginal> = batch.originals.iter().filter(|o| written.contains(&o.id)).collect();
        for chunk in fresh.chunks(BODIES) {
            insert_bodies(&mut tx, chunk).await?;
        }
        let mut landings = Vec::with_capacity(batch.originals.len());
        for original in &batch.originals {
            landings.push(if written.contains(&original.id) {
                Landing::New(original.id)
            } else {
                Landing::Known(known(&mut tx, &original.origin).await?)
            });
        }
        if let Some(cursor) = &batch.cursor {
            advance(&mut tx, cursor).await?;
        }
        touch_clock(&mut tx, batch.now).await?;
        tx.commit().await?;
        Ok(landings)
    }

    /// Decided mails (committed, recorded, ignored, held) that still lie in the folder, by UID.
    pub async fn to_tidy(
        &self,
        account: &AccountName,
        folder: &FolderName,
        uidvalidity: UidValidity,
        limit: u32,
    ) -> Result<Vec<ToTidy>, StoreError> {
        // `+ 0`: else SQLite walks the unique index, past every mail of the folder.
        let rows = sqlx::query(
            "SELECT id, uid, tidy FROM ledger WHERE tidy <> 'done' AND account = $1 AND folder = $2
                AND uidvalidity + 0 = $3 AND state IN ('committed', 'recorded', 'ignored', 'held')
             ORDER BY uid LIMIT $4",
        )
        .bind(account.as_str())
        .bind(folder.as_str())
        .bind(i64::from(uidvalidity.0))
        .bind(i64::from(limit))
        .fetch_all(&self.pools.read)
        .await?;
        let read = |row| {
            let cells = Cells(row);
            let id = LedgerId::from_slice(&cells.blob("id")?)?;
            let uid = Uid::new(cells.small("uid")?)?;
            Ok(ToTidy { id, uid, copied: cells.text("tidy")? == "copied" })
        };
        rows.iter().map(read).collect()
    }

    /// Notes what was done with mails on the server.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the lease is lost: nothing was written.
    pub async fn tidied(
        &self,
        lease: Option<&Lease>,
        ids: &[LedgerId],
        what: Tidied,
    ) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin_under(lease).await?;
        let word = match what {
            Tidied::Copied => "copied",
            Tidied::Done => "done",
        };
        for chunk in ids.chunks(64) {
            let chunk = padded(chunk);
            let sql = format!("UPDATE ledger SET tidy = $1 WHERE id IN ({})", marks(2, chunk.len()));
            let mut query = sqlx::query(AssertSqlSafe(sql)).bind(word);
            for id in &chunk {
                query = query.bind(raw(id.as_bytes()));
            }
            query.execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// Rows of one statement.
const ROWS: usize = 16;

fn stored(dialect: Dialect, count: usize) -> String {
    // What is the same for each row stands behind what is bound.
    plain_rows(dialect, count, BOUND).replace(')', ", 0, 'stored', 0, 'here')")
}

/// Writes the rows whose place is new or a gap; gives the ids that were written.
async fn insert_rows(
    tx: &mut Transaction<'static, Any>,
    dialect: Dialect,
    batch: &OriginalBatch,
) -> Result<HashSet<LedgerId>, StoreError> {
    let mut written = HashSet::new();
    for chunk in batch.originals.chunks(ROWS) {
        let sql = format!(
            "INSERT INTO ledger (id, account, folder, uidvalidity, uid, arrived_at, noted_at, sha256, size,
                oversize, history, state_at, run, released, state, attempts, tidy)
             VALUES {}
             ON CONFLICT (account, folder, uidvalidity, uid) DO UPDATE SET id = excluded.id,
                arrived_at = excluded.arrived_at, sha256 = excluded.sha256, size = excluded.size,
                oversize = excluded.oversize, state = 'stored', state_at = excluded.state_at, reason = NULL,
                attempts = 0, next_try = NULL, run = excluded.run
             WHERE ledger.state = 'unfetchable'
             RETURNING id",
            stored(dialect, chunk.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for mail in chunk {
            let at = &mail.origin;
            query = query.bind(raw(mail.id.as_bytes())).bind(at.account.as_str()).bind(at.folder.as_str());
            query = query.bind(i64::from(at.uidvalidity.0)).bind(i64::from(at.uid.get()));
            query = query.bind(micros(mail.arrived_at)).bind(micros(batch.now)).bind(mail.sha256.to_vec());
            query =
                query.bind(number(mail.size)).bind(mail.oversize.map(number)).bind(i64::from(mail.history));
            query = query.bind(micros(batch.now)).bind(raw(batch.run.as_bytes()));
        }
        for row in query.fetch_all(&mut **tx).await? {
            written.insert(LedgerId::from_slice(&Cells(&row).blob("id")?)?);
        }
    }
    Ok(written)
}

async fn insert_bodies(tx: &mut Transaction<'static, Any>, mails: &[&NewOriginal]) -> Result<(), StoreError> {
    let sql = format!("INSERT INTO original (ledger, body) VALUES {}", rows(mails.len(), 2));
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for mail in mails {
        let first = mail.sealed.body.chunks(PIECE).next().unwrap_or_default();
        query = query.bind(raw(mail.id.as_bytes())).bind(first);
    }
    query.execute(&mut **tx).await?;
    for mail in mails {
        for (no, piece) in (0_i64..).zip(mail.sealed.body.chunks(PIECE)).skip(1) {
            let sql = "INSERT INTO original_part (ledger, no, body) VALUES ($1, $2, $3)";
            let query = sqlx::query(sql).bind(raw(mail.id.as_bytes())).bind(no).bind(piece);
            query.execute(&mut **tx).await?;
        }
    }
    let sql = format!("INSERT INTO original_key (ledger, key_id, wrapped) VALUES {}", rows(mails.len(), 3));
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for mail in mails {
        query = query.bind(raw(mail.id.as_bytes())).bind(i64::from(mail.sealed.key_id));
        query = query.bind(mail.sealed.wrapped_key.as_slice());
    }
    query.execute(&mut **tx).await?;
    Ok(())
}

/// The row that holds a place.
pub(super) async fn known(
    tx: &mut Transaction<'static, Any>,
    origin: &Origin,
) -> Result<LedgerId, StoreError> {
    let row = sqlx::query(
        "SELECT id FROM ledger WHERE account = $1 AND folder = $2 AND uidvalidity = $3 AND uid = $4",
    )
    .bind(origin.account.as_str())
    .bind(origin.folder.as_str())
    .bind(i64::from(origin.uidvalidity.0))
    .bind(i64::from(origin.uid.get()))
    .fetch_one(&mut **tx)
    .await?;
    Ok(LedgerId::from_slice(&Cells(&row).blob("id")?)?)
}

async fn advance(tx: &mut Transaction<'static, Any>, cursor: &Cursor) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE folder SET next_uid = $1
         WHERE account = $2 AND name = $3 AND uidvalidity = $4 AND next_uid < $1",
    )
    .bind(i64::from(cursor.next_uid.get()))
    .bind(cursor.account.as_str())
    .bind(cursor.folder.as_str())
    .bind(i64::from(cursor.uidvalidity.0))
    .execute(&mut **tx)
    .await?;
    Ok(())
}
