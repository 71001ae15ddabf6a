//! Why a stretch was replaced, without a word of it: its place, its rule, its length, and how far
//! before it the word stands that the rule went by. Takes text, gives numbers and rule ids; for a
//! person at a terminal, never for a log.

use super::finding::{Span, in_code_points};
use super::lexicon::Roles;
use super::page::Page;
use super::redact::{Context, Redactor};
use crate::domain::text::RawText;

/// A replaced stretch and its reason.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Reason {
    /// Where, what, by which rule.
    #[serde(flatten)]
    pub span: Span,
    /// Code points of the stretch.
    pub length: usize,
    /// Code points from the begin of the governing word (label, title, role) to the stretch; 0 for a
    /// rule that needs none.
    pub context: usize,
}

impl Redactor {
    /// The reasons for everything that [`Redactor::redact`] would replace.
    pub fn explain(&self, text: &RawText, context: &Context<'_>) -> Vec<Reason> {
        let findings = self.redact(text, context).findings;
        let text = text.expose();
        let page = Page::new(text, &self.lexicon, &[]);
        let spans = in_code_points(text, &findings);
        let reason = |(span, start): (Span, usize)| Reason {
            length: span.end - span.start,
            context: governed_from(&page, &span, start)
                .map_or(0, |from| text.get(from..start).unwrap_or_default().chars().count()),
            span,
        };
        spans.into_iter().zip(findings.iter().map(|f| f.start)).map(reason).collect()
    }
}

/// The byte at which the word begins that a rule went by.
fn governed_from(page: &Page<'_>, span: &Span, start: usize) -> Option<usize> {
    /// Further back no rule looks.
    const TOKENS: usize = 14;
    let at = page.token_at(start);
    let mut tokens = (at.saturating_sub(TOKENS)..at).rev().filter_map(|at| page.get(at));
    let governing = match span.rule {
        "name.title" => Roles::TITLE.with(Roles::ROLE),
        "name.role" => Roles::ROLE.with(Roles::SEEK).with(Roles::GREET),
        rule if rule == "name.field" || rule.split_once('.').is_some_and(|(_, by)| by == "label") => {
            return page.get(page.label_before(at)?.first).map(|token| token.start);
        }
        _ => return None,
    };
    tokens.find(|token| token.roles.has(governing)).map(|token| token.start)
}

#[cfg(test)]
mod tests {
    use super::super::redact::Lists;
    use super::*;

    #[test]
    fn reasons_give_numbers_and_rules_and_no_text() {
        let redactor = Redactor::new(&Lists::default());
        let text = RawText::new("Oggi: Patient Mary Major: MRN is 0045567, CPF 529.982.247-25");
        let reasons = redactor.explain(&text, &Context::default());
        let shown: Vec<(&str, usize, usize, usize)> =
            reasons.iter().map(|r| (r.span.rule, r.span.start, r.length, r.context)).collect();
        let want = [("name.role", 14, 10, 8), ("id.label", 33, 7, 7), ("id.cpf", 46, 14, 0)];
        assert_eq!(shown, want);
        let json = serde_json::to_string(&reasons).unwrap();
        assert!(!json.contains("Major") && json.contains("\"context\":8"));
    }
}
