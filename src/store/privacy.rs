//! What opens or destroys what a person wrote: reveal, expose, erase. Each needs an actor and leaves
//! an audit row in the same transaction.

use zeroize::Zeroizing;

use super::views::ErasedView;
use super::{Store, StoreError};
use crate::domain::ids::{LedgerId, TicketNumber};
use crate::domain::message::Instant;
use crate::domain::ticket::Actor;

/// One opened original.
#[derive(Clone)]
pub struct Revealed {
    /// Its row.
    pub ledger: LedgerId,
    /// Its arrival.
    pub arrived_at: Instant,
    /// The octets.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Revealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<revealed, {} bytes>", self.bytes.len())
    }
}

impl Store {
    /// Opens the originals of a ticket, in order. The reason's text is not kept, its keyed hash is;
    /// the audit row is durable before the first octet is given out.
    pub async fn reveal(
        &self,
        _number: TicketNumber,
        _actor: &Actor,
        _reason: &str,
        _now: Instant,
    ) -> Result<Vec<Revealed>, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Notes that addresses of a ticket (`None`: of a list) were shown in the clear.
    pub async fn expose_audit(
        &self,
        _number: Option<TicketNumber>,
        _actor: &Actor,
        _now: Instant,
    ) -> Result<(), StoreError> {
        Err(StoreError::Defect("not yet"))
    }
    /// Erases what a ticket's people wrote: deletes the wrapped keys and bodies of its originals and
    /// empties texts and sealed fields of its messages. The ledger keeps keyed hashes, so that the
    /// mail does not come back at the next poll (L12).
    pub async fn erase_ticket(
        &self,
        _number: TicketNumber,
        _actor: &Actor,
        _now: Instant,
    ) -> Result<ErasedView, StoreError> {
        Err(StoreError::Defect("not yet"))
    }
}
