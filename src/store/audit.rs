//! The audit trail: ids, codes, hashes; never text, never erased. One chain: each row's hash covers
//! the row and the hash before it, the head row holds the last one. Rows are collected while a
//! transaction works and written at its end, the head row locked last.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::cells::{Cells, micros, raw, rows};
use super::dialect::Dialect;
use super::views::{AuditReport, AuditView};
use super::{Store, StoreError};
use crate::domain::effect::{Decision, Effect};
use crate::domain::ids::{LedgerId, TicketId, TicketNumber};
use crate::domain::message::Instant;
use crate::domain::ticket::Actor;

/// A row that has no place in the chain yet.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub at: Instant,
    pub actor: String,
    pub action: String,
    pub ticket: Option<TicketId>,
    pub ledger: Option<LedgerId>,
    pub reasons: Vec<String>,
}

impl Entry {
    pub fn of(decision: &Decision, ticket: Option<TicketId>) -> Self {
        let ledger = decision.effects.iter().find_map(|effect| match effect {
            Effect::SetLedger { ledger, .. } => Some(*ledger),
            _ => None,
        });
        let reasons = decision.reasons.iter().map(|reason| match &reason.detail {
            Some(detail) => format!("{}:{detail}", reason.code),
            None => reason.code.to_owned(),
        });
        Self {
            at: decision.at,
            actor: name(&decision.actor),
            action: decision.action.into(),
            ticket,
            ledger,
            reasons: reasons.collect(),
        }
    }
}

/// The actor as the trail names them.
pub(super) fn name(actor: &Actor) -> String {
    match actor {
        Actor::System => "system".into(),
        Actor::Customer(None) => "customer".into(),
        Actor::Customer(Some(no)) => format!("customer:{}", no.get()),
        Actor::Agent(agent) => format!("agent:{agent}"),
        Actor::Operator(user) => format!("operator:{user}"),
    }
}

/// One row as the hash sees it.
struct Link<'a> {
    seq: i64,
    at: i64,
    actor: &'a str,
    action: &'a str,
    ticket: Option<&'a [u8]>,
    ledger: Option<&'a [u8]>,
    reasons: &'a str,
}

impl Link<'_> {
    /// SHA-256 over `label, seq, at`, each of the other columns behind its length (absent is the
    /// largest length), and the hash before.
    fn hash(&self, prev: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"mailward audit v1\0");
        hash.update(self.seq.to_be_bytes());
        hash.update(self.at.to_be_bytes());
        let columns = [
            Some(self.actor.as_bytes()),
            Some(self.action.as_bytes()),
            self.ticket,
            self.ledger,
            Some(self.reasons.as_bytes()),
        ];
        for column in columns {
            let length = column.map_or(u64::MAX, |c| u64::try_from(c.len()).unwrap_or(u64::MAX));
            hash.update(length.to_be_bytes());
            hash.update(column.unwrap_or_default());
        }
        hash.update(prev);
        hash.finalize().into()
    }
}

const COLUMNS: usize = 9;

/// Appends the entries; the last statements of a transaction.
pub(super) async fn append(
    on: &mut AnyConnection,
    dialect: Dialect,
    entries: &[Entry],
) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let sql = format!("SELECT seq, hash FROM audit_head WHERE id = 1{}", dialect.for_update());
    let head = sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut *on).await?;
    let (mut seq, mut prev) = (Cells(&head).int("seq")?, Cells(&head).blob("hash")?);
    for chunk in entries.chunks(64) {
        let sql = format!(
            "INSERT INTO audit (seq, at, actor, action, ticket, ledger, reasons, prev, hash) VALUES {}",
            rows(chunk.len(), COLUMNS)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for entry in chunk {
            seq += 1;
            let reasons = serde_json::to_string(&entry.reasons);
            let reasons = reasons.map_err(|_| StoreError::defect("reasons cannot be written"))?;
            let link = Link {
                seq,
                at: micros(entry.at),
                actor: &entry.actor,
                action: &entry.action,
                ticket: entry.ticket.as_ref().map(|id| id.as_bytes().as_slice()),
                ledger: entry.ledger.as_ref().map(|id| id.as_bytes().as_slice()),
                reasons: &reasons,
            };
            let hash = link.hash(&prev).to_vec();
            query = query.bind(seq).bind(link.at).bind(entry.actor.as_str()).bind(entry.action.as_str());
            query = query.bind(entry.ticket.map(|id| raw(id.as_bytes())));
            query = query.bind(entry.ledger.map(|id| raw(id.as_bytes())));
            query = query.bind(reasons).bind(prev).bind(hash.clone());
            prev = hash;
        }
        query.execute(&mut *on).await?;
    }
    sqlx::query("UPDATE audit_head SET seq = $1, hash = $2 WHERE id = 1")
        .bind(seq)
        .bind(prev)
        .execute(on)
        .await?;
    Ok(())
}

/// Reads a row, checks it against the hash before it, gives its own.
fn check(row: &AnyRow, seq: i64, prev: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let cells = Cells(row);
    let (actor, action, reasons) = (cells.text("actor")?, cells.text("action")?, cells.text("reasons")?);
    let (ticket, ledger) = (cells.maybe_blob("ticket")?, cells.maybe_blob("ledger")?);
    let link = Link {
        seq: cells.int("seq")?,
        at: cells.int("at")?,
        actor: &actor,
        action: &action,
        ticket: ticket.as_deref(),
        ledger: ledger.as_deref(),
        reasons: &reasons,
    };
    let hash = cells.blob("hash")?;
    let fits = link.seq == seq && cells.blob("prev")? == prev && link.hash(prev).as_slice() == hash;
    Ok(fits.then_some(hash))
}

/// Rows of one read.
const PAGE: i64 = 1000;

impl Store {
    /// Walks the whole chain.
    pub async fn audit_verify(&self) -> Result<AuditReport, StoreError> {
        // The head first: rows appended meanwhile are not its business.
        let (last, head) = self.audit_head().await?;
        let (mut seen, mut prev) = (0, vec![0; 32]);
        let report = |seen, first_bad: Option<i64>| AuditReport {
            ok: first_bad.is_none(),
            rows: seen,
            head: HEXLOWER.encode(&head),
            first_bad,
        };
        while seen < last {
            let page = sqlx::query(
                "SELECT seq, at, actor, action, ticket, ledger, reasons, prev, hash FROM audit
                 WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3",
            )
            .bind(seen)
            .bind(last)
            .bind(PAGE)
            .fetch_all(&self.pools.read)
            .await?;
            if page.is_empty() {
                return Ok(report(seen, Some(seen + 1)));
            }
            for row in &page {
                match check(row, seen + 1, &prev)? {
                    Some(hash) => prev = hash,
                    None => return Ok(report(seen, Some(seen + 1))),
                }
                seen += 1;
            }
        }
        Ok(report(seen, (prev != head).then_some(seen + 1)))
    }

    /// Rows of one ticket or of all, oldest first, those after number `after` (0 for the first).
    pub async fn audit_show(
        &self,
        ticket: Option<TicketNumber>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<AuditView>, StoreError> {
        let rows = sqlx::query(
            "SELECT a.seq, a.at, a.actor, a.action, a.ledger, a.reasons, a.hash, t.number FROM audit a
             LEFT JOIN ticket t ON t.id = a.ticket
             WHERE a.seq > $1 AND ($2 = 0 OR t.number = $2) ORDER BY a.seq LIMIT $3",
        )
        .bind(after)
        .bind(ticket.map_or(0, TicketNumber::get))
        .bind(i64::from(limit))
        .fetch_all(&self.pools.read)
        .await?;
        rows.iter().map(view).collect()
    }

    /// Number and hash of the last row, for the hourly log line that shows a cut-off chain.
    pub async fn audit_head(&self) -> Result<(i64, [u8; 32]), StoreError> {
        let row = sqlx::query("SELECT seq, hash FROM audit_head WHERE id = 1");
        let row = row.fetch_one(&self.pools.read).await?;
        let hash = <[u8; 32]>::try_from(Cells(&row).blob("hash")?.as_slice());
        Ok((Cells(&row).int("seq")?, hash.map_err(|_| StoreError::defect("the head is no hash"))?))
    }
}

/// The reasons of a row.
pub(super) fn reasons(cells: &Cells<'_>) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(&cells.text("reasons")?).map_err(|_| StoreError::defect("reasons are no list"))
}

fn view(row: &AnyRow) -> Result<AuditView, StoreError> {
    let cells = Cells(row);
    let ledger = cells.maybe_blob("ledger")?.map(|bytes| LedgerId::from_slice(&bytes)).transpose()?;
    Ok(AuditView {
        seq: cells.int("seq")?,
        at: cells.instant("at")?,
        actor: cells.text("actor")?,
        action: cells.text("action")?,
        ticket: cells.maybe_int("number")?,
        ledger: ledger.map(|id| id.to_string()),
        reasons: reasons(&cells)?,
        hash: HEXLOWER.encode(&cells.blob("hash")?),
    })
}
