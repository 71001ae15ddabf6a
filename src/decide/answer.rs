//! What an agent says to the customer, or about them: answer, note, resolve, close. Only a public text
//! can become customer mail, and none that still holds a piece of a notification (L24). Notices
//! without words pass the governor like every automatic mail (L14).

use crate::domain::agent_mail::words_above_marker;
use crate::domain::command::Refusal;
use crate::domain::desk::CustomerNotice;
use crate::domain::effect::{Effect, NewArticle};
use crate::domain::facts::CommandFacts;
use crate::domain::ids::AgentName;
use crate::domain::message::Grade;
use crate::domain::outgoing::{Notice, Outgoing, PublicText, Recipient, Suppression};
use crate::domain::text::{RawText, RedactedText};
use crate::domain::ticket::{
    ArticleKind, ClockKind, ClockState, CloseReason, Role, TicketClock, TicketSnapshot, TicketState,
};
use crate::domain::token;

use super::clocks::{self, promise};
use super::respond::{may_notify, never};
use super::scene::Scene;
use super::status::Standing;
use super::warn;

/// What an agent answers.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// As the customer reads it.
    pub text: &'a PublicText,
    /// As agents see it.
    pub redacted: &'a RedactedText,
    /// The ticket is held for solved by the same mail.
    pub resolve: bool,
}

/// Answers every customer of the ticket.
pub fn reply(
    facts: &CommandFacts,
    scene: Scene<'_>,
    words: Words<'_>,
) -> Result<(&'static str, Vec<Effect>), Refusal> {
    let ticket = &facts.ticket;
    if words.text.expose().trim().is_empty() {
        return Err(Refusal::Empty);
    }
    // A marker or a token in the words means that a piece of the notification is still there.
    let said = words.text.expose();
    if words_above_marker(said) != said.trim_end() || holds_token(said) {
        return Err(Refusal::Leak);
    }
    if !words.resolve && owes_estimate(ticket, scene) {
        return Err(Refusal::Estimate);
    }
    let state = ticket.state.answered(scene.now)?;
    let state = if words.resolve { state.resolve(scene.now)? } else { state };
    let agent_name = display_name(facts.agent.as_ref(), scene);
    let notice = || {
        // The agent's words go out in any case; that the ticket is solved is told where the desk tells it.
        if words.resolve && scene.desk.tells(CustomerNotice::Resolved) {
            Notice::Resolved { text: Some(words.text.clone()), agent_name: agent_name.clone() }
        } else {
            Notice::Answer { text: words.text.clone(), agent_name: agent_name.clone(), eta: ticket.eta }
        }
    };
    let mails: Vec<Effect> = customers(facts, scene, None, notice);
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
        Effect::SetDue(warn::next_look(&clocks, promise, scene.now)),
        Effect::SetClocks(clocks),
    ];
    if ticket.assignee.is_none() && facts.agent.is_some() {
        effects.push(Effect::Assign(facts.agent.clone()));
    }
    effects.extend(mails);
    Ok((if words.resolve { "resolved" } else { "answered" }, effects))
}

/// The first answer to this kind of request owes an estimated day of resolution, and has none.
fn owes_estimate(ticket: &TicketSnapshot, scene: Scene<'_>) -> bool {
    let owed = ticket.category.as_ref().is_some_and(|kind| scene.desk.eta.contains(kind));
    let met = |clock: &TicketClock| {
        clock.kind == ClockKind::Response && matches!(clock.state, ClockState::Met { .. })
    };
    owed && ticket.eta.is_none() && !ticket.clocks.iter().any(met)
}

/// Something as long as a token, of a token's letters: an agent's private address in an attribution.
fn holds_token(text: &str) -> bool {
    let base32 = |c: char| c.is_ascii_alphabetic() || matches!(c, '2'..='7');
    text.split(|c: char| !base32(c)).any(|piece| piece.len() == token::LENGTH)
}

/// Word of ours that follows an agent's act, where the desk tells it: never to whom no automatic mail
/// may go.
pub fn notices(
    facts: &CommandFacts,
    scene: Scene<'_>,
    switch: CustomerNotice,
    notice: impl Fn() -> Notice,
) -> Vec<Effect> {
    if facts.ticket.imported || facts.ticket.restricted || !scene.desk.tells(switch) {
        return Vec::new();
    }
    let never = never(facts.never_notify.as_deref());
    let suppressed = may_notify(never, facts.counts, &scene.policy.governor).err();
    customers(facts, scene, suppressed, notice)
}

/// One row per recipient: the requester and the others of the first mail.
fn customers(
    facts: &CommandFacts,
    scene: Scene<'_>,
    suppressed: Option<Suppression>,
    notice: impl Fn() -> Notice,
) -> Vec<Effect> {
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
                suppressed,
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

/// A note that stays inside.
pub fn note(
    facts: &CommandFacts,
    scene: Scene<'_>,
    redacted: &RedactedText,
    text: &RawText,
) -> Result<Vec<Effect>, Refusal> {
    if text.is_blank() {
        return Err(Refusal::Empty);
    }
    let article = NewArticle { kind: ArticleKind::Internal, ..ours(facts, scene, redacted, text.expose()) };
    Ok(vec![Effect::AddArticle(Box::new(article))])
}

/// Holds the ticket for solved, without words.
pub fn resolve(facts: &CommandFacts, scene: Scene<'_>) -> Result<Vec<Effect>, Refusal> {
    let ticket = &facts.ticket;
    if matches!(ticket.state, TicketState::Resolved { .. }) {
        // The customer was told; a second notice says nothing.
        return Err(Refusal::NotAllowed("the ticket is resolved already"));
    }
    let state = ticket.state.resolve(scene.now)?;
    let clocks = clocks::ended(&ticket.clocks, scene.now);
    let agent_name = display_name(facts.agent.as_ref(), scene);
    let mut effects = vec![Effect::SetState(state), Effect::SetClocks(clocks), Effect::SetDue(None)];
    effects.extend(notices(facts, scene, CustomerNotice::Resolved, || Notice::Resolved {
        text: None,
        agent_name: agent_name.clone(),
    }));
    Ok(effects)
}

/// Ends the ticket.
pub fn close(facts: &CommandFacts, scene: Scene<'_>) -> Result<Vec<Effect>, Refusal> {
    let ticket = &facts.ticket;
    let state = ticket.state.close(scene.now, CloseReason::Agent)?;
    let clocks = clocks::ended(&ticket.clocks, scene.now);
    let reopen_until = scene.now + chrono::Duration::days(i64::from(scene.desk.reopen_days));
    let mut effects = vec![Effect::SetState(state), Effect::SetClocks(clocks), Effect::SetDue(None)];
    effects.extend(notices(facts, scene, CustomerNotice::Closed, || Notice::Closed {
        reopen_until,
        no_answer: false,
    }));
    Ok(effects)
}

/// How the work goes on, where the desk tells it.
pub fn progress(facts: &CommandFacts, scene: Scene<'_>, standing: Standing<'_>) -> Vec<Effect> {
    let due = clocks::next_due(standing.clocks);
    notices(facts, scene, CustomerNotice::Progress, || Notice::Progress {
        state: standing.state,
        priority: standing.priority,
        due,
        eta: facts.ticket.eta,
    })
}

/// The customers learn that a person works on the ticket, the first time that one does; a desk that
/// does not name the person says that the work goes on.
pub fn assigned(agent: &AgentName, facts: &CommandFacts, scene: Scene<'_>) -> Vec<Effect> {
    if facts.ticket.assignee.is_some() || facts.ticket.state.ended() {
        return Vec::new();
    }
    if !scene.desk.tells(CustomerNotice::Assigned) {
        let ticket = &facts.ticket;
        let standing =
            Standing { state: TicketState::Open, priority: ticket.priority, clocks: &ticket.clocks };
        return progress(facts, scene, standing);
    }
    let agent_name = display_name(Some(agent), scene);
    notices(facts, scene, CustomerNotice::Assigned, || Notice::Assigned { agent_name: agent_name.clone() })
}

fn display_name(agent: Option<&AgentName>, scene: Scene<'_>) -> String {
    agent
        .and_then(|name| scene.policy.directory.agents.get(name))
        .map_or_else(|| scene.desk.from_name.clone(), |a| a.display_name.clone())
}
