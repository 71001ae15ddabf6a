//! Identifiers. Takes text or numbers from the outside through one `parse` each, gives values that
//! can no longer be wrong. Never empty, never zero: an empty key that matches rows would put
//! strangers' mail together.

use std::fmt;

use uuid::Uuid;

/// Why a text is not the identifier it claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing is left once white space and brackets are gone.
    #[error("is empty")]
    Empty,
    /// Longer than the type allows.
    #[error("is too long")]
    TooLong,
    /// A character that the type does not allow.
    #[error("has a character that is not allowed")]
    Character,
    /// Zero or out of range.
    #[error("is out of range")]
    Range,
}

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes a `UUIDv7` that the caller minted from its own clock and randomness.
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }
            /// The 16 bytes as they stand in the database.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
            /// Reads the 16 bytes of a database row.
            ///
            /// # Errors
            /// [`IdError::Range`] when the slice does not hold 16 bytes.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, IdError> {
                Uuid::from_slice(bytes).map(Self).map_err(|_| IdError::Range)
            }
            /// Reads the hyphenated form that the commands print.
            ///
            /// # Errors
            /// [`IdError::Character`] when the text is no UUID.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                Uuid::try_parse(text.trim()).map(Self).map_err(|_| IdError::Character)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

row_id!(
    /// A ticket, inside: stable under merging and moving.
    TicketId
);
row_id!(
    /// One message of a ticket.
    ArticleId
);
row_id!(
    /// One mail as the ledger knows it.
    LedgerId
);
row_id!(
    /// One outgoing mail to one recipient.
    OutboxId
);
row_id!(
    /// One run of the process: rows in flight of a dead run are replayed one by one.
    RunId
);

/// The number people see: decimal from 1, gapless per installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TicketNumber(i64);

impl TicketNumber {
    /// Five bytes of the token hold it, so it ends below 2^40.
    pub const MAX: i64 = (1 << 40) - 1;

    /// # Errors
    /// [`IdError::Range`] outside `1..=MAX`.
    pub const fn new(number: i64) -> Result<Self, IdError> {
        if number >= 1 && number <= Self::MAX { Ok(Self(number)) } else { Err(IdError::Range) }
    }
    /// The bare number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for TicketNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a participant within a ticket, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParticipantNo(u32);

impl ParticipantNo {
    /// The first of a ticket: its requester.
    pub const FIRST: Self = Self(1);

    /// # Errors
    /// [`IdError::Range`] for 0.
    pub const fn new(number: u32) -> Result<Self, IdError> {
        if number == 0 { Err(IdError::Range) } else { Ok(Self(number)) }
    }
    /// The bare number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// An IMAP UID (RFC 3501 2.3.1.1): never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uid(u32);

impl Uid {
    /// # Errors
    /// [`IdError::Range`] for 0.
    pub const fn new(uid: u32) -> Result<Self, IdError> {
        if uid == 0 { Err(IdError::Range) } else { Ok(Self(uid)) }
    }
    /// The bare number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// UIDVALIDITY of one folder (RFC 3501 2.3.1.1): a change means every UID is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UidValidity(pub u32);

/// A Message-ID (RFC 5322 3.6.4) without its angle brackets: never empty, masked in logs.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(Box<str>);

impl MessageId {
    /// RFC 5322 2.1.1 limits a line to 998 octets; a longer identifier is no identifier.
    pub const MAX: usize = 998;

    /// Takes `<id>` or `id`; folding white space around it is dropped.
    ///
    /// # Errors
    /// [`IdError`] when nothing is left, it is too long, or it holds white space, control
    /// characters or brackets.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let inner = text.trim();
        let inner = inner.strip_prefix('<').unwrap_or(inner);
        let inner = inner.strip_suffix('>').unwrap_or(inner).trim();
        if inner.is_empty() || inner.chars().all(|c| matches!(c, '"' | '\'' | '@' | '.')) {
            return Err(IdError::Empty);
        }
        if inner.len() > Self::MAX {
            return Err(IdError::TooLong);
        }
        if inner.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>')) {
            return Err(IdError::Character);
        }
        Ok(Self(inner.into()))
    }
    /// The identifier in the clear, without brackets.
    pub fn expose(&self) -> &str {
        &self.0
    }
    /// What stands left of the last `@`.
    pub fn left(&self) -> &str {
        self.0.rsplit_once('@').map_or(&*self.0, |(left, _)| left)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<message-id>")
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<message-id>")
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $max:expr, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// # Errors
            /// [`IdError`] when it is empty, too long, or holds a character outside its alphabet.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let allowed: fn(char) -> bool = $allowed;
                if text.is_empty() {
                    return Err(IdError::Empty);
                }
                if text.len() > $max {
                    return Err(IdError::TooLong);
                }
                if !text.chars().all(allowed) {
                    return Err(IdError::Character);
                }
                Ok(Self(text.into()))
            }
            /// The name as it was configured.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

const fn slug(c: char) -> bool {
    matches!(c, 'a'..='z' | '0'..='9' | '-' | '_')
}

name!(
    /// A desk's name: lower-case letters, digits, `-`, `_`, at most 64.
    DeskName, 64, slug
);
name!(
    /// A mail account's name: lower-case letters, digits, `-`, `_`, at most 64.
    AccountName, 64, slug
);
name!(
    /// An agent's name in the directory: lower-case letters, digits, `-`, `_`, `.`, at most 64.
    AgentName, 64, |c| slug(c) || c == '.'
);
name!(
    /// An organisation's name in the directory, same alphabet as an agent's.
    OrganisationName, 64, |c| slug(c) || c == '.'
);
name!(
    /// A category's code within a desk.
    Category, 64, slug
);
name!(
    /// A folder on the mail server, as the server spells it (modified UTF-7 stays as it is).
    FolderName, 255, |c| !c.is_control()
);

impl AccountName {
    /// The name of a desk's pipe; a colon keeps it apart from every configured name.
    pub fn pipe(desk: &DeskName) -> Self {
        Self(format!("pipe:{desk}").into())
    }
    /// Reads a name back from the ledger, where pipes stand too.
    ///
    /// # Errors
    /// As [`AccountName::parse`].
    pub fn parse_stored(text: &str) -> Result<Self, IdError> {
        match text.strip_prefix("pipe:") {
            Some(desk) => DeskName::parse(desk).map(|desk| Self::pipe(&desk)),
            None => Self::parse(text),
        }
    }
}

/// A keyed HMAC of an address or Message-ID: what the database compares instead of the clear value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LookupKey(pub [u8; 16]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l18_a_message_id_is_never_empty() {
        for bad in ["", "<>", "\"\"", "< >", "  ", "<\"\">", "@", "<@>", "a b", "<a\u{0}b>", "<<a>"] {
            assert!(MessageId::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(MessageId::parse(&"g".repeat(4096)), Err(IdError::TooLong));
        for good in ["<a@b>", "a@b", " <x.y@z> ", "no-at-sign", "<a@b"] {
            assert!(MessageId::parse(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn numbers_stay_in_range() {
        assert!(TicketNumber::new(0).is_err());
        assert!(TicketNumber::new(TicketNumber::MAX + 1).is_err());
        assert!(Uid::new(0).is_err());
        assert!(ParticipantNo::new(0).is_err());
        assert!(DeskName::parse("Colombia").is_err());
        assert!(DeskName::parse("").is_err());
    }
}
