//! What the commands print, one serialisable struct an object of the contract. Addresses in it are
//! masked unless the reader was asked to expose them; instants are RFC 3339 in UTC with `Z`.

use serde::{Serialize, Serializer};

use crate::domain::ids::{AccountName, DeskName, LedgerId, TicketNumber};
use crate::domain::message::Instant;

fn instant<S: Serializer>(at: &Instant, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
fn maybe<S: Serializer>(at: &Option<Instant>, s: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => instant(at, s),
        None => s.serialize_none(),
    }
}

/// Which tickets to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TicketFilter {
    /// Only of this desk.
    pub desk: Option<DeskName>,
    /// Only in this state (the word).
    pub state: Option<String>,
    /// At most so many; 0 for all.
    pub limit: u32,
}

/// Which ledger rows to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedgerFilter {
    /// Only of this account.
    pub account: Option<AccountName>,
    /// Only in this state (the word).
    pub state: Option<String>,
    /// Only of this ticket.
    pub ticket: Option<TicketNumber>,
    /// Only this row.
    pub id: Option<LedgerId>,
    /// At most so many; 0 for all.
    pub limit: u32,
}

/// Which outbox rows to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OutboxFilter {
    /// Only of this ticket.
    pub ticket: Option<TicketNumber>,
    /// Only in this state (the word).
    pub state: Option<String>,
    /// At most so many; 0 for all.
    pub limit: u32,
}

/// A line of `ticket list`: the scalars.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TicketLine {
    /// Its number.
    pub number: i64,
    /// Its desk.
    pub desk: String,
    /// new, open, pending, resolved, closed.
    pub state: String,
    /// low, medium, high, urgent.
    pub priority: String,
    /// The desk's code.
    pub category: Option<String>,
    /// ISO 639-1.
    pub language: String,
    /// Redacted.
    pub subject: String,
    /// The requester's address, masked.
    pub requester: Option<String>,
    /// The agent.
    pub assignee: Option<String>,
    /// A breach ticket.
    pub restricted: bool,
    /// From history.
    pub imported: bool,
    /// The number of the ticket it follows.
    pub follow_up_of: Option<i64>,
    /// The number of the survivor.
    pub merged_into: Option<i64>,
    /// Arrival of the first mail.
    #[serde(serialize_with = "instant")]
    pub opened_at: Instant,
    /// When it ended.
    #[serde(serialize_with = "maybe")]
    pub closed_at: Option<Instant>,
    /// agent, no_answer, merged.
    pub close_reason: Option<String>,
    /// How many messages it has.
    pub message_count: i64,
    /// The nearest deadline of a running clock.
    #[serde(serialize_with = "maybe")]
    pub due: Option<Instant>,
}

/// `ticket show`: the scalars and what hangs on them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TicketView {
    /// The scalars.
    #[serde(flatten)]
    pub line: TicketLine,
    /// Everyone who takes part.
    pub participants: Vec<ParticipantView>,
    /// Numbers of tickets it may belong to.
    pub possibly_related: Vec<i64>,
    /// The same with why: `named`, `copy`, `similar: [#n] share`.
    pub related: Vec<RelatedView>,
    /// The negotiated span between updates.
    pub cadence: Option<String>,
    /// The estimated day of resolution, `YYYY-MM-DD`.
    pub eta: Option<String>,
    /// Its promises.
    pub clocks: Vec<ClockView>,
    /// Its messages in order.
    pub messages: Vec<ArticleView>,
    /// Its mails of ours.
    pub outbox: Vec<OutboxView>,
    /// Under legal hold since.
    #[serde(serialize_with = "maybe")]
    pub held_at: Option<Instant>,
    /// The customer's consent to open originals lasts until.
    #[serde(serialize_with = "maybe")]
    pub consent_until: Option<Instant>,
    /// What was done to it, by whom and why.
    pub history: Vec<HistoryView>,
}

/// Another ticket, and why this one may belong to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RelatedView {
    /// Its number.
    pub ticket: i64,
    /// A code, with a figure behind a colon.
    pub reason: String,
}

/// Someone who takes part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParticipantView {
    /// The number within the ticket.
    pub no: u32,
    /// requester, participant, agent.
    pub role: String,
    /// Masked.
    pub address: String,
    /// Shown only when exposed.
    pub name: Option<String>,
    /// The directory organisation.
    pub organisation: Option<String>,
    /// The agent's name.
    pub agent: Option<String>,
}

/// A promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClockView {
    /// response, resolution, update.
    pub kind: String,
    /// The deadline, of a running or missed clock.
    #[serde(serialize_with = "maybe")]
    pub due: Option<Instant>,
    /// running, paused, met, missed.
    pub state: String,
    /// Seconds left: of the clock's own time when paused, else of elapsed time; null when met.
    pub remaining_s: Option<i64>,
}

/// A message of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArticleView {
    /// The row.
    pub id: String,
    /// in, out.
    pub direction: String,
    /// public, internal, auto.
    pub kind: String,
    /// The mail's class, for mail from outside.
    pub class: Option<String>,
    /// Masked.
    pub from: Option<String>,
    /// Arrival or writing.
    #[serde(serialize_with = "instant")]
    pub arrived_at: Instant,
    /// Without brackets; shown only when exposed.
    pub message_id: Option<String>,
    /// pass, none, fail.
    pub grade: String,
    /// Redacted.
    pub text: String,
    /// Flags for agents.
    pub flags: Vec<String>,
    /// What hangs on it.
    pub attachments: Vec<AttachmentView>,
    /// sealed, erased; null where there is no original.
    pub original: Option<String>,
}

/// An attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttachmentView {
    /// Its number within the ticket, by which `mailward attachment` names it.
    pub no: usize,
    /// Shown only when exposed.
    pub name: Option<String>,
    /// Detected media type, else the declared one.
    #[serde(rename = "type")]
    pub media_type: String,
    /// Octets.
    pub size: i64,
    /// Lower-case hexadecimal.
    pub sha256: String,
    /// Codes; `clean`, `record`, `found:KIND:COUNT`, `not_scanned:WHY` say what the redactor found in it.
    pub flags: Vec<String>,
}

/// A line of `outbox list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutboxView {
    /// The row.
    pub id: String,
    /// The ticket's number; null for word about mail that is held.
    pub ticket: Option<i64>,
    /// `Notice::kind`.
    pub kind: String,
    /// Masked.
    pub recipient: String,
    /// Ours, without brackets.
    pub message_id: String,
    /// queued, leased, sent, later, dead, suppressed, cancelled.
    pub state: String,
    /// Why it is suppressed or cancelled.
    pub reason: Option<String>,
    /// Attempts begun.
    pub attempts: i64,
    /// When the row was written.
    #[serde(serialize_with = "instant")]
    pub created_at: Instant,
    /// Not sent before this; null once nothing is to be sent.
    #[serde(serialize_with = "maybe")]
    pub not_before: Option<Instant>,
    /// When SMTP accepted it.
    #[serde(serialize_with = "maybe")]
    pub sent_at: Option<Instant>,
    /// Of the last attempt.
    pub last_error: Option<String>,
    /// A bounce came back for it.
    pub bounced: bool,
}

/// What was done to a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryView {
    /// When.
    #[serde(serialize_with = "instant")]
    pub at: Instant,
    /// `system`, `customer`, `customer:N`, `agent:NAME`, `operator:USER`.
    pub actor: String,
    /// In one word.
    pub action: String,
    /// Codes, with a rule id or figure behind a colon.
    pub reasons: Vec<String>,
}

/// A line of `ledger list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerView {
    /// The row.
    pub id: String,
    /// Where it was found.
    pub account: String,
    /// The folder.
    pub folder: String,
    /// Its UIDVALIDITY.
    pub uidvalidity: i64,
    /// Its UID.
    pub uid: i64,
    /// Lower-case hexadecimal; null for a gap and after erasure.
    pub sha256: Option<String>,
    /// When it arrived; for a gap, when it was noted.
    #[serde(serialize_with = "instant")]
    pub arrived_at: Instant,
    /// `LedgerState::as_str`.
    pub state: String,
    /// Why, as a code.
    pub reason: Option<String>,
    /// What was decided, in one word.
    pub action: Option<String>,
    /// Solo attempts, or tries of a gap.
    pub attempts: i64,
    /// The ticket's number.
    pub ticket: Option<i64>,
    /// The mail it repeats.
    pub duplicate_of: Option<String>,
}

/// A line of `ledger balance`: one account and day (UTC, of arrival). `incoming` is the sum of all
/// the others.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct BalanceView {
    /// The account.
    pub account: String,
    /// `YYYY-MM-DD`.
    pub day: String,
    /// Mails of the day.
    #[serde(rename = "in")]
    pub incoming: i64,
    /// Opened a ticket.
    pub tickets: i64,
    /// Joined one.
    pub joined: i64,
    /// Kept, in no ticket.
    pub recorded: i64,
    /// Duplicates and discarded mail.
    pub ignored: i64,
    /// Wait for a person.
    pub held: i64,
    /// Could not be understood.
    pub quarantined: i64,
    /// The server did not give them.
    pub unfetchable: i64,
    /// Erased on request.
    pub erased: i64,
    /// Not yet decided.
    pub stored: i64,
    /// `in = tickets + joined + ... + stored`.
    pub balanced: bool,
}

/// A line of `quarantine list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuarantineView {
    /// The ledger row, by which the commands name it.
    pub id: String,
    /// The same row.
    pub ledger: String,
    /// quarantined, held.
    pub state: String,
    /// The desk that received it, where it was understood.
    pub desk: Option<String>,
    /// Why.
    pub reason: String,
    /// Solo attempts.
    pub attempts: i64,
    /// When it came here.
    #[serde(serialize_with = "instant")]
    pub since: Instant,
    /// Octets.
    pub size: i64,
    /// Lower-case hexadecimal.
    pub sha256: Option<String>,
}

/// A line of `audit show`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditView {
    /// Its number in the chain, from 1.
    pub seq: i64,
    /// When.
    #[serde(serialize_with = "instant")]
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// In one word.
    pub action: String,
    /// The ticket's number.
    pub ticket: Option<i64>,
    /// The mail's row.
    pub ledger: Option<String>,
    /// Codes.
    pub reasons: Vec<String>,
    /// Lower-case hexadecimal.
    pub hash: String,
}

/// What `audit verify` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Every row hangs on the one before it, and the head is the last one.
    pub ok: bool,
    /// Rows seen.
    pub rows: i64,
    /// The hash that the head row holds.
    pub head: String,
    /// The first row that does not fit; one past the last when rows are missing at the end.
    pub first_bad: Option<i64>,
}

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErasedView {
    /// The ticket's number.
    pub ticket: i64,
    /// Originals whose key was deleted.
    pub originals: i64,
    /// Messages that were emptied.
    pub messages: i64,
    /// What became of copies on mail servers and in directories.
    pub server: Vec<CopyView>,
}

/// Copies of an erased ticket's mail in one place outside the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopyView {
    /// The account.
    pub account: String,
    /// The folder.
    pub folder: String,
    /// Copies that were taken away.
    pub removed: usize,
    /// Mails of which no copy was found there.
    pub absent: usize,
    /// Why others could not be reached: `server_away`, `folder_gone`, `uidvalidity_changed`,
    /// `marked_only` (no UIDPLUS), `refused`, `no_message_id`, `not_a_reader`.
    pub unreached: Option<&'static str>,
}
