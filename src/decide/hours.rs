//! Business hours and promises of a desk at an instant. Takes a desk, a priority and times, gives
//! what holds then; never asks what time it is.

use crate::domain::desk::Desk;
use crate::domain::ids::{Category, DeskName};
use crate::domain::message::Instant;
use crate::domain::policy::Policy;
use crate::domain::sla;
use crate::domain::ticket::{ClockKind, ClockState, Priority, TicketClock};

/// What a priority means at an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effective {
    /// After the desk's cap.
    pub priority: Priority,
    /// Outside business hours; always false for a desk whose promises are all elapsed time.
    pub after_hours: bool,
    /// True when the cap lowered the priority: the computed one takes effect at `clocks_start`.
    pub capped: bool,
    /// When clocks begin: the next opening for a capped priority, else the instant itself.
    pub clocks_start: Instant,
    /// Outside business hours, the next opening.
    pub next_opening: Option<Instant>,
}

/// Weighs a computed priority at the hour of its arrival.
pub fn effective(desk: &Desk, priority: Priority, at: Instant) -> Effective {
    let open =
        Effective { priority, after_hours: false, capped: false, clocks_start: at, next_opening: None };
    if desk.elapsed_only() || sla::is_open(&desk.calendar, at) {
        return open;
    }
    let next_opening = sla::next_opening(&desk.calendar, at);
    let closed = Effective { after_hours: true, next_opening, ..open };
    match desk.after_hours.cap {
        Some(cap) if cap < priority && !desk.after_hours.except.contains(&priority) => {
            Effective { priority: cap, capped: true, clocks_start: next_opening.unwrap_or(at), ..closed }
        }
        _ => closed,
    }
}

/// The clocks of a ticket whose time begins at `start`; none for what the desk does not promise.
pub fn clocks(
    desk: &Desk,
    priority: Priority,
    category: Option<&Category>,
    start: Instant,
) -> Vec<TicketClock> {
    let target = desk.target(priority, category);
    ClockKind::ALL
        .into_iter()
        .filter_map(|kind| {
            let due = sla::due(&desk.calendar, start, target.span(kind)?)?;
            Some(TicketClock::new(kind, ClockState::Running { due }))
        })
        .collect()
}

/// One line of the `due` command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueQuery {
    /// Whose promises.
    pub desk: DeskName,
    /// Of which priority.
    pub priority: Priority,
    /// Which promise.
    pub clock: ClockKind,
    /// When its clock starts.
    pub start: Instant,
    /// The request type, where targets are by type.
    pub category: Option<Category>,
}

/// The deadline; `None` where nothing is promised, the desk is unknown or its holidays end.
pub fn due_line(policy: &Policy, query: &DueQuery) -> Option<Instant> {
    let desk = policy.desks.get(&query.desk)?;
    let span = desk.target(query.priority, query.category.as_ref()).span(query.clock)?;
    sla::due(&desk.calendar, query.start, span)
}
