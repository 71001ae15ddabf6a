//! Mail to agents: who is told, and of what. The limiter never stops it (L17).

use crate::domain::desk::Desk;
use crate::domain::directory::Agent;
use crate::domain::effect::Effect;
use crate::domain::ids::AgentName;
use crate::domain::message::{Attachment, Instant, Language, RedactedAttachment};
use crate::domain::outgoing::{Notice, Outgoing, PassedFile, Recipient};
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
    /// The same, as they may be named and sent along.
    pub named: &'a [RedactedAttachment],
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
                    attachments: news.attachments.iter().zip(news.named).map(describe).collect(),
                    files: files(news, desk, agent),
                },
                to: Recipient::Agent(agent.name.clone(), agent.address.clone()),
                language: agent.languages.first().copied().unwrap_or(Language::En),
                in_reply_to: None,
                suppressed: None,
            }))
        })
        .collect()
}

/// What goes along to this agent: what the desk's rule let pass, where it reaches them.
fn files(news: &News<'_>, desk: &Desk, agent: &Agent) -> Vec<PassedFile> {
    if !desk.custody.attachments.reaches(agent.address.domain()) {
        return Vec::new();
    }
    let passed = news.attachments.iter().zip(news.named);
    passed
        .filter_map(|(attachment, named)| {
            Some(PassedFile {
                name: named.name.clone(),
                media_type: attachment.detected_type.as_ref().unwrap_or(&attachment.declared_type).clone(),
                octets: named.passed.clone()?,
            })
        })
        .collect()
}

/// Redacted name, type, size, flags and label.
fn describe((attachment, named): (&Attachment, &RedactedAttachment)) -> String {
    let kind = attachment.detected_type.as_deref().unwrap_or(&attachment.declared_type);
    let kib = attachment.size.div_ceil(1024);
    let flags = if attachment.flags.is_empty() {
        String::new()
    } else {
        format!(" ({})", attachment.flags.join(", "))
    };
    let label = named.label.codes().map(|code| code.replace([':', '_'], " "));
    let label = label.collect::<Vec<_>>().join(", ");
    format!("{} - {kind}, {kib} KiB{flags}: {label}", named.name.as_str())
}
