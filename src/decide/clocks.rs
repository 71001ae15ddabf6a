//! How a ticket's clocks change when something happens: pause while the customer owes the next
//! step, resume with what was left, met by the desk's act. Takes clocks, gives clocks.

use chrono::Duration;

use crate::domain::calendar::Calendar;
use crate::domain::desk::{Desk, Span};
use crate::domain::ids::Category;
use crate::domain::message::Instant;
use crate::domain::sla;
use crate::domain::ticket::{
    ClockKind, ClockState, LastPublic, Priority, TicketClock, TicketSnapshot, TicketState,
};

/// What the clocks need to know of their ticket.
#[derive(Debug, Clone, Copy)]
pub struct Promise<'a> {
    /// Whose targets and calendar.
    pub desk: &'a Desk,
    /// The ticket's priority.
    pub priority: Priority,
    /// Its category.
    pub category: Option<&'a Category>,
    /// The span between updates that was negotiated for the ticket, in place of the desk's.
    pub cadence: Option<Span>,
    /// Resolution and updates wait for the acknowledgment.
    pub held_back: bool,
}

impl Promise<'_> {
    /// What is promised for a kind of clock.
    pub fn span(&self, kind: ClockKind) -> Option<Span> {
        let negotiated = self.cadence.filter(|_| kind == ClockKind::Update);
        negotiated.or_else(|| self.desk.target(self.priority, self.category).span(kind))
    }
    /// True for a clock that stands still until the acknowledgment is settled.
    pub fn waits(&self, kind: ClockKind) -> bool {
        self.held_back && kind != ClockKind::Response
    }
}

/// The promise that holds for a ticket now.
pub fn promise<'a>(ticket: &'a TicketSnapshot, desk: &'a Desk) -> Promise<'a> {
    Promise {
        desk,
        priority: ticket.priority,
        category: ticket.category.as_ref(),
        cadence: ticket.cadence,
        held_back: ticket.acknowledgment.holds_back(),
    }
}

/// The desk answered: the first response is given, the span to the next update begins anew, and
/// everything waits for the customer. A deadline that passed unseen was missed all the same.
pub fn answered(clocks: &[TicketClock], promise: Promise<'_>, now: Instant) -> Vec<TicketClock> {
    map(clocks, |clock| match (clock.kind, clock.state) {
        (ClockKind::Response, ClockState::Running { due }) => kept_by(due, now),
        (ClockKind::Response, ClockState::Paused { .. }) => ClockState::Met { at: now },
        (
            ClockKind::Update,
            ClockState::Running { .. } | ClockState::Paused { .. } | ClockState::Missed { .. },
        ) => promise
            .span(ClockKind::Update)
            .map_or(clock.state, |span| ClockState::Paused { left_s: seconds(span) }),
        (_, ClockState::Running { due }) if due < now => ClockState::Missed { due },
        (kind, ClockState::Running { due }) => ClockState::Paused { left_s: left(promise, kind, now, due) },
        (_, state) => state,
    })
}

/// Resolution and updates wait for the acknowledgment, with their whole span left.
pub fn waiting(clocks: &[TicketClock], promise: Promise<'_>) -> Vec<TicketClock> {
    map(clocks, |clock| match promise.span(clock.kind) {
        Some(span) if promise.waits(clock.kind) => ClockState::Paused { left_s: seconds(span) },
        _ => clock.state,
    })
}

/// The acknowledgment is settled: what waited for it runs from then.
pub fn started(clocks: &[TicketClock], promise: Promise<'_>, from: Instant) -> Vec<TicketClock> {
    resumed(clocks, Promise { held_back: false, ..promise }, from)
}

/// The customer wrote: what waited runs on.
pub fn resumed(clocks: &[TicketClock], promise: Promise<'_>, now: Instant) -> Vec<TicketClock> {
    map(clocks, |clock| match clock.state {
        ClockState::Paused { left_s } if !promise.waits(clock.kind) => {
            running(promise, clock.kind, left_s, now).unwrap_or(clock.state)
        }
        state => state,
    })
}

/// An ended ticket opens again: resolution and updates are promised anew, the first response is not.
pub fn reopened(clocks: &[TicketClock], promise: Promise<'_>, now: Instant) -> Vec<TicketClock> {
    let anew = map(clocks, |clock| match (clock.kind, clock.state) {
        (ClockKind::Resolution | ClockKind::Update, ClockState::Met { .. }) => promise
            .span(clock.kind)
            .and_then(|span| sla::due(&promise.desk.calendar, now, span))
            .map_or(clock.state, |due| ClockState::Running { due }),
        (_, state) => state,
    });
    resumed(&anew, promise, now)
}

/// The desk holds the ticket for solved, or it ended: promises that still ran are kept.
pub fn ended(clocks: &[TicketClock], now: Instant) -> Vec<TicketClock> {
    map(clocks, |clock| match clock.state {
        ClockState::Running { due } => kept_by(due, now),
        ClockState::Paused { .. } => ClockState::Met { at: now },
        state => state,
    })
}

fn kept_by(due: Instant, now: Instant) -> ClockState {
    if due < now { ClockState::Missed { due } } else { ClockState::Met { at: now } }
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

/// An update that was missed is owed again a span later; after a standstill not at once for every
/// span that passed.
pub fn repeated(clocks: &[TicketClock], promise: Promise<'_>, now: Instant) -> Vec<TicketClock> {
    let calendar = &promise.desk.calendar;
    map(clocks, |clock| match (clock.kind, clock.state) {
        (ClockKind::Update, ClockState::Missed { due }) => promise
            .span(ClockKind::Update)
            .and_then(|span| {
                let next = sla::due(calendar, due, span).filter(|next| *next > now);
                next.or_else(|| sla::due(calendar, now, span).filter(|next| *next > now))
            })
            .map_or(clock.state, |due| ClockState::Running { due }),
        (_, state) => state,
    })
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
    let moved = |clock: &TicketClock| {
        let state = f(*clock);
        // A promise made anew is warned of anew.
        let anew = matches!(
            (clock.state, state),
            (ClockState::Met { .. } | ClockState::Missed { .. }, ClockState::Running { .. })
        );
        let answered = clock.kind == ClockKind::Update && matches!(state, ClockState::Paused { .. });
        TicketClock { state, warned: if anew || answered { 0 } else { clock.warned }, ..*clock }
    };
    clocks.iter().map(moved).collect()
}

const fn seconds(span: Span) -> i64 {
    span.length().num_seconds()
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

/// Business clocks that run, after the desk's hours changed: the open time that `was` gave them from
/// `since` on is given by the hours of now. What waits, was kept or missed stays so.
pub fn recomputed(
    clocks: &[TicketClock],
    promise: Promise<'_>,
    (was, since): (&Calendar, Instant),
) -> Vec<TicketClock> {
    map(clocks, |clock| match (clock.state, promise.span(clock.kind)) {
        (ClockState::Running { due }, Some(Span::Business(_))) if since < due => {
            sla::elapsed_business(was, since, due)
                .and_then(|given| sla::due(&promise.desk.calendar, since, Span::Business(given)))
                .map_or(clock.state, |due| ClockState::Running { due })
        }
        (state, _) => state,
    })
}

/// When a ticket's clocks were last set, of the actions of its trail in order; `None` without any. A
/// customer's mail sets them where an answer let them wait.
pub fn set_at<'a>(trail: impl IntoIterator<Item = (Instant, &'a str)>) -> Option<Instant> {
    let mut waits = false;
    let mut set = None;
    for (at, action) in trail {
        match action {
            "answered" | "resolved" => waits = true,
            "joined" if !waits => {}
            "new" | "follow_up" | "joined" | "reopened" | "prioritised" | "moved" | "recomputed"
            | "started" | "cadence_set" | "unmerged" => {
                waits = false;
                set = Some(at);
            }
            _ => {}
        }
    }
    set
}

/// New promises for a ticket that already runs (another priority, another desk): what was used of
/// the old ones stays used, what was kept or missed stays so, what waits goes on waiting.
pub fn renewed(
    ticket: &TicketSnapshot,
    old: Promise<'_>,
    new: Promise<'_>,
    now: Instant,
) -> Vec<TicketClock> {
    if ticket.imported || ticket.state.ended() {
        return ticket.clocks.clone();
    }
    let waits = matches!(ticket.state, TicketState::Pending { .. });
    let answered = waits || matches!(ticket.last_public, Some(LastPublic::Answer { .. }));
    let mut clocks = Vec::new();
    for kind in ClockKind::ALL {
        let before = ticket.clocks.iter().find(|c| c.kind == kind).map(|c| c.state);
        let state = match before {
            Some(done @ (ClockState::Met { .. } | ClockState::Missed { .. })) => Some(done),
            None if answered && kind == ClockKind::Response => None,
            before => {
                let left_s = left_of(ticket, before, kind, (old, new), now);
                left_s.and_then(|left_s| {
                    if waits || new.waits(kind) {
                        Some(ClockState::Paused { left_s: left_s.max(0) })
                    } else {
                        running(new, kind, left_s, now)
                    }
                })
            }
        };
        clocks.extend(state.map(|state| TicketClock::new(kind, state)));
    }
    clocks
}

/// What is left of the new promise: its span without what was used of the old one, where both count
/// the same kind of time; else counted from the ticket's arrival.
fn left_of(
    ticket: &TicketSnapshot,
    before: Option<ClockState>,
    kind: ClockKind,
    (old, new): (Promise<'_>, Promise<'_>),
    now: Instant,
) -> Option<i64> {
    let span = new.span(kind)?;
    let left_before = match before {
        Some(ClockState::Paused { left_s }) => Some(left_s),
        Some(ClockState::Running { due }) => Some(left(old, kind, now, due)),
        _ => None,
    };
    match (left_before, old.span(kind), span) {
        (Some(left_s), Some(Span::Business(was)), Span::Business(is))
        | (Some(left_s), Some(Span::Elapsed(was)), Span::Elapsed(is)) => {
            Some(is.num_seconds() - (was.num_seconds() - left_s))
        }
        _ => {
            let due = sla::due(&new.desk.calendar, ticket.opened_at, span)?;
            sla::left_s(&new.desk.calendar, span, due, now)
        }
    }
}
