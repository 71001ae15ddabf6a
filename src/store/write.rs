//! How rows are written: a few statements a table, whatever the number of rows. All rows of one
//! statement share one text, and texts come in a few lengths only, so that each is prepared once.

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe};

use super::StoreError;
use super::cells::{maybe_micros, micros, plain_rows, raw};
use super::dialect::Dialect;
use super::pending::{ArticleRow, AttachmentRow, LedgerEnd, OutboxRow};
use super::ticket_row::{CLOCKS, COLUMNS, ParticipantRow, TicketRow, clock_cells, state_cells};
use crate::domain::effect::Related;
use crate::domain::ids::TicketId;
use crate::domain::ticket::{Acknowledgment, LastPublic};

const COUNT: usize = 39;
/// Rows of one statement: as many as there are, or the next smaller of these.
const LENGTHS: [usize; 4] = [16, 4, 2, 1];

/// Where rows are written.
pub(super) struct On<'c>(pub &'c mut AnyConnection, pub Dialect);

type Bound<'q> = Query<'q, Any, AnyArguments>;

/// Runs one statement for each piece of the rows: `text` makes it from their number, `bind` adds the
/// values of one row. Gives the rows it touched.
async fn each_piece<T>(
    On(on, dialect): On<'_>,
    all: &[T],
    text: impl Fn(Dialect, usize) -> String,
    bind: impl for<'q> Fn(Bound<'q>, &'q T) -> Bound<'q>,
) -> Result<u64, StoreError> {
    let (mut rest, mut touched) = (all, 0);
    for length in LENGTHS {
        while rest.len() >= length {
            let (piece, after) = rest.split_at(length);
            let query = sqlx::query(AssertSqlSafe(text(dialect, length)));
            let query = piece.iter().fold(query, &bind);
            touched += query.execute(&mut *on).await?.rows_affected();
            rest = after;
        }
    }
    Ok(touched)
}

fn insert<'a>(table: &'a str, columns: &'a str, tail: &'a str) -> impl Fn(Dialect, usize) -> String + 'a {
    let width = columns.split(',').count();
    move |dialect, count| {
        format!("INSERT INTO {table} ({columns}) VALUES {} {tail}", plain_rows(dialect, count, width))
    }
}

/// Notes the last ticket number that was given out.
pub(super) async fn set_number(On(on, _): On<'_>, number: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE counter SET value = $1 WHERE name = 'ticket'").bind(number).execute(on).await?;
    Ok(())
}

/// Binds every column in the order of [`COLUMNS`].
fn bind_ticket<'q>(query: Bound<'q>, row: &'q TicketRow) -> Bound<'q> {
    let ticket = &row.snapshot;
    let (state_at, close_reason) = state_cells(ticket.state);
    let mut query = query
        .bind(raw(ticket.id.as_bytes()))
        .bind(ticket.number.get())
        .bind(ticket.version)
        .bind(ticket.desk.as_str())
        .bind(row.organisation.as_ref().map(|o| o.as_str().to_owned()))
        .bind(ticket.state.as_str())
        .bind(maybe_micros(state_at))
        .bind(close_reason.map(str::to_owned))
        .bind(ticket.priority.as_str())
        .bind(ticket.category.as_ref().map(|c| c.as_str().to_owned()))
        .bind(ticket.language.as_str())
        .bind(super::cells::clean(row.snapshot.subject.as_str()).into_owned())
        .bind(i64::from(ticket.restricted))
        .bind(i64::from(ticket.imported))
        .bind(ticket.assignee.as_ref().map(|a| a.as_str().to_owned()))
        .bind(ticket.merged_into.map(|id| raw(id.as_bytes())))
        .bind(row.follow_up_of.map(|id| raw(id.as_bytes())))
        .bind(micros(ticket.opened_at))
        .bind(maybe_micros(ticket.due_at))
        .bind(maybe_micros(ticket.reminded_at));
    query = match ticket.last_public {
        None => query.bind(None::<String>).bind(None::<Vec<u8>>).bind(None::<i64>).bind(0_i64),
        Some(LastPublic::Customer) => {
            query.bind(Some("customer".to_owned())).bind(None::<Vec<u8>>).bind(None::<i64>).bind(0_i64)
        }
        Some(LastPublic::Answer { article, accepted_at, bounced }) => query
            .bind(Some("answer".to_owned()))
            .bind(Some(raw(article.as_bytes())))
            .bind(maybe_micros(accepted_at))
            .bind(i64::from(bounced)),
    };
    for (kind, _) in CLOCKS {
        let clock = ticket.clocks.iter().find(|clock| clock.kind == kind).map(|c| clock_cells(c.state));
        query = query.bind(clock.map(|(word, _)| word.to_owned())).bind(clock.map(|(_, value)| value));
    }
    query = query.bind(row.grade.as_str()).bind(row.thread.as_slice());
    for (kind, _) in CLOCKS {
        let warned = ticket.clocks.iter().find(|clock| clock.kind == kind).map_or(0, |clock| clock.warned);
        query = query.bind(i64::from(warned));
    }
    let settled_at = match ticket.acknowledgment {
        Acknowledgment::Settled(at) => Some(at),
        _ => None,
    };
    query
        .bind(i64::from(ticket.acknowledgment.holds_back()))
        .bind(maybe_micros(settled_at))
        .bind(ticket.cadence.map(|span| span.to_string()))
        .bind(ticket.eta.map(|day| day.to_string()))
}

pub(super) async fn insert_tickets(on: On<'_>, tickets: &[TicketRow]) -> Result<(), StoreError> {
    each_piece(on, tickets, insert("ticket", COLUMNS, ""), bind_ticket).await?;
    Ok(())
}

/// Writes changed rows; the version in each is the new one, the number beside it the old one.
///
/// # Errors
/// [`StoreError::Conflict`] when a row's version is not the one before it.
pub(super) async fn update_tickets(on: On<'_>, tickets: &[(TicketRow, i64)]) -> Result<(), StoreError> {
    let text = |dialect: Dialect, count: usize| {
        let names = COLUMNS.split(',').map(str::trim);
        let set: Vec<String> = names.skip(1).map(|name| format!("{name} = v.{name}")).collect();
        format!(
            "WITH v ({COLUMNS}, before) AS (VALUES {}) UPDATE ticket SET {} FROM v
             WHERE ticket.id = v.id AND ticket.version = v.before",
            plain_rows(dialect, count, COUNT + 1),
            set.join(", ")
        )
    };
    let done =
        each_piece(on, tickets, text, |query, (row, before)| bind_ticket(query, row).bind(*before)).await?;
    if usize::try_from(done) == Ok(tickets.len()) { Ok(()) } else { Err(StoreError::Conflict) }
}

pub(super) async fn insert_people(
    on: On<'_>,
    people: &[(TicketId, ParticipantRow)],
) -> Result<(), StoreError> {
    let columns = "ticket, no, key, role, organisation, agent, sealed, merged_from";
    each_piece(on, people, insert("participant", columns, ""), |query, (ticket, person)| {
        query
            .bind(raw(ticket.as_bytes()))
            .bind(i64::from(person.no.get()))
            .bind(raw(&person.key.0))
            .bind(person.role.as_str())
            .bind(person.organisation.as_ref().map(|o| o.as_str().to_owned()))
            .bind(person.agent.as_ref().map(|a| a.as_str().to_owned()))
            .bind(person.sealed.as_slice())
            .bind(person.merged_from.map(|id| raw(id.as_bytes())))
    })
    .await?;
    Ok(())
}

/// A row takes the next place of its ticket; two of one ticket never stand in one statement, because
/// neither would see the other.
pub(super) async fn insert_articles(
    On(on, dialect): On<'_>,
    articles: &[ArticleRow],
) -> Result<(), StoreError> {
    let text = |dialect: Dialect, count: usize| {
        let row = |row: usize| {
            // The ticket is bound twice, so that parameters are used once and in order.
            let mark = |n: usize| match dialect {
                Dialect::Sqlite => "?".to_owned(),
                Dialect::Postgres => format!("${}", row * 14 + n),
            };
            let later: Vec<String> = (4..=14).map(mark).collect();
            let next = format!("(SELECT COALESCE(MAX(seq), 0) + 1 FROM article WHERE ticket = {})", mark(3));
            format!("({}, {}, {next}, {}, 0)", mark(1), mark(2), later.join(", "))
        };
        let rows: Vec<String> = (0..count).map(row).collect();
        format!(
            "INSERT INTO article (id, ticket, seq, direction, kind, class, at, grade, text, elided, html, flags,
                ledger, sealed, erased) VALUES {}",
            rows.join(",")
        )
    };
    let mut rest = articles;
    while !rest.is_empty() {
        let twice = |n: &usize| {
            let (before, from) = rest.split_at(*n);
            from.first().is_some_and(|row| before.iter().any(|other| other.ticket == row.ticket))
        };
        let (piece, after) = rest.split_at((1..rest.len()).find(twice).unwrap_or(rest.len()));
        each_piece(On(&mut *on, dialect), piece, text, bind_article).await?;
        rest = after;
    }
    Ok(())
}

fn bind_article<'q>(query: Bound<'q>, article: &'q ArticleRow) -> Bound<'q> {
    query
        .bind(raw(article.id.as_bytes()))
        .bind(raw(article.ticket.as_bytes()))
        .bind(raw(article.ticket.as_bytes()))
        .bind(article.direction)
        .bind(article.kind)
        .bind(article.class.map(str::to_owned))
        .bind(micros(article.at))
        .bind(article.grade)
        .bind(article.text.as_str())
        .bind(article.elided.as_str())
        .bind(article.html.clone())
        .bind(article.flags.as_str())
        .bind(article.ledger.map(|id| raw(id.as_bytes())))
        .bind(article.sealed.as_slice())
}

pub(super) async fn insert_attachments(on: On<'_>, attachments: &[AttachmentRow]) -> Result<(), StoreError> {
    let columns = "article, no, declared, detected, size, sha256, inline, flags";
    each_piece(on, attachments, insert("attachment", columns, ""), |query, row| {
        query
            .bind(raw(row.article.as_bytes()))
            .bind(row.no)
            .bind(row.declared.as_str())
            .bind(row.detected.clone())
            .bind(row.size)
            .bind(row.sha256.to_vec())
            .bind(i64::from(row.inline))
            .bind(row.flags.as_str())
    })
    .await?;
    Ok(())
}

pub(super) async fn insert_outbox(on: On<'_>, mails: &[OutboxRow]) -> Result<(), StoreError> {
    let columns =
        "id, ticket, article, participant, desk, kind, automatic, governed, state, reason, recipient_key,
        message_key, sealed, bytes, created_at, not_before, attempts, bounced";
    each_piece(on, mails, insert("outbox", columns, ""), |query, row| {
        query
            .bind(raw(row.id.as_bytes()))
            .bind(row.ticket.map(|id| raw(id.as_bytes())))
            .bind(row.article.map(|id| raw(id.as_bytes())))
            .bind(row.participant)
            .bind(row.desk.as_str())
            .bind(row.kind)
            .bind(i64::from(row.automatic))
            .bind(i64::from(row.governed))
            .bind(if row.suppressed.is_none() { "queued" } else { "suppressed" })
            .bind(row.suppressed.map(str::to_owned))
            .bind(raw(&row.recipient.0))
            .bind(raw(&row.message))
            .bind(row.sealed.as_slice())
            .bind(row.bytes.as_slice())
            .bind(micros(row.created_at))
            .bind(maybe_micros(row.not_before))
            .bind(0_i64)
            .bind(0_i64)
    })
    .await?;
    Ok(())
}

/// Notes that these Message-IDs stand in their tickets.
pub(super) async fn insert_refs(on: On<'_>, refs: &[([u8; 16], TicketId)]) -> Result<(), StoreError> {
    let text = insert("message_ref", "key, ticket", "ON CONFLICT (key, ticket) DO NOTHING");
    each_piece(on, refs, text, |query, (key, ticket)| query.bind(raw(key)).bind(raw(ticket.as_bytes())))
        .await?;
    Ok(())
}

pub(super) async fn insert_relations(
    on: On<'_>,
    relations: &[(TicketId, Related)],
) -> Result<(), StoreError> {
    let text = insert("relation", "ticket, other, reason", "ON CONFLICT (ticket, other) DO NOTHING");
    each_piece(on, relations, text, |query, (ticket, other)| {
        query.bind(raw(ticket.as_bytes())).bind(raw(other.ticket.as_bytes())).bind(other.reason.words())
    })
    .await?;
    Ok(())
}

/// Ends ledger rows.
///
/// # Errors
/// [`StoreError::Missing`] when one of them was decided before.
pub(super) async fn end_ledgers(on: On<'_>, ends: &[LedgerEnd]) -> Result<(), StoreError> {
    let text = |dialect: Dialect, count: usize| {
        format!(
            "WITH v (id, state, state_at, reason, action, ticket, duplicate_of, desk, content_key, message_key, from_key)
                AS (VALUES {})
             UPDATE ledger SET state = v.state, state_at = v.state_at, reason = v.reason, action = v.action,
                ticket = v.ticket, duplicate_of = v.duplicate_of, desk = COALESCE(v.desk, ledger.desk),
                content_key = COALESCE(v.content_key, ledger.content_key),
                message_key = COALESCE(v.message_key, ledger.message_key),
                from_key = COALESCE(v.from_key, ledger.from_key), next_try = NULL
             FROM v WHERE ledger.id = v.id AND ledger.state = 'stored'",
            plain_rows(dialect, count, 11)
        )
    };
    let done = each_piece(on, ends, text, |query, end| {
        let keys = end.keys.as_ref();
        query
            .bind(raw(end.ledger.as_bytes()))
            .bind(end.state)
            .bind(micros(end.at))
            .bind(end.reason)
            .bind(end.action)
            .bind(end.ticket.map(|id| raw(id.as_bytes())))
            .bind(end.duplicate_of.map(|id| raw(id.as_bytes())))
            .bind(keys.map(|keys| keys.desk.as_str().to_owned()))
            .bind(keys.map(|keys| raw(&keys.content)))
            .bind(keys.and_then(|keys| keys.message).map(|key| raw(&key)))
            .bind(keys.and_then(|keys| keys.from).map(|key| raw(&key)))
    })
    .await?;
    if usize::try_from(done) == Ok(ends.len()) {
        Ok(())
    } else {
        Err(StoreError::Missing("mail in the ledger"))
    }
}
