//! Two tickets about one thing become one, and back. Takes both, gives the effects on the one that
//! ends; its messages, people and tokens go to the survivor. Never brings strangers together by itself.

use crate::domain::command::Refusal;
use crate::domain::desk::CustomerNotice;
use crate::domain::effect::Effect;
use crate::domain::facts::CommandFacts;
use crate::domain::outgoing::Notice;
use crate::domain::ticket::{CloseReason, Participant, Role, TicketSnapshot, TicketState, TransitionError};

use super::answer;
use super::clocks::{self, promise};
use super::scene::Scene;
use super::warn;

/// Ends the ticket in favour of the other one of the facts.
pub fn merge(facts: &CommandFacts, scene: Scene<'_>, force: bool) -> Result<Vec<Effect>, Refusal> {
    let ticket = &facts.ticket;
    if ticket.restricted {
        return Err(Refusal::Restricted("merged"));
    }
    let other = facts.other.as_ref().ok_or(Refusal::Merge)?;
    if other.id == ticket.id || other.merged_into.is_some() || other.restricted || other.desk != ticket.desk {
        return Err(Refusal::Merge);
    }
    if matches!(other.state, TicketState::Closed { .. }) {
        return Err(TransitionError::Closed.into());
    }
    if !force && strangers(ticket, other) {
        return Err(Refusal::OtherCustomer);
    }
    let state = match ticket.state {
        TicketState::Closed { .. } => TicketState::Closed { at: scene.now, reason: CloseReason::Merged },
        state => state.close(scene.now, CloseReason::Merged)?,
    };
    let clocks = clocks::ended(&ticket.clocks, scene.now);
    let mut effects = vec![
        Effect::MergeInto(other.id),
        Effect::SetState(state),
        Effect::SetClocks(clocks),
        Effect::SetDue(None),
    ];
    let owed = matches!(ticket.state, TicketState::New | TicketState::Open);
    if owed && matches!(other.state, TicketState::Pending { .. } | TicketState::Resolved { .. }) {
        effects.push(Effect::Wake(other.id));
    }
    if !ticket.state.ended() {
        let notice = || Notice::Duplicate { into: other.number };
        effects.extend(answer::notices(facts, scene, CustomerNotice::Duplicate, notice));
    }
    Ok(effects)
}

/// Takes a merge back: the ticket is open again, with its own messages and people.
pub fn unmerge(ticket: &TicketSnapshot, scene: Scene<'_>) -> Result<Vec<Effect>, Refusal> {
    let Some(survivor) = ticket.merged_into else {
        return Err(Refusal::NotAllowed("the ticket was not merged"));
    };
    let clocks = clocks::reopened(&ticket.clocks, promise(ticket, scene.desk), scene.now);
    let due = warn::next_look(&clocks, promise(ticket, scene.desk), scene.now);
    Ok(vec![
        Effect::Unmerge(survivor),
        Effect::SetState(TicketState::Open),
        Effect::SetReminded(None),
        Effect::SetClocks(clocks),
        Effect::SetDue(due),
    ])
}

/// True when the tickets are of different customers: no person takes part in both, and their
/// requesters are not known to be of one organisation.
fn strangers(a: &TicketSnapshot, b: &TicketSnapshot) -> bool {
    let customers = |t: &TicketSnapshot| -> Vec<Participant> {
        t.participants.iter().filter(|p| p.role != Role::Agent).cloned().collect()
    };
    let (of_a, of_b) = (customers(a), customers(b));
    let known = of_a.iter().any(|one| of_b.iter().any(|other| other.key == one.key));
    let organisation = |people: &[Participant]| {
        people.iter().find(|p| p.role == Role::Requester).and_then(|p| p.organisation.clone())
    };
    let colleagues = organisation(&of_a).is_some_and(|one| Some(one) == organisation(&of_b));
    !known && !colleagues
}
