//! A bounce or feedback report about a mail of ours: mark the row, show it in the ticket, tell the
//! agents when it was their answer. Never opens a ticket, never causes a mail to a customer.

use crate::domain::effect::{Decision, Effect, Reason, Subject};
use crate::domain::facts::MessageFacts;
use crate::domain::message::MessageClass;
use crate::domain::ticket::{Actor, CloseReason, SentRow, TicketSnapshot, TicketState};

use super::clocks::{self, promise};
use super::notify::{self, News};
use super::open;
use super::scene::{Incoming, Scene};
use super::shown::Shown;
use super::warn;

/// The report speaks of this row.
pub fn matched(
    incoming: Incoming<'_>,
    facts: &MessageFacts,
    (row, ticket): (SentRow, &TicketSnapshot),
    scene: Scene<'_>,
) -> Decision {
    let report = incoming.mail.bounce.as_ref();
    let failed = incoming.mail.class == Some(MessageClass::Bounce);
    let permanent = failed && report.is_none_or(|r| r.permanent != Some(false));
    let mut effects = vec![Effect::AddArticle(Box::new(open::article(incoming, facts, scene)))];
    if failed {
        effects.push(Effect::MarkBounced {
            outbox: row.outbox,
            permanent,
            status: report.and_then(|r| r.recipients.iter().find_map(|f| f.status.clone())),
        });
    }
    if permanent && row.page {
        // The sweep takes the second channel at once.
        effects.push(Effect::SetDue(Some(scene.now)));
    }
    if permanent && row.answer && !facts.history {
        effects.extend(unread(incoming, ticket, scene));
    }
    let reason = if failed { "bounce_matched" } else { "feedback_matched" };
    effects.push(Effect::SetLedger {
        ledger: incoming.ledger,
        state: Incoming::in_ticket(facts.oversize),
        reason,
        duplicate_of: None,
    });
    Decision {
        subject: Subject::Existing(ticket.id, ticket.version),
        effects,
        reasons: vec![Reason::code(reason)],
        action: "joined",
        actor: Actor::System,
        at: scene.now,
    }
}

/// The customer never read the answer: where the ticket waited for them, or silence closed it, the
/// desk owes the next step again.
fn unread(incoming: Incoming<'_>, ticket: &TicketSnapshot, scene: Scene<'_>) -> Vec<Effect> {
    let promise = promise(ticket, scene.desk);
    let mut effects = Vec::new();
    let mut clocks = ticket.clocks.clone();
    let waited = match ticket.state {
        TicketState::Pending { .. } => {
            clocks = clocks::resumed(&ticket.clocks, promise, incoming.arrived);
            true
        }
        TicketState::Resolved { .. } | TicketState::Closed { reason: CloseReason::NoAnswer, .. } => {
            clocks = clocks::reopened(&ticket.clocks, promise, incoming.arrived);
            true
        }
        _ => false,
    };
    let due = warn::next_look(&clocks, promise, scene.now);
    if waited {
        effects.push(Effect::SetState(TicketState::Open));
        effects.push(Effect::SetReminded(None));
        effects.push(Effect::SetClocks(clocks));
        effects.push(Effect::SetDue(due));
    }
    let shown = Shown::of(incoming, scene);
    let news = News {
        event: "bounced",
        subject: &ticket.subject,
        text: &shown.visible,
        priority: ticket.priority,
        due,
        reasons: Vec::new(),
        attachments: &[],
        named: &[],
    };
    effects.extend(notify::agents(&news, ticket.assignee.as_ref(), scene.desk, scene.policy));
    effects
}
