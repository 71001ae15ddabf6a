//! How far each folder was read: cursor, UIDVALIDITY (RFC 3501 2.3.1.1), the border of history
//! (L15), and when it was last polled and reconciled completely (L32).

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

impl Store {
    /// How far the folder was read; `None` when it was never seen.
    pub async fn folder(
        &self,
        _account: &AccountName,
        _folder: &FolderName,
    ) -> Result<Option<FolderState>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Notes a folder at its first sight; a folder already known stays as it is.
    pub async fn first_sight(&self, _sight: &FirstSight) -> Result<FolderState, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// A new UIDVALIDITY (L30): the cursor goes back to 1, nothing of it is history; what was read
    /// before is recognised by content.
    pub async fn uidvalidity_changed(
        &self,
        _account: &AccountName,
        _folder: &FolderName,
        _uidvalidity: UidValidity,
    ) -> Result<FolderState, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// The folder was completely polled at `now`.
    pub async fn polled(
        &self,
        _account: &AccountName,
        _folder: &FolderName,
        _now: Instant,
    ) -> Result<(), StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// The folder was completely reconciled at `now`. Sources without a server (directory, Maildir)
    /// call it after every complete pass.
    pub async fn reconciled(
        &self,
        _account: &AccountName,
        _folder: &FolderName,
        _now: Instant,
    ) -> Result<(), StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// The next free UID of a folder without a server (directory, Maildir, pipe); such a folder has
    /// UIDVALIDITY 1 and is noted here at its first use.
    pub async fn next_local_uid(
        &self,
        _account: &AccountName,
        _folder: &FolderName,
    ) -> Result<Uid, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// The UIDs of the folder that the ledger knows, ascending; gaps included.
    pub async fn known_uids(
        &self,
        _account: &AccountName,
        _folder: &FolderName,
        _uidvalidity: UidValidity,
    ) -> Result<Vec<Uid>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
}
