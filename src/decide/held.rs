//! Mail of someone who may not open tickets at a desk: it is held for review, the sender is told so
//! politely (through the governor), the agents are told what waits. Nothing is lost: released by a
//! person it opens its ticket, with clocks from its arrival.

use crate::domain::desk::{DeskClass, Submitters};
use crate::domain::effect::{Decision, Effect, LedgerState, Reason, Subject};
use crate::domain::facts::MessageFacts;
use crate::domain::message::{Grade, Language};
use crate::domain::outgoing::{Notice, Outgoing, Recipient};
use crate::domain::ticket::Actor;

use super::respond;
use super::scene::{Incoming, Scene};
use super::shown::Shown;

/// Why such mail waits, as the ledger says.
pub const REASON: &str = "not_registered";

/// The decision for mail that may not open a ticket; `None` where it may. History opens its ticket
/// (L15), and a breach desk takes reports of anyone.
pub fn instead(incoming: Incoming<'_>, facts: &MessageFacts, scene: Scene<'_>) -> Option<Decision> {
    let open = scene.desk.submitters == Submitters::Anyone || scene.desk.class == DeskClass::Breach;
    if open || incoming.released || facts.history || admitted(incoming, scene) {
        return None;
    }
    let mut effects: Vec<Effect> = word_to_sender(incoming, facts, scene).into_iter().collect();
    if respond::from_robot(incoming.mail).is_none() {
        effects.extend(word_to_agents(incoming, scene));
    }
    effects.push(Effect::SetLedger {
        ledger: incoming.ledger,
        state: LedgerState::Held,
        reason: REASON,
        duplicate_of: None,
    });
    Some(Decision {
        subject: Subject::Held(scene.desk.name.clone()),
        effects,
        reasons: vec![Reason::code(REASON)],
        action: "held",
        actor: Actor::System,
        at: scene.now,
    })
}

/// A name in the directory is worth nothing to someone who likely forged it.
fn admitted(incoming: Incoming<'_>, scene: Scene<'_>) -> bool {
    let mail = incoming.mail;
    let known = |address| scene.desk.submitters.admit(&scene.policy.directory, address);
    mail.authentication.grade != Grade::Fail && mail.from.as_ref().is_some_and(|from| known(&from.address))
}

fn word_to_sender(incoming: Incoming<'_>, facts: &MessageFacts, scene: Scene<'_>) -> Option<Effect> {
    let sender = incoming.mail.from.clone()?;
    Some(Effect::Enqueue(Box::new(Outgoing {
        notice: Notice::Held { arrived: incoming.arrived },
        to: Recipient::Sender(Box::new(sender)),
        language: scene.desk.language(incoming.mail.language),
        in_reply_to: incoming.mail.message_id.clone(),
        suppressed: respond::to_mail(incoming, facts, scene).err(),
    })))
}

fn word_to_agents(incoming: Incoming<'_>, scene: Scene<'_>) -> Vec<Effect> {
    let shown = Shown::of(incoming, scene);
    let directory = &scene.policy.directory;
    let agents = scene.desk.agents.iter().filter_map(|name| directory.agent_of_desk(name, &scene.desk.name));
    agents
        .map(|agent| {
            Effect::Enqueue(Box::new(Outgoing {
                notice: Notice::Review {
                    agent: agent.name.clone(),
                    ledger: incoming.ledger,
                    subject: shown.subject.clone(),
                    text: shown.visible.clone(),
                    grade: incoming.mail.authentication.grade.as_str(),
                },
                to: Recipient::Agent(agent.name.clone(), agent.address.clone()),
                language: agent.languages.first().copied().unwrap_or(Language::En),
                in_reply_to: None,
                suppressed: None,
            }))
        })
        .collect()
}
