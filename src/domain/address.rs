//! Addresses (RFC 5321 4.1.2, RFC 5322 3.4). Takes header text, gives values that mask themselves
//! in every log; the clear value comes only by `expose`. Never compares display names.

use std::fmt;

/// Why a text is not a mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No `@`, or nothing on one side of it.
    #[error("is not of the form local@domain")]
    Shape,
    /// RFC 5321 4.5.3.1: 64 octets before the `@`, 255 behind it.
    #[error("is longer than RFC 5321 allows")]
    TooLong,
    /// White space, control characters or brackets.
    #[error("has a character that is not allowed")]
    Character,
}

/// One mail address; the domain is lower-cased, the local part keeps its case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailAddress {
    whole: Box<str>,
    at: usize,
}

impl EmailAddress {
    /// # Errors
    /// [`AddressError`] says what is wrong with the form.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::Shape)?;
        let domain = domain.trim_end_matches('.');
        if local.is_empty() || domain.is_empty() {
            return Err(AddressError::Shape);
        }
        if local.len() > 64 || domain.len() > 255 {
            return Err(AddressError::TooLong);
        }
        let bad = |c: char| {
            c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | '\\')
        };
        if text.chars().any(bad) || domain.contains(['@', '"', '/']) || domain.starts_with('.') {
            return Err(AddressError::Character);
        }
        let whole = format!("{local}@{}", domain.to_lowercase());
        Ok(Self { at: local.len(), whole: whole.into() })
    }
    /// The address in the clear.
    pub fn expose(&self) -> &str {
        &self.whole
    }
    /// What stands before the `@`.
    pub fn local(&self) -> &str {
        self.whole.split_at_checked(self.at).map_or("", |(local, _)| local)
    }
    /// What stands behind the `@`, lower-cased.
    pub fn domain(&self) -> &str {
        self.whole.split_at_checked(self.at + 1).map_or("", |(_, domain)| domain)
    }
    /// The form in which two addresses are the same person: lower-cased; at gmail.com and
    /// googlemail.com also without dots and `+tag`.
    pub fn identity(&self) -> String {
        let local = self.local().to_lowercase();
        match self.domain() {
            "gmail.com" | "googlemail.com" => {
                let base = local.split('+').next().unwrap_or_default().replace('.', "");
                format!("{base}@gmail.com")
            }
            domain => format!("{local}@{domain}"),
        }
    }
    /// The same address without a sub-address behind `separator` (RFC 5233).
    #[must_use]
    pub fn without_detail(&self, separator: char) -> Self {
        let local = self.local();
        let base = local.split(separator).next().filter(|base| !base.is_empty()).unwrap_or(local);
        Self { whole: format!("{base}@{}", self.domain()).into(), at: base.len() }
    }
    /// What stands behind the first `separator` of the local part.
    pub fn detail(&self, separator: char) -> Option<&str> {
        self.local().split_once(separator).map(|(_, detail)| detail).filter(|d| !d.is_empty())
    }
    /// The masked form that logs and lists show: first letter, domain kept.
    pub fn masked(&self) -> String {
        let first = self.local().chars().next().unwrap_or('*');
        format!("{first}***@{}", self.domain())
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<address>")
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<address>")
    }
}

/// A mailbox of a header: an address with the name its owner wrote beside it.
#[derive(Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name, in the clear; never an identity.
    pub name: Option<String>,
    /// The address.
    pub address: EmailAddress,
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<mailbox>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_follows_the_provider() {
        let cases = [
            ("A.B+x@GMail.com", "ab@gmail.com"),
            ("ab@googlemail.com", "ab@gmail.com"),
            ("A.B+x@Clinic.Example", "a.b+x@clinic.example"),
        ];
        for (text, want) in cases {
            assert_eq!(EmailAddress::parse(text).map(|a| a.identity()).as_deref(), Ok(want));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in ["", "@", "a@", "@b", "a b@c", "a@b c", "a@<b>", "plain"] {
            assert!(EmailAddress::parse(bad).is_err(), "{bad:?}");
        }
        assert!(EmailAddress::parse(&format!("{}@b.example", "l".repeat(65))).is_err());
    }

    #[test]
    fn an_address_masks_itself() {
        let address = EmailAddress::parse("mary.major@clinic.example").ok();
        assert_eq!(format!("{address:?}"), "Some(<address>)");
        assert_eq!(address.map(|a| a.masked()).as_deref(), Some("m***@clinic.example"));
    }
}
