//! What of a message a ticket of the desk may show. A mail that also went to a breach desk shows
//! nothing anywhere else (L11): not in the ticket, not in mail to agents, not as an echo.

use crate::domain::desk::DeskClass;
use crate::domain::message::{Attachment, RedactedAttachment};
use crate::domain::text::{RawText, RedactedText};
use crate::phi;

use super::scene::{Incoming, Scene};

/// The parts that may be shown.
#[derive(Debug, Clone)]
pub struct Shown {
    /// True when the breach desk alone may show the content.
    pub withheld: bool,
    /// Redacted subject.
    pub subject: RedactedText,
    /// Redacted visible text.
    pub visible: RedactedText,
    /// Redacted quotes and signature.
    pub elided: RedactedText,
    /// Redacted, sanitised HTML.
    pub html: Option<RedactedText>,
    /// Attachments, labelled.
    pub attachments: Vec<Attachment>,
    /// Their redacted names, and what goes along to agents.
    pub named: Vec<RedactedAttachment>,
    /// Labelled lines.
    pub fields: Vec<(String, RawText)>,
}

impl Shown {
    /// Weighs who else the message went to.
    pub fn of(incoming: Incoming<'_>, scene: Scene<'_>) -> Self {
        let (mail, redacted) = (incoming.mail, incoming.redacted);
        if withheld(incoming, scene) {
            return Self {
                withheld: true,
                subject: phi::withheld("restricted"),
                visible: phi::withheld("restricted"),
                elided: RedactedText::default(),
                html: None,
                attachments: Vec::new(),
                named: Vec::new(),
                fields: Vec::new(),
            };
        }
        Self {
            withheld: false,
            subject: redacted.subject.clone(),
            visible: redacted.visible.clone(),
            elided: redacted.elided.clone(),
            html: redacted.html.clone(),
            attachments: labelled(&mail.attachments, &redacted.attachments),
            named: redacted.attachments.clone(),
            fields: mail.fields.clone(),
        }
    }
}

fn labelled(attachments: &[Attachment], redacted: &[RedactedAttachment]) -> Vec<Attachment> {
    let labels = redacted.iter().map(|one| Some(one.label.clone())).chain(std::iter::repeat(None));
    attachments.iter().zip(labels).map(|(one, label)| Attachment { label, ..one.clone() }).collect()
}

fn withheld(incoming: Incoming<'_>, scene: Scene<'_>) -> bool {
    let breach = || scene.policy.desks.values().filter(|desk| desk.class == DeskClass::Breach);
    let named = || crate::intake::recipients(incoming.mail).any(|to| breach().any(|desk| desk.owns(to)));
    scene.desk.class != DeskClass::Breach && (incoming.breach_copy || named())
}
