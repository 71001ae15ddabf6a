//! Placeholders: within a message the same value gets the same number; by keyed hashes of the values a
//! ticket can give the same numbers to all its messages. The table of a message holds values in the
//! clear: it lives in memory only and masks itself in logs.

use std::collections::HashMap;
use std::fmt;

use super::finding::Kind;
use super::settle::{numbers, placeholders};
use crate::domain::text::{RawText, RedactedText};

/// Which placeholder stands for which value, in one message.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Placeholders {
    numbers: HashMap<(Kind, String), u32>,
    counts: HashMap<Kind, u32>,
}

impl Placeholders {
    /// The placeholder of a value, `[NAME-1]`; a new value gets the next number of its kind.
    pub fn stand_in(&mut self, kind: Kind, value: &str) -> String {
        let key = (kind, normal(kind, value));
        let number = match self.numbers.get(&key) {
            Some(number) => *number,
            None => self.add(key),
        };
        shown(kind, number)
    }

    /// The values of a kind that were seen, normalised (lower case, single spaces), in no order.
    pub fn values(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.numbers.keys().filter(move |(k, _)| *k == kind).map(|(_, value)| value.as_str())
    }

    /// Numbers that stand in a text already (it quotes our own mail) stand for what they stood for: no
    /// new value gets one of them. All texts of a message come before the first is redacted.
    pub fn reserve(&mut self, text: &RawText) {
        for (kind, number) in numbers(text.expose()) {
            let count = self.counts.entry(kind).or_insert(0);
            *count = number.max(*count);
        }
    }

    /// What was handed out: kind, number, and the value under a key of the caller, so that it can be
    /// kept without the value.
    pub fn keyed(&self, key: impl Fn(Kind, &str) -> String) -> Vec<Issued> {
        let issued = self.numbers.iter().map(|((kind, value), number)| Issued {
            kind: *kind,
            number: *number,
            key: key(*kind, value),
        });
        let mut issued: Vec<Issued> = issued.collect();
        issued.sort_by_key(|one| (one.kind, one.number));
        issued
    }

    fn add(&mut self, key: (Kind, String)) -> u32 {
        let count = self.counts.entry(key.0).or_insert(0);
        *count += 1;
        let number = *count;
        self.numbers.insert(key, number);
        number
    }
}

fn shown(kind: Kind, number: u32) -> String {
    format!("[{}-{number}]", kind.as_str())
}

/// A placeholder of one message and the keyed hash of what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// What it stands for.
    pub kind: Kind,
    /// Its number in the message.
    pub number: u32,
    /// The keyed hash of the value.
    pub key: String,
}

/// The numbers of a ticket by keyed hash: no value can be read from it, so it may lie in the clear.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TicketNumbers(Vec<(Kind, String, u32)>);

impl TicketNumbers {
    /// The ticket's number of a value; a new one gets the next of its kind.
    pub fn number(&mut self, kind: Kind, key: &str) -> u32 {
        let same = |(k, known, _): &&(Kind, String, u32)| *k == kind && known == key;
        if let Some((.., number)) = self.0.iter().find(same) {
            return *number;
        }
        let last = self.0.iter().filter(|(k, ..)| *k == kind).map(|(.., number)| *number).max();
        let number = last.unwrap_or(0) + 1;
        self.0.push((kind, key.to_owned(), number));
        number
    }

    /// A message's text with the ticket's numbers. Placeholders that the message did not hand out are
    /// quoted from our own mail: they are the ticket's already.
    pub fn renumber(&mut self, text: &RedactedText, issued: &[Issued]) -> RedactedText {
        let text = text.as_str();
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for (start, end) in placeholders(text) {
            let inside = text.get(start + 1..end - 1).and_then(|inside| inside.split_once('-'));
            let fits = |one: &&Issued| {
                inside.is_some_and(|(kind, number)| {
                    kind == one.kind.as_str() && number.parse() == Ok(one.number)
                })
            };
            let Some(one) = issued.iter().find(fits) else { continue };
            out.push_str(text.get(from..start).unwrap_or_default());
            let number = self.number(one.kind, &one.key);
            out.push_str(&shown(one.kind, number));
            from = end;
        }
        out.push_str(text.get(from..).unwrap_or_default());
        RedactedText::vouched(out)
    }
}

impl fmt::Debug for Placeholders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} placeholders>", self.numbers.len())
    }
}

/// The form in which two spellings are one value: names and addresses by their words in lower case,
/// all else by letters and digits.
fn normal(kind: Kind, value: &str) -> String {
    match kind {
        Kind::Name | Kind::Address | Kind::Clinical => {
            value.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
        }
        Kind::Email | Kind::Url => value.to_lowercase(),
        _ => value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_value_keeps_its_number() {
        let mut ticket = Placeholders::default();
        let cases = [
            (Kind::Name, "Mary  Major", "[NAME-1]"),
            (Kind::Name, "John Roe", "[NAME-2]"),
            (Kind::Id, "529.982.247-25", "[ID-1]"),
            (Kind::Name, "MARY MAJOR", "[NAME-1]"),
            (Kind::Id, "52998224725", "[ID-1]"),
        ];
        for (kind, value, want) in cases {
            assert_eq!(ticket.stand_in(kind, value), want);
        }
        assert_eq!(ticket.stand_in(Kind::Name, "Jane Doe"), "[NAME-3]");
        assert!(!format!("{ticket:?}").contains("roe"));
    }

    #[test]
    fn a_ticket_gives_the_same_person_the_same_number_in_every_message() {
        let key =
            |kind: Kind, value: &str| format!("{kind:?}{:x}", value.len() * 31 + value.matches('o').count());
        let mut ticket = TicketNumbers::default();
        let mut first = Placeholders::default();
        let text = format!(
            "{} and {}",
            first.stand_in(Kind::Name, "John Roe"),
            first.stand_in(Kind::Name, "Mary Major")
        );
        let text = ticket.renumber(&RedactedText::vouched(text), &first.keyed(key));
        assert_eq!(text.as_str(), "[NAME-1] and [NAME-2]");
        // The second mail quotes our placeholder of the first, and names the second person first.
        let mut second = Placeholders::default();
        second.reserve(&RawText::new("> [NAME-2] and [ID-"));
        let text = format!(
            "{} {}, {}: [NAME-2]",
            second.stand_in(Kind::Name, "MARY MAJOR"),
            second.stand_in(Kind::Id, "1234"),
            second.stand_in(Kind::Name, "Jane Doe-Smith")
        );
        let text = ticket.renumber(&RedactedText::vouched(text), &second.keyed(key));
        assert_eq!(text.as_str(), "[NAME-2] [ID-1], [NAME-3]: [NAME-2]");
        assert!(!serde_json::to_string(&ticket).unwrap().to_lowercase().contains("major"));
    }
}
