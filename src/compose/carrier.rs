//! How a mail of ours can be recognised when it comes back: the signed token in Reply-To,
//! Message-ID, References and reverse-path (L36, L37). Never puts one recipient's token before
//! another's eyes.

use data_encoding::BASE32_NOPAD;

use super::{ComposeError, MintRequest};
use crate::domain::account::TokenCarrier;
use crate::domain::address::EmailAddress;
use crate::domain::ids::MessageId;
use crate::domain::outgoing::Notice;
use crate::domain::token::{self, Purpose, Token, TokenKeys};

/// RFC 5321 4.5.3.1.1.
const LOCAL_PART: usize = 64;
/// What of a thread is repeated: the first identifier and this many of the newest.
const NEWEST: usize = 16;
/// A longer foreign identifier would make a line that some relays refuse.
const LONGEST_ID: usize = 400;

/// The identifiers of one mail.
pub(super) struct Identity {
    /// `token.random@domain`.
    pub message_id: MessageId,
    /// Where replies go.
    pub reply_to: EmailAddress,
    /// What it answers.
    pub in_reply_to: Option<MessageId>,
    /// Oldest first; the signed thread root stands first.
    pub references: Vec<MessageId>,
}

impl Identity {
    pub(super) fn of(request: &MintRequest<'_>, entropy: &[u8]) -> Result<Self, ComposeError> {
        let notice = &request.outgoing.notice;
        let purpose = match notice {
            // Nobody acts with it: it only tells a bounce where it belongs.
            Notice::Escalation { .. }
            | Notice::Page { .. }
            | Notice::PageStorm { .. }
            | Notice::Forward { .. } => Purpose::Bounce,
            notice if notice.to_customer() => Purpose::Reply,
            _ => Purpose::Agent,
        };
        let domain = request.desk.address.domain();
        let unique = BASE32_NOPAD.encode(entropy).to_ascii_lowercase();
        let Some(ticket) = request.number else { return Self::of_none(request, &unique) };
        let own = Token { purpose, ticket, participant: request.participant };
        let token = request.keys.mint(own);
        let root = MessageId::parse(&format!("{token}.root@{domain}"))?;
        let message_id = MessageId::parse(&format!("{token}.{unique}@{domain}"))?;
        let fit = |id: &&MessageId| is_sendable(id) && !is_foreign(id, own, request.keys);
        let in_reply_to = request.outgoing.in_reply_to.as_ref().filter(fit).cloned();
        let references = references(root, request.references.iter().filter(fit), in_reply_to.as_ref());
        let reply_to = match purpose {
            Purpose::Bounce => request.desk.address.clone(),
            _ => reply_address(request, &token),
        };
        Ok(Self { message_id, reply_to, in_reply_to, references })
    }

    /// Of a mail about no ticket: there is nothing that a token could lead to.
    fn of_none(request: &MintRequest<'_>, unique: &str) -> Result<Self, ComposeError> {
        let message_id = MessageId::parse(&format!("held.{unique}@{}", request.desk.address.domain()))?;
        let ours = |id: &&MessageId| is_sendable(id) && request.keys.verify(id.left()).is_none();
        let in_reply_to = request.outgoing.in_reply_to.as_ref().filter(ours).cloned();
        let references = in_reply_to.iter().cloned().collect();
        Ok(Self { message_id, reply_to: request.desk.address.clone(), in_reply_to, references })
    }
}

/// True when a signed Reply-To of this desk fits into 64 octets before the `@`; `check` refuses a
/// desk for which it does not.
pub fn carries(desk: &EmailAddress, carrier: TokenCarrier, subaddress: Option<char>) -> bool {
    match carrier {
        TokenCarrier::ReferencesOnly | TokenCarrier::Catchall => true,
        TokenCarrier::Plus => {
            subaddress.is_some_and(|c| desk.local().len() + c.len_utf8() + token::LENGTH <= LOCAL_PART)
        }
    }
}

/// The signed reverse-path of a mail, or the desk's address where no token can travel in one.
pub(super) fn bounce_address(request: &MintRequest<'_>) -> EmailAddress {
    let Some(ticket) = request.number else { return request.desk.address.clone() };
    let bounce = Token { purpose: Purpose::Bounce, ticket, participant: request.participant };
    reply_address(request, &request.keys.mint(bounce))
}

/// The desk's address with a token in it; the plain address where the account can carry none (the
/// token then travels in Message-ID and References alone).
fn reply_address(request: &MintRequest<'_>, token: &str) -> EmailAddress {
    let desk = &request.desk.address;
    let (base, domain) = (desk.local(), desk.domain());
    let signed = match (request.carrier, request.subaddress) {
        (TokenCarrier::Plus, Some(separator)) if carries(desk, request.carrier, Some(separator)) => {
            EmailAddress::parse(&format!("{base}{separator}{token}@{domain}")).ok()
        }
        (TokenCarrier::Catchall, _) => EmailAddress::parse(&format!("{token}@{domain}")).ok(),
        _ => None,
    };
    signed.unwrap_or_else(|| desk.clone())
}

/// Visible ASCII of bearable length: anything else would need encoding, which an identifier may not
/// have (RFC 5322 3.6.4).
fn is_sendable(id: &MessageId) -> bool {
    id.expose().len() <= LONGEST_ID && id.expose().bytes().all(|b| b.is_ascii_graphic())
}

/// True for an identifier that carries another recipient's token, or an agent's to a customer: to
/// show it would be to lend it (L20).
fn is_foreign(id: &MessageId, own: Token, keys: &TokenKeys) -> bool {
    let token = id.left().split('.').next().unwrap_or_default();
    keys.verify(token).is_some_and(|token| token != own)
}

fn references<'a>(
    root: MessageId,
    thread: impl Iterator<Item = &'a MessageId>,
    last: Option<&'a MessageId>,
) -> Vec<MessageId> {
    let mut ids = vec![root];
    for id in thread.chain(last) {
        if let Some(at) = ids.iter().skip(1).position(|known| known == id) {
            ids.remove(at + 1);
        }
        if ids.first() != Some(id) {
            ids.push(id.clone());
        }
    }
    let excess = ids.len().saturating_sub(NEWEST + 2);
    ids.drain(2.min(ids.len())..2.min(ids.len()) + excess);
    ids
}
