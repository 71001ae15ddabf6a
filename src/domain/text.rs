//! Privacy as a type: `RawText -> RedactedText`. Raw text is what a person wrote, in the clear: it
//! lives in memory and in sealed rows only and masks itself in logs. Redacted text may be stored in
//! the clear and mailed to an agent. Only `phi/` (and `store/`, reading back what it stored) calls
//! [`RedactedText::vouched`]; the house test keeps it so.

use std::fmt;

/// Text as a person wrote it, PHI included.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct RawText(String);

impl RawText {
    /// Takes decoded text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    /// The text in the clear.
    pub fn expose(&self) -> &str {
        &self.0
    }
    /// True when nothing but white space is there.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl fmt::Debug for RawText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<raw text, {} bytes>", self.0.len())
    }
}

/// Text after `phi::redact`: a minimum-necessary aid, still PHI, but fit for clear columns and for
/// agents.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct RedactedText(String);

impl RedactedText {
    /// The caller vouches that the redactor made this text (or that it holds no customer text at
    /// all). Called in `phi/` and `store/` only.
    pub fn vouched(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    /// A part of this text: less of a redacted text is redacted all the same.
    #[must_use]
    pub fn part(&self, of: impl for<'t> FnOnce(&'t str) -> &'t str) -> Self {
        Self(of(&self.0).to_owned())
    }
    /// The redacted text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RedactedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<redacted text, {} bytes>", self.0.len())
    }
}
