//! A ticket's row and its participants as one value in memory: read once in a transaction, changed by
//! the effects of a decision, written once.

use chrono::NaiveDate;
use sqlx::any::AnyRow;

use super::StoreError;
use super::cells::{Cells, from_micros, micros};
use super::sealed::ThreadSecret;
use crate::domain::desk::Span;
use crate::domain::effect::{Effect, NewTicket};
use crate::domain::ids::{
    AgentName, ArticleId, Category, DeskName, LookupKey, OrganisationName, ParticipantNo, TicketId,
    TicketNumber,
};
use crate::domain::message::{Grade, Instant, Language};
use crate::domain::text::RedactedText;
use crate::domain::ticket::{
    Acknowledgment, ArticleKind, ClockKind, ClockState, CloseReason, LastPublic, Participant, Priority, Role,
    TicketClock, TicketSnapshot, TicketState,
};

/// Every column, in the order in which `write.rs` binds them.
pub(super) const COLUMNS: &str = "id, number, version, desk, organisation, state, state_at, close_reason, priority,
    category, language, subject, restricted, imported, assignee, merged_into, follow_up_of, opened_at, due_at,
    reminded_at, last_public, last_article, accepted_at, bounced, response_state, response_value, resolution_state,
    resolution_value, update_state, update_value, grade, thread, response_warned, resolution_warned, update_warned,
    awaits_ack, ack_settled_at, cadence, eta";

/// The same columns of the table named `t`.
pub(super) fn columns_of_t() -> String {
    COLUMNS.split(',').map(|column| format!("t.{}", column.trim())).collect::<Vec<_>>().join(", ")
}

/// One row of `ticket`. `thread` is as it stands in the database, sealed.
#[derive(Debug, Clone)]
pub(super) struct TicketRow {
    pub snapshot: TicketSnapshot,
    pub organisation: Option<OrganisationName>,
    pub follow_up_of: Option<TicketId>,
    pub grade: Grade,
    pub thread: Vec<u8>,
}

/// One row of `participant`.
#[derive(Debug, Clone)]
pub(super) struct ParticipantRow {
    pub no: ParticipantNo,
    pub key: LookupKey,
    pub role: Role,
    pub organisation: Option<OrganisationName>,
    pub agent: Option<AgentName>,
    pub sealed: Vec<u8>,
    /// The merged ticket they came from, of someone to be added.
    pub merged_from: Option<TicketId>,
}

/// A ticket with its people.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub row: TicketRow,
    pub people: Vec<ParticipantRow>,
}

fn maybe_id(cells: &Cells<'_>, name: &str) -> Result<Option<TicketId>, StoreError> {
    cells.maybe_blob(name)?.map(|bytes| Ok(TicketId::from_slice(&bytes)?)).transpose()
}

fn read_state(cells: &Cells<'_>) -> Result<TicketState, StoreError> {
    let at = || cells.instant("state_at");
    Ok(match cells.text("state")?.as_str() {
        "new" => TicketState::New,
        "open" => TicketState::Open,
        "pending" => TicketState::Pending { since: at()? },
        "resolved" => TicketState::Resolved { at: at()? },
        "closed" => {
            TicketState::Closed { at: at()?, reason: cells.word("close_reason", CloseReason::parse)? }
        }
        _ => return Err(StoreError::defect("a ticket is in an unknown state")),
    })
}

fn read_last_public(cells: &Cells<'_>) -> Result<Option<LastPublic>, StoreError> {
    Ok(match cells.maybe_text("last_public")?.as_deref() {
        Some("customer") => Some(LastPublic::Customer),
        Some("answer") => Some(LastPublic::Answer {
            article: ArticleId::from_slice(&cells.blob("last_article")?)?,
            accepted_at: cells.maybe_instant("accepted_at")?,
            bounced: cells.flag("bounced")?,
        }),
        _ => None,
    })
}

/// Columns of a clock.
pub(super) const CLOCKS: [(ClockKind, [&str; 3]); 3] = [
    (ClockKind::Response, ["response_state", "response_value", "response_warned"]),
    (ClockKind::Resolution, ["resolution_state", "resolution_value", "resolution_warned"]),
    (ClockKind::Update, ["update_state", "update_value", "update_warned"]),
];

fn read_clocks(cells: &Cells<'_>) -> Result<Vec<TicketClock>, StoreError> {
    let mut clocks = Vec::new();
    for (kind, [state, value, warned]) in CLOCKS {
        let Some(word) = cells.maybe_text(state)? else { continue };
        let value = cells.int(value)?;
        let state = match word.as_str() {
            "running" => ClockState::Running { due: from_micros(value)? },
            "paused" => ClockState::Paused { left_s: value },
            "met" => ClockState::Met { at: from_micros(value)? },
            _ => ClockState::Missed { due: from_micros(value)? },
        };
        let warned = u8::try_from(cells.int(warned)?).unwrap_or(100);
        clocks.push(TicketClock { kind, state, warned });
    }
    Ok(clocks)
}

fn read_acknowledgment(cells: &Cells<'_>) -> Result<Acknowledgment, StoreError> {
    Ok(match (cells.flag("awaits_ack")?, cells.maybe_instant("ack_settled_at")?) {
        (false, _) => Acknowledgment::NotAwaited,
        (true, None) => Acknowledgment::Awaited,
        (true, Some(at)) => Acknowledgment::Settled(at),
    })
}

/// Word and number of a clock's two columns.
pub(super) const fn clock_cells(state: ClockState) -> (&'static str, i64) {
    match state {
        ClockState::Running { due } => ("running", micros(due)),
        ClockState::Paused { left_s } => ("paused", left_s),
        ClockState::Met { at } => ("met", micros(at)),
        ClockState::Missed { due } => ("missed", micros(due)),
    }
}

impl TicketRow {
    pub fn read(row: &AnyRow) -> Result<Self, StoreError> {
        let cells = Cells(row);
        let snapshot = TicketSnapshot {
            id: TicketId::from_slice(&cells.blob("id")?)?,
            number: TicketNumber::new(cells.int("number")?)?,
            version: cells.int("version")?,
            desk: cells.name("desk", DeskName::parse)?,
            state: read_state(&cells)?,
            priority: cells.word("priority", Priority::parse)?,
            category: cells.maybe_name("category", Category::parse)?,
            language: cells.word("language", Language::parse)?,
            subject: RedactedText::vouched(cells.text("subject")?),
            restricted: cells.flag("restricted")?,
            imported: cells.flag("imported")?,
            assignee: cells.maybe_name("assignee", AgentName::parse)?,
            merged_into: maybe_id(&cells, "merged_into")?,
            opened_at: cells.instant("opened_at")?,
            participants: Vec::new(),
            clocks: read_clocks(&cells)?,
            last_public: read_last_public(&cells)?,
            reminded_at: cells.maybe_instant("reminded_at")?,
            due_at: cells.maybe_instant("due_at")?,
            acknowledgment: read_acknowledgment(&cells)?,
            cadence: cells.maybe_name("cadence", Span::parse)?,
            eta: cells.maybe_name("eta", str::parse::<NaiveDate>)?,
        };
        Ok(Self {
            snapshot,
            organisation: cells.maybe_name("organisation", OrganisationName::parse)?,
            follow_up_of: maybe_id(&cells, "follow_up_of")?,
            grade: cells.word("grade", Grade::parse)?,
            thread: cells.blob("thread")?,
        })
    }

    /// A ticket that is about to be opened.
    pub fn open(new: &NewTicket, id: TicketId, number: TicketNumber) -> Self {
        let snapshot = TicketSnapshot {
            id,
            number,
            version: 1,
            desk: new.desk.clone(),
            state: new.state,
            priority: new.priority,
            category: new.category.clone(),
            language: new.language,
            subject: new.subject.clone(),
            restricted: new.restricted,
            imported: new.imported,
            assignee: None,
            merged_into: None,
            opened_at: new.opened_at,
            participants: Vec::new(),
            clocks: Vec::new(),
            last_public: None,
            reminded_at: None,
            due_at: new.due_at,
            acknowledgment: if new.needs_acknowledgment {
                Acknowledgment::Awaited
            } else {
                Acknowledgment::NotAwaited
            },
            cadence: None,
            eta: None,
        };
        Self {
            snapshot,
            organisation: new.organisation.clone(),
            follow_up_of: new.follow_up_of,
            grade: Grade::None,
            thread: Vec::new(),
        }
    }

    /// Changes the row as the effects say; `articles` are the ids of the messages they add, in order.
    pub fn fold(&mut self, effects: &[Effect], articles: &[ArticleId], thread: &mut ThreadSecret) {
        let ticket = &mut self.snapshot;
        let mut articles = articles.iter();
        for effect in effects {
            match effect {
                Effect::AddArticle(article) => {
                    let id = articles.next();
                    let public = article.kind == ArticleKind::Public;
                    if thread.root.is_none() && article.inbound {
                        self.grade = article.grade;
                    }
                    if let Some(message_id) = &article.message_id {
                        thread.note(message_id, article.inbound && public);
                    }
                    if public && article.inbound {
                        ticket.last_public = Some(LastPublic::Customer);
                    } else if let (true, Some(article)) = (public, id) {
                        let article = *article;
                        ticket.last_public =
                            Some(LastPublic::Answer { article, accepted_at: None, bounced: false });
                    }
                }
                Effect::SetState(state) => ticket.state = *state,
                Effect::SetPriority(priority) => ticket.priority = *priority,
                Effect::SetCategory(category) => ticket.category = Some(category.clone()),
                Effect::Assign(agent) => ticket.assignee.clone_from(agent),
                Effect::SetClocks(clocks) => ticket.clocks.clone_from(clocks),
                Effect::SetDue(due) => ticket.due_at = *due,
                Effect::SetReminded(at) => ticket.reminded_at = *at,
                Effect::MoveTo(desk) => ticket.desk = desk.clone(),
                Effect::MergeInto(survivor) => ticket.merged_into = Some(*survivor),
                Effect::Unmerge(_) => ticket.merged_into = None,
                Effect::StartClocks => ticket.acknowledgment = Acknowledgment::NotAwaited,
                Effect::SetCadence(span) => ticket.cadence = *span,
                Effect::SetEta(day) => ticket.eta = Some(*day),
                Effect::AddParticipant(_)
                | Effect::Relate(_)
                | Effect::Wake(_)
                | Effect::Withhold { .. }
                | Effect::Enqueue(_)
                | Effect::MarkBounced { .. }
                | Effect::SetLedger { .. } => {}
            }
        }
    }
}

impl ParticipantRow {
    pub fn read(row: &AnyRow) -> Result<Self, StoreError> {
        let cells = Cells(row);
        Ok(Self {
            no: ParticipantNo::new(cells.small("no")?)?,
            key: cells.key("key")?,
            role: cells.word("role", Role::parse)?,
            organisation: cells.maybe_name("organisation", OrganisationName::parse)?,
            agent: cells.maybe_name("agent", AgentName::parse)?,
            sealed: cells.blob("sealed")?,
            merged_from: None,
        })
    }
}

impl Loaded {
    /// What decisions see.
    pub fn snapshot(&self) -> TicketSnapshot {
        let person = |p: &ParticipantRow| Participant {
            no: p.no,
            key: p.key,
            role: p.role,
            organisation: p.organisation.clone(),
        };
        TicketSnapshot { participants: self.people.iter().map(person).collect(), ..self.row.snapshot.clone() }
    }
    /// Who wrote the first mail.
    pub fn requester(&self) -> Option<&ParticipantRow> {
        self.people.iter().find(|p| p.role == Role::Requester)
    }
}

/// The instants of a state's columns: since or at, and why closed.
pub(super) const fn state_cells(state: TicketState) -> (Option<Instant>, Option<&'static str>) {
    match state {
        TicketState::New | TicketState::Open => (None, None),
        TicketState::Pending { since } => (Some(since), None),
        TicketState::Resolved { at } => (Some(at), None),
        TicketState::Closed { at, reason } => (Some(at), Some(reason.as_str())),
    }
}
