//! Regular expressions that are part of the program's text. Takes a constant pattern, gives answers
//! in linear time (the regex crate does not backtrack). A pattern that does not compile matches
//! nothing; the tests beside each table would fail on it.

use regex::{Captures, Regex, RegexBuilder};

/// What a pattern may remember of its way through texts, in octets, once for each thread that uses it. The default
/// of two megabytes makes a hundred of all patterns on a few threads; more than this is rarely needed.
const MEMORY: usize = 256 * 1024;

/// A compiled constant pattern.
#[derive(Debug)]
pub struct Pattern(Option<Regex>);

impl Pattern {
    /// Compiles; `text` is a constant of the program.
    pub fn new(text: &str) -> Self {
        Self(RegexBuilder::new(text).dfa_size_limit(MEMORY).build().ok())
    }
    /// True when the pattern compiled.
    pub const fn is_sound(&self) -> bool {
        self.0.is_some()
    }
    /// True when it occurs in `text`.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|p| p.is_match(text))
    }
    /// The groups of the first occurrence.
    pub fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        self.0.as_ref()?.captures(text)
    }
    /// Where the first occurrence starts and ends, in bytes.
    pub fn find(&self, text: &str) -> Option<(usize, usize)> {
        self.0.as_ref()?.find(text).map(|m| (m.start(), m.end()))
    }
    /// Every occurrence.
    pub fn find_all<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> + use<'_, 't> {
        self.0.iter().flat_map(move |p| p.find_iter(text).map(|m| m.as_str()))
    }
    /// The groups of every occurrence.
    pub fn captures_all<'t>(&self, text: &'t str) -> impl Iterator<Item = Captures<'t>> + use<'_, 't> {
        self.0.iter().flat_map(move |p| p.captures_iter(text))
    }
    /// The text with every occurrence replaced by what `with` gives.
    pub fn replace_all(&self, text: &str, with: impl FnMut(&Captures<'_>) -> String) -> String {
        self.0.as_ref().map_or_else(|| text.to_owned(), |p| p.replace_all(text, with).into_owned())
    }
}

/// A constant pattern, compiled on first use.
macro_rules! pattern {
    ($(#[$doc:meta])* $name:ident, $text:expr) => {
        $(#[$doc])*
        static $name: std::sync::LazyLock<$crate::intake::pattern::Pattern> =
            std::sync::LazyLock::new(|| $crate::intake::pattern::Pattern::new($text));
    };
}
pub(crate) use pattern;
