//! The placeholders of one ticket: the same value gets the same number through all its messages.
//! Holds values in the clear and is kept sealed; masks itself in logs.

use std::collections::HashMap;
use std::fmt;

use super::finding::Kind;

/// Which placeholder stands for which value, in one ticket. Serialised, it is PHI: seal it.
#[derive(Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Placeholders {
    known: Vec<(Kind, String)>,
    #[serde(skip)]
    numbers: HashMap<(Kind, String), u32>,
    #[serde(skip)]
    counts: HashMap<Kind, u32>,
}

impl Placeholders {
    /// The placeholder of a value, `[NAME-1]`; a new value gets the next number of its kind.
    pub fn stand_in(&mut self, kind: Kind, value: &str) -> String {
        self.index();
        let key = (kind, normal(kind, value));
        let number = match self.numbers.get(&key) {
            Some(number) => *number,
            None => self.add(key),
        };
        format!("[{}-{number}]", kind.as_str())
    }

    /// The values of a kind that this ticket has seen, normalised (lower case, single spaces).
    pub fn values(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.known.iter().filter(move |(k, _)| *k == kind).map(|(_, value)| value.as_str())
    }

    fn add(&mut self, key: (Kind, String)) -> u32 {
        let count = self.counts.entry(key.0).or_insert(0);
        *count += 1;
        let number = *count;
        self.known.push(key.clone());
        self.numbers.insert(key, number);
        number
    }

    /// Builds the look-up again after it was read back from its sealed form.
    fn index(&mut self) {
        if self.numbers.len() != self.known.len() {
            for key in std::mem::take(&mut self.known) {
                self.add(key);
            }
        }
    }
}

impl fmt::Debug for Placeholders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} placeholders>", self.known.len())
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
        let sealed = serde_json::to_string(&ticket).unwrap();
        let mut again: Placeholders = serde_json::from_str(&sealed).unwrap();
        assert_eq!(again.stand_in(Kind::Name, "john roe"), "[NAME-2]");
        assert_eq!(again.stand_in(Kind::Name, "Jane Doe"), "[NAME-3]");
        assert!(!format!("{again:?}").contains("roe"));
    }
}
