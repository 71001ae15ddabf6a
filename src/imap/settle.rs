//! What happens to mails on the server once the caller has committed them (L2): MOVE, else COPY once
//! and delete our own, or flags. Never expunges what somebody else deleted.

use super::ImapError;
use super::session::{Answer, SMALL, Session, quoted_folder};
use super::uid_set::uid_sets;
use crate::domain::account::After;
use crate::domain::ids::{FolderName, Uid, UidValidity};

/// How far a mail was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// As configured; nothing is left to do.
    Done,
    /// It was copied and could not be taken out of the folder: enter that in the ledger and settle
    /// it with [`Session::remove_copied`] only. A second COPY is how mailboxes flood (L13).
    Copied,
    /// Untouched; may be tried again.
    Not,
}

/// What came of settling. Each UID given stands in it once.
#[derive(Debug, Default)]
pub struct Settlement {
    /// Each UID with how far it went.
    pub settled: Vec<(Uid, Settled)>,
    /// Why it did not go further.
    pub failed: Option<ImapError>,
}

impl Settlement {
    fn add(&mut self, uids: &[Uid], how: Settled) {
        self.settled.extend(uids.iter().map(|uid| (*uid, how)));
    }
}

impl Session {
    /// Settles committed mails of the open folder, which must still have the UIDVALIDITY under which
    /// they were fetched: else the same UIDs are other people's mails. A UID that is gone by now
    /// counts as done.
    pub async fn after_commit(
        &mut self,
        after: &After,
        uidvalidity: UidValidity,
        uids: &[Uid],
    ) -> Settlement {
        let mut outcome = Settlement::default();
        if let Err(error) = self.may_touch(after, uidvalidity) {
            outcome.failed = Some(error);
            outcome.add(uids, Settled::Not);
            return outcome;
        }
        for (set, members) in uid_sets(uids) {
            if outcome.failed.is_some() {
                outcome.add(&members, Settled::Not);
                continue;
            }
            let how = match after {
                After::None => Ok(Settled::Done),
                After::Flag => self.flag(&set).await.map(|()| Settled::Done),
                After::Move(target) => self.move_to(&set, target, &mut outcome).await,
            };
            match how {
                Ok(how) => outcome.add(&members, how),
                Err(error) => {
                    outcome.failed = Some(error);
                    outcome.add(&members, Settled::Not);
                }
            }
        }
        outcome
    }

    fn may_touch(&self, after: &After, uidvalidity: UidValidity) -> Result<(), ImapError> {
        let open = self.open.as_ref().ok_or(ImapError::Refused("no folder is open"))?;
        if open.uidvalidity != uidvalidity {
            return Err(ImapError::Refused("another UIDVALIDITY"));
        }
        if !open.writable && *after != After::None {
            return Err(ImapError::Refused("a folder that is read-only"));
        }
        Ok(())
    }

    /// Takes mails that were copied before out of the open folder, without another COPY.
    pub async fn remove_copied(&mut self, uidvalidity: UidValidity, uids: &[Uid]) -> Settlement {
        let mut outcome = Settlement::default();
        if let Err(error) = self.may_touch(&After::Flag, uidvalidity) {
            outcome.failed = Some(error);
            outcome.add(uids, Settled::Copied);
            return outcome;
        }
        for (set, members) in uid_sets(uids) {
            let how = match self.remove(&set).await {
                Ok(()) => Settled::Done,
                Err(error) => {
                    outcome.failed = outcome.failed.or(Some(error));
                    Settled::Copied
                }
            };
            outcome.add(&members, how);
        }
        outcome
    }

    async fn move_to(
        &mut self,
        set: &str,
        target: &FolderName,
        outcome: &mut Settlement,
    ) -> Result<Settled, ImapError> {
        if self.can.moves && self.bring_to("UID MOVE", set, target).await?.ok("UID MOVE").is_ok() {
            return Ok(Settled::Done);
        }
        self.bring_to("UID COPY", set, target).await?.ok("UID COPY")?;
        match self.remove(set).await {
            Ok(()) => Ok(Settled::Done),
            Err(error) => {
                outcome.failed = Some(error);
                Ok(Settled::Copied)
            }
        }
    }

    /// MOVE or COPY; a missing target is made once (RFC 3501 7.1, TRYCREATE).
    async fn bring_to(
        &mut self,
        verb: &'static str,
        set: &str,
        target: &FolderName,
    ) -> Result<Answer, ImapError> {
        let line = format!("{verb} {set} {}", quoted_folder(target));
        let answer = self.change(verb, &line).await?;
        if answer != Answer::TryCreate {
            return Ok(answer);
        }
        let create = format!("CREATE {}", quoted_folder(target));
        self.change("CREATE", &create).await?.ok("CREATE")?;
        self.change(verb, &line).await
    }

    /// `\Deleted` on our own mails, and UID EXPUNGE of just these where the server has it
    /// (RFC 4315 2.1); a plain EXPUNGE would take mails of others with them.
    pub(super) async fn remove(&mut self, set: &str) -> Result<(), ImapError> {
        let store = format!("UID STORE {set} +FLAGS.SILENT (\\Seen \\Deleted)");
        self.change("UID STORE", &store).await?.ok("UID STORE")?;
        if self.can.uidplus {
            let expunge = format!("UID EXPUNGE {set}");
            self.change("UID EXPUNGE", &expunge).await?.ok("UID EXPUNGE")?;
        }
        Ok(())
    }

    async fn flag(&mut self, set: &str) -> Result<(), ImapError> {
        let keyword = self.open.as_ref().is_some_and(|open| open.keywords);
        let flags = if keyword { "\\Seen $MailwardSeen" } else { "\\Seen" };
        let store = format!("UID STORE {set} +FLAGS.SILENT ({flags})");
        self.change("UID STORE", &store).await?.ok("UID STORE")
    }

    /// A command that changes the mailbox. A gateway that stood still in the middle of settling must
    /// not go on: another one did it meanwhile, and a second COPY would double the mail (L13).
    async fn change(&mut self, verb: &'static str, line: &str) -> Result<Answer, ImapError> {
        if !self.life.lasts() {
            return Err(ImapError::LeaseOver);
        }
        self.command(verb, line, SMALL, |_| {}).await
    }
}
