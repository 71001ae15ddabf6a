//! Which ticket a message joins: the table of L19, candidate by candidate in the decided order.
//! A candidate that fails does not end the search; the first one that joins wins.

use crate::domain::directory::Directory;
use crate::domain::facts::{Candidate, Hint, MessageFacts};
use crate::domain::ids::{ParticipantNo, TicketId};
use crate::domain::message::{Grade, InboundMessage};
use crate::domain::ticket::{Role, TicketSnapshot};
use crate::domain::token::Purpose;

/// How a message joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As {
    /// As this participant.
    Participant(ParticipantNo),
    /// As someone of a participant's organisation: shown as a new sender, gets no history.
    NewSender,
}

/// What came of the search.
#[derive(Debug, Clone, PartialEq)]
pub enum Threading<'a> {
    /// Joins this ticket.
    Joins {
        /// The ticket.
        ticket: &'a TicketSnapshot,
        /// In which part.
        who: As,
        /// By which key, as a reason code.
        how: &'static str,
    },
    /// Joins none; these were named by it and may be related.
    Opens {
        /// Shown to agents only.
        possibly_related: Vec<TicketId>,
    },
}

/// Applies the table to every candidate.
pub fn thread<'a>(mail: &InboundMessage, facts: &'a MessageFacts, directory: &Directory) -> Threading<'a> {
    for candidate in &facts.candidates {
        if let Some(who) = joins(mail, facts, candidate, directory) {
            return Threading::Joins { ticket: &candidate.ticket, who, how: reason(candidate.hint) };
        }
    }
    let mut possibly_related: Vec<TicketId> = Vec::new();
    for candidate in &facts.candidates {
        if !possibly_related.contains(&candidate.ticket.id) {
            possibly_related.push(candidate.ticket.id);
        }
    }
    Threading::Opens { possibly_related }
}

fn joins(
    mail: &InboundMessage,
    facts: &MessageFacts,
    candidate: &Candidate,
    directory: &Directory,
) -> Option<As> {
    if mail.authentication.grade == Grade::Fail {
        return None;
    }
    if let Hint::Token(token) = candidate.hint
        && token.purpose != Purpose::Reply
    {
        return None;
    }
    if candidate.ticket.merged_into.is_some() {
        return None;
    }
    let sender = facts.sender?;
    let customers = candidate.ticket.participants.iter().filter(|p| p.role != Role::Agent);
    if let Some(participant) = customers.clone().find(|p| p.key == sender) {
        return Some(As::Participant(participant.no));
    }
    if !matches!(candidate.hint, Hint::Token(_)) || mail.authentication.grade != Grade::Pass {
        return None;
    }
    let organisation = mail.from.as_ref().and_then(|from| directory.organisation(&from.address))?;
    customers.into_iter().any(|p| p.organisation.as_ref() == Some(&organisation)).then_some(As::NewSender)
}

const fn reason(hint: Hint) -> &'static str {
    match hint {
        Hint::Token(_) => "threaded_by_token",
        Hint::InReplyTo => "threaded_by_in_reply_to",
        Hint::References => "threaded_by_references",
        Hint::Tag => "threaded_by_tag",
    }
}
