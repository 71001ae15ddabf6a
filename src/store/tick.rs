//! What the clock and a person may know: due tickets, the facts of a tick (L32), of a command.

use super::StoreError;
use super::work::Work;
use crate::domain::facts::{CommandFacts, TickFacts};
use crate::domain::ids::{AccountName, AgentName, FolderName, TicketNumber};
use crate::domain::message::Instant;
use crate::domain::policy::Governor;
use crate::domain::ticket::TicketSnapshot;

/// What to read for a due ticket.
#[derive(Debug, Clone, Copy)]
pub struct TickQuery<'a> {
    /// The ticket, as [`Work::due_tickets`] gave it.
    pub ticket: &'a TicketSnapshot,
    /// Now.
    pub now: Instant,
    /// Every folder that mail for the ticket's desk may lie in; none counts as polled just now.
    pub folders: &'a [(AccountName, FolderName)],
    /// Caps of the governor.
    pub caps: &'a Governor,
}

/// What to read for a command.
#[derive(Debug, Clone, Copy)]
pub struct CommandQuery<'a> {
    /// The ticket.
    pub number: TicketNumber,
    /// Who acts.
    pub agent: Option<&'a AgentName>,
    /// The other ticket of a merge.
    pub other: Option<TicketNumber>,
    /// Now.
    pub now: Instant,
    /// Caps of the governor.
    pub caps: &'a Governor,
}

impl Work {
    /// Tickets whose due instant has come, earliest first.
    pub async fn due_tickets(
        &mut self,
        _now: Instant,
        _limit: u32,
    ) -> Result<Vec<TicketSnapshot>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Everything `decide::on_tick` wants to know.
    pub async fn tick_facts(&mut self, _query: &TickQuery<'_>) -> Result<TickFacts, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Everything `decide::on_command` wants to know; `None` without such a ticket. A merged ticket
    /// is not followed.
    pub async fn command_facts(
        &mut self,
        _query: &CommandQuery<'_>,
    ) -> Result<Option<CommandFacts>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
}
