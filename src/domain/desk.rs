//! A desk as its configuration says: the rules a decision may read. Plain data; `config/` makes it,
//! nobody changes it while it is in use.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::Duration;

use super::address::EmailAddress;
use super::calendar::Calendar;
use super::ids::{AgentName, Category, DeskName};
use super::message::Language;
use super::priority_rules::PriorityRules;
use super::ticket::{ClockKind, Priority};

/// Support answers customers; a breach desk keeps everything, restricted, and never closes by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeskClass {
    /// Ordinary help desk.
    Support,
    /// Takes reports of breaches of PHI.
    Breach,
}

/// A promised time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Nights, weekends and holidays count.
    Elapsed(Duration),
    /// Only the calendar's open intervals count.
    Business(Duration),
}

/// What a target is for: a priority, or a request type (a category's code).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TargetFor {
    /// Tickets of this priority without a target of their own type.
    Priority(Priority),
    /// Tickets of this category, whatever their priority.
    Type(Category),
}

/// The promises of one priority or type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Target {
    /// Until the first response.
    pub response: Option<Span>,
    /// Until the resolution.
    pub resolution: Option<Span>,
    /// Between updates to the customer.
    pub update: Option<Span>,
}

impl Target {
    /// The span promised for a kind of clock.
    pub const fn span(&self, kind: ClockKind) -> Option<Span> {
        match kind {
            ClockKind::Response => self.response,
            ClockKind::Resolution => self.resolution,
            ClockKind::Update => self.update,
        }
    }
}

/// When silence closes a ticket (L32).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Autoclose {
    /// How long the customer may be silent after an answer was delivered.
    pub after: Span,
    /// How long before the close the reminder goes.
    pub reminder_before: Duration,
    /// Close only while the desk is open (the default); otherwise at the deadline itself.
    pub at_opening: bool,
}

/// What mail outside business hours means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AfterHours {
    /// Until the next opening no ticket counts for more than this.
    pub cap: Option<Priority>,
    /// Computed priorities that the cap does not lower.
    pub except: Vec<Priority>,
    /// Told to customers who write of an emergency.
    pub emergency_phone: Option<String>,
}

/// A desk.
#[derive(Debug, Clone)]
pub struct Desk {
    /// Its name in configuration and store.
    pub name: DeskName,
    /// Support or breach.
    pub class: DeskClass,
    /// The address customers write to; also the base of Reply-To.
    pub address: EmailAddress,
    /// Further addresses of the desk.
    pub aliases: Vec<EmailAddress>,
    /// The display name of its mail.
    pub from_name: String,
    /// The languages it writes; the first is its default.
    pub languages: Vec<Language>,
    /// Business hours and zone.
    pub calendar: Arc<Calendar>,
    /// The desk's own words for the priorities.
    pub words: BTreeMap<Priority, String>,
    /// Its codes for kinds of request; the first is the default.
    pub categories: Vec<Category>,
    /// Rules that give priority and category.
    pub rules: Arc<PriorityRules>,
    /// Its promises.
    pub targets: BTreeMap<TargetFor, Target>,
    /// The 48-hour rule; `None`: tickets stay until an agent ends them.
    pub autoclose: Option<Autoclose>,
    /// Outside business hours.
    pub after_hours: AfterHours,
    /// Days within which a reply reopens an ended ticket; later it opens a follow-up.
    pub reopen_days: u32,
    /// May the redacted subject stand in an acknowledgment to a DMARC-proven sender?
    pub echo_subject: bool,
    /// List-Ids of the desk's own address when it is a list (L14).
    pub own_lists: Vec<String>,
    /// Labels of the lines to lift out of the body: label (as written) to field name.
    pub fields: Vec<(String, String)>,
    /// Agents told of new tickets.
    pub agents: Vec<AgentName>,
    /// Directory of overriding templates, empty for the built-in ones.
    pub templates: Option<std::path::PathBuf>,
}

impl Desk {
    /// The promises that hold for a ticket: its type's, else its priority's.
    pub fn target(&self, priority: Priority, category: Option<&Category>) -> Target {
        category
            .and_then(|c| self.targets.get(&TargetFor::Type(c.clone())))
            .or_else(|| self.targets.get(&TargetFor::Priority(priority)))
            .copied()
            .unwrap_or_default()
    }
    /// The language to write in: the customer's where the desk writes it, else the desk's first.
    pub fn language(&self, customer: Option<Language>) -> Language {
        let default = self.languages.first().copied().unwrap_or(Language::En);
        customer.filter(|l| self.languages.contains(l)).unwrap_or(default)
    }
    /// True when the address is the desk's own, with or without a sub-address.
    pub fn owns(&self, address: &EmailAddress) -> bool {
        let identity = address.identity();
        let bare = address.without_detail('+').identity();
        std::iter::once(&self.address)
            .chain(&self.aliases)
            .any(|own| own.identity() == identity || own.identity() == bare)
    }
}
