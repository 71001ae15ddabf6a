//! Reads an account whose mail lies in files: a Maildir, a directory of `.eml`. The same stations as
//! IMAP; identity is the octets, because files have no UID. Also takes single mails from a pipe.

use std::collections::HashSet;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::domain::account::{Account, After, Source};
use crate::domain::ids::{AccountName, FolderName, Uid, UidValidity};
use crate::domain::message::{Instant, Origin, RawMail};
use crate::imap::{FileMail, FileSource, FoundFile, Limits};
use crate::store::{Cursor, FirstSight, LeaseName};
use crate::worker::lease::Held;
use crate::worker::{Failure, LONGEST, Step, in_time};

use super::keep::Batch;
use super::{Ended, Ingest};

/// Files have one UIDVALIDITY.
const VALIDITY: UidValidity = UidValidity(1);
const POLL: Duration = Duration::from_secs(2);
/// Between looks at what pipes left behind.
const PIPES: Duration = Duration::from_mins(1);
const POLL_AT_ONCE: Duration = Duration::from_millis(50);

/// The reader of one account of files.
pub struct FileReader {
    ingest: Ingest,
    account: AccountName,
    limits: Limits,
    lease: Held,
    leftover: bool,
    /// Names that are durable already and stay where they are (`after = "none"`, or flagged).
    known: HashSet<String>,
    /// Decided, and not yet put aside: a disk that is full or read-only stands in the way.
    stuck: Vec<FoundFile>,
    poll: Duration,
}

impl FileReader {
    /// A reader that has not looked yet.
    pub fn new(ingest: Ingest, account: AccountName, limits: Limits) -> Self {
        let lease = Held::new(ingest.store.clone(), LeaseName::Account(account.clone()), ingest.run);
        Self {
            ingest,
            account,
            limits,
            lease,
            leftover: true,
            known: HashSet::new(),
            stuck: Vec::new(),
            poll: POLL,
        }
    }

    /// Looks again at once (`--until-idle`).
    #[must_use]
    pub const fn impatient(mut self) -> Self {
        self.poll = POLL_AT_ONCE;
        self
    }

    /// One batch of files, or nothing new.
    pub async fn step(&mut self) -> Result<Step, Failure> {
        let done = in_time(LONGEST, Box::pin(self.try_step())).await;
        if done.is_err() {
            self.leftover = true;
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
        self.put_aside(&account, Vec::new()).await?;
        let source = source(&account)?;
        let started = self.ingest.clock.now();
        let found = blocking(move || source.list()).await?;
        let fresh: Vec<FoundFile> = found.into_iter().filter(|f| !self.known.contains(&f.name)).collect();
        let folder = folder(&account)?;
        let history_below = self.history_below(&account, &folder, fresh.len()).await?;
        if fresh.is_empty() {
            self.ingest.store.polled(&self.account, &folder, started).await?;
            self.ingest.store.reconciled(&self.account, &folder, started).await?;
            self.leftover = self.ingest.second_chance(self.lease.get(), &self.account).await?;
            return Ok(if self.leftover { Step::Did(1) } else { Step::Idle });
        }
        let batch: Vec<FoundFile> = fresh.into_iter().take(self.limits.batch_mails).collect();
        let done = self.batch(&account, &folder, (batch, history_below)).await?;
        Ok(Step::of(done.max(1)))
    }

    /// What lay there when the directory was first seen is history (L15).
    async fn history_below(
        &self,
        account: &Account,
        folder: &FolderName,
        there: usize,
    ) -> Result<u32, Failure> {
        let store = &self.ingest.store;
        if let Some(state) = store.folder(&self.account, folder).await? {
            return Ok(state.history_below);
        }
        let sight = FirstSight {
            account: self.account.clone(),
            folder: folder.clone(),
            uidvalidity: VALIDITY,
            uid_next: u32::try_from(there).unwrap_or(u32::MAX - 1) + 1,
            first_run: account.first_run,
        };
        Ok(store.first_sight(&sight).await?.history_below)
    }

    async fn batch(
        &mut self,
        account: &Account,
        folder: &FolderName,
        (found, history_below): (Vec<FoundFile>, u32),
    ) -> Result<usize, Failure> {
        let (source, limits) = (source(account)?, self.limits);
        let read = blocking(move || {
            let mut read: Vec<(FoundFile, FileMail)> = Vec::new();
            let mut octets = 0_u64;
            for file in found {
                let mail = source.read(&file.path, &limits)?;
                octets += u64::try_from(mail.bytes.len()).unwrap_or(u64::MAX);
                read.push((file, mail));
                if octets >= limits.batch_bytes {
                    break;
                }
            }
            Ok(read)
        })
        .await?;
        let first = self.ingest.store.next_local_uid(&self.account, folder).await?;
        let mut files = Vec::new();
        let mut mails = Vec::new();
        for (file, mail) in read {
            let digest: [u8; 32] = Sha256::digest(&mail.bytes).into();
            if !self.ingest.store.knows_bytes(&self.account, &digest).await? {
                let offset = u32::try_from(mails.len()).unwrap_or(u32::MAX);
                mails.push(raw(account, folder, (first, offset), mail)?);
            }
            files.push(file);
        }
        let count = files.len();
        let cursor = mails.last().and_then(|m: &RawMail| Uid::new(m.origin.uid.get().saturating_add(1)).ok());
        let cursor = cursor.map(|next_uid| Cursor {
            account: self.account.clone(),
            folder: folder.clone(),
            uidvalidity: VALIDITY,
            next_uid,
        });
        let kept = self.ingest.keep(self.lease.get(), Batch { mails, cursor, history_below }).await?;
        self.leftover = true;
        self.ingest.settle(self.lease.get(), kept).await?;
        self.leftover = false;
        self.put_aside(account, files).await?;
        Ok(count)
    }

    /// Puts decided files aside, and those that could not be before. What stays in its place is known:
    /// it is not read again, and what lies beside it is read all the same.
    async fn put_aside(&mut self, account: &Account, files: Vec<FoundFile>) -> Result<(), Failure> {
        let before = self.stuck.len();
        self.known.extend(files.iter().map(|f| f.name.clone()));
        self.stuck.extend(files);
        if self.stuck.is_empty() {
            return Ok(());
        }
        let (source, after) = (source(account)?, account.after.clone());
        let moved = matches!(after, After::Move(_))
            || matches!((&source, &after), (FileSource::Directory(_), After::Flag));
        let files = std::mem::take(&mut self.stuck);
        let (done, stuck): (Vec<FoundFile>, Vec<FoundFile>) = blocking(move || {
            Ok(files.into_iter().partition(|file| source.after_commit(&file.path, &after).is_ok()))
        })
        .await?;
        if moved {
            // They are gone from the listing; a later file may bear the same name.
            for file in &done {
                self.known.remove(&file.name);
            }
        }
        if stuck.len() > before {
            tracing::error!(account = %self.account, files = stuck.len(), "ALARM: decided mail cannot be put aside; is the directory full or read-only? It is tried again, and nothing is read twice");
        }
        self.stuck = stuck;
        Ok(())
    }

    /// Gives the lease back.
    pub async fn close(&mut self) {
        self.lease.release().await;
    }

    /// Loops until `stop`; reports each outcome to `watch`.
    pub async fn run(mut self, stop: CancellationToken, watch: impl Fn(&Result<Step, Failure>)) {
        while !stop.is_cancelled() {
            let outcome = self.step().await;
            watch(&outcome);
            if let Err(error) = &outcome {
                tracing::warn!(account = %self.account, %error, "the account rests for a while");
            }
            if !matches!(outcome, Ok(Step::Did(_))) {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(self.poll) => {}
                }
            }
        }
        self.close().await;
    }
}

impl Ingest {
    /// Replays what dead pipes left behind, once a minute.
    pub async fn run_pipes(self, stop: CancellationToken, watch: impl Fn(&Result<Step, Failure>)) {
        while !stop.is_cancelled() {
            let outcome = self.replay_pipes().await;
            watch(&outcome);
            let wait = if matches!(outcome, Ok(Step::Did(_))) { POLL_AT_ONCE } else { PIPES };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.bells.pipes.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One mail handed over by an MTA or a person, for this account; the answer says what became of
    /// it. A mail whose octets are known already is not taken again.
    pub async fn take(
        &self,
        account: &Account,
        bytes: Vec<u8>,
        arrived: Instant,
    ) -> Result<Option<Ended>, Failure> {
        let folder = folder(account)?;
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        if self.store.knows_bytes(&account.name, &digest).await? {
            return Ok(None);
        }
        let first = self.store.next_local_uid(&account.name, &folder).await?;
        // No copy is left anywhere else: the whole mail is kept, whatever its size. Who reads it from a
        // pipe refuses what is too large for that, so that its sender is told.
        let mail = FileMail { bytes, arrived, oversize: None };
        let mails = vec![raw(account, &folder, (first, 0), mail)?];
        let kept = self.keep(None, Batch { mails, cursor: None, history_below: 0 }).await?;
        Ok(self.settle(None, kept).await?.into_iter().next())
    }
}

fn raw(
    account: &Account,
    folder: &FolderName,
    (first, offset): (Uid, u32),
    mail: FileMail,
) -> Result<RawMail, Failure> {
    let uid = Uid::new(first.get().saturating_add(offset)).map_err(|_| Failure::Defect("no UID is left"))?;
    Ok(RawMail {
        origin: Origin { account: account.name.clone(), folder: folder.clone(), uidvalidity: VALIDITY, uid },
        internal_date: mail.arrived,
        bytes: mail.bytes,
        oversize: mail.oversize,
    })
}

/// The folder under which the ledger knows files: the first configured one.
fn folder(account: &Account) -> Result<FolderName, Failure> {
    match account.folders.first() {
        Some(rule) => Ok(rule.name.clone()),
        None => FolderName::parse("INBOX").map_err(|_| Failure::Defect("INBOX is no folder name")),
    }
}

fn source(account: &Account) -> Result<FileSource, Failure> {
    match &account.source {
        Source::Maildir(path) => Ok(FileSource::Maildir(path.clone())),
        Source::Directory(path) => Ok(FileSource::Directory(path.clone())),
        Source::Imap(_) | Source::Pipe => {
            Err(Failure::Defect("a file reader for an account of another kind"))
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Failure::Defect("reading files ended early"))?
        .map_err(|_| Failure::Away("the mail directory"))
}
