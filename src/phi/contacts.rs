//! Mail addresses, links, network addresses. Takes text and a cut
//! page, gives findings.

use regex::Regex;

use super::chunks::{Chunk, label_of};
use super::finding::{Finding, Kind};
use super::lexicon::Label;
use super::page::Page;
use super::redact::pattern;

/// Forms of contact data.
pub struct Contacts {
    email: Regex,
    link: Regex,
}

impl Contacts {
    /// Compiles the forms.
    pub fn new() -> Self {
        Self {
            email: pattern(r"[\p{L}\p{N}._%+'-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+"),
            link: pattern(r#"(?i)(?:https?|ftp)://[^\s<>"'\[\])]+|www\.[^\s<>"'\[\])]+"#),
        }
    }

    /// Mail addresses and links that carry more than a host, and the bytes of all links.
    pub fn find(&self, text: &str, found: &mut Vec<Finding>) -> Vec<(usize, usize)> {
        let mut taken = Vec::new();
        if text.contains("://") || text.contains("www.") {
            for hit in self.link.find_iter(text) {
                let link = hit.as_str().trim_end_matches(['.', ',', ';', ':', '!', '?']);
                let end = hit.start() + link.len();
                taken.push((hit.start(), end));
                if telling(link) {
                    found.push(Finding::new(hit.start(), end, Kind::Url, "url.path"));
                }
            }
        }
        if text.contains('@') {
            for hit in self.email.find_iter(text) {
                let end = hit.start() + hit.as_str().trim_end_matches(['.', '-']).len();
                taken.push((hit.start(), end));
                found.push(Finding::new(hit.start(), end, Kind::Email, "email.form"));
            }
        }
        taken.sort_unstable();
        taken
    }
}

/// A link with a query, a user or a number in its path can name a person; a bare page cannot.
fn telling(link: &str) -> bool {
    let path = link.split_once("://").map_or(link, |(_, rest)| rest);
    let path = path.split_once('/').map_or("", |(_, path)| path);
    let digits = path.split(|c: char| !c.is_ascii_digit()).any(|run| run.len() >= 3);
    link.contains(['?', '@', '=']) || digits
}

/// Adds network addresses. Four numbers are an address unless they are a version: behind such a
/// word or a product's name, or too small for one without a word that says address.
pub fn find_network(page: &Page<'_>, chunks: &[Chunk], found: &mut Vec<Finding>) {
    for chunk in chunks {
        let text = page.slice(chunk.start, chunk.end);
        let version = || label_of(page, chunk.first, |label| label == Label::Ticket).is_some();
        let host = text.split(':').next().unwrap_or(text);
        let ported = host.len() < text.len();
        if four_octets(host) && !version() && (ported || addressed(page, chunk) || wide(page, chunk, text)) {
            found.push(Finding::new(chunk.start, chunk.end, Kind::Ip, "ip.v4"));
        }
        if text.matches(':').count() >= 5
            && text.split(':').all(|part| part.len() <= 4 && part.bytes().all(|b| b.is_ascii_hexdigit()))
        {
            let hardware = text.split(':').all(|part| part.len() == 2);
            let (kind, rule) = if hardware { (Kind::Device, "device.mac") } else { (Kind::Ip, "ip.v6") };
            found.push(Finding::new(chunk.start, chunk.end, kind, rule));
        }
    }
}

/// Four numbers below 256 with points between them.
pub fn four_octets(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 4
        && parts.iter().all(|part| part.len() <= 3 && part.parse::<u16>().is_ok_and(|value| value < 256))
}

/// True behind a word that says address.
fn addressed(page: &Page<'_>, chunk: &Chunk) -> bool {
    let says = |at: usize| {
        matches!(
            page.word(at),
            "ip" | "ipv4"
                | "address"
                | "addr"
                | "host"
                | "from"
                | "desde"
                | "indirizzo"
                | "endereco"
                | "direccion"
                | "client"
                | "src"
                | "remote"
                | "peer"
                | "gateway"
                | "da"
                | "dal"
                | "dall"
        )
    };
    let back = |steps: usize| chunk.first.checked_sub(steps);
    let marked = back(1).and_then(|at| page.get(at)).is_some_and(|token| token.is(':') || token.is('='));
    back(1).is_some_and(says) || marked && back(2).is_some_and(says)
}

/// An octet above 99, and no product's name directly before: a version's parts are small.
fn wide(page: &Page<'_>, chunk: &Chunk, text: &str) -> bool {
    let named = page.before(chunk.first).is_some_and(super::page::Token::is_capital);
    text.split('.').filter(|part| part.len() == 3).count() >= if named { 2 } else { 1 }
}
