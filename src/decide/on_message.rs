//! A message came in: what happens? Reads the facts, sorts the message by what it is, and gives the
//! decision. Never performs anything, never fails: what cannot be decided is held for a person.

use crate::domain::desk::DeskClass;
use crate::domain::effect::{Decision, Effect, LedgerState, Reason, Subject};
use crate::domain::facts::MessageFacts;
use crate::domain::ids::LedgerId;
use crate::domain::message::MessageClass;
use crate::domain::ticket::Actor;

use super::scene::{Incoming, Scene};
use super::thread::{Threading, thread};
use super::{agent_mail, bounce, join, open};

/// Decides on one message.
pub fn on_message(incoming: Incoming<'_>, facts: &MessageFacts, scene: Scene<'_>) -> Decision {
    if let Some(first) = facts.duplicate_of {
        return aside(incoming, scene, &Aside::duplicate(first));
    }
    let class = incoming.mail.class.unwrap_or(MessageClass::Human);
    let breach = scene.desk.class == DeskClass::Breach;
    if !incoming.released
        && let Some(decision) = agent_mail::decide(incoming, facts, scene)
    {
        return decision;
    }
    match class {
        MessageClass::Bounce | MessageClass::Feedback => {
            if let Some((row, ticket)) = &facts.sent_row {
                return bounce::matched(incoming, facts, (*row, ticket), scene);
            }
            if !breach {
                return aside(incoming, scene, &Aside::recorded("report_unmatched"));
            }
        }
        MessageClass::Spam if !breach && !incoming.released => {
            return aside(incoming, scene, &Aside::held("spam"));
        }
        _ => {}
    }
    match thread(incoming.mail, facts, &scene.policy.directory) {
        Threading::Joins { ticket, who, how } => {
            join::join(incoming, facts, scene, join::Way { ticket, who, how })
        }
        Threading::Opens { .. } if by_itself_only(class) && !incoming.mail.is_generated() && !breach => {
            aside(incoming, scene, &Aside::recorded(class.as_str()))
        }
        Threading::Opens { possibly_related } => {
            open::open(incoming, facts, scene, open::Why::First(possibly_related))
        }
    }
}

/// Classes that join a ticket by a valid key but never open one on a support desk.
const fn by_itself_only(class: MessageClass) -> bool {
    matches!(
        class,
        MessageClass::Autoreply
            | MessageClass::Receipt
            | MessageClass::Challenge
            | MessageClass::Calendar
            | MessageClass::Bounce
            | MessageClass::Feedback
    )
}

/// A mail that stands in no ticket.
pub struct Aside {
    state: LedgerState,
    reason: &'static str,
    action: &'static str,
    duplicate_of: Option<LedgerId>,
}

impl Aside {
    const fn duplicate(first: LedgerId) -> Self {
        Self {
            state: LedgerState::Ignored,
            reason: "duplicate",
            action: "duplicate",
            duplicate_of: Some(first),
        }
    }
    /// Kept and listed.
    pub const fn recorded(reason: &'static str) -> Self {
        Self { state: LedgerState::Recorded, reason, action: "recorded", duplicate_of: None }
    }
    /// Waits for a person.
    pub const fn held(reason: &'static str) -> Self {
        Self { state: LedgerState::Held, reason, action: "held", duplicate_of: None }
    }
}

/// Keeps a mail without a ticket.
pub fn aside(incoming: Incoming<'_>, scene: Scene<'_>, aside: &Aside) -> Decision {
    Decision {
        subject: Subject::Nothing,
        effects: vec![Effect::SetLedger {
            ledger: incoming.ledger,
            state: aside.state,
            reason: aside.reason,
            duplicate_of: aside.duplicate_of,
        }],
        reasons: vec![Reason::code(aside.reason)],
        action: aside.action,
        actor: Actor::System,
        at: scene.now,
    }
}
