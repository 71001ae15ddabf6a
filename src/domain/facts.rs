//! What `store` read for a decision, inside the deciding transaction. Facts only; the decision
//! weighs them.

use super::ids::{AgentName, LedgerId, LookupKey, TicketId, TicketNumber};
use super::message::Instant;
use super::text::RedactedText;
use super::ticket::{SentRow, TicketSnapshot};
use super::token::Token;

/// By which key a ticket was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// A verified token.
    Token(Token),
    /// In-Reply-To names a message of the ticket.
    InReplyTo,
    /// References names a message of the ticket.
    References,
    /// `[#n]` in the subject.
    Tag,
}

/// A ticket that the message may belong to.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// How it was found.
    pub hint: Hint,
    /// The ticket.
    pub ticket: TicketSnapshot,
}

/// How often automatic mail went out, counted on the decision's `now`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GovernorCounts {
    /// To this address in the last hour.
    pub address_hour: u32,
    /// To this address in the last day.
    pub address_day: u32,
    /// From this desk in the last hour.
    pub mailbox_hour: u32,
}

/// Pages of the desk, counted on the decision's `now`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pages {
    /// Tickets that were paged within the last hour.
    pub hour: u32,
    /// A page about a storm went out within the last hour.
    pub storm: bool,
    /// Candidates that were paged at any time.
    pub tickets: Vec<TicketId>,
}

/// A ticket of the sender's organisation that was opened lately and is not ended.
#[derive(Debug, Clone, PartialEq)]
pub struct RecentTicket {
    /// Which.
    pub ticket: TicketRef,
    /// The module its first mail names, as it was written.
    pub module: Option<String>,
    /// Redacted subject.
    pub subject: RedactedText,
    /// Redacted text of its first mail.
    pub text: RedactedText,
}

/// What is known about an incoming message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MessageFacts {
    /// Tickets of the receiving desk, in the decided order of hints; a ticket may occur twice.
    pub candidates: Vec<Candidate>,
    /// The sender's key; `None` without a From address.
    pub sender: Option<LookupKey>,
    /// The mail of this account that has the same content key.
    pub duplicate_of: Option<LedgerId>,
    /// Tickets of other accounts that hold the same content (L11).
    pub copies: Vec<TicketId>,
    /// One of them is restricted: a breach desk has this mail.
    pub breach_copy: bool,
    /// True when another mail of this account had the same Message-ID.
    pub message_id_seen: bool,
    /// The row of ours that a bounce speaks of, found by signed Message-ID or reverse-path.
    pub sent_row: Option<(SentRow, TicketSnapshot)>,
    /// The newest message of the requester, where an agent's token found a ticket.
    pub last_inbound: Option<super::ids::MessageId>,
    /// Why that ticket's acknowledgment was suppressed, where it was: `Suppression::as_str`.
    pub never_notify: Option<String>,
    /// For the governor.
    pub counts: GovernorCounts,
    /// True when the mail was there before the folder was first seen (L15).
    pub history: bool,
    /// False when it lay in a folder that is never answered.
    pub folder_responds: bool,
    /// Only the head of an oversize mail is known.
    pub oversize: bool,
    /// For the on-call address; read for desks that have one.
    pub pages: Pages,
    /// What the same organisation reported lately; read for desks that compare.
    pub recent: Vec<RecentTicket>,
    /// The other ticket of an agent's `#merge`.
    pub other: Option<TicketSnapshot>,
}

/// What is known when a ticket is due.
#[derive(Debug, Clone, PartialEq)]
pub struct TickFacts {
    /// The ticket.
    pub ticket: TicketSnapshot,
    /// A mail of one of its participants waits in queue, gap or quarantine.
    pub mail_waits: bool,
    /// A mail that nobody can attribute waits since this instant; blocks for 24 hours at most.
    pub unattributed_since: Option<Instant>,
    /// Every folder of the desk was completely polled after this instant; `None` where one never was.
    pub polled_until: Option<Instant>,
    /// An answer or notice of the ticket is not yet accepted by SMTP.
    pub unsent: bool,
    /// Why the ticket's acknowledgment was suppressed, where it was: `Suppression::as_str`.
    pub never_notify: Option<String>,
    /// For the governor: notices to the requester.
    pub counts: GovernorCounts,
    /// A page about it failed, and none went by the second channel.
    pub page_failed: bool,
    /// The sender of its first mail is proven.
    pub proven: bool,
}

/// What is known when someone wants an original opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningFacts {
    /// The ticket's desk.
    pub desk: super::ids::DeskName,
    /// A breach ticket.
    pub restricted: bool,
    /// It holds a copy of a mail that also went to a breach desk (L11).
    pub breach_copy: bool,
    /// The customer's consent lasts until.
    pub consent_until: Option<Instant>,
    /// Nothing is left to open.
    pub erased: bool,
    /// This person's last reason holds until.
    pub open_until: Option<Instant>,
}

/// What is known when someone commands.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandFacts {
    /// The ticket.
    pub ticket: TicketSnapshot,
    /// The agent that acts, when one does.
    pub agent: Option<AgentName>,
    /// The other ticket of a merge.
    pub other: Option<TicketSnapshot>,
    /// The newest message of the requester, for In-Reply-To.
    pub last_inbound: Option<super::ids::MessageId>,
    /// Why the ticket's acknowledgment was suppressed, where it was: `Suppression::as_str`.
    pub never_notify: Option<String>,
    /// For the governor.
    pub counts: GovernorCounts,
}

/// How a ticket is named outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TicketRef {
    /// Inside.
    pub id: TicketId,
    /// Outside.
    pub number: TicketNumber,
}
