//! Who works on a SQLite file: every process that reads or sends mail holds a shared lock on a file
//! beside it. One that finds itself alone knows that leases of other runs belong to the dead, and
//! ends them at once instead of waiting. On PostgreSQL the leases run out by themselves: a lost
//! connection is no proof of death.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;

use super::cells::raw;
use super::dialect::not_made;
use super::{Store, StoreError};
use crate::domain::ids::RunId;

/// Held while a process works on the store; the lock ends with it, however it ends.
#[derive(Debug)]
pub struct Presence(Option<File>);

impl Store {
    /// Notes that this run works on the store; ends the leases of dead runs when it is the only one.
    pub async fn enter(&self, run: RunId) -> Result<Presence, StoreError> {
        let Some(path) = &self.pools.lock_file else { return Ok(Presence(None)) };
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
        let file = file.map_err(|error| not_made(&error, "the lock file beside the database"))?;
        if file.try_lock().is_ok() {
            self.end_leases_of_others(run).await?;
            // From exclusive to shared: nobody who enters in between has anything in hand yet.
            let _ = file.unlock();
        }
        file.lock_shared().map_err(|_| StoreError::Unavailable("the lock file beside the database"))?;
        Ok(Presence(Some(file)))
    }

    async fn end_leases_of_others(&self, run: RunId) -> Result<(), StoreError> {
        let id = raw(run.as_bytes());
        let mut tx = self.pools.begin().await?;
        sqlx::query("UPDATE lease SET expires_at = 0 WHERE run <> $1")
            .bind(id.clone())
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "UPDATE outbox SET state = CASE WHEN attempts > 1 THEN 'later' ELSE 'queued' END, run = NULL,
                lease_until = NULL
             WHERE state = 'leased' AND run <> $1",
        )
        .bind(id)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if let Some(file) = self.0.take() {
            let _ = file.unlock();
        }
    }
}
