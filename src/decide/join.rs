//! A message joins a ticket: the ticket opens again where it waited or ended, its clocks run on, its
//! agents are told. A robot's mail joins without moving anything.

use chrono::Duration;

use crate::domain::effect::{Decision, Effect, Reason, Subject};
use crate::domain::facts::MessageFacts;
use crate::domain::message::{Instant, MessageClass};
use crate::domain::ticket::{Actor, ArticleKind, TicketClock, TicketSnapshot, TicketState};

use super::clocks::{self, Promise};
use super::notify::{self, News};
use super::open::{self, Why};
use super::scene::{Incoming, Scene};
use super::thread::As;

/// How it joins.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// The ticket.
    pub ticket: &'a TicketSnapshot,
    /// In which part.
    pub who: As,
    /// By which key, as a reason code.
    pub how: &'static str,
}

/// Joins, reopens, or opens a follow-up where the ticket ended too long ago.
pub fn join(incoming: Incoming<'_>, facts: &MessageFacts, scene: Scene<'_>, way: Way<'_>) -> Decision {
    let ticket = way.ticket;
    let class = incoming.mail.class.unwrap_or(MessageClass::Human);
    let moves = matches!(class, MessageClass::Human | MessageClass::Encrypted);
    if moves && too_late(ticket, incoming, scene) {
        return open::open(incoming, facts, scene, Why::FollowUp(ticket.id));
    }
    let mut article = open::article(incoming, facts, scene);
    if !moves {
        article.kind = ArticleKind::Auto;
    }
    if way.who == As::NewSender {
        article.flags.push("new_sender");
    }
    let mut effects = vec![Effect::AddArticle(Box::new(article))];
    let mut action = "joined";
    if moves && let Ok(state) = ticket.state.customer_wrote() {
        action = if ticket.state.ended() { "reopened" } else { "joined" };
        let promise = Promise { desk: scene.desk, priority: ticket.priority, category: ticket.category.as_ref() };
        let clocks = clocks::resumed(&ticket.clocks, promise, incoming.arrived);
        let due = clocks::next_due(&clocks);
        effects.extend(reopened(ticket, state, clocks, due));
        if !facts.history {
            effects.extend(word_to_agents(incoming, scene, way, action, due));
        }
    }
    effects.push(Effect::SetLedger {
        ledger: incoming.ledger,
        state: Incoming::in_ticket(facts.oversize),
        reason: way.how,
        duplicate_of: None,
    });
    let participant = match way.who {
        As::Participant(no) => Some(no),
        As::NewSender => None,
    };
    Decision {
        subject: Subject::Existing(ticket.id, ticket.version),
        effects,
        reasons: vec![Reason::code(way.how)],
        action,
        actor: Actor::Customer(participant),
        at: scene.now,
    }
}

fn too_late(ticket: &TicketSnapshot, incoming: Incoming<'_>, scene: Scene<'_>) -> bool {
    let window = Duration::days(i64::from(scene.desk.reopen_days));
    // A mail that arrived before the ticket ended was only fetched late: it reopens at once (L32).
    ticket.state.ended_at().is_some_and(|at| incoming.arrived > at + window)
}

fn reopened(
    ticket: &TicketSnapshot,
    state: TicketState,
    clocks: Vec<TicketClock>,
    due: Option<Instant>,
) -> Vec<Effect> {
    let mut effects = vec![Effect::SetState(state)];
    if clocks != ticket.clocks {
        effects.push(Effect::SetClocks(clocks));
    }
    if ticket.reminded_at.is_some() {
        effects.push(Effect::SetReminded(None));
    }
    if due != ticket.due_at {
        effects.push(Effect::SetDue(due));
    }
    effects
}

fn word_to_agents(
    incoming: Incoming<'_>,
    scene: Scene<'_>,
    way: Way<'_>,
    action: &'static str,
    due: Option<Instant>,
) -> Vec<Effect> {
    let news = News {
        event: match (way.who, action) {
            (As::NewSender, _) => "new_sender",
            (_, "reopened") => "reopened",
            _ => "reply",
        },
        subject: &incoming.redacted.subject,
        text: &incoming.redacted.visible,
        priority: way.ticket.priority,
        due,
        reasons: Vec::new(),
        attachments: &incoming.mail.attachments,
    };
    notify::agents(&news, way.ticket.assignee.as_ref(), scene.desk, scene.policy)
}
