//! Mail that a decision wants sent, before it has bytes. One value is one recipient. Public text is
//! a type of its own: only it can become mail to a customer (L24).

use chrono::NaiveDate;

use super::address::{EmailAddress, Mailbox};
use super::ids::{AgentName, LedgerId, MessageId, OutboxId, ParticipantNo, TicketNumber};
use super::message::{Instant, Language};
use super::text::{RawText, RedactedText};
use super::ticket::{ClockKind, Priority, TicketState};

/// Why an automatic mail is not sent; the governor gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suppression {
    /// A sign in the mail forbids it.
    Robot(super::message::RobotSign),
    /// DMARC failed under quarantine or reject.
    DmarcFail,
    /// A cap of the governor is reached.
    Cap,
    /// The mail is history (L15).
    History,
    /// There is no address to answer to.
    NoAddress,
    /// The folder is never answered (Junk).
    Folder,
}

impl Suppression {
    /// The word `inspect` prints as `respond` and the outbox stores as its reason.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Robot(sign) => sign.as_str(),
            Self::DmarcFail => "dmarc_fail",
            Self::Cap => "cap",
            Self::History => "history",
            Self::NoAddress => "no_address",
            Self::Folder => "folder",
        }
    }
}

/// Text that an agent wrote for the customer, freed of quotes and notification.
#[derive(Debug, Clone, PartialEq)]
pub struct PublicText(RawText);

impl PublicText {
    /// Takes an agent's own words; called by `decide` and the command line only, after the quoted
    /// notification was stripped.
    pub const fn from_agent(text: RawText) -> Self {
        Self(text)
    }
    /// The text in the clear.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// An attachment that goes along to an agent.
#[derive(Debug, Clone, PartialEq)]
pub struct PassedFile {
    /// Its redacted name.
    pub name: RedactedText,
    /// Its media type.
    pub media_type: String,
    /// Its octets.
    pub octets: std::sync::Arc<Vec<u8>>,
}

/// What a mail of ours is.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// "We have your mail": number, arrival, promise, nothing of the customer's words.
    Received {
        /// When the mail arrived.
        arrived: Instant,
        /// The promise for the first response, if any.
        response_due: Option<Instant>,
        /// The redacted subject, where proven sender and desk allow it.
        subject: Option<RedactedText>,
        /// Arrived outside business hours; names the next opening.
        next_opening: Option<Instant>,
        /// The breach desk's wording, without any content.
        restricted: bool,
        /// Facts the desk asks for and the mail does not hold, by name, in the mail's language.
        asks: Vec<String>,
        /// What it counts for at this hour.
        priority: Priority,
        /// The promise for the resolution, where it runs already.
        resolution_due: Option<Instant>,
        /// Words of an emergency outside hours: the customer is told to telephone.
        emergency: bool,
        /// The name of the desk's own text for this kind of request.
        standard: Option<String>,
    },
    /// The sender may not open tickets at this desk: the mail waits for a person's review.
    Held {
        /// When the mail arrived.
        arrived: Instant,
    },
    /// The ticket was merged into another one, where everything goes on.
    Duplicate {
        /// The one that survives.
        into: TicketNumber,
    },
    /// How the work goes on; nothing of anyone's words.
    Progress {
        /// Where it stands.
        state: TicketState,
        /// Its priority.
        priority: Priority,
        /// The nearest promise that runs.
        due: Option<Instant>,
        /// The estimated day of resolution.
        eta: Option<NaiveDate>,
    },
    /// A person works on the ticket now.
    Assigned {
        /// Shown to the customer.
        agent_name: String,
    },
    /// The customer's mail opened the ticket again.
    Reopened,
    /// The customer asked how the ticket stands (`#status`); nothing of its content.
    Status {
        /// Where it stands.
        state: TicketState,
        /// Its priority.
        priority: Priority,
        /// The nearest promise that runs.
        due: Option<Instant>,
    },
    /// An agent's answer.
    Answer {
        /// Their words.
        text: PublicText,
        /// Shown as sender.
        agent_name: String,
        /// The estimated day of resolution.
        eta: Option<NaiveDate>,
    },
    /// The ticket is held for solved.
    Resolved {
        /// The agent's words, where they wrote some.
        text: Option<PublicText>,
        /// Shown as sender.
        agent_name: String,
    },
    /// The ticket closes soon without an answer.
    Reminder {
        /// When it would close.
        closes_at: Instant,
    },
    /// The ticket was closed.
    Closed {
        /// Until when a reply reopens it.
        reopen_until: Instant,
        /// True when silence closed it.
        no_answer: bool,
    },
    /// To an agent: a new ticket or message, redacted.
    AgentNotification {
        /// Whose.
        agent: AgentName,
        /// What happened, as a code: `new`, `reply`, `reopened`, `bounced`, `follow_up`,
        /// `new_sender`, `missed`, `progress`, `assigned`.
        event: &'static str,
        /// Redacted text.
        text: RedactedText,
        /// Redacted subject.
        subject: RedactedText,
        /// Priority and due instant to show.
        priority: Priority,
        /// Nearest due instant.
        due: Option<Instant>,
        /// Why the priority is what it is, in words.
        reasons: Vec<String>,
        /// Attachments, as "redacted name - type, size: label".
        attachments: Vec<String>,
        /// Those that go along, as the desk's rule allows.
        files: Vec<PassedFile>,
    },
    /// To a contact of the desk's escalation: a target was missed. No content, no token that acts.
    Escalation {
        /// The desk's word for the level that is reached.
        level: String,
        /// The ticket's priority.
        priority: Priority,
        /// The promises that were missed.
        missed: Vec<ClockKind>,
        /// Arrival of the first mail.
        opened_at: Instant,
    },
    /// To the on-call address: words of an emergency outside business hours. No content.
    Page {
        /// The priority.
        priority: Priority,
        /// False: nobody vouches for the sender.
        proven: bool,
        /// Arrival of the mail.
        arrived: Instant,
        /// By the second channel, because the first one failed.
        second: bool,
    },
    /// To the on-call address: more emergencies within the hour than are paged one by one.
    PageStorm {
        /// Pages within the last hour.
        pages: u32,
    },
    /// To an agent: a mail of someone who may not open tickets waits for review.
    Review {
        /// Whose.
        agent: AgentName,
        /// By which the commands name it.
        ledger: LedgerId,
        /// Redacted subject.
        subject: RedactedText,
        /// Redacted text.
        text: RedactedText,
        /// How far the sender is proven, as a word.
        grade: &'static str,
    },
    /// To a supplier of the directory: a request that is theirs, redacted.
    Forward {
        /// Redacted subject.
        subject: RedactedText,
        /// Redacted text.
        text: RedactedText,
        /// Arrival of the mail.
        arrived: Instant,
    },
    /// To an agent: a command of theirs could not be carried out.
    AgentRefusal {
        /// Whose.
        agent: AgentName,
        /// What stood in the way, in words.
        why: String,
    },
}

impl Notice {
    /// The code the outbox stores, and the name of the template.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Received { .. } => "received",
            Self::Assigned { .. } => "assigned",
            Self::Reopened => "reopened",
            Self::Status { .. } => "status",
            Self::Escalation { .. } => "escalation",
            Self::Answer { .. } => "answer",
            Self::Resolved { .. } => "resolved",
            Self::Reminder { .. } => "reminder",
            Self::Closed { .. } => "closed",
            Self::AgentNotification { .. } => "notification",
            Self::AgentRefusal { .. } => "refusal",
            Self::Held { .. } => "held",
            Self::Duplicate { .. } => "duplicate",
            Self::Progress { .. } => "progress",
            Self::Page { second: false, .. } => "page",
            Self::Page { second: true, .. } => "page_second",
            Self::PageStorm { .. } => "page_storm",
            Self::Review { .. } => "review",
            Self::Forward { .. } => "forward",
        }
    }
    /// True for everything that no agent wrote: RFC 3834 headers, null reverse-path, governor.
    pub const fn automatic(&self) -> bool {
        !matches!(self, Self::Answer { .. } | Self::Resolved { text: Some(_), .. })
    }
    /// True for mail to customers.
    pub fn to_customer(&self) -> bool {
        !INTERNAL.contains(&self.kind())
    }
}

/// Kinds of mail that go to nobody who waits for an answer: agents, contacts, the on-call address,
/// suppliers. The governor neither counts nor stops them (L17).
pub const INTERNAL: [&str; 8] =
    ["notification", "refusal", "escalation", "page", "page_second", "page_storm", "review", "forward"];

/// Whom a mail goes to. An address is known from the mail in hand or the directory; otherwise the
/// participant's sealed address is opened when the bytes are made.
#[derive(Debug, Clone, PartialEq)]
pub enum Recipient {
    /// A participant of the ticket in hand; for a new ticket the requester is number 1.
    Participant(ParticipantNo),
    /// An agent from the directory; becomes a participant of the ticket.
    Agent(AgentName, EmailAddress),
    /// A contact of the desk's escalation, who is no agent: told, but never acting.
    Contact(EmailAddress),
    /// The author of a mail that stands in no ticket.
    Sender(Box<Mailbox>),
}

/// One mail to one recipient that a decision wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// What it says.
    pub notice: Notice,
    /// To whom.
    pub to: Recipient,
    /// In which language.
    pub language: Language,
    /// The message it answers, for In-Reply-To and References.
    pub in_reply_to: Option<MessageId>,
    /// `Some`: the row is written as suppressed, with this reason, and never sent.
    pub suppressed: Option<Suppression>,
}

/// A mail as the outbox keeps it: bytes and identifier minted once, so that a retry is identical.
#[derive(Clone)]
pub struct Minted {
    /// The row.
    pub id: OutboxId,
    /// Which notice.
    pub kind: &'static str,
    /// To whom (RCPT TO).
    pub recipient: EmailAddress,
    /// The participant it is for.
    pub participant: ParticipantNo,
    /// MAIL FROM; `None` is the null reverse-path.
    pub reverse_path: Option<EmailAddress>,
    /// Our Message-ID.
    pub message_id: MessageId,
    /// The whole mail, CRLF. Empty for a suppressed row.
    pub bytes: Vec<u8>,
    /// Automatic, or an agent's answer (which goes first).
    pub automatic: bool,
    /// Why it is not sent.
    pub suppressed: Option<Suppression>,
}

impl std::fmt::Debug for Minted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<minted {}, {} bytes>", self.kind, self.bytes.len())
    }
}
