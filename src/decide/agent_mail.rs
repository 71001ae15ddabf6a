//! A mail that claims to be an agent's (L22): it acts only if everything holds: the account's own
//! evidence says pass, exactly one From, a registered agent of the desk, that agent's own signed
//! token for this ticket, and no other Reply-To. Else it is held for a person, and nothing moves.

use crate::domain::desk::DeskClass;
use crate::domain::directory::Agent;
use crate::domain::effect::{Decision, Effect, Reason, Subject};
use crate::domain::facts::{Candidate, CommandFacts, Hint, MessageFacts};
use crate::domain::message::{Grade, Language, MessageClass, RobotSign};
use crate::domain::outgoing::{Notice, Outgoing, Recipient};
use crate::domain::ticket::{Actor, TicketSnapshot};
use crate::domain::token::{Purpose, Token};

use super::on_message::{Aside, aside};
use super::open;
use super::orders::carry_out;
use super::scene::{Incoming, Scene};
use super::thread::{Threading, thread};

/// The decision when the mail claims to be an agent's; `None` when it is no agent's mail at all.
pub fn decide(incoming: Incoming<'_>, facts: &MessageFacts, scene: Scene<'_>) -> Option<Decision> {
    let mail = incoming.mail;
    let class = mail.class.unwrap_or(MessageClass::Human);
    if matches!(class, MessageClass::Bounce | MessageClass::Feedback) && facts.sent_row.is_some() {
        return None;
    }
    let token = facts.candidates.iter().find(|c| agent_token(c).is_some());
    let from = mail.from.as_ref();
    let agent = from.and_then(|from| scene.policy.directory.agent_by_address(&from.address));
    // A customer to whom an agent passed the notification on is a customer still.
    let customer = || matches!(thread(mail, facts, &scene.policy.directory), Threading::Joins { .. });
    let Some(candidate) = token else {
        // An agent's address that names a ticket without the agent's token (the CVE's shape).
        let claims =
            agent.is_some_and(|a| a.desks.contains(&scene.desk.name)) && !facts.candidates.is_empty();
        let held = claims && class == MessageClass::Human && !customer();
        return held.then(|| aside(incoming, scene, &Aside::held("agent_without_token")));
    };
    if agent.is_none() && customer() {
        return None;
    }
    match class {
        MessageClass::Human => Some(match proven(incoming, facts, candidate, scene) {
            Ok(agent) => act(incoming, facts, candidate, scene, agent),
            Err(why) => aside(incoming, scene, &Aside::held(why)),
        }),
        // It may be an answer that no customer would ever get: a person looks at it.
        MessageClass::Bulk | MessageClass::Spam | MessageClass::Encrypted => {
            Some(aside(incoming, scene, &Aside::held("agent_unreadable")))
        }
        // An agent's vacation notice or receipt is never an act; on a breach desk it is shown.
        _ if scene.desk.class == DeskClass::Breach => {
            Some(shown_quietly(incoming, facts, &candidate.ticket, scene))
        }
        _ => Some(aside(incoming, scene, &Aside::recorded("agent_automatic"))),
    }
}

fn agent_token(candidate: &Candidate) -> Option<Token> {
    match candidate.hint {
        Hint::Token(token) if token.purpose == Purpose::Agent => Some(token),
        _ => None,
    }
}

/// Stands in the ticket, moves nothing and tells nobody: word to the agents would be answered by the
/// same vacation notice again.
fn shown_quietly(
    incoming: Incoming<'_>,
    facts: &MessageFacts,
    ticket: &TicketSnapshot,
    scene: Scene<'_>,
) -> Decision {
    Decision {
        subject: Subject::Existing(ticket.id, ticket.version),
        effects: vec![
            Effect::AddArticle(Box::new(open::article(incoming, facts, scene))),
            Effect::SetLedger {
                ledger: incoming.ledger,
                state: Incoming::in_ticket(facts.oversize),
                reason: "agent_automatic",
                duplicate_of: None,
            },
        ],
        reasons: vec![Reason::code("agent_automatic")],
        action: "joined",
        actor: Actor::System,
        at: scene.now,
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
    let token = agent_token(candidate).ok_or("agent_without_token")?;
    if mail.authentication.grade != Grade::Pass || mail.from_count != 1 {
        return Err("agent_unproven");
    }
    // A header that only robots write: an act needs a person.
    let robots = [RobotSign::NullPath, RobotSign::AutoSubmitted, RobotSign::Report, RobotSign::Loop];
    if mail.robot.iter().any(|sign| robots.contains(sign)) {
        return Err("agent_robot");
    }
    let agent = scene.policy.directory.agent_by_address(&from.address).ok_or("agent_unknown")?;
    if !agent.desks.contains(&scene.desk.name) || candidate.ticket.desk != scene.desk.name {
        return Err("agent_of_other_desk");
    }
    let own = candidate.ticket.participants.iter().find(|p| p.no == token.participant);
    if own.is_none_or(|p| Some(p.key) != facts.sender) {
        return Err("agent_token_of_another");
    }
    let identity = from.address.identity();
    if mail.reply_to.iter().any(|m| m.address.identity() != identity) {
        return Err("agent_reply_to");
    }
    if facts.history {
        return Err("agent_history");
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
        other: facts.other.clone(),
        last_inbound: facts.last_inbound.clone(),
        never_notify: facts.never_notify.clone(),
        counts: facts.counts,
    };
    let actor = Actor::Agent(agent.name.clone());
    let mut decision = match carry_out(incoming, &command_facts, scene, &actor) {
        Ok(decision) => decision,
        Err(refusal) => {
            Decision { action: "refused", ..told(incoming, candidate, scene, (agent, &refusal.to_string())) }
        }
    };
    let answered =
        decision.effects.iter().any(|e| matches!(e, Effect::Enqueue(mail) if !mail.notice.automatic()));
    if answered && mail_attachments(incoming) {
        let why = "your words went to the customer; your attachments did not, which cannot be sent yet";
        decision.effects.extend(told(incoming, candidate, scene, (agent, why)).effects);
    }
    decision.effects.push(Effect::SetLedger {
        ledger: incoming.ledger,
        state: Incoming::in_ticket(facts.oversize),
        reason: decision.action,
        duplicate_of: None,
    });
    decision
}

fn mail_attachments(incoming: Incoming<'_>) -> bool {
    incoming.mail.attachments.iter().any(|a| !a.inline)
}

/// The agent is told what was not done; the ticket stays as it was.
fn told(
    incoming: Incoming<'_>,
    candidate: &Candidate,
    scene: Scene<'_>,
    (agent, why): (&Agent, &str),
) -> Decision {
    let ticket = &candidate.ticket;
    Decision {
        subject: Subject::Existing(ticket.id, ticket.version),
        effects: vec![Effect::Enqueue(Box::new(Outgoing {
            notice: Notice::AgentRefusal { agent: agent.name.clone(), why: why.to_owned() },
            to: Recipient::Agent(agent.name.clone(), agent.address.clone()),
            language: agent.languages.first().copied().unwrap_or(Language::En),
            in_reply_to: incoming.mail.message_id.clone(),
            suppressed: None,
        }))],
        reasons: vec![Reason::with("command_refused", why)],
        action: "refused",
        actor: Actor::Agent(agent.name.clone()),
        at: scene.now,
    }
}
