//! Reads for the commands: tickets. On the read-only connections: they never wait for a writer.

use data_encoding::HEXLOWER;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::audit;
use super::cells::{Cells, raw};
use super::sealed::{ArticleSecret, Person, Place, open};
use super::ticket_row::{ParticipantRow, TicketRow, columns_of_t};
use super::views::{
    ArticleView, AttachmentView, ClockView, HistoryView, OutboxFilter, ParticipantView, RelatedView,
    TicketFilter, TicketLine, TicketView,
};
use super::{Store, StoreError};
use crate::domain::address::Mailbox;
use crate::domain::ids::{ArticleId, TicketId, TicketNumber};
use crate::domain::message::Instant;
use crate::domain::ticket::{ClockState, TicketClock};

/// Columns of a list beside the ticket's own.
const EXTRA: &str = "(SELECT number FROM ticket m WHERE m.id = t.merged_into) AS merged_number,
    (SELECT number FROM ticket f WHERE f.id = t.follow_up_of) AS follow_number,
    (SELECT COUNT(*) FROM article a WHERE a.ticket = t.id) AS message_count,
    p.no AS p_no, p.sealed AS p_sealed";
const REQUESTER: &str = "LEFT JOIN participant p ON p.ticket = t.id AND p.role = 'requester'";

pub(super) fn shown(mailbox: &Mailbox, expose: bool) -> String {
    if expose { mailbox.address.expose().into() } else { mailbox.address.masked() }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

impl Store {
    fn line(&self, row: &AnyRow, expose: bool) -> Result<(TicketRow, TicketLine), StoreError> {
        let (cells, ticket) = (Cells(row), TicketRow::read(row)?);
        let requester = match (cells.maybe_int("p_no")?, cells.maybe_blob("p_sealed")?) {
            (Some(no), Some(sealed)) => {
                let no = crate::domain::ids::ParticipantNo::new(u32::try_from(no).unwrap_or(0))?;
                let place = Place::Participant(ticket.snapshot.id, no);
                Some(open::<Person>(&self.sealer, &place, &sealed)?.mailbox()?)
            }
            _ => None,
        };
        let of = &ticket.snapshot;
        let running = of.clocks.iter().filter_map(|clock| match clock.state {
            ClockState::Running { due } => Some(due),
            _ => None,
        });
        let line = TicketLine {
            number: of.number.get(),
            desk: of.desk.to_string(),
            state: of.state.as_str().into(),
            priority: of.priority.as_str().into(),
            category: of.category.as_ref().map(ToString::to_string),
            language: of.language.as_str().into(),
            subject: ticket.snapshot.subject.as_str().into(),
            requester: requester.as_ref().map(|mailbox| shown(mailbox, expose)),
            assignee: of.assignee.as_ref().map(ToString::to_string),
            restricted: of.restricted,
            imported: of.imported,
            follow_up_of: cells.maybe_int("follow_number")?,
            merged_into: cells.maybe_int("merged_number")?,
            opened_at: of.opened_at,
            closed_at: of.state.ended_at(),
            close_reason: cells.maybe_text("close_reason")?,
            message_count: cells.int("message_count")?,
            due: running.min(),
        };
        Ok((ticket, line))
    }

    /// One ticket with everything that hangs on it; `expose` shows addresses, names and Message-IDs
    /// in the clear: the caller audits that first ([`Store::expose_audit`]). `now` is for what is
    /// left of running clocks.
    pub async fn ticket_show(
        &self,
        number: TicketNumber,
        expose: bool,
        now: Instant,
    ) -> Result<Option<TicketView>, StoreError> {
        let mut on = self.pools.read.acquire().await?;
        let sql = format!(
            "SELECT {}, t.held_at, t.consent_until, {EXTRA} FROM ticket t {REQUESTER} WHERE t.number = $1",
            columns_of_t()
        );
        let row = sqlx::query(AssertSqlSafe(sql)).bind(number.get()).fetch_optional(&mut *on).await?;
        let Some(row) = row else { return Ok(None) };
        let (ticket, line) = self.line(&row, expose)?;
        let id = ticket.snapshot.id;
        let related = related(&mut on, id).await?;
        let view = TicketView {
            participants: self.participants(&mut on, id, expose).await?,
            possibly_related: related.iter().map(|other| other.ticket).collect(),
            related,
            cadence: ticket.snapshot.cadence.map(|span| span.to_string()),
            eta: ticket.snapshot.eta.map(|day| day.to_string()),
            clocks: ticket.snapshot.clocks.iter().map(|clock| clock_view(*clock, now)).collect(),
            messages: self.messages(&mut on, id, expose).await?,
            outbox: Vec::new(),
            held_at: Cells(&row).maybe_instant("held_at")?,
            consent_until: Cells(&row).maybe_instant("consent_until")?,
            history: history(&mut on, id).await?,
            line,
        };
        drop(on);
        let filter = OutboxFilter { ticket: Some(number), ..OutboxFilter::default() };
        Ok(Some(TicketView { outbox: self.outbox_list(&filter, expose).await?, ..view }))
    }

    /// Tickets by number.
    pub async fn ticket_list(
        &self,
        filter: &TicketFilter,
        expose: bool,
    ) -> Result<Vec<TicketLine>, StoreError> {
        let sql = format!(
            "SELECT {}, {EXTRA} FROM ticket t {REQUESTER} WHERE ($1 = '' OR t.desk = $1) AND ($2 = '' OR t.state = $2)
             ORDER BY t.number LIMIT $3",
            columns_of_t()
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(filter.desk.as_ref().map_or("", |desk| desk.as_str()))
            .bind(filter.state.as_deref().unwrap_or(""))
            .bind(limit(filter.limit))
            .fetch_all(&self.pools.read)
            .await?;
        rows.iter().map(|row| Ok(self.line(row, expose)?.1)).collect()
    }

    async fn participants(
        &self,
        on: &mut AnyConnection,
        ticket: TicketId,
        expose: bool,
    ) -> Result<Vec<ParticipantView>, StoreError> {
        let sql = "SELECT no, key, role, organisation, agent, sealed FROM participant WHERE ticket = $1 ORDER BY no";
        let rows = sqlx::query(sql).bind(raw(ticket.as_bytes())).fetch_all(on).await?;
        let view = |row| {
            let person = ParticipantRow::read(row)?;
            let place = Place::Participant(ticket, person.no);
            let mailbox = open::<Person>(&self.sealer, &place, &person.sealed)?.mailbox()?;
            Ok(ParticipantView {
                no: person.no.get(),
                role: person.role.as_str().into(),
                address: shown(&mailbox, expose),
                name: mailbox.name.filter(|_| expose),
                organisation: person.organisation.map(|name| name.to_string()),
                agent: person.agent.map(|name| name.to_string()),
            })
        };
        rows.iter().map(view).collect()
    }

    async fn messages(
        &self,
        on: &mut AnyConnection,
        ticket: TicketId,
        expose: bool,
    ) -> Result<Vec<ArticleView>, StoreError> {
        let rows = sqlx::query(
            "SELECT a.id, a.direction, a.kind, a.class, a.at, a.grade, a.text, a.flags, a.sealed, a.erased, a.ledger,
                (SELECT COUNT(*) FROM original_key k WHERE k.ledger = a.ledger) AS keys
             FROM article a WHERE a.ticket = $1 ORDER BY a.seq",
        )
        .bind(raw(ticket.as_bytes()))
        .fetch_all(&mut *on)
        .await?;
        let mut messages = Vec::with_capacity(rows.len());
        let mut numbers = 1..;
        for row in &rows {
            let cells = Cells(row);
            let id = ArticleId::from_slice(&cells.blob("id")?)?;
            let secret: ArticleSecret =
                open(&self.sealer, &Place::Article(id.as_bytes()), &cells.blob("sealed")?)?;
            let original = cells.maybe_blob("ledger")?.map(|_| cells.flag("keys")).transpose()?;
            let mut attachments =
                attachments(on, id, secret.names.into_iter().filter(|_| expose).collect()).await?;
            for (attachment, no) in attachments.iter_mut().zip(&mut numbers) {
                attachment.no = no;
            }
            let from = secret.from.map(Person::mailbox).transpose()?;
            messages.push(ArticleView {
                id: id.to_string(),
                direction: cells.text("direction")?,
                kind: cells.text("kind")?,
                class: cells.maybe_text("class")?,
                from: from.as_ref().map(|mailbox| shown(mailbox, expose)),
                arrived_at: cells.instant("at")?,
                message_id: secret.id.filter(|_| expose),
                grade: cells.text("grade")?,
                text: cells.text("text")?,
                flags: words(&cells.text("flags")?),
                attachments,
                original: original.map(|sealed| if sealed { "sealed" } else { "erased" }.into()),
            });
        }
        Ok(messages)
    }
}

/// SQL's own "no limit" differs; this is more than any table holds.
pub(super) fn limit(limit: u32) -> i64 {
    if limit == 0 { i64::from(u32::MAX) } else { i64::from(limit) }
}

async fn attachments(
    on: &mut AnyConnection,
    article: ArticleId,
    names: Vec<String>,
) -> Result<Vec<AttachmentView>, StoreError> {
    let sql = "SELECT declared, detected, size, sha256, flags FROM attachment WHERE article = $1 ORDER BY no";
    let rows = sqlx::query(sql).bind(raw(article.as_bytes())).fetch_all(on).await?;
    let names = names.into_iter().map(Some).chain(std::iter::repeat(None));
    let view = |(row, name)| {
        let cells = Cells(row);
        let declared = cells.text("declared")?;
        Ok(AttachmentView {
            no: 0,
            name,
            media_type: cells.maybe_text("detected")?.unwrap_or(declared),
            size: cells.int("size")?,
            sha256: HEXLOWER.encode(&cells.blob("sha256")?),
            flags: words(&cells.text("flags")?),
        })
    };
    rows.iter().zip(names).map(view).collect()
}

async fn related(on: &mut AnyConnection, ticket: TicketId) -> Result<Vec<RelatedView>, StoreError> {
    let sql = "SELECT t.number, r.reason FROM relation r JOIN ticket t ON t.id = r.other WHERE r.ticket = $1 ORDER BY t.number";
    let rows = sqlx::query(sql).bind(raw(ticket.as_bytes())).fetch_all(on).await?;
    let view =
        |row| Ok(RelatedView { ticket: Cells(row).int("number")?, reason: Cells(row).text("reason")? });
    rows.iter().map(view).collect()
}

async fn history(on: &mut AnyConnection, ticket: TicketId) -> Result<Vec<HistoryView>, StoreError> {
    let sql = "SELECT at, actor, action, reasons FROM audit WHERE ticket = $1 ORDER BY seq";
    let rows = sqlx::query(sql).bind(raw(ticket.as_bytes())).fetch_all(on).await?;
    let view = |row| {
        let cells = Cells(row);
        Ok(HistoryView {
            at: cells.instant("at")?,
            actor: cells.text("actor")?,
            action: cells.text("action")?,
            reasons: audit::reasons(&cells)?,
        })
    };
    rows.iter().map(view).collect()
}

fn clock_view(clock: TicketClock, now: Instant) -> ClockView {
    let left = |due: Instant| Some((due - now).num_seconds());
    let (due, state, remaining_s) = match clock.state {
        ClockState::Running { due } => (Some(due), "running", left(due)),
        ClockState::Paused { left_s } => (None, "paused", Some(left_s)),
        ClockState::Met { .. } => (None, "met", None),
        ClockState::Missed { due } => (Some(due), "missed", left(due)),
    };
    ClockView { kind: clock.kind.as_str().into(), due, state: state.into(), remaining_s }
}
