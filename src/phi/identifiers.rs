//! Numbers that stand for a person, an organisation, an account or a card, by their form and check
//! digits. Takes text, gives findings; what needs words around it to be believed says so.

use regex::Regex;

use super::checks;
use super::finding::{Finding, Kind};

/// A form and what makes it credible.
struct Form {
    rule: &'static str,
    kind: Kind,
    shape: Regex,
    holds: fn(&str) -> bool,
}

/// Forms that stand alone: their check digits or their punctuation are proof enough.
pub struct Identifiers {
    forms: Vec<Form>,
}

impl Identifiers {
    /// Compiles the forms.
    pub fn new() -> Self {
        let form =
            |rule, kind, shape: &str, holds| Form { rule, kind, shape: super::redact::pattern(shape), holds };
        Self {
            forms: vec![
                form("id.cpf", Kind::Id, r"\d{3}[. ]?\d{3}[. ]?\d{3}[-. ]?\d{2}", checks::cpf),
                form(
                    "id.cnpj",
                    Kind::Id,
                    r"[0-9A-Z]{2}\.?[0-9A-Z]{3}\.?[0-9A-Z]{3}/?[0-9A-Z]{4}-?\d{2}",
                    checks::cnpj,
                ),
                form("id.ssn", Kind::Id, r"\d{3}-\d{2}-\d{4}", checks::ssn),
                form("card.luhn", Kind::Card, r"[2-6]\d{3}(?:[ -]?\d){9,15}", checks::card),
                form("account.iban", Kind::Account, r"[A-Z]{2}\d{2}(?: ?[0-9A-Z]){11,30}", checks::iban),
                form(
                    "id.codice_fiscale",
                    Kind::Id,
                    r"(?i)[A-Z]{6}[\dLMNP-V]{2}[A-EHLMPR-T][\dLMNP-V]{2}[A-Z][\dLMNP-V]{3}[A-Z]",
                    |_| true,
                ),
            ],
        }
    }

    /// Adds what it finds.
    pub fn find(&self, text: &str, found: &mut Vec<Finding>) {
        for form in &self.forms {
            for hit in form.shape.find_iter(text) {
                if alone(text, hit.start(), hit.end()) && (form.holds)(hit.as_str()) {
                    found.push(Finding::new(hit.start(), hit.end(), form.kind, form.rule));
                }
            }
        }
    }
}

/// True when no letter, digit or underscore touches the stretch.
pub fn alone(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(..start).and_then(|t| t.chars().next_back());
    let after = text.get(end..).and_then(|t| t.chars().next());
    let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    !joins(before) && !joins(after)
}
