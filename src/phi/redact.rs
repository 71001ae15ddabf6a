//! The redactor. Takes raw text and what is known about its author, gives redacted text and the
//! findings. Deterministic; the same `Redactor` serves all threads. Never fails: a caller that
//! cannot give it the text (too large, too slow) stores [`withheld`].

use regex::Regex;

use crate::domain::address::Mailbox;
use crate::domain::desk::ClinicalWords;
use crate::domain::message::Language;
use crate::domain::text::{RawText, RedactedText};

use super::contacts::{Contacts, find_network};
use super::finding::{self, Finding, Kind, Span};
use super::lexicon::{Lexicon, fold};
use super::likely;
use super::model::Model;
use super::names::Names;
use super::page::Page;
use super::placeholders::Placeholders;
use super::sender::Sender;
use super::settle::{self, Masked};
use super::{addresses, chunks, clinical, dates, hl7, identifiers};

/// What the operator adds to the built-in rules.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    /// Names of persons, always redacted, in whatever letters; their single words count as names.
    pub names: Vec<String>,
    /// Local forms of identifiers.
    pub formats: Vec<LocalFormat>,
    /// Words or phrases that are never redacted as a name.
    pub never: Vec<String>,
}

/// A local form of identifier: a pattern, and words of which one must stand near it.
#[derive(Debug, Clone)]
pub struct LocalFormat {
    pattern: Regex,
    context: Vec<String>,
}

impl LocalFormat {
    /// Takes a pattern in the syntax of the `regex` crate; `context` empty means it stands alone.
    ///
    /// # Errors
    /// The reason why the pattern does not compile.
    pub fn parse(pattern: &str, context: &[String]) -> Result<Self, regex::Error> {
        let context = context.iter().map(|word| word.to_lowercase()).collect();
        Ok(Self { pattern: Regex::new(pattern)?, context })
    }

    /// True when the form alone, whatever stands before it, is found in the text.
    pub fn matches(&self, text: &str) -> bool {
        self.pattern.is_match(text)
    }

    fn find(&self, text: &str, found: &mut Vec<Finding>) {
        for hit in self.pattern.find_iter(text) {
            let near = nearby(text, hit.start()).to_lowercase();
            if self.context.is_empty() || self.context.iter().any(|word| near.contains(word)) {
                found.push(Finding::new(hit.start(), hit.end(), Kind::Id, "local.format"));
            }
        }
    }
}

/// The 40 characters before a place.
fn nearby(text: &str, at: usize) -> &str {
    let before = text.get(..at).unwrap_or_default();
    let start = before.char_indices().rev().nth(39).map_or(0, |(start, _)| start);
    before.get(start..).unwrap_or_default()
}

/// What is known about a text beside its words.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// What it is written in, where known.
    pub language: Option<Language>,
    /// Its author: their own name, telephone and address in the signature are kept.
    pub from: Option<&'a Mailbox>,
    /// What the desk wants done with clinical words.
    pub clinical: ClinicalWords,
}

/// A redacted text and what was replaced in it.
#[derive(Debug, Clone)]
pub struct Redaction {
    /// Fit for clear columns and for agents.
    pub text: RedactedText,
    /// Sorted, disjoint, in bytes of the original.
    pub findings: Vec<Finding>,
}

/// All rules, compiled once.
pub struct Redactor {
    pub(super) contacts: Contacts,
    pub(super) lexicon: Lexicon,
    formats: Vec<LocalFormat>,
    model: Model,
}

impl Redactor {
    /// Compiles the rules with the operator's own lists.
    pub fn new(lists: &Lists) -> Self {
        Self::with_model(lists, Model::shipped())
    }

    /// The same with another model, or with [`Model::none`].
    pub fn with_model(lists: &Lists, model: Model) -> Self {
        let lexicon = Lexicon::new(&lists.names, &lists.never);
        Self { contacts: Contacts::new(), lexicon, formats: lists.formats.clone(), model }
    }

    /// Redacts a text on its own; placeholders count from 1.
    pub fn redact(&self, text: &RawText, context: &Context<'_>) -> Redaction {
        self.redact_with(&mut Placeholders::default(), text, context)
    }

    /// Redacts a text of a ticket: the same value keeps its placeholder in all of them, and a name
    /// once found is found again. Give it the body before the subject and the file names.
    pub fn redact_with(&self, ticket: &mut Placeholders, text: &RawText, context: &Context<'_>) -> Redaction {
        let findings = self.findings(text.expose(), context, ticket);
        ticket.reserve(text);
        let text = RedactedText::vouched(replaced(text.expose(), &findings, ticket));
        Redaction { text, findings }
    }

    /// Redacts the file name of an attachment; `_` parts its words, the ending stays.
    pub fn redact_file_name(
        &self,
        ticket: &mut Placeholders,
        name: &RawText,
        context: &Context<'_>,
    ) -> RedactedText {
        let mut spaced = name.expose().replace('_', " ");
        if let Some(point) = spaced.rfind('.') {
            spaced.replace_range(point..=point, " ");
        }
        let findings = self.findings(&spaced, context, ticket);
        RedactedText::vouched(replaced(name.expose(), &findings, ticket))
    }

    /// What `mailward redact --jsonl` prints: the spans in code points, and the redacted text.
    pub fn spans(&self, text: &RawText, context: &Context<'_>) -> (Vec<Span>, RedactedText) {
        let redaction = self.redact(text, context);
        (finding::in_code_points(text.expose(), &redaction.findings), redaction.text)
    }

    /// All findings of a text, sorted and disjoint; a second look at the masked text finds nothing
    /// more.
    pub(super) fn findings(&self, text: &str, context: &Context<'_>, ticket: &Placeholders) -> Vec<Finding> {
        /// Each look can only add; a third rarely does.
        const LOOKS: usize = 4;
        let mut found = self.look(text, context, ticket);
        for _ in 1..LOOKS {
            if found.is_empty() {
                break;
            }
            let masked = Masked::new(text, &found);
            let more = self.look(&masked.text, context, ticket);
            if more.is_empty() {
                break;
            }
            found.extend(masked.back(more));
            found = finding::unite(found);
        }
        found
    }

    /// One pass of all rules.
    fn look(&self, text: &str, context: &Context<'_>, ticket: &Placeholders) -> Vec<Finding> {
        let placeholders = settle::placeholders(text);
        let page = Page::new(text, &self.lexicon, &placeholders);
        let mut found = Vec::new();
        let mut taken = self.contacts.find(text, &mut found);
        taken.extend(&placeholders);
        taken.sort_unstable();
        hl7::find(text, &mut found);
        let chunks = chunks::chunks(&page, &taken);
        dates::find(&page, &chunks, &mut found);
        identifiers::find(&page, &chunks, &mut found);
        find_network(&page, &chunks, &mut found);
        identifiers::again(&page, &chunks, &mut found);
        addresses::find(&page, &taken, &mut found);
        addresses::find_places(&page, &mut found);
        for format in &self.formats {
            format.find(text, &mut found);
        }
        let token = |at: usize| page.get(at).copied();
        let listed = page.listed.iter().filter_map(|(first, last)| Some((token(*first)?, token(*last)?)));
        found.extend(listed.map(|(a, b)| Finding::new(a.start, b.end, Kind::Name, "name.operator")));
        let sender = Sender::new(context.from);
        found.retain(|finding| !sender.signs(&page, finding));
        let chances = self.model.chances(&page, &taken);
        likely::addresses(&page, &chances, &taken, &mut found);
        let known =
            ticket.values(Kind::Name).flat_map(str::split_whitespace).map(fold).filter(|w| w.len() > 2);
        Names::new(&page, &sender, &found, &taken)
            .in_language(context.language)
            .with_chances(chances)
            .find(&known.collect(), &mut found);
        clinical::find(&page, &chunks, context.clinical, &mut found);
        settle::without(found, &placeholders, text)
    }
}

/// The text with a placeholder for each finding.
pub(super) fn replaced(text: &str, findings: &[Finding], ticket: &mut Placeholders) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for finding in findings {
        out.push_str(text.get(from..finding.start).unwrap_or_default());
        out.push_str(
            &ticket.stand_in(finding.kind, text.get(finding.start..finding.end).unwrap_or_default()),
        );
        from = finding.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// Stands in for a text that could not be redacted; `reason` is a code of ours.
pub fn withheld(reason: &'static str) -> RedactedText {
    RedactedText::vouched(format!("[withheld: {reason}; the original is sealed]"))
}

/// A text of our own making that holds nothing a customer wrote.
pub fn no_customer_text(text: impl Into<String>) -> RedactedText {
    RedactedText::vouched(text)
}

#[expect(clippy::expect_used, reason = "the patterns are constants, and every test compiles all of them")]
pub(super) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern compiles")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cases: &[(&str, &str)]) {
        let redactor = Redactor::new(&Lists::default());
        for (text, want) in cases {
            let got = redactor.redact(&RawText::new(*text), &Context::default());
            assert_eq!(got.text.as_str(), *want, "{text}");
        }
    }

    #[test]
    fn the_plainest_identifiers_go() {
        check(&[
            ("write to mary.major@clinic.example, please", "write to [EMAIL-1], please"),
            ("call (555) 010-0199 or +1 555 010 0199", "call [PHONE-1] or [PHONE-2]"),
            ("CPF 529.982.247-25.", "CPF [ID-1]."),
            ("SSN 219-09-9999", "SSN [ID-1]"),
            ("card 4111 1111 1111 1111 twice: 4111111111111111", "card [CARD-1] twice: [CARD-1]"),
        ]);
    }

    #[test]
    fn what_the_ticket_needs_stays() {
        check(&[
            (
                "Ticket INC1234567, error 0x80070005 since 10.2.44.8",
                "Ticket INC1234567, error 0x80070005 since 10.2.44.8",
            ),
            ("[2026-03-04 10:11:12] retry 17", "[2026-03-04 10:11:12] retry 17"),
        ]);
    }

    #[test]
    fn the_operators_lists_count() {
        let format = LocalFormat::parse(r"\bZZ\d{3}\b", &["badge".to_owned()]).unwrap();
        let names = ["Zorblax", "may day"].map(str::to_owned).to_vec();
        let never = vec!["Santa Rosa".to_owned()];
        let redactor = Redactor::new(&Lists { names, formats: vec![format], never });
        let text = RawText::new("Zorblax holds badge ZZ123; ".to_owned() + &"x".repeat(60) + " ZZ123");
        let got = redactor.redact(&text, &Context::default());
        assert!(got.text.as_str().starts_with("[NAME-1] holds badge [ID-1]; "));
        assert!(got.text.as_str().ends_with(" ZZ123"));
        let cases = [
            ("it may be May Day, or zorblax's", "it may be [NAME-1], or [NAME-2]'s"),
            ("Patient Rosa Santa of Santa Rosa", "Patient [NAME-1] of Santa Rosa"),
            ("Patient Santa Rosa", "Patient Santa Rosa"),
        ];
        for (text, want) in cases {
            assert_eq!(redactor.redact(&RawText::new(text), &Context::default()).text.as_str(), want);
        }
    }
}
