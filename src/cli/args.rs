//! The command line as clap reads it: names, help texts, defaults. Decides nothing.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod waiting;
pub use super::args_lock::{Attachment, Keys, Opens, Reveal};
pub use waiting::{Held, Quarantine, Review, Row};

/// An email-to-ticket gateway for help desks in health care.
///
/// Mail comes in over IMAP, becomes a ticket or joins one, is stripped of quotes and of likely PHI,
/// is acknowledged, and goes to agents who answer from their own mail client.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, disable_help_subcommand = true)]
#[command(
    after_help = "Exit codes: 0 done; 64 usage; 65 the input is bad (the rest was done); 70 a defect of \
ours; 75 try again (database busy, server away); 78 configuration.\n\nTry `mailward demo` first: it needs no \
configuration and no server."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Every command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs every worker until SIGTERM: fetches, decides, sends, sweeps.
    Serve(Serve),
    /// Shows a day of a help desk on embedded defaults; writes only below target/demo/.
    Demo(Demo),
    /// Validates configuration, desks, calendars, directory and templates.
    Check(Check),
    /// Takes mail from files or standard input, as an MTA hands it over.
    Ingest(Ingest),
    /// Shows what would be understood of a mail. Prints clear text: never for a log.
    Inspect(Inspect),
    /// Redacts JSON lines: {"id","lang"?,"text","from"?} in, {"id","spans","redacted"} out.
    Redact(Redact),
    /// Trains the redactor's model: a developer's command.
    #[command(hide = true)]
    Train(super::train::Train),
    /// Answers deadline questions: JSON lines in, the same with `due` out.
    Due(Due),
    /// Tells how long ago each folder was polled and what waits; exit 75 when it is too long.
    Health(Health),
    /// Looks at everything that is due once, then makes one pass of the outbox.
    Sweep(Sweep),
    /// Lists, shows and changes tickets.
    #[command(subcommand)]
    Ticket(Ticket),
    /// Lists outgoing mail, or sends a dead one again.
    #[command(subcommand)]
    Outbox(Outbox),
    /// Lists every mail that came in, or balances the books.
    #[command(subcommand)]
    Ledger(Ledger),
    /// Mail that could not be understood, or waits for a person.
    #[command(subcommand)]
    Quarantine(Quarantine),
    /// Mail that waits for an agent's review, because its sender may not open tickets.
    #[command(subcommand)]
    Held(Held),
    /// Verifies or shows the audit trail.
    #[command(subcommand)]
    Audit(Audit),
    /// Opens the sealed originals of a ticket for a while; needs a reason, leaves an audit row.
    Reveal(Reveal),
    /// Opens one attachment of a ticket, under the same rules as `reveal`.
    Attachment(Attachment),
    /// Key ring: makes a first one or adds a key.
    #[command(subcommand)]
    Keys(Keys),
    /// What each desk did in a period: volumes, targets, percentiles. No PHI in it.
    Report(Report),
    /// Clocks of tickets, after a desk's hours changed.
    #[command(subcommand)]
    Clocks(Clocks),
}

/// Where the configuration lies.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// The configuration file.
    #[arg(long, value_name = "FILE", env = "MAILWARD_CONFIG")]
    pub config: PathBuf,
}

/// A simulated instant.
#[derive(Debug, Clone, Copy, Args)]
pub struct At {
    /// Acts as if it were this instant (RFC 3339); needs `simulated = true` under `[clock]`.
    #[arg(long, value_name = "TIME")]
    pub at: Option<chrono::DateTime<chrono::Utc>>,
}

/// `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    /// Configuration.
    pub config: Config,
    /// Ends once every mail is in the ledger and decided and nothing is sendable or due.
    #[arg(long)]
    pub until_idle: bool,
    #[command(flatten)]
    /// Simulated instant, with --until-idle only.
    pub at: At,
}

/// `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Where to write.
    #[arg(long, value_name = "DIR", default_value = "target/demo")]
    pub dir: PathBuf,
}

/// `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The configuration file.
    #[arg(long, value_name = "FILE", env = "MAILWARD_CONFIG", required_unless_present = "schema")]
    pub config: Option<PathBuf>,
    /// Prints the JSON Schema of the configuration instead.
    #[arg(long)]
    pub schema: bool,
    /// One problem a line: {file,line,column,code,message,help}.
    #[arg(long)]
    pub json: bool,
}

/// `ingest`.
#[derive(Debug, Args)]
pub struct Ingest {
    #[command(flatten)]
    /// Configuration.
    pub config: Config,
    /// The desk that receives it.
    #[arg(long)]
    pub desk: String,
    #[command(flatten)]
    /// The instant of arrival.
    pub at: At,
    /// Files, or `-` for standard input.
    #[arg(required = true, value_name = "FILE|-")]
    pub files: Vec<PathBuf>,
}

/// What a file to inspect holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A whole mail.
    Eml,
    /// A body of plain text, without headers.
    Text,
    /// A body of HTML, without headers.
    Html,
}

/// `inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
    /// What the files hold.
    #[arg(long, value_enum, default_value_t = Format::Eml)]
    pub format: Format,
    /// The configuration file, for the policy fields.
    #[arg(long, value_name = "FILE", requires = "desk")]
    pub config: Option<PathBuf>,
    /// The desk whose policy is shown.
    #[arg(long, requires = "config")]
    pub desk: Option<String>,
    #[command(flatten)]
    /// The instant of arrival.
    pub at: At,
    /// Files, or `-` for standard input.
    #[arg(required = true, value_name = "FILE|-")]
    pub files: Vec<PathBuf>,
}

/// `redact`.
#[derive(Debug, Args)]
pub struct Redact {
    /// JSON lines in and out (the only form so far).
    #[arg(long, required = true)]
    pub jsonl: bool,
    /// A file, or `-` for standard input.
    #[arg(default_value = "-", value_name = "FILE|-")]
    pub file: PathBuf,
    /// The configuration whose `[redaction]` lists count too.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What is done with diagnoses, drugs and their codes; a desk has its own policy.
    #[arg(long, value_name = "POLICY", value_enum, default_value = "near-identifier")]
    pub clinical: Clinical,
    /// Tells of each span which rule found it and how much text the rule looked at; prints no text.
    #[arg(long)]
    pub explain: bool,
    /// Another model than the one that is built in; `none` for the rules alone.
    #[arg(long, value_name = "FILE|none", hide = true)]
    pub model: Option<PathBuf>,
}

/// Policies for clinical words.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Clinical {
    /// They stay.
    Off,
    /// They go where a person stands near.
    NearIdentifier,
    /// They go everywhere.
    Always,
}

impl From<Clinical> for crate::domain::desk::ClinicalWords {
    fn from(policy: Clinical) -> Self {
        match policy {
            Clinical::Off => Self::Off,
            Clinical::NearIdentifier => Self::Near,
            Clinical::Always => Self::Always,
        }
    }
}

/// `due`.
#[derive(Debug, Args)]
pub struct Due {
    #[command(flatten)]
    /// Configuration.
    pub config: Config,
    /// JSON lines in and out (the only form so far).
    #[arg(long, required = true)]
    pub jsonl: bool,
    /// A file, or `-` for standard input.
    #[arg(default_value = "-", value_name = "FILE|-")]
    pub file: PathBuf,
}

/// `sweep`.
#[derive(Debug, Args)]
pub struct Sweep {
    #[command(flatten)]
    /// Configuration.
    pub config: Config,
    #[command(flatten)]
    /// Simulated instant.
    pub at: At,
    /// One object a line: {ticket,action,reason,at}.
    #[arg(long)]
    pub json: bool,
}

/// A question to the store.
#[derive(Debug, Clone, Args)]
pub struct Listing {
    #[command(flatten)]
    /// Configuration.
    pub config: Config,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// `health`.
#[derive(Debug, Args)]
pub struct Health {
    #[command(flatten)]
    /// Configuration and form.
    pub listing: Listing,
    /// How many seconds a poll may lie back, and a mail may wait.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub max_age: u32,
}

/// One ticket.
#[derive(Debug, Args)]
pub struct One {
    #[command(flatten)]
    /// Configuration and form.
    pub listing: Listing,
    /// The ticket's number.
    pub number: i64,
    /// Shows addresses in the clear; leaves an audit row.
    #[arg(long)]
    pub expose: bool,
    #[command(flatten)]
    /// Simulated instant.
    pub at: At,
}

/// Who acts, on what, when.
#[derive(Debug, Args)]
pub struct Act {
    #[command(flatten)]
    /// Configuration.
    pub config: Config,
    /// The ticket's number.
    pub number: i64,
    /// The agent who acts, as named in the directory.
    #[arg(long = "as", value_name = "AGENT")]
    pub agent: String,
    #[command(flatten)]
    /// Simulated instant.
    pub at: At,
}

/// An act with words.
#[derive(Debug, Args)]
pub struct ActWithText {
    #[command(flatten)]
    /// Who acts, on what, when.
    pub act: Act,
    /// A file with the words, or `-` for standard input.
    #[arg(default_value = "-", value_name = "FILE|-")]
    pub file: PathBuf,
}

/// An act with a reason.
#[derive(Debug, Args)]
pub struct ActWithReason {
    #[command(flatten)]
    /// Who acts, on what, when.
    pub act: Act,
    /// Why; its keyed hash stands in the audit trail.
    #[arg(long)]
    pub reason: String,
}

/// `ticket`.
#[derive(Debug, Subcommand)]
pub enum Ticket {
    /// Lists tickets.
    List(Listing),
    /// Shows one ticket with its messages, clocks, outbox and history; addresses masked.
    Show(One),
    /// Answers the customer.
    Reply {
        #[command(flatten)]
        /// Who, what, when.
        act: ActWithText,
        /// Holds the ticket for solved with the same mail.
        #[arg(long)]
        resolve: bool,
    },
    /// Adds a note that stays inside.
    Note(ActWithText),
    /// Gives the ticket to an agent, or to nobody.
    Assign {
        #[command(flatten)]
        /// Who, what, when.
        act: Act,
        /// The agent, or `nobody`.
        #[arg(long)]
        to: String,
    },
    /// Sets the priority.
    Priority {
        #[command(flatten)]
        /// Who, what, when.
        act: Act,
        /// urgent, high, medium or low.
        #[arg(long)]
        to: String,
    },
    /// Holds the ticket for solved and tells the customer.
    Resolve(Act),
    /// Ends the ticket.
    Close(Act),
    /// Opens an ended ticket again.
    Reopen(Act),
    /// Ends this ticket in favour of another: its people and its later mail go there.
    Merge {
        #[command(flatten)]
        /// Who, what, when.
        act: Act,
        /// The ticket that survives.
        #[arg(long)]
        into: i64,
        /// Also when the tickets are of different customers: answers then go to both.
        #[arg(long)]
        force: bool,
    },
    /// Takes a merge back: the ticket is open again with its own messages and people.
    Unmerge(Act),
    /// Notes the estimated day of resolution, which the next answer tells.
    Eta {
        #[command(flatten)]
        /// Who, what, when.
        act: Act,
        /// YYYY-MM-DD, in the desk's zone.
        #[arg(long)]
        day: chrono::NaiveDate,
    },
    /// Sets how often the customer is to be updated on this ticket.
    Cadence {
        #[command(flatten)]
        /// Who, what, when.
        act: Act,
        /// `"2h elapsed"`, `"4h business"`, or `default` for the desk's own.
        #[arg(long)]
        every: String,
    },
    /// Moves the ticket to another desk.
    Move {
        #[command(flatten)]
        /// Who, what, when.
        act: Act,
        /// The other desk.
        #[arg(long)]
        to: String,
    },
    /// Erases originals, texts, names and addresses of a ticket for ever, with the copies on the mail
    /// server that are still found; a legal hold stops it.
    Erase(ActWithReason),
    /// Puts a legal hold on the ticket: neither retention nor `erase` touches it.
    Hold(ActWithReason),
    /// Ends a legal hold.
    Release(ActWithReason),
    /// Notes the customer's consent to open originals, as desks may ask for.
    Consent {
        #[command(flatten)]
        /// Who, what, why, when.
        act: ActWithReason,
        /// Until when it lasts (RFC 3339).
        #[arg(long, value_name = "TIME")]
        until: chrono::DateTime<chrono::Utc>,
    },
}

/// `outbox`.
#[derive(Debug, Subcommand)]
pub enum Outbox {
    /// Lists outgoing mail with its state and reason.
    List(Listing),
    /// Queues a dead or waiting mail again.
    Retry {
        #[command(flatten)]
        /// Configuration.
        config: Config,
        /// The row's id.
        id: String,
        #[command(flatten)]
        /// Simulated instant.
        at: At,
    },
}

/// `ledger`.
#[derive(Debug, Subcommand)]
pub enum Ledger {
    /// Lists every mail that came in, with its state and reason.
    List(Listing),
    /// Balances the books per account and day; exit 1 when they do not balance.
    Balance(Listing),
}

/// `audit`.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Walks the hash chain: {ok,rows,head,first_bad}; exit 1 when it is broken.
    Verify(Listing),
    /// Shows the trail, of one ticket where given.
    Show {
        #[command(flatten)]
        /// Configuration and form.
        listing: Listing,
        /// The ticket's number.
        #[arg(long)]
        ticket: Option<i64>,
    },
}

/// `clocks`.
#[derive(Debug, Subcommand)]
pub enum Clocks {
    /// Shows which deadlines another calendar moves; changes them with --apply only.
    Recompute {
        #[command(flatten)]
        /// Configuration and form.
        listing: Listing,
        /// Writes the new deadlines; every ticket gets an audit row.
        #[arg(long)]
        apply: bool,
        #[command(flatten)]
        /// Simulated instant.
        at: At,
    },
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportForm {
    /// For people at a terminal.
    Table,
    /// Comma-separated values, spans in seconds.
    Csv,
    /// One self-contained page with charts.
    Html,
}

/// `report`.
#[derive(Debug, Args)]
pub struct Report {
    #[command(flatten)]
    /// Configuration and form.
    pub listing: Listing,
    /// Only this desk.
    #[arg(long)]
    pub desk: Option<String>,
    /// The first day (YYYY-MM-DD, UTC); 30 days before the last one when absent.
    #[arg(long, value_name = "DATE")]
    pub from: Option<chrono::NaiveDate>,
    /// The last day, included; today when absent.
    #[arg(long, value_name = "DATE")]
    pub to: Option<chrono::NaiveDate>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = ReportForm::Table)]
    pub format: ReportForm,
    #[command(flatten)]
    /// Simulated instant.
    pub at: At,
}
