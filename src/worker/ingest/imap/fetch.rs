//! One fetch: mails become durable and decided, UIDs without an answer become gaps, and the cursor
//! moves only behind what was answered (L3). A mail that breaks every fetch is found and set aside.

use std::time::{Duration, Instant as Monotonic};

use tokio::sync::mpsc;

use crate::domain::ids::{FolderName, Uid};
use crate::domain::message::{Origin, RawMail};
use crate::imap::{Absent, Fetched, ImapError, Next};
use crate::store::{Cursor, FolderState, Ids, NewGap};
use crate::worker::Failure;

use super::super::keep::Batch;
use super::super::room::Seat;
use super::super::settle::Underway;
use super::{ImapReader, failure};

/// A step reads ahead for so long; then lease, other folders and the server's flags have their turn.
const TURN: Duration = Duration::from_secs(2);
/// A UID that broke a fetch alone so often becomes a gap.
const SOLO: u32 = 3;

/// A batch that is durable and being understood, and the room it takes.
type Brought = (Underway, Option<Seat>);

/// The folder being read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) name: &'a FolderName,
    pub(super) state: &'a FolderState,
    /// Of the UIDs to fetch, the first so many are new; the others fill gaps.
    pub(super) newest: usize,
}

impl ImapReader {
    /// Brings mails in, batch by batch, for [`TURN`] at the most: while one batch is decided, the next
    /// is understood and a third one fetched. Decisions keep the order of the UIDs.
    pub(super) async fn bring(&mut self, folder: Reading<'_>, uids: Vec<Uid>) -> Result<usize, Failure> {
        let (sender, mut batches) = mpsc::channel::<Brought>(1);
        let (ingest, lease) = (self.ingest.clone(), self.lease.get().cloned());
        let decide = async move {
            while let Some((underway, _seat)) = batches.recv().await {
                ingest.finish(lease.as_ref(), underway).await?;
            }
            Ok::<(), Failure>(())
        };
        self.leftover = true;
        let (read, decided) = tokio::join!(self.read(folder, uids, sender), decide);
        decided?;
        self.leftover = false;
        read
    }

    async fn read(
        &mut self,
        folder: Reading<'_>,
        mut uids: Vec<Uid>,
        decide: mpsc::Sender<Brought>,
    ) -> Result<usize, Failure> {
        let (started, mut newest, mut seen) = (Monotonic::now(), folder.newest, 0);
        while !uids.is_empty() && (seen == 0 || started.elapsed() < TURN) {
            if seen > 0 && self.lease.hold().await? {
                return Err(Failure::Again("the account's lease was lost for a moment"));
            }
            let (brought, answered, failed) = self.fetch(Reading { newest, ..folder }, &uids).await?;
            seen += answered.len().max(1);
            if decide.send(brought).await.is_err() {
                // What stopped the deciding side is told by itself.
                break;
            }
            if let Some(error) = failed {
                return Err(failure(error));
            }
            newest -= uids.iter().take(newest).filter(|uid| answered.contains(uid)).count();
            let before = uids.len();
            uids.retain(|uid| !answered.contains(uid));
            if uids.len() == before {
                break;
            }
        }
        Ok(seen)
    }

    /// One batch: fetched, durable, handed over to be understood; and the UIDs it answered.
    async fn fetch(
        &mut self,
        folder: Reading<'_>,
        uids: &[Uid],
    ) -> Result<(Brought, Vec<Uid>, Option<ImapError>), Failure> {
        let now = self.ingest.clock.now();
        let suspect = self.suspect.filter(|(uid, _)| uids.contains(uid));
        let alone = suspect.map(|(uid, _)| [uid]);
        let ask = alone.as_ref().map_or(uids, |uid| uid.as_slice());
        let session = self.session.as_mut().ok_or(Failure::Away("the mail server"))?;
        let survey = session.survey(ask).await;
        let seat = self.ingest.room.take(survey.octets(&self.limits)).await;
        let Fetched { mails, mut absent, later, failed } = session.fetch(survey, now).await;
        if let Some(error) = failed {
            tracing::warn!(account = %self.account, %error, later = later.len(), "a fetch broke off; the rest is asked for again");
        }
        self.suspect = blame(suspect, &later, failed);
        if let Some((uid, SOLO)) = self.suspect {
            // Asked for alone three times and no answer: it must not block the rest (L3, L25).
            absent.push((uid, Absent::Refused));
            self.suspect = None;
        }
        for (uid, why) in &absent {
            self.gap(folder.name, folder.state, (*uid, why.as_str())).await?;
        }
        let answered = mails_and_gaps(&mails, &absent);
        let cursor = next_cursor(uids, folder.newest, &answered).map(|next_uid| Cursor {
            account: self.account.clone(),
            folder: folder.name.clone(),
            uidvalidity: folder.state.uidvalidity,
            next_uid,
        });
        let batch = Batch { mails, cursor, history_below: folder.state.history_below };
        let kept = self.ingest.keep(self.lease.get(), batch).await?;
        Ok(((self.ingest.begin(kept), seat), answered, failed))
    }

    async fn gap(
        &self,
        name: &FolderName,
        state: &FolderState,
        (uid, reason): (Uid, &'static str),
    ) -> Result<(), Failure> {
        let now = self.ingest.clock.now();
        let gap = NewGap {
            id: Ids::new(now, &self.ingest.random).ledger()?,
            origin: Origin {
                account: self.account.clone(),
                folder: name.clone(),
                uidvalidity: state.uidvalidity,
                uid,
            },
            reason,
            now,
            history: uid.get() < state.history_below,
        };
        if let Some(gap) = self.ingest.store.record_gap(self.lease.get(), &gap).await?
            && gap.attempts >= 3
        {
            tracing::error!(account = %self.account, uid = uid.get(), reason, attempts = gap.attempts, "ALARM: the server does not give this mail");
        }
        Ok(())
    }

    /// Reconciliation: UIDs below the cursor that the server has and the ledger does not.
    pub(super) async fn lost(
        &mut self,
        name: &FolderName,
        state: &FolderState,
        asked: &[Uid],
    ) -> Result<Vec<Uid>, Failure> {
        let session = self.session.as_mut().ok_or(Failure::Away("the mail server"))?;
        let Ok(first) = Uid::new(1) else { return Ok(Vec::new()) };
        let there = session.list_uids(first, state.next_uid).await.map_err(failure)?;
        let known = self.ingest.store.known_uids(&self.account, name, state.uidvalidity).await?;
        let lost: Vec<Uid> = there
            .into_iter()
            .filter(|uid| *uid < state.next_uid && known.binary_search(uid).is_err() && !asked.contains(uid))
            .collect();
        if let Some(first) = lost.first() {
            tracing::error!(account = %self.account, folder = %name, first = first.get(), count = lost.len(), "ALARM: reconciliation found mail that the ledger does not know; it is fetched now");
        }
        Ok(lost)
    }
}

fn mails_and_gaps(mails: &[RawMail], absent: &[(Uid, Absent)]) -> Vec<Uid> {
    mails.iter().map(|m| m.origin.uid).chain(absent.iter().map(|(uid, _)| *uid)).collect()
}

/// Whom a broken fetch speaks against: the first UID without an answer. Counts how often it broke
/// alone; a limit of the whole server speaks against nobody.
fn blame(suspect: Option<(Uid, u32)>, later: &[Uid], failed: Option<ImapError>) -> Option<(Uid, u32)> {
    let error = failed?;
    if error.next() != Next::Reconnect {
        return suspect;
    }
    match (suspect, later.first()) {
        (Some((uid, tries)), Some(first)) if uid == *first => Some((uid, tries + 1)),
        (_, first) => first.map(|uid| (*uid, 0)),
    }
}

/// The cursor behind a batch: just after the last of the new UIDs before which none is missing.
fn next_cursor(uids: &[Uid], newest: usize, answered: &[Uid]) -> Option<Uid> {
    uids.iter()
        .take(newest)
        .take_while(|uid| answered.contains(uid))
        .last()
        .and_then(|uid| Uid::new(uid.get().saturating_add(1)).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l25_only_who_breaks_a_fetch_alone_is_blamed() {
        let uid = |n| Uid::new(n).unwrap();
        let broken = Some(ImapError::Transient("test"));
        let cases = [
            (None, vec![5, 6], broken, Some((5, 0))),
            (Some((5, 0)), vec![5], broken, Some((5, 1))),
            (Some((5, 2)), vec![5], broken, Some((5, 3))),
            (Some((5, 2)), vec![], None, None),
            (Some((5, 2)), vec![5], Some(ImapError::PutOff("test")), Some((5, 2))),
            (None, vec![5], Some(ImapError::PutOff("test")), None),
        ];
        for (before, later, failed, want) in cases {
            let later: Vec<Uid> = later.into_iter().map(uid).collect();
            let before = before.map(|(n, tries)| (uid(n), tries));
            assert_eq!(blame(before, &later, failed), want.map(|(n, tries)| (uid(n), tries)));
        }
    }

    #[test]
    fn l3_the_cursor_never_passes_an_unanswered_uid() {
        let uid = |n| Uid::new(n).unwrap();
        let uids: Vec<Uid> = [4, 5, 9].map(uid).to_vec();
        let cases: [(usize, &[u32], Option<u32>); 5] = [
            (3, &[4, 5, 9], Some(10)),
            (3, &[4, 9], Some(5)),
            (3, &[5, 9], None),
            (2, &[4, 5, 9], Some(6)),
            (3, &[], None),
        ];
        for (newest, answered, want) in cases {
            let answered: Vec<Uid> = answered.iter().copied().map(uid).collect();
            assert_eq!(next_cursor(&uids, newest, &answered).map(Uid::get), want);
        }
    }
}
