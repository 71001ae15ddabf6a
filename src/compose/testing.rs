//! Every notice once, for the tests.

use chrono::{DateTime, NaiveDate, Utc};

use super::tests::at;
use crate::domain::ids::{AgentName, LedgerId, TicketNumber};
use crate::domain::outgoing::{Notice, PublicText};
use crate::domain::text::RawText;
use crate::domain::ticket::{ClockKind, Priority, TicketState};
use crate::phi::redact::no_customer_text;

pub(super) fn public(text: &str) -> PublicText {
    PublicText::from_agent(RawText::new(text))
}

pub(super) fn received() -> Notice {
    Notice::Received {
        arrived: at(2, 15),
        response_due: Some(at(2, 23)),
        subject: None,
        next_opening: Some(at(3, 14)),
        restricted: false,
        asks: vec!["Instance".into(), "Steps".into()],
        priority: Priority::High,
        resolution_due: Some(at(4, 14)),
        emergency: false,
        standard: None,
    }
}

pub(super) fn notification(text: &str, subject: &str) -> Notice {
    Notice::AgentNotification {
        agent: AgentName::parse("mary").unwrap(),
        event: "reply",
        text: no_customer_text(text),
        subject: no_customer_text(subject),
        priority: Priority::High,
        due: Some(at(3, 14)),
        reasons: vec!["\"cannot log in\" (access)".into(), "many users".into()],
        attachments: vec!["image/png, 34 kB".into(), "application/pdf, 1.2 MB".into()],
        files: Vec::new(),
    }
}

pub(super) fn status(state: TicketState, due: Option<DateTime<Utc>>) -> Notice {
    Notice::Status { state, priority: Priority::High, due }
}

pub(super) fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 20).unwrap()
}

pub(super) fn progress(due: Option<DateTime<Utc>>, eta: Option<NaiveDate>) -> Notice {
    Notice::Progress { state: TicketState::Open, priority: Priority::High, due, eta }
}

pub(super) fn page(proven: bool, second: bool) -> Notice {
    Notice::Page { priority: Priority::Urgent, proven, arrived: at(2, 15), second }
}

pub(super) fn review() -> Notice {
    Notice::Review {
        agent: AgentName::parse("mary").unwrap(),
        ledger: LedgerId::new(uuid::Uuid::from_u128(77)),
        subject: no_customer_text("Viewer fails for [NAME]"),
        text: no_customer_text("It stays black."),
        grade: "none",
    }
}

/// Every notice once, under the name it has in the goldens.
pub(super) fn every_notice() -> Vec<(&'static str, Notice)> {
    let agent_name = || "Mary O'Neil".to_owned();
    let bare = Notice::Received {
        arrived: at(2, 15),
        response_due: None,
        subject: Some(no_customer_text("Viewer fails for [NAME]")),
        next_opening: None,
        restricted: false,
        asks: Vec::new(),
        priority: Priority::Urgent,
        resolution_due: None,
        emergency: true,
        standard: Some("internet-check".into()),
    };
    let restricted = Notice::Received {
        arrived: at(2, 15),
        response_due: Some(at(2, 23)),
        subject: Some(no_customer_text("never shown")),
        next_opening: None,
        restricted: true,
        asks: vec!["never shown".into()],
        priority: Priority::Urgent,
        resolution_due: Some(at(4, 14)),
        emergency: true,
        standard: Some("glosa".into()),
    };
    let words = "Please restart the viewer.\n\nThen tell us: does \"Prior studies\" show <3 entries?";
    vec![
        ("received", received()),
        ("received, no promise, subject allowed", bare),
        ("received, breach desk", restricted),
        ("assigned", Notice::Assigned { agent_name: agent_name() }),
        ("reopened", Notice::Reopened),
        ("status", status(TicketState::Open, Some(at(3, 14)))),
        ("status, waiting for the customer", status(TicketState::Pending { since: at(2, 15) }, None)),
        (
            "escalation",
            Notice::Escalation {
                level: "Level 2: project team".into(),
                priority: Priority::High,
                missed: vec![ClockKind::Response, ClockKind::Update],
                opened_at: at(2, 15),
            },
        ),
        ("answer", Notice::Answer { text: public(words), agent_name: agent_name(), eta: None }),
        (
            "answer, with an estimate",
            Notice::Answer { text: public(words), agent_name: agent_name(), eta: Some(day()) },
        ),
        ("resolved", Notice::Resolved { text: Some(public("Fixed in 4.2.")), agent_name: agent_name() }),
        ("resolved, no words", Notice::Resolved { text: None, agent_name: agent_name() }),
        ("reminder", Notice::Reminder { closes_at: at(5, 14) }),
        ("closed by silence", Notice::Closed { reopen_until: at(19, 14), no_answer: true }),
        ("closed", Notice::Closed { reopen_until: at(19, 14), no_answer: false }),
        ("held", Notice::Held { arrived: at(2, 15) }),
        ("duplicate", Notice::Duplicate { into: TicketNumber::new(98).unwrap() }),
        ("progress", progress(Some(at(3, 14)), Some(day()))),
        ("progress, nothing promised", progress(None, None)),
        ("page", page(true, false)),
        ("page, unproven, second channel", page(false, true)),
        ("page_storm", Notice::PageStorm { pages: 6 }),
        ("review", review()),
        (
            "forward",
            Notice::Forward {
                subject: no_customer_text("Prescription of [NAME]"),
                text: no_customer_text("It cannot be printed."),
                arrived: at(2, 15),
            },
        ),
        ("notification", notification("The viewer fails for [NAME].", "Viewer fails")),
        (
            "refusal",
            Notice::AgentRefusal {
                agent: AgentName::parse("mary").unwrap(),
                why: "there is no command #resolvd".into(),
            },
        ),
    ]
}
