//! A person acts on a ticket: by mail (once proven) or at the command line. Gives the decision, or
//! the refusal in the words of the one who must act. Only a public text can become customer mail.

use chrono::NaiveDate;

use crate::domain::command::{Command, Refusal};
use crate::domain::desk::{DeskClass, Span};
use crate::domain::effect::{Decision, Effect, Reason, Subject};
use crate::domain::facts::CommandFacts;
use crate::domain::ids::AgentName;
use crate::domain::message::Instant;
use crate::domain::ticket::{Actor, Priority, TicketClock, TicketSnapshot, TicketState, TransitionError};
use crate::phi;

use super::answer::{self, Words};
use super::clocks::{self, Promise, promise};
use super::merge;
use super::notify::{self, News};
use super::scene::Scene;
use super::status::Standing;
use super::warn;

/// Decides on one command.
///
/// # Errors
/// [`Refusal`] says what to do instead.
pub fn on_command(
    command: &Command,
    facts: &CommandFacts,
    scene: Scene<'_>,
    actor: Actor,
) -> Result<Decision, Refusal> {
    let ticket = &facts.ticket;
    if ticket.merged_into.is_some() && !matches!(command, Command::Note { .. } | Command::Unmerge) {
        return Err(TransitionError::Merged.into());
    }
    let (action, effects) = match command {
        Command::Reply { text, redacted, resolve } => {
            answer::reply(facts, scene, Words { text, redacted, resolve: *resolve })?
        }
        Command::Note { redacted, text } => ("noted", answer::note(facts, scene, redacted, text)?),
        Command::Resolve => ("resolved", answer::resolve(facts, scene)?),
        Command::Assign(agent) => ("assigned", assign(agent.as_ref(), facts, scene)?),
        Command::Priority(priority) => ("prioritised", prioritise(*priority, facts, scene)),
        Command::Cadence(span) => ("cadence_set", cadence(*span, ticket, scene)),
        Command::Eta(day) => ("estimated", estimate(*day, ticket, scene)?),
        Command::Close => ("closed", answer::close(facts, scene)?),
        Command::Reopen => ("reopened", reopen(ticket, scene)?),
        Command::Merge { force } => ("merged", merge::merge(facts, scene, *force)?),
        Command::Unmerge => ("unmerged", merge::unmerge(ticket, scene)?),
        Command::Move(desk) => ("moved", move_to(ticket, desk, facts.agent.as_ref(), scene)?),
    };
    Ok(Decision {
        subject: Subject::Existing(ticket.id, ticket.version),
        effects,
        reasons: vec![reason(command, action)],
        action,
        actor,
        at: scene.now,
    })
}

fn reopen(ticket: &TicketSnapshot, scene: Scene<'_>) -> Result<Vec<Effect>, Refusal> {
    let state = ticket.state.reopen()?;
    let clocks = clocks::reopened(&ticket.clocks, promise(ticket, scene.desk), scene.now);
    let due = warn::next_look(&clocks, promise(ticket, scene.desk), scene.now);
    Ok(vec![
        Effect::SetState(state),
        Effect::SetReminded(None),
        Effect::SetClocks(clocks),
        Effect::SetDue(due),
    ])
}

fn assign(agent: Option<&AgentName>, facts: &CommandFacts, scene: Scene<'_>) -> Result<Vec<Effect>, Refusal> {
    let ticket = &facts.ticket;
    if let Some(name) = agent
        && scene.policy.directory.agent_of_desk(name, &ticket.desk).is_none()
    {
        return Err(Refusal::NotAllowed("that agent does not work for this desk; see directory.toml"));
    }
    let mut effects = vec![Effect::Assign(agent.cloned())];
    if ticket.state == TicketState::New && agent.is_some() {
        effects.push(Effect::SetState(TicketState::Open));
    }
    if let Some(name) = agent {
        effects.extend(answer::assigned(name, facts, scene));
    }
    // Who lives in their mail client learns of it there, and gets a token to answer with.
    if agent.is_some() && agent != facts.agent.as_ref() && agent != ticket.assignee.as_ref() {
        let nothing = phi::no_customer_text("");
        let news = News {
            event: "assigned",
            subject: &ticket.subject,
            text: &nothing,
            priority: ticket.priority,
            due: clocks::next_due(&ticket.clocks),
            reasons: Vec::new(),
            attachments: &[],
            named: &[],
        };
        effects.extend(notify::agents(&news, agent, scene.desk, scene.policy));
    }
    Ok(effects)
}

fn prioritise(priority: Priority, facts: &CommandFacts, scene: Scene<'_>) -> Vec<Effect> {
    let ticket = &facts.ticket;
    let old = promise(ticket, scene.desk);
    let new = Promise { priority, ..old };
    let clocks = clocks::renewed(ticket, old, new, scene.now);
    let due = look_again(ticket, &clocks, (new, scene.now));
    let standing = Standing { state: ticket.state, priority, clocks: &clocks };
    let told = if priority == ticket.priority || ticket.state.ended() {
        Vec::new()
    } else {
        answer::progress(facts, scene, standing)
    };
    let mut effects = vec![Effect::SetPriority(priority), Effect::SetClocks(clocks), Effect::SetDue(due)];
    effects.extend(told);
    effects
}

/// Updates hold "unless otherwise negotiated": what was used of the old span stays used.
fn cadence(span: Option<Span>, ticket: &TicketSnapshot, scene: Scene<'_>) -> Vec<Effect> {
    let old = promise(ticket, scene.desk);
    let new = Promise { cadence: span, ..old };
    let clocks = clocks::renewed(ticket, old, new, scene.now);
    let due = look_again(ticket, &clocks, (new, scene.now));
    vec![Effect::SetCadence(span), Effect::SetClocks(clocks), Effect::SetDue(due)]
}

fn estimate(day: NaiveDate, ticket: &TicketSnapshot, scene: Scene<'_>) -> Result<Vec<Effect>, Refusal> {
    if ticket.state.ended() {
        return Err(Refusal::NotAllowed("the ticket has ended; there is nothing to estimate"));
    }
    if day < scene.desk.calendar.date(scene.now) {
        return Err(Refusal::NotAllowed("the estimated day lies in the past"));
    }
    Ok(vec![Effect::SetEta(day)])
}

/// The code, and the figure where there is one: it stands in the audit trail.
fn reason(command: &Command, action: &'static str) -> Reason {
    match command {
        Command::Cadence(Some(span)) => Reason::with(action, span.to_string()),
        Command::Cadence(None) => Reason::with(action, "the desk's"),
        Command::Eta(day) => Reason::with(action, day.to_string()),
        Command::Merge { force: true } => Reason::with(action, "across customers"),
        _ => Reason::code(action),
    }
}

/// When the sweep looks next: at once where silence is being counted, so that it is counted on.
fn look_again(
    ticket: &TicketSnapshot,
    clocks: &[TicketClock],
    (promise, now): (Promise<'_>, Instant),
) -> Option<Instant> {
    match ticket.state {
        TicketState::Pending { .. } | TicketState::Resolved { .. } => Some(now),
        _ => warn::next_look(clocks, promise, now),
    }
}

fn move_to(
    ticket: &TicketSnapshot,
    desk: &crate::domain::ids::DeskName,
    agent: Option<&AgentName>,
    scene: Scene<'_>,
) -> Result<Vec<Effect>, Refusal> {
    if ticket.restricted {
        return Err(Refusal::Restricted("moved"));
    }
    let Some(target) = scene.policy.desks.get(desk) else {
        return Err(Refusal::NotAllowed("there is no desk of that name"));
    };
    if agent.is_some_and(|a| scene.policy.directory.agent_of_desk(a, desk).is_none()) {
        return Err(Refusal::NotAllowed("you do not work for that desk; ask one of its agents to take it"));
    }
    if target.class == DeskClass::Breach {
        return Err(Refusal::NotAllowed("forward the mail to the breach desk's address; it opens there"));
    }
    let old = promise(ticket, scene.desk);
    let new = Promise { desk: target, ..old };
    let clocks = clocks::renewed(ticket, old, new, scene.now);
    let due = look_again(ticket, &clocks, (new, scene.now));
    Ok(vec![
        Effect::MoveTo(desk.clone()),
        Effect::Assign(None),
        Effect::SetClocks(clocks),
        Effect::SetDue(due),
    ])
}
