//! One TOML file: its text, the place of every key and value, and the check against the schema of
//! its kind. Takes text, gives a typed table or all problems at once; a place is named by a path
//! such as `account/0/tls`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use miette::NamedSource;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Problem;
use super::shape;

/// A file that was read.
#[derive(Debug, Clone)]
pub struct Document {
    source: Arc<NamedSource<String>>,
    places: BTreeMap<String, Range<usize>>,
}

impl Document {
    /// Parses and checks a text.
    pub fn read<T: DeserializeOwned + JsonSchema>(
        file: &str,
        text: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<(Self, T)> {
        let source = Arc::new(NamedSource::new(file, text.to_owned()));
        let (tree, errors) = DeTable::parse_recoverable(text);
        let mut document = Self { source, places: BTreeMap::new() };
        if !errors.is_empty() {
            problems.extend(errors.iter().map(|error| document.syntax(error, "syntax")));
            return None;
        }
        document.note_table("", tree.get_ref());
        let before = problems.len();
        shape::check(&shape::of::<T>(), tree.get_ref(), &document, problems);
        // With unknown keys alone the rest can be read on, so that all problems are told at once.
        match toml::from_str(text) {
            Ok(value) => Some((document, value)),
            Err(error) => {
                if problems.len() == before {
                    problems.push(document.syntax(&error, "invalid"));
                }
                None
            }
        }
    }

    /// A problem at a path; where the path is not in the file, at what encloses it.
    pub fn problem(
        &self,
        path: &str,
        code: &'static str,
        message: String,
        help: impl Into<String>,
    ) -> Problem {
        let mut path = path;
        let span = loop {
            if let Some(span) = self.places.get(path) {
                break span.clone();
            }
            match path.rsplit_once('/') {
                Some((parent, _)) => path = parent,
                None => break 0..0,
            }
        };
        Problem::at(&self.source, span, code, message, &help.into())
    }

    fn syntax(&self, error: &toml::de::Error, code: &'static str) -> Problem {
        let span = error.span().unwrap_or(0..0);
        Problem::at(&self.source, span, code, error.message().to_owned(), "")
    }

    fn note_table(&mut self, path: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let inner = join(path, key.get_ref());
            self.places.insert(format!("{inner}/="), key.span());
            self.note(&inner, value, key.span());
        }
    }

    fn note(&mut self, path: &str, value: &Spanned<DeValue<'_>>, key: Range<usize>) {
        match value.get_ref() {
            DeValue::Table(table) => {
                self.places.insert(path.to_owned(), key);
                self.note_table(path, table);
            }
            DeValue::Array(array) => {
                self.places.insert(path.to_owned(), key);
                for (number, item) in array.iter().enumerate() {
                    self.note(&join(path, &number.to_string()), item, item.span());
                }
            }
            _ => {
                self.places.insert(path.to_owned(), value.span());
            }
        }
    }
}

/// The path of something within something.
pub fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}/{key}") }
}

/// A document and the list its problems go to.
pub struct Reader<'a> {
    /// Which document.
    pub document: &'a Document,
    /// What is wrong, in all files.
    pub problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    /// Notes an error.
    pub fn fail(
        &mut self,
        path: &str,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.problems.push(self.document.problem(path, code, message.into(), help));
    }
    /// Notes a warning.
    pub fn warn(
        &mut self,
        path: &str,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.problems.push(self.document.problem(path, code, message.into(), help).warning());
    }
    /// The value, or an error that quotes the text that was no such value.
    pub fn parsed<T, E: std::fmt::Display>(
        &mut self,
        path: &str,
        text: &str,
        value: Result<T, E>,
    ) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(error) => {
                self.fail(path, "invalid", format!("`{text}` {error}"), "");
                None
            }
        }
    }
    /// The value; a name that is not among the known ones is an error with the nearest one.
    pub fn known<T>(
        &mut self,
        path: &str,
        (what, name): (&str, &str),
        found: Option<T>,
        names: &[&str],
    ) -> Option<T> {
        if found.is_none() {
            let help = shape::nearest(name, names.iter().copied()).map_or_else(
                || format!("known: {}", names.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            self.fail(path, "unknown_reference", format!("there is no {what} `{name}`"), help);
        }
        found
    }
}
