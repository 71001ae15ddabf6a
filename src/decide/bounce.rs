//! A bounce or feedback report about a mail of ours: mark the row, show it in the ticket, tell the
//! agents when it was their answer. Never opens a ticket, never causes a mail to a customer.

use crate::domain::effect::{Decision, Effect, Reason, Subject};
use crate::domain::facts::MessageFacts;
use crate::domain::message::MessageClass;
use crate::domain::ticket::{Actor, ArticleKind, SentRow, TicketSnapshot, TicketState};

use super::clocks;
use super::notify::{self, News};
use super::open;
use super::scene::{Incoming, Scene};

/// The report speaks of this row.
pub fn matched(incoming: Incoming<'_>, row: SentRow, ticket: &TicketSnapshot, scene: Scene<'_>) -> Decision {
    let report = incoming.mail.bounce.as_ref();
    let failed = incoming.mail.class == Some(MessageClass::Bounce);
    let permanent = failed && report.is_none_or(|r| r.permanent != Some(false));
    let mut article =
        open::article(incoming, &MessageFacts { folder_responds: true, ..MessageFacts::default() }, scene);
    article.kind = ArticleKind::Auto;
    article.flags.push("bounce");
    let mut effects = vec![Effect::AddArticle(Box::new(article))];
    if failed {
        effects.push(Effect::MarkBounced {
            outbox: row.outbox,
            permanent,
            status: report.and_then(|r| r.recipients.iter().find_map(|f| f.status.clone())),
        });
    }
    if permanent && row.answer {
        // The customer never read it: the desk owes the next step again.
        if !ticket.state.ended() && ticket.state != TicketState::Open {
            effects.push(Effect::SetState(TicketState::Open));
        }
        effects.push(Effect::SetDue(clocks::next_due(&ticket.clocks)));
        let news = News {
            event: "bounced",
            subject: &incoming.redacted.subject,
            text: &incoming.redacted.visible,
            priority: ticket.priority,
            due: clocks::next_due(&ticket.clocks),
            reasons: Vec::new(),
            attachments: &[],
        };
        effects.extend(notify::agents(&news, ticket.assignee.as_ref(), scene.desk, scene.policy));
    }
    effects.push(Effect::SetLedger {
        ledger: incoming.ledger,
        state: crate::domain::effect::LedgerState::Committed,
        reason: "bounce_matched",
        duplicate_of: None,
    });
    Decision {
        subject: Subject::Existing(ticket.id, ticket.version),
        effects,
        reasons: vec![Reason::code("bounce_matched")],
        action: "joined",
        actor: Actor::System,
        at: scene.now,
    }
}
