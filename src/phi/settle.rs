//! Redaction until nothing more is found. What a placeholder replaced no longer stands between a
//! label and another value, so a second look can find more; and a text that was redacted once must
//! come out of a second redaction unchanged. Takes findings, gives them settled.

use super::finding::{Finding, Kind, unite};

/// A text in which findings are replaced by nameless placeholders, and where each came from.
pub struct Masked {
    /// The text.
    pub text: String,
    /// Masked start, masked end, original start, original end of each finding.
    map: Vec<(usize, usize, usize, usize)>,
}

impl Masked {
    /// Replaces sorted, disjoint findings.
    pub fn new(text: &str, findings: &[Finding]) -> Self {
        let mut masked =
            Self { text: String::with_capacity(text.len()), map: Vec::with_capacity(findings.len()) };
        let mut from = 0;
        for finding in findings {
            masked.text.push_str(text.get(from..finding.start).unwrap_or_default());
            let start = masked.text.len();
            masked.text.push('[');
            masked.text.push_str(finding.kind.as_str());
            masked.text.push_str("-1]");
            masked.map.push((start, masked.text.len(), finding.start, finding.end));
            from = finding.end;
        }
        masked.text.push_str(text.get(from..).unwrap_or_default());
        masked
    }

    /// The same findings in the original text.
    pub fn back(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let place = |at: usize| {
            let before = self.map.partition_point(|(_, end, ..)| *end <= at);
            let (masked, original) = before
                .checked_sub(1)
                .and_then(|i| self.map.get(i))
                .map_or((0, 0), |(_, end, _, origin)| (*end, *origin));
            original + (at - masked)
        };
        findings.into_iter().map(|f| Finding::new(place(f.start), place(f.end), f.kind, f.rule)).collect()
    }
}

/// The longest placeholder between its brackets.
const LONGEST: usize = 20;

/// The placeholders in a text, as byte ranges: `[NAME-1]`.
pub fn placeholders(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (start, _) in text.match_indices('[') {
        let behind = text.as_bytes().get(start + 1..).unwrap_or_default();
        let Some(len) = behind.iter().take(LONGEST).position(|byte| *byte == b']') else { continue };
        let Some(inside) = text.get(start + 1..start + 1 + len) else { continue };
        let Some((kind, number)) = inside.split_once('-') else { continue };
        let counted = !number.is_empty() && number.len() < 8 && number.bytes().all(|b| b.is_ascii_digit());
        if counted && Kind::ALL.iter().any(|known| known.as_str() == kind) {
            found.push((start, start + inside.len() + 2));
        }
    }
    found
}

/// The kinds and numbers of the placeholders in a text.
pub fn numbers(text: &str) -> Vec<(Kind, u32)> {
    let inside = |(start, end): (usize, usize)| text.get(start + 1..end - 1)?.split_once('-');
    let parsed = |(kind, number): (&str, &str)| {
        let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind)?;
        Some((kind, number.parse().ok()?))
    };
    placeholders(text).into_iter().filter_map(inside).filter_map(parsed).collect()
}

/// Cuts out of the findings what is a placeholder already.
pub fn without(findings: Vec<Finding>, placeholders: &[(usize, usize)], text: &str) -> Vec<Finding> {
    if placeholders.is_empty() {
        return unite(findings);
    }
    let mut kept = Vec::new();
    for finding in unite(findings) {
        let mut from = finding.start;
        let first = placeholders.partition_point(|(_, end)| *end <= finding.start);
        let rest = placeholders.get(first..).unwrap_or_default();
        let inside = rest.iter().take_while(|(start, _)| *start < finding.end);
        for (start, end) in inside {
            kept.push(Finding { start: from, end: (*start).max(from), ..finding });
            from = *end;
        }
        kept.push(Finding { start: from, end: finding.end.max(from), ..finding });
    }
    kept.retain(|f| text.get(f.start..f.end).is_some_and(|value| value.chars().any(char::is_alphanumeric)));
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_of_the_masked_text_lead_back() {
        let text = "ab cd ef gh";
        let masked = Masked::new(text, &[Finding::new(3, 5, Kind::Id, "x")]);
        assert_eq!(masked.text, "ab [ID-1] ef gh");
        let back = masked.back(vec![Finding::new(10, 12, Kind::Name, "y")]);
        assert_eq!(back.first().and_then(|f| text.get(f.start..f.end)), Some("ef"));
    }

    #[test]
    fn placeholders_are_left_alone() {
        let text = "[NAME-1] x [NAME-] [FOO-1] [ID-22";
        assert_eq!(placeholders(text), vec![(0, 8)]);
        let cut = without(vec![Finding::new(0, 10, Kind::Address, "z")], &[(0, 8)], text);
        assert_eq!(cut, vec![Finding::new(8, 10, Kind::Address, "z")]);
    }
}
