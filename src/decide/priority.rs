//! Priority and category of a mail from its words. Takes subject and visible text (no quotes, no
//! signature) and a desk, gives both with the rules that said so; never quotes the customer.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::desk::{Desk, DeskClass};
use crate::domain::effect::Reason;
use crate::domain::ids::Category;
use crate::domain::message::Language;
use crate::domain::priority_rules::{ConceptId, Declared, Lexicon, PriorityRules, Rule, plain};
use crate::domain::ticket::Priority;

/// What the words came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prioritised {
    /// The priority.
    pub priority: Priority,
    /// The kind of request.
    pub category: Option<Category>,
    /// Which rules said so.
    pub reasons: Vec<Reason>,
}

/// Words that are weighed; a support mail says what it is about well before this.
const MAX_WORDS: usize = 1200;
/// A negation reaches this many words ahead.
const NEGATION_REACH: usize = 4;
/// Groups of a form may stand this many words apart.
const NEAR: usize = 7;
/// Rules of one priority must weigh this much together.
const ENOUGH: u32 = 100;

/// Weighs a mail by the desk's rules.
pub fn prioritise(subject: &str, visible: &str, _language: Option<Language>, desk: &Desk) -> Prioritised {
    let rules = &desk.rules;
    let text = Text::of(subject, visible);
    let said = said(&rules.lexicon, &text);
    let percent = users_percent(&text);
    let holding: Vec<&Rule> = rules.rules.iter().filter(|rule| holds(rule, &said, percent)).collect();
    let category = holding
        .iter()
        .find_map(|rule| rule.category.clone())
        .or_else(|| rules.default_category.clone())
        .or_else(|| desk.categories.first().cloned());
    if desk.class == DeskClass::Breach {
        let reasons = vec![Reason::code("breach_desk")];
        return Prioritised { priority: Priority::Urgent, category, reasons };
    }
    let (content, mut reasons) = reached(&holding, rules);
    let priority = match rules.declared.as_ref().and_then(|d| declared(d, &text).map(|stated| (d, stated))) {
        Some((bounds, stated)) => advised(bounds, stated, content, &mut reasons),
        None => content,
    };
    let by = holding.iter().find(|rule| rule.category.is_some());
    if let Some(rule) = by.filter(|rule| rule.priority.is_none()) {
        reasons.push(Reason::with("category", format!("{}: {}", rule.id, rule.says)));
    }
    Prioritised { priority, category, reasons }
}

/// The highest priority whose rules weigh enough, and those rules.
fn reached(holding: &[&Rule], rules: &PriorityRules) -> (Priority, Vec<Reason>) {
    let mut weights: BTreeMap<Priority, u32> = BTreeMap::new();
    for rule in holding {
        if let Some(priority) = rule.priority {
            *weights.entry(priority).or_default() += rule.weight;
        }
    }
    let top = weights.into_iter().rev().find(|(_, weight)| *weight >= ENOUGH).map(|(priority, _)| priority);
    let Some(top) = top else {
        let default = rules.default.unwrap_or(Priority::Medium);
        return (default, vec![Reason::with("default", default.as_str())]);
    };
    let reasons = holding.iter().filter(|rule| rule.priority == Some(top));
    (top, reasons.map(|rule| Reason::with("rule", format!("{}: {}", rule.id, rule.says))).collect())
}

fn holds(rule: &Rule, said: &BTreeSet<ConceptId>, percent: Option<u8>) -> bool {
    let within =
        rule.users_percent.is_none_or(|(over, up_to)| percent.is_some_and(|p| over < p && p <= up_to));
    within
        && (rule.users_percent.is_some() || !rule.when.is_empty())
        && rule.when.iter().all(|concept| said.contains(concept))
        && !rule.unless.iter().any(|concept| said.contains(concept))
}

/// The content's priority moved towards the sender's by no more than the bounds allow.
fn advised(bounds: &Declared, stated: Priority, content: Priority, reasons: &mut Vec<Reason>) -> Priority {
    let step = |p: Priority, by: isize| {
        let at = Priority::ALL.iter().position(|x| *x == p).unwrap_or(0);
        let to = at.saturating_add_signed(by).min(Priority::ALL.len() - 1);
        Priority::ALL.get(to).copied().unwrap_or(p)
    };
    let high = step(content, isize::try_from(bounds.up).unwrap_or(0)).min(bounds.most.max(content));
    let low = step(content, -isize::try_from(bounds.down).unwrap_or(0));
    let priority = stated.clamp(low, high);
    let code = if priority == stated { "stated_by_sender" } else { "stated_by_sender_bounded" };
    if stated != content {
        reasons.push(Reason::with(code, stated.as_str()));
    }
    priority
}

/// Plain text with the byte at which each word begins.
struct Text {
    plain: String,
    starts: Vec<usize>,
}

impl Text {
    fn of(subject: &str, visible: &str) -> Self {
        let whole = format!("{} . {}", plain(subject), plain(visible));
        let words: Vec<&str> = whole.split(' ').take(MAX_WORDS).collect();
        let mut text = Self { plain: String::from(" "), starts: Vec::with_capacity(words.len()) };
        for word in words {
            text.starts.push(text.plain.len());
            text.plain.push_str(word);
            text.plain.push(' ');
        }
        text
    }
    fn word(&self, number: usize) -> Option<&str> {
        let rest = self.plain.get(*self.starts.get(number)?..)?;
        rest.split(' ').next()
    }
    /// The word that begins at or before a byte.
    fn number(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte).saturating_sub(1)
    }
}

/// A phrase that was found, in words.
#[derive(Clone, Copy)]
struct Hit {
    pattern: usize,
    first: usize,
    last: usize,
}

/// The concepts that the text states.
fn said(lexicon: &Lexicon, text: &Text) -> BTreeSet<ConceptId> {
    let Some(automaton) = &lexicon.automaton else { return BTreeSet::new() };
    let hits: Vec<Hit> = automaton
        .find_overlapping_iter(&text.plain)
        .map(|m| Hit {
            pattern: m.pattern().as_usize(),
            first: text.number(m.start() + 1),
            last: text.number(m.end().saturating_sub(2)),
        })
        .collect();
    let mut inside = BTreeSet::new();
    for hit in hits.iter().filter(|hit| hit.last > hit.first) {
        inside.extend(hit.first..=hit.last);
    }
    let mut by_form: BTreeMap<usize, Vec<(usize, Hit)>> = BTreeMap::new();
    let mut concepts = BTreeMap::new();
    for hit in hits.iter().filter(|hit| !negated(lexicon, text, hit.first, &inside)) {
        if let Some(place) = lexicon.places.get(hit.pattern) {
            by_form.entry(place.form).or_default().push((place.group, *hit));
            concepts.insert(place.form, place.concept);
        }
    }
    let complete = |form: usize, hits: &[(usize, Hit)]| match lexicon.groups.get(form) {
        Some(1) => true,
        Some(groups) => together(text, *groups, hits),
        None => false,
    };
    by_form
        .iter()
        .filter(|(form, hits)| complete(**form, hits))
        .filter_map(|(form, _)| concepts.get(form).copied())
        .collect()
}

/// True when a negation stands shortly before a word, in its clause, outside any other phrase.
fn negated(lexicon: &Lexicon, text: &Text, first: usize, inside: &BTreeSet<usize>) -> bool {
    for number in (first.saturating_sub(NEGATION_REACH)..first).rev() {
        let Some(word) = text.word(number) else { return false };
        if matches!(word, "." | ",") || lexicon.stops.contains(word) {
            return false;
        }
        if lexicon.negations.contains(word) && !inside.contains(&number) {
            return true;
        }
    }
    false
}

/// True when every group of a form was found within one sentence, each near the next.
fn together(text: &Text, groups: usize, hits: &[(usize, Hit)]) -> bool {
    let firsts = hits.iter().filter(|(group, _)| *group == 0);
    firsts.into_iter().any(|(_, start)| {
        let (mut low, mut high) = (start.first, start.last);
        (1..groups).all(|wanted| {
            let near = hits.iter().filter(|(group, _)| *group == wanted).map(|(_, hit)| *hit).find(|hit| {
                let (from, to) = if hit.first > high { (high, hit.first) } else { (hit.last, low) };
                let apart = to.saturating_sub(from) <= NEAR;
                let disjoint = hit.first > high || hit.last < low;
                disjoint && apart && (from..to).all(|n| text.word(n) != Some("."))
            });
            if let Some(hit) = near {
                low = low.min(hit.first);
                high = high.max(hit.last);
            }
            near.is_some()
        })
    })
}

/// The priority that the sender states behind a label ("Priority: high").
fn declared(bounds: &Declared, text: &Text) -> Option<Priority> {
    bounds.labels.iter().find_map(|label| {
        let label = format!(" {label} ");
        let at = text.plain.find(&label)?;
        let rest = text.plain.get(at + label.len()..)?;
        let next = rest.split(' ').find(|word| !matches!(*word, "," | "." | ""))?;
        bounds.words.iter().find(|(word, _)| word == next).map(|(_, priority)| *priority)
    })
}

/// The largest share of users that the text names, in percent.
fn users_percent(text: &Text) -> Option<u8> {
    let words: Vec<&str> = text.plain.split(' ').collect();
    let shares = words.windows(3).filter_map(|window| match window {
        [number, "%" | "percent", _] | [number, "per" | "por", "cent" | "cento" | "ciento"] => {
            number.parse().ok()
        }
        _ => None,
    });
    shares.filter(|share: &u8| *share <= 100).max()
}
