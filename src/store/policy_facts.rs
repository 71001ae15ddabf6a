//! Facts that only some desks ask for: pages of the on-call address, what an organisation reported
//! lately, the other ticket of an agent's `#merge`.

use chrono::TimeDelta;
use sqlx::AssertSqlSafe;

use super::StoreError;
use super::cells::{Cells, marks, micros, padded, raw};
use super::sealed::{ArticleSecret, Place, open};
use super::work::Work;
use crate::domain::facts::{MessageFacts, Pages, RecentTicket, TicketRef};
use crate::domain::ids::{ArticleId, DeskName, OrganisationName, TicketId, TicketNumber};
use crate::domain::message::Instant;
use crate::domain::text::RedactedText;
use crate::domain::ticket::TicketSnapshot;

/// What to read.
#[derive(Debug, Clone, Copy)]
pub struct PolicyQuery<'a> {
    /// The receiving desk.
    pub desk: &'a DeskName,
    /// The desk has an on-call address.
    pub on_call: bool,
    /// The sender's organisation, how far back its tickets are compared, and the name of the field
    /// that holds a module; `None`: nothing is compared.
    pub similar: Option<(&'a OrganisationName, TimeDelta, &'a str)>,
    /// The ticket that an agent's mail wants to merge into.
    pub other: Option<TicketNumber>,
    /// The decision's now.
    pub now: Instant,
}

/// Tickets that are compared at most, the newest first.
const COMPARED: i64 = 32;

impl Work {
    /// Adds to the facts what the desk's rules ask for.
    pub async fn policy_facts(
        &mut self,
        query: &PolicyQuery<'_>,
        facts: &mut MessageFacts,
    ) -> Result<(), StoreError> {
        if query.on_call {
            let candidates: Vec<TicketId> = facts.candidates.iter().map(|c| c.ticket.id).collect();
            facts.pages = self.pages(query, &candidates).await?;
        }
        if let Some((organisation, window, module)) = query.similar
            && facts.candidates.is_empty()
        {
            facts.recent = self.recent(query, (organisation, window, module)).await?;
        }
        if let Some(number) = query.other {
            facts.other = self.ticket(number).await?;
        }
        Ok(())
    }

    async fn pages(&mut self, query: &PolicyQuery<'_>, candidates: &[TicketId]) -> Result<Pages, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(DISTINCT CASE WHEN kind = 'page' THEN ticket END) AS hour,
                COUNT(CASE WHEN kind = 'page_storm' THEN 1 END) AS storm
             FROM outbox WHERE kind IN ('page', 'page_storm') AND desk = $1 AND created_at > $2 AND created_at <= $3",
        )
        .bind(query.desk.as_str())
        .bind(micros(query.now - TimeDelta::hours(1)))
        .bind(micros(query.now))
        .fetch_one(self.on().await?)
        .await?;
        let cells = Cells(&row);
        let pages = Pages { hour: cells.small("hour")?, storm: cells.flag("storm")?, tickets: Vec::new() };
        if candidates.is_empty() {
            return Ok(pages);
        }
        let ids = padded(candidates);
        let sql = format!(
            "SELECT DISTINCT ticket FROM outbox WHERE kind = 'page' AND ticket IN ({})",
            marks(1, ids.len())
        );
        let mut statement = sqlx::query(AssertSqlSafe(sql));
        for id in &ids {
            statement = statement.bind(raw(id.as_bytes()));
        }
        let rows = statement.fetch_all(self.on().await?).await?;
        let paged = |row| Ok(TicketId::from_slice(&Cells(row).blob("ticket")?)?);
        let tickets = rows.iter().map(paged).collect::<Result<_, StoreError>>()?;
        Ok(Pages { tickets, ..pages })
    }

    /// Tickets of one organisation that are not ended, each with its first mail.
    async fn recent(
        &mut self,
        query: &PolicyQuery<'_>,
        (organisation, window, module): (&OrganisationName, TimeDelta, &str),
    ) -> Result<Vec<RecentTicket>, StoreError> {
        let rows = sqlx::query(
            "SELECT t.id, t.number, t.subject, a.id AS article, a.text, a.sealed
             FROM ticket t JOIN article a ON a.ticket = t.id AND a.seq = 1
             WHERE t.organisation = $1 AND t.opened_at > $2 AND t.desk = $3 AND t.state IN ('new', 'open', 'pending')
                AND t.restricted = 0 AND a.erased = 0
             ORDER BY t.opened_at DESC, t.number DESC LIMIT $4",
        )
        .bind(organisation.as_str())
        .bind(micros(query.now - window))
        .bind(query.desk.as_str())
        .bind(COMPARED)
        .fetch_all(self.on().await?)
        .await?;
        let read = |row| {
            let cells = Cells(row);
            let article = ArticleId::from_slice(&cells.blob("article")?)?;
            let place = Place::Article(article.as_bytes());
            let secret: ArticleSecret = open(&self.sealer, &place, &cells.blob("sealed")?)?;
            let named = secret.fields.into_iter().find(|(field, _)| field == module);
            Ok(RecentTicket {
                ticket: TicketRef {
                    id: TicketId::from_slice(&cells.blob("id")?)?,
                    number: TicketNumber::new(cells.int("number")?)?,
                },
                module: named.map(|(_, value)| value),
                subject: RedactedText::vouched(cells.text("subject")?),
                text: RedactedText::vouched(cells.text("text")?),
            })
        };
        rows.iter().map(read).collect()
    }

    /// Did a page about the ticket fail, and went none by the second channel? And who vouches for
    /// the sender of its first mail?
    pub(super) async fn page_failed(&mut self, ticket: &TicketSnapshot) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(CASE WHEN kind = 'page' AND (bounced = 1 OR state IN ('later', 'dead')) THEN 1 END) AS failed,
                COUNT(CASE WHEN kind = 'page_second' THEN 1 END) AS second
             FROM outbox WHERE ticket = $1 AND kind IN ('page', 'page_second')",
        )
        .bind(raw(ticket.id.as_bytes()))
        .fetch_one(self.on().await?)
        .await?;
        let cells = Cells(&row);
        Ok(cells.flag("failed")? && !cells.flag("second")?)
    }
}
