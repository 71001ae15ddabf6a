//! A mail account and the relay as configuration says. Plain data; the secret itself is not here:
//! `config/` reads it when a connection is made.

use std::path::PathBuf;

use super::address::EmailAddress;
use super::ids::{AccountName, DeskName, FolderName};

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// TLS from the first octet, names verified.
    Tls,
    /// STARTTLS, required, names verified; never downgraded.
    Starttls,
    /// None; `check` allows it on loopback only.
    None,
}

/// An IMAP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImapServer {
    /// Name or address; verified against its certificate.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Protection.
    pub tls: Tls,
    /// Login name.
    pub user: String,
    /// Where the password comes from.
    pub password: Secret,
}

/// Where a secret comes from; never the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// An environment variable.
    Env(String),
    /// The first line of a file.
    File(PathBuf),
    /// None is needed.
    None,
}

/// Where mail is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A server.
    Imap(ImapServer),
    /// A Maildir: `new/` and `cur/`.
    Maildir(PathBuf),
    /// A directory of `.eml` files, read in name order.
    Directory(PathBuf),
    /// Handed over one by one (`mailward ingest`); never configured.
    Pipe,
}

/// What happens to a mail on the server after commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// MOVE (RFC 6851) to this folder; where refused, COPY once and flag.
    Move(FolderName),
    /// The keyword `$MailwardSeen` and `\Seen`.
    Flag,
    /// Nothing.
    None,
}

/// What the first sight of a folder means (L15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstRun {
    /// Mail already there becomes tickets, nothing is sent, no clock runs.
    History,
    /// Mail already there is treated as new.
    Live,
}

/// How the signed token travels (L37).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenCarrier {
    /// `base+<token>@domain`.
    Plus,
    /// `<token>@domain`, a catch-all.
    Catchall,
    /// In Message-ID and References only.
    ReferencesOnly,
}

/// A folder that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderRule {
    /// As the server spells it.
    pub name: FolderName,
    /// False for Junk: stored and flagged, never acknowledged.
    pub respond: bool,
}

/// The evidence by which senders are believed (L22).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthEvidence {
    /// The topmost Authentication-Results with one of these authserv-ids (RFC 8601 2.5).
    Rfc8601 {
        /// Ids of the account's own servers, compared case-blind.
        authserv_ids: Vec<String>,
    },
    /// Exchange Online: no authserv-id; counts only directly under the provider's own Received.
    ExchangeOnline {
        /// Domains whose mail is internal when `X-MS-Exchange-Organization-AuthAs: Internal`.
        accepted_domains: Vec<String>,
    },
    /// None: every grade is `none`.
    None,
}

/// A mail account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: AccountName,
    /// Where its mail is read from.
    pub source: Source,
    /// The folders that are read, in this order.
    pub folders: Vec<FolderRule>,
    /// Recipient address to desk; a breach desk wins over others.
    pub routes: Vec<(EmailAddress, DeskName)>,
    /// The desk of mail that no route matches.
    pub desk: DeskName,
    /// What happens on the server after commit.
    pub after: After,
    /// What the first sight of a folder means.
    pub first_run: FirstRun,
    /// How the token travels.
    pub token_carrier: TokenCarrier,
    /// The separator of sub-addresses; `None` where the server knows none.
    pub subaddress: Option<char>,
    /// The folder in which the relay keeps copies of our mail, where it does; only `erase` looks there.
    pub sent: Option<FolderName>,
    /// How senders are believed.
    pub auth: AuthEvidence,
}

/// The reverse-path of our own mail (L35).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReversePathPolicy {
    /// Automatic mail `<>`; answers the desk's address.
    Null,
    /// The desk's address for all.
    Desk,
    /// Automatic mail `<>` is refused by the relay: a signed bounce address for all.
    Verp,
}

/// How mail leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relay {
    /// An SMTP server.
    Smtp {
        /// Name or address.
        host: String,
        /// TCP port.
        port: u16,
        /// Protection.
        tls: Tls,
        /// Login, where it wants one.
        login: Option<(String, Secret)>,
    },
    /// A directory that receives `.eml` files.
    Directory(PathBuf),
}

/// The way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transport {
    /// Where to.
    pub relay: Relay,
    /// MAIL FROM.
    pub reverse_path: ReversePathPolicy,
    /// Mails a minute, 0 for no limit.
    pub max_per_minute: u32,
    /// Kept sessions at once.
    pub max_connections: u32,
}

impl Transport {
    /// True when mail leaves over TLS; the relay's name is always verified there.
    pub const fn is_verified(&self) -> bool {
        matches!(self.relay, Relay::Smtp { tls: Tls::Tls | Tls::Starttls, .. })
    }
}
