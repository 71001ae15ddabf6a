//! A ticket is due: deadlines that passed, the reminder, the close after silence (L32). Silence is
//! believed only when everything that could hold an answer was looked through after the deadline.

use chrono::Duration;

use crate::domain::desk::{Autoclose, CustomerNotice, Desk, DeskClass};
use crate::domain::effect::{Decision, Effect, Reason, Subject};
use crate::domain::facts::TickFacts;
use crate::domain::ids::ParticipantNo;
use crate::domain::message::Instant;
use crate::domain::outgoing::{Notice, Outgoing, Recipient, Suppression};
use crate::domain::sla;
use crate::domain::ticket::{
    Acknowledgment, Actor, CloseReason, LastPublic, Role, TicketSnapshot, TicketState,
};

use super::clocks::{self, Promise, promise};
use super::respond::{may_notify, never};
use super::scene::Scene;
use super::{escalate, hours, page, warn};

/// A mail that nobody can attribute blocks a close this long, then it only alarms.
const UNATTRIBUTED: Duration = Duration::hours(24);
/// How soon a blocked close is looked at again.
const RECHECK: Duration = Duration::minutes(5);
/// How soon one is looked at again whose notice a cap holds back.
const CAPPED: Duration = Duration::hours(1);

/// Decides on one due ticket.
pub fn on_tick(facts: &TickFacts, scene: Scene<'_>) -> Decision {
    let (running, mut started) = running(facts, scene);
    let (facts, before) = (&running, &facts.ticket.clocks);
    let ticket = &facts.ticket;
    let escalate::Escalated { priority, clocks, mut effects, mut reasons } = escalate::escalate(facts, scene);
    let mut action = match (effects.is_empty(), started.is_empty()) {
        (false, _) => "missed",
        (true, false) => "started",
        (true, true) => "looked",
    };
    started.append(&mut effects);
    effects = started;
    let promise = Promise { priority, ..promise(ticket, scene.desk) };
    let (clocks, warnings) = warn::warned(&clocks, promise, scene.now);
    if !warnings.is_empty() {
        reasons.extend(
            warnings
                .iter()
                .map(|(kind, share)| Reason::with("target_near", format!("{} {share} %", kind.as_str()))),
        );
        effects.extend(warn::word_to_agents(ticket, scene, (&warnings, priority, &clocks)));
        action = if action == "missed" { action } else { "warned" };
    }
    let pages = page::second(facts, scene);
    if !pages.is_empty() {
        reasons.push(Reason::code("paged_by_second_channel"));
        effects.extend(pages);
        action = "paged";
    }
    if clocks != *before {
        effects.push(Effect::SetClocks(clocks.clone()));
    }
    let silence = silence(facts, scene);
    let mut next = warn::next_look(&clocks, promise, scene.now);
    match silence {
        Silence::No => {}
        Silence::Waits { until, why } => {
            reasons.extend(why.map(Reason::code));
            next = Some(next.map_or(until, |n| n.min(until)));
        }
        Silence::Remind { closes_at } => {
            effects.push(to_requester(facts, scene, Notice::Reminder { closes_at }));
            effects.push(Effect::SetReminded(Some(scene.now)));
            reasons.push(Reason::code("reminded"));
            next = Some(next.map_or(closes_at, |n| n.min(closes_at)));
            action = "reminded";
        }
        Silence::Close => {
            let reopen_until = scene.now + Duration::days(i64::from(scene.desk.reopen_days));
            effects
                .push(Effect::SetState(TicketState::Closed { at: scene.now, reason: CloseReason::NoAnswer }));
            effects.push(Effect::SetClocks(clocks::ended(&clocks, scene.now)));
            if scene.desk.tells(CustomerNotice::Closed) {
                effects.push(to_requester(facts, scene, Notice::Closed { reopen_until, no_answer: true }));
            }
            reasons.push(Reason::code("closed_by_silence"));
            next = None;
            action = "closed";
        }
    }
    if next != ticket.due_at || action == "closed" {
        effects.push(Effect::SetDue(next));
    }
    Decision {
        subject: Subject::Existing(ticket.id, ticket.version),
        effects,
        reasons,
        action,
        actor: Actor::System,
        at: scene.now,
    }
}

/// The ticket with the clocks that may run now: those that waited for the acknowledgment once it is
/// settled, and those of a ticket that was woken by a merge.
fn running(facts: &TickFacts, scene: Scene<'_>) -> (TickFacts, Vec<Effect>) {
    let mut facts = facts.clone();
    let mut effects = Vec::new();
    let ticket = &mut facts.ticket;
    let owed = matches!(ticket.state, TicketState::New | TicketState::Open);
    let from = match ticket.acknowledgment {
        Acknowledgment::Awaited => None,
        Acknowledgment::NotAwaited => Some(scene.now),
        Acknowledgment::Settled(at) => {
            effects.push(Effect::StartClocks);
            // A cap holds the clocks back until the desk opens.
            Some(at.max(hours::effective(scene.desk, ticket.priority, ticket.opened_at).clocks_start))
        }
    };
    if let Some(from) = from.filter(|_| owed) {
        ticket.clocks = clocks::started(&ticket.clocks, promise(ticket, scene.desk), from);
    }
    if from.is_some() {
        ticket.acknowledgment = Acknowledgment::NotAwaited;
    }
    (facts, effects)
}

/// What the customer's silence means now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Silence {
    /// Nothing: the ticket does not wait for its customer, or never closes by time.
    No,
    /// Look again then; the code says what stood in the way.
    Waits { until: Instant, why: Option<&'static str> },
    /// The reminder is due.
    Remind { closes_at: Instant },
    /// The close is due and everything was looked through.
    Close,
}

fn silence(facts: &TickFacts, scene: Scene<'_>) -> Silence {
    let ticket = &facts.ticket;
    let Some(rule) = scene.desk.autoclose else { return Silence::No };
    let waits = matches!(ticket.state, TicketState::Pending { .. } | TicketState::Resolved { .. });
    let requester = ticket.participants.iter().any(|p| p.role == Role::Requester);
    if !waits || !requester || never_closes(ticket, scene.desk) {
        return Silence::No;
    }
    let Some(LastPublic::Answer { accepted_at: Some(accepted), bounced: false, .. }) = ticket.last_public
    else {
        return Silence::No;
    };
    // No close whose closing notice may not be sent.
    match may_notify(never(facts.never_notify.as_deref()), facts.counts, &scene.policy.governor) {
        Ok(()) => {}
        Err(Suppression::Cap) => {
            return Silence::Waits { until: scene.now + CAPPED, why: Some("close_waits_for_cap") };
        }
        // It may never be sent: an agent ends this one.
        Err(_) => return Silence::No,
    }
    let Some(closes_at) = closes_at(rule, accepted, ticket.reminded_at, scene) else { return Silence::No };
    let remind_at = closes_at - rule.reminder_before;
    let reminds = scene.desk.tells(CustomerNotice::Reminder);
    if reminds && ticket.reminded_at.is_none_or(|at| at < accepted) {
        if scene.now < remind_at {
            return Silence::Waits { until: remind_at, why: None };
        }
        if let Some(why) = mail_blocks(facts, scene.now) {
            return Silence::Waits { until: scene.now + RECHECK, why: Some(why) };
        }
        return self::closes_at(rule, accepted, Some(scene.now), scene)
            .map_or(Silence::No, |closes_at| Silence::Remind { closes_at });
    }
    if scene.now < closes_at {
        return Silence::Waits { until: closes_at, why: None };
    }
    match blocked(facts, scene, closes_at) {
        Some(why) => Silence::Waits { until: scene.now + RECHECK, why: Some(why) },
        None => Silence::Close,
    }
}

/// The instant of the close: the customer's time, at least the reminder's notice after the
/// reminder, and by default not before the desk opens.
fn closes_at(
    rule: Autoclose,
    accepted: Instant,
    reminded: Option<Instant>,
    scene: Scene<'_>,
) -> Option<Instant> {
    let deadline = sla::due(&scene.desk.calendar, accepted, rule.after)?;
    let noticed = reminded.filter(|at| *at >= accepted).map(|at| at + rule.reminder_before);
    let deadline = noticed.map_or(deadline, |at| at.max(deadline));
    if rule.at_opening && !sla::is_open(&scene.desk.calendar, deadline) {
        sla::next_opening(&scene.desk.calendar, deadline)
    } else {
        Some(deadline)
    }
}

/// A breach ticket is never closed by time, and one from history sends nothing.
fn never_closes(ticket: &TicketSnapshot, desk: &Desk) -> bool {
    ticket.restricted || ticket.imported || desk.class == DeskClass::Breach
}

fn blocked(facts: &TickFacts, scene: Scene<'_>, closes_at: Instant) -> Option<&'static str> {
    let unpolled = facts.polled_until.is_none_or(|polled| polled < closes_at);
    mail_blocks(facts, scene.now).or(unpolled.then_some("close_waits_for_poll"))
}

/// Mail on either way that may turn silence into an answer.
fn mail_blocks(facts: &TickFacts, now: Instant) -> Option<&'static str> {
    if facts.mail_waits {
        return Some("close_waits_for_mail");
    }
    if facts.unattributed_since.is_some_and(|since| now < since + UNATTRIBUTED) {
        return Some("close_waits_for_unattributed_mail");
    }
    facts.unsent.then_some("close_waits_for_outbox")
}

fn to_requester(facts: &TickFacts, scene: Scene<'_>, notice: Notice) -> Effect {
    let requester = facts.ticket.participants.iter().find(|p| p.role == Role::Requester);
    Effect::Enqueue(Box::new(Outgoing {
        notice,
        to: Recipient::Participant(requester.map_or(ParticipantNo::FIRST, |p| p.no)),
        language: scene.desk.language(Some(facts.ticket.language)),
        in_reply_to: None,
        suppressed: None,
    }))
}
