//! Replay: what a dead run left behind in state `stored`, opened again; and the count of solo attempts
//! that makes a mail poison (L25).

use std::sync::Arc;

use data_encoding::HEXLOWER;
use futures_util::StreamExt as _;
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;
use zeroize::Zeroizing;

use super::cells::{Cells, marks, padded, raw};
use super::lease::Lease;
use super::ledger::PIECE;
use super::{Store, StoreError};
use crate::domain::ids::{AccountName, FolderName, LedgerId, RunId, Uid, UidValidity};
use crate::domain::message::{Instant, Origin};
use crate::seal::{LookupDomain, SealedOriginal, Sealer};

/// A durable mail that is not decided yet, opened.
#[derive(Clone)]
pub struct StoredMail {
    /// Its row.
    pub id: LedgerId,
    /// Where it was found.
    pub origin: Origin,
    /// Its arrival.
    pub arrived_at: Instant,
    /// The octets (of the head, for an oversize mail).
    pub bytes: Zeroizing<Vec<u8>>,
    /// Solo attempts so far.
    pub attempts: u32,
    /// The run that had it in flight.
    pub run: RunId,
    /// The whole size of an oversize mail.
    pub oversize: Option<u64>,
    /// From history.
    pub history: bool,
    /// A person released it from hold: spam marks no longer hold it.
    pub released: bool,
}

impl std::fmt::Debug for StoredMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<stored mail {}, {} bytes>", self.id, self.bytes.len())
    }
}

/// Octets that one replay opens at most.
const BUDGET: i64 = 32 * 1024 * 1024;
const COLUMNS: &str =
    "l.id, l.account, l.folder, l.uidvalidity, l.uid, l.arrived_at, l.attempts, l.run, l.oversize,
    l.history, l.released, k.key_id, k.wrapped, o.body";

/// A row, and its original where that lies in pieces.
type Found = (AnyRow, Vec<u8>);

fn read((row, rest): Found, sealer: &Sealer) -> Result<StoredMail, StoreError> {
    let cells = Cells(&row);
    let id = LedgerId::from_slice(&cells.blob("id")?)?;
    let original = SealedOriginal {
        wrapped_key: cells.blob("wrapped")?,
        key_id: u8::try_from(cells.int("key_id")?).unwrap_or(0),
        body: if rest.is_empty() { cells.blob("body")? } else { rest },
    };
    Ok(StoredMail {
        id,
        origin: Origin {
            account: cells.name("account", AccountName::parse_stored)?,
            folder: cells.name("folder", FolderName::parse)?,
            uidvalidity: UidValidity(cells.small("uidvalidity")?),
            uid: Uid::new(cells.small("uid")?)?,
        },
        arrived_at: cells.instant("arrived_at")?,
        bytes: sealer.open_original(id, &original)?,
        attempts: cells.small("attempts")?,
        run: RunId::from_slice(&cells.blob("run")?)?,
        oversize: cells.maybe_int("oversize")?.and_then(|size| u64::try_from(size).ok()),
        history: cells.flag("history")?,
        released: cells.flag("released")?,
    })
}

/// Opens rows away from the executor's threads: 32 MiB take tens of milliseconds.
async fn open_all(rows: Vec<Found>, sealer: Arc<Sealer>) -> Result<Vec<StoredMail>, StoreError> {
    let open = move || rows.into_iter().map(|row| read(row, &sealer)).collect();
    tokio::task::spawn_blocking(open).await.map_err(|_| StoreError::defect("opening was cut short"))?
}

impl Store {
    /// Mails in state `stored` that another run had in flight, in order of arrival in the ledger,
    /// opened; at most `limit` and at most 32 MiB, but one at least.
    pub async fn stored_rows(
        &self,
        account: &AccountName,
        limit: u32,
        exclude_run: RunId,
    ) -> Result<Vec<StoredMail>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, size FROM ledger WHERE state IN ('stored', 'held', 'quarantined', 'unfetchable')
                AND state = 'stored' AND account = $1 AND run <> $2
             ORDER BY noted_at, folder, uid LIMIT $3",
        )
        .bind(account.as_str())
        .bind(raw(exclude_run.as_bytes()))
        .bind(i64::from(limit.min(64)))
        .fetch_all(&self.pools.read)
        .await?;
        let (mut ids, mut octets) = (Vec::new(), 0);
        for row in &rows {
            let cells = Cells(row);
            octets += cells.int("size")?;
            if octets > BUDGET && !ids.is_empty() {
                break;
            }
            ids.push(LedgerId::from_slice(&cells.blob("id")?)?);
        }
        self.open_mails(&ids).await
    }

    /// One mail of the ledger, opened, whatever its state; `None` once it is erased or a gap.
    pub async fn stored_mail(&self, id: LedgerId) -> Result<Option<StoredMail>, StoreError> {
        Ok(self.open_mails(&[id]).await?.pop())
    }

    /// Opens the originals of these rows, in order of arrival in the ledger.
    pub(super) async fn open_mails(&self, ids: &[LedgerId]) -> Result<Vec<StoredMail>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids = padded(ids);
        let sql = format!(
            "SELECT {COLUMNS} FROM ledger l JOIN original_key k ON k.ledger = l.id
             JOIN original o ON o.ledger = l.id WHERE l.id IN ({}) ORDER BY l.noted_at, l.folder, l.uid",
            marks(1, ids.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for id in &ids {
            query = query.bind(raw(id.as_bytes()));
        }
        let mut found = Vec::new();
        for row in query.fetch_all(&self.pools.read).await? {
            let whole = self.whole(&row).await?;
            found.push((row, whole));
        }
        open_all(found, self.sealer.clone()).await
    }

    /// The whole of an original that lies in pieces; empty for one that does not.
    async fn whole(&self, row: &AnyRow) -> Result<Vec<u8>, StoreError> {
        let mut body = Cells(row).blob("body")?;
        if body.len() != PIECE {
            return Ok(Vec::new());
        }
        let sql = "SELECT body FROM original_part WHERE ledger = $1 ORDER BY no";
        let mut pieces = sqlx::query(sql).bind(Cells(row).blob("id")?).fetch(&self.pools.read);
        while let Some(piece) = pieces.next().await {
            body.extend_from_slice(&Cells(&piece?).blob("body")?);
        }
        Ok(body)
    }

    /// Counts a solo attempt of this run, durable before the attempt begins (L25); gives the new count.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the lease is lost, [`StoreError::Missing`] when it is decided.
    pub async fn record_solo_attempt(
        &self,
        lease: Option<&Lease>,
        id: LedgerId,
        run: RunId,
    ) -> Result<u32, StoreError> {
        let mut tx = self.begin_under(lease).await?;
        let row = sqlx::query(
            "UPDATE ledger SET attempts = attempts + 1, run = $2 WHERE id = $1 AND state = 'stored'
             RETURNING attempts",
        )
        .bind(raw(id.as_bytes()))
        .bind(raw(run.as_bytes()))
        .fetch_optional(&mut *tx)
        .await?;
        let attempts = Cells(&row.ok_or(StoreError::Missing("mail to decide"))?).small("attempts")?;
        tx.commit().await?;
        Ok(attempts)
    }

    /// Takes back the attempts that this run had begun and did not end: whoever is asked to stop (SIGTERM)
    /// does not die of the mail in hand (L25). Called when nothing of the run is at work any more.
    pub async fn forgive_attempts(&self, run: RunId) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE ledger SET attempts = attempts - 1
             WHERE state IN ('stored', 'held', 'quarantined', 'unfetchable') AND state = 'stored'
                AND attempts > 0 AND run = $1",
        )
        .bind(raw(run.as_bytes()))
        .execute(&self.pools.write)
        .await?;
        Ok(())
    }

    /// Mails in state `stored`, of one account or of all.
    pub async fn undecided(&self, account: Option<&AccountName>) -> Result<u64, StoreError> {
        let sql =
            "SELECT COUNT(*) AS n FROM ledger WHERE state IN ('stored', 'held', 'quarantined', 'unfetchable')
            AND state = 'stored' AND ($1 = '' OR account = $1)";
        let account = account.map_or("", AccountName::as_str);
        let row = sqlx::query(sql).bind(account).fetch_one(&self.pools.read).await?;
        Ok(u64::try_from(Cells(&row).int("n")?).unwrap_or(0))
    }

    /// True when the account holds a mail of exactly these octets in a folder without a server: how a
    /// directory source without `after` recognises its files.
    pub async fn knows_bytes(&self, account: &AccountName, sha256: &[u8; 32]) -> Result<bool, StoreError> {
        let octets = self.sealer.lookup(LookupDomain::Octets, &HEXLOWER.encode(sha256));
        // Of an erased mail only the keyed hash is left (L12).
        let sql = "SELECT uid FROM ledger WHERE account = $1 AND sha256 = $2 AND uidvalidity = 1
             UNION ALL SELECT uid FROM ledger WHERE account = $1 AND octets_key = $3 LIMIT 1";
        let row = sqlx::query(sql).bind(account.as_str()).bind(sha256.to_vec()).bind(raw(&octets.0));
        Ok(row.fetch_optional(&self.pools.read).await?.is_some())
    }
}
