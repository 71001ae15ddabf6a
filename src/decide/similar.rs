//! Which tickets may be about the same incident: the same organisation wrote much the same words
//! lately, about the same module. Takes redacted texts, gives proposals for agents; never joins.

use std::collections::BTreeSet;

use crate::domain::desk::Duplicates;
use crate::domain::effect::{Reason, Related};
use crate::domain::facts::RecentTicket;
use crate::domain::priority_rules::plain;

/// The field that names a module.
pub const MODULE: &str = "module";

/// Proposals at most, the likeliest first.
const MOST: usize = 3;
/// A text of fewer words is like too many others.
const LEAST: usize = 5;
/// Letters that stay of a word: its endings differ from one writer to the next.
const STEM: usize = 6;
/// Greetings and particles say nothing of an incident.
const COMMON: &[&str] = &[
    "hello", "dear", "look", "matter", "ticket", "number", "problem", "issue", "urgent", "good", "morning",
    "thank", "thanks", "pleas", "please", "regard", "from", "with", "this", "that", "have", "been", "when",
    "since", "there", "your", "they", "hola", "buenos", "buenas", "saludo", "gracia", "favor", "desde",
    "para", "como", "esta", "este", "cuando", "porque", "ciao", "salve", "grazie", "buongi", "cordia",
    "saluti", "sono", "della", "dalle", "quando", "perche", "bom", "boa", "tarde", "obriga", "atenci",
    "voces", "estou", "estamo", "name",
];

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// Redacted subject.
    pub subject: &'a str,
    /// Redacted visible text.
    pub text: &'a str,
    /// The module that the mail names.
    pub module: Option<&'a str>,
}

/// The tickets that this one may repeat.
pub fn similar(report: Report<'_>, recent: &[RecentTicket], rule: Duplicates) -> Vec<Related> {
    let words = stems(report.subject, report.text);
    if words.len() < LEAST {
        return Vec::new();
    }
    let mut found: Vec<(u8, &RecentTicket)> = recent
        .iter()
        .filter_map(|other| {
            let likeness = likeness(&words, &stems(other.subject.as_str(), other.text.as_str()));
            let wanted = match (report.module, other.module.as_deref()) {
                (Some(a), Some(b)) if plain(a) == plain(b) => rule.likeness / 2,
                (Some(_), Some(_)) => return None,
                _ => rule.likeness,
            };
            (likeness >= wanted).then_some((likeness, other))
        })
        .collect();
    found.sort_by_key(|(likeness, other)| (std::cmp::Reverse(*likeness), other.ticket.number));
    let proposal = |(likeness, other): (u8, &RecentTicket)| Related {
        ticket: other.ticket.id,
        reason: Reason::with("similar", format!("[#{}] {likeness} %", other.ticket.number)),
    };
    found.into_iter().take(MOST).map(proposal).collect()
}

/// Shared words of all words (Jaccard), in percent.
fn likeness(a: &BTreeSet<String>, b: &BTreeSet<String>) -> u8 {
    let (shared, all) = (a.intersection(b).count(), a.union(b).count());
    u8::try_from((shared * 100).checked_div(all).unwrap_or(0)).unwrap_or(100)
}

fn stems(subject: &str, text: &str) -> BTreeSet<String> {
    let whole = format!("{} {}", plain(subject), plain(text));
    let stem = |word: &str| word.chars().take(STEM).collect::<String>();
    let words = whole.split(' ').filter(|word| word.len() > 3 || word.chars().any(|c| c.is_ascii_digit()));
    words.map(stem).filter(|word| !COMMON.iter().any(|common| word.starts_with(common))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::facts::TicketRef;
    use crate::domain::ids::{TicketId, TicketNumber};
    use crate::phi;

    const RULE: Duplicates = Duplicates { window: chrono::Duration::hours(72), likeness: 30 };

    fn recent(number: i64, subject: &str, text: &str, module: Option<&str>) -> RecentTicket {
        let id = TicketId::new(uuid::Uuid::from_u128(u128::try_from(number).unwrap()));
        RecentTicket {
            ticket: TicketRef { id, number: TicketNumber::new(number).unwrap() },
            module: module.map(str::to_owned),
            subject: phi::no_customer_text(subject),
            text: phi::no_customer_text(text),
        }
    }

    #[test]
    fn tuotempo_one_ticket_per_incident_the_same_words_are_found_and_others_not() {
        let open = [
            recent(
                1,
                "Booking page shows an error",
                "Patients cannot confirm appointments, error 502.",
                None,
            ),
            recent(2, "New logo", "We would like to replace the logo of the portal next month.", None),
        ];
        let rows = [
            (
                "Error on the booking page",
                "Our patients can't confirm an appointment: error 502 again.",
                "[#1]",
            ),
            (
                "Errore 502",
                "Appointments: the booking page shows error 502, patients cannot confirm.",
                "[#1]",
            ),
            ("Logo", "The logo of the portal should be replaced next month.", "[#2]"),
            ("Good morning", "Please have a look at this matter, it is urgent.", ""),
            ("Invoice", "Where do we find the invoice of the last quarter?", ""),
            ("Booking", "Please", ""),
            ("", "", ""),
        ];
        for (subject, text, want) in rows {
            let found = similar(Report { subject, text, module: None }, &open, RULE);
            let said = found.iter().filter_map(|r| r.reason.detail.as_ref()?.split(' ').next());
            assert_eq!(said.collect::<Vec<_>>().join(" "), want, "{subject} {text}: {found:?}");
        }
    }

    #[test]
    fn tuotempo_one_ticket_per_incident_another_module_is_another_incident() {
        let text = "Saving the form ends with a blank screen";
        let open = [recent(1, "Blank screen", text, Some("Agenda"))];
        let found = |module, text| similar(Report { subject: "Screen", text, module }, &open, RULE).len();
        assert_eq!(found(Some("agenda"), text), 1);
        assert_eq!(found(Some("Billing"), text), 0);
        assert_eq!(found(None, text), 1);
        let half = "The form shows only a blank window after the update of today";
        assert_eq!(
            (found(None, half), found(Some("Agenda"), half)),
            (0, 1),
            "the same module suffices with less"
        );
    }
}
