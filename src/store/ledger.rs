//! Commit A and the ledger: sealed originals, ledger rows and the cursor in one transaction, gaps,
//! replay of what a dead run left behind. Identity here is the place of the mail: account, folder,
//! UIDVALIDITY, UID.

use zeroize::Zeroizing;

use super::lease::Lease;
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

impl Store {
    /// Makes originals, ledger rows and cursor durable in one transaction. Idempotent by place; the
    /// answers stand in the order of the batch.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the lease is lost: nothing was written.
    pub async fn commit_originals(
        &self,
        _lease: Option<&Lease>,
        _batch: OriginalBatch,
    ) -> Result<Vec<Landing>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Notes a UID that the server did not give (L3): state `unfetchable`, one more attempt, the next
    /// one after a growing wait (1, 5, 30 minutes, 2, 6, then 24 hours). A place that is durable
    /// already stays as it is and gives `None`.
    pub async fn record_gap(&self, _gap: &NewGap) -> Result<Option<Gap>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Gaps of the folder whose next try has come, oldest first.
    pub async fn due_gaps(
        &self,
        _account: &AccountName,
        _folder: &FolderName,
        _now: Instant,
    ) -> Result<Vec<Gap>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Mails in state `stored` that another run had in flight, in order of arrival in the ledger,
    /// opened; at most `limit` and at most 32 MiB, but one at least.
    pub async fn stored_rows(
        &self,
        _account: &AccountName,
        _limit: u32,
        _exclude_run: RunId,
    ) -> Result<Vec<StoredMail>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// One mail of the ledger, opened, whatever its state; `None` once it is erased or a gap.
    pub async fn stored_mail(&self, _id: LedgerId) -> Result<Option<StoredMail>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Counts a solo attempt, durable before the attempt begins (L25); gives the new count.
    pub async fn record_solo_attempt(&self, _id: LedgerId) -> Result<u32, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Mails in state `stored`, of one account or of all.
    pub async fn undecided(&self, _account: Option<&AccountName>) -> Result<u64, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// True when the account holds a mail of exactly these octets: how a directory source without
    /// `after` recognises its files.
    pub async fn knows_bytes(&self, _account: &AccountName, _sha256: &[u8; 32]) -> Result<bool, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Decided mails (committed, recorded, ignored, held) that still lie in the folder, by UID.
    pub async fn to_tidy(
        &self,
        _account: &AccountName,
        _folder: &FolderName,
        _uidvalidity: UidValidity,
        _limit: u32,
    ) -> Result<Vec<ToTidy>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Notes what was done with mails on the server.
    pub async fn tidied(&self, _ids: &[LedgerId], _what: Tidied) -> Result<(), StoreError> {
        Err(StoreError::Defect("not yet"))
    }
}
