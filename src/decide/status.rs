//! A customer asks how the ticket stands: `#status` as subject or first line. Takes the mail, gives
//! the answer: number, state, priority, next promise, nothing of what anyone wrote.

use crate::domain::desk::CustomerNotice;
use crate::domain::effect::Effect;
use crate::domain::facts::MessageFacts;
use crate::domain::ids::ParticipantNo;
use crate::domain::message::{InboundMessage, MessageClass};
use crate::domain::outgoing::{Notice, Outgoing, Recipient};
use crate::domain::ticket::{Priority, TicketClock, TicketSnapshot, TicketState};

use super::clocks;
use super::respond;
use super::scene::{Incoming, Scene};

/// The word that asks.
const WORD: &str = "#status";

/// What a mail asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Nothing of that kind.
    No,
    /// How the ticket stands, and it says more besides.
    AndMore,
    /// How the ticket stands, and nothing else: no word to the agents, no answer to theirs.
    Only,
}

/// Reads a mail, where the desk answers such questions at all.
pub fn asked(mail: &InboundMessage, scene: Scene<'_>) -> Asked {
    let human = mail.class.unwrap_or(MessageClass::Human) == MessageClass::Human;
    if !human || !scene.desk.tells(CustomerNotice::Status) {
        return Asked::No;
    }
    let text = mail.visible.expose().trim_start();
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let by_text = is_word(first);
    let by_subject = is_word(without_prefixes(mail.subject.expose()));
    let more = if by_text { rest } else { text };
    match (by_text || by_subject, more.trim().is_empty() && mail.attachments.is_empty()) {
        (false, _) => Asked::No,
        (true, false) => Asked::AndMore,
        (true, true) => Asked::Only,
    }
}

fn is_word(text: &str) -> bool {
    text.trim().trim_end_matches(['.', '?', '!']).eq_ignore_ascii_case(WORD)
}

/// The subject without "Re:" in our languages and tags such as `[#7]`.
fn without_prefixes(subject: &str) -> &str {
    let mut rest = subject.trim();
    loop {
        let reply = rest.split_once(':').filter(|(head, _)| {
            ["re", "rv", "res", "r", "fw", "fwd"]
                .iter()
                .any(|prefix| head.trim().eq_ignore_ascii_case(prefix))
        });
        let tag = rest.strip_prefix("[#").and_then(|tagged| tagged.split_once(']'));
        match reply.or(tag) {
            Some((_, below)) => rest = below.trim(),
            None => break,
        }
    }
    let tagged = rest.strip_suffix(']').and_then(|head| head.rsplit_once("[#"));
    tagged.map_or(rest, |(head, _)| head.trim())
}

/// A ticket as the customer may know it.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// Its state after the mail.
    pub state: TicketState,
    /// Its priority.
    pub priority: Priority,
    /// Its clocks after the mail.
    pub clocks: &'a [TicketClock],
}

/// The answer to the participant who asked; none about a restricted ticket or one from history.
pub fn answer(
    incoming: Incoming<'_>,
    facts: &MessageFacts,
    scene: Scene<'_>,
    (ticket, to): (&TicketSnapshot, ParticipantNo),
    standing: Standing<'_>,
) -> Option<Effect> {
    let notice = Notice::Status {
        state: standing.state,
        priority: standing.priority,
        due: clocks::next_due(standing.clocks),
    };
    word(incoming, facts, scene, (ticket, to), notice)
}

/// A notice that answers a customer's mail to a ticket, through the governor.
pub fn word(
    incoming: Incoming<'_>,
    facts: &MessageFacts,
    scene: Scene<'_>,
    (ticket, to): (&TicketSnapshot, ParticipantNo),
    notice: Notice,
) -> Option<Effect> {
    if ticket.restricted || ticket.imported {
        return None;
    }
    Some(Effect::Enqueue(Box::new(Outgoing {
        notice,
        to: Recipient::Participant(to),
        language: scene.desk.language(Some(ticket.language)),
        in_reply_to: incoming.mail.message_id.clone(),
        suppressed: respond::to_mail(incoming, facts, scene).err(),
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_read_without_replies_and_tags() {
        let yes =
            ["#status", " #Status? ", "Re: #status", "RES: [#7] #status", "#STATUS [#7]", "[#7] rv: #status"];
        let no = ["status", "#status of my printer", "Printer: #status", "#statuses", "", "Re:"];
        for (subjects, want) in [(&yes[..], true), (&no[..], false)] {
            for subject in subjects {
                assert_eq!(is_word(without_prefixes(subject)), want, "{subject}");
            }
        }
    }
}
