//! Reads one IMAP account: a lease, one connection, its folders in turn. A step brings one batch from
//! the server into decided rows and tidies up behind it; `run` waits between steps by IDLE, polls as
//! a net under it, and comes back with growing waits after a failure.

mod fetch;
mod tidy;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant as Monotonic};

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::domain::account::{Account, ImapServer, Source};
use crate::domain::ids::{AccountName, FolderName, Uid};
use crate::domain::message::Instant;
use crate::imap::{ImapError, Limits, Next, Session, backoff};
use crate::store::{FirstSight, FolderState, LeaseName};
use crate::worker::lease::{ASK, Held};
use crate::worker::{Failure, LONGEST, Step, in_time};

use super::Ingest;
use fetch::Reading;

/// Between polls while nothing was seen for a while and IDLE stays silent.
const POLL: Duration = Duration::from_secs(20);
/// After mail was seen, this often...
const HOT_POLL: Duration = Duration::from_millis(150);
/// ...for this long: Dovecot announces by IDLE only after half a second.
const HOT: Duration = Duration::from_secs(30);
/// Between polls where nobody waits for mail to come (`--until-idle`).
const POLL_AT_ONCE: Duration = Duration::from_millis(30);
/// New mails of one step; a long list would be gone through again with every batch.
const AHEAD: usize = 1000;
/// Server UIDs against ledger, at least this often.
const RECONCILE: TimeDelta = TimeDelta::hours(1);

/// Gives the password of a server when a connection is made; the shell reads it from its place.
pub type PasswordOf = Arc<dyn Fn(&ImapServer) -> Option<secrecy::SecretString> + Send + Sync>;

/// The reader of one account.
pub struct ImapReader {
    ingest: Ingest,
    account: AccountName,
    limits: Limits,
    password: PasswordOf,
    session: Option<Session>,
    lease: Held,
    /// Rows may lie undecided: look before fetching more.
    leftover: bool,
    /// The UID at which a fetch broke off, and how often it did so alone.
    suspect: Option<(Uid, u32)>,
    hot_until: Option<Monotonic>,
    reconciled: Option<Instant>,
    /// The last call for a reconciliation that was answered.
    answered: u64,
    /// False: polls at once instead of waiting by IDLE (`--until-idle`).
    patient: bool,
}

impl ImapReader {
    /// A reader that has not connected yet.
    pub fn new(ingest: Ingest, account: AccountName, limits: Limits, password: PasswordOf) -> Self {
        let lease = Held::new(ingest.store.clone(), LeaseName::Account(account.clone()), ingest.run);
        Self {
            ingest,
            account,
            limits,
            password,
            session: None,
            lease,
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

    /// One batch of one folder, or nothing new in any.
    pub async fn step(&mut self) -> Result<Step, Failure> {
        let done = in_time(LONGEST, Box::pin(self.try_step())).await;
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
        self.leftover |= self.lease.hold().await?;
        if self.leftover {
            if let Step::Did(n) = self.ingest.replay(self.lease.get(), &self.account).await? {
                return Ok(Step::Did(n));
            }
            self.leftover = false;
        }
        self.connect(&account).await?;
        let life = self.lease.life();
        if let Some(session) = self.session.as_mut() {
            session.change_while(life);
        }
        let wanted = self.ingest.bells.reconcile.load(Ordering::Relaxed);
        let now = self.ingest.clock.now();
        // A clock that was set back must not put it off.
        let due = self.reconciled.is_none_or(|at| (now - at).abs() >= RECONCILE);
        let reconcile = wanted != self.answered || due;
        for folder in &account.folders {
            if let Step::Did(n) = self.folder(&account, &folder.name, reconcile).await? {
                self.hot_until = Some(Monotonic::now() + HOT);
                return Ok(Step::Did(n));
            }
        }
        if reconcile {
            self.reconciled = Some(now);
            self.answered = wanted;
            self.ingest.bells.sweep.notify_one();
        }
        self.leftover = self.ingest.second_chance(self.lease.get(), &self.account).await?;
        Ok(if self.leftover { Step::Did(1) } else { Step::Idle })
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
        uids.truncate(AHEAD);
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
        let count = self.bring(Reading { name, state: &state, newest }, uids).await?;
        while usize::try_from(tidy::GO) == Ok(self.tidy(account, name, &state).await?) {}
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

    /// Gives connection and lease back; called on every way out.
    pub async fn hang_up(&mut self) {
        if let Some(session) = self.session.take() {
            session.logout().await;
        }
    }

    /// Hangs up and gives the lease back.
    pub async fn close(&mut self) {
        self.hang_up().await;
        self.lease.release().await;
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
                Err(Failure::Elsewhere) => ASK,
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
            let wait = if self.patient { HOT_POLL } else { POLL_AT_ONCE };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
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

fn failure(error: ImapError) -> Failure {
    match error.next() {
        Next::Carry => Failure::Again("the mail server refused a command"),
        Next::Reconnect | Next::PutOff => Failure::Away("the mail server"),
        Next::Pause => Failure::Paused("the mail server refuses the login, its certificate or the folder"),
    }
}
