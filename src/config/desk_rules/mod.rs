//! Proof that the shipped desks keep their organisations' rules: each test names desk and line, and
//! reads nothing but the shipped configuration.

mod colombia;
mod every_desk;
mod offsite;
mod rxhealth;
mod tuotempo;
mod unimed;

use chrono::{DateTime, Duration, NaiveDate, Utc};

use crate::decide::on_command::on_command;
use crate::decide::on_tick::on_tick;
use crate::decide::testing::*;
use crate::decide::{clocks, hours};
use crate::domain::command::{Command, Refusal};
use crate::domain::desk::{CustomerNotice, DeskClass};
use crate::domain::effect::{Decision, Effect, Subject};
use crate::domain::facts::{CommandFacts, Hint, RecentTicket, TickFacts, TicketRef};
use crate::domain::ids::{Category, OrganisationName, ParticipantNo, TicketId, TicketNumber};
use crate::domain::message::{Grade, Instant, Language};
use crate::domain::outgoing::{Notice, PublicText};
use crate::domain::policy::Policy;
use crate::domain::span::Span;
use crate::domain::text::RawText;
use crate::domain::ticket::{
    Acknowledgment, Actor, ClockKind, Priority, Role, TicketClock, TicketSnapshot, TicketState,
};
use crate::phi;

/// With a zone: "2026-02-03T09:00:00-06:00".
fn local(text: &str) -> Instant {
    DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
}

fn shipped() -> Policy {
    let loaded = super::embedded(at("06-01 00:00")).map_err(|problems| format!("{problems:?}")).unwrap();
    let mut policy = std::sync::Arc::unwrap_or_clone(loaded.policy);
    policy.governor =
        crate::domain::policy::Governor { per_address_hour: 0, per_address_day: 0, per_mailbox_hour: 0 };
    policy
}

/// A mail to a shipped desk.
fn mail(desk: &'static str, from: &str, (subject, text): (&str, &str), arrived: Instant) -> Case {
    Case::from(from).grade(Grade::Pass).with(|case| {
        case.policy = shipped();
        case.desk = desk;
        case.mail.subject = RawText::new(subject);
        case.mail.visible = RawText::new(text);
        case.mail.to = vec![crate::domain::address::Mailbox {
            name: None,
            address: case.policy.desks[&desk_name(desk)].address.clone(),
        }];
        case.arrived = arrived;
    })
}

fn notices(decision: &Decision) -> impl Iterator<Item = &Notice> {
    decision.effects.iter().filter_map(|effect| match effect {
        Effect::Enqueue(mail) => Some(&mail.notice),
        _ => None,
    })
}

/// The acknowledgment's promises, warnings and texts, in one line.
fn acknowledged(decision: &Decision) -> String {
    let said = notices(decision).find_map(|notice| match notice {
        Notice::Received { response_due, next_opening, asks, priority, emergency, standard, .. } => {
            let mut said = vec![priority.as_str().to_owned()];
            said.extend(response_due.map(|at| format!("by {}", at.format("%m-%d %H:%M"))));
            said.extend(next_opening.map(|at| format!("opens {}", at.format("%m-%d %H:%M"))));
            said.extend(emergency.then(|| "telephone".to_owned()));
            said.extend(standard.as_ref().map(|name| format!("says {name}")));
            said.extend((!asks.is_empty()).then(|| format!("asks {}", asks.join(", "))));
            Some(said.join("; "))
        }
        _ => None,
    });
    said.unwrap_or_default()
}

/// A shipped desk's ticket of this category and priority that arrived then, with its clocks.
fn ticket_of(
    policy: &Policy,
    desk: &str,
    (priority, category): (Priority, &str),
    arrived: Instant,
) -> TicketSnapshot {
    let category = Category::parse(category).unwrap();
    let clocks = hours::clocks(&policy.desks[&desk_name(desk)], priority, Some(&category), arrived);
    TicketSnapshot {
        desk: desk_name(desk),
        priority,
        category: Some(category),
        opened_at: arrived,
        clocks,
        ..ticket(TicketState::Open)
    }
}

fn tick(policy: &Policy, ticket: &TicketSnapshot, now: Instant) -> Decision {
    let facts = TickFacts { ticket: ticket.clone(), ..quiet("03-02 12:00") };
    on_tick(&facts, scene(policy, ticket.desk.as_str(), now))
}

fn after(ticket: &TicketSnapshot, decision: &Decision) -> TicketSnapshot {
    let mut ticket = ticket.clone();
    for effect in &decision.effects {
        match effect {
            Effect::SetPriority(priority) => ticket.priority = *priority,
            Effect::SetClocks(clocks) => ticket.clocks.clone_from(clocks),
            Effect::SetState(state) => ticket.state = *state,
            Effect::SetEta(day) => ticket.eta = Some(*day),
            Effect::SetCadence(span) => ticket.cadence = *span,
            Effect::StartClocks => ticket.acknowledgment = Acknowledgment::NotAwaited,
            _ => {}
        }
    }
    ticket
}

fn order(
    policy: &Policy,
    command: &Command,
    ticket: &TicketSnapshot,
    now: Instant,
) -> Result<Decision, Refusal> {
    let facts = command_facts(ticket.clone());
    let desk = ticket.desk.as_str();
    let agent = policy.desks[&ticket.desk].agents[0].clone();
    on_command(
        command,
        &CommandFacts { agent: Some(agent.clone()), ..facts },
        scene(policy, desk, now),
        Actor::Agent(agent),
    )
}

fn reply(words: &str) -> Command {
    Command::Reply {
        text: PublicText::from_agent(RawText::new(words)),
        redacted: phi::no_customer_text(words),
        resolve: false,
    }
}

fn clock_line(clocks: &[TicketClock]) -> String {
    clocks.iter().map(clock).collect::<Vec<_>>().join(" ")
}

const DOWN: (&str, &str) = ("System down", "The application is completely out of service for everybody.");

/// What the mail of someone at a desk with submitter rules leads to.
fn submits(desk: &'static str, from: &str, change: impl FnOnce(&mut Case)) -> Decision {
    mail(desk, from, DOWN, local("2026-02-03T10:00:00+01:00")).with(change).decide()
}
