//! What stands in sealed columns: small JSON objects under the key ring, each bound to its table and
//! row, so that a value moved to another row does not open.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::clock::Random;
use crate::domain::address::{EmailAddress, Mailbox};
use crate::domain::ids::{MessageId, ParticipantNo, TicketId};
use crate::seal::{LookupDomain, Sealer};

/// Table and row of a sealed value.
pub(super) enum Place<'a> {
    Participant(TicketId, ParticipantNo),
    Thread(TicketId),
    Article(&'a [u8; 16]),
    Outbox(&'a [u8; 16]),
    Bytes(&'a [u8; 16]),
}

impl Place<'_> {
    fn aad(&self) -> Vec<u8> {
        let (table, row, no): (&[u8], &[u8], u32) = match self {
            Self::Participant(ticket, no) => (b"participant", ticket.as_bytes(), no.get()),
            Self::Thread(ticket) => (b"thread", ticket.as_bytes(), 0),
            Self::Article(id) => (b"article", *id, 0),
            Self::Outbox(id) => (b"outbox", *id, 0),
            Self::Bytes(id) => (b"bytes", *id, 0),
        };
        [table, b"\0", row, &no.to_be_bytes()].concat()
    }
}

/// A mailbox: `participant.sealed`, and the author in `article.sealed`.
#[derive(Serialize, Deserialize)]
pub(super) struct Person {
    a: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n: Option<String>,
}

impl Person {
    pub fn of(mailbox: &Mailbox) -> Self {
        Self { a: mailbox.address.expose().into(), n: mailbox.name.clone() }
    }
    pub fn mailbox(self) -> Result<Mailbox, StoreError> {
        let address = EmailAddress::parse(&self.a);
        let address = address.map_err(|_| StoreError::defect("a sealed address is none"))?;
        Ok(Mailbox { name: self.n, address })
    }
}

/// `article.sealed`.
#[derive(Serialize, Deserialize, Default)]
pub(super) struct ArticleSecret {
    /// The author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Person>,
    /// Message-ID without brackets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// An agent's whole text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clear: Option<String>,
    /// Labelled lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<(String, String)>,
    /// Names of attachments, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// `outbox.sealed`.
#[derive(Serialize, Deserialize)]
pub(super) struct OutboxSecret {
    /// RCPT TO.
    pub to: String,
    /// MAIL FROM; absent for the null reverse-path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Message-ID without brackets.
    pub id: String,
}

/// `ticket.thread`.
#[derive(Debug, Clone, Serialize, Deserialize, Default, PartialEq, Eq)]
pub(super) struct ThreadSecret {
    /// The first mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// Later ones, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<String>,
    /// The newest public one from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound: Option<String>,
}

/// Later identifiers that are kept.
const RECENT: usize = 8;

impl ThreadSecret {
    /// Notes one more mail of the ticket.
    pub fn note(&mut self, id: &MessageId, public_inbound: bool) {
        let id = id.expose();
        if public_inbound {
            self.inbound = Some(id.into());
        }
        if self.root.is_none() {
            self.root = Some(id.into());
        } else if self.root.as_deref() != Some(id) {
            self.recent.retain(|known| known != id);
            self.recent.push(id.into());
            if self.recent.len() > RECENT {
                self.recent.remove(0);
            }
        }
    }
}

pub(super) fn seal<T: Serialize>(
    sealer: &Sealer,
    place: &Place<'_>,
    value: &T,
    random: &Random,
) -> Result<Vec<u8>, StoreError> {
    let json = serde_json::to_vec(value).map_err(|_| StoreError::defect("a value cannot be written"))?;
    let json = zeroize::Zeroizing::new(json);
    Ok(sealer.seal_field(&place.aad(), &json, random)?)
}

pub(super) fn open<T: DeserializeOwned>(
    sealer: &Sealer,
    place: &Place<'_>,
    stored: &[u8],
) -> Result<T, StoreError> {
    let json = sealer.open_field(&place.aad(), stored)?;
    serde_json::from_slice(&json).map_err(|_| StoreError::defect("a sealed value is of no known form"))
}

/// The octets of an outgoing mail.
pub(super) fn seal_bytes(
    sealer: &Sealer,
    place: &Place<'_>,
    bytes: &[u8],
    random: &Random,
) -> Result<Vec<u8>, StoreError> {
    Ok(sealer.seal_field(&place.aad(), bytes, random)?)
}

pub(super) fn open_bytes(sealer: &Sealer, place: &Place<'_>, stored: &[u8]) -> Result<Vec<u8>, StoreError> {
    Ok(sealer.open_field(&place.aad(), stored)?.to_vec())
}

/// The key by which a Message-ID is found.
pub(super) fn message_key(sealer: &Sealer, id: &MessageId) -> [u8; 16] {
    sealer.lookup(LookupDomain::MessageId, id.expose()).0
}

/// The key by which a person is found.
pub(super) fn address_key(sealer: &Sealer, address: &EmailAddress) -> [u8; 16] {
    sealer.lookup(LookupDomain::Address, &address.identity()).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_its_root_and_the_newest() {
        let mut thread = ThreadSecret::default();
        for n in 0..12 {
            thread.note(&MessageId::parse(&format!("m{n}@a.example")).unwrap(), n == 3);
        }
        thread.note(&MessageId::parse("m5@a.example").unwrap(), false);
        thread.note(&MessageId::parse("m0@a.example").unwrap(), false);
        assert_eq!(thread.root.as_deref(), Some("m0@a.example"));
        assert_eq!(thread.inbound.as_deref(), Some("m3@a.example"));
        let last: Vec<&str> = thread.recent.iter().map(|id| id.trim_end_matches("@a.example")).collect();
        assert_eq!(last, ["m4", "m6", "m7", "m8", "m9", "m10", "m11", "m5"]);
    }
}
