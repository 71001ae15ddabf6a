//! Leases: which of several gateways reads an account, and which one sweeps. A lease carries a
//! fence that grows with every holder; a commit under a lease checks it inside its transaction, so
//! that a holder who slept too long changes nothing.

use chrono::TimeDelta;
use sqlx::{Any, AnyConnection, Transaction};

use super::cells::{Cells, micros, raw};
use super::dialect::Dialect;
use super::{Store, StoreError};
use crate::domain::ids::{AccountName, RunId};
use crate::domain::message::Instant;

/// What a lease is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LeaseName {
    /// Reading one mail account.
    Account(AccountName),
    /// Sweeping due tickets.
    Sweep,
}

impl std::fmt::Display for LeaseName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Account(name) => write!(f, "account:{name}"),
            Self::Sweep => f.write_str("sweep"),
        }
    }
}

/// A lease that was held when it was given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What for.
    pub name: LeaseName,
    /// Grows with every holder; checked inside each transaction.
    pub fence: i64,
}

impl Lease {
    /// Refuses unless this lease is the last one given out; keeps it so until the commit.
    pub(super) async fn check(&self, on: &mut AnyConnection, dialect: Dialect) -> Result<(), StoreError> {
        let sql = format!("SELECT fence FROM lease WHERE name = $1{}", dialect.for_share());
        let row =
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(self.name.to_string()).fetch_optional(on).await?;
        let fence = row.map(|row| Cells(&row).int("fence")).transpose()?;
        if fence == Some(self.fence) { Ok(()) } else { Err(StoreError::Fenced) }
    }
}

impl Store {
    /// Begins a transaction of its own order; a lease given here stays valid until the commit.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the lease is lost.
    pub(super) async fn begin_under(
        &self,
        lease: Option<&Lease>,
    ) -> Result<Transaction<'static, Any>, StoreError> {
        let mut tx = self.pools.begin().await?;
        if let Some(lease) = lease {
            lease.check(&mut tx, self.pools.dialect).await?;
        }
        Ok(tx)
    }

    /// Takes the lease for `ttl`, unless another run holds it at `now`. The same run may take it
    /// again; its older leases are fenced then.
    pub async fn take_lease(
        &self,
        name: &LeaseName,
        run: RunId,
        now: Instant,
        ttl: TimeDelta,
    ) -> Result<Option<Lease>, StoreError> {
        let sql = "INSERT INTO lease (name, run, fence, expires_at) VALUES ($1, $2, 1, $3)
             ON CONFLICT (name) DO UPDATE SET run = excluded.run, fence = lease.fence + 1,
                expires_at = excluded.expires_at
             WHERE lease.expires_at <= $4 OR lease.run = excluded.run
             RETURNING fence";
        // Read to the end: SQLite commits when the statement is done, not when it gives its row.
        let rows = sqlx::query(sql)
            .bind(name.to_string())
            .bind(raw(run.as_bytes()))
            .bind(micros(now + ttl))
            .bind(micros(now))
            .fetch_all(&self.pools.write)
            .await?;
        let fence = rows.first().map(|row| Cells(row).int("fence")).transpose()?;
        Ok(fence.map(|fence| Lease { name: name.clone(), fence }))
    }
    /// Prolongs a lease until `now + ttl`.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another holder took it in between.
    pub async fn renew(&self, lease: &Lease, now: Instant, ttl: TimeDelta) -> Result<(), StoreError> {
        let done = sqlx::query("UPDATE lease SET expires_at = $1 WHERE name = $2 AND fence = $3")
            .bind(micros(now + ttl))
            .bind(lease.name.to_string())
            .bind(lease.fence)
            .execute(&self.pools.write)
            .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Fenced) }
    }
    /// Gives the lease back at once; a lost lease is no error.
    pub async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        sqlx::query("UPDATE lease SET expires_at = 0 WHERE name = $1 AND fence = $2")
            .bind(lease.name.to_string())
            .bind(lease.fence)
            .execute(&self.pools.write)
            .await?;
        Ok(())
    }
}
