//! Priority and category of a mail from its words. Takes subject and visible text (no quotes, no
//! signature) and a desk, gives both with the rules that said so; never quotes the customer.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use crate::domain::desk::{Desk, DeskClass};
use crate::domain::effect::Reason;
use crate::domain::ids::Category;
use crate::domain::message::Language;
use crate::domain::priority_rules::{
    ConceptId, Declared, Lexicon, PriorityRules, Rule, ends_sentence, plain,
};
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
    /// The ids of every rule that held, in the order of the file: standard answers ask for them.
    pub rules: Vec<String>,
}

/// Words that are weighed; a support mail says what it is about well before this.
const MAX_WORDS: usize = 1200;
/// A negation reaches this many words ahead.
const NEGATION_REACH: usize = 4;
/// A preposition reaches this many words ahead: "with the old laboratory system".
const PREPOSITION_REACH: usize = 4;
/// From this number on those affected are many.
const MANY: u32 = 5;
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
    let ids = holding.iter().map(|rule| rule.id.clone()).collect();
    if desk.class == DeskClass::Breach {
        let reasons = vec![Reason::code("breach_desk")];
        return Prioritised { priority: Priority::Urgent, category, reasons, rules: ids };
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
    Prioritised { priority, category, reasons, rules: ids }
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
        rule.users_percent.is_none_or(|(from, to)| percent.is_some_and(|p| (from..=to).contains(&p)));
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
    let high = step(content, isize::from(bounds.up)).min(bounds.most.max(content));
    // What stands still is not made small by a word.
    let low = if content >= Priority::High { content } else { step(content, -isize::from(bounds.down)) };
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
    let mut said = counted(lexicon, text);
    let Some(automaton) = &lexicon.automaton else { return said };
    let hits: Vec<Hit> = automaton
        .find_overlapping_iter(&text.plain)
        .map(|m| Hit {
            pattern: m.pattern().as_usize(),
            first: text.number(m.start() + 1),
            last: text.number(m.end().saturating_sub(2)),
        })
        .collect();
    let hits = uncovered(lexicon, hits);
    let mut inside = BTreeSet::new();
    // The pieces of a form that needs several say nothing alone: they shield no negation.
    let whole = |hit: &&Hit| {
        let form = lexicon.places.get(hit.pattern).and_then(|place| lexicon.forms.get(place.form));
        hit.last > hit.first && form.is_some_and(|(groups, ..)| *groups == 1)
    };
    for hit in hits.iter().filter(whole) {
        inside.extend(hit.first..=hit.last);
    }
    let mut forms: BTreeMap<usize, (ConceptId, Vec<(usize, Hit)>)> = BTreeMap::new();
    let veiled = veiled(lexicon, text, &hits);
    for hit in hits.iter().filter(|hit| !negated(lexicon, text, hit.first, &inside)) {
        let Some(place) = lexicon.places.get(hit.pattern) else { continue };
        if veiled.iter().any(|sentence| sentence.contains(&hit.first))
            && !lexicon.veils.contains(&place.concept)
        {
            continue;
        }
        let subject = lexicon.forms.get(place.form).is_some_and(|(_, _, subject)| *subject);
        if subject && place.group == 0 && behind_preposition(lexicon, text, hit.first) {
            continue;
        }
        forms.entry(place.form).or_insert((place.concept, Vec::new())).1.push((place.group, *hit));
    }
    for (form, (concept, hits)) in &forms {
        let complete = match lexicon.forms.get(*form) {
            Some((1, ..)) => true,
            Some((groups, near, _)) => together(text, *groups, *near, hits),
            None => false,
        };
        if complete {
            said.insert(*concept);
        }
    }
    said
}

/// The hits that no longer idiom swallows: "nobody else" does not say "nobody".
fn uncovered(lexicon: &Lexicon, hits: Vec<Hit>) -> Vec<Hit> {
    let covers =
        |hit: &&Hit| lexicon.places.get(hit.pattern).is_some_and(|p| lexicon.covers.contains(&p.concept));
    let idioms: Vec<Hit> = hits.iter().filter(covers).copied().collect();
    let within = |hit: &Hit, idiom: &Hit| {
        idiom.first <= hit.first && hit.last <= idiom.last && idiom.last - idiom.first > hit.last - hit.first
    };
    hits.into_iter().filter(|hit| !idioms.iter().any(|idiom| within(hit, idiom))).collect()
}

/// The sentences that say "what if".
fn veiled(lexicon: &Lexicon, text: &Text, hits: &[Hit]) -> Vec<Range<usize>> {
    let is_veil =
        |hit: &&Hit| lexicon.places.get(hit.pattern).is_some_and(|p| lexicon.veils.contains(&p.concept));
    let ends = |number: &usize| text.word(*number).is_none_or(ends_sentence);
    let sentence = |hit: &Hit| {
        let from = (0..hit.first).rev().find(ends).map_or(0, |end| end + 1);
        from..(hit.last..text.starts.len()).find(ends).unwrap_or(text.starts.len())
    };
    hits.iter().filter(is_veil).map(sentence).collect()
}

/// What numbers say about how many are affected: "3 users".
fn counted(lexicon: &Lexicon, text: &Text) -> BTreeSet<ConceptId> {
    let words: Vec<&str> = text.plain.split(' ').collect();
    let numbers = words.windows(3).filter_map(|window| {
        let [number, next, after] = window else { return None };
        let number: u32 = number.parse().ok()?;
        [next, after].iter().any(|word| lexicon.particles.counted.contains(**word)).then_some(number)
    });
    numbers
        .filter_map(|number| match number {
            0 => None,
            1 => lexicon.concept("one-user"),
            n if n < MANY => lexicon.concept("few-users"),
            _ => lexicon.concept("many-users"),
        })
        .collect()
}

/// True when a negation stands shortly before a word, in its clause, outside any other phrase.
fn negated(lexicon: &Lexicon, text: &Text, first: usize, inside: &BTreeSet<usize>) -> bool {
    for number in (first.saturating_sub(NEGATION_REACH)..first).rev() {
        let Some(word) = text.word(number) else { return false };
        if word == "," || ends_sentence(word) || lexicon.particles.stops.contains(word) {
            return false;
        }
        if lexicon.particles.negations.contains(word) && !inside.contains(&number) {
            return true;
        }
    }
    false
}

/// True in "with the laboratory system"; false in "in clinic the system": there the preposition
/// belongs to something else.
fn behind_preposition(lexicon: &Lexicon, text: &Text, first: usize) -> bool {
    let is =
        |number: usize, list: &HashSet<String>| text.word(number).is_some_and(|word| list.contains(word));
    for number in (first.saturating_sub(PREPOSITION_REACH)..first).rev() {
        if text.word(number).is_none_or(|word| word == "," || ends_sentence(word)) {
            return false;
        }
        if is(number, &lexicon.particles.determiners) {
            return number > 0 && is(number - 1, &lexicon.particles.prepositions);
        }
        if is(number, &lexicon.particles.prepositions) {
            return true;
        }
    }
    false
}

/// True when every group of a form was found within one sentence, each near the others.
fn together(text: &Text, groups: usize, near: usize, hits: &[(usize, Hit)]) -> bool {
    let firsts = hits.iter().filter(|(group, _)| *group == 0);
    firsts.into_iter().any(|(_, start)| {
        let (mut low, mut high) = (start.first, start.last);
        (1..groups).all(|wanted| {
            let of_group = hits.iter().filter(|(group, _)| *group == wanted).map(|(_, hit)| *hit);
            let found = of_group.into_iter().find(|hit| {
                let (from, to) = if hit.first > high { (high, hit.first) } else { (hit.last, low) };
                let disjoint = hit.first > high || hit.last < low;
                disjoint
                    && to.saturating_sub(from) <= near
                    && !(from..to).filter_map(|n| text.word(n)).any(ends_sentence)
            });
            if let Some(hit) = found {
                low = low.min(hit.first);
                high = high.max(hit.last);
            }
            found.is_some()
        })
    })
}

/// The priority that the sender states behind a label ("Priority: high").
fn declared(bounds: &Declared, text: &Text) -> Option<Priority> {
    bounds.labels.iter().find_map(|label| {
        let label = format!(" {label} ");
        let at = text.plain.find(&label)?;
        let rest = text.plain.get(at + label.len()..)?;
        let next = rest.split(' ').find(|word| !matches!(*word, "," | "." | "?" | ""))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::EmailAddress;
    use crate::domain::calendar::Calendar;
    use crate::domain::ids::DeskName;
    use crate::domain::priority_rules::{Concept, Form, Particles};
    use proptest::prelude::*;
    use std::sync::Arc;

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|word| (*word).to_owned()).collect()
    }

    fn concept(name: &str, groups: &[&[&str]], subject: bool) -> Concept {
        let groups = groups.iter().map(|group| words(group)).collect();
        Concept {
            name: name.into(),
            forms: vec![Form { groups, near: 4, subject }],
            veils: name == "what-if",
            covers: name == "aside",
        }
    }

    /// "outage" is urgent, "slow" medium, "printer" a category; two weak signs make high.
    fn desk(declared: bool) -> Desk {
        let set = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        let particles = Particles {
            negations: set(&["not", "no"]),
            stops: set(&["but"]),
            prepositions: set(&["of", "with"]),
            determiners: set(&["the"]),
            counted: set(&["users"]),
        };
        let concepts = [
            concept("outage", &[&["system", "portal"], &["down", "not respond*"]], true),
            concept("slow", &[&["slow*"]], false),
            concept("weak-a", &[&["delay"]], false),
            concept("weak-b", &[&["queue"]], false),
            concept("printer", &[&["printer"]], false),
            concept("what-if", &[&["what if"]], false),
            concept("many-users", &[&["everyone"]], false),
            concept("aside", &[&["everyone else"]], false),
        ];
        let lexicon = Lexicon::new(&concepts, particles).unwrap();
        let rule = |id: &str, priority: Option<Priority>, weight: u32| Rule {
            id: id.into(),
            says: format!("says {id}"),
            when: lexicon.concept(id).into_iter().collect(),
            weight,
            priority,
            category: (id == "printer").then(|| Category::parse("printing").unwrap()),
            ..Rule::default()
        };
        let rules = vec![
            rule("outage", Some(Priority::Urgent), 100),
            rule("many-users", Some(Priority::High), 100),
            rule("weak-a", Some(Priority::High), 50),
            rule("weak-b", Some(Priority::High), 50),
            rule("slow", Some(Priority::Medium), 100),
            rule("printer", None, 100),
        ];
        let labels = vec!["priority".to_owned()];
        let scale = Priority::ALL.iter().map(|p| (p.as_str().to_owned(), *p)).collect();
        let advice = Declared { words: scale, labels, up: 1, down: 1, most: Priority::High };
        let calendar = Calendar {
            name: "none".into(),
            zone: chrono_tz::UTC,
            weekly: BTreeMap::new(),
            holidays: BTreeSet::new(),
            years: (2026, 2026),
        };
        let address = EmailAddress::parse("help@desk.example").unwrap();
        let mut desk = Desk::new(DeskName::parse("help").unwrap(), address, Arc::new(calendar));
        let declared = declared.then_some(advice);
        let default = Some(Priority::Low);
        desk.rules =
            Arc::new(PriorityRules { default, rules, lexicon, declared, ..PriorityRules::default() });
        desk
    }

    #[test]
    fn what_is_said_and_what_is_not() {
        let cases = [
            ("the system is down", Priority::Urgent),
            ("The PORTAL does NOT RESPOND... the portal is not responding", Priority::Urgent),
            ("the system is not down", Priority::Low),
            ("not only that, the system is down", Priority::Urgent),
            ("it is not slow but the system is down", Priority::Urgent),
            ("down. The system", Priority::Low),
            ("the link with the old system is down", Priority::Low),
            ("with this weather the system is down", Priority::Urgent),
            ("what if the system is down?", Priority::Low),
            ("what if it rains? the system is down", Priority::Urgent),
            ("slowly", Priority::Medium),
            ("unslow", Priority::Low),
            ("a delay", Priority::Low),
            ("a delay in the queue", Priority::High),
            ("everyone", Priority::High),
            ("everyone else works, it is slow", Priority::Medium),
            ("everyone else works, everyone asks", Priority::High),
            ("12 users", Priority::High),
            ("0 users", Priority::Low),
            ("3 users", Priority::Low),
        ];
        for (text, want) in cases {
            assert_eq!(prioritise("hello", text, None, &desk(false)).priority, want, "{text}");
            assert_eq!(prioritise(text, "", None, &desk(false)).priority, want, "subject {text}");
        }
    }

    #[test]
    fn what_senders_state_is_advice_within_bounds() {
        let cases = [
            ("Priority: urgent\nit is slow", Priority::High, "stated_by_sender_bounded"),
            ("Priority: high\nit is slow", Priority::High, "stated_by_sender"),
            ("Priority: urgent\nhello", Priority::Medium, "stated_by_sender_bounded"),
            ("Priority: low\nit is slow", Priority::Low, "stated_by_sender"),
            ("Priority: low\nthe system is down", Priority::Urgent, "stated_by_sender_bounded"),
            ("Priority: urgent\nthe system is down", Priority::Urgent, "rule"),
            ("Priority: whatever\nit is slow", Priority::Medium, "rule"),
        ];
        for (text, want, reason) in cases {
            let got = prioritise("", text, None, &desk(true));
            assert_eq!((got.priority, got.reasons.last().unwrap().code), (want, reason), "{text}");
            assert_eq!(prioritise("", text, None, &desk(false)).reasons.len(), 1, "{text}");
        }
    }

    #[test]
    fn every_decision_says_why_and_quotes_nobody() {
        let got = prioritise("Printer of Mary Major", "the system is down, printer too", None, &desk(false));
        assert_eq!(got.category.unwrap().as_str(), "printing");
        assert_eq!(got.rules, ["outage", "printer"]);
        let why =
            [Reason::with("rule", "outage: says outage"), Reason::with("category", "printer: says printer")];
        assert_eq!(got.reasons, why);
        let mut breach = desk(false);
        breach.class = DeskClass::Breach;
        assert_eq!(prioritise("", "", None, &breach).priority, Priority::Urgent);
    }

    proptest! {
        #[test]
        fn any_text_has_a_priority_and_a_reason(subject in "\\PC{0,40}", text in "(?s).{0,400}") {
            prop_assert!(!prioritise(&subject, &text, None, &desk(true)).reasons.is_empty());
        }
    }
}
