//! Which hours each desk's clocks were reckoned by, and the tickets whose business clocks run: what a
//! change of calendar is compared with. Holds hours and dates, nobody's words.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;

use super::cells::{Cells, marks, micros, padded, raw};
use super::ticket_row::{COLUMNS, Loaded, TicketRow};
use super::work::Work;
use super::{Store, StoreError};
use crate::domain::calendar::Calendar;
use crate::domain::desk::Desk;
use crate::domain::ids::{DeskName, TicketId, TicketNumber};
use crate::domain::message::Instant;
use crate::domain::ticket::TicketSnapshot;

/// A ticket and the decisions of its trail, oldest first.
pub type Trailed = (TicketSnapshot, Vec<(Instant, String)>);

impl Store {
    /// Notes the hours of each desk where they are not those that held last; gives the desks whose
    /// hours changed. A desk seen for the first time has not changed.
    pub async fn note_calendars<'a>(
        &self,
        desks: impl Iterator<Item = &'a Desk>,
        now: Instant,
    ) -> Result<Vec<DeskName>, StoreError> {
        let mut changed = Vec::new();
        for desk in desks {
            let known = self.calendars_of(&desk.name).await?;
            if known.last().is_some_and(|(_, last)| last.same_hours(&desk.calendar)) {
                continue;
            }
            let body = serde_json::to_string(&*desk.calendar);
            let body = body.map_err(|_| StoreError::defect("a calendar cannot be written"))?;
            sqlx::query(
                "INSERT INTO desk_calendar (desk, since, body) VALUES ($1, $2, $3)
                 ON CONFLICT (desk, since) DO UPDATE SET body = excluded.body",
            )
            .bind(desk.name.as_str())
            .bind(micros(now))
            .bind(body)
            .execute(&self.pools.write)
            .await?;
            if !known.is_empty() {
                changed.push(desk.name.clone());
            }
        }
        Ok(changed)
    }

    /// The hours of a desk with the instants from which on they held, oldest first.
    pub async fn calendars_of(&self, desk: &DeskName) -> Result<Vec<(Instant, Calendar)>, StoreError> {
        let rows = sqlx::query("SELECT since, body FROM desk_calendar WHERE desk = $1 ORDER BY since")
            .bind(desk.as_str())
            .fetch_all(&self.pools.read)
            .await?;
        let read = |row| {
            let cells = Cells(row);
            let body = serde_json::from_str(&cells.text("body")?);
            Ok((cells.instant("since")?, body.map_err(|_| StoreError::defect("a calendar is no calendar"))?))
        };
        rows.iter().map(read).collect()
    }
}

impl Work {
    /// Tickets of a desk with a clock that runs, by number from `after` on, with their trail.
    pub async fn running_tickets(
        &mut self,
        desk: &DeskName,
        after: Option<TicketNumber>,
        limit: u32,
    ) -> Result<Vec<Trailed>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM ticket WHERE desk = $1 AND state IN ('new', 'open') AND number > $2
                AND (response_state = 'running' OR resolution_state = 'running' OR update_state = 'running')
             ORDER BY number LIMIT $3 + 0"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(desk.as_str());
        let query = query.bind(after.map_or(0, TicketNumber::get)).bind(i64::from(limit));
        let rows = query.fetch_all(&mut *self.tx).await?;
        let rows = rows.iter().map(TicketRow::read).collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<TicketId> = rows.iter().map(|row| row.snapshot.id).collect();
        self.adopt(rows).await?;
        let mut trails = self.trails(&ids).await?;
        let tickets = ids.iter().filter_map(|id| self.loaded(*id)).map(Loaded::snapshot);
        Ok(tickets
            .map(|ticket| {
                let trail = trails.remove(&ticket.id).unwrap_or_default();
                (ticket, trail)
            })
            .collect())
    }

    async fn trails(
        &mut self,
        ids: &[TicketId],
    ) -> Result<BTreeMap<TicketId, Vec<(Instant, String)>>, StoreError> {
        let mut trails: BTreeMap<TicketId, Vec<(Instant, String)>> = BTreeMap::new();
        let ids = padded(ids);
        if ids.is_empty() {
            return Ok(trails);
        }
        let sql = format!(
            "SELECT ticket, at, action FROM audit WHERE ticket IN ({}) ORDER BY ticket, seq",
            marks(1, ids.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for id in &ids {
            query = query.bind(raw(id.as_bytes()));
        }
        for row in &query.fetch_all(&mut *self.tx).await? {
            let cells = Cells(row);
            let ticket = TicketId::from_slice(&cells.blob("ticket")?)?;
            trails.entry(ticket).or_default().push((cells.instant("at")?, cells.text("action")?));
        }
        Ok(trails)
    }
}
