//! The ticket as decisions see it. States carry their data; a transition takes the time and may
//! refuse. Never reads a clock, never knows an address: people are lookup keys and numbers here.

use chrono::NaiveDate;

use super::desk::Span;
use super::ids::{
    AgentName, ArticleId, Category, DeskName, LookupKey, OrganisationName, OutboxId, ParticipantNo, TicketId,
    TicketNumber,
};
use super::message::{Instant, Language};
use super::text::RedactedText;

/// ITIL priority, the common scale of all desks.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// May wait.
    Low,
    /// Work goes on.
    Medium,
    /// An essential function is lost.
    High,
    /// Business or care stands still.
    Urgent,
}

impl Priority {
    /// Every priority, lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Urgent];
    /// The word of the common scale.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }
    /// Reads a word of the common scale.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.as_str() == text)
    }
    /// One step up; urgent stays.
    #[must_use]
    pub const fn raised(self) -> Self {
        match self {
            Self::Low => Self::Medium,
            Self::Medium => Self::High,
            Self::High | Self::Urgent => Self::Urgent,
        }
    }
}

/// Why a ticket was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// An agent closed it.
    Agent,
    /// The customer did not answer in the desk's time (L32).
    NoAnswer,
    /// It was merged into another ticket.
    Merged,
}

impl CloseReason {
    /// The word the database stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::NoAnswer => "no_answer",
            Self::Merged => "merged",
        }
    }
    /// Reads what [`CloseReason::as_str`] gave.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Agent, Self::NoAnswer, Self::Merged].into_iter().find(|r| r.as_str() == text)
    }
}

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketState {
    /// Nobody of the desk acted on it.
    New,
    /// The desk owes the next step.
    Open,
    /// The customer owes the next step.
    Pending {
        /// When the agent's answer was given.
        since: Instant,
    },
    /// An agent holds it for solved; the customer may object.
    Resolved {
        /// When.
        at: Instant,
    },
    /// Ended.
    Closed {
        /// When.
        at: Instant,
        /// Why.
        reason: CloseReason,
    },
}

/// A transition that the state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransitionError {
    /// The ticket is closed; reopen it first or write to its survivor.
    #[error("the ticket is closed")]
    Closed,
    /// The ticket was merged and cannot act any more.
    #[error("the ticket was merged into another")]
    Merged,
    /// There is nothing to reopen.
    #[error("the ticket is not resolved or closed")]
    NotEnded,
}

impl TicketState {
    /// The word the database stores and the commands print.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::Pending { .. } => "pending",
            Self::Resolved { .. } => "resolved",
            Self::Closed { .. } => "closed",
        }
    }
    /// True for resolved and closed.
    pub const fn ended(self) -> bool {
        matches!(self, Self::Resolved { .. } | Self::Closed { .. })
    }
    /// When it ended, if it did.
    pub const fn ended_at(self) -> Option<Instant> {
        match self {
            Self::Resolved { at } | Self::Closed { at, .. } => Some(at),
            _ => None,
        }
    }
    /// An agent answered the customer.
    ///
    /// # Errors
    /// [`TransitionError::Closed`] on a closed ticket.
    pub const fn answered(self, now: Instant) -> Result<Self, TransitionError> {
        match self {
            Self::Closed { reason: CloseReason::Merged, .. } => Err(TransitionError::Merged),
            Self::Closed { .. } => Err(TransitionError::Closed),
            _ => Ok(Self::Pending { since: now }),
        }
    }
    /// The customer wrote: what waits for them or ended opens again; a new ticket stays new.
    ///
    /// # Errors
    /// [`TransitionError::Merged`] on a merged ticket.
    pub const fn customer_wrote(self) -> Result<Self, TransitionError> {
        match self {
            Self::New => Ok(Self::New),
            Self::Closed { reason: CloseReason::Merged, .. } => Err(TransitionError::Merged),
            _ => Ok(Self::Open),
        }
    }
    /// An agent holds it for solved.
    ///
    /// # Errors
    /// [`TransitionError::Closed`] on a closed ticket.
    pub const fn resolve(self, now: Instant) -> Result<Self, TransitionError> {
        match self {
            Self::Closed { .. } => Err(TransitionError::Closed),
            _ => Ok(Self::Resolved { at: now }),
        }
    }
    /// Ends it.
    ///
    /// # Errors
    /// [`TransitionError::Closed`] when it is closed already.
    pub const fn close(self, now: Instant, reason: CloseReason) -> Result<Self, TransitionError> {
        match self {
            Self::Closed { .. } => Err(TransitionError::Closed),
            _ => Ok(Self::Closed { at: now, reason }),
        }
    }
    /// An agent opens it again.
    ///
    /// # Errors
    /// [`TransitionError`] when it is not ended, or was merged.
    pub const fn reopen(self) -> Result<Self, TransitionError> {
        match self {
            Self::Closed { reason: CloseReason::Merged, .. } => Err(TransitionError::Merged),
            Self::Closed { .. } | Self::Resolved { .. } => Ok(Self::Open),
            _ => Err(TransitionError::NotEnded),
        }
    }
}

/// What someone is to a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Wrote the first mail; is acknowledged.
    Requester,
    /// Stood in To or Cc of the first mail, or was added by an agent.
    Participant,
    /// Works on it; holds an agent's token.
    Agent,
}

impl Role {
    /// The word the database stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requester => "requester",
            Self::Participant => "participant",
            Self::Agent => "agent",
        }
    }
    /// Reads what [`Role::as_str`] gave.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Requester, Self::Participant, Self::Agent].into_iter().find(|r| r.as_str() == text)
    }
}

/// Someone who takes part in a ticket, known by key only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// The number within the ticket.
    pub no: ParticipantNo,
    /// Who, as a keyed HMAC of [`super::address::EmailAddress::identity`].
    pub key: LookupKey,
    /// As what.
    pub role: Role,
    /// The directory organisation, where known.
    pub organisation: Option<OrganisationName>,
}

/// Which promise a clock keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClockKind {
    /// First response.
    Response,
    /// Resolution.
    Resolution,
    /// Next update to the customer.
    Update,
}

impl ClockKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Response, Self::Resolution, Self::Update];
    /// The word the database stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Resolution => "resolution",
            Self::Update => "update",
        }
    }
    /// Reads what [`ClockKind::as_str`] gave.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == text)
    }
}

/// How a clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockState {
    /// Runs out at an instant.
    Running {
        /// The deadline.
        due: Instant,
    },
    /// Waits for the customer, with this much left (seconds of the clock's own time).
    Paused {
        /// What is left.
        left_s: i64,
    },
    /// The promise was kept.
    Met {
        /// When.
        at: Instant,
    },
    /// The deadline passed.
    Missed {
        /// The deadline that passed.
        due: Instant,
    },
}

/// One promise of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TicketClock {
    /// Which.
    pub kind: ClockKind,
    /// How it stands.
    pub state: ClockState,
    /// The highest share of the promise, in percent, at which the agents were warned; 0 for none.
    pub warned: u8,
}

impl TicketClock {
    /// A clock that nobody was warned of.
    pub const fn new(kind: ClockKind, state: ClockState) -> Self {
        Self { kind, state, warned: 0 }
    }
}

/// Do resolution and updates wait for the acknowledgment (see [`super::desk::ClockStart`])?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Acknowledgment {
    /// No: they run from the arrival, or run already.
    #[default]
    NotAwaited,
    /// SMTP accepted none yet: they stand still.
    Awaited,
    /// It was accepted, or given up, at this instant: they start at the next look.
    Settled(Instant),
}

impl Acknowledgment {
    /// True while the clocks wait.
    pub const fn holds_back(self) -> bool {
        !matches!(self, Self::NotAwaited)
    }
}

/// The last public event of a ticket: what auto-close looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastPublic {
    /// A customer's mail.
    Customer,
    /// An agent's answer, with the state of its delivery.
    Answer {
        /// The article.
        article: ArticleId,
        /// When SMTP accepted the row to the requester; `None` while it has not.
        accepted_at: Option<Instant>,
        /// True once a bounce came back for it.
        bounced: bool,
    },
}

/// A ticket as `store` read it inside the deciding transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketSnapshot {
    /// Inside.
    pub id: TicketId,
    /// Outside.
    pub number: TicketNumber,
    /// Checked by `apply`.
    pub version: i64,
    /// Its desk.
    pub desk: DeskName,
    /// Where it stands.
    pub state: TicketState,
    /// From the content and the desk's rules.
    pub priority: Priority,
    /// The desk's code.
    pub category: Option<Category>,
    /// What the customer writes in.
    pub language: Language,
    /// Of its first mail, redacted; what agents know it by.
    pub subject: RedactedText,
    /// A breach ticket: shown only to its own agents, never closed by time, never merged.
    pub restricted: bool,
    /// Came from history: no clocks, nothing sent.
    pub imported: bool,
    /// Who works on it.
    pub assignee: Option<AgentName>,
    /// The survivor, when it was merged.
    pub merged_into: Option<TicketId>,
    /// Arrival of the first mail.
    pub opened_at: Instant,
    /// Requester, others, agents.
    pub participants: Vec<Participant>,
    /// Its promises.
    pub clocks: Vec<TicketClock>,
    /// What auto-close looks at.
    pub last_public: Option<LastPublic>,
    /// When the reminder before closing was written, for the current wait.
    pub reminded_at: Option<Instant>,
    /// The one indexed instant at which the sweep looks again.
    pub due_at: Option<Instant>,
    /// Do its clocks wait for the acknowledgment?
    pub acknowledgment: Acknowledgment,
    /// The span between updates that an agent negotiated for this ticket; `None`: the desk's.
    pub cadence: Option<Span>,
    /// The estimated day of resolution that the customer was told, in the desk's zone.
    pub eta: Option<NaiveDate>,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The gateway itself.
    System,
    /// A customer's mail; the participant's number where known.
    Customer(Option<ParticipantNo>),
    /// An agent by mail or command.
    Agent(AgentName),
    /// The operator at the command line, by their system user.
    Operator(String),
}

/// What kind of message stands in a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArticleKind {
    /// May go to the customer, or came from them.
    Public,
    /// Stays inside (L24).
    Internal,
    /// Came from, or is, a robot.
    Auto,
}

impl ArticleKind {
    /// The word the database stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Auto => "auto",
        }
    }
}

/// A bounce's counterpart: the row of ours it speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentRow {
    /// The row.
    pub outbox: OutboxId,
    /// Its ticket.
    pub ticket: TicketId,
    /// True when it carried an agent's answer.
    pub answer: bool,
    /// True when it paged the on-call address.
    pub page: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merged_ticket_never_moves_again() {
        let at = Instant::UNIX_EPOCH;
        let merged = TicketState::Closed { at, reason: CloseReason::Merged };
        assert_eq!(merged.customer_wrote(), Err(TransitionError::Merged));
        assert_eq!(merged.reopen(), Err(TransitionError::Merged));
        assert_eq!(merged.answered(at), Err(TransitionError::Merged));
    }

    #[test]
    fn the_way_of_a_ticket() {
        let at = Instant::UNIX_EPOCH;
        let pending = TicketState::New.answered(at);
        assert_eq!(pending, Ok(TicketState::Pending { since: at }));
        let closed = pending.and_then(|s| s.close(at, CloseReason::NoAnswer));
        assert_eq!(closed.and_then(TicketState::customer_wrote), Ok(TicketState::Open));
        assert_eq!(TicketState::New.customer_wrote(), Ok(TicketState::New));
        assert_eq!(TicketState::Open.reopen(), Err(TransitionError::NotEnded));
    }
}
