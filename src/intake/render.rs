//! HTML to lines of text: paragraphs, lists, table cells, links that differ from their text. Takes
//! HTML, gives lines that still know whether they stood in a quotation, a signature, or behind the
//! point where a client put the mail it answers. Never recurses, one pass.

use super::links;
use super::markup::{Tag, Token, Tokens, entities, is_void};

/// What the markup says about a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mark {
    /// Nothing.
    #[default]
    Plain,
    /// It stood in a quotation.
    Quote,
    /// It stood in a signature.
    Signature,
    /// From here to the end is the mail that was answered or forwarded (Outlook).
    Rest,
}

/// A line of rendered text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Its text.
    pub text: String,
    /// What the markup says.
    pub mark: Mark,
}

/// Open elements remembered; deeper ones render but are not remembered.
const STACK: usize = 2000;

#[derive(Default)]
struct Renderer {
    lines: Vec<Rendered>,
    current: String,
    stack: Vec<Open>,
    rest: bool,
    space: bool,
}

struct Open {
    name: String,
    /// Its own, or that of the outermost element that has one.
    mark: Mark,
    /// It is a `pre`, or within one.
    pre: bool,
    link: Option<(String, usize)>,
}

/// Renders.
pub fn lines(html: &str) -> Vec<Rendered> {
    let mut renderer = Renderer::default();
    for token in Tokens::new(html) {
        match token {
            Token::Text(text) => renderer.text(&entities(text)),
            Token::Open(tag) => renderer.open(&tag),
            Token::Close(name) => renderer.close(&name),
        }
    }
    renderer.line();
    renderer.lines
}

/// The whole as text.
pub fn text(html: &str) -> String {
    join(&lines(html))
}

/// Lines to text, never more than one blank line in a row.
pub fn join(lines: &[Rendered]) -> String {
    let mut out = String::new();
    for line in lines {
        if line.text.is_empty() && (out.is_empty() || out.ends_with("\n\n")) {
            continue;
        }
        out.push_str(&line.text);
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out
}

impl Renderer {
    fn mark(&self) -> Mark {
        if self.rest {
            return Mark::Rest;
        }
        self.stack.last().map(|open| open.mark).unwrap_or_default()
    }
    fn line(&mut self) {
        let text = std::mem::take(&mut self.current);
        let text = text.trim().to_owned();
        self.space = false;
        let mark = self.mark();
        if text.is_empty() && self.lines.last().is_none_or(|last| last.text.is_empty()) {
            return;
        }
        self.lines.push(Rendered { text, mark });
    }
    fn fresh_line(&mut self) {
        if !self.current.trim().is_empty() {
            self.line();
        }
        self.current.clear();
        self.space = false;
    }
    fn blank_line(&mut self) {
        self.fresh_line();
        self.line();
    }
    fn in_pre(&self) -> bool {
        self.stack.last().is_some_and(|open| open.pre)
    }
    fn text(&mut self, text: &str) {
        if self.in_pre() {
            let mut pieces = text.split('\n');
            self.current.push_str(pieces.next().unwrap_or_default());
            for piece in pieces {
                self.line();
                self.current.push_str(piece.trim_end_matches('\r'));
            }
            return;
        }
        for c in text.chars() {
            if matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{a0}') {
                self.space = true;
            } else if !matches!(c, '\u{200b}' | '\u{feff}' | '\u{ad}' | '\u{200c}' | '\u{34f}') {
                if std::mem::take(&mut self.space)
                    && !self.current.is_empty()
                    && !self.current.ends_with('\t')
                {
                    self.current.push(' ');
                }
                self.current.push(c);
            }
        }
    }
    fn open(&mut self, tag: &Tag<'_>) {
        match tag.name.as_str() {
            "br" => {
                let text = std::mem::take(&mut self.current).trim().to_owned();
                let mark = self.mark();
                self.lines.push(Rendered { text, mark });
                self.space = false;
            }
            "p" | "table" | "ul" | "ol" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "pre" | "blockquote" => {
                self.blank_line();
            }
            "hr" => {
                self.blank_line();
                self.rest |= mark_of(tag) == Mark::Rest;
            }
            "td" | "th" if !self.current.trim().is_empty() => self.current.push('\t'),
            "li" => {
                self.fresh_line();
                self.current.push_str("- ");
            }
            "img" => {
                // Emoji sent as pictures say what they are in `alt`.
                let alt = tag.attribute("alt").unwrap_or_default();
                if alt.chars().count() <= 3 {
                    self.text(&alt);
                }
            }
            name if is_block(name) => self.fresh_line(),
            _ => {}
        }
        if is_void(&tag.name) || self.stack.len() >= STACK {
            return;
        }
        let mark = mark_of(tag);
        if mark == Mark::Rest {
            self.fresh_line();
            self.rest = true;
        }
        let link =
            (tag.name == "a").then(|| tag.attribute("href")).flatten().map(|href| (href, self.current.len()));
        let outer = self.mark();
        let mark = if outer == Mark::Plain { mark } else { outer };
        let pre = tag.name == "pre" || self.in_pre();
        self.stack.push(Open { name: tag.name.clone(), mark, pre, link });
    }
    fn close(&mut self, name: &str) {
        let near = self.stack.len().saturating_sub(100);
        let found = self
            .stack
            .iter()
            .enumerate()
            .skip(near)
            .rev()
            .find(|(_, open)| open.name == name)
            .map(|(at, _)| at);
        match name {
            "p" | "table" | "ul" | "ol" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "pre" | "blockquote" => {
                self.blank_line();
            }
            name if is_block(name) => self.fresh_line(),
            _ => {}
        }
        let Some(at) = found else { return };
        while self.stack.len() > at {
            if let Some(Open { link: Some((href, start)), .. }) = self.stack.pop() {
                self.link(&href, start);
            }
        }
    }
    fn link(&mut self, href: &str, start: usize) {
        let href = links::unwrap(href.trim());
        let shown = self.current.get(start..).unwrap_or_default().trim().to_owned();
        if shown.is_empty() || !links::differs(&shown, &href) {
            return;
        }
        self.current.push_str(" <");
        self.current.push_str(&href);
        self.current.push('>');
    }
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "div"
            | "tr"
            | "li"
            | "dl"
            | "dt"
            | "dd"
            | "section"
            | "article"
            | "header"
            | "footer"
            | "center"
            | "form"
            | "address"
            | "fieldset"
            | "body"
            | "tbody"
            | "thead"
            | "caption"
            | "main"
            | "aside"
            | "nav"
            | "figure"
    )
}

const QUOTES: [&str; 11] = [
    "yahoo_quoted",
    "protonmail_quote",
    "zmail_extra",
    "tutanota_quote",
    "moz-cite-prefix",
    "gmail_attr",
    "outlookmessageheader",
    "reply-intro",
    "wps_quote",
    "sh-quoted-content",
    "reply_quote",
];
const SIGNATURES: [&str; 7] = [
    "gmail_signature",
    "moz-signature",
    "applemailsignature",
    "ms-outlook-mobile-signature",
    "protonmail_signature_block",
    "mobile-signature",
    "signature",
];
const RESTS: [&str; 7] = [
    "divrplyfwdmsg",
    "appendonsend",
    "olk_src_body_section",
    "mail-editor-reference-message-container",
    "ms-outlook-mobile-reference-message",
    "stopspelling",
    "zwchr",
];

/// What a tag's class, id and style say, by the clients that write them: Gmail, Yahoo, Thunderbird,
/// Apple Mail, Outlook and its kin, Proton, Zoho, Tuta.
fn mark_of(tag: &Tag<'_>) -> Mark {
    if !matches!(tag.name.as_str(), "div" | "blockquote" | "span" | "hr" | "table" | "pre" | "section" | "p")
    {
        return Mark::Plain;
    }
    let style = tag.attribute("style").unwrap_or_default().to_ascii_lowercase().replace(' ', "");
    let mut names = tag.attribute("class").unwrap_or_default().to_ascii_lowercase();
    names.push(' ');
    names.push_str(&tag.attribute("id").unwrap_or_default().to_ascii_lowercase());
    // Outlook on the web prefixes what it quotes with `x_`.
    let has =
        |list: &[&str]| names.split_whitespace().any(|name| list.contains(&name.trim_start_matches("x_")));
    if has(&RESTS) {
        return Mark::Rest;
    }
    // Outlook's rule above the header block of the mail it answers.
    if tag.name == "div"
        && (style.contains("border:none;border-top:solid#e1e1e11.0pt")
            || style.contains("border:none;border-top:solid#b5c4df1.0pt"))
    {
        return Mark::Rest;
    }
    if tag.name == "blockquote" {
        // Gmail indents a paragraph with a blockquote that has no border.
        let indented = style.contains("border:none") && tag.attribute("type").is_none();
        return if indented { Mark::Plain } else { Mark::Quote };
    }
    if has(&QUOTES) {
        return Mark::Quote;
    }
    if has(&SIGNATURES) || tag.attribute("data-smartmail").is_some_and(|v| v == "gmail_signature") {
        return Mark::Signature;
    }
    Mark::Plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, want: &str) {
        assert_eq!(text(html), want, "{html}");
    }

    #[test]
    fn html_reads_as_its_author_meant() {
        check("<p>One</p><p>Two<br>three</p>", "One\n\nTwo\nthree");
        check("<ul><li>a</li><li>b</li></ul>", "- a\n- b");
        check(
            "<table><tr><td>Name</td><td>Mary</td></tr><tr><td>Room</td><td>7</td></tr></table>",
            "Name\tMary\nRoom\t7",
        );
        check("see <a href='https://help.example/x'>the page</a>.", "see the page <https://help.example/x>.");
        check("see <a href='https://help.example/'>help.example</a>", "see help.example");
        check("<pre>a\n  b</pre>", "a\nb");
        check("<title>no</title>a&nbsp;&nbsp;b", "a b");
        check("<div>a</div><div><br></div><div>b</div>", "a\n\nb");
    }

    #[test]
    fn quotes_and_signatures_are_marked() {
        let got = lines(
            "<div>new</div><blockquote type=cite>old</blockquote><div class=gmail_signature>me</div><div id=divRplyFwdMsg>From: x</div><p>older</p>",
        );
        let marks: Vec<(&str, Mark)> =
            got.iter().filter(|l| !l.text.is_empty()).map(|l| (l.text.as_str(), l.mark)).collect();
        assert_eq!(
            marks,
            [
                ("new", Mark::Plain),
                ("old", Mark::Quote),
                ("me", Mark::Signature),
                ("From: x", Mark::Rest),
                ("older", Mark::Rest)
            ]
        );
    }

    #[test]
    fn l25_depth_costs_no_stack() {
        let deep = "<div>".repeat(60_000);
        assert_eq!(text(&format!("{deep}end")), "end");
    }
}
