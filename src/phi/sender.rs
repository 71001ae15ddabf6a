//! The author of a mail, as From names them: their own name, telephone and mail address stay in
//! greeting and signature.

use std::collections::HashSet;

use super::finding::{Finding, Kind};
use super::lexicon::fold;
use super::page::{Page, Zone};
use crate::domain::address::Mailbox;

/// The words by which the author is known, folded, and the address.
#[derive(Default)]
pub struct Sender {
    words: HashSet<String>,
    address: String,
}

impl Sender {
    /// Reads the display name and the local part.
    pub fn new(from: Option<&Mailbox>) -> Self {
        let Some(from) = from else { return Self::default() };
        let name = from.name.as_deref().unwrap_or_default();
        let spoken = name.split(|c: char| !c.is_alphanumeric());
        let local = from.address.local().split(|c: char| !c.is_alphabetic());
        let words = spoken.chain(local).filter(|part| part.chars().count() > 1).map(fold).collect();
        Self { words, address: from.address.expose().to_lowercase() }
    }

    /// True for a word of the author's name.
    pub fn has(&self, word: &str) -> bool {
        self.words.contains(word)
    }

    /// True when nobody is known.
    pub fn is_unknown(&self) -> bool {
        self.address.is_empty()
    }

    /// True for the author's own telephone and mail address in the signature.
    pub fn signs(&self, page: &Page<'_>, finding: &Finding) -> bool {
        let signed = page.zone(page.token_at(finding.start)) == Zone::Signature;
        if !signed || self.is_unknown() {
            return false;
        }
        let value = page.slice(finding.start, finding.end);
        let bare = || value.bytes().all(|byte| byte.is_ascii_digit());
        match finding.kind {
            Kind::Phone => true,
            Kind::Id => finding.rule == "id.digits" || finding.rule == "id.cpf" && bare(),
            Kind::Email => value.to_lowercase() == self.address,
            _ => false,
        }
    }
}
