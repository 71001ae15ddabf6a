//! The orders of an agent's mail, once the agent is proven: command lines first, words above the
//! quotation after. All of them are carried out, or none.

use crate::domain::agent_mail::{self as words, AgentCommand};
use crate::domain::command::{Command, Refusal};
use crate::domain::effect::{Decision, Effect};
use crate::domain::facts::CommandFacts;
use crate::domain::ids::AgentName;
use crate::domain::outgoing::PublicText;
use crate::domain::text::RawText;
use crate::domain::ticket::{Actor, TicketSnapshot};

use super::on_command::on_command;
use super::scene::{Incoming, Scene};

/// Carries out the orders in the order they were written; the words, if any, go with the first
/// order that takes words, else they are the answer.
pub fn carry_out(
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
        AgentCommand::Eta(day) => Command::Eta(*day),
        AgentCommand::Update(span) => Command::Cadence(*span),
        AgentCommand::Merge(_) => Command::Merge { force: false },
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
    let ends = |c: &&Command| matches!(c, Command::Close | Command::Merge { .. });
    let (last, first): (Vec<&Command>, Vec<&Command>) = commands.iter().partition(ends);
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
            Effect::SetCadence(span) => ticket.cadence = *span,
            Effect::SetEta(day) => ticket.eta = Some(*day),
            Effect::MergeInto(other) => ticket.merged_into = Some(*other),
            _ => {}
        }
    }
}
