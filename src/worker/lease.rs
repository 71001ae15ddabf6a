//! A lease that a worker holds while it works: taken, kept up by a task of its own however long a
//! step takes, given back at the end. In the world's time, also where the desk's clock is simulated.
//! A process that stood still knows from its own clocks that its lease is over, before it asks.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::task::JoinHandle;

use crate::clock::{Life, Moment};
use crate::domain::ids::RunId;
use crate::store::{Lease, LeaseName, Store, StoreError};

use super::Failure;

/// A dead holder's work is taken over after this.
const TTL: TimeDelta = TimeDelta::seconds(20);
/// The part of it that the holder relies on; the rest is for wall clocks that disagree.
const SURE: TimeDelta = TimeDelta::seconds(17);
/// How often it is renewed: two renewals may fail.
const BEAT: Duration = Duration::from_secs(5);

/// Who does not hold it asks again after this.
pub const ASK: Duration = Duration::from_secs(4);

/// One lease, held or not.
#[derive(Debug)]
pub struct Held {
    store: Store,
    name: LeaseName,
    run: RunId,
    hold: Option<Hold>,
}

/// A lease that was taken, and the task that keeps it up.
#[derive(Debug)]
struct Hold {
    lease: Lease,
    life: Life,
    beat: JoinHandle<()>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.beat.abort();
    }
}

impl Held {
    /// Not held yet.
    pub const fn new(store: Store, name: LeaseName, run: RunId) -> Self {
        Self { store, name, run, hold: None }
    }

    /// Makes sure of it, or takes it; true when it was taken now, so that another may have worked
    /// meanwhile.
    ///
    /// # Errors
    /// [`Failure::Elsewhere`] while another gateway holds it.
    pub async fn hold(&mut self) -> Result<bool, Failure> {
        if let Some(hold) = &self.hold {
            if hold.life.lasts() {
                return Ok(false);
            }
            match renew(&self.store, &hold.lease, &hold.life).await {
                Ok(()) => return Ok(false),
                Err(StoreError::Fenced) => {
                    tracing::warn!(lease = %self.name, "another gateway took over: this one stood still for too long");
                    self.hold = None;
                }
                Err(error) => return Err(error.into()),
            }
        }
        let from = Moment::now();
        let lease = self.store.take_lease(&self.name, self.run, from.wall, TTL).await?;
        let lease = lease.ok_or(Failure::Elsewhere)?;
        let life = Life::of(from, SURE);
        let beat = tokio::spawn(beat(self.store.clone(), lease.clone(), life.clone()));
        self.hold = Some(Hold { lease, life, beat });
        Ok(true)
    }

    /// The lease, for the transactions that check its fence.
    pub fn get(&self) -> Option<&Lease> {
        self.hold.as_ref().map(|hold| &hold.lease)
    }

    /// How long it holds, for acts that no transaction checks; over while it is not held.
    pub fn life(&self) -> Life {
        self.hold
            .as_ref()
            .map_or_else(|| Life::of(Moment::now(), TimeDelta::zero()), |hold| hold.life.clone())
    }

    /// Gives it back at once, so that another gateway need not wait.
    pub async fn release(&mut self) {
        if let Some(hold) = self.hold.take() {
            hold.beat.abort();
            // A lost lease is somebody else's by now.
            let _ = self.store.release(&hold.lease).await;
        }
    }
}

async fn renew(store: &Store, lease: &Lease, life: &Life) -> Result<(), StoreError> {
    let from = Moment::now();
    store.renew(lease, from.wall, TTL).await?;
    life.renew(from, SURE);
    Ok(())
}

/// Renews the lease until it is lost; a database that is away is asked again.
async fn beat(store: Store, lease: Lease, life: Life) {
    loop {
        tokio::time::sleep(BEAT).await;
        if renew(&store, &lease, &life).await == Err(StoreError::Fenced) {
            life.end();
            return;
        }
    }
}
