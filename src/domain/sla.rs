//! Deadlines: spans over a calendar, by one rule. Business time runs only inside `[open, close)`; a
//! clock that starts in closed time starts at the next opening; a deadline is the earliest instant
//! at which the promised open time has run, so it may be a closing instant, never the next opening.
//! Takes instants, gives instants; `None` where the years of known holidays end.

use chrono::Duration;

use super::calendar::{Calendar, Opening};
use super::desk::Span;
use super::message::Instant;

/// When a promise that starts at `start` falls due.
pub fn due(calendar: &Calendar, start: Instant, span: Span) -> Option<Instant> {
    let mut left = match span {
        Span::Elapsed(time) => return start.checked_add_signed(time),
        Span::Business(time) => time.max(Duration::zero()),
    };
    openings_from(calendar, start).find_map(|opening| {
        let room = opening.until - opening.from;
        if left <= room {
            return Some(opening.from + left);
        }
        left -= room;
        None
    })
}

/// The first open instant at or after `at`: `at` itself when it is open.
pub fn next_opening(calendar: &Calendar, at: Instant) -> Option<Instant> {
    openings_from(calendar, at).next().map(|opening| opening.from)
}

/// True inside `[open, close)`.
pub fn is_open(calendar: &Calendar, at: Instant) -> bool {
    let date = calendar.date(at);
    calendar.knows(date) && calendar.openings(date).any(|o| o.from <= at && at < o.until)
}

/// The open time within `[from, to)`; zero when `to` is not after `from`.
pub fn elapsed_business(calendar: &Calendar, from: Instant, to: Instant) -> Option<Duration> {
    if to <= from || calendar.never_opens() {
        return Some(Duration::zero());
    }
    if !calendar.knows(calendar.date(from)) || !calendar.knows(calendar.date(to)) {
        return None;
    }
    let spans = openings_from(calendar, from).take_while(|opening| opening.from < to);
    Some(spans.fold(Duration::zero(), |sum, opening| sum + (opening.until.min(to) - opening.from)))
}

/// What is left of a clock that runs out at `due`, in whole seconds of its own kind of time; negative
/// once it has run out. The kind is that of `span`.
pub fn left_s(calendar: &Calendar, span: Span, due: Instant, now: Instant) -> Option<i64> {
    let between = |from, to| match span {
        Span::Elapsed(_) => Some(to - from),
        Span::Business(_) => elapsed_business(calendar, from, to),
    };
    if now <= due { between(now, due) } else { between(due, now).map(|late| -late) }.map(|t| t.num_seconds())
}

/// When a clock that stood still with `left_s` seconds of its own kind of time falls due, if it
/// runs again from `now`. A clock that had run out is due at once.
pub fn resume(calendar: &Calendar, span: Span, left_s: i64, now: Instant) -> Option<Instant> {
    let left = Duration::try_seconds(left_s)?;
    if left <= Duration::zero() {
        return Some(now);
    }
    match span {
        Span::Elapsed(_) => due(calendar, now, Span::Elapsed(left)),
        Span::Business(_) => due(calendar, now, Span::Business(left)),
    }
}

/// Open time from `start` on, in order, until the known years end.
fn openings_from(calendar: &Calendar, start: Instant) -> impl Iterator<Item = Opening> + use<'_> {
    let dates = (!calendar.never_opens()).then(|| calendar.date(start).iter_days());
    dates.into_iter().flatten().take_while(|date| calendar.knows(*date)).flat_map(move |date| {
        let rest = move |o: Opening| (o.until > start).then(|| Opening { from: o.from.max(start), ..o });
        calendar.openings(date).filter_map(rest)
    })
}
