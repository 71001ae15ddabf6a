//! A missed target: the agents are told, the priority rises a step, the level's contacts are told.
//! Takes the clocks as they were and as they are, gives effects; a level is told once.

use crate::domain::desk::{CustomerNotice, Desk, Span};
use crate::domain::effect::{Effect, Reason};
use crate::domain::facts::TickFacts;
use crate::domain::outgoing::{Notice, Outgoing, Recipient, Suppression};
use crate::domain::sla;
use crate::domain::text::RedactedText;
use crate::domain::ticket::{
    ClockKind, ClockState, LastPublic, Participant, Priority, Role, TicketClock, TicketSnapshot,
};

use super::clocks::{self, Promise, promise};
use super::notify::{self, News};
use super::respond;
use super::scene::Scene;

/// What came of deadlines that passed.
pub struct Escalated {
    /// The priority, perhaps raised.
    pub priority: Priority,
    /// The clocks as they run on.
    pub clocks: Vec<TicketClock>,
    /// Empty when nothing was missed.
    pub effects: Vec<Effect>,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// Looks at the deadlines of a due ticket.
pub fn escalate(facts: &TickFacts, scene: Scene<'_>) -> Escalated {
    let ticket = &facts.ticket;
    let (expired, missed) = clocks::expired(&ticket.clocks, scene.now);
    if missed.is_empty() {
        return Escalated {
            priority: ticket.priority,
            clocks: expired,
            effects: Vec::new(),
            reasons: Vec::new(),
        };
    }
    let mut reasons: Vec<Reason> =
        missed.iter().map(|kind| Reason::with("target_missed", kind.as_str())).collect();
    let priority = if raises(scene.desk, &missed) { ticket.priority.raised() } else { ticket.priority };
    let old = promise(ticket, scene.desk);
    let new = Promise { priority, ..old };
    let mut clocks = expired;
    let mut effects = Vec::new();
    if priority != ticket.priority {
        let late = TicketSnapshot { clocks, ..ticket.clone() };
        clocks = clocks::renewed(&late, old, new, scene.now);
        effects.push(Effect::SetPriority(priority));
        let raised = format!("{} to {}: a target was missed", ticket.priority.as_str(), priority.as_str());
        reasons.push(Reason::with("priority_raised", raised));
    }
    clocks = clocks::repeated(&clocks, new, scene.now);
    effects.extend(word_to_agents(facts, scene, (&missed, &reasons), (priority, &clocks)));
    if let Some(level) = reached(ticket, scene.desk, &missed) {
        reasons.push(Reason::with("escalated", level.to_string()));
        effects.extend(word_to_contacts(ticket, scene, level, (priority, &missed)));
    }
    if priority != ticket.priority || missed.contains(&ClockKind::Update) {
        effects.extend(progress(facts, scene, (priority, &clocks)));
    }
    Escalated { priority, clocks, effects, reasons }
}

/// An update that is owed again and again would lead to the highest priority within hours.
fn raises(desk: &Desk, missed: &[ClockKind]) -> bool {
    desk.escalation.raise && missed.iter().any(|kind| *kind != ClockKind::Update)
}

fn word_to_agents(
    facts: &TickFacts,
    scene: Scene<'_>,
    (missed, reasons): (&[ClockKind], &[Reason]),
    (priority, clocks): (Priority, &[TicketClock]),
) -> Vec<Effect> {
    let nothing = RedactedText::default();
    let words = |reason: &Reason| reason.words().replace('_', " ");
    let news = News {
        event: if missed == [ClockKind::Update] { "progress" } else { "missed" },
        subject: &facts.ticket.subject,
        text: &nothing,
        priority,
        due: clocks::next_due(clocks),
        reasons: reasons.iter().map(words).collect(),
        attachments: &[],
        named: &[],
    };
    notify::agents(&news, facts.ticket.assignee.as_ref(), scene.desk, scene.policy)
}

/// The customers learn how it stands where the desk tells it: an update is owed to them, or the
/// priority rose.
fn progress(
    facts: &TickFacts,
    scene: Scene<'_>,
    (priority, clocks): (Priority, &[TicketClock]),
) -> Vec<Effect> {
    let ticket = &facts.ticket;
    if ticket.restricted || ticket.imported || !scene.desk.tells(CustomerNotice::Progress) {
        return Vec::new();
    }
    let never = respond::never(facts.never_notify.as_deref());
    let suppressed = respond::may_notify(never, facts.counts, &scene.policy.governor).err();
    if suppressed.is_some_and(|why| why != Suppression::Cap) {
        return Vec::new();
    }
    let due = clocks::next_due(clocks);
    let customers = ticket.participants.iter().filter(|p| p.role != Role::Agent);
    let word = |p: &Participant| {
        Effect::Enqueue(Box::new(Outgoing {
            notice: Notice::Progress { state: ticket.state, priority, due, eta: ticket.eta },
            to: Recipient::Participant(p.no),
            language: scene.desk.language(Some(ticket.language)),
            in_reply_to: None,
            suppressed,
        }))
    };
    customers.map(word).collect()
}

/// The level that these misses reach, if nobody was told of it yet: the one at which the ticket's
/// priority begins, and one more for each further promise, or update owed before the first answer.
fn reached(ticket: &TicketSnapshot, desk: &Desk, missed: &[ClockKind]) -> Option<u8> {
    let entry = desk.escalation.entry(ticket.priority)?;
    let top = desk.escalation.levels.last()?.level;
    let steps = if missed.iter().any(|kind| *kind != ClockKind::Update) {
        let before = ticket
            .clocks
            .iter()
            .filter(|c| c.kind != ClockKind::Update && matches!(c.state, ClockState::Missed { .. }));
        u8::try_from(before.count()).ok()?
    } else {
        unanswered_periods(ticket, desk)?
    };
    entry.checked_add(steps).filter(|level| *level <= top)
}

/// How many update periods passed since the first response was missed, while nobody answered.
fn unanswered_periods(ticket: &TicketSnapshot, desk: &Desk) -> Option<u8> {
    let state = |kind| ticket.clocks.iter().find(|c| c.kind == kind).map(|c| c.state);
    let answered = matches!(ticket.last_public, Some(LastPublic::Answer { .. }));
    let (Some(ClockState::Missed { due: missed }), Some(ClockState::Running { due }), false) =
        (state(ClockKind::Response), state(ClockKind::Update), answered)
    else {
        return None;
    };
    let span = promise(ticket, desk).span(ClockKind::Update)?;
    let (passed, period) = match span {
        Span::Elapsed(period) => (due - missed, period),
        Span::Business(period) => (sla::elapsed_business(&desk.calendar, missed, due)?, period),
    };
    let periods = passed.num_seconds().checked_div(period.num_seconds())?;
    u8::try_from(periods).ok().filter(|periods| *periods > 0)
}

fn word_to_contacts(
    ticket: &TicketSnapshot,
    scene: Scene<'_>,
    level: u8,
    (priority, missed): (Priority, &[ClockKind]),
) -> Vec<Effect> {
    let levels = &scene.desk.escalation.levels;
    let name = levels.iter().find(|l| l.level == level).map(|l| l.name.clone()).unwrap_or_default();
    let mut told: Vec<String> = Vec::new();
    let mut effects = Vec::new();
    for contact in scene.desk.escalation.contacts(level) {
        let identity = contact.identity();
        if told.contains(&identity) {
            continue;
        }
        told.push(identity);
        effects.push(Effect::Enqueue(Box::new(Outgoing {
            notice: Notice::Escalation {
                level: name.clone(),
                priority,
                missed: missed.to_vec(),
                opened_at: ticket.opened_at,
            },
            to: Recipient::Contact(contact.clone()),
            language: scene.desk.language(None),
            in_reply_to: None,
            suppressed: None,
        })));
    }
    effects
}
