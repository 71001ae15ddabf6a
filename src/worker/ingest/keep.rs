//! Stations "seal" and "commit A": fetched mail becomes durable, sealed, before anyone looks into it.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::domain::message::RawMail;
use crate::store::{Cursor, Ids, Landing, Lease, NewOriginal, OriginalBatch, StoredMail};
use crate::worker::Failure;

use super::Ingest;

/// Sealing a batch takes milliseconds; only a machine that stands still takes longer.
const SEAL: Duration = Duration::from_mins(1);

/// A fetched batch and what goes with it.
#[derive(Debug)]
pub struct Batch {
    /// The mails, in UID order.
    pub mails: Vec<RawMail>,
    /// How far the folder is read once they are durable.
    pub cursor: Option<Cursor>,
    /// UIDs below this are history (L15).
    pub history_below: u32,
}

impl Ingest {
    /// Makes a batch durable and gives back what has to be decided: mails that were durable before
    /// are left out.
    pub async fn keep(&self, lease: Option<&Lease>, batch: Batch) -> Result<Vec<StoredMail>, Failure> {
        let now = self.clock.now();
        let worker = self.clone();
        let history_below = batch.history_below;
        let seal_all = move || -> Result<Vec<_>, Failure> {
            batch.mails.into_iter().map(|mail| worker.seal(mail, history_below, now)).collect()
        };
        let sealed = self.hands.give(seal_all).wait(SEAL).await;
        let sealed = sealed.map_err(|_| Failure::Defect("sealing ended early"))??;
        let (originals, mails): (Vec<NewOriginal>, Vec<StoredMail>) = sealed.into_iter().unzip();
        let whole = OriginalBatch { run: self.run, now, originals, cursor: batch.cursor };
        let landings = self.store.commit_originals(lease, whole).await?;
        let fresh = landings.into_iter().map(|l| matches!(l, Landing::New(_)));
        Ok(mails.into_iter().zip(fresh).filter_map(|(mail, fresh)| fresh.then_some(mail)).collect())
    }

    fn seal(
        &self,
        mail: RawMail,
        history_below: u32,
        now: crate::domain::message::Instant,
    ) -> Result<(NewOriginal, StoredMail), Failure> {
        let id = Ids::new(now, &self.random).ledger()?;
        let sealed = self
            .sealer
            .seal_original(id, &mail.bytes, &self.random)
            .map_err(|_| Failure::Defect("a mail could not be sealed"))?;
        let arrived_at = mail.internal_date.min(now);
        let history = mail.origin.uid.get() < history_below;
        let original = NewOriginal {
            id,
            origin: mail.origin.clone(),
            arrived_at,
            sha256: Sha256::digest(&mail.bytes).into(),
            size: u64::try_from(mail.bytes.len()).unwrap_or(u64::MAX),
            sealed,
            oversize: mail.oversize,
            history,
        };
        let stored = StoredMail {
            id,
            origin: mail.origin,
            arrived_at,
            bytes: Zeroizing::new(mail.bytes),
            attempts: 0,
            run: self.run,
            oversize: mail.oversize,
            history,
            released: false,
        };
        Ok((original, stored))
    }
}
