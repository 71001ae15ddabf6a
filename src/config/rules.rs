//! The rules of a desk file -> [`PriorityRules`], compiled with the concepts of its languages.

use std::collections::{BTreeMap, BTreeSet};

use super::desk_tables::{DeclaredTable, DeskFile, RuleTable};
use super::document::Reader;
use super::wording::{self, Wording};
use crate::domain::ids::Category;
use crate::domain::message::Language;
use crate::domain::priority_rules::{
    Concept, ConceptId, Declared, Form, Lexicon, Particles, PriorityRules, Rule, plain,
};
use crate::domain::ticket::Priority;

/// Compiles the rules of a desk.
pub fn read(
    reader: &mut Reader<'_>,
    file: &DeskFile,
    languages: &[Language],
    wording: &Wording,
    categories: &[Category],
) -> PriorityRules {
    let lexicon = lexicon(reader, file, languages, wording);
    let mut rules = Vec::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, table) in file.rule.iter().enumerate() {
        let path = format!("rule/{number}");
        if seen.insert(&table.id, number).is_some() {
            reader.fail(
                &format!("{path}/id"),
                "duplicate",
                format!("there are two rules `{}`", table.id),
                "",
            );
        }
        rules.push(rule(reader, &path, table, &lexicon, categories));
    }
    contradictions(reader, &rules);
    let default_category = file.priority.default_category.as_ref();
    PriorityRules {
        default: file.priority.default,
        default_category: default_category
            .and_then(|text| category(reader, "priority/default_category", text, categories)),
        rules,
        lexicon,
        declared: file.priority.declared.as_ref().map(|table| declared(table, file)),
    }
}

fn lexicon(reader: &mut Reader<'_>, file: &DeskFile, languages: &[Language], wording: &Wording) -> Lexicon {
    let mut concepts: Vec<Concept> = Vec::new();
    let mut particles = Particles::default();
    let mut lists = BTreeMap::new();
    let named = file.rule.iter().flat_map(|rule| rule.when.iter().chain(&rule.unless));
    let used: BTreeSet<&str> = named.map(String::as_str).collect();
    for words in languages.iter().filter_map(|language| wording.get(language)) {
        // What no rule asks for is known by name, but not looked for.
        concepts.extend(words.concepts.iter().map(|concept| Concept {
            name: concept.name.clone(),
            forms: if concept.covers || used.contains(concept.name.as_str()) {
                concept.forms.clone()
            } else {
                Vec::new()
            },
            veils: concept.veils,
            covers: concept.covers,
        }));
        let file = &words.file;
        let plain_words = |list: &[String]| list.iter().map(|word| plain(word)).collect::<Vec<_>>();
        particles.negations.extend(plain_words(&file.negations));
        particles.stops.extend(plain_words(&file.stops));
        particles.prepositions.extend(plain_words(&file.prepositions));
        particles.determiners.extend(plain_words(&file.determiners));
        particles.counted.extend(file.lists.get("people").into_iter().flat_map(|list| plain_words(list)));
        for (name, list) in &file.lists {
            lists.entry(name.clone()).or_insert_with(Vec::new).extend(list.iter().cloned());
        }
    }
    concepts.extend(wording::concepts(reader, &file.concept, &lists));
    for (number, table) in file.rule.iter().enumerate().filter(|(_, table)| !table.any.is_empty()) {
        let phrases = wording::phrases(reader, &format!("rule/{number}/any"), &table.any, &lists);
        concepts.push(Concept {
            name: own_concept(&table.id),
            forms: vec![Form { groups: vec![phrases], ..Form::default() }],
            ..Concept::default()
        });
    }
    match Lexicon::new(&concepts, particles) {
        Ok(lexicon) => lexicon,
        Err(error) => {
            reader.fail("rule", "too_many_words", format!("the words do not compile: {error}"), "");
            Lexicon::default()
        }
    }
}

/// The concept of a rule's own phrases.
fn own_concept(id: &str) -> String {
    format!("rule:{id}")
}

fn rule(
    reader: &mut Reader<'_>,
    path: &str,
    table: &RuleTable,
    lexicon: &Lexicon,
    categories: &[Category],
) -> Rule {
    let mut when = concepts(reader, &format!("{path}/when"), &table.when, lexicon);
    if !table.any.is_empty() {
        when.extend(lexicon.concept(&own_concept(&table.id)));
    }
    let users_percent = match (table.users_over_percent, table.users_up_to_percent) {
        (None, None) => None,
        (over, up_to) => Some((over.map_or(0, |over| over.saturating_add(1)), up_to.unwrap_or(100))),
    };
    if when.is_empty() && users_percent.is_none() && table.when.is_empty() {
        reader.fail(path, "empty", format!("the rule `{}` never holds", table.id), "give `when` or `any`");
    }
    if let Some(both) = table.when.iter().find(|name| table.unless.contains(name)) {
        let message = format!("the rule `{}` wants `{both}` and refuses it", table.id);
        reader.fail(
            &format!("{path}/unless"),
            "contradiction",
            message,
            "it never holds: remove one of the two",
        );
    }
    if users_percent.is_some_and(|(from, to)| from > to) {
        let message = format!("the rule `{}` wants more users than it allows", table.id);
        let help = "`users_over_percent` is the smaller one of the two";
        reader.fail(&format!("{path}/users_up_to_percent"), "contradiction", message, help);
    }
    if table.priority.is_none() && table.category.is_none() {
        let help = "give `priority`, `category` or both";
        reader.fail(path, "empty", format!("the rule `{}` gives nothing", table.id), help);
    }
    let given = table.category.as_ref();
    Rule {
        id: table.id.clone(),
        says: table.says.clone(),
        when,
        unless: concepts(reader, &format!("{path}/unless"), &table.unless, lexicon),
        users_percent,
        weight: table.weight.unwrap_or(100),
        priority: table.priority,
        category: given.and_then(|text| category(reader, &format!("{path}/category"), text, categories)),
    }
}

fn concepts(reader: &mut Reader<'_>, path: &str, names: &[String], lexicon: &Lexicon) -> Vec<ConceptId> {
    let known: Vec<&str> =
        lexicon.names.iter().map(String::as_str).filter(|n| !n.starts_with("rule:")).collect();
    let ids = names.iter().enumerate().filter_map(|(number, name)| {
        reader.known(&format!("{path}/{number}"), ("concept", name), lexicon.concept(name), &known)
    });
    ids.collect()
}

/// A category that the desk has.
pub fn category(
    reader: &mut Reader<'_>,
    path: &str,
    text: &str,
    categories: &[Category],
) -> Option<Category> {
    let names: Vec<&str> = categories.iter().map(Category::as_str).collect();
    let found = categories.iter().find(|category| category.as_str() == text).cloned();
    reader.known(path, ("category", text), found, &names)
}

/// Two rules of the same words must not give two priorities.
fn contradictions(reader: &mut Reader<'_>, rules: &[Rule]) {
    let conditions = |rule: &Rule| {
        let set = |ids: &[ConceptId]| ids.iter().copied().collect::<BTreeSet<_>>();
        (set(&rule.when), set(&rule.unless), rule.users_percent)
    };
    for (number, rule) in rules.iter().enumerate() {
        let other = rules.iter().take(number).find(|other| {
            conditions(other) == conditions(rule)
                && other.priority.is_some()
                && rule.priority.is_some()
                && other.priority != rule.priority
        });
        if let Some(other) = other {
            let message = format!("`{}` and `{}` contradict each other", other.id, rule.id);
            reader.fail(&format!("rule/{number}"), "contradiction", message, "one of them never counts");
        }
    }
}

fn declared(table: &DeclaredTable, file: &DeskFile) -> Declared {
    let scale = Priority::ALL.iter().map(|p| (p.as_str().to_owned(), *p));
    let own = file.words.iter().map(|(priority, word)| (word.clone(), *priority));
    let more = table.words.iter().map(|(word, priority)| (word.clone(), *priority));
    Declared {
        words: scale.chain(own).chain(more).map(|(word, priority)| (plain(&word), priority)).collect(),
        labels: table.labels.iter().map(|label| plain(label)).collect(),
        up: table.up.unwrap_or(1),
        down: table.down.unwrap_or(1),
        most: table.most.unwrap_or(Priority::High),
    }
}
