//! What a help desk did in a period, as figures. Takes tickets one by one and keeps counts and spans
//! only: codes, numbers and times, nobody's words. Groups are codes of the configuration, so that no
//! text of a mail can become the name of a row.

use std::collections::BTreeMap;

use chrono::Timelike as _;

use super::desk::Desk;
use super::directory::Directory;
use super::ids::{Category, DeskName, OrganisationName};
use super::message::Instant;
use super::priority_rules::plain;
use super::ticket::{ClockKind, ClockState, CloseReason, Priority, TicketClock, TicketState};

/// A ticket as a report sees it.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its desk.
    pub desk: DeskName,
    /// The requester's organisation.
    pub organisation: Option<OrganisationName>,
    /// Where it stands.
    pub state: TicketState,
    /// Its priority now.
    pub priority: Priority,
    /// Its kind.
    pub category: Option<Category>,
    /// From history: counted, but nothing was promised.
    pub imported: bool,
    /// Arrival of its first mail.
    pub opened_at: Instant,
    /// The first answer of an agent to the customer.
    pub answered_at: Option<Instant>,
    /// Its promises.
    pub clocks: Vec<TicketClock>,
    /// How often it was opened again.
    pub reopened: u64,
    /// Mails of ours that came back.
    pub bounced: u64,
    /// The redacted subject, and the labelled lines of the first mail: looked through for modules and
    /// clinic ids of the configuration, never shown.
    pub subject: String,
    /// See `subject`.
    pub fields: Vec<(String, String)>,
}

/// Promises of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Kept in time.
    pub met: u64,
    /// Missed.
    pub missed: u64,
}

/// The figures of one row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Tickets opened.
    pub tickets: u64,
    /// With an answer.
    pub answered: u64,
    /// First responses against their targets.
    pub response: Kept,
    /// Resolved or closed, merged ones left out.
    pub resolved: u64,
    /// Resolutions against their targets.
    pub resolution: Kept,
    /// Tickets that were opened again.
    pub reopened: u64,
    /// Closed because nobody answered.
    pub auto_closed: u64,
    /// Tickets of which a mail of ours came back.
    pub bounced: u64,
    response_s: Vec<u32>,
    resolution_s: Vec<u32>,
}

/// What the tickets of a desk are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// All of them.
    All,
    /// By category.
    Kind,
    /// By priority.
    Priority,
    /// By module of the product.
    Module,
    /// By the requester's organisation.
    Clinic,
    /// By the organisation above it.
    Reseller,
    /// By local hour of arrival.
    Hour,
}

impl Section {
    /// Every section, in the order of the report.
    pub const ALL: [Self; 7] =
        [Self::All, Self::Kind, Self::Priority, Self::Module, Self::Clinic, Self::Reseller, Self::Hour];
    /// The word of the output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Kind => "kind",
            Self::Priority => "priority",
            Self::Module => "module",
            Self::Clinic => "clinic",
            Self::Reseller => "reseller",
            Self::Hour => "hour",
        }
    }
}

/// Tickets whose group is not known.
pub const OTHER: &str = "-";

/// The rows of one desk, by section and name.
pub type Rows = BTreeMap<(Section, String), Figures>;

impl Figures {
    /// Counts one ticket.
    pub fn add(&mut self, case: &Case) {
        self.tickets += 1;
        self.reopened += u64::from(case.reopened > 0);
        self.bounced += u64::from(case.bounced > 0);
        for clock in &case.clocks {
            let kept = match clock.kind {
                ClockKind::Response => &mut self.response,
                ClockKind::Resolution => &mut self.resolution,
                ClockKind::Update => continue,
            };
            match clock.state {
                ClockState::Met { .. } => kept.met += 1,
                ClockState::Missed { .. } => kept.missed += 1,
                ClockState::Running { .. } | ClockState::Paused { .. } => {}
            }
        }
        if case.imported {
            return;
        }
        let seconds = |until: Instant| u32::try_from((until - case.opened_at).num_seconds().max(0));
        if let Some(at) = case.answered_at {
            self.answered += 1;
            self.response_s.push(seconds(at).unwrap_or(u32::MAX));
        }
        let ended = match case.state {
            TicketState::Closed { reason: CloseReason::Merged, .. } => None,
            TicketState::Closed { at, reason } => {
                self.auto_closed += u64::from(reason == CloseReason::NoAnswer);
                Some(at)
            }
            TicketState::Resolved { at } => Some(at),
            _ => None,
        };
        if let Some(at) = ended {
            self.resolved += 1;
            self.resolution_s.push(seconds(at).unwrap_or(u32::MAX));
        }
    }
    /// Elapsed seconds within which so many percent of the answered tickets had their first answer.
    pub fn response_s(&self, percent: usize) -> Option<u32> {
        percentile(&self.response_s, percent)
    }
    /// The same until tickets were resolved or closed.
    pub fn resolution_s(&self, percent: usize) -> Option<u32> {
        percentile(&self.resolution_s, percent)
    }
}

/// Nearest rank: the smallest value that at least so many percent of all do not exceed.
fn percentile(values: &[u32], percent: usize) -> Option<u32> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// Counts one ticket in every row of its desk that it belongs to.
pub fn count(rows: &mut Rows, case: &Case, desk: &Desk, directory: &Directory) {
    let clinic = clinic(case, directory);
    let parent = clinic.and_then(|name| directory.organisations.get(name)?.parent.as_ref());
    let hour = case.opened_at.with_timezone(&desk.calendar.zone).hour();
    for section in Section::ALL {
        let name = match section {
            Section::All => Some(desk.name.to_string()),
            Section::Kind => case.category.as_ref().map(ToString::to_string),
            Section::Priority => Some(case.priority.as_str().to_owned()),
            Section::Module => module(case, desk).map(str::to_owned),
            Section::Clinic => clinic.map(ToString::to_string),
            Section::Reseller => parent.map(ToString::to_string),
            Section::Hour => Some(format!("{hour:02}")),
        };
        let name = name.unwrap_or_else(|| OTHER.to_owned());
        rows.entry((section, name)).or_default().add(case);
    }
}

/// The organisation of the clinic id that the mail names, if the directory has it; else the requester's.
fn clinic<'a>(case: &'a Case, directory: &'a Directory) -> Option<&'a OrganisationName> {
    let named = case.fields.iter().filter(|(field, _)| matches!(field.as_str(), "clinic_base" | "instance"));
    let mut ids = named.map(|(_, value)| value.trim());
    let by_id = ids.find_map(|id| {
        let owner = directory.organisations.iter().find(|(_, org)| org.instances.iter().any(|own| own == id));
        owner.map(|(name, _)| name)
    });
    by_id.or(case.organisation.as_ref())
}

/// The module that the mail's own line names, else the one its subject speaks of.
fn module<'a>(case: &Case, desk: &'a Desk) -> Option<&'a str> {
    let named = case.fields.iter().filter(|(field, _)| field == "module").map(|(_, value)| value.as_str());
    named.chain([case.subject.as_str()]).find_map(|text| {
        let text = format!(" {} ", plain(text));
        let said = |words: &[String]| words.iter().any(|word| text.contains(&format!(" {word} ")));
        desk.modules.iter().find(|(_, words)| said(words)).map(|(code, _)| code.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::EmailAddress;
    use crate::domain::calendar::Calendar;
    use crate::domain::directory::Organisation;
    use std::sync::Arc;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn desk() -> Desk {
        let calendar = Calendar {
            name: "test".into(),
            zone: chrono_tz::America::Sao_Paulo,
            weekly: BTreeMap::new(),
            holidays: std::collections::BTreeSet::new(),
            years: (2026, 2026),
        };
        let address = EmailAddress::parse("help@desk.example").unwrap();
        let mut desk = Desk::new(DeskName::parse("unimed").unwrap(), address, Arc::new(calendar));
        desk.modules = vec![("agenda".to_owned(), vec!["agenda".to_owned(), "horarios".to_owned()])];
        desk
    }

    fn case(state: TicketState) -> Case {
        Case {
            desk: DeskName::parse("unimed").unwrap(),
            organisation: None,
            state,
            priority: Priority::Medium,
            category: None,
            imported: false,
            opened_at: at("2026-02-03T02:30:00Z"),
            answered_at: None,
            clocks: Vec::new(),
            reopened: 0,
            bounced: 0,
            subject: String::new(),
            fields: Vec::new(),
        }
    }

    #[test]
    fn percentiles_by_nearest_rank() {
        let cases: [(&[u32], usize, Option<u32>); 7] = [
            (&[], 50, None),
            (&[7], 90, Some(7)),
            (&[4, 1, 3, 2], 50, Some(2)),
            (&[1, 2, 3, 4], 90, Some(4)),
            (&[1, 2, 3, 4], 1, Some(1)),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 90, Some(9)),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 95, Some(10)),
        ];
        for (values, percent, want) in cases {
            assert_eq!(percentile(values, percent), want, "{values:?} {percent}");
        }
    }

    #[test]
    fn desks_unimed_figures_by_module_clinic_and_reseller() {
        let name = |text: &str| OrganisationName::parse(text).unwrap();
        let mut directory = Directory::default();
        let org = |parent: Option<&str>, id: &str| Organisation {
            parent: parent.map(name),
            domains: Vec::new(),
            instances: vec![id.to_owned()],
        };
        directory.organisations.insert(name("federacao"), org(None, "12"));
        directory.organisations.insert(name("azul"), org(Some("federacao"), "1042"));
        let desk = desk();
        let mut rows = Rows::new();
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let by_id = Case {
            fields: vec![field("clinic_base", " 1042"), field("module", "Horários do médico")],
            ..case(TicketState::Open)
        };
        let by_sender = Case {
            organisation: Some(name("azul")),
            subject: "Agenda: nada abre".into(),
            ..case(TicketState::Closed { at: at("2026-02-05T02:30:00Z"), reason: CloseReason::NoAnswer })
        };
        // What nobody configured names no row, whoever wrote it.
        let stranger = Case {
            fields: vec![field("clinic_base", "Maria Silva"), field("module", "Maria Silva")],
            answered_at: Some(at("2026-02-03T03:00:00Z")),
            clocks: vec![TicketClock::new(
                ClockKind::Response,
                ClockState::Met { at: at("2026-02-03T03:00:00Z") },
            )],
            ..case(TicketState::Closed { at: at("2026-02-04T02:30:00Z"), reason: CloseReason::Merged })
        };
        for case in [&by_id, &by_sender, &stranger] {
            count(&mut rows, case, &desk, &directory);
        }
        let tickets = |section, name: &str| rows.get(&(section, name.to_owned())).map_or(0, |f| f.tickets);
        let cases = [
            (Section::All, "unimed", 3),
            (Section::Module, "agenda", 2),
            (Section::Module, OTHER, 1),
            (Section::Clinic, "azul", 2),
            (Section::Clinic, OTHER, 1),
            (Section::Reseller, "federacao", 2),
            (Section::Hour, "23", 3),
            (Section::Kind, OTHER, 3),
        ];
        for (section, name, want) in cases {
            assert_eq!(tickets(section, name), want, "{section:?} {name}");
        }
        assert!(rows.keys().all(|(_, name)| !name.contains("Maria")), "{:?}", rows.keys());
        let all = &rows[&(Section::All, "unimed".to_owned())];
        assert_eq!((all.answered, all.resolved, all.auto_closed), (1, 1, 1), "merged is not resolved");
        assert_eq!((all.response.met, all.response.missed), (1, 0));
        assert_eq!((all.response_s(50), all.resolution_s(90)), (Some(1800), Some(2 * 86_400)));
    }
}
