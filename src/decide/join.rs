//! A message joins a ticket: the ticket opens again where it waited or ended, its clocks run on, its
//! agents are told. A robot's mail joins without moving anything.

use chrono::Duration;

use crate::domain::desk::CustomerNotice;
use crate::domain::effect::{Decision, Effect, Reason, Subject};
use crate::domain::facts::MessageFacts;
use crate::domain::message::{Instant, MessageClass, RobotSign};
use crate::domain::outgoing::Notice;
use crate::domain::ticket::{Actor, ArticleKind, TicketClock, TicketSnapshot, TicketState};

use super::clocks::{self, promise};
use super::hours;
use super::notify::{self, News};
use super::open::{self, Why};
use super::page;
use super::priority::prioritise;
use super::scene::{Incoming, Scene};
use super::shown::Shown;
use super::status::{self, Asked, Standing};
use super::thread::As;
use super::warn;

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
    let asked = status::asked(incoming.mail, scene);
    let moves = !facts.history && moves(incoming) && asked != Asked::Only;
    if moves && too_late(ticket, incoming, scene) {
        return open::open(incoming, facts, scene, Why::FollowUp(ticket.id));
    }
    let mut article = open::article(incoming, facts, scene);
    if way.who == As::NewSender {
        article.flags.push("new_sender");
    }
    if asked == Asked::Only {
        // No word of the customer: it neither ends the silence nor answers the agent.
        article.kind = ArticleKind::Auto;
        article.flags.push("status_asked");
    }
    let mut effects = vec![Effect::AddArticle(Box::new(article))];
    let mut standing = Standing { state: ticket.state, priority: ticket.priority, clocks: &ticket.clocks };
    let clocks = running_on(ticket, scene, incoming);
    let mut action = "joined";
    if moves && let Ok(state) = ticket.state.customer_wrote() {
        action = if ticket.state.ended() { "reopened" } else { "joined" };
        let due = warn::next_look(&clocks, promise(ticket, scene.desk), scene.now);
        effects.extend(reopened(ticket, state, (&clocks, due)));
        effects.extend(word_to_agents(incoming, scene, way, (action, &clocks)));
        standing = Standing { state, clocks: &clocks, ..standing };
    }
    let (pages, paged) = if moves { emergency(incoming, facts, scene, ticket) } else { (Vec::new(), None) };
    effects.extend(pages);
    if let As::Participant(no) = way.who {
        let whom = (ticket, no);
        if action == "reopened" && scene.desk.tells(CustomerNotice::Reopened) {
            effects.extend(status::word(incoming, facts, scene, whom, Notice::Reopened));
        }
        if asked != Asked::No && !facts.history {
            effects.extend(status::answer(incoming, facts, scene, whom, standing));
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
        reasons: [Reason::code(way.how)].into_iter().chain(paged).collect(),
        action,
        actor: Actor::Customer(participant),
        at: scene.now,
    }
}

/// A reply may be the first that speaks of an emergency: it pages like a first mail.
fn emergency(
    incoming: Incoming<'_>,
    facts: &MessageFacts,
    scene: Scene<'_>,
    ticket: &TicketSnapshot,
) -> (Vec<Effect>, Option<Reason>) {
    let mail = incoming.mail;
    if scene.desk.on_call.is_empty() {
        return (Vec::new(), None);
    }
    let said = prioritise(mail.subject.expose(), mail.visible.expose(), mail.language, scene.desk);
    let hours = hours::effective(scene.desk, said.priority, incoming.arrived);
    page::call(incoming, facts, scene, (Some(ticket.id), &hours))
}

fn too_late(ticket: &TicketSnapshot, incoming: Incoming<'_>, scene: Scene<'_>) -> bool {
    let window = Duration::days(i64::from(scene.desk.reopen_days));
    // A mail that arrived before the ticket ended was only fetched late: it reopens at once (L32).
    ticket.state.ended_at().is_some_and(|at| incoming.arrived > at + window)
}

/// Does it count as the customer's word? A robot's does not (an out-of-office is no answer), nor does
/// history; a person may write through a list, and spam that got this far was released or is on a
/// breach desk.
fn moves(incoming: Incoming<'_>) -> bool {
    let mail = incoming.mail;
    match mail.class.unwrap_or(MessageClass::Human) {
        MessageClass::Human | MessageClass::Encrypted | MessageClass::Spam => true,
        MessageClass::Bulk => {
            mail.robot.contains(&RobotSign::List)
                && !mail.robot.contains(&RobotSign::AutoSubmitted)
                && !mail.robot.contains(&RobotSign::NullPath)
        }
        _ => false,
    }
}

fn running_on(ticket: &TicketSnapshot, scene: Scene<'_>, incoming: Incoming<'_>) -> Vec<TicketClock> {
    let promise = promise(ticket, scene.desk);
    if ticket.state.ended() {
        clocks::reopened(&ticket.clocks, promise, incoming.arrived)
    } else {
        clocks::resumed(&ticket.clocks, promise, incoming.arrived)
    }
}

fn reopened(
    ticket: &TicketSnapshot,
    state: TicketState,
    (clocks, due): (&[TicketClock], Option<Instant>),
) -> Vec<Effect> {
    let mut effects = Vec::new();
    if state != ticket.state {
        effects.push(Effect::SetState(state));
    }
    if clocks != ticket.clocks {
        effects.push(Effect::SetClocks(clocks.to_vec()));
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
    (action, clocks): (&'static str, &[TicketClock]),
) -> Vec<Effect> {
    let shown = Shown::of(incoming, scene);
    let news = News {
        event: match (way.who, action) {
            (As::NewSender, _) => "new_sender",
            (_, "reopened") => "reopened",
            _ => "reply",
        },
        subject: &way.ticket.subject,
        text: &shown.visible,
        priority: way.ticket.priority,
        due: clocks::next_due(clocks),
        reasons: Vec::new(),
        attachments: &shown.attachments,
        named: &shown.named,
    };
    notify::agents(&news, way.ticket.assignee.as_ref(), scene.desk, scene.policy)
}
