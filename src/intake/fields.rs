//! Labelled lines that a desk asks for (`Instance:`, `Prioridade:`). Takes visible text and the
//! desk's labels, gives name and value, each name once; the first line that has a value wins.

use unicode_normalization::UnicodeNormalization as _;

use crate::domain::text::RawText;

/// Longest value, in characters.
const VALUE: usize = 500;

/// Lifts the fields out. `labels` holds the label as written in mails and the field's name.
pub fn lift(text: &str, labels: &[(String, String)]) -> Vec<(String, RawText)> {
    let mut found: Vec<(String, RawText)> = Vec::new();
    if labels.is_empty() {
        return found;
    }
    let labels: Vec<(String, &str)> =
        labels.iter().map(|(label, name)| (fold(label), name.as_str())).collect();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((label, value)) = split(line) else { continue };
        let Some((_, name)) = labels.iter().find(|(known, _)| *known == label) else { continue };
        // Forms put the value on the next line.
        let value = if value.is_empty() {
            lines.peek().filter(|next| split(next).is_none()).map_or("", |next| next.trim())
        } else {
            value
        };
        if value.is_empty() || found.iter().any(|(known, _)| known == name) {
            continue;
        }
        found.push(((*name).to_owned(), RawText::new(value.chars().take(VALUE).collect::<String>())));
    }
    found
}

/// `Label: value`, with bullets and bold marks of plain text dropped.
fn split(line: &str) -> Option<(String, &str)> {
    let (label, value) = line.split_once([':', '\u{ff1a}', '\t'])?;
    let label = fold(label);
    (!label.is_empty() && label.chars().count() <= 60)
        .then(|| (label, value.trim_matches(|c: char| c.is_whitespace() || c == '*' || c == ':')))
}

/// Lower-case, without accents and marks of plain-text formatting.
fn fold(label: &str) -> String {
    let trimmed = label
        .trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '-' | '\u{2022}' | '_' | '>' | ':'));
    let plain = trimmed.nfd().filter(|c| !matches!(*c, '\u{300}'..='\u{36f}'));
    plain.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_found_however_people_write_them() {
        let labels = [
            ("Instance".to_owned(), "instance".to_owned()),
            ("Usu\u{e1}rio".to_owned(), "user".to_owned()),
            ("Prioridade".to_owned(), "priority".to_owned()),
        ];
        let text = "Hello\n*Instance:* unit-7\n- USUARIO : mary\nPrioridade:\n  alta\nInstance: other\n";
        let got: Vec<(String, String)> =
            lift(text, &labels).into_iter().map(|(n, v)| (n, v.expose().to_owned())).collect();
        let want = [("instance", "unit-7"), ("user", "mary"), ("priority", "alta")];
        assert_eq!(got, want.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }
}
