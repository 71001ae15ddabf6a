//! Taking erased mail off the server: finds copies by Message-ID, looks at their octets before anything
//! is taken away, and expunges nothing but what it was told. Used by `ticket erase` only.

use async_imap::imap_proto::{MailboxDatum, Response};
use sha2::{Digest as _, Sha256};

use super::ImapError;
use super::session::{SMALL, Session};
use super::uid_set::uid_sets;
use crate::domain::ids::{MessageId, Uid};
use crate::domain::message::Instant;

impl Session {
    /// UIDs of the open folder whose Message-ID holds these octets; none where the id cannot be quoted.
    pub async fn find(&mut self, id: &MessageId) -> Result<Vec<Uid>, ImapError> {
        let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\');
        if !id.expose().bytes().all(plain) {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        let line = format!("UID SEARCH HEADER Message-ID \"{}\"", id.expose());
        let answer = self
            .command("UID SEARCH", &line, SMALL, |response| {
                if let Response::MailboxData(MailboxDatum::Search(uids)) = response {
                    found.extend(uids.iter().filter_map(|uid| Uid::new(*uid).ok()));
                }
            })
            .await?;
        answer.ok("UID SEARCH")?;
        Ok(found)
    }

    /// Of these UIDs the ones whose octets have this digest: an id alone may be a stranger's.
    pub async fn of_octets(
        &mut self,
        uids: &[Uid],
        sha256: &[u8; 32],
        now: Instant,
    ) -> Result<Vec<Uid>, ImapError> {
        let mut same = Vec::new();
        for uid in uids {
            let survey = self.survey(&[*uid]).await;
            let mut fetched = self.fetch(survey, now).await;
            if let Some(error) = fetched.failed.take() {
                return Err(error);
            }
            let digest = |bytes: &[u8]| <[u8; 32]>::from(Sha256::digest(bytes)) == *sha256;
            if fetched.mails.iter().any(|mail| digest(&mail.bytes)) {
                same.push(*uid);
            }
        }
        Ok(same)
    }

    /// Deletes these mails; false where the server cannot expunge single mails (RFC 4315) and they are
    /// only marked.
    pub async fn expunge(&mut self, uids: &[Uid]) -> Result<bool, ImapError> {
        for (set, _) in uid_sets(uids) {
            self.remove(&set).await?;
        }
        Ok(self.can.uidplus)
    }
}
