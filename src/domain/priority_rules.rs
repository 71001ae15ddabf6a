//! Rules that give priority and category from words: data made by `config/`, read by `decide/`.

use super::ids::Category;
use super::message::Language;
use super::ticket::Priority;

/// One keyword or phrase rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeywordRule {
    /// Shown to agents and in the audit trail.
    pub id: String,
    /// Words or phrases; any of them suffices. Compared case-blind, without accents, on word starts.
    pub any: Vec<String>,
    /// The language they are in; `None` for all.
    pub language: Option<Language>,
    /// The priority they give.
    pub priority: Option<Priority>,
    /// The category they give.
    pub category: Option<Category>,
}

/// All rules of a desk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriorityRules {
    /// Without any match.
    pub default: Option<Priority>,
    /// In the order of the file; the highest priority that matches wins.
    pub keywords: Vec<KeywordRule>,
    /// Words that turn a match around when they stand within three words before it.
    pub negations: Vec<String>,
}
