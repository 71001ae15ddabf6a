//! What is wrong with a configuration, for people (miette, with the line) and for machines (JSON).
//! Never holds a secret: secrets do not stand in configuration files.

use std::fmt::{self, Display};
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode};
use serde::Serialize;

/// One problem and its remedy.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    /// The file as it was named.
    pub file: String,
    /// From 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// In characters, from 1; 0 when the file as a whole is meant.
    pub column: usize,
    /// Stable code: `unknown_key`, `missing_key`, `wrong_type`...
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// `error` or `warning`; a configuration with warnings is valid.
    pub severity: &'static str,
    #[serde(skip)]
    place: Option<Place>,
}

/// The text around a problem.
#[derive(Debug, Clone)]
struct Place {
    source: Arc<NamedSource<String>>,
    span: Range<usize>,
}

impl Problem {
    /// An error about a file as a whole.
    pub fn of_file(file: &str, code: &'static str, message: String, help: &str) -> Self {
        Self {
            file: file.to_owned(),
            line: 0,
            column: 0,
            code,
            message,
            help: if help.is_empty() { remedy(code) } else { help }.to_owned(),
            severity: "error",
            place: None,
        }
    }
    /// An error at a place of a text.
    pub(super) fn at(
        source: &Arc<NamedSource<String>>,
        span: Range<usize>,
        code: &'static str,
        message: String,
        help: &str,
    ) -> Self {
        let before = source.inner().get(..span.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            place: Some(Place { source: Arc::clone(source), span }),
            ..Self::of_file(source.name(), code, message, help)
        }
    }
    /// An error at a line and column, both from 1, of a file whose text is given.
    pub fn of_place(
        (file, text): (&str, &str),
        (line, column): (usize, usize),
        code: &'static str,
        (message, help): (String, &str),
    ) -> Self {
        let source = Arc::new(NamedSource::new(file, text.to_owned()));
        let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = text.get(start..).unwrap_or_default();
        let offset = rest.char_indices().nth(column.saturating_sub(1)).map_or(0, |(at, _)| at);
        Self::at(&source, start + offset..start + offset, code, message, help)
    }
    /// The same as a warning.
    #[must_use]
    pub fn warning(self) -> Self {
        Self { severity: "warning", ..self }
    }
}

/// What to do where the message says it already.
fn remedy(code: &str) -> &'static str {
    match code {
        "duplicate" => "names are told apart by this: change or remove one of the two",
        "missing_key" => "add the key; `mailward check --schema` tells what it holds",
        "syntax" => "the file is TOML 1.0: mend it at this place",
        _ => "change it as the message says; `mailward check --schema` tells what may stand here",
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        Some(Box::new(self.code))
    }
    fn severity(&self) -> Option<Severity> {
        Some(if self.severity == "warning" { Severity::Warning } else { Severity::Error })
    }
    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        if self.help.is_empty() { None } else { Some(Box::new(&self.help)) }
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.place.as_ref().map(|place| &place.source as &dyn SourceCode)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.place.as_ref()?.span.clone();
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(None, span))))
    }
}
