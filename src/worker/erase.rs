//! Erased mail is taken off the servers and out of the directories it came from, as far as it is found
//! there: in the folder it lay in, in the one it was moved to, and copies of our own mail in the folder
//! of sent mail. Takes what the store knows of a ticket's mails, gives an account of what was reached
//! and what was not; never deletes a mail whose octets or signed id it has not seen.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::domain::account::{Account, After, ImapServer, Source};
use crate::domain::ids::{AccountName, DeskName, FolderName, Uid, UidValidity};
use crate::domain::message::Instant;
use crate::domain::policy::Policy;
use crate::imap::{FileSource, ImapError, Limits, Session};
use crate::store::{CopyView, ErasedCopy, SentCopy};

use super::ingest::imap::PasswordOf;

/// Reaches out to the places of mail.
pub struct Eraser<'a> {
    /// Accounts and their folders.
    pub policy: &'a Policy,
    /// Gives passwords.
    pub password: PasswordOf,
    /// Bounds of sessions and reads.
    pub limits: Limits,
    /// Now.
    pub now: Instant,
}

impl Eraser<'_> {
    /// Takes away every copy it finds.
    pub async fn take(&self, desk: &DeskName, mails: &[ErasedCopy], sent: &[SentCopy]) -> Vec<CopyView> {
        let mut by_account: BTreeMap<&AccountName, Vec<&ErasedCopy>> = BTreeMap::new();
        for mail in mails {
            by_account.entry(&mail.origin.account).or_default().push(mail);
        }
        if let Some(own) = self.policy.account_of(desk).filter(|own| own.sent.is_some()) {
            by_account.entry(&own.name).or_default();
        }
        let mut views = Vec::new();
        for (name, copies) in by_account {
            let Some(account) = self.policy.accounts.get(name) else {
                views.push(unreached(name, "-", copies.len(), "not_a_reader"));
                continue;
            };
            match &account.source {
                Source::Imap(server) => views.extend(self.on_server(account, server, &copies, sent).await),
                Source::Maildir(root) => {
                    views.push(self.in_files(&FileSource::Maildir(root.clone()), account, &copies));
                }
                Source::Directory(root) => {
                    views.push(self.in_files(&FileSource::Directory(root.clone()), account, &copies));
                }
                Source::Pipe => views.push(unreached(name, "-", copies.len(), "not_a_reader")),
            }
        }
        views
    }

    async fn on_server(
        &self,
        account: &Account,
        server: &ImapServer,
        copies: &[&ErasedCopy],
        sent: &[SentCopy],
    ) -> Vec<CopyView> {
        let away = |why| vec![unreached(&account.name, "-", copies.len(), why)];
        let Some(password) = (self.password)(server) else { return away("server_away") };
        let Ok(mut session) = Session::connect(&account.name, server, &password, &self.limits).await else {
            return away("server_away");
        };
        let mut views = Vec::new();
        let mut folders: BTreeMap<&FolderName, Vec<&ErasedCopy>> = BTreeMap::new();
        for copy in copies {
            folders.entry(&copy.origin.folder).or_default().push(copy);
        }
        for (folder, copies) in folders {
            let mut view = unreached(&account.name, folder.as_str(), 0, "");
            let taken = self.by_place(&mut session, folder, &copies, &mut view).await;
            views.push(ended(view, taken));
        }
        if let After::Move(target) = &account.after {
            let mut view = unreached(&account.name, target.as_str(), 0, "");
            let taken = self.by_octets(&mut session, target, copies, &mut view).await;
            views.push(ended(view, taken));
        }
        if let Some(folder) = account.sent.as_ref().filter(|_| !sent.is_empty()) {
            let mut view = unreached(&account.name, folder.as_str(), 0, "");
            let taken = our_own(&mut session, folder, sent, &mut view).await;
            views.push(ended(view, taken));
        }
        session.logout().await;
        views
    }

    /// Where it was fetched: UID and UIDVALIDITY are its identity.
    async fn by_place(
        &self,
        session: &mut Session,
        folder: &FolderName,
        copies: &[&ErasedCopy],
        view: &mut CopyView,
    ) -> Result<(), ImapError> {
        let validity: UidValidity = session.select(folder).await?.uidvalidity;
        let mut there: Vec<Uid> = Vec::new();
        for copy in copies {
            if copy.origin.uidvalidity != validity {
                view.unreached = Some("uidvalidity_changed");
                continue;
            }
            let uid = copy.origin.uid;
            let found = session.list_uids(uid, uid).await?;
            view.absent += usize::from(found.is_empty());
            there.extend(found);
        }
        take_away(session, &there, view).await
    }

    /// Where it was moved: found by Message-ID, proven by its octets.
    async fn by_octets(
        &self,
        session: &mut Session,
        folder: &FolderName,
        copies: &[&ErasedCopy],
        view: &mut CopyView,
    ) -> Result<(), ImapError> {
        session.select(folder).await?;
        let mut there = Vec::new();
        for copy in copies {
            let (Some(id), Some(sha256)) = (&copy.message_id, &copy.sha256) else {
                view.unreached = Some("no_message_id");
                continue;
            };
            let found = session.find(id).await?;
            let same = session.of_octets(&found, sha256, self.now).await?;
            view.absent += usize::from(same.is_empty());
            there.extend(same);
        }
        there.sort_unstable();
        there.dedup();
        take_away(session, &there, view).await
    }

    fn in_files(&self, source: &FileSource, account: &Account, copies: &[&ErasedCopy]) -> CopyView {
        let mut view = unreached(&account.name, "-", 0, "");
        view.unreached = None;
        let Ok(files) = source.everywhere(&account.after) else {
            view.unreached = Some("folder_gone");
            return view;
        };
        let mut left: Vec<[u8; 32]> = copies.iter().filter_map(|copy| copy.sha256).collect();
        let wanted = left.clone();
        for path in files {
            let Ok(mail) = source.read(&path, &self.limits) else { continue };
            let digest: [u8; 32] = Sha256::digest(&mail.bytes).into();
            if wanted.contains(&digest) {
                match std::fs::remove_file(&path) {
                    Ok(()) => {
                        view.removed += 1;
                        left.retain(|one| *one != digest);
                    }
                    Err(_) => view.unreached = Some("refused"),
                }
            }
        }
        view.absent = left.len();
        view
    }
}

/// Copies of what we sent: the id is ours, random and signed.
async fn our_own(
    session: &mut Session,
    folder: &FolderName,
    sent: &[SentCopy],
    view: &mut CopyView,
) -> Result<(), ImapError> {
    session.select(folder).await?;
    let mut there = Vec::new();
    for copy in sent {
        let found = session.find(&copy.message_id).await?;
        view.absent += usize::from(found.is_empty());
        there.extend(found);
    }
    there.sort_unstable();
    there.dedup();
    take_away(session, &there, view).await
}

async fn take_away(session: &mut Session, uids: &[Uid], view: &mut CopyView) -> Result<(), ImapError> {
    if uids.is_empty() {
        return Ok(());
    }
    if !session.expunge(uids).await? {
        view.unreached = Some("marked_only");
        return Ok(());
    }
    view.removed += uids.len();
    Ok(())
}

fn unreached(account: &AccountName, folder: &str, absent: usize, why: &'static str) -> CopyView {
    let unreached = (!why.is_empty()).then_some(why);
    CopyView { account: account.to_string(), folder: folder.to_owned(), removed: 0, absent, unreached }
}

fn ended(view: CopyView, taken: Result<(), ImapError>) -> CopyView {
    match taken {
        Ok(()) => view,
        Err(_) => CopyView { unreached: Some("refused"), ..view },
    }
}
