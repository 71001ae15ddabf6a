//! HTML made safe to store and show (L34): ammonia behind a guard of bytes and depth. Takes any
//! HTML, gives markup without script, style, form, frame, remote resource; pictures of the mail
//! itself (`cid:`) stay; a link whose text hides its target shows it. The same input gives the same
//! output, and the output sanitised again is itself.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};

use super::markup::{self, Token, Tokens, entities};
use super::{charset, limits, links, render};

/// Sanitised HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sanitised {
    /// Safe markup.
    pub html: String,
    /// Codes of what was too much for it.
    pub defects: Vec<&'static str>,
}

const TAGS: [&str; 51] = [
    "a",
    "abbr",
    "address",
    "b",
    "bdi",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "font",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "tr",
    "u",
];
/// Elements that go with all they hold.
const GONE: [&str; 18] = [
    "script", "style", "title", "noscript", "template", "iframe", "frameset", "object", "embed", "applet",
    "svg", "math", "audio", "video", "select", "textarea", "xml", "noembed",
];
/// Readings after which the output must have settled; real mail settles at the first.
const ROUNDS: usize = 4;
/// Longest target shown beside a link, in characters.
const SHOWN: usize = 300;

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut attributes: HashMap<&str, HashSet<&str>> = HashMap::new();
    attributes.insert("a", HashSet::from(["href"]));
    attributes.insert("img", HashSet::from(["src", "alt", "width", "height"]));
    attributes.insert("td", HashSet::from(["colspan", "rowspan", "align", "valign"]));
    attributes.insert("th", HashSet::from(["colspan", "rowspan", "align", "valign"]));
    attributes.insert("table", HashSet::from(["border", "cellpadding", "cellspacing"]));
    attributes.insert("ol", HashSet::from(["start", "type"]));
    let mut cleaner = Builder::empty();
    cleaner
        .tags(HashSet::from(TAGS))
        .clean_content_tags(HashSet::from(GONE))
        .tag_attributes(attributes)
        .generic_attributes(HashSet::from(["dir", "lang"]))
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel", "cid"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow"))
        .strip_comments(true)
        .attribute_filter(filter);
    cleaner
});

/// Pictures come from the mail itself or not at all; a link never points into it.
fn filter<'v>(element: &str, attribute: &str, value: &'v str) -> Option<Cow<'v, str>> {
    let own = value.trim_start().get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("cid:"));
    match (element, attribute) {
        ("img", "src") if !own => None,
        ("a", "href") if own => None,
        _ => Some(Cow::Borrowed(value)),
    }
}

/// Sanitises.
pub fn html(html: &str) -> Sanitised {
    if html.len() > limits::HTML_BYTES {
        return bare(html, "html_too_large");
    }
    if markup::depth(html, limits::HTML_DEPTH) > limits::HTML_DEPTH {
        return bare(html, "html_too_deep");
    }
    if html.bytes().filter(|b| *b == b'&').count() > limits::HTML_REFERENCES {
        return bare(html, "html_too_dense");
    }
    // Some trees cannot be written down: read again they come out otherwise, which is how mutation
    // attacks work. Only what reads as it was written is safe.
    let mut clean = once(html);
    for _ in 0..ROUNDS {
        let again = once(&clean);
        if again == clean {
            return Sanitised { html: clean, defects: Vec::new() };
        }
        clean = again;
    }
    bare(html, "html_unstable")
}

fn once(html: &str) -> String {
    show_targets(&CLEANER.clean(html).to_string())
}

/// Only the text, where the markup is beyond the limits.
fn bare(html: &str, defect: &'static str) -> Sanitised {
    let (head, _) = charset::cut(html.to_owned(), limits::HTML_BYTES);
    let (text, _) = charset::cut(render::text(&head), limits::TEXT_BYTES);
    Sanitised { html: format!("<pre>{}</pre>", escape(&text)), defects: vec![defect] }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('\u{a0}', "&nbsp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Writes the target behind each link whose text says something else. Works on ammonia's output,
/// where every tag is whole.
fn show_targets(clean: &str) -> String {
    if !clean.contains("<a ") {
        return clean.to_owned();
    }
    let mut out = String::with_capacity(clean.len() + 200);
    let mut tokens = Tokens::new(clean);
    let mut link: Option<(String, String)> = None;
    loop {
        let before = tokens.rest();
        let Some(token) = tokens.next() else { break };
        let raw = before.get(..before.len() - tokens.rest().len()).unwrap_or_default();
        out.push_str(raw);
        match token {
            Token::Open(tag) if tag.name == "a" => {
                link = tag.attribute("href").map(|href| (href, String::new()));
            }
            Token::Text(text) => {
                if let Some((_, shown)) = link.as_mut() {
                    shown.push_str(&entities(text));
                }
            }
            Token::Close(name) if name == "a" => {
                let Some((href, shown)) = link.take() else { continue };
                let target = links::unwrap(href.trim());
                if links::differs(shown.trim(), &target) {
                    let note = format!(" [{}]", escape(&target.chars().take(SHOWN).collect::<String>()));
                    if !tokens.rest().starts_with(&note) {
                        out.push_str(&note);
                    }
                }
            }
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(dirty: &str, want: &str) {
        let once = html(dirty).html;
        assert_eq!(once, want, "{dirty}");
        assert_eq!(html(&once).html, once, "again: {dirty}");
    }

    #[test]
    fn l34_nothing_active_and_nothing_remote_is_left() {
        check("<p onclick=x>a<script>b</script></p>", "<p>a</p>");
        check(
            "<img src=https://t.example/p.gif><img src=cid:a@b alt=x>",
            "<img><img src=\"cid:a@b\" alt=\"x\">",
        );
        check("<a href=javascript:x>a</a>", "<a rel=\"noopener noreferrer nofollow\">a</a>");
        check("<div style='background:url(https://t.example)'>a</div>", "<div>a</div>");
        check("<svg><g>x</g></svg>y", "y");
        check(
            "<table background=https://t.example/x><tr><td>1</table>",
            "<table><tbody><tr><td>1</td></tr></tbody></table>",
        );
    }

    #[test]
    fn trees_that_cannot_be_written_settle() {
        for dirty in
            ["<h1><a><h6><a>", "<table> <p>x<table> y", "<form><div></form><form>", "<b><table><td><i></b>"]
        {
            let settled = html(dirty).html;
            assert_eq!(html(&settled).html, settled, "{dirty}");
        }
    }

    #[test]
    fn a_link_that_lies_shows_its_target() {
        let rel = "rel=\"noopener noreferrer nofollow\"";
        check(
            "<a href='https://evil.example/?a=1&b=2'>bank.example</a>.",
            &format!(
                "<a href=\"https://evil.example/?a=1&amp;b=2\" {rel}>bank.example</a> [https://evil.example/?a=1&amp;b=2]."
            ),
        );
        check(
            "<a href='https://bank.example/'>bank.example</a>",
            &format!("<a href=\"https://bank.example/\" {rel}>bank.example</a>"),
        );
    }

    #[test]
    fn l25_depth_and_size_are_bounded() {
        let deep = html(&"<div>".repeat(60_000));
        assert_eq!(deep.defects, ["html_too_deep"]);
        let sly = html(&"<b></i>".repeat(50_000));
        assert_eq!(sly.defects, ["html_too_deep"]);
        let large = html(&"<p>a &amp; b</p>".repeat(200_000));
        assert_eq!(large.defects, ["html_too_large"]);
        assert_eq!(html(&large.html).html.len(), large.html.len());
    }
}
