//! A desk as its configuration says: the rules a decision may read. Plain data; `config/` makes it,
//! nobody changes it while it is in use.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::Duration;

use super::address::EmailAddress;
use super::calendar::Calendar;
use super::custody::Custody;
use super::directory::Directory;
use super::ids::{AgentName, Category, DeskName};
use super::message::Language;
use super::priority_rules::PriorityRules;
pub use super::span::Span;
use super::ticket::{ClockKind, Priority};

/// Support answers customers; a breach desk keeps everything, restricted, and never closes by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeskClass {
    /// Ordinary help desk.
    Support,
    /// Takes reports of breaches of PHI.
    Breach,
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
    /// Every span that is promised.
    pub fn spans(&self) -> impl Iterator<Item = Span> + use<> {
        [self.response, self.resolution, self.update].into_iter().flatten()
    }
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

/// When the clocks of a desk begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClockStart {
    /// With the arrival of the mail.
    #[default]
    Arrival,
    /// Resolution and updates with the first acknowledgment that SMTP accepted; response with arrival.
    Acknowledged,
}

/// Who may open a ticket; mail of others is held for review and answered with a polite notice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Submitters {
    /// Anyone who writes.
    #[default]
    Anyone,
    /// Contacts of the directory with one of these roles.
    Roles(Vec<String>),
}

impl Submitters {
    /// True when this sender may open a ticket.
    pub fn admit(&self, directory: &Directory, sender: &EmailAddress) -> bool {
        match self {
            Self::Anyone => true,
            Self::Roles(roles) => directory
                .contact(sender)
                .is_some_and(|contact| contact.roles.iter().any(|role| roles.contains(role))),
        }
    }
}

/// One level of escalation; contacts accumulate from the lowest level up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EscalationLevel {
    /// 1 is the lowest.
    pub level: u8,
    /// The desk's word for it.
    pub name: String,
    /// Tickets of this priority begin here; `None`: reached only from below.
    pub priority: Option<Priority>,
    /// Told when the level below missed its time, with everyone below.
    pub contacts: Vec<EmailAddress>,
}

/// What a missed target leads to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Escalation {
    /// Shares of a target, in percent, at which the agents are warned.
    pub warn_at: Vec<u8>,
    /// A missed target raises the priority one step.
    pub raise: bool,
    /// Sorted by level, no gaps.
    pub levels: Vec<EscalationLevel>,
}

impl Escalation {
    /// Everyone who is told when `level` is reached.
    pub fn contacts(&self, level: u8) -> impl Iterator<Item = &EmailAddress> {
        self.levels.iter().filter(move |l| l.level <= level).flat_map(|l| &l.contacts)
    }
    /// The level at which a ticket of this priority begins; the lowest where none is named.
    pub fn entry(&self, priority: Priority) -> Option<u8> {
        let named = self.levels.iter().find(|l| l.priority == Some(priority));
        named.or_else(|| self.levels.first()).map(|l| l.level)
    }
}

/// A fact the desk needs; a mail without it is asked for it by name in the acknowledgment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The name of the field (see [`Desk::fields`]).
    pub field: String,
    /// Only for these kinds of request; empty for all.
    pub categories: Vec<Category>,
    /// What it is called in mail to the customer.
    pub labels: BTreeMap<Language, String>,
}

/// When reports of one organisation are proposed as the same incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duplicates {
    /// How far back tickets are compared.
    pub window: Duration,
    /// From this likeness on, in percent.
    pub likeness: u8,
}

/// A kind of request that the desk answers with a text of its own, or passes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandardAnswer {
    /// For this kind of request...
    pub category: Option<Category>,
    /// ...or where this rule gave its priority (see `Prioritised::rules`).
    pub rule: Option<String>,
    /// The name of the template.
    pub template: String,
    /// A supplier of the directory who takes it over.
    pub forward_to: Option<EmailAddress>,
}

/// A notice that a desk may switch on or off.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum CustomerNotice {
    /// A person works on the ticket.
    Assigned,
    /// Progress, at the cadence of the target.
    Progress,
    /// The ticket is held for solved.
    Resolved,
    /// The ticket closes soon without an answer.
    Reminder,
    /// The ticket was closed.
    Closed,
    /// A reply opened the ticket again.
    Reopened,
    /// Answers to `#status`.
    Status,
    /// The ticket was merged into another one.
    Duplicate,
}

/// What redaction does with diagnoses, drugs and their codes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ClinicalWords {
    /// They stay.
    Off,
    /// They go where something that identifies a person stands within two lines.
    #[default]
    #[serde(rename = "near-identifier")]
    Near,
    /// They go wherever they stand.
    Always,
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
    /// When its clocks begin.
    pub clock_start: ClockStart,
    /// Who may open a ticket.
    pub submitters: Submitters,
    /// What a missed target leads to.
    pub escalation: Escalation,
    /// Paged at once by words of an emergency outside hours.
    pub on_call: Vec<EmailAddress>,
    /// Paged when that failed; when empty, the agents are.
    pub on_call_second: Vec<EmailAddress>,
    /// When reports are proposed as the same incident; `None`: never.
    pub duplicates: Option<Duplicates>,
    /// Pages an hour; one more says that there is a storm, the rest waits.
    pub pages_per_hour: u32,
    /// Kinds of request whose first answer owes an estimated resolution time.
    pub eta: Vec<Category>,
    /// Facts that a mail must hold.
    pub asks: Vec<Ask>,
    /// Kinds of request with an answer of their own.
    pub answers: Vec<StandardAnswer>,
    /// Modules of the product: code and the plain words by which mail names it.
    pub modules: Vec<(String, Vec<String>)>,
    /// Notices to customers besides the acknowledgment.
    pub notices: BTreeSet<CustomerNotice>,
    /// What redaction does with diagnoses, drugs and their codes.
    pub clinical: ClinicalWords,
    /// How what people wrote is kept and opened.
    pub custody: Custody,
}

impl Desk {
    /// A support desk with nothing but a name, an address and hours: no promises, no rules, English,
    /// no auto-close, replies reopen for 14 days.
    pub fn new(name: DeskName, address: EmailAddress, calendar: Arc<Calendar>) -> Self {
        Self {
            from_name: name.to_string(),
            name,
            class: DeskClass::Support,
            address,
            aliases: Vec::new(),
            languages: vec![Language::En],
            calendar,
            words: BTreeMap::new(),
            categories: Vec::new(),
            rules: Arc::default(),
            targets: BTreeMap::new(),
            autoclose: None,
            after_hours: AfterHours::default(),
            reopen_days: 14,
            echo_subject: false,
            own_lists: Vec::new(),
            fields: Vec::new(),
            agents: Vec::new(),
            templates: None,
            clock_start: ClockStart::Arrival,
            submitters: Submitters::Anyone,
            escalation: Escalation::default(),
            on_call: Vec::new(),
            on_call_second: Vec::new(),
            duplicates: Some(Duplicates { window: Duration::hours(72), likeness: 30 }),
            pages_per_hour: 6,
            eta: Vec::new(),
            asks: Vec::new(),
            answers: Vec::new(),
            modules: Vec::new(),
            notices: [CustomerNotice::Resolved, CustomerNotice::Reminder, CustomerNotice::Closed].into(),
            clinical: ClinicalWords::Near,
            custody: Custody::default(),
        }
    }
    /// True when the desk promises something and every promise counts nights and weekends: hours
    /// then mean nothing to its customers.
    pub fn elapsed_only(&self) -> bool {
        let mut spans = self.targets.values().flat_map(Target::spans).peekable();
        spans.peek().is_some() && spans.all(|span| matches!(span, Span::Elapsed(_)))
    }
    /// The promises that hold for a ticket: its type's, else its priority's.
    pub fn target(&self, priority: Priority, category: Option<&Category>) -> Target {
        category
            .and_then(|c| self.targets.get(&TargetFor::Type(c.clone())))
            .or_else(|| self.targets.get(&TargetFor::Priority(priority)))
            .copied()
            .unwrap_or_default()
    }
    /// True when customers get this notice.
    pub fn tells(&self, notice: CustomerNotice) -> bool {
        self.notices.contains(&notice)
    }
    /// What a field is called in mail to customers: as the desk says for the language, else the first
    /// label of its lines, else the field's own name.
    pub fn label<'a>(&'a self, ask: &'a Ask, language: Language) -> &'a str {
        let line = || self.fields.iter().find(|(_, field)| *field == ask.field).map(|(label, _)| label);
        ask.labels.get(&language).or_else(line).unwrap_or(&ask.field)
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
