//! A new key takes over: every data key is wrapped anew, every sealed column sealed anew, in bounded
//! steps beside a running gateway. What is done shows in the rows themselves, so that a run that was
//! broken off is simply begun again. Never opens a mail.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::cells::{Cells, number};
use super::sealed::{Place, open_bytes, seal_bytes};
use super::work::{Ids, Work};
use super::{Store, StoreError};
use crate::domain::ids::{LedgerId, ParticipantNo, TicketId};
use crate::seal::SealedOriginal;

/// Rows of one step; outgoing mail may be large.
const STEP: i64 = 200;
const LARGE: i64 = 40;

/// A column of sealed values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedColumn {
    /// Data keys of originals.
    DataKeys,
    /// People.
    People,
    /// Authors, names, fields of messages.
    Messages,
    /// Recipients of outgoing mail.
    Recipients,
    /// Octets of outgoing mail.
    Outgoing,
    /// Message-IDs of tickets.
    Threads,
}

impl SealedColumn {
    /// Every column, data keys first.
    pub const ALL: [Self; 6] =
        [Self::DataKeys, Self::People, Self::Messages, Self::Recipients, Self::Outgoing, Self::Threads];
    /// The word that progress is told with.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DataKeys => "data keys",
            Self::People => "people",
            Self::Messages => "messages",
            Self::Recipients => "recipients",
            Self::Outgoing => "outgoing mail",
            Self::Threads => "threads",
        }
    }
    /// Table, column, and the columns of the primary key (the second one a number, 0 where there is none).
    const fn parts(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::DataKeys => ("original_key", "wrapped", "ledger", "0"),
            Self::People => ("participant", "sealed", "ticket", "no"),
            Self::Messages => ("article", "sealed", "id", "0"),
            Self::Recipients => ("outbox", "sealed", "id", "0"),
            Self::Outgoing => ("outbox", "bytes", "id", "0"),
            Self::Threads => ("ticket", "thread", "id", "0"),
        }
    }
}

/// How far a walk through one column is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Walk {
    last: Option<(Vec<u8>, i64)>,
    /// Rows looked at.
    pub seen: u64,
    /// Rows sealed anew.
    pub renewed: u64,
    /// There are no more.
    pub done: bool,
}

impl Store {
    /// One bounded step of a walk, one transaction.
    pub async fn rekey(&self, column: SealedColumn, walk: &mut Walk, ids: &Ids) -> Result<(), StoreError> {
        let (table, value, id, no) = column.parts();
        let key = if column == SealedColumn::DataKeys { "key_id" } else { "0" };
        let limit = if column == SealedColumn::Outgoing { LARGE } else { STEP };
        let (after, order) = match no {
            "0" => (String::new(), String::new()),
            no => (format!("OR ({id} = $1 AND {no} > $2)"), format!(", {no}")),
        };
        // `$2 = $2` gives the bound number a type where it decides nothing.
        let sql = format!(
            "SELECT {id} AS id, {no} + 0 AS no, {key} + 0 AS key_id, {value} AS value FROM {table}
             WHERE ({id} > $1 {after}) AND $2 + 0 = $2 ORDER BY {id}{order} LIMIT $3 + 0"
        );
        let (last, last_no) = walk.last.clone().unwrap_or_else(|| (Vec::new(), 0));
        let mut work = self.begin(None).await?;
        let query = sqlx::query(AssertSqlSafe(sql)).bind(last).bind(last_no).bind(limit);
        let rows = query.fetch_all(&mut *work.tx).await?;
        let mut renewed = 0;
        for row in &rows {
            renewed += u64::from(work.renew(column, row, ids).await?);
        }
        if let Some(row) = rows.last() {
            walk.last = Some((Cells(row).blob("id")?, Cells(row).int("no")?));
        }
        walk.seen += u64::try_from(rows.len()).unwrap_or(0);
        walk.renewed += renewed;
        walk.done = number(rows.len()) < limit;
        if renewed > 0 { work.commit(ids.now).await } else { work.rollback().await }
    }

    /// Which key of the ring sealed how many values.
    pub async fn keys_in_use(&self) -> Result<BTreeMap<u8, u64>, StoreError> {
        let mut used = BTreeMap::new();
        for column in SealedColumn::ALL {
            let (table, value, ..) = column.parts();
            let sql = if column == SealedColumn::DataKeys {
                "SELECT key_id, COUNT(*) AS n FROM original_key GROUP BY key_id".to_owned()
            } else {
                format!(
                    "SELECT substr({value}, 2, 1) AS key_id, COUNT(*) AS n FROM {table} GROUP BY substr({value}, 2, 1)"
                )
            };
            for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.pools.read).await? {
                let cells = Cells(&row);
                let id = match column {
                    SealedColumn::DataKeys => u8::try_from(cells.int("key_id")?).ok(),
                    _ => cells.blob("key_id")?.first().copied(),
                };
                // A value without a key is the empty one of a mail that was never made.
                let Some(id) = id else { continue };
                *used.entry(id).or_default() += u64::try_from(cells.int("n")?).unwrap_or(0);
            }
        }
        Ok(used)
    }
}

impl Work {
    /// Seals one value anew unless the current key did; false where nothing had to be done.
    async fn renew(&mut self, column: SealedColumn, row: &AnyRow, ids: &Ids) -> Result<bool, StoreError> {
        let cells = Cells(row);
        let (id, no, old) = (cells.blob("id")?, cells.int("no")?, cells.blob("value")?);
        let (table, value, id_column, no_column) = column.parts();
        let current = self.sealer.current();
        let key = match column {
            SealedColumn::DataKeys => u8::try_from(cells.int("key_id")?).ok(),
            _ => old.get(1).copied(),
        };
        if key.is_none_or(|key| key == current) {
            return Ok(false);
        }
        let extra = if column == SealedColumn::DataKeys { ", key_id = $5" } else { "" };
        let sql = format!(
            "UPDATE {table} SET {value} = $1{extra} WHERE {id_column} = $2 AND {no_column} = $3 AND {value} = $4"
        );
        let renewed = self.sealed_anew(column, &cells, ids)?;
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(renewed).bind(id).bind(no).bind(old);
        if column == SealedColumn::DataKeys {
            query = query.bind(i64::from(current));
        }
        Ok(query.execute(&mut *self.tx).await?.rows_affected() == 1)
    }

    fn sealed_anew(&self, column: SealedColumn, cells: &Cells<'_>, ids: &Ids) -> Result<Vec<u8>, StoreError> {
        let (id, old) = (cells.blob("id")?, cells.blob("value")?);
        if column == SealedColumn::DataKeys {
            let key_id = u8::try_from(cells.int("key_id")?).unwrap_or(0);
            let sealed = SealedOriginal { wrapped_key: old, key_id, body: Vec::new() };
            return Ok(self.sealer.rewrap(LedgerId::from_slice(&id)?, &sealed, &ids.random)?);
        }
        let plain: [u8; 16] =
            id.as_slice().try_into().map_err(|_| StoreError::defect("an id is not of 16 octets"))?;
        let ticket = || TicketId::from_slice(&id);
        let place = match column {
            SealedColumn::People => Place::Participant(ticket()?, ParticipantNo::new(cells.small("no")?)?),
            SealedColumn::Threads => Place::Thread(ticket()?),
            SealedColumn::Recipients => Place::Outbox(&plain),
            SealedColumn::Outgoing => Place::Bytes(&plain),
            SealedColumn::Messages | SealedColumn::DataKeys => Place::Article(&plain),
        };
        let opened = zeroize::Zeroizing::new(open_bytes(&self.sealer, &place, &old)?);
        seal_bytes(&self.sealer, &place, &opened, &ids.random)
    }
}
