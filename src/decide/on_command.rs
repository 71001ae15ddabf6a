//! A person acts on a ticket: by mail (once proven) or at the command line. Gives the decision, or
//! the refusal in the words of the one who must act. Only a public text can become customer mail.

use crate::domain::agent_mail::words_above_marker;
use crate::domain::command::{Command, Refusal};
use crate::domain::desk::Desk;
use crate::domain::effect::{Decision, Effect, NewArticle, Reason, Subject};
use crate::domain::facts::CommandFacts;
use crate::domain::ids::AgentName;
use crate::domain::message::Grade;
use crate::domain::outgoing::{Notice, Outgoing, PublicText, Recipient};
use crate::domain::policy::Policy;
use crate::domain::text::{RawText, RedactedText};
use crate::domain::ticket::{Actor, ArticleKind, CloseReason, Role, TicketSnapshot, TicketState};

use super::clocks::{self, Promise};
use super::scene::Scene;

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
    let (action, effects) = match command {
        Command::Reply { text, redacted, resolve } => {
            reply(facts, scene, Words { text, redacted, resolve: *resolve })?
        }
        Command::Note { redacted, text } => ("noted", vec![note(facts, scene, redacted, text)]),
        Command::Resolve => ("resolved", resolve(facts, scene)?),
        Command::Assign(agent) => ("assigned", assign(agent.as_ref(), ticket, scene.policy)?),
        Command::Priority(priority) => {
            let clocks =
                super::hours::clocks(scene.desk, *priority, ticket.category.as_ref(), ticket.opened_at);
            let clocks = clocks::kept(&ticket.clocks, clocks);
            let due = clocks::next_due(&clocks);
            (
                "prioritised",
                vec![Effect::SetPriority(*priority), Effect::SetClocks(clocks), Effect::SetDue(due)],
            )
        }
        Command::Close => ("closed", close(facts, scene)?),
        Command::Reopen => ("reopened", reopen(ticket, scene)?),
        Command::Merge => ("merged", merge(facts, scene)?),
        Command::Move(desk) => ("moved", move_to(ticket, desk, facts.agent.as_ref(), scene)?),
    };
    Ok(Decision {
        subject: Subject::Existing(ticket.id, ticket.version),
        effects,
        reasons: vec![Reason::code(action)],
        action,
        actor,
        at: scene.now,
    })
}

#[derive(Clone, Copy)]
struct Words<'a> {
    text: &'a PublicText,
    redacted: &'a RedactedText,
    resolve: bool,
}

fn reply(
    facts: &CommandFacts,
    scene: Scene<'_>,
    words: Words<'_>,
) -> Result<(&'static str, Vec<Effect>), Refusal> {
    let ticket = &facts.ticket;
    if words.text.expose().trim().is_empty() {
        return Err(Refusal::Empty);
    }
    // A marker in the words means that a piece of the notification is still there.
    if words_above_marker(words.text.expose()) != words.text.expose().trim_end() {
        return Err(Refusal::Leak);
    }
    let state = ticket.state.answered(scene.now)?;
    let state = if words.resolve { state.resolve(scene.now)? } else { state };
    let agent_name = display_name(facts.agent.as_ref(), scene);
    let notice = || {
        if words.resolve {
            Notice::Resolved { text: Some(words.text.clone()), agent_name: agent_name.clone() }
        } else {
            Notice::Answer { text: words.text.clone(), agent_name: agent_name.clone() }
        }
    };
    let mails: Vec<Effect> = customers(facts, scene, notice);
    if mails.is_empty() {
        return Err(Refusal::NoRequester);
    }
    let promise = promise(ticket, scene.desk);
    let clocks = clocks::answered(&ticket.clocks, promise, scene.now);
    let clocks = if words.resolve { clocks::ended(&clocks, scene.now) } else { clocks };
    let mut effects = vec![
        Effect::AddArticle(Box::new(ours(facts, scene, words.redacted, words.text.expose()))),
        Effect::SetState(state),
        Effect::SetReminded(None),
        Effect::SetDue(clocks::next_due(&clocks)),
        Effect::SetClocks(clocks),
    ];
    if ticket.assignee.is_none() && facts.agent.is_some() {
        effects.push(Effect::Assign(facts.agent.clone()));
    }
    effects.extend(mails);
    Ok((if words.resolve { "resolved" } else { "answered" }, effects))
}

/// One row per recipient: the requester and the others of the first mail.
fn customers(facts: &CommandFacts, scene: Scene<'_>, notice: impl Fn() -> Notice) -> Vec<Effect> {
    facts
        .ticket
        .participants
        .iter()
        .filter(|p| p.role != Role::Agent)
        .map(|p| {
            Effect::Enqueue(Box::new(Outgoing {
                notice: notice(),
                to: Recipient::Participant(p.no),
                language: scene.desk.language(Some(facts.ticket.language)),
                in_reply_to: facts.last_inbound.clone(),
                suppressed: None,
            }))
        })
        .collect()
}

fn ours(facts: &CommandFacts, scene: Scene<'_>, redacted: &RedactedText, clear: &str) -> NewArticle {
    NewArticle {
        inbound: false,
        kind: ArticleKind::Public,
        class: None,
        from: facts.agent.as_ref().and_then(|name| scene.policy.directory.agents.get(name)).map(|a| {
            crate::domain::address::Mailbox { name: Some(a.display_name.clone()), address: a.address.clone() }
        }),
        message_id: None,
        at: scene.now,
        grade: Grade::Pass,
        text: redacted.clone(),
        elided: RedactedText::default(),
        html: None,
        clear: Some(RawText::new(clear)),
        attachments: Vec::new(),
        fields: Vec::new(),
        flags: Vec::new(),
        ledger: None,
    }
}

fn note(facts: &CommandFacts, scene: Scene<'_>, redacted: &RedactedText, text: &RawText) -> Effect {
    let article = NewArticle { kind: ArticleKind::Internal, ..ours(facts, scene, redacted, text.expose()) };
    Effect::AddArticle(Box::new(article))
}

fn resolve(facts: &CommandFacts, scene: Scene<'_>) -> Result<Vec<Effect>, Refusal> {
    let ticket = &facts.ticket;
    let state = ticket.state.resolve(scene.now)?;
    let clocks = clocks::ended(&ticket.clocks, scene.now);
    let agent_name = display_name(facts.agent.as_ref(), scene);
    let mut effects = vec![Effect::SetState(state), Effect::SetClocks(clocks), Effect::SetDue(None)];
    if !ticket.imported {
        effects.extend(customers(facts, scene, || Notice::Resolved {
            text: None,
            agent_name: agent_name.clone(),
        }));
    }
    Ok(effects)
}

fn close(facts: &CommandFacts, scene: Scene<'_>) -> Result<Vec<Effect>, Refusal> {
    let ticket = &facts.ticket;
    let state = ticket.state.close(scene.now, CloseReason::Agent)?;
    let clocks = clocks::ended(&ticket.clocks, scene.now);
    let reopen_until = scene.now + chrono::Duration::days(i64::from(scene.desk.reopen_days));
    let mut effects = vec![Effect::SetState(state), Effect::SetClocks(clocks), Effect::SetDue(None)];
    if !ticket.imported && !ticket.restricted {
        effects.extend(customers(facts, scene, || Notice::Closed { reopen_until, no_answer: false }));
    }
    Ok(effects)
}

fn reopen(ticket: &TicketSnapshot, scene: Scene<'_>) -> Result<Vec<Effect>, Refusal> {
    let state = ticket.state.reopen()?;
    let clocks = clocks::resumed(&ticket.clocks, promise(ticket, scene.desk), scene.now);
    let due = clocks::next_due(&clocks);
    Ok(vec![
        Effect::SetState(state),
        Effect::SetReminded(None),
        Effect::SetClocks(clocks),
        Effect::SetDue(due),
    ])
}

fn assign(
    agent: Option<&AgentName>,
    ticket: &TicketSnapshot,
    policy: &Policy,
) -> Result<Vec<Effect>, Refusal> {
    if let Some(name) = agent
        && policy.directory.agent_of_desk(name, &ticket.desk).is_none()
    {
        return Err(Refusal::NotAllowed("that agent does not work for this desk; see directory.toml"));
    }
    let mut effects = vec![Effect::Assign(agent.cloned())];
    if ticket.state == TicketState::New && agent.is_some() {
        effects.push(Effect::SetState(TicketState::Open));
    }
    Ok(effects)
}

fn merge(facts: &CommandFacts, scene: Scene<'_>) -> Result<Vec<Effect>, Refusal> {
    let ticket = &facts.ticket;
    if ticket.restricted {
        return Err(Refusal::Restricted("merged"));
    }
    let other = facts.other.as_ref().ok_or(Refusal::Merge)?;
    if other.id == ticket.id || other.merged_into.is_some() || other.restricted || other.desk != ticket.desk {
        return Err(Refusal::Merge);
    }
    let state = match ticket.state {
        TicketState::Closed { reason: CloseReason::Merged, .. } => return Err(Refusal::Merge),
        TicketState::Closed { .. } => TicketState::Closed { at: scene.now, reason: CloseReason::Merged },
        state => state.close(scene.now, CloseReason::Merged)?,
    };
    let clocks = clocks::ended(&ticket.clocks, scene.now);
    Ok(vec![
        Effect::MergeInto(other.id),
        Effect::SetState(state),
        Effect::SetClocks(clocks),
        Effect::SetDue(None),
    ])
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
    let clocks = super::hours::clocks(target, ticket.priority, ticket.category.as_ref(), ticket.opened_at);
    let clocks = clocks::kept(&ticket.clocks, clocks);
    let due = clocks::next_due(&clocks);
    Ok(vec![
        Effect::MoveTo(desk.clone()),
        Effect::Assign(None),
        Effect::SetClocks(clocks),
        Effect::SetDue(due),
    ])
}

fn promise<'a>(ticket: &'a TicketSnapshot, desk: &'a Desk) -> Promise<'a> {
    Promise { desk, priority: ticket.priority, category: ticket.category.as_ref() }
}

fn display_name(agent: Option<&AgentName>, scene: Scene<'_>) -> String {
    agent
        .and_then(|name| scene.policy.directory.agents.get(name))
        .map_or_else(|| scene.desk.from_name.clone(), |a| a.display_name.clone())
}
