//! What a notice's template may speak of: the one list of variables, and their values for a notice.
//! A customer's template never has a variable of an agent's notification (L24), and an
//! acknowledgment none that holds the customer's words but the redacted subject (L16).

use chrono::NaiveDate;
use minijinja::Value;

use super::dates;
use crate::domain::agent_mail::{END_MARKER, MARKER};
use crate::domain::desk::Desk;
use crate::domain::ids::TicketNumber;
use crate::domain::message::{Instant, Language};
use crate::domain::outgoing::{Notice, PublicText};
use crate::domain::ticket::{ClockKind, Priority};

/// What a variable may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Always a text or number.
    Text,
    /// A text, or none.
    Optional,
    /// True or false.
    Flag,
    /// Texts, perhaps none.
    List,
}

type Variable = (&'static str, Shape);

const COMMON: &[Variable] = &[("desk", Shape::Text), ("phone", Shape::Optional)];
/// What every text about a ticket knows besides.
const TICKET: &[Variable] = &[("number", Shape::Text)];

/// The variables that every text of a notice knows.
pub(super) fn variables(notice: &str) -> impl Iterator<Item = Variable> {
    let own: &[Variable] = match notice {
        "received" => &[
            ("arrived", Shape::Text),
            ("response_due", Shape::Optional),
            ("opening", Shape::Optional),
            ("subject", Shape::Optional),
            ("asks", Shape::List),
            ("priority", Shape::Text),
            ("resolution_due", Shape::Optional),
            ("emergency", Shape::Flag),
            ("standard", Shape::Optional),
        ],
        "duplicate" => &[("into", Shape::Text)],
        "progress" => &[
            ("state", Shape::Text),
            ("priority", Shape::Text),
            ("due", Shape::Optional),
            ("eta", Shape::Optional),
        ],
        "page" => &[
            ("priority", Shape::Text),
            ("proven", Shape::Flag),
            ("arrived", Shape::Text),
            ("second", Shape::Flag),
        ],
        "page_storm" => &[("pages", Shape::Text)],
        "review" => &[
            ("agent", Shape::Text),
            ("ledger", Shape::Text),
            ("subject", Shape::Text),
            ("text", Shape::Text),
            ("grade", Shape::Text),
        ],
        "forward" => &[("subject", Shape::Text), ("text", Shape::Text), ("arrived", Shape::Text)],
        "assigned" => &[("agent", Shape::Text)],
        "status" => &[("state", Shape::Text), ("priority", Shape::Text), ("due", Shape::Optional)],
        "escalation" => &[
            ("level", Shape::Text),
            ("priority", Shape::Text),
            ("missed", Shape::List),
            ("opened", Shape::Text),
        ],
        "held" | "restricted" => &[("arrived", Shape::Text)],
        "answer" => &[("text", Shape::Text), ("agent", Shape::Text), ("eta", Shape::Optional)],
        "resolved" => &[("text", Shape::Optional), ("agent", Shape::Text), ("reopen_days", Shape::Text)],
        "reminder" => &[("closes_at", Shape::Text)],
        "closed" => &[("reopen_until", Shape::Text), ("no_answer", Shape::Flag)],
        "notification" => &[
            ("marker", Shape::Text),
            ("end_marker", Shape::Text),
            ("event", Shape::Text),
            ("text", Shape::Text),
            ("subject", Shape::Text),
            ("priority", Shape::Text),
            ("due", Shape::Optional),
            ("reasons", Shape::List),
            ("attachments", Shape::List),
        ],
        "refusal" => &[("marker", Shape::Text), ("end_marker", Shape::Text), ("why", Shape::Text)],
        _ => &[],
    };
    let ticket = if matches!(notice, "held" | "review") { &[] } else { TICKET };
    COMMON.iter().chain(ticket).chain(own).copied()
}

/// Contexts for `check`: everything set, and everything optional empty.
pub(super) fn samples(notice: &str) -> Vec<Value> {
    let sample = |full: bool| {
        let value = |shape| match shape {
            Shape::Text => Value::from("x"),
            Shape::Optional if full => Value::from("x"),
            Shape::Optional => Value::from(()),
            Shape::Flag => Value::from(full),
            Shape::List => Value::from(if full { vec!["x", "y"] } else { Vec::new() }),
        };
        variables(notice).map(|(name, shape)| (name, value(shape))).collect()
    };
    vec![sample(true), sample(false)]
}

/// The name of the notice's texts.
pub(super) const fn template(notice: &Notice) -> &'static str {
    match notice {
        Notice::Received { restricted: true, .. } => "restricted",
        Notice::Page { .. } => "page",
        other => other.kind(),
    }
}

type Values = Vec<(&'static str, Value)>;

/// In whose words and wall time values are written.
#[derive(Clone, Copy)]
struct Voice<'a> {
    desk: &'a Desk,
    number: Option<TicketNumber>,
    language: Language,
}

impl Voice<'_> {
    fn when(self, at: &Instant) -> Value {
        Value::from(dates::date_time(*at, self.desk.calendar.zone, self.language))
    }
    fn here(self, at: &Instant) -> Value {
        Value::from(dates::date_time_here(*at, self.desk.calendar.zone, self.language))
    }
    fn day(self, day: NaiveDate) -> Value {
        Value::from(dates::day(day, self.language))
    }
    fn priority(self, priority: Priority) -> Value {
        Value::from(priority_word(self.desk, priority, self.language))
    }
}

/// The values of the variables for this notice.
pub(super) fn context(
    notice: &Notice,
    desk: &Desk,
    number: Option<TicketNumber>,
    language: Language,
) -> Value {
    let voice = Voice { desk, number, language };
    let own = if notice.to_customer() { to_customers(notice, voice) } else { to_others(notice, voice) };
    let common = [
        ("desk", Value::from(desk.from_name.as_str())),
        ("phone", optional(desk.after_hours.emergency_phone.as_deref().map(Value::from))),
    ];
    let number = number.map(|number| ("number", Value::from(number.get())));
    common.into_iter().chain(number).chain(own).collect()
}

/// What a customer's text may speak of.
fn to_customers(notice: &Notice, voice: Voice<'_>) -> Values {
    let Voice { desk, language, .. } = voice;
    let when = |at: &Instant| voice.when(at);
    let here = |at: &Instant| voice.here(at);
    let day = |day: &NaiveDate| voice.day(*day);
    let word = |priority| voice.priority(priority);
    match notice {
        Notice::Held { arrived } | Notice::Received { arrived, restricted: true, .. } => {
            vec![("arrived", when(arrived))]
        }
        Notice::Received {
            arrived,
            response_due,
            subject,
            next_opening,
            asks,
            priority,
            resolution_due,
            emergency,
            ..
        } => vec![
            ("arrived", when(arrived)),
            ("response_due", optional(response_due.as_ref().map(here))),
            ("opening", optional(next_opening.as_ref().map(here))),
            ("subject", optional(subject.as_ref().map(|s| Value::from(s.as_str())))),
            ("asks", Value::from(asks.clone())),
            ("priority", word(*priority)),
            ("resolution_due", optional(resolution_due.as_ref().map(here))),
            ("emergency", Value::from(*emergency)),
            // The text stands in a template of its own; see `Templates::with_standard`.
            ("standard", optional(None)),
        ],
        Notice::Duplicate { into } => vec![("into", Value::from(into.get()))],
        Notice::Progress { state, priority, due, eta } => vec![
            ("state", Value::from(state.as_str())),
            ("priority", word(*priority)),
            ("due", optional(due.as_ref().map(when))),
            ("eta", optional(eta.as_ref().map(day))),
        ],
        Notice::Assigned { agent_name } => vec![("agent", Value::from(agent_name.as_str()))],
        Notice::Status { state, priority, due } => vec![
            ("state", Value::from(state.as_str())),
            ("priority", word(*priority)),
            ("due", optional(due.as_ref().map(when))),
        ],
        Notice::Answer { text, agent_name, eta } => vec![
            ("text", Value::from(text.expose())),
            ("agent", Value::from(agent_name.as_str())),
            ("eta", optional(eta.as_ref().map(day))),
        ],
        Notice::Resolved { text, agent_name } => vec![
            ("text", optional(text.as_ref().map(|t: &PublicText| Value::from(t.expose())))),
            ("agent", Value::from(agent_name.as_str())),
            ("reopen_days", Value::from(desk.reopen_days)),
        ],
        Notice::Reminder { closes_at } => vec![("closes_at", when(closes_at))],
        Notice::Closed { reopen_until, no_answer } => {
            let until = dates::date(*reopen_until, desk.calendar.zone, language);
            vec![("reopen_until", Value::from(until)), ("no_answer", Value::from(*no_answer))]
        }
        _ => Vec::new(),
    }
}

/// What texts to agents, contacts and suppliers may speak of.
fn to_others(notice: &Notice, voice: Voice<'_>) -> Values {
    let Voice { number, language, .. } = voice;
    let when = |at: &Instant| voice.when(at);
    let word = |priority| voice.priority(priority);
    match notice {
        Notice::Page { priority, proven, arrived, second } => vec![
            ("priority", word(*priority)),
            ("proven", Value::from(*proven)),
            ("arrived", when(arrived)),
            ("second", Value::from(*second)),
        ],
        Notice::PageStorm { pages } => vec![("pages", Value::from(*pages))],
        Notice::Review { agent, ledger, subject, text, grade } => vec![
            ("agent", Value::from(agent.as_str())),
            ("ledger", Value::from(ledger.to_string())),
            ("subject", Value::from(subject.as_str())),
            ("text", Value::from(text.as_str())),
            ("grade", Value::from(*grade)),
        ],
        Notice::Forward { subject, text, arrived } => vec![
            ("subject", Value::from(subject.as_str())),
            ("text", Value::from(text.as_str())),
            ("arrived", when(arrived)),
        ],
        Notice::Escalation { level, priority, missed, opened_at } => vec![
            ("level", Value::from(level.as_str())),
            ("priority", word(*priority)),
            ("missed", missed.iter().map(|kind| Value::from(promise_word(*kind, language))).collect()),
            ("opened", when(opened_at)),
        ],
        Notice::AgentNotification { event, text, subject, priority, due, reasons, attachments, .. } => vec![
            ("marker", Value::from(MARKER)),
            ("end_marker", Value::from(END_MARKER)),
            ("event", Value::from(*event)),
            ("text", Value::from(text.as_str())),
            ("subject", Value::from(number.map_or(subject.as_str(), |n| bare(subject.as_str(), n)))),
            ("priority", word(*priority)),
            ("due", optional(due.as_ref().map(when))),
            ("reasons", Value::from(reasons.clone())),
            ("attachments", Value::from(attachments.clone())),
        ],
        Notice::AgentRefusal { why, .. } => vec![
            ("marker", Value::from(MARKER)),
            ("end_marker", Value::from(END_MARKER)),
            ("why", Value::from(why.as_str())),
        ],
        _ => Vec::new(),
    }
}

fn optional(value: Option<Value>) -> Value {
    value.unwrap_or_else(|| Value::from(()))
}

/// The subject without what replies put before it, "Re:" in our languages and this ticket's tag: the
/// notification's own subject begins with both.
fn bare(subject: &str, number: TicketNumber) -> &str {
    let tag = format!("[#{number}]");
    let mut rest = subject.trim_start();
    while let Some(shorter) = ["re:", "rv:", "res:", "r:", &tag].iter().find_map(|prefix| {
        let (head, below) = rest.split_at_checked(prefix.len())?;
        head.eq_ignore_ascii_case(prefix).then(|| below.trim_start())
    }) {
        rest = shorter;
    }
    rest
}

/// The desk's own word for a priority, else the language's.
fn priority_word(desk: &Desk, priority: Priority, language: Language) -> String {
    if let Some(word) = desk.words.get(&priority) {
        return word.clone();
    }
    let word = match (language, priority) {
        (Language::En, Priority::Urgent) => "Urgent",
        (Language::En, Priority::High) => "High",
        (Language::En, Priority::Medium) => "Medium",
        (Language::En, Priority::Low) => "Low",
        (_, Priority::Urgent) => "Urgente",
        (_, Priority::High) => "Alta",
        (Language::Pt, Priority::Medium) => "Média",
        (_, Priority::Medium) => "Media",
        (Language::Es, Priority::Low) => "Baja",
        (Language::Pt, Priority::Low) => "Baixa",
        (Language::It, Priority::Low) => "Bassa",
    };
    word.to_owned()
}

/// A promise in the language's words.
const fn promise_word(kind: ClockKind, language: Language) -> &'static str {
    match (language, kind) {
        (Language::En, ClockKind::Response) => "first response",
        (Language::En, ClockKind::Resolution) => "resolution",
        (Language::En, ClockKind::Update) => "update to the customer",
        (Language::Es, ClockKind::Response) => "primera respuesta",
        (Language::Es, ClockKind::Resolution) => "solución",
        (Language::Es, ClockKind::Update) => "información al cliente",
        (Language::Pt, ClockKind::Response) => "primeira resposta",
        (Language::Pt, ClockKind::Resolution) => "solução",
        (Language::Pt, ClockKind::Update) => "retorno ao cliente",
        (Language::It, ClockKind::Response) => "prima risposta",
        (Language::It, ClockKind::Resolution) => "soluzione",
        (Language::It, ClockKind::Update) => "aggiornamento al cliente",
    }
}

#[cfg(test)]
pub(super) fn names_of(context: &Value) -> Vec<String> {
    context.try_iter().map(|names| names.map(|n| n.to_string()).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_freed_of_replies_and_of_its_tag() {
        let number = TicketNumber::new(7).unwrap();
        for (subject, want) in [
            ("Re: [#7] Re: [#7] We have received", "We have received"),
            ("RES: [#7]RV: é", "é"),
            ("[#8] Re: x", "[#8] Re: x"),
            ("Reports", "Reports"),
            ("Re:", ""),
            ("é", "é"),
        ] {
            assert_eq!(bare(subject, number), want);
        }
    }
}
