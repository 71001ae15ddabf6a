//! What can go wrong, named for what the caller must do next. Never holds a value of a row.

/// Why the store did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Someone else holds the database; try again later (exit 75).
    #[error("the database is busy")]
    Busy,
    /// What was read is no longer so: read and decide again.
    #[error("the ticket changed since it was read")]
    Conflict,
    /// The lease was lost to another gateway: stop this work, the other one does it.
    #[error("the lease is lost to another gateway")]
    Fenced,
    /// The server, folder or file is away; try again later (exit 75).
    #[error("the database cannot be reached ({0})")]
    Unavailable(&'static str),
    /// There is no such row: tell the person who asked.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// A defect of ours or of the database's content (exit 70).
    #[error("defect in the store: {0}")]
    Defect(&'static str),
}

impl StoreError {
    /// True when the same call may succeed later without any change.
    pub const fn transient(&self) -> bool {
        matches!(self, Self::Busy | Self::Conflict | Self::Unavailable(_))
    }
}
