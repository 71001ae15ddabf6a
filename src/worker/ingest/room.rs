//! How much fetched mail may be in hand at once, over all accounts: who fetches takes a seat for the
//! octets first and keeps it until the mails are decided. Waiting for a seat cannot lock up: a batch
//! that has one needs no second to be finished.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// In hand over all stations.
const OCTETS: u64 = 32 << 20;
/// A semaphore counts no octets: 32 million fit, but leave no room for growth on 32 bits.
const UNIT: u64 = 1 << 10;

/// The room there is; clones share it.
#[derive(Debug, Clone)]
pub struct Room(Arc<Semaphore>);

/// Held while mail is in hand.
pub type Seat = OwnedSemaphorePermit;

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(usize::try_from(OCTETS / UNIT).unwrap_or(Semaphore::MAX_PERMITS))))
    }
}

impl Room {
    /// Waits until there is room for so many octets; more than all of it takes all of it. `None` only
    /// when the room is closed, which nobody does.
    pub async fn take(&self, octets: u64) -> Option<Seat> {
        let units = u32::try_from(octets.min(OCTETS).div_ceil(UNIT)).unwrap_or(u32::MAX);
        self.0.clone().acquire_many_owned(units).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn l28_what_is_in_hand_is_bounded_over_all_accounts() {
        let room = Room::default();
        let first = room.take(20 << 20).await;
        assert!(room.take(20 << 20).now_or_never().is_none(), "together they are too much");
        assert!(room.take(12 << 20).now_or_never().is_some(), "this one fits beside it");
        drop(first);
        let huge = room.take(1 << 40).await;
        assert!(room.take(1).now_or_never().is_none(), "one that is larger than the room has it alone");
        drop(huge);
        assert!(room.take(OCTETS).now_or_never().is_some());
    }
}
