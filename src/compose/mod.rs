//! What a decision wants sent becomes bytes. Takes the notice, the ticket's number, a token ring,
//! an instant and randomness; gives one mail to one recipient with its Message-ID, minted once, so
//! that a retry is identical. Never reads a file, a clock or a socket, and never echoes an outsider's
//! words: no display name, no body, a subject only when a decision handed over the redacted one (L16).

mod carrier;
mod dates;
mod mime;
mod templates;
mod text;
mod words;

use chrono::{DateTime, Utc};

pub use carrier::carries;
pub use templates::{TemplateProblem, Templates};

use crate::clock::Random;
use crate::domain::account::{ReversePathPolicy, TokenCarrier};
use crate::domain::address::{EmailAddress, Mailbox};
use crate::domain::agent_mail;
use crate::domain::desk::Desk;
use crate::domain::ids::{IdError, MessageId, OutboxId, ParticipantNo, TicketNumber};
use crate::domain::outgoing::{Minted, Notice, Outgoing};
use crate::domain::token::TokenKeys;

/// Header that marks every mail of ours; intake takes it for a loop (L14).
pub const LOOP_HEADER: &str = "X-Mailward-Loop";

/// Everything one mail is made of.
#[derive(Debug, Clone, Copy)]
pub struct MintRequest<'a> {
    /// The outbox row it will be.
    pub id: OutboxId,
    /// The desk that writes.
    pub desk: &'a Desk,
    /// How the account's tokens travel (L37).
    pub carrier: TokenCarrier,
    /// The account's separator of sub-addresses.
    pub subaddress: Option<char>,
    /// MAIL FROM (L35).
    pub reverse_path: ReversePathPolicy,
    /// The ticket, outside; none for word about mail that is held.
    pub number: Option<TicketNumber>,
    /// The recipient within the ticket.
    pub participant: ParticipantNo,
    /// The recipient; only the address is used.
    pub to: &'a Mailbox,
    /// What to say.
    pub outgoing: &'a Outgoing,
    /// Message-IDs of the thread that this recipient has seen, oldest first; never those that an
    /// agent's own client made. What carries another recipient's token is left out here.
    pub references: &'a [MessageId],
    /// Sign the tokens.
    pub keys: &'a TokenKeys,
    /// The texts.
    pub templates: &'a Templates,
    /// Goes into Date.
    pub now: DateTime<Utc>,
    /// Gives Message-ID and boundary.
    pub random: &'a Random,
}

/// Why no mail could be made.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// Transient: the operating system gave no randomness.
    #[error("no randomness: {0}")]
    Random(#[from] getrandom::Error),
    /// Permanent: a template failed; `check` finds such templates.
    #[error("template {name}: {message}")]
    Template {
        /// `<lang>/<notice>.<subject|txt|html>`.
        name: String,
        /// The template engine's words; holds no text of a mail.
        message: String,
    },
    /// Permanent: the desk's domain cannot stand in a Message-ID.
    #[error("no Message-ID can be made of the desk's domain: {0}")]
    MessageId(#[from] IdError),
    /// Permanent: an agent's words still hold a piece of the notification (L24); nothing is sent.
    #[error("the agent's words hold a piece of the notification")]
    Notification,
    /// A defect of ours: the boundary is no media type parameter.
    #[error("no boundary: {0}")]
    Boundary(#[from] lettre::message::header::ContentTypeErr),
}

/// Makes the mail. A suppressed one gets its identifier, but no bytes.
pub fn mint(request: &MintRequest<'_>) -> Result<Minted, ComposeError> {
    if quotes_notification(&request.outgoing.notice) {
        return Err(ComposeError::Notification);
    }
    let entropy = request.random.bytes()?;
    let (for_id, for_boundary) = entropy.split_at(entropy.len() / 2);
    let identity = carrier::Identity::of(request, for_id)?;
    let automatic = request.outgoing.notice.automatic();
    let reverse_path = reverse_path(request, automatic);
    let bytes = match request.outgoing.suppressed {
        Some(_) => Vec::new(),
        None => mime::render(request, &identity, for_boundary)?,
    };
    Ok(Minted {
        id: request.id,
        kind: request.outgoing.notice.kind(),
        recipient: request.to.address.clone(),
        participant: request.participant,
        reverse_path,
        message_id: identity.message_id,
        bytes,
        automatic,
        suppressed: request.outgoing.suppressed,
    })
}

/// The last guard of L24: `decide` has stripped the quotation long before.
fn quotes_notification(notice: &Notice) -> bool {
    match notice {
        Notice::Answer { text, .. } | Notice::Resolved { text: Some(text), .. } => {
            agent_mail::holds_notification(text.expose())
        }
        _ => false,
    }
}

/// L35: automatic mail `<>` where the relay takes it; an agent's answer never, or no bounce is seen.
fn reverse_path(request: &MintRequest<'_>, automatic: bool) -> Option<EmailAddress> {
    match request.reverse_path {
        ReversePathPolicy::Null if automatic => None,
        ReversePathPolicy::Null | ReversePathPolicy::Desk => Some(request.desk.address.clone()),
        ReversePathPolicy::Verp => Some(carrier::bounce_address(request)),
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
