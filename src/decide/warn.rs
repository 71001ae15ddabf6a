//! Warnings before a target is missed: the agents are told at set shares of it, each once. Takes
//! clocks and promises, gives clocks and shares; a standstill that skipped several leads to one.

use crate::domain::desk::Span;
use crate::domain::effect::Effect;
use crate::domain::message::Instant;
use crate::domain::sla;
use crate::domain::text::RedactedText;
use crate::domain::ticket::{ClockKind, ClockState, Priority, TicketClock, TicketSnapshot};

use super::clocks::{Promise, next_due};
use super::notify::{self, News};
use super::scene::Scene;

/// The shares at which a clock is warned of: all of them; of an update, which is owed again and
/// again, only the last.
fn shares(kind: ClockKind, promise: Promise<'_>) -> impl Iterator<Item = u8> {
    let all = &promise.desk.escalation.warn_at;
    let last = all.iter().max().copied();
    all.iter().copied().filter(move |share| kind != ClockKind::Update || Some(*share) == last)
}

/// What is left of a running clock, and its span.
fn left(clock: &TicketClock, promise: Promise<'_>, now: Instant) -> Option<(i64, Span)> {
    let ClockState::Running { due } = clock.state else { return None };
    let span = promise.span(clock.kind)?;
    Some((sla::left_s(&promise.desk.calendar, span, due, now)?, span))
}

/// What may be left, in seconds, when a share of the span is used.
fn left_at(share: u8, span: Span) -> i64 {
    span.length().num_seconds() * i64::from(100_u8.saturating_sub(share)) / 100
}

/// The clocks with every share noted that is reached, and which were reached just now.
pub fn warned(
    clocks: &[TicketClock],
    promise: Promise<'_>,
    now: Instant,
) -> (Vec<TicketClock>, Vec<(ClockKind, u8)>) {
    let mut reached = Vec::new();
    let warn = |clock: &TicketClock| {
        let Some((left_s, span)) = left(clock, promise, now) else { return *clock };
        let passed = shares(clock.kind, promise)
            .filter(|share| *share > clock.warned && left_s <= left_at(*share, span));
        match passed.max() {
            Some(share) => {
                reached.push((clock.kind, share));
                TicketClock { warned: share, ..*clock }
            }
            None => *clock,
        }
    };
    (clocks.iter().map(warn).collect(), reached)
}

/// Word to the agents of what is near.
pub fn word_to_agents(
    ticket: &TicketSnapshot,
    scene: Scene<'_>,
    (warnings, priority, clocks): (&[(ClockKind, u8)], Priority, &[TicketClock]),
) -> Vec<Effect> {
    let near = |(kind, share): &(ClockKind, u8)| format!("{share} % of the {} target is used", kind.as_str());
    let news = News {
        event: "warning",
        subject: &ticket.subject,
        text: &RedactedText::default(),
        priority,
        due: next_due(clocks),
        reasons: warnings.iter().map(near).collect(),
        attachments: &[],
        named: &[],
    };
    notify::agents(&news, ticket.assignee.as_ref(), scene.desk, scene.policy)
}

/// When a running clock reaches its next share.
fn next(clock: &TicketClock, promise: Promise<'_>, now: Instant) -> Option<Instant> {
    let (left_s, span) = left(clock, promise, now)?;
    let share = shares(clock.kind, promise).filter(|share| *share > clock.warned).min()?;
    sla::resume(&promise.desk.calendar, span, left_s - left_at(share, span), now)
}

/// When the sweep looks next: at the nearest deadline, or at the next share of one.
pub fn next_look(clocks: &[TicketClock], promise: Promise<'_>, now: Instant) -> Option<Instant> {
    clocks.iter().filter_map(|clock| next(clock, promise, now)).chain(next_due(clocks)).min()
}
