//! Mail addresses and telephones. Takes text, gives findings.

use regex::Regex;

use super::checks::digits;
use super::finding::{Finding, Kind};
use super::identifiers::alone;
use super::redact::pattern;

/// Forms of contact data.
pub struct Contacts {
    email: Regex,
    phone: Regex,
}

impl Contacts {
    /// Compiles the forms.
    pub fn new() -> Self {
        Self {
            email: pattern(r"[\p{L}\p{N}._%+'-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+"),
            phone: pattern(
                r"(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\)[ .-]?)?\d{2,5}(?:[ ./-]\d{2,5}){1,4}|\+\d{8,14}|\(\d{2,4}\) ?\d{6,9}",
            ),
        }
    }

    /// Adds what it finds.
    pub fn find(&self, text: &str, found: &mut Vec<Finding>) {
        let hits = self.email.find_iter(text);
        found.extend(hits.map(|hit| Finding::new(hit.start(), hit.end(), Kind::Email, "email.form")));
        for hit in self.phone.find_iter(text) {
            if alone(text, hit.start(), hit.end()) && credible(hit.as_str()) {
                found.push(Finding::new(hit.start(), hit.end(), Kind::Phone, "phone.form"));
            }
        }
    }

    /// The last telephone of the text's closing lines, where a signature stands.
    pub fn signature_phone<'a>(&self, text: &'a str) -> Option<&'a str> {
        /// A signature is rarely longer.
        const CLOSING_LINES: usize = 8;
        let own = text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('>'));
        let closing: Vec<&str> = own.collect();
        let phone = |line: &&'a str| {
            let whole =
                |hit: &regex::Match<'_>| alone(line, hit.start(), hit.end()) && credible(hit.as_str());
            self.phone.find_iter(line).find(whole).map(|hit| hit.as_str())
        };
        closing.iter().rev().take(CLOSING_LINES).find_map(phone)
    }
}

/// E.164 allows 15 digits; less than 10 without `+` is more often something else. What reads as
/// year-month-day is no telephone.
fn credible(text: &str) -> bool {
    let count = digits(text).len();
    let dated = text.starts_with("19") || text.starts_with("20");
    let marked = text.starts_with(['+', '(']);
    count <= 15 && (marked && count >= 8 || count >= 10 && !(dated && text.contains('-')))
}
