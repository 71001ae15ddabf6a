//! The workers: each has a `step` that does one piece of work and says what it did, and a `run` that
//! only loops, waits and watches for the end. They read facts, ask `decide/`, and carry the decision
//! through the one door. Never decide anything themselves.

pub mod command;
pub mod door;
pub mod erase;
pub mod ingest;
pub mod lease;
pub mod outbox;
pub mod retention;
pub mod rules;
pub mod sweep;

use std::sync::Arc;

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
            StoreError::Missing(what) | StoreError::Refused(what) => Self::Defect(what),
            StoreError::Defect(what) => {
                tracing::error!(%what, "a defect in the store");
                Self::Defect("in the store")
            }
        }
    }
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
