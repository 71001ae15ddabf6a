//! What a person may tell a ticket to do, by mail or at the command line.

use chrono::NaiveDate;

use super::desk::Span;
use super::ids::{AgentName, DeskName};
use super::outgoing::PublicText;
use super::text::RedactedText;
use super::ticket::Priority;

/// An agent's act.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Answers the customer; with `resolve` the ticket is held for solved by the same mail.
    Reply {
        /// What the customer reads.
        text: PublicText,
        /// The same words redacted, for the clear column.
        redacted: RedactedText,
        /// Also resolves.
        resolve: bool,
    },
    /// A note that stays inside.
    Note {
        /// The words, redacted for the clear column.
        redacted: RedactedText,
        /// The words in the clear, sealed.
        text: super::text::RawText,
    },
    /// Holds the ticket for solved, without words.
    Resolve,
    /// Gives it to an agent, or to nobody.
    Assign(Option<AgentName>),
    /// Sets the priority.
    Priority(Priority),
    /// Sets the span between updates to the customer, or gives it back to the desk's.
    Cadence(Option<Span>),
    /// Notes the estimated day of resolution; the next answer tells it.
    Eta(NaiveDate),
    /// Ends it.
    Close,
    /// Opens it again.
    Reopen,
    /// Gives its messages to another ticket (the other one of the facts).
    Merge {
        /// Also across organisations.
        force: bool,
    },
    /// Takes that back.
    Unmerge,
    /// Moves it to another desk.
    Move(DeskName),
}

/// Why a command is refused, in the words of the one who must act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The state does not allow it.
    #[error("{0}; reopen it first, or write to the ticket that took its place")]
    State(#[from] super::ticket::TransitionError),
    /// Breach tickets do not do this.
    #[error("a breach ticket is never {0}; ask the breach desk's lead")]
    Restricted(&'static str),
    /// There is nothing to send.
    #[error("the answer is empty; write above the marker line")]
    Empty,
    /// The answer still holds text of the internal notification (L24).
    #[error("the answer still holds text of the notification; delete the quoted part and send again")]
    Leak,
    /// The first answer to such a request tells when it will be done.
    #[error(
        "the first answer to a request of this kind owes an estimate: begin with a line `#eta YYYY-MM-DD`"
    )]
    Estimate,
    /// Two customers would read each other's answers.
    #[error(
        "the tickets are of different customers; an answer would go to both (`ticket merge --force` does it)"
    )]
    OtherCustomer,
    /// The ticket has nobody to answer.
    #[error("the ticket has no requester with an address")]
    NoRequester,
    /// The agent may not see the other desk.
    #[error("{0}")]
    NotAllowed(&'static str),
    /// The merge makes no sense.
    #[error("a ticket cannot be merged into itself or into a ticket that is merged or restricted")]
    Merge,
}
