//! Redaction inside HTML. Takes sanitised HTML, gives the same HTML with text nodes and attribute
//! values redacted; tags stay. A value that runs over inline tags (`Ma<b>ry</b>`) is seen whole.
//! Comments go, for nobody reads them but a thief.

use crate::domain::text::{RawText, RedactedText};

use super::finding::Finding;
use super::placeholders::Placeholders;
use super::redact::{Context, Redaction, Redactor, replaced};

/// Attributes that hold no words of a person.
const DUMB: [&str; 18] = [
    "style",
    "class",
    "width",
    "height",
    "align",
    "valign",
    "bgcolor",
    "color",
    "border",
    "dir",
    "lang",
    "rel",
    "target",
    "colspan",
    "rowspan",
    "cellpadding",
    "cellspacing",
    "type",
];
/// Tags that do not part one word from the next.
const INLINE: [&str; 18] = [
    "a", "abbr", "b", "bdi", "bdo", "big", "em", "font", "i", "ins", "mark", "s", "small", "span", "strong",
    "sub", "sup", "u",
];
/// Tags behind which the same line goes on.
const CELL: [&str; 4] = ["td", "th", "img", "wbr"];

/// A stretch of the source.
enum Piece {
    /// Text: its characters are those of the plain text from here to there.
    Text(usize, usize),
    /// A tag, bytes of the source.
    Tag(usize, usize),
}

/// The plain text of a document, and where each of its bytes came from.
#[derive(Default)]
struct Plain {
    text: String,
    /// For each byte of `text`: where its character starts and ends in the source.
    origin: Vec<(usize, usize)>,
    pieces: Vec<Piece>,
}

impl Plain {
    fn push(&mut self, c: char, start: usize, end: usize) {
        self.text.push(c);
        self.origin.resize(self.text.len(), (start, end));
    }

    fn read(html: &str) -> Self {
        let mut plain = Self::default();
        let mut at = 0;
        while let Some(rest) = html.get(at..).filter(|rest| !rest.is_empty()) {
            let len = match tag_length(rest) {
                Some(len) => plain.tag(rest.get(..len).unwrap_or_default(), at),
                None => plain.words(rest, at),
            };
            at += len;
        }
        plain
    }

    fn tag(&mut self, tag: &str, at: usize) -> usize {
        let name = tag_name(tag);
        if CELL.contains(&name.as_str()) {
            self.push(' ', at, at);
        } else if !INLINE.contains(&name.as_str()) {
            self.push('\n', at, at);
        }
        self.pieces.push(Piece::Tag(at, at + tag.len()));
        tag.len()
    }

    /// Reads up to the next tag; a `<` that opens none is text.
    fn words(&mut self, rest: &str, at: usize) -> usize {
        let from = self.text.len();
        let mut used = 0;
        while let Some(c) = rest.get(used..).and_then(|r| r.chars().next()) {
            let here = rest.get(used..).unwrap_or_default();
            if c == '<' && used > 0 && tag_length(here).is_some() {
                break;
            }
            let (decoded, len) = entity(here).unwrap_or((c, c.len_utf8()));
            self.push(decoded, at + used, at + used + len);
            used += len;
        }
        self.pieces.push(Piece::Text(from, self.text.len()));
        used
    }
}

impl Redactor {
    /// Redacts HTML; the findings are bytes of the source and may hold inline tags, which stay.
    pub fn redact_html(&self, ticket: &mut Placeholders, html: &RawText, context: &Context<'_>) -> Redaction {
        let source = html.expose();
        let plain = Plain::read(source);
        let found = self.findings(&plain.text, context, ticket);
        let mut out = String::with_capacity(source.len());
        for piece in &plain.pieces {
            match *piece {
                Piece::Text(from, to) => {
                    let sources = Sources { html: source, plain: &plain, found: &found };
                    sources.write_text(&mut out, (from, to), ticket);
                }
                Piece::Tag(from, to) => {
                    let tag = source.get(from..to).unwrap_or_default();
                    self.write_tag(&mut out, tag, context, ticket);
                }
            }
        }
        let place = |f: &Finding| {
            let (start, _) = plain.origin.get(f.start)?;
            let (_, end) = plain.origin.get(f.end.checked_sub(1)?)?;
            Some(Finding::new(*start, *end, f.kind, f.rule))
        };
        let findings = found.iter().filter_map(place).collect();
        Redaction { text: RedactedText::vouched(out), findings }
    }

    fn write_tag(&self, out: &mut String, tag: &str, context: &Context<'_>, ticket: &mut Placeholders) {
        if tag.starts_with("<!--") {
            return;
        }
        let mut from = 0;
        for (start, end, name) in attributes(tag) {
            if DUMB.contains(&name.as_str()) {
                continue;
            }
            let value: String = decoded(tag.get(start..end).unwrap_or_default());
            let found = self.findings(&value, context, ticket);
            if found.is_empty() {
                continue;
            }
            out.push_str(tag.get(from..start).unwrap_or_default());
            escape(out, &replaced(&value, &found, ticket));
            from = end;
        }
        out.push_str(tag.get(from..).unwrap_or_default());
    }
}

/// A document with what was found in it.
struct Sources<'a> {
    html: &'a str,
    plain: &'a Plain,
    found: &'a [Finding],
}

impl Sources<'_> {
    /// Writes one text piece; a finding that began in an earlier piece has its placeholder there.
    fn write_text(&self, out: &mut String, (from, to): (usize, usize), ticket: &mut Placeholders) {
        let mut at = from;
        for finding in self.found.iter().filter(|f| f.meets(from, to)) {
            self.copy(out, at, finding.start);
            if finding.start >= from {
                let value = self.plain.text.get(finding.start..finding.end).unwrap_or_default();
                out.push_str(&ticket.stand_in(finding.kind, value));
            }
            at = finding.end.min(to).max(at);
        }
        self.copy(out, at, to);
    }

    /// Copies the source of the plain bytes `from..to`, which lie in one text piece.
    fn copy(&self, out: &mut String, from: usize, to: usize) {
        let Some(last) = to.checked_sub(1).filter(|last| from <= *last) else { return };
        let edge = |at: usize| self.plain.origin.get(at);
        if let (Some((start, _)), Some((_, end))) = (edge(from), edge(last)) {
            out.push_str(self.html.get(*start..*end).unwrap_or_default());
        }
    }
}

/// The length of the tag or comment at the start of `rest`, if one is there. An unclosed one runs
/// to the end.
fn tag_length(rest: &str) -> Option<usize> {
    let behind = rest.strip_prefix('<')?;
    if behind.starts_with("!--") {
        return Some(rest.find("-->").map_or(rest.len(), |at| at + 3));
    }
    if !behind.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
        return None;
    }
    let mut quote = None;
    for (at, c) in rest.char_indices() {
        match (quote, c) {
            (None, '>') => return Some(at + 1),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
    }
    Some(rest.len())
}

fn tag_name(tag: &str) -> String {
    tag.trim_start_matches(['<', '/'])
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_lowercase()
}

/// The attribute values of a tag, as byte ranges of the tag, with their lower-cased names.
fn attributes(tag: &str) -> Vec<(usize, usize, String)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some((name, rest)) = tag.get(at..).and_then(|rest| rest.split_once('=')) {
        let name =
            name.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '-').find(|part| !part.is_empty());
        let start = tag.len() - rest.trim_start().len();
        let value = rest.trim_start();
        let (start, len, skip) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let inner = value.get(1..).unwrap_or_default();
                (start + 1, inner.find(quote).unwrap_or(inner.len()), 1)
            }
            _ => (start, value.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(value.len()), 0),
        };
        found.push((start, start + len, name.unwrap_or_default().to_lowercase()));
        at = (start + len + skip).min(tag.len());
    }
    found
}

fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(rest) = text.get(at..)
        && let Some(c) = rest.chars().next()
    {
        let (c, len) = entity(rest).unwrap_or((c, c.len_utf8()));
        out.push(c);
        at += len;
    }
    out
}

/// The character reference at the start of `rest` and its length in bytes: the named ones that a
/// serialiser writes, and all numeric ones.
fn entity(rest: &str) -> Option<(char, usize)> {
    let name = rest.strip_prefix('&')?.split(';').next().filter(|name| name.len() < 10)?;
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    rest.get(name.len() + 1..)?.starts_with(';').then_some((c, name.len() + 2))
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::redact::Lists;
    use super::*;

    #[test]
    fn text_nodes_and_attributes_are_redacted_and_tags_stay() {
        let redactor = Redactor::new(&Lists::default());
        let cases = [
            (
                r#"<p>Write to <a href="mailto:mary.major@clinic.example">mary.<b>major</b>@clinic.example</a> &amp; us</p>"#,
                r#"<p>Write to <a href="mailto:[EMAIL-1]">[EMAIL-1]<b></b></a> &amp; us</p>"#,
            ),
            ("<td>SSN</td><td>219-09-9999</td>", "<td>SSN</td><td>[ID-1]</td>"),
            ("<img alt='SSN 219-09-9999' width=219>", "<img alt='SSN [ID-1]' width=219>"),
            ("a < b<br>219&#45;09-9999<!-- 219-09-9999 -->", "a < b<br>[ID-1]"),
            ("<p title=\"219-09-9999", "<p title=\"[ID-1]"),
        ];
        for (html, want) in cases {
            let got =
                redactor.redact_html(&mut Placeholders::default(), &RawText::new(html), &Context::default());
            assert_eq!(got.text.as_str(), want, "{html}");
        }
    }
}
