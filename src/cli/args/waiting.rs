//! Arguments of the commands about mail that waits for a person.

use clap::{Args, Subcommand};

use super::{At, Config, Listing};

/// `quarantine`.
#[derive(Debug, Subcommand)]
pub enum Quarantine {
    /// Lists what waits for a person.
    List(Listing),
    /// Shows one row.
    Show(Row),
    /// Tries to understand it once more.
    Retry(Row),
    /// Lets a held mail become a ticket.
    Release(Row),
    /// Keeps it in the ledger and looks at it no more.
    Discard(Row),
}

/// `held`.
#[derive(Debug, Subcommand)]
pub enum Held {
    /// Lists what is held.
    List(Listing),
    /// Lets it become a ticket; its clocks count from its arrival.
    Release(Review),
    /// Keeps it in the ledger, in no ticket.
    Refuse(Review),
}

/// An agent's review of a held mail.
#[derive(Debug, Args)]
pub struct Review {
    #[command(flatten)]
    /// Configuration.
    pub config: Config,
    /// The ledger id.
    pub id: String,
    /// The agent who decides, as named in the directory.
    #[arg(long = "as", value_name = "AGENT")]
    pub agent: String,
    #[command(flatten)]
    /// Simulated instant.
    pub at: At,
}

/// One quarantine row.
#[derive(Debug, Args)]
pub struct Row {
    #[command(flatten)]
    /// Configuration and form.
    pub listing: Listing,
    /// The ledger id.
    pub id: String,
    #[command(flatten)]
    /// Simulated instant.
    pub at: At,
}
