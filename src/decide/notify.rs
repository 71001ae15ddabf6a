//! Mail to agents: who is told, and of what. The limiter never stops it (L17).

use crate::domain::desk::Desk;
use crate::domain::effect::Effect;
use crate::domain::ids::AgentName;
use crate::domain::message::{Attachment, Instant, Language};
use crate::domain::outgoing::{Notice, Outgoing, Recipient};
use crate::domain::policy::Policy;
use crate::domain::text::RedactedText;
use crate::domain::ticket::Priority;

/// What agents are told of.
#[derive(Debug, Clone)]
pub struct News<'a> {
    /// A code: `new`, `reply`, `reopened`, `follow_up`, `new_sender`, `bounced`, `missed`.
    pub event: &'static str,
    /// Redacted subject.
    pub subject: &'a RedactedText,
    /// Redacted text.
    pub text: &'a RedactedText,
    /// The ticket's priority.
    pub priority: Priority,
    /// The nearest deadline.
    pub due: Option<Instant>,
    /// Why the priority is what it is.
    pub reasons: Vec<String>,
    /// Attachments of the message.
    pub attachments: &'a [Attachment],
}

/// The assignee where there is one, else every agent of the desk.
pub fn agents(news: &News<'_>, assignee: Option<&AgentName>, desk: &Desk, policy: &Policy) -> Vec<Effect> {
    let told: Vec<&AgentName> = match assignee {
        Some(agent) if policy.directory.agent_of_desk(agent, &desk.name).is_some() => vec![agent],
        _ => desk.agents.iter().collect(),
    };
    told.into_iter()
        .filter_map(|name| policy.directory.agent_of_desk(name, &desk.name))
        .map(|agent| {
            Effect::Enqueue(Box::new(Outgoing {
                notice: Notice::AgentNotification {
                    agent: agent.name.clone(),
                    event: news.event,
                    text: news.text.clone(),
                    subject: news.subject.clone(),
                    priority: news.priority,
                    due: news.due,
                    reasons: news.reasons.clone(),
                    attachments: news.attachments.iter().map(describe).collect(),
                },
                to: Recipient::Agent(agent.name.clone(), agent.address.clone()),
                language: agent.languages.first().copied().unwrap_or(Language::En),
                in_reply_to: None,
                suppressed: None,
            }))
        })
        .collect()
}

/// "type, size" and flags; never the name, which may hold a patient's.
fn describe(attachment: &Attachment) -> String {
    let kind = attachment.detected_type.as_deref().unwrap_or(&attachment.declared_type);
    let kib = attachment.size.div_ceil(1024);
    let flags = if attachment.flags.is_empty() {
        String::new()
    } else {
        format!(" ({})", attachment.flags.join(", "))
    };
    format!("{kind}, {kib} KiB{flags}")
}
