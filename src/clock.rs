//! The only place where time and randomness come from. Everything else takes them as arguments.

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
