//! The header fields of the message itself, unfolded and as text. Takes what the parser found, gives
//! values by name in their order; RFC 2047 words are decoded where the field may hold them. Raw
//! eight-bit headers are read as `charset` says. Never looks into parts.

use chrono::{DateTime, Utc};
use mail_parser::parsers::MessageStream;
use mail_parser::{Addr, Address, DateTime as MailDate, HeaderValue, Message};

use super::{charset, limits};
use crate::domain::address::{EmailAddress, Mailbox};
use crate::domain::ids::MessageId;

/// All fields of the top level, names lower-cased.
#[derive(Debug, Default)]
pub struct Headers {
    fields: Vec<(String, String)>,
    /// True when a field held octets above 127 that are no UTF-8.
    pub eight_bit: bool,
}

impl Headers {
    /// Reads the fields of `message` out of its raw octets.
    pub fn of(message: &Message<'_>) -> Self {
        let mut headers = Self::default();
        let list = message.parts.first().map_or(&[][..], |part| &part.headers);
        for header in list {
            let start = usize::try_from(header.offset_start).unwrap_or(usize::MAX);
            let end = usize::try_from(header.offset_end).unwrap_or(usize::MAX);
            let raw = message.raw_message.get(start..end).unwrap_or_default();
            headers.push(header.name.as_str(), raw);
        }
        headers
    }
    fn push(&mut self, name: &str, raw: &[u8]) {
        let text = if let Ok(text) = std::str::from_utf8(raw) {
            text.to_owned()
        } else {
            self.eight_bit = true;
            charset::decode(raw, None).0
        };
        self.fields.push((name.to_ascii_lowercase(), unfold(&text)));
    }
    /// Every field: lower-cased name and unfolded value, top first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
    /// The values of a field, top first; `name` is lower-case.
    pub fn all<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h str> {
        self.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value)
    }
    /// The topmost value of a field.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
    /// True when the field is there, whatever it says.
    pub fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }
    /// True when the field is there and its value, lower-cased, starts with one of `words`.
    pub fn says(&self, name: &str, words: &[&str]) -> bool {
        self.all(name).any(|value| {
            let value = value.to_ascii_lowercase();
            words.iter().any(|word| value.starts_with(word))
        })
    }
    /// Text with its RFC 2047 words decoded, on one line.
    pub fn text(&self, name: &str) -> Option<String> {
        self.first(name).map(decode_words)
    }
    /// The mailboxes of all fields of this name, groups flattened, what is no address left out.
    pub fn mailboxes(&self, name: &str, max: usize) -> Vec<Mailbox> {
        self.all(name).flat_map(mailboxes).take(max).collect()
    }
    /// The identifiers of all fields of this name, in their order.
    pub fn message_ids(&self, name: &str) -> Vec<MessageId> {
        let mut ids = Vec::new();
        for value in self.all(name) {
            for id in message_ids(value) {
                if !ids.contains(&id) {
                    ids.push(id);
                }
                if ids.len() > limits::REFERENCES {
                    ids.remove(0);
                }
            }
        }
        ids
    }
    /// The instant of the `Date` field.
    pub fn date(&self) -> Option<DateTime<Utc>> {
        let value = format!("{}\n", self.first("date")?);
        let HeaderValue::DateTime(date) = MessageStream::new(value.as_bytes()).parse_date() else {
            return None;
        };
        instant(&date)
    }
}

fn instant(date: &MailDate) -> Option<DateTime<Utc>> {
    if date.is_valid() { DateTime::from_timestamp(date.to_timestamp(), 0) } else { None }
}

fn unfold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split(['\r', '\n']).filter(|line| !line.is_empty()) {
        if out.is_empty() {
            out.push_str(line.trim_start());
        } else {
            if !line.starts_with([' ', '\t']) {
                out.push(' ');
            }
            out.push_str(line);
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// RFC 2047 words to text, on one line, at most [`limits::SUBJECT_CHARS`] characters.
pub fn decode_words(value: &str) -> String {
    let line = format!("{value}\n");
    let text = match MessageStream::new(line.as_bytes()).parse_unstructured() {
        HeaderValue::Text(text) => text.into_owned(),
        _ => String::new(),
    };
    charset::one_line(&text).chars().take(limits::SUBJECT_CHARS).collect()
}

fn mailboxes(value: &str) -> Vec<Mailbox> {
    let line = format!("{value}\n");
    let list = match MessageStream::new(line.as_bytes()).parse_address() {
        HeaderValue::Address(Address::List(list)) => list,
        HeaderValue::Address(Address::Group(groups)) => {
            groups.into_iter().flat_map(|g| g.addresses).collect()
        }
        _ => Vec::new(),
    };
    list.iter().filter_map(mailbox).collect()
}

fn mailbox(addr: &Addr<'_>) -> Option<Mailbox> {
    let name = addr.name.as_deref().map(charset::one_line).filter(|name| !name.is_empty());
    let address = addr.address.as_deref().and_then(|text| EmailAddress::parse(text).ok());
    // "Name" without an address, where the name is the address (broken clients).
    let address =
        address.or_else(|| EmailAddress::parse(name.as_deref()?.trim_matches(['\'', '"', '<', '>'])).ok())?;
    Some(Mailbox { name, address })
}

/// `<id>` tokens of References and In-Reply-To; bare words with an `@` where there are no brackets.
pub fn message_ids(value: &str) -> Vec<MessageId> {
    let mut ids: Vec<MessageId> = value
        .split('<')
        .skip(1)
        .filter_map(|rest| rest.split_once('>').map(|(id, _)| id.split_whitespace().collect::<String>()))
        .filter_map(|id| MessageId::parse(&id).ok())
        .collect();
    if ids.is_empty() {
        let words = value.split([' ', '\t', ',', '<', '>']).filter(|word| word.contains('@'));
        ids = words.filter_map(|word| MessageId::parse(word).ok()).collect();
    }
    ids
}

/// Every address in a value, wherever it stands: for Delivered-To and its kin, which hold one bare
/// address, and for damaged ones.
pub fn addresses(value: &str) -> Vec<EmailAddress> {
    value
        .split([' ', '\t', ',', ';', '<', '>', '"', '(', ')'])
        .map(|word| word.strip_prefix("mailto:").unwrap_or(word).trim_matches('\''))
        .filter_map(|word| EmailAddress::parse(word).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l18_identifiers_without_substance_are_dropped() {
        let cases: [(&str, &[&str]); 6] = [
            ("<a@b.example> <c@d.example>", &["a@b.example", "c@d.example"]),
            ("<> < > <\"\">", &[]),
            ("a@b.example", &["a@b.example"]),
            ("Your message of Monday", &[]),
            ("<split\t@b.example>", &["split@b.example"]),
            ("<a@b.example", &["a@b.example"]),
        ];
        for (value, want) in cases {
            let got: Vec<String> = message_ids(value).iter().map(|id| id.expose().to_owned()).collect();
            assert_eq!(got, want, "{value}");
        }
    }

    #[test]
    fn words_and_addresses_are_decoded() {
        assert_eq!(decode_words("=?iso-8859-1?q?Ol=E1?= =?utf-8?b?w6E=?="), "Ol\u{e1}\u{e1}");
        let list = mailboxes("\"Major, Mary\" <mary@clinic.example>, group: a@b.example, c@d.example;");
        let got: Vec<&str> = list.iter().map(|m| m.address.expose()).collect();
        assert_eq!(got, ["mary@clinic.example", "a@b.example", "c@d.example"]);
        assert_eq!(list.first().and_then(|m| m.name.clone()).as_deref(), Some("Major, Mary"));
    }
}
