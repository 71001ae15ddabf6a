//! What can go wrong with a mail server, named for what the caller does next. Holds a kind and a
//! fixed word about where it happened; never a line of the server, which may hold PHI.

use std::io;

/// What to do after an [`ImapError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The session is still good; this one request was refused.
    Carry,
    /// Drop the session, connect again after [`super::backoff()`].
    Reconnect,
    /// The server as a whole refuses for now (a limit of the day, too many connections): hang up,
    /// come back after [`super::backoff()`], and blame no mail for it.
    PutOff,
    /// Trying again soon cannot help and may lock the account: pause it and raise an alarm.
    Pause,
}

/// Why a mail server did not do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImapError {
    /// NO to LOGIN or AUTHENTICATE that is not marked as temporary.
    #[error("the server refused the login")]
    LoginRefused,
    /// No trusted certificate, no STARTTLS, or plain text beyond loopback.
    #[error("the connection would not be safe: {0}")]
    Unsafe(&'static str),
    /// The folder does not exist or may not be opened.
    #[error("the server does not open this folder")]
    FolderMissing,
    /// NO or BAD to a command.
    #[error("the server refused: {0}")]
    Refused(&'static str),
    /// A change was not asked for, because another gateway may read the account by now.
    #[error("the account's lease is over")]
    LeaseOver,
    /// NO that names a limit or an outage of the server as a whole.
    #[error("the server puts it off: {0}")]
    PutOff(&'static str),
    /// Refused, reset, closed, or BYE.
    #[error("the connection was lost: {0}")]
    Transient(&'static str),
    /// No answer before a deadline.
    #[error("no answer in time: {0}")]
    Timeout(&'static str),
    /// An answer that is no IMAP, or above its bound.
    #[error("an answer that cannot be used: {0}")]
    Protocol(&'static str),
}

impl ImapError {
    /// What the caller does next.
    pub const fn next(self) -> Next {
        match self {
            Self::Refused(_) | Self::FolderMissing | Self::LeaseOver => Next::Carry,
            Self::LoginRefused | Self::Unsafe(_) => Next::Pause,
            Self::PutOff(_) => Next::PutOff,
            Self::Transient(_) | Self::Timeout(_) | Self::Protocol(_) => Next::Reconnect,
        }
    }

    /// Reads the kind of an I/O error; its text is dropped, because async-imap puts the whole
    /// unparsed line of the server into it.
    pub(super) fn from_io(error: &io::Error, doing: &'static str) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut => Self::Timeout(doing),
            io::ErrorKind::FileTooLarge => Self::Protocol("an answer above its bound"),
            io::ErrorKind::Other | io::ErrorKind::InvalidData => Self::Protocol(doing),
            _ => Self::Transient(doing),
        }
    }

    pub(super) fn from_imap(error: &async_imap::error::Error, doing: &'static str) -> Self {
        use async_imap::error::Error;
        match error {
            Error::Io(error) => Self::from_io(error, doing),
            Error::No(_) | Error::Bad(_) | Error::Validate(_) => Self::Refused(doing),
            Error::ConnectionLost => Self::Transient(doing),
            _ => Self::Protocol(doing),
        }
    }
}
