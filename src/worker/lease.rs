//! A lease that a worker holds while it works: taken, renewed with every step, given back at the end.
//! Kept in the world's time, also where the desk's clock is simulated.

use std::time::{Duration, Instant};

use chrono::TimeDelta;

use crate::clock::Clock;
use crate::domain::ids::RunId;
use crate::store::{Lease, LeaseName, Store, StoreError};

use super::Failure;

/// A dead holder's work is taken over after this.
const TTL: TimeDelta = TimeDelta::seconds(25);
/// A lease renewed within this time is good enough: every commit checks its fence.
const FRESH: Duration = Duration::from_secs(2);

/// One lease, held or not.
#[derive(Debug)]
pub struct Held {
    store: Store,
    name: LeaseName,
    run: RunId,
    lease: Option<Lease>,
    renewed: Option<Instant>,
}

impl Held {
    /// Not held yet.
    pub const fn new(store: Store, name: LeaseName, run: RunId) -> Self {
        Self { store, name, run, lease: None, renewed: None }
    }

    /// Renews it, or takes it; true when it was taken now, so that another may have worked meanwhile.
    ///
    /// # Errors
    /// [`Failure::Elsewhere`] while another gateway holds it.
    pub async fn hold(&mut self) -> Result<bool, Failure> {
        if self.lease.is_some() && self.renewed.is_some_and(|at| at.elapsed() < FRESH) {
            return Ok(false);
        }
        let now = Clock::System.now();
        self.renewed = Some(Instant::now());
        if let Some(lease) = &self.lease {
            match self.store.renew(lease, now, TTL).await {
                Ok(()) => return Ok(false),
                Err(StoreError::Fenced) => self.lease = None,
                Err(error) => return Err(error.into()),
            }
        }
        self.lease = self.store.take_lease(&self.name, self.run, now, TTL).await?;
        if self.lease.is_some() { Ok(true) } else { Err(Failure::Elsewhere) }
    }

    /// The lease, for the transactions that check its fence.
    pub const fn get(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }

    /// Gives it back at once, so that another gateway need not wait.
    pub async fn release(&mut self) {
        if let Some(lease) = self.lease.take() {
            // A lost lease is somebody else's by now.
            let _ = self.store.release(&lease).await;
        }
    }
}
