//! A desk file as it is written; doc lines are the help of `check` and the schema's descriptions.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::custody::NeverKind;
use crate::domain::desk::{ClinicalWords, CustomerNotice};
use crate::domain::ticket::Priority;

/// `desks/NAME.toml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct DeskFile {
    /// The desk's name: lower-case letters, digits, `-`, `_`
    pub name: String,
    /// `support`, or `breach`: takes everything, restricted, never closes by time
    pub class: Option<ClassWord>,
    /// The address customers write to
    pub address: String,
    /// Further addresses of the desk
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The display name of its mail
    pub from_name: String,
    /// The languages it writes, the default first: `en`, `es`, `pt`, `it`
    pub languages: Vec<String>,
    /// Business hours: the name of a calendar file, or a table with `holidays`, `zone`, `hours`
    pub calendar: CalendarEntry,
    /// Codes for kinds of request, the default first
    #[serde(default)]
    pub categories: Vec<String>,
    /// Agents told of new tickets; when absent, every agent of the directory with this desk
    pub agents: Option<Vec<String>>,
    /// Days within which a reply reopens an ended ticket; 14
    pub reopen_days: Option<u32>,
    /// May the redacted subject stand in an acknowledgment to a proven sender?
    #[serde(default)]
    pub echo_subject: bool,
    /// List-Ids of the desk's own address when it is a list
    #[serde(default)]
    pub own_lists: Vec<String>,
    /// When resolution and update clocks begin: `arrival` or `acknowledged`
    pub clock_start: Option<ClockStartWord>,
    /// Roles of contacts who may open a ticket; when absent, anyone
    pub submitters: Option<Vec<String>>,
    /// Categories whose first answer owes an estimated resolution time (`#eta DATE`)
    #[serde(default)]
    pub eta: Vec<String>,
    /// Notices to customers besides the acknowledgment; when absent `resolved`, `reminder`, `closed`
    pub notices: Option<Vec<CustomerNotice>>,
    /// Diagnoses, drugs and their codes are redacted `near-identifier` (a person stands within two lines; the default), `always` or `off`
    pub clinical: Option<ClinicalWords>,
    /// A directory of templates that override the others
    pub templates: Option<PathBuf>,
    /// When reports of one organisation are proposed to agents as the same incident
    pub duplicates: Option<DuplicatesTable>,
    /// The desk's own words for the priorities
    #[serde(default)]
    pub words: BTreeMap<Priority, String>,
    /// Labels of lines to lift out of the body: label to field name
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// Modules of the product, as reports count them: code to the words by which mail names it
    #[serde(default)]
    pub modules: BTreeMap<String, Vec<String>>,
    /// Facts that a mail must hold
    #[serde(default)]
    pub ask: Vec<AskTable>,
    /// Kinds of request with an answer of their own
    #[serde(default)]
    pub answer: Vec<AnswerTable>,
    /// Promises
    #[serde(default)]
    pub target: Vec<TargetTable>,
    /// Priority and category without any rule, and priorities that senders state
    #[serde(default)]
    pub priority: PriorityTable,
    /// Concepts of this desk alone
    #[serde(default)]
    pub concept: Vec<ConceptTable>,
    /// Rules that give priority and category
    #[serde(default)]
    pub rule: Vec<RuleTable>,
    /// Outside business hours
    #[serde(default)]
    pub after_hours: AfterHoursTable,
    /// When silence closes a ticket; when absent, never
    pub autoclose: Option<AutocloseTable>,
    /// Attachments in mail to agents
    #[serde(default)]
    pub attachments: AttachmentsTable,
    /// How sealed originals are opened
    #[serde(default)]
    pub reveal: RevealTable,
    /// How long originals and tickets are kept
    #[serde(default)]
    pub retention: RetentionTable,
    /// What a missed target leads to
    #[serde(default)]
    pub escalation: EscalationTable,
}

/// When two reports may be one incident.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct DuplicatesTable {
    /// How far back tickets are compared, `"72h"`; `"0h"` switches proposals off
    pub window: Option<String>,
    /// From this share of common words on, in percent; 30
    #[schemars(range(min = 1, max = 100))]
    pub likeness: Option<u8>,
}

/// Kinds of desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClassWord {
    Support,
    Breach,
}

/// When clocks begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClockStartWord {
    Arrival,
    Acknowledged,
}

/// A calendar by name or by its parts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CalendarEntry {
    Name(String),
    Parts(CalendarParts),
}

/// A desk's own hours over the holidays of calendar files.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct CalendarParts {
    /// Calendar files whose holidays are closed; the first also gives zone and hours where absent here
    pub holidays: Vec<String>,
    /// IANA zone, for example `America/Bogota`
    pub zone: Option<String>,
    /// Open intervals: `{ mon-fri = ["08:00-18:00"] }`
    pub hours: Option<BTreeMap<String, Vec<String>>>,
    /// Further closed dates: `["2026-12-24"]`
    #[serde(default)]
    pub closed: Vec<String>,
    /// iCalendar files whose whole-day events are closed too; relative to this file
    #[serde(default)]
    pub import: Vec<PathBuf>,
    /// Dates that are open although a calendar file closes them
    #[serde(default)]
    pub open: Vec<String>,
}

/// A fact that is asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AskTable {
    /// The field's name, one of `[fields]`
    pub field: String,
    /// Only for these categories; empty for all
    #[serde(default)]
    pub categories: Vec<String>,
    /// What it is called in mail to customers, by language: one of the labels of `[fields]`
    #[serde(default)]
    pub label: BTreeMap<String, String>,
}

/// A standard answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AnswerTable {
    /// For this category
    pub category: Option<String>,
    /// Or for mail for which this rule held
    pub rule: Option<String>,
    /// The name of the template
    pub template: String,
    /// An address or a supplier of the directory who takes it over
    pub forward_to: Option<String>,
}

/// A promise.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TargetTable {
    /// For tickets of this priority
    pub priority: Option<Priority>,
    /// Or for tickets of this category, whatever their priority
    #[serde(rename = "type")]
    pub category: Option<String>,
    /// Until the first response: `"8h business"`, `"1h elapsed"`
    pub response: Option<String>,
    /// Until the resolution
    pub resolution: Option<String>,
    /// Between updates to the customer
    pub update: Option<String>,
}

/// Priority without rules.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PriorityTable {
    /// Without any rule; `medium` when absent
    pub default: Option<Priority>,
    /// Without any rule; the first of `categories` when absent
    pub default_category: Option<String>,
    /// How priorities that senders state are weighed; when absent, not at all
    pub declared: Option<DeclaredTable>,
}

/// Bounds of advice.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct DeclaredTable {
    /// Labels before the word: `["priority", "priorità"]`
    pub labels: Vec<String>,
    /// Words for the priorities besides the common scale and the desk's own
    #[serde(default)]
    pub words: BTreeMap<String, Priority>,
    /// Steps by which it may raise what the content says; 1
    pub up: Option<u8>,
    /// Steps by which it may lower what the content says; 1
    pub down: Option<u8>,
    /// Alone it never leads higher; `high`
    pub most: Option<Priority>,
}

/// A meaning and the ways to say it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ConceptTable {
    /// Its name; entries of one name add up
    pub name: String,
    /// Phrases, each enough; a word that ends in `*` stands for all that begin so
    #[serde(default)]
    pub any: Vec<String>,
    /// Groups of phrases, of which one each must stand near the others in one sentence; `@name` is a list of `[lists]`
    #[serde(default)]
    pub all: Vec<Vec<String>>,
    /// With `all`: the groups stand at most this many words apart; 6
    pub near: Option<usize>,
    /// With `all`: the first group is what the sentence is about, so that it does not count behind a preposition
    #[serde(default)]
    pub subject: bool,
    /// What else stands in the same sentence was not said: "what if"
    #[serde(default)]
    pub veils: bool,
    /// What lies within its phrases was not said: "nobody" in "nobody else"
    #[serde(default)]
    pub covers: bool,
}

/// A rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RuleTable {
    /// Stands in the audit trail
    pub id: String,
    /// Why, in words that agents read
    pub says: String,
    /// Concepts, all of which must be said
    #[serde(default)]
    pub when: Vec<String>,
    /// Concepts, none of which may be said
    #[serde(default)]
    pub unless: Vec<String>,
    /// Phrases of the rule's own, one of which must be said
    #[serde(default)]
    pub any: Vec<String>,
    /// More than this share of users in percent is named
    #[schemars(range(max = 100))]
    pub users_over_percent: Option<u8>,
    /// At most this share of users in percent is named
    #[schemars(range(max = 100))]
    pub users_up_to_percent: Option<u8>,
    /// In percent; rules of one priority add up, 100 (the default) suffices
    pub weight: Option<u32>,
    /// The priority it gives
    pub priority: Option<Priority>,
    /// The category it gives
    pub category: Option<String>,
}

/// Outside business hours.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AfterHoursTable {
    /// Until the next opening nothing counts for more than this
    pub cap: Option<Priority>,
    /// Priorities that the cap does not lower
    #[serde(default)]
    pub except: Vec<Priority>,
    /// Told to customers who write of an emergency
    pub emergency_phone: Option<String>,
    /// Addresses or groups of the directory that are paged at once
    #[serde(default)]
    pub on_call: Vec<String>,
    /// Addresses or groups that are paged when the first page fails; when absent, the desk's agents
    #[serde(default)]
    pub on_call_second: Vec<String>,
    /// Pages an hour before one "paging storm" page; 6
    #[schemars(range(min = 1, max = 1000))]
    pub pages_per_hour: Option<u32>,
}

/// The 48-hour rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AutocloseTable {
    /// Silence after a delivered answer: `"48h elapsed"`
    pub after: String,
    /// How long before the close the reminder goes; `"24h"`
    pub reminder_before: Option<String>,
    /// Close only while the desk is open; true
    pub at_opening: Option<bool>,
}

/// Attachments in mail to agents.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AttachmentsTable {
    /// `withhold` (the default), `pass-clean`, or `originals`: the last to agents of `domains` only, over verified TLS
    pub mail: Option<AttachmentsWord>,
    /// Mail domains of agents who get originals
    #[serde(default)]
    pub domains: Vec<String>,
}

/// What becomes of attachments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttachmentsWord {
    Withhold,
    PassClean,
    Originals,
}

/// How sealed originals are opened.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RevealTable {
    /// Minutes for which one reason opens them; 60
    #[schemars(range(min = 1, max = 10080))]
    pub minutes: Option<u32>,
    /// The customer's dated consent must be on record (`ticket consent`)
    #[serde(default)]
    pub consent: bool,
    /// Kinds of attachments that are never shown: `medical-record`, `image`, `executable`, `archive`
    #[serde(default)]
    pub never: Vec<NeverKind>,
}

/// How long things are kept.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RetentionTable {
    /// Days from a mail's arrival until its sealed original is erased; when absent, never
    #[schemars(range(min = 1, max = 36500))]
    pub originals_days: Option<u32>,
    /// Days from a ticket's end until it is erased; when absent, never
    #[schemars(range(min = 1, max = 36500))]
    pub tickets_days: Option<u32>,
}

/// What a missed target leads to.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct EscalationTable {
    /// Shares of a target in percent at which agents are warned: `[50, 75, 90]`
    #[serde(default)]
    pub warn_at: Vec<u8>,
    /// A missed target raises the priority one step
    #[serde(default)]
    pub raise: bool,
    /// Levels, the lowest first
    #[serde(default)]
    pub level: Vec<LevelTable>,
}

/// A level of escalation.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct LevelTable {
    /// The desk's word for it
    pub name: String,
    /// Tickets of this priority begin here
    pub priority: Option<Priority>,
    /// Addresses, agents or groups of the directory; everyone of the levels below is told too
    pub contacts: Vec<String>,
}
