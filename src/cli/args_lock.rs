//! The command line of what opens originals and of their keys, as clap reads it. Decides nothing.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args::{At, Config, Listing};

/// Whose originals are opened, by whom, why.
#[derive(Debug, Args)]
pub struct Opens {
    #[command(flatten)]
    /// Configuration.
    pub config: Config,
    /// The ticket's number.
    pub number: i64,
    /// Why it is opened; its keyed hash stands in the audit trail. Not needed again while an opening
    /// of yours lasts.
    #[arg(long)]
    pub reason: Option<String>,
    /// The agent who asks; without it the operator.
    #[arg(long = "as", value_name = "AGENT")]
    pub agent: Option<String>,
    #[command(flatten)]
    /// Simulated instant.
    pub at: At,
}

/// `reveal`.
#[derive(Debug, Args)]
pub struct Reveal {
    #[command(flatten)]
    /// Whose, by whom, why.
    pub opens: Opens,
    /// Writes the originals as .eml files here instead of to standard output.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `attachment`.
#[derive(Debug, Args)]
pub struct Attachment {
    #[command(flatten)]
    /// Whose, by whom, why.
    pub opens: Opens,
    /// The attachment's number within the ticket, as `ticket show` counts them.
    pub which: usize,
    /// Writes it to this new file instead of to standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `keys`.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Prints a fresh key ring: keep it in a file that only the gateway reads.
    New,
    /// Prints the ring of the configuration with one more key, which becomes the current one.
    Rotate(Config),
    /// Seals everything anew under the current key, in small steps beside a running gateway; broken off,
    /// it is begun again.
    Rewrap(Listing),
    /// Tells how many values each key still opens.
    Status(Listing),
    /// Prints the ring with a key retired that nothing needs any more: it keeps what look-ups and tokens
    /// of its time need, and opens nothing.
    Retire {
        #[command(flatten)]
        /// Configuration.
        config: Config,
        /// The key's number.
        id: u8,
    },
}
