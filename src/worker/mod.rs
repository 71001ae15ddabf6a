//! The workers: each has a `step` that does one piece of work and says what it did, and a `run` that
//! only loops, waits and watches for the end. They read facts, ask `decide/`, and carry the decision
//! through the one door. Never decide anything themselves.

pub mod command;
pub mod door;
pub mod erase;
pub mod ingest;
pub mod lease;
pub mod outbox;
pub mod recompute;
pub mod retention;
pub mod rules;
pub mod sweep;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::store::StoreError;

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many pieces of work; ask again at once.
    Did(usize),
    /// There was nothing to do.
    Idle,
}

impl Step {
    /// `Idle` for none.
    pub const fn of(count: usize) -> Self {
        if count == 0 { Self::Idle } else { Self::Did(count) }
    }
}

/// Why a step ended early, named for what the loop does next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Wait, then ask again; nothing was lost.
    #[error("{0}; trying again")]
    Again(&'static str),
    /// The server or database is away.
    #[error("{0} is away; trying again")]
    Away(&'static str),
    /// Another gateway does this work now.
    #[error("another gateway holds this account")]
    Elsewhere,
    /// Only a person can help: credentials, certificate, missing folder.
    #[error("{0}; a person must help")]
    Paused(&'static str),
    /// A defect of ours.
    #[error("defect: {0}")]
    Defect(&'static str),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::Again("the database is busy"),
            StoreError::Conflict => Self::Again("a ticket changed meanwhile"),
            StoreError::Fenced => Self::Elsewhere,
            StoreError::Unavailable(_) => Self::Away("the database"),
            StoreError::Full => {
                tracing::error!(
                    "ALARM: the database's disk is full; make room: nothing is lost, and it goes on by itself"
                );
                Self::Away("room on the database's disk")
            }
            StoreError::ReadOnly => {
                tracing::error!(
                    "ALARM: the database is read-only; make its disk writable: nothing is lost, and it goes on by itself"
                );
                Self::Away("the right to write to the database")
            }
            StoreError::Missing(what) | StoreError::Refused(what) => Self::Defect(what),
            StoreError::Defect(what) => {
                tracing::error!(%what, "a defect in the store");
                Self::Defect("in the store")
            }
        }
    }
}

/// No step takes as long as this: the longest command of a mail server may take ten minutes.
pub const LONGEST: Duration = Duration::from_mins(30);

/// Gives a step up that never ends, because something it waits for neither answers nor hangs up: a
/// database behind a dead line, a disk that is gone. What it had not committed is rolled back, as when
/// the process dies.
///
/// # Errors
/// Those of the step, or [`Failure::Away`] after `longest`.
pub async fn in_time<T>(
    longest: Duration,
    step: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(longest, step).await.unwrap_or_else(|_| {
        tracing::error!("ALARM: a step did not end and is given up; database, mail server or disk neither answers nor hangs up");
        Err(Failure::Away("what a step waited for"))
    })
}

/// Bells between workers: a rung bell is remembered until its worker looks.
#[derive(Debug, Clone, Default)]
pub struct Bells {
    /// A mail may be sendable.
    pub outbox: Arc<Notify>,
    /// A pipe may have left something behind.
    pub pipes: Arc<Notify>,
    /// A ticket may be due.
    pub sweep: Arc<Notify>,
    /// Grows each time a close waits for a complete look through the folders.
    pub reconcile: Arc<std::sync::atomic::AtomicU64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn l26_a_step_that_never_ends_is_given_up() {
        let brief = Duration::from_millis(20);
        let never = std::future::pending::<Result<Step, Failure>>();
        assert!(matches!(in_time(brief, never).await, Err(Failure::Away(_))));
        assert_eq!(in_time(LONGEST, async { Ok(Step::Did(1)) }).await, Ok(Step::Did(1)));
        assert_eq!(
            in_time::<Step>(LONGEST, async { Err(Failure::Elsewhere) }).await,
            Err(Failure::Elsewhere)
        );
    }
}
