//! Calendar, directory and word files as they are written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::desk_tables::ConceptTable;

/// `calendars/NAME.toml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct CalendarFile {
    /// What the days rest on: laws, and when they were looked up
    pub source: String,
    /// First and last year for which the rules are complete
    pub years: (i32, i32),
    /// IANA zone
    pub zone: String,
    /// Open intervals: `{ mon-fri = ["08:00-18:00"] }`
    pub hours: BTreeMap<String, Vec<String>>,
    /// Rules for closed days
    #[serde(default)]
    pub holiday: Vec<HolidayTable>,
}

/// A rule for a closed day: one of `date`, `easter`, `nth`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct HolidayTable {
    /// The day's name
    pub name: String,
    /// Month and day, `"12-25"`
    pub date: Option<String>,
    /// Days after Easter Sunday (western), negative before
    pub easter: Option<i64>,
    /// `"third mon of january"`, `"last mon of may"`
    pub nth: Option<String>,
    /// `next-monday`: moved unless it is one; `nearest-weekday`: the weekday beside a weekend day is closed too
    pub shift: Option<ShiftWord>,
    /// First year of the law
    pub from: Option<i32>,
    /// Last year of the law
    pub until: Option<i32>,
    /// What the day rests on, where it differs from the file's source
    #[serde(rename = "source")]
    pub _source: Option<String>,
}

/// Where a holiday goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ShiftWord {
    NextMonday,
    NearestWeekday,
}

/// `directory.toml`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct DirectoryFile {
    /// Customer organisations
    #[serde(default)]
    pub organisation: Vec<OrganisationTable>,
    /// Known people of customers
    #[serde(default)]
    pub contact: Vec<ContactTable>,
    /// Those who answer
    #[serde(default)]
    pub agent: Vec<AgentTable>,
    /// Groups of addresses or agents, for escalation and paging
    #[serde(default)]
    pub group: BTreeMap<String, Vec<String>>,
    /// Suppliers to whom requests are passed on: name to address
    #[serde(default)]
    pub supplier: BTreeMap<String, String>,
}

/// An organisation.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OrganisationTable {
    /// Lower-case letters, digits, `-`, `_`, `.`
    pub name: String,
    /// The organisation above it: a reseller
    pub parent: Option<String>,
    /// Mail domains
    #[serde(default)]
    pub domains: Vec<String>,
    /// Technical instance, clinic or reseller ids
    #[serde(default)]
    pub instances: Vec<String>,
}

/// A contact.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ContactTable {
    /// The address
    pub address: String,
    /// Their organisation
    pub organisation: Option<String>,
    /// Roles such as `admin`, `project_manager`, `it`
    #[serde(default)]
    pub roles: Vec<String>,
}

/// An agent.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AgentTable {
    /// Used in `--as`: lower-case letters, digits, `-`, `_`, `.`
    pub name: String,
    /// Shown to customers
    pub display_name: String,
    /// The address they write from
    pub address: String,
    /// Desks they may see
    pub desks: Vec<String>,
    /// Languages they read
    #[serde(default)]
    pub languages: Vec<String>,
}

/// `words/LANGUAGE.toml`: what the language's concepts are said with.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct WordsFile {
    /// `en`, `es`, `pt` or `it`
    pub language: String,
    /// Words that turn a phrase around
    pub negations: Vec<String>,
    /// Words at which a negation ends
    pub stops: Vec<String>,
    /// What follows these is not what the sentence is about
    #[serde(default)]
    pub prepositions: Vec<String>,
    /// What may stand between a preposition and what follows it
    #[serde(default)]
    pub determiners: Vec<String>,
    /// Lists for use as `@name`; `people` is what numbers count
    #[serde(default)]
    pub lists: BTreeMap<String, Vec<String>>,
    /// Meanings
    #[serde(default)]
    pub concept: Vec<ConceptTable>,
}
