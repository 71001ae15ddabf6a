//! Reads one IMAP account: a lease, one connection, its folders in turn. A step brings one batch from
//! the server into decided rows and tidies up behind it; `run` waits between steps by IDLE, polls as
//! a net under it, and comes back with growing waits after a failure.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant as Monotonic};

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::domain::account::{Account, After, ImapServer, Source};
use crate::domain::ids::{AccountName, FolderName, LedgerId, Uid};
use crate::domain::message::Origin;
use crate::imap::{Fetched, ImapError, Limits, Next, Session, Settled, backoff};
use crate::store::{Cursor, FirstSight, FolderState, Ids, Lease, LeaseName, NewGap, Tidied, ToTidy};
use crate::worker::{Failure, Step};

use super::Ingest;
use super::keep::Batch;

/// How long a lease holds; it is renewed with every step.
const LEASE: TimeDelta = TimeDelta::seconds(25);
/// Between polls while nothing was seen for a while and IDLE stays silent.
const POLL: Duration = Duration::from_secs(20);
/// After mail was seen, this often...
const HOT_POLL: Duration = Duration::from_millis(150);
/// ...for this long: Dovecot announces by IDLE only after half a second.
const HOT: Duration = Duration::from_secs(30);
/// A UID that broke a fetch alone so often becomes a gap.
const SOLO: u32 = 3;
/// Server UIDs against ledger, at least this often.
const RECONCILE: Duration = Duration::from_hours(1);

/// Gives the password of a server when a connection is made; the shell reads it from its place.
pub type PasswordOf = Arc<dyn Fn(&ImapServer) -> Option<secrecy::SecretString> + Send + Sync>;

/// The reader of one account.
pub struct ImapReader {
    ingest: Ingest,
    account: AccountName,
    limits: Limits,
    password: PasswordOf,
    session: Option<Session>,
    lease: Option<Lease>,
    /// Rows may lie undecided: look before fetching more.
    leftover: bool,
    /// The UID at which a fetch broke off, and how often it did so alone.
    suspect: Option<(Uid, u32)>,
    hot_until: Option<Monotonic>,
    reconciled: Option<Monotonic>,
    /// The last call for a reconciliation that was answered.
    answered: u64,
    /// False: polls at once instead of waiting by IDLE (`--until-idle`).
    patient: bool,
}

impl ImapReader {
    /// A reader that has not connected yet.
    pub fn new(ingest: Ingest, account: AccountName, limits: Limits, password: PasswordOf) -> Self {
        Self {
            ingest,
            account,
            limits,
            password,
            session: None,
            lease: None,
            leftover: true,
            suspect: None,
            hot_until: None,
            reconciled: None,
            answered: 0,
            patient: true,
        }
    }

    /// Polls at once instead of waiting by IDLE.
    #[must_use]
    pub const fn impatient(mut self) -> Self {
        self.patient = false;
        self
    }

    /// The account it reads.
    pub const fn account(&self) -> &AccountName {
        &self.account
    }

    /// One batch of one folder, or nothing new in any.
    pub async fn step(&mut self) -> Result<Step, Failure> {
        let done = self.try_step().await;
        if done.is_err() {
            self.leftover = true;
            self.hang_up().await;
        }
        done
    }

    async fn try_step(&mut self) -> Result<Step, Failure> {
        let rules = self.ingest.book.current();
        let account = rules.policy.accounts.get(&self.account).cloned();
        let account = account.ok_or(Failure::Paused("the account is no longer configured"))?;
        self.hold_lease().await?;
        if self.leftover {
            if let Step::Did(n) = self.ingest.replay(self.lease.as_ref(), &self.account).await? {
                return Ok(Step::Did(n));
            }
            self.leftover = false;
        }
        self.connect(&account).await?;
        let wanted = self.ingest.bells.reconcile.load(Ordering::Relaxed);
        let reconcile = wanted != self.answered || self.reconciled.is_none_or(|at| at.elapsed() >= RECONCILE);
        for folder in &account.folders {
            if let Step::Did(n) = self.folder(&account, &folder.name, reconcile).await? {
                self.hot_until = Some(Monotonic::now() + HOT);
                return Ok(Step::Did(n));
            }
        }
        if reconcile {
            self.reconciled = Some(Monotonic::now());
            self.answered = wanted;
            self.ingest.bells.sweep.notify_one();
        }
        Ok(Step::Idle)
    }

    /// Leases are kept in the world's time, also where the desk's clock is simulated.
    async fn hold_lease(&mut self) -> Result<(), Failure> {
        let now = Clock::System.now();
        if let Some(lease) = &self.lease {
            match self.ingest.store.renew(lease, now, LEASE).await {
                Ok(()) => return Ok(()),
                Err(crate::store::StoreError::Fenced) => self.lease = None,
                Err(error) => return Err(error.into()),
            }
        }
        let name = LeaseName::Account(self.account.clone());
        self.lease = self.ingest.store.take_lease(&name, self.ingest.run, now, LEASE).await?;
        self.leftover = true;
        if self.lease.is_some() { Ok(()) } else { Err(Failure::Elsewhere) }
    }

    async fn connect(&mut self, account: &Account) -> Result<(), Failure> {
        if self.session.is_some() {
            return Ok(());
        }
        let Source::Imap(server) = &account.source else {
            return Err(Failure::Defect("an IMAP reader for an account of another kind"));
        };
        let password =
            (self.password)(server).ok_or(Failure::Paused("the account's password cannot be read"))?;
        let session = Session::connect(&self.account, server, &password, &self.limits).await;
        self.session = Some(session.map_err(failure)?);
        Ok(())
    }

    async fn folder(
        &mut self,
        account: &Account,
        name: &FolderName,
        reconcile: bool,
    ) -> Result<Step, Failure> {
        let started = self.ingest.clock.now();
        let session = self.session.as_mut().ok_or(Failure::Away("the mail server"))?;
        let status = match session.select(name).await {
            Ok(status) => status,
            Err(error) if error.next() == Next::Carry => {
                tracing::error!(account = %self.account, %error, "ALARM: a configured folder cannot be read");
                return Ok(Step::Idle);
            }
            Err(error) => return Err(failure(error)),
        };
        let state = self.state(account, name, &status).await?;
        let session = self.session.as_mut().ok_or(Failure::Away("the mail server"))?;
        let mut uids = session.new_uids(state.next_uid).await.map_err(failure)?;
        let newest = uids.len();
        let gaps = self.ingest.store.due_gaps(&self.account, name, started).await?;
        uids.extend(gaps.iter().filter(|g| g.origin.uidvalidity == state.uidvalidity).map(|g| g.origin.uid));
        if reconcile && newest == 0 {
            let lost = self.lost(name, &state, &uids).await?;
            uids.extend(lost);
        }
        if uids.is_empty() {
            let tidied = self.tidy(account, name, &state).await?;
            if tidied == 0 {
                self.ingest.store.polled(&self.account, name, started).await?;
                if reconcile {
                    self.ingest.store.reconciled(&self.account, name, started).await?;
                }
            }
            return Ok(Step::of(tidied));
        }
        let count = self.fetch(name, &state, (uids, newest)).await?;
        self.tidy(account, name, &state).await?;
        Ok(Step::of(count))
    }

    /// First sight, a changed UIDVALIDITY (L30), or what is known.
    async fn state(
        &mut self,
        account: &Account,
        name: &FolderName,
        status: &crate::imap::FolderStatus,
    ) -> Result<FolderState, Failure> {
        let store = &self.ingest.store;
        let known = store.folder(&self.account, name).await?;
        let state = if let Some(state) = known {
            state
        } else {
            let sight = FirstSight {
                account: self.account.clone(),
                folder: name.clone(),
                uidvalidity: status.uidvalidity,
                uid_next: status.uidnext.unwrap_or(1),
                first_run: account.first_run,
            };
            store.first_sight(&sight).await?
        };
        if state.uidvalidity == status.uidvalidity {
            return Ok(state);
        }
        tracing::warn!(account = %self.account, "UIDVALIDITY changed: the whole folder is read again and compared by content");
        Ok(store.uidvalidity_changed(&self.account, name, status.uidvalidity).await?)
    }

    async fn fetch(
        &mut self,
        name: &FolderName,
        state: &FolderState,
        (uids, newest): (Vec<Uid>, usize),
    ) -> Result<usize, Failure> {
        let now = self.ingest.clock.now();
        let suspect = self.suspect.filter(|(uid, _)| uids.contains(uid));
        let ask: Vec<Uid> = suspect.map_or_else(|| uids.clone(), |(uid, _)| vec![uid]);
        let session = self.session.as_mut().ok_or(Failure::Away("the mail server"))?;
        let Fetched { mails, mut absent, later, failed } = session.fetch(&ask, now).await;
        self.suspect = blame(suspect, &later, failed);
        if let Some((uid, SOLO)) = self.suspect {
            // Asked for alone three times and no answer: it must not block the rest (L3, L25).
            absent.push((uid, crate::imap::Absent::Refused));
            self.suspect = None;
        }
        let seen = mails.len() + absent.len();
        for (uid, why) in &absent {
            self.gap(name, state, (*uid, why.as_str())).await?;
        }
        let cursor = next_cursor(&uids, newest, &mails_and_gaps(&mails, &absent)).map(|next_uid| Cursor {
            account: self.account.clone(),
            folder: name.clone(),
            uidvalidity: state.uidvalidity,
            next_uid,
        });
        let batch = Batch { mails, cursor, history_below: state.history_below };
        let kept = self.ingest.keep(self.lease.as_ref(), batch).await?;
        self.leftover = true;
        self.ingest.settle(self.lease.as_ref(), kept).await?;
        self.leftover = false;
        match failed {
            Some(error) => {
                tracing::warn!(account = %self.account, %error, later = later.len(), "a fetch broke off; the rest is asked for again");
                Err(failure(error))
            }
            None => Ok(seen.max(1)),
        }
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
        if let Some(gap) = self.ingest.store.record_gap(&gap).await?
            && gap.attempts >= 3
        {
            tracing::error!(account = %self.account, uid = uid.get(), reason, attempts = gap.attempts, "ALARM: the server does not give this mail");
        }
        Ok(())
    }

    /// Reconciliation: UIDs below the cursor that the server has and the ledger does not.
    async fn lost(
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
        if !lost.is_empty() {
            tracing::error!(account = %self.account, count = lost.len(), "ALARM: reconciliation found mail that the ledger does not know; it is fetched now");
        }
        Ok(lost)
    }

    /// Moves or flags what is decided; remembered row by row, so that a crash in between repeats only
    /// what the server does not mind.
    async fn tidy(
        &mut self,
        account: &Account,
        name: &FolderName,
        state: &FolderState,
    ) -> Result<usize, Failure> {
        if account.after == After::None {
            return Ok(0);
        }
        let store = self.ingest.store.clone();
        let rows = store.to_tidy(&self.account, name, state.uidvalidity, 200).await?;
        let session = self.session.as_mut().ok_or(Failure::Away("the mail server"))?;
        let (copied, fresh): (Vec<ToTidy>, Vec<ToTidy>) = rows.iter().partition(|row| row.copied);
        let uids = |rows: &[ToTidy]| rows.iter().map(|row| row.uid).collect::<Vec<_>>();
        let mut done = 0;
        for (part, settled) in [
            (
                &fresh,
                if fresh.is_empty() {
                    None
                } else {
                    Some(session.after_commit(&account.after, state.uidvalidity, &uids(&fresh)).await)
                },
            ),
            (
                &copied,
                if copied.is_empty() {
                    None
                } else {
                    Some(session.remove_copied(state.uidvalidity, &uids(&copied)).await)
                },
            ),
        ] {
            let Some(settlement) = settled else { continue };
            let ids = |what: Settled| -> Vec<LedgerId> {
                let uids: Vec<Uid> =
                    settlement.settled.iter().filter(|(_, s)| *s == what).map(|(uid, _)| *uid).collect();
                part.iter().filter(|row| uids.contains(&row.uid)).map(|row| row.id).collect()
            };
            let finished = ids(Settled::Done);
            done += finished.len();
            store.tidied(&finished, Tidied::Done).await?;
            if part.iter().any(|row| !row.copied) {
                store.tidied(&ids(Settled::Copied), Tidied::Copied).await?;
            }
            match settlement.failed {
                Some(error) if error.next() == Next::Carry => {
                    tracing::warn!(account = %self.account, %error, "decided mail could not be moved or flagged; it is tried again");
                }
                Some(error) => return Err(failure(error)),
                None => {}
            }
        }
        Ok(done)
    }

    /// Gives connection and lease back; called on every way out.
    pub async fn hang_up(&mut self) {
        if let Some(session) = self.session.take() {
            session.logout().await;
        }
    }

    /// Hangs up and gives the lease back.
    pub async fn close(&mut self) {
        self.hang_up().await;
        if let Some(lease) = self.lease.take() {
            let _ = self.ingest.store.release(&lease).await;
        }
    }

    /// Loops until `stop`; reports each outcome to `watch`.
    pub async fn run(mut self, stop: CancellationToken, watch: impl Fn(&Result<Step, Failure>)) {
        let mut failures: u32 = 0;
        while !stop.is_cancelled() {
            let outcome = self.step().await;
            watch(&outcome);
            let wait = match &outcome {
                Ok(Step::Did(_)) => {
                    failures = 0;
                    continue;
                }
                Ok(Step::Idle) => {
                    failures = 0;
                    self.idle(&stop).await;
                    continue;
                }
                Err(Failure::Elsewhere) => Duration::from_secs(5),
                Err(error) => {
                    tracing::warn!(account = %self.account, %error, failures, "the account rests for a while");
                    let random = self
                        .ingest
                        .random
                        .bytes()
                        .map_or(0, |b| u32::from(b.first().copied().unwrap_or(0)) << 24);
                    let wait = backoff(failures, random);
                    failures = failures.saturating_add(1);
                    wait
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        self.close().await;
    }

    fn first_folder(&self) -> Option<FolderName> {
        let rules = self.ingest.book.current();
        let account = rules.policy.accounts.get(&self.account)?;
        account.folders.first().filter(|_| account.folders.len() > 1).map(|rule| rule.name.clone())
    }

    async fn idle(&mut self, stop: &CancellationToken) {
        let hot = self.hot_until.is_some_and(|until| Monotonic::now() < until);
        if hot || !self.patient {
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(HOT_POLL) => {}
            }
            return;
        }
        let first = self.first_folder();
        let Some(session) = self.session.as_mut() else { return };
        // The server announces mail of the open folder only: wait in the first one, not in Junk.
        let opened = match &first {
            Some(folder) => session.select(folder).await.is_ok(),
            None => true,
        };
        if !opened || session.wait(POLL, stop).await.is_err() {
            self.hang_up().await;
        }
    }
}

fn mails_and_gaps(
    mails: &[crate::domain::message::RawMail],
    absent: &[(Uid, crate::imap::Absent)],
) -> Vec<Uid> {
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

fn failure(error: ImapError) -> Failure {
    match error.next() {
        Next::Carry => Failure::Again("the mail server refused a command"),
        Next::Reconnect | Next::PutOff => Failure::Away("the mail server"),
        Next::Pause => Failure::Paused("the mail server refuses the login, its certificate or the folder"),
    }
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
