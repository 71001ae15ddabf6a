//! The one door: carries out what was decided, in the transaction in which it was decided.

use super::StoreError;
use super::work::{Ids, Work};
use crate::domain::address::Mailbox;
use crate::domain::effect::Decision;
use crate::domain::facts::TicketRef;
use crate::domain::ids::{ArticleId, MessageId, ParticipantNo};
use crate::domain::outgoing::Minted;

/// The identifiers that a new mail of the ticket refers to (RFC 5322 3.6.4).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Thread {
    /// The Message-ID of the ticket's first mail.
    pub root: Option<MessageId>,
    /// Up to eight later ones, oldest first, theirs and ours.
    pub recent: Vec<MessageId>,
}

/// What a decided ticket is called and whom its mails go to: all that `compose/` needs to make
/// bytes. Handed back to [`Work::apply`].
#[derive(Debug, Clone)]
pub struct Placed {
    /// The ticket; `None` when the decision is about none.
    pub ticket: Option<TicketRef>,
    /// For each `Effect::Enqueue`, in order, whom it goes to.
    pub recipients: Vec<(ParticipantNo, Mailbox)>,
    /// For References.
    pub thread: Thread,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The ticket, if any.
    pub ticket: Option<TicketRef>,
    /// The messages that were added, in order.
    pub articles: Vec<ArticleId>,
}

impl Work {
    /// Gives the decision's ticket its place: for a new one the next gapless number, for an existing
    /// one the check of its version. Adds participants (agents who are told, too).
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the ticket changed since it was read.
    pub async fn place(&mut self, _decision: &Decision, _ids: &Ids) -> Result<Placed, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Carries out every effect: state, messages, outbox rows (one of `minted` for each `Enqueue`, in
    /// order), references, ledger row, audit row.
    pub async fn apply(
        &mut self,
        _decision: &Decision,
        _placed: Placed,
        _minted: &[Minted],
        _ids: &Ids,
    ) -> Result<Applied, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
}
