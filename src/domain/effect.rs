//! What a decision wants done. `store::apply` carries the effects out in one transaction; nothing
//! else changes a ticket. An effect holds facts, never a handle.

use chrono::NaiveDate;

use super::address::Mailbox;
use super::desk::Span;
use super::ids::{AgentName, Category, DeskName, LedgerId, MessageId, OrganisationName, OutboxId, TicketId};
use super::message::{Attachment, Grade, Instant, Language, MessageClass};
use super::outgoing::Outgoing;
use super::text::{RawText, RedactedText};
use super::ticket::{Actor, ArticleKind, Priority, Role, TicketClock, TicketState};

/// The ticket that the effects speak of.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// None: the mail is recorded, held or ignored.
    Nothing,
    /// None: this desk holds the mail for review, and word of it goes out.
    Held(DeskName),
    /// A ticket to open; its number is taken inside the transaction.
    New(Box<NewTicket>),
    /// An existing ticket at the version that was read.
    Existing(TicketId, i64),
}

/// A ticket to open.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTicket {
    /// Its desk.
    pub desk: DeskName,
    /// Its first state.
    pub state: TicketState,
    /// From the content.
    pub priority: Priority,
    /// The desk's code.
    pub category: Option<Category>,
    /// What the customer writes in.
    pub language: Language,
    /// Redacted.
    pub subject: RedactedText,
    /// A breach ticket.
    pub restricted: bool,
    /// From history.
    pub imported: bool,
    /// The directory organisation.
    pub organisation: Option<OrganisationName>,
    /// Arrival of the mail.
    pub opened_at: Instant,
    /// A ticket that ended long ago and is written to again.
    pub follow_up_of: Option<TicketId>,
    /// Tickets it may belong to, and why; shown to agents only.
    pub possibly_related: Vec<Related>,
    /// The one indexed instant at which the sweep looks.
    pub due_at: Option<Instant>,
    /// Resolution and updates wait for the acknowledgment.
    pub needs_acknowledgment: bool,
}

/// Another ticket, and why this one may belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The other one.
    pub ticket: TicketId,
    /// A code: `named` (by a key that may not join), `copy` (the same mail elsewhere), `similar` with
    /// the likeness in percent.
    pub reason: Reason,
}

impl Related {
    /// For a bare code.
    pub const fn new(ticket: TicketId, code: &'static str) -> Self {
        Self { ticket, reason: Reason::code(code) }
    }
}

/// Someone to add to the ticket; adding the same key twice changes nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct NewParticipant {
    /// Address and name; both are sealed.
    pub mailbox: Mailbox,
    /// As what.
    pub role: Role,
    /// The directory organisation.
    pub organisation: Option<OrganisationName>,
    /// The agent, for an agent.
    pub agent: Option<AgentName>,
}

/// A message to add to the ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct NewArticle {
    /// From outside, or ours.
    pub inbound: bool,
    /// Public, internal or automatic.
    pub kind: ArticleKind,
    /// The mail's class, for mail from outside.
    pub class: Option<MessageClass>,
    /// The author as they wrote themselves; sealed.
    pub from: Option<Mailbox>,
    /// Message-ID; sealed, looked up by key.
    pub message_id: Option<MessageId>,
    /// Arrival or writing.
    pub at: Instant,
    /// How far the sender is proven.
    pub grade: Grade,
    /// Visible text, redacted; stored in the clear.
    pub text: RedactedText,
    /// Quotes and signature, redacted.
    pub elided: RedactedText,
    /// Sanitised and redacted HTML, where there was some.
    pub html: Option<RedactedText>,
    /// The full text of an agent's answer, sealed; `None` for mail from outside (its original is).
    pub clear: Option<RawText>,
    /// Attachments; names are sealed, types and sizes are clear.
    pub attachments: Vec<Attachment>,
    /// Labelled lines, sealed.
    pub fields: Vec<(String, RawText)>,
    /// Flags for agents: `new_sender`, `repeated_message_id`, `dmarc_fail`, `outside_answer`.
    pub flags: Vec<&'static str>,
    /// The mail in the ledger, for mail from outside.
    pub ledger: Option<LedgerId>,
}

/// How the ledger row ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LedgerState {
    /// Durable, not yet decided.
    Stored,
    /// Stands in a ticket.
    Committed,
    /// Kept and listed, in no ticket.
    Recorded,
    /// A duplicate; kept, in no ticket.
    Ignored,
    /// Waits for a person.
    Held,
    /// Could not be understood; waits for a person.
    Quarantined,
    /// Too large; its head made the ticket.
    Oversize,
    /// The server did not give it.
    Unfetchable,
    /// Erased on request; only keyed hashes remain.
    Erased,
}

impl LedgerState {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Stored,
        Self::Committed,
        Self::Recorded,
        Self::Ignored,
        Self::Held,
        Self::Quarantined,
        Self::Oversize,
        Self::Unfetchable,
        Self::Erased,
    ];
    /// The word the database stores and the commands print.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Committed => "committed",
            Self::Recorded => "recorded",
            Self::Ignored => "ignored",
            Self::Held => "held",
            Self::Quarantined => "quarantined",
            Self::Oversize => "oversize",
            Self::Unfetchable => "unfetchable",
            Self::Erased => "erased",
        }
    }
    /// Reads what [`LedgerState::as_str`] gave.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Adds someone.
    AddParticipant(NewParticipant),
    /// Adds a message.
    AddArticle(Box<NewArticle>),
    /// Moves the ticket.
    SetState(TicketState),
    /// Changes the priority.
    SetPriority(Priority),
    /// Changes the category.
    SetCategory(Category),
    /// Changes the assignee.
    Assign(Option<AgentName>),
    /// Replaces the clocks.
    SetClocks(Vec<TicketClock>),
    /// Sets the instant at which the sweep looks again.
    SetDue(Option<Instant>),
    /// Notes that the reminder before closing was written.
    SetReminded(Option<Instant>),
    /// The clocks that waited for the acknowledgment run now.
    StartClocks,
    /// Sets the span between updates for this ticket; `None` gives it back to the desk's.
    SetCadence(Option<Span>),
    /// Notes the estimated day of resolution.
    SetEta(NaiveDate),
    /// Moves the ticket to another desk.
    MoveTo(DeskName),
    /// Notes that this ticket was merged into another, whose messages it gives up.
    MergeInto(TicketId),
    /// A breach desk has this mail: its copies in these tickets show nothing from now on (L11).
    Withhold {
        /// Tickets of other desks.
        copies: Vec<TicketId>,
        /// What stands in place of their words.
        text: RedactedText,
    },
    /// Another ticket that waited for its customer owes the next step now.
    Wake(TicketId),
    /// Takes a merge back: its own messages and people leave the survivor.
    Unmerge(TicketId),
    /// Shows another ticket as possibly related.
    Relate(Related),
    /// One mail to one recipient.
    Enqueue(Box<Outgoing>),
    /// Marks what a bounce speaks of.
    MarkBounced {
        /// The row.
        outbox: OutboxId,
        /// A lasting failure.
        permanent: bool,
        /// Enhanced status, as digits and dots.
        status: Option<String>,
    },
    /// Ends the ledger row.
    SetLedger {
        /// The mail.
        ledger: LedgerId,
        /// How it ends.
        state: LedgerState,
        /// Why, as a code.
        reason: &'static str,
        /// The mail it repeats.
        duplicate_of: Option<LedgerId>,
    },
}

/// Why something was decided: a code and the rule's own words, never customer text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Stable code, for example `threaded_by_token`.
    pub code: &'static str,
    /// A rule id or a figure, where one says more.
    pub detail: Option<String>,
}

impl Reason {
    /// A bare code.
    pub const fn code(code: &'static str) -> Self {
        Self { code, detail: None }
    }
    /// The reason as an agent reads it: the code, and what it was about.
    pub fn words(&self) -> String {
        self.detail.as_ref().map_or_else(|| self.code.to_owned(), |detail| format!("{}: {detail}", self.code))
    }
    /// A code with a rule id or figure.
    pub fn with(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: Some(detail.into()) }
    }
}

/// What was decided, by whom, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The ticket it is about.
    pub subject: Subject,
    /// What to do, in this order.
    pub effects: Vec<Effect>,
    /// Why; goes to the audit trail.
    pub reasons: Vec<Reason>,
    /// In one word: new, joined, reopened, `follow_up`, recorded, held, duplicate, answered, closed...
    pub action: &'static str,
    /// Who.
    pub actor: Actor,
    /// When.
    pub at: Instant,
}
