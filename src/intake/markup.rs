//! A tolerant reader of HTML as mail has it: a stream of tags and texts, no tree. Takes any text,
//! gives tokens in one linear pass; never recurses, never fetches. For reading only: what is stored
//! and shown comes from `sanitise`, which builds the real tree.

use std::collections::HashMap;

use mail_parser::decoders::html::add_html_token;

/// A piece of HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token<'t> {
    /// Text between tags, entities not yet decoded.
    Text(&'t str),
    /// A start tag.
    Open(Tag<'t>),
    /// The lower-cased name of an end tag.
    Close(String),
}

/// A start tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag<'t> {
    /// Lower-cased.
    pub name: String,
    attributes: &'t str,
}

impl Tag<'_> {
    /// The value of an attribute, entities decoded; empty where it has none.
    pub fn attribute(&self, wanted: &str) -> Option<String> {
        let mut rest = self.attributes.trim_start_matches([' ', '\t', '\n', '\r', '/']);
        while !rest.is_empty() {
            let end = rest.find(['=', ' ', '\t', '\n', '\r', '/']).unwrap_or(rest.len());
            let (name, after) = rest.split_at_checked(end)?;
            let after = after.trim_start();
            let (value, next) = match after.strip_prefix('=') {
                Some(value) => split_value(value.trim_start()),
                None => ("", after),
            };
            if name.eq_ignore_ascii_case(wanted) {
                return Some(entities(value));
            }
            let trimmed = next.trim_start_matches([' ', '\t', '\n', '\r', '/', '"', '\'']);
            // Always forward, whatever the damage.
            rest = if trimmed.len() < rest.len() { trimmed } else { "" };
        }
        None
    }
}

fn split_value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.split_once(quote).unwrap_or((inner, ""));
        }
    }
    let end = text.find([' ', '\t', '\n', '\r']).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// The tokens of a text.
#[derive(Debug, Clone)]
pub struct Tokens<'t> {
    rest: &'t str,
}

impl<'t> Tokens<'t> {
    /// Reads `html`.
    pub const fn new(html: &'t str) -> Self {
        Self { rest: html }
    }
    /// What is not yet read.
    pub const fn rest(&self) -> &'t str {
        self.rest
    }
    fn skip_past(&mut self, end: &str) {
        self.rest = self.rest.split_once(end).map_or("", |(_, rest)| rest);
    }
    /// Script, style and title have no markup within; their text is not the mail's.
    fn skip_raw(&mut self, name: &str) {
        let mut rest = self.rest;
        while let Some((_, after)) = rest.split_once("</") {
            rest = after;
            if after.get(..name.len()).is_some_and(|tag| tag.eq_ignore_ascii_case(name)) {
                self.rest = after;
                self.skip_past(">");
                return;
            }
        }
        self.rest = "";
    }
    fn open(&mut self, inner: &'t str) -> Option<Token<'t>> {
        let end = tag_end(inner).or_else(|| inner.find('>'))?;
        let (tag, rest) = inner.split_at_checked(end)?;
        self.rest = rest.strip_prefix('>').unwrap_or(rest);
        let name_end = tag.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(tag.len());
        let (name, attributes) = tag.split_at_checked(name_end)?;
        let name = name.to_ascii_lowercase();
        if matches!(name.as_str(), "script" | "style" | "title" | "textarea" | "xml") && !tag.ends_with('/') {
            self.skip_raw(&name);
        }
        Some(Token::Open(Tag { name, attributes }))
    }
}

/// Where a tag ends: the first `>` outside quotes that follow a `=`.
fn tag_end(inner: &str) -> Option<usize> {
    let mut quote = None;
    let mut before = b' ';
    for (at, byte) in inner.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at),
            (None, b'"' | b'\'') if before == b'=' => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
    }
    None
}

impl<'t> Iterator for Tokens<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            if let Some(rest) = self.rest.strip_prefix("<!--") {
                self.rest = rest;
                self.skip_past("-->");
                continue;
            }
            if self.rest.starts_with("<!") || self.rest.starts_with("<?") {
                self.skip_past(">");
                continue;
            }
            if let Some(inner) = self.rest.strip_prefix("</") {
                let (tag, rest) = inner.split_once('>').unwrap_or((inner, ""));
                self.rest = rest;
                return Some(Token::Close(
                    tag.split_whitespace().next().unwrap_or_default().to_ascii_lowercase(),
                ));
            }
            if let Some(inner) = self.rest.strip_prefix('<') {
                if inner.starts_with(|c: char| c.is_ascii_alphabetic()) {
                    if let Some(token) = self.open(inner) {
                        return Some(token);
                    }
                    self.rest = "";
                    continue;
                }
                let end = inner.find('<').map_or(self.rest.len(), |at| at + 1);
                let (text, rest) = self.rest.split_at_checked(end)?;
                self.rest = rest;
                return Some(Token::Text(text));
            }
            let end = self.rest.find('<').unwrap_or(self.rest.len());
            let (text, rest) = self.rest.split_at_checked(end)?;
            self.rest = rest;
            return Some(Token::Text(text));
        }
    }
}

/// Character references to characters (HTML 13.2.5.72); what is none stays as it is.
pub fn entities(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let end = after.bytes().take(33).position(|b| b == b';');
        match end.and_then(|end| after.split_at_checked(end)) {
            Some((name, tail)) if is_reference(name) => {
                add_html_token(&mut out, format!("&{name};").as_bytes(), false);
                rest = tail.strip_prefix(';').unwrap_or(tail);
            }
            _ => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn is_reference(name: &str) -> bool {
    let name = name.strip_prefix('#').unwrap_or(name);
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// True for elements that have no end tag.
pub fn is_void(name: &str) -> bool {
    matches!(
        name,
        "br" | "hr"
            | "img"
            | "meta"
            | "link"
            | "input"
            | "area"
            | "base"
            | "col"
            | "wbr"
            | "embed"
            | "source"
            | "track"
            | "param"
    )
}

/// The greatest number of elements open at once, as a parser would see it at worst; stops counting
/// above `stop`. Elements that the next of their kind closes (HTML 13.1.2.4) do not count.
pub fn depth(html: &str, stop: usize) -> usize {
    let mut open: HashMap<String, usize> = HashMap::new();
    let mut now = 0_usize;
    let mut most = 0;
    for token in Tokens::new(html) {
        match token {
            Token::Open(tag) if !is_void(&tag.name) && !closes_itself(&tag.name) => {
                *open.entry(tag.name).or_default() += 1;
                now += 1;
            }
            Token::Close(name) => {
                if let Some(count) = open.get_mut(&name).filter(|count| **count > 0) {
                    *count -= 1;
                    now -= 1;
                }
            }
            _ => {}
        }
        most = most.max(now);
        if most > stop {
            break;
        }
    }
    most
}

fn closes_itself(name: &str) -> bool {
    matches!(name, "p" | "li" | "td" | "th" | "tr" | "tbody" | "thead" | "dt" | "dd" | "option")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_markup_is_read_to_its_end() {
        let cases: [(&str, &str); 8] = [
            ("a<b>c</b>d", "acd"),
            ("<p title='x>y'>z", "z"),
            ("1 < 2 &amp; 3 &lt; 4", "1 < 2 & 3 < 4"),
            ("<!-- hidden --><script>x<y</script>seen", "seen"),
            ("<style>p{}", ""),
            ("<a href=\"unclosed", ""),
            ("&nope; & &#65;&#x42;", "&nope; & AB"),
            ("<div class=", ""),
        ];
        for (html, want) in cases {
            let text: String = Tokens::new(html)
                .filter_map(|t| if let Token::Text(t) = t { Some(entities(t)) } else { None })
                .collect();
            assert_eq!(text, want, "{html}");
        }
    }

    #[test]
    fn attributes_are_found_however_written() {
        let cases: [(&str, Option<&str>); 6] = [
            ("<a href='x y' id=1>", Some("x y")),
            ("<a id=1 HREF = \"x&amp;y\">", Some("x&y")),
            ("<a disabled href=z>", Some("z")),
            ("<a =href>", None),
            ("<a \"' href=q>", Some("q")),
            ("<a>", None),
        ];
        for (html, want) in cases {
            let Some(Token::Open(tag)) = Tokens::new(html).next() else { panic!("{html}") };
            assert_eq!(tag.attribute("href").as_deref(), want, "{html}");
        }
    }
}
