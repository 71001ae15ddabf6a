//! How a ticket's clocks change when something happens: pause while the customer owes the next
//! step, resume with what was left, met by the desk's act. Takes clocks, gives clocks.

use chrono::Duration;

use crate::domain::desk::{Desk, Span};
use crate::domain::ids::Category;
use crate::domain::message::Instant;
use crate::domain::sla;
use crate::domain::ticket::{ClockKind, ClockState, Priority, TicketClock};

/// What the clocks need to know of their ticket.
#[derive(Debug, Clone, Copy)]
pub struct Promise<'a> {
    /// Whose targets and calendar.
    pub desk: &'a Desk,
    /// The ticket's priority.
    pub priority: Priority,
    /// Its category.
    pub category: Option<&'a Category>,
}

impl Promise<'_> {
    fn span(&self, kind: ClockKind) -> Option<Span> {
        self.desk.target(self.priority, self.category).span(kind)
    }
}

/// The desk answered: the first response is given, the next update starts to run, everything else
/// waits for the customer.
pub fn answered(clocks: &[TicketClock], promise: Promise<'_>, now: Instant) -> Vec<TicketClock> {
    map(clocks, |clock| match (clock.kind, clock.state) {
        (ClockKind::Response, ClockState::Running { .. } | ClockState::Paused { .. }) => {
            ClockState::Met { at: now }
        }
        (kind, ClockState::Running { due }) => ClockState::Paused { left_s: left(promise, kind, now, due) },
        (ClockKind::Update, ClockState::Missed { .. }) => promise
            .span(ClockKind::Update)
            .map_or(clock.state, |span| ClockState::Paused { left_s: seconds(span) }),
        (_, state) => state,
    })
}

/// The customer wrote: what waited runs on.
pub fn resumed(clocks: &[TicketClock], promise: Promise<'_>, now: Instant) -> Vec<TicketClock> {
    map(clocks, |clock| match clock.state {
        ClockState::Paused { left_s } => running(promise, clock.kind, left_s, now).unwrap_or(clock.state),
        state => state,
    })
}

/// The desk holds the ticket for solved, or it ended: running promises are kept.
pub fn ended(clocks: &[TicketClock], now: Instant) -> Vec<TicketClock> {
    map(clocks, |clock| match clock.state {
        ClockState::Running { .. } | ClockState::Paused { .. } => ClockState::Met { at: now },
        state => state,
    })
}

/// Deadlines that lie behind become missed; gives the kinds that were missed just now.
pub fn expired(clocks: &[TicketClock], now: Instant) -> (Vec<TicketClock>, Vec<ClockKind>) {
    let mut missed = Vec::new();
    let clocks = map(clocks, |clock| match clock.state {
        ClockState::Running { due } if due <= now => {
            missed.push(clock.kind);
            ClockState::Missed { due }
        }
        state => state,
    });
    (clocks, missed)
}

/// The nearest running deadline.
pub fn next_due(clocks: &[TicketClock]) -> Option<Instant> {
    clocks
        .iter()
        .filter_map(|clock| match clock.state {
            ClockState::Running { due } => Some(due),
            _ => None,
        })
        .min()
}

/// The deadline of one kind, while it runs.
pub fn due_of(clocks: &[TicketClock], kind: ClockKind) -> Option<Instant> {
    clocks.iter().find(|c| c.kind == kind).and_then(|c| match c.state {
        ClockState::Running { due } => Some(due),
        _ => None,
    })
}

fn map(clocks: &[TicketClock], mut f: impl FnMut(TicketClock) -> ClockState) -> Vec<TicketClock> {
    clocks.iter().map(|clock| TicketClock { kind: clock.kind, state: f(*clock) }).collect()
}

const fn seconds(span: Span) -> i64 {
    match span {
        Span::Elapsed(d) | Span::Business(d) => d.num_seconds(),
    }
}

/// Without a target of its own any more (the priority changed), a clock counts elapsed time.
const ELAPSED: Span = Span::Elapsed(Duration::zero());

fn left(promise: Promise<'_>, kind: ClockKind, now: Instant, due: Instant) -> i64 {
    let span = promise.span(kind).unwrap_or(ELAPSED);
    sla::left_s(&promise.desk.calendar, span, due, now).unwrap_or(0).max(0)
}

fn running(promise: Promise<'_>, kind: ClockKind, left_s: i64, now: Instant) -> Option<ClockState> {
    let span = promise.span(kind).unwrap_or(ELAPSED);
    sla::resume(&promise.desk.calendar, span, left_s, now).map(|due| ClockState::Running { due })
}

/// New targets for an old ticket: promises already kept or missed stay as they are.
pub fn kept(old: &[TicketClock], new: Vec<TicketClock>) -> Vec<TicketClock> {
    let done = |kind: ClockKind| {
        old.iter()
            .find(|c| c.kind == kind && matches!(c.state, ClockState::Met { .. } | ClockState::Missed { .. }))
    };
    let mut clocks: Vec<TicketClock> =
        new.into_iter().map(|clock| done(clock.kind).copied().unwrap_or(clock)).collect();
    for clock in old {
        if matches!(clock.state, ClockState::Met { .. } | ClockState::Missed { .. })
            && !clocks.iter().any(|c| c.kind == clock.kind)
        {
            clocks.push(*clock);
        }
    }
    clocks
}
