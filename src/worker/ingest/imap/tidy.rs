//! After commit: decided mail is moved or flagged on the server, and only then noted as tidied.

use crate::domain::account::{Account, After};
use crate::domain::ids::{FolderName, LedgerId, Uid};
use crate::imap::{Next, Settled, Settlement};
use crate::store::{FolderState, Tidied, ToTidy};
use crate::worker::Failure;

use super::{ImapReader, failure};

/// Mails tidied in one go.
pub(super) const GO: u32 = 500;

impl ImapReader {
    /// Moves or flags what is decided; remembered row by row, so that a crash in between repeats only
    /// what the server does not mind.
    pub(super) async fn tidy(
        &mut self,
        account: &Account,
        name: &FolderName,
        state: &FolderState,
    ) -> Result<usize, Failure> {
        if account.after == After::None {
            return Ok(0);
        }
        let rows = self.ingest.store.to_tidy(&self.account, name, state.uidvalidity, GO).await?;
        let (copied, fresh): (Vec<ToTidy>, Vec<ToTidy>) = rows.iter().partition(|row| row.copied);
        let session = self.session.as_mut().ok_or(Failure::Away("the mail server"))?;
        let mut done = 0;
        if !fresh.is_empty() {
            let settled = session.after_commit(&account.after, state.uidvalidity, &uids(&fresh)).await;
            done += self.note(&fresh, settled).await?;
        }
        let session = self.session.as_mut().ok_or(Failure::Away("the mail server"))?;
        if !copied.is_empty() {
            let settled = session.remove_copied(state.uidvalidity, &uids(&copied)).await;
            done += self.note(&copied, settled).await?;
        }
        Ok(done)
    }

    async fn note(&self, rows: &[ToTidy], settlement: Settlement) -> Result<usize, Failure> {
        let ids = |what: Settled| -> Vec<LedgerId> {
            let uids: Vec<Uid> =
                settlement.settled.iter().filter(|(_, s)| *s == what).map(|(uid, _)| *uid).collect();
            rows.iter().filter(|row| uids.contains(&row.uid)).map(|row| row.id).collect()
        };
        let finished = ids(Settled::Done);
        self.ingest.store.tidied(self.lease.get(), &finished, Tidied::Done).await?;
        self.ingest.store.tidied(self.lease.get(), &ids(Settled::Copied), Tidied::Copied).await?;
        match settlement.failed {
            Some(error) if error.next() == Next::Carry => {
                tracing::warn!(account = %self.account, %error, "decided mail could not be moved or flagged; it is tried again");
            }
            Some(error) => return Err(failure(error)),
            None => {}
        }
        Ok(finished.len())
    }
}

fn uids(rows: &[ToTidy]) -> Vec<Uid> {
    rows.iter().map(|row| row.uid).collect()
}
