//! Tickets for reports, page by page: as much memory for a million as for a thousand.

use super::cells::{Cells, micros};
use super::sealed::{ArticleSecret, Place, open};
use super::ticket_row::{TicketRow, columns_of_t};
use super::{Store, StoreError};
use crate::domain::ids::{ArticleId, DeskName, TicketNumber};
use crate::domain::message::Instant;
use crate::domain::report::Case;

/// Tickets that arrived in `[from, until)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportQuery {
    /// Only of this desk.
    pub desk: Option<DeskName>,
    /// The first instant.
    pub from: Instant,
    /// The first instant after it.
    pub until: Instant,
}

/// Tickets of one page.
const PAGE: i64 = 500;

impl Store {
    /// The next page after a ticket's number, and the number to go on with; `None` at the end.
    pub async fn report_page(
        &self,
        query: &ReportQuery,
        after: Option<TicketNumber>,
    ) -> Result<Option<(Vec<Case>, TicketNumber)>, StoreError> {
        let sql = format!(
            "SELECT {}, f.id AS first_id, f.sealed AS first_sealed,
                (SELECT MIN(a.at) FROM article a WHERE a.ticket = t.id AND a.direction = 'out' AND a.kind = 'public')
                    AS answered_at,
                (SELECT COUNT(*) FROM audit u WHERE u.ticket = t.id AND u.action = 'reopened') AS reopened,
                (SELECT COUNT(*) FROM outbox o WHERE o.ticket = t.id AND o.bounced = 1) AS bounced_mails
             FROM ticket t LEFT JOIN article f ON f.ticket = t.id AND f.seq = 1
             WHERE t.number > $1 AND t.opened_at >= $2 AND t.opened_at < $3 AND ($4 = '' OR t.desk = $4)
             ORDER BY t.number LIMIT $5 + 0",
            columns_of_t()
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(after.map_or(0, TicketNumber::get))
            .bind(micros(query.from))
            .bind(micros(query.until))
            .bind(query.desk.as_ref().map_or("", DeskName::as_str))
            .bind(PAGE)
            .fetch_all(&self.pools.read)
            .await?;
        let mut cases = Vec::with_capacity(rows.len());
        let mut last = None;
        for row in &rows {
            let (ticket, cells) = (TicketRow::read(row)?, Cells(row));
            last = Some(ticket.snapshot.number);
            let fields = match (cells.maybe_blob("first_id")?, cells.maybe_blob("first_sealed")?) {
                (Some(id), Some(sealed)) => {
                    let id = ArticleId::from_slice(&id)?;
                    open::<ArticleSecret>(&self.sealer, &Place::Article(id.as_bytes()), &sealed)?.fields
                }
                _ => Vec::new(),
            };
            let (snapshot, organisation) = (ticket.snapshot, ticket.organisation);
            cases.push(Case {
                desk: snapshot.desk,
                organisation,
                state: snapshot.state,
                priority: snapshot.priority,
                category: snapshot.category,
                imported: snapshot.imported,
                opened_at: snapshot.opened_at,
                answered_at: cells.maybe_instant("answered_at")?,
                clocks: snapshot.clocks,
                reopened: u64::try_from(cells.int("reopened")?).unwrap_or(0),
                bounced: u64::try_from(cells.int("bounced_mails")?).unwrap_or(0),
                subject: snapshot.subject.as_str().to_owned(),
                fields,
            });
        }
        Ok(last.map(|last| (cases, last)))
    }
}
