//! Reading mail: IMAP servers (RFC 3501) and folders of files. Takes an account's server and rules,
//! gives mails as octets with their origin, and settles them on the server once the caller has
//! committed. Never marks, moves or deletes anything by itself, never trusts `\Seen`, never puts a
//! line of the server into an error: it may hold a patient's name.

mod backoff;
mod connect;
mod error;
mod expunge;
mod fetch;
mod files;
mod session;
mod settle;
mod uid_set;
mod wait;
mod wire;

use std::time::Duration;

pub use backoff::backoff;
pub use error::{ImapError, Next};
pub use fetch::{Absent, Fetched, Survey};
pub use files::{FileMail, FileSource, FoundFile};
pub use session::{FolderStatus, Session};
pub use settle::{Settled, Settlement};
pub use wait::Woken;

/// The bounds within which a session works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the first packet to the end of the login.
    pub connect: Duration,
    /// The longest silence of the server while it owes an answer.
    pub stall: Duration,
    /// The longest any one command may take, however busy the line.
    pub command: Duration,
    /// IDLE is re-issued after this; firewalls forget silent connections long before the 29 minutes
    /// of RFC 2177.
    pub idle: Duration,
    /// Mails in one FETCH.
    pub batch_mails: usize,
    /// Octets in one FETCH, by the sizes the server told.
    pub batch_bytes: u64,
    /// A mail above it is not fetched whole.
    pub message_bytes: u64,
    /// How much of such a mail is fetched.
    pub oversize_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            stall: Duration::from_mins(1),
            command: Duration::from_mins(10),
            idle: Duration::from_secs(290),
            batch_mails: 50,
            // A quarter of what may be in hand: one is fetched while others are understood and decided.
            batch_bytes: 8 << 20,
            message_bytes: 25 << 20,
            oversize_bytes: 256 << 10,
        }
    }
}
