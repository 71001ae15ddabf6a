//! How a ticket's rows are written: one statement a table, whatever their number.

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe};

use super::StoreError;
use super::cells::{clean, marks, maybe_micros, micros, raw, rows};
use super::ticket_row::{CLOCKS, COLUMNS, ParticipantRow, TicketRow, clock_cells, state_cells};
use crate::domain::effect::Related;
use crate::domain::ids::TicketId;
use crate::domain::ticket::{Acknowledgment, LastPublic};

const COUNT: usize = 39;

type Bound<'q> = Query<'q, Any, AnyArguments>;

/// Binds every column in the order of [`COLUMNS`].
fn bind<'q>(query: Bound<'q>, row: &'q TicketRow) -> Bound<'q> {
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
        .bind(clean(row.snapshot.subject.as_str()).into_owned())
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

pub(super) async fn insert_ticket(on: &mut AnyConnection, row: &TicketRow) -> Result<(), StoreError> {
    let sql = format!("INSERT INTO ticket ({COLUMNS}) VALUES ({})", marks(1, COUNT));
    bind(sqlx::query(AssertSqlSafe(sql)), row).execute(on).await?;
    Ok(())
}

/// Writes a changed row; the version in `row` is the new one.
///
/// # Errors
/// [`StoreError::Conflict`] when the row's version is not the one before it.
pub(super) async fn update_ticket(on: &mut AnyConnection, row: &TicketRow) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE ticket SET ({COLUMNS}) = ({}) WHERE id = $1 AND version = ${}",
        marks(1, COUNT),
        COUNT + 1
    );
    let query = bind(sqlx::query(AssertSqlSafe(sql)), row).bind(row.snapshot.version - 1);
    let done = query.execute(on).await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

pub(super) async fn insert_people(
    on: &mut AnyConnection,
    ticket: TicketId,
    (people, from): (&[ParticipantRow], Option<TicketId>),
) -> Result<(), StoreError> {
    for people in people.chunks(64) {
        let sql = format!(
            "INSERT INTO participant (ticket, no, key, role, organisation, agent, sealed, merged_from) VALUES {}",
            rows(people.len(), 8)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for person in people {
            query = query
                .bind(raw(ticket.as_bytes()))
                .bind(i64::from(person.no.get()))
                .bind(raw(&person.key.0))
                .bind(person.role.as_str())
                .bind(person.organisation.as_ref().map(|o| o.as_str().to_owned()))
                .bind(person.agent.as_ref().map(|a| a.as_str().to_owned()))
                .bind(person.sealed.as_slice())
                .bind(from.map(|id| raw(id.as_bytes())));
        }
        query.execute(&mut *on).await?;
    }
    Ok(())
}

/// Notes that these Message-IDs stand in the ticket.
pub(super) async fn insert_refs(
    on: &mut AnyConnection,
    ticket: TicketId,
    keys: &[[u8; 16]],
) -> Result<(), StoreError> {
    for keys in keys.chunks(64) {
        let sql = format!(
            "INSERT INTO message_ref (key, ticket) VALUES {} ON CONFLICT (key, ticket) DO NOTHING",
            rows(keys.len(), 2)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for key in keys {
            query = query.bind(raw(key)).bind(raw(ticket.as_bytes()));
        }
        query.execute(&mut *on).await?;
    }
    Ok(())
}

pub(super) async fn insert_relations(
    on: &mut AnyConnection,
    ticket: TicketId,
    others: &[Related],
) -> Result<(), StoreError> {
    for other in others.iter().filter(|other| other.ticket != ticket) {
        sqlx::query(
            "INSERT INTO relation (ticket, other, reason) VALUES ($1, $2, $3)
             ON CONFLICT (ticket, other) DO NOTHING",
        )
        .bind(raw(ticket.as_bytes()))
        .bind(raw(other.ticket.as_bytes()))
        .bind(other.reason.words())
        .execute(&mut *on)
        .await?;
    }
    Ok(())
}
