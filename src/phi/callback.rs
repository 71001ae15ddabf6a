//! The requester's own telephone, for a sealed field that agents see though the text is redacted.
//! Takes what the person wrote and what was cut off below it, gives a number only where it is theirs:
//! from their signature, or where they say that it is. The last number of a mail may be a patient's.

use super::chunks::{self, label_of};
use super::finding::{Finding, Kind};
use super::identifiers;
use super::lexicon::{Label, Roles};
use super::page::{Page, Zone};
use super::redact::Redactor;
use crate::domain::text::RawText;

/// Words of someone who speaks of themselves.
const OWN: [&str; 17] = [
    "me",
    "my",
    "mine",
    "us",
    "our",
    "mi",
    "mis",
    "llameme",
    "llamarme",
    "nuestro",
    "meu",
    "minha",
    "nosso",
    "mio",
    "mia",
    "nostro",
    "chiamatemi",
];
/// How far before a number such a word counts, in tokens.
const REACH: usize = 7;

impl Redactor {
    /// The telephone of the author's signature, else one that they call theirs.
    pub fn requester_phone(&self, visible: &RawText, elided: &RawText) -> Option<RawText> {
        let closing = own_part(elided.expose());
        let signed = self.phone_where(&closing, |_, _| true);
        let signed = signed
            .or_else(|| self.phone_where(visible.expose(), |page, at| page.zone(at) == Zone::Signature));
        signed.or_else(|| self.phone_where(visible.expose(), says_own)).map(RawText::new)
    }

    fn phone_where(&self, text: &str, fits: impl Fn(&Page<'_>, usize) -> bool) -> Option<String> {
        let page = Page::new(text, &self.lexicon, &[]);
        let mut found = Vec::new();
        let taken = self.contacts.find(text, &mut found);
        let chunks = chunks::chunks(&page, &taken);
        found.clear();
        identifiers::find(&page, &chunks, &mut found);
        let mut phones = found.iter().filter(|finding| is_phone(text, finding));
        let fits = |f: &&Finding| {
            let at = page.token_at(f.start);
            matches!(page.zone(at), Zone::Body | Zone::Signature) && !is_fax(&page, at) && fits(&page, at)
        };
        phones.find(fits).and_then(|f| text.get(f.start..f.end)).map(str::to_owned)
    }
}

/// A telephone, or in a signature a bare number as long as one.
fn is_phone(text: &str, finding: &Finding) -> bool {
    let digits = text.get(finding.start..finding.end).unwrap_or_default().bytes().filter(u8::is_ascii_digit);
    let long = (7..=15).contains(&digits.count());
    long && (finding.kind == Kind::Phone || finding.rule == "id.digits")
}

fn is_fax(page: &Page<'_>, at: usize) -> bool {
    let line = page.get(at).map_or(0, |token| token.line);
    (at.saturating_sub(3)..at)
        .any(|back| page.word(back) == "fax" && page.get(back).is_some_and(|t| t.line == line))
}

/// `call me at`, `mi teléfono es`: the author speaks of themselves, and of no one else in between.
fn says_own(page: &Page<'_>, at: usize) -> bool {
    let labelled = label_of(page, at, |label| label == Label::Phone).is_some();
    let before: Vec<usize> = (at.saturating_sub(REACH)..at).rev().collect();
    let near = before.iter().take_while(|at| !page.get(**at).is_some_and(|t| t.is('.') || t.is(';')));
    let near: Vec<usize> = near.copied().collect();
    let own = near.iter().any(|at| OWN.contains(&page.word(*at)));
    let other = [Roles::ROLE, Roles::TITLE, Roles::NAME];
    let of_other =
        near.iter().any(|at| page.get(*at).is_some_and(|t| other.iter().any(|role| t.roles.has(*role))));
    labelled && own && !of_other
}

/// What was cut off, up to where another mail is quoted.
fn own_part(elided: &str) -> String {
    let quotes = |line: &&str| {
        let line = line.trim().to_lowercase();
        let header =
            ["from:", "de:", "da:", "von:", "on ", "el ", "em ", "il giorno", "-----", "_____", ">", "|"];
        let attribution = ["wrote:", "escribió:", "escreveu:", "scritto:"];
        header.iter().any(|start| line.starts_with(start))
            || attribution.iter().any(|end| line.ends_with(end))
    };
    elided.lines().take_while(|line| !quotes(line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::redact::Lists;
    use super::*;

    #[test]
    fn only_the_authors_own_number_is_lifted() {
        let redactor = Redactor::new(&Lists::default());
        let cases = [
            (
                "Patient Jane Roe called from 555-010-0133.\n\nRegards,\nRose Garza\n555-010-0144",
                "",
                "555-010-0144",
            ),
            (
                "The patient's number is 555-010-0133.",
                "Rose Garza\nIT Coordinator\nFax 555-010-0100\nTel. 555-010-0144",
                "555-010-0144",
            ),
            ("Please call me back at 555-010-0155, thanks.", "", "555-010-0155"),
            ("Llámeme al celular 300 555 0134 por favor.", "", "300 555 0134"),
            ("Please call my patient Jane Roe at 555-010-0133.", "", ""),
            ("Patient called from 555-010-0133.", "On Monday Jane Roe wrote:\n> Tel. 555-010-0166", ""),
            ("Error 5550100144 since build 45619.\n\nThanks,\nRose", "", ""),
        ];
        for (visible, elided, want) in cases {
            let got = redactor.requester_phone(&RawText::new(visible), &RawText::new(elided));
            assert_eq!(got.as_ref().map_or("", RawText::expose), want, "{visible} / {elided}");
        }
    }
}
