//! From a mail in a folder to a decided ledger row. The stations: fetch, seal, commit A, understand,
//! transaction B, tidy on the server. Nothing is touched on the server before transaction B is
//! durable (L2), and no mail is decided twice.

#[cfg(feature = "fault-injection")]
mod fault;
pub mod files;
pub mod guard;
pub mod hands;
pub mod imap;
pub mod keep;
pub mod room;
pub mod settle;
pub mod understand;

use std::sync::Arc;

use crate::clock::{Clock, Random};
use crate::domain::ids::{LedgerId, RunId};
use crate::seal::Sealer;
use crate::store::Store;

use super::Bells;
use super::door::Door;
use super::rules::RuleBook;

/// What every station works with.
#[derive(Debug, Clone)]
pub struct Ingest {
    /// Where everything is durable.
    pub store: Store,
    /// The policy that holds.
    pub book: RuleBook,
    /// Seals originals, makes look-up keys.
    pub sealer: Arc<Sealer>,
    /// Carries decisions out.
    pub door: Door,
    /// Now.
    pub clock: Clock,
    /// For data keys and ids.
    pub random: Random,
    /// This run of the process.
    pub run: RunId,
    /// Wakes the outbox and the sweep.
    pub bells: Bells,
    /// Where mails are sealed and understood.
    pub hands: hands::Hands,
    /// How much mail may be in hand at once.
    pub room: room::Room,
}

/// What became of one mail: the line that `ingest` prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its ledger row.
    pub ledger: LedgerId,
    /// How the row ended, as its word.
    pub state: &'static str,
    /// The ticket's number, if any.
    pub ticket: Option<i64>,
    /// new, joined, reopened, follow_up, recorded, quarantined, held, duplicate, answered...
    pub action: &'static str,
    /// Why, as a code.
    pub reason: &'static str,
}
