//! A mail that claims to be an agent's (L22): it acts only if everything holds: the account's own
//! evidence says pass, exactly one From, a registered agent of the desk, that agent's own signed
//! token for this ticket, and no other Reply-To. Else it is held for a person, and nothing moves.

use crate::domain::agent_mail::{self as words, AgentCommand};
use crate::domain::command::{Command, Refusal};
use crate::domain::directory::Agent;
use crate::domain::effect::{Decision, Effect, LedgerState, Reason};
use crate::domain::facts::{Candidate, CommandFacts, Hint, MessageFacts};
use crate::domain::ids::AgentName;
use crate::domain::message::{Grade, MessageClass};
use crate::domain::outgoing::{Notice, Outgoing, PublicText, Recipient};
use crate::domain::text::RawText;
use crate::domain::ticket::{Actor, Role, TicketSnapshot};
use crate::domain::token::Purpose;

use super::on_command::on_command;
use super::on_message::{Aside, aside};
use super::scene::{Incoming, Scene};

/// The decision when the mail carries an agent's token; `None` when it is no agent's mail at all.
pub fn decide(incoming: Incoming<'_>, facts: &MessageFacts, scene: Scene<'_>) -> Option<Decision> {
    let candidate = facts
        .candidates
        .iter()
        .find(|c| matches!(c.hint, Hint::Token(token) if token.purpose == Purpose::Agent))?;
    let class = incoming.mail.class.unwrap_or(MessageClass::Human);
    if matches!(class, MessageClass::Bounce | MessageClass::Feedback) && facts.sent_row.is_some() {
        return None;
    }
    if !matches!(class, MessageClass::Human) {
        // An agent's vacation notice or receipt: kept, never an act.
        return Some(aside(incoming, scene, &Aside::recorded("agent_automatic")));
    }
    match proven(incoming, facts, candidate, scene) {
        Ok(agent) => Some(act(incoming, facts, candidate, scene, agent)),
        Err(why) => Some(aside(incoming, scene, &Aside::held(why))),
    }
}

fn proven<'a>(
    incoming: Incoming<'_>,
    facts: &MessageFacts,
    candidate: &Candidate,
    scene: Scene<'a>,
) -> Result<&'a Agent, &'static str> {
    let mail = incoming.mail;
    let from = mail.from.as_ref().ok_or("agent_without_from")?;
    let Hint::Token(token) = candidate.hint else { return Err("agent_without_token") };
    if mail.authentication.grade != Grade::Pass || mail.from_count != 1 {
        return Err("agent_unproven");
    }
    let agent = scene.policy.directory.agent_by_address(&from.address).ok_or("agent_unknown")?;
    if !agent.desks.contains(&scene.desk.name) {
        return Err("agent_of_other_desk");
    }
    let own = candidate.ticket.participants.iter().find(|p| p.no == token.participant);
    if !own.is_some_and(|p| p.role == Role::Agent && Some(p.key) == facts.sender) {
        return Err("agent_token_of_another");
    }
    let identity = from.address.identity();
    if mail.reply_to.iter().any(|m| m.address.identity() != identity) {
        return Err("agent_reply_to");
    }
    Ok(agent)
}

fn act(
    incoming: Incoming<'_>,
    facts: &MessageFacts,
    candidate: &Candidate,
    scene: Scene<'_>,
    agent: &Agent,
) -> Decision {
    let command_facts = CommandFacts {
        ticket: candidate.ticket.clone(),
        agent: Some(agent.name.clone()),
        other: None,
        last_inbound: facts.last_inbound.clone(),
        counts: facts.counts,
    };
    let actor = Actor::Agent(agent.name.clone());
    let decided = carry_out(incoming, &command_facts, scene, &actor);
    let mut decision = match decided {
        Ok(decision) => decision,
        Err(refusal) => refused(&candidate.ticket, scene, agent, &refusal),
    };
    decision.effects.push(Effect::SetLedger {
        ledger: incoming.ledger,
        state: LedgerState::Committed,
        reason: decision.action,
        duplicate_of: None,
    });
    decision
}

/// Carries out the orders in the order they were written; the words, if any, go with the first
/// order that takes words, else they are the answer.
fn carry_out(
    incoming: Incoming<'_>,
    facts: &CommandFacts,
    scene: Scene<'_>,
    actor: &Actor,
) -> Result<Decision, Refusal> {
    let read = words::read(incoming.mail.visible.expose());
    let redacted = incoming.redacted.visible.part(words::own_words);
    let resolves = read.commands.contains(&AgentCommand::Resolve);
    let has_words = !read.words.trim().is_empty();
    let mut commands = read
        .commands
        .iter()
        .filter_map(|command| ordered(command).transpose())
        .collect::<Result<Vec<_>, _>>()?;
    if read.commands.contains(&AgentCommand::Note) {
        if !has_words {
            return Err(Refusal::Empty);
        }
        commands.push(Command::Note { redacted, text: RawText::new(read.words) });
    } else if has_words {
        commands.push(Command::Reply {
            text: PublicText::from_agent(RawText::new(read.words)),
            redacted,
            resolve: resolves,
        });
    } else if resolves {
        commands.push(Command::Resolve);
    } else if commands.is_empty() {
        return Err(Refusal::Empty);
    }
    all(&commands, facts, scene, actor)
}

/// The command of a command line; `None` for those that say what the words are.
fn ordered(command: &AgentCommand) -> Result<Option<Command>, Refusal> {
    Ok(Some(match command {
        AgentCommand::Note | AgentCommand::Resolve => return Ok(None),
        AgentCommand::Close => Command::Close,
        AgentCommand::Reopen => Command::Reopen,
        AgentCommand::Priority(priority) => Command::Priority(*priority),
        AgentCommand::Assign(name) => Command::Assign(Some(
            AgentName::parse(name).map_err(|_| Refusal::NotAllowed("#assign wants an agent's name"))?,
        )),
        AgentCommand::Unknown(_) => {
            return Err(Refusal::NotAllowed("the first lines hold an unknown # command"));
        }
    }))
}

/// Several commands of one mail: each is decided on the ticket as the one before left it.
fn all(
    commands: &[Command],
    facts: &CommandFacts,
    scene: Scene<'_>,
    actor: &Actor,
) -> Result<Decision, Refusal> {
    let mut facts = facts.clone();
    let mut whole: Option<Decision> = None;
    // An answer goes out before the ticket is ended by the same mail.
    let (last, first): (Vec<&Command>, Vec<&Command>) =
        commands.iter().partition(|c| matches!(c, Command::Close));
    for command in first.into_iter().chain(last) {
        let decision = on_command(command, &facts, scene, actor.clone())?;
        after(&mut facts.ticket, &decision);
        match &mut whole {
            None => whole = Some(decision),
            Some(whole) => {
                whole.effects.extend(decision.effects);
                whole.reasons.extend(decision.reasons);
                whole.action = decision.action;
            }
        }
    }
    whole.ok_or(Refusal::Empty)
}

fn after(ticket: &mut TicketSnapshot, decision: &Decision) {
    for effect in &decision.effects {
        match effect {
            Effect::SetState(state) => ticket.state = *state,
            Effect::SetPriority(priority) => ticket.priority = *priority,
            Effect::SetClocks(clocks) => ticket.clocks.clone_from(clocks),
            Effect::Assign(agent) => ticket.assignee.clone_from(agent),
            _ => {}
        }
    }
}

/// The agent is told why; the ticket stays as it was.
fn refused(ticket: &TicketSnapshot, scene: Scene<'_>, agent: &Agent, refusal: &Refusal) -> Decision {
    Decision {
        subject: crate::domain::effect::Subject::Existing(ticket.id, ticket.version),
        effects: vec![Effect::Enqueue(Box::new(Outgoing {
            notice: Notice::AgentRefusal { agent: agent.name.clone(), why: refusal.to_string() },
            to: Recipient::Agent(agent.name.clone(), agent.address.clone()),
            language: agent.languages.first().copied().unwrap_or(crate::domain::message::Language::En),
            in_reply_to: None,
            suppressed: None,
        }))],
        reasons: vec![Reason::with("command_refused", refusal.to_string())],
        action: "refused",
        actor: Actor::Agent(agent.name.clone()),
        at: scene.now,
    }
}
