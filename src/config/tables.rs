//! The main file as it is written. Every doc line here is the help that `check` prints and the
//! description in the JSON schema.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::redaction::RedactionTable;

/// `mailward.toml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct MainFile {
    /// The database: `[store] url = "sqlite:PATH"` or `"postgres://..."`
    pub store: StoreTable,
    /// The key ring that seals originals and signs tokens: `[keys] file = "PATH"` or `env = "NAME"`
    pub keys: KeysTable,
    /// Where "now" comes from
    #[serde(default)]
    pub clock: ClockTable,
    /// How mail leaves
    pub smtp: SmtpTable,
    /// Caps of automatic mail
    #[serde(default)]
    pub governor: GovernorTable,
    /// Mail accounts that are read
    #[serde(default)]
    pub account: Vec<AccountTable>,
    /// How senders are believed
    pub auth: Option<AuthTable>,
    /// What the operator adds to the rules of redaction
    #[serde(default)]
    pub redaction: RedactionTable,
    /// Where the other files lie
    #[serde(default)]
    #[expect(dead_code, reason = "read ahead of the rest, by `sources`")]
    pub paths: PathsTable,
}

/// The database.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct StoreTable {
    /// `sqlite:PATH` (relative to this file) or `postgres://user@host/database`; a password belongs into PGPASSWORD or `~/.pgpass`
    pub url: String,
}

/// The key ring.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct KeysTable {
    /// A file that only the gateway's user can read
    pub file: Option<PathBuf>,
    /// The name of an environment variable
    pub env: Option<String>,
}

/// The clock.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ClockTable {
    /// True allows `--at`: for rehearsals and tests only
    #[serde(default)]
    pub simulated: bool,
}

/// Kinds of relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SmtpKind {
    Smtp,
    Directory,
}

/// Kinds of protection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TlsWord {
    Tls,
    Starttls,
    None,
}

/// Kinds of reverse-path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReversePathWord {
    Null,
    Desk,
    Verp,
}

/// The way out.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SmtpTable {
    /// `smtp` for a relay, `directory` to write files (rehearsals)
    pub kind: SmtpKind,
    /// The relay's name, verified against its certificate
    pub host: Option<String>,
    /// TCP port; 465 for tls, 587 for starttls, 25 for none
    pub port: Option<u16>,
    /// `tls`, `starttls`, or `none` (loopback only)
    pub tls: Option<TlsWord>,
    /// Login name, if the relay wants one
    pub user: Option<String>,
    /// The environment variable that holds the password
    pub password_env: Option<String>,
    /// The file whose first line is the password
    pub password_file: Option<PathBuf>,
    /// With `kind = "directory"`: where the files go
    pub path: Option<PathBuf>,
    /// `null`, `desk` or `verp` (L35: some relays refuse the null path)
    pub reverse_path: Option<ReversePathWord>,
    /// Mails a minute, 0 for no limit
    #[serde(default)]
    pub max_per_minute: u32,
    /// Kept sessions at once
    #[schemars(range(min = 1, max = 64))]
    pub max_connections: Option<u32>,
}

/// Caps; 0 is none.
#[expect(clippy::struct_field_names, reason = "the names of the keys")]
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct GovernorTable {
    /// Automatic mails to one address within an hour, 0 for no limit
    pub per_address_hour: Option<u32>,
    /// Automatic mails to one address within a day, 0 for no limit
    pub per_address_day: Option<u32>,
    /// Automatic mails from one desk within an hour, 0 for no limit
    pub per_mailbox_hour: Option<u32>,
}

/// Kinds of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceWord {
    Imap,
    Maildir,
    Directory,
}

/// What happens after commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AfterWord {
    Move,
    Flag,
    None,
}

/// What the first sight of a folder means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FirstRunWord {
    History,
    Live,
}

/// How the token travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CarrierWord {
    Plus,
    Catchall,
    ReferencesOnly,
}

/// The separator of sub-addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum SubaddressWord {
    #[serde(rename = "+")]
    Plus,
    #[serde(rename = "-")]
    Minus,
    #[serde(rename = "none")]
    None,
}

/// A folder: its name, or its name and whether its mail is acknowledged.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FolderEntry {
    Name(String),
    Rule(FolderTable),
}

/// A folder with its rule.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FolderTable {
    /// As the server spells it
    pub name: String,
    /// False: stored and flagged, never acknowledged (the default for Junk and Spam)
    pub respond: Option<bool>,
}

/// A mail account.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AccountTable {
    /// Its name: lower-case letters, digits, `-`, `_`
    pub name: String,
    /// `imap`, `maildir` or `directory`
    pub source: SourceWord,
    /// The server's name, verified against its certificate
    pub host: Option<String>,
    /// TCP port; 993 for tls, 143 otherwise
    pub port: Option<u16>,
    /// `tls`, `starttls`, or `none` (loopback only)
    pub tls: Option<TlsWord>,
    /// Login name
    pub user: Option<String>,
    /// The environment variable that holds the password
    pub password_env: Option<String>,
    /// The file whose first line is the password
    pub password_file: Option<PathBuf>,
    /// With `maildir` and `directory`: where the mail lies
    pub path: Option<PathBuf>,
    /// Folders that are read; `["INBOX"]` when absent
    pub folders: Option<Vec<FolderEntry>>,
    /// Recipient address to desk
    #[serde(default)]
    pub routes: BTreeMap<String, String>,
    /// The desk of mail that no route matches
    pub desk: String,
    /// After commit: `move`, `flag` or `none`
    pub after: Option<AfterWord>,
    /// With `after = "move"`: the folder
    pub move_to: Option<String>,
    /// Where the relay keeps copies of our mail: `ticket erase` takes them away there
    pub sent: Option<String>,
    /// Mail that lies there at first sight: `history` (the default) or `live`
    pub first_run: Option<FirstRunWord>,
    /// `plus`, `catchall` or `references-only`
    pub token_carrier: Option<CarrierWord>,
    /// `+`, `-` or `none`
    pub subaddress: Option<SubaddressWord>,
    /// How senders are believed, where it differs from `[auth]`
    pub auth: Option<AuthTable>,
}

/// Kinds of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AuthKind {
    Rfc8601,
    ExchangeOnline,
    LocalDkim,
}

/// Evidence about senders.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AuthTable {
    /// `rfc8601`, `exchange-online` or `local-dkim`
    pub kind: AuthKind,
    /// With `rfc8601`: the authserv-ids of your own servers
    #[serde(default)]
    pub authserv_ids: Vec<String>,
    /// With `exchange-online`: your own domains
    #[serde(default)]
    pub accepted_domains: Vec<String>,
}

/// Other files, relative to this one; what is absent is looked for beside it, else built in.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PathsTable {
    /// A directory of desk files, or one of them; `desks`
    pub desks: Option<PathBuf>,
    /// A directory of calendar files; `calendars`
    pub calendars: Option<PathBuf>,
    /// The directory of organisations, contacts and agents; `directory.toml`
    pub directory: Option<PathBuf>,
    /// A directory of templates that override the built-in ones; `templates`
    pub templates: Option<PathBuf>,
    /// A directory of word files, one a language; `words`
    pub words: Option<PathBuf>,
}
