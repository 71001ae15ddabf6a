//! Word files -> concepts by language, with `@lists` written out.

use std::collections::BTreeMap;

use super::desk_tables::ConceptTable;
use super::document::Reader;
use super::other_tables::WordsFile;
use super::people;
use super::problem::Problem;
use super::sources::Source;
use crate::domain::message::Language;
use crate::domain::priority_rules::{Concept, Form};

/// What a language is said with.
#[derive(Debug)]
pub struct Words {
    /// Small words and lists, as the file has them.
    pub file: WordsFile,
    /// Meanings.
    pub concepts: Vec<Concept>,
}

/// All languages.
pub type Wording = BTreeMap<Language, Words>;

/// Reads every word file.
pub fn read(sources: &[Source], problems: &mut Vec<Problem>) -> Wording {
    let mut wording = Wording::new();
    for source in sources {
        let Some((document, file)) = source.read::<WordsFile>(problems) else { continue };
        let mut reader = Reader { document: &document, problems };
        let Some(language) = people::language(&mut reader, "language", &file.language) else { continue };
        let concepts = concepts(&mut reader, &file.concept, &file.lists);
        if wording.insert(language, Words { file, concepts }).is_some() {
            reader.fail("language", "duplicate", format!("two files for `{}`", language.as_str()), "");
        }
    }
    wording
}

/// Concepts as a file writes them.
pub fn concepts(
    reader: &mut Reader<'_>,
    tables: &[ConceptTable],
    lists: &BTreeMap<String, Vec<String>>,
) -> Vec<Concept> {
    let mut concepts = Vec::new();
    for (number, table) in tables.iter().enumerate() {
        let path = format!("concept/{number}");
        if table.any.is_empty() && table.all.is_empty() {
            reader.fail(
                &path,
                "empty",
                format!("`{}` is said with nothing", table.name),
                "give `any` or `all`",
            );
        }
        let mut forms = Vec::new();
        if !table.any.is_empty() {
            let groups = vec![phrases(reader, &format!("{path}/any"), &table.any, lists)];
            forms.push(Form { groups, near: 0, subject: false });
        }
        if !table.all.is_empty() {
            let place = format!("{path}/all");
            let groups = table.all.iter().map(|group| phrases(reader, &place, group, lists)).collect();
            forms.push(Form { groups, near: table.near.unwrap_or(6), subject: table.subject });
        }
        concepts.push(Concept { name: table.name.clone(), forms, veils: table.veils, covers: table.covers });
    }
    concepts
}

/// Phrases with `@lists` written out.
pub fn phrases(
    reader: &mut Reader<'_>,
    path: &str,
    group: &[String],
    lists: &BTreeMap<String, Vec<String>>,
) -> Vec<String> {
    let mut phrases = Vec::new();
    for text in group {
        let star = text.find('*').is_some_and(|at| at + 1 < text.trim_end().len());
        if let Some(name) = text.strip_prefix('@') {
            let names: Vec<&str> = lists.keys().map(String::as_str).collect();
            phrases.extend(
                reader.known(path, ("list", name), lists.get(name), &names).into_iter().flatten().cloned(),
            );
        } else if star || !(text == "?" || text.contains(char::is_alphanumeric)) {
            reader.fail(
                path,
                "invalid",
                format!("`{text}` is no phrase"),
                "words, the last one may end in `*`",
            );
        } else {
            phrases.push(text.clone());
        }
    }
    phrases
}
