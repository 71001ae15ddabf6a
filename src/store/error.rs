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
    /// No room is left for what is to be written: a person must make some; then it goes on by itself.
    #[error("the database's disk is full")]
    Full,
    /// File, folder or disk may not be written: a person must change that; then it goes on by itself.
    #[error("the database is read-only")]
    ReadOnly,
    /// There is no such row: tell the person who asked.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// What is asked for must not be: tell the person who asked.
    #[error("{0}")]
    Refused(&'static str),
    /// A defect of ours or of the database's content (exit 70).
    #[error("defect in the store: {0}")]
    Defect(String),
}

impl StoreError {
    /// True when the same call may succeed later without any change.
    pub const fn transient(&self) -> bool {
        matches!(self, Self::Busy | Self::Conflict | Self::Unavailable(_) | Self::Full | Self::ReadOnly)
    }
    /// A defect, told by a fixed text.
    pub(super) fn defect(what: &str) -> Self {
        Self::Defect(what.into())
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => Self::Busy,
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            // A connection whose transaction the database ended behind sqlx's back.
            | sqlx::Error::BeginFailed
            | sqlx::Error::InvalidSavePointStatement => Self::Unavailable("connection"),
            sqlx::Error::Configuration(_) => Self::Unavailable("the url cannot be read"),
            sqlx::Error::Database(database) => by_code(&**database),
            // The texts of the others name columns and types; a decoding error may quote a value.
            sqlx::Error::ColumnDecode { index, .. } => Self::Defect(format!("column {index} cannot be read")),
            sqlx::Error::ColumnNotFound(name) => Self::Defect(format!("no column {name}")),
            sqlx::Error::RowNotFound => Self::defect("a row is missing"),
            _ => Self::defect("the driver failed"),
        }
    }
}

/// SQLite tells extended result codes in decimal, PostgreSQL SQLSTATEs.
fn by_code(error: &dyn sqlx::error::DatabaseError) -> StoreError {
    let code = error.code().unwrap_or_default();
    match &*code {
        "40001" | "40P01" => StoreError::Conflict,
        "55P03" => StoreError::Busy,
        "53100" => StoreError::Full,
        // A server that became a standby, or whose administrator made it so.
        "25006" => StoreError::ReadOnly,
        // 25P03: this process stood still in a transaction, and the server ended its session.
        "25P03" | "53300" | "57P01" | "57P02" | "57P03" => StoreError::Unavailable("server"),
        code if code.len() == 5 && (code.starts_with("08") || code.starts_with("28")) => {
            StoreError::Unavailable("server")
        }
        code if code.len() == 5 => {
            // A message of these classes names tables and constraints, never values.
            let quote = code.starts_with("23") || code.starts_with("42");
            let message = if quote { error.message() } else { "" };
            StoreError::Defect(format!("{code} {message}"))
        }
        code => match code.parse::<u32>().map(|code| code & 0xff) {
            Ok(5 | 6) => StoreError::Busy,
            Ok(8) => StoreError::ReadOnly,
            Ok(13) => StoreError::Full,
            Ok(10 | 14) => StoreError::Unavailable("file"),
            Ok(19) => StoreError::Defect(format!("{code} {}", error.message())),
            _ => StoreError::Defect(format!("code {code} {}", error.message())),
        },
    }
}

impl From<crate::seal::SealError> for StoreError {
    fn from(error: crate::seal::SealError) -> Self {
        Self::Defect(error.to_string())
    }
}

impl From<crate::domain::ids::IdError> for StoreError {
    fn from(error: crate::domain::ids::IdError) -> Self {
        Self::Defect(format!("an identifier of a row {error}"))
    }
}
