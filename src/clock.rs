//! The only place where time and randomness come from. Everything else takes them as arguments.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant as Steady;

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use uuid::Uuid;

/// Where "now" comes from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The system's clock.
    System,
    /// A clock that stands still, for `--at`, `demo` and tests.
    Fixed(std::sync::Arc<std::sync::Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// A clock that stands at `at` until it is set.
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Self::Fixed(std::sync::Arc::new(std::sync::Mutex::new(at)))
    }
    /// The instant, to the microsecond.
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
            Self::System => {
                let now = Utc::now();
                now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
            }
            Self::Fixed(at) => match at.lock() {
                Ok(at) => *at,
                Err(poisoned) => *poisoned.into_inner(),
            },
        }
    }
    /// Moves a fixed clock; the system's clock takes no orders.
    pub fn set(&self, to: DateTime<Utc>) {
        if let Self::Fixed(at) = self {
            match at.lock() {
                Ok(mut at) => *at = to,
                Err(poisoned) => *poisoned.into_inner() = to,
            }
        }
    }
}

/// Where randomness comes from.
#[derive(Debug, Clone)]
pub enum Random {
    /// The operating system.
    System,
    /// A counter stretched by SHA-256: the same bytes at every run, for `demo` and tests only.
    Seeded(std::sync::Arc<std::sync::atomic::AtomicU64>),
}

impl Random {
    /// A source that repeats itself; never used for real keys.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(std::sync::Arc::new(std::sync::atomic::AtomicU64::new(seed)))
    }
    /// 32 fresh bytes.
    ///
    /// # Errors
    /// When the operating system has none to give.
    pub fn bytes(&self) -> Result<[u8; 32], getrandom::Error> {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
            Self::System => {
                let mut bytes = [0; 32];
                getrandom::fill(&mut bytes)?;
                Ok(bytes)
            }
            Self::Seeded(counter) => {
                use sha2::Digest as _;
                let at = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Ok(sha2::Sha256::digest(at.to_be_bytes()).into())
            }
        }
    }
    /// A `UUIDv7` (RFC 9562 5.7) of this instant.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn uuid(&self, now: DateTime<Utc>) -> Result<Uuid, getrandom::Error> {
        let bytes = self.bytes()?;
        let mut tail = [0; 10];
        for (to, from) in tail.iter_mut().zip(bytes) {
            *to = from;
        }
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        Ok(uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid())
    }
}

/// An instant of the world, by two clocks at once: the wall's, and the steady one that nobody sets.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// By the wall's clock, as other gateways and the database see it.
    pub wall: DateTime<Utc>,
    steady: Steady,
}

impl Moment {
    /// Now.
    pub fn now() -> Self {
        Self { wall: Clock::System.now(), steady: Steady::now() }
    }
}

/// Until when something may be done. Over as soon as one of two clocks says so: the wall's may be set
/// back, the steady one stands still while the machine sleeps. Clones share it, so that who renews a
/// lease prolongs the life of everything that is done under it.
#[derive(Debug, Clone, Default)]
pub struct Life(Option<Arc<Mutex<Moment>>>);

impl Life {
    /// Without an end: nobody else may do it meanwhile.
    pub const fn endless() -> Self {
        Self(None)
    }
    /// For `span` after `from`.
    pub fn of(from: Moment, span: TimeDelta) -> Self {
        Self(Some(Arc::new(Mutex::new(end(from, span)))))
    }
    /// Prolongs it until `span` after `from`.
    pub fn renew(&self, from: Moment, span: TimeDelta) {
        if let Some(until) = &self.0 {
            *until.lock().unwrap_or_else(PoisonError::into_inner) = end(from, span);
        }
    }
    /// Ends it now.
    pub fn end(&self) {
        self.renew(Moment::now(), TimeDelta::zero());
    }
    /// It is not over yet.
    pub fn lasts(&self) -> bool {
        let Some(until) = &self.0 else { return true };
        let (until, now) = (*until.lock().unwrap_or_else(PoisonError::into_inner), Moment::now());
        now.wall < until.wall && now.steady < until.steady
    }
}

fn end(from: Moment, span: TimeDelta) -> Moment {
    let steady = from.steady.checked_add(span.to_std().unwrap_or_default());
    Moment { wall: from.wall + span, steady: steady.unwrap_or(from.steady) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_ends_by_whichever_clock_comes_first() {
        let (now, hour) = (Moment::now(), TimeDelta::hours(1));
        let late = |wall: bool, steady: bool| {
            let early = now.steady.checked_sub(std::time::Duration::from_hours(2)).unwrap_or(now.steady);
            Moment {
                wall: if wall { now.wall - hour * 2 } else { now.wall },
                steady: if steady { early } else { now.steady },
            }
        };
        // A machine that has run for less than two hours has no steady instant so far back.
        let known = late(false, true).steady < now.steady;
        let cases =
            [(false, false, true), (true, false, false), (false, known, !known), (true, known, false)];
        for (wall, steady, lasts) in cases {
            assert_eq!(Life::of(late(wall, steady), hour).lasts(), lasts, "{wall} {steady}");
        }
        assert!(Life::endless().lasts());
        let life = Life::of(late(true, false), hour);
        let shared = life.clone();
        life.renew(now, hour);
        assert!(shared.lasts(), "who renews it prolongs it for all");
        shared.end();
        assert!(!life.lasts());
    }
}
