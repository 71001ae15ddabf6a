//! Text as mail wants it: one line for a header, wrapped lines for a plain part, paragraphs for
//! HTML. Never lets a control character through.

use std::borrow::Cow;

/// RFC 3676 4.2: lines of at most 78 characters, less two for a quote sign.
const WIDTH: usize = 76;

/// One line without control and direction-changing characters, at most `max` characters. A literal
/// encoded-word (RFC 2047) is broken up, so that no client decodes what nobody encoded.
pub(super) fn one_line(text: &str, max: usize) -> String {
    let mut line = String::with_capacity(text.len().min(max));
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let word: String = word.chars().filter(|c| !is_format(*c)).collect();
        if !word.is_empty() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
    }
    if line.contains("=?") {
        line = line.replace("=?", "= ?");
    }
    match line.char_indices().nth(max) {
        None => line,
        Some((end, _)) => {
            line.truncate(end);
            format!("{}…", line.trim_end())
        }
    }
}

/// Zero-width and bidirectional controls (Unicode Cf): they make a name look like another.
const fn is_format(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
}

/// CRLF lines of at most 76 characters, broken at spaces; a longer word stays whole. Never more than
/// two empty lines in a row, none at the end but the last line's own break.
pub(super) fn plain_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    let mut empty = 0;
    for line in lines(text.trim_matches(['\n', '\r'])) {
        let line = line.trim_end_matches(' ');
        // "-- " opens a signature (RFC 3676 4.3): its space is part of it.
        let line = if line == "--" { "-- " } else { line };
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty <= 2 {
            wrap(line, &mut out);
        }
    }
    out.truncate(out.trim_end().len());
    out.push_str("\r\n");
    out
}

/// Lines without their breaks (CRLF, LF or a lone CR) and without control characters but TAB.
fn lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let bad = |c: char| c.is_control() && c != '\t';
    text.split('\n')
        .flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
        .map(move |line| if line.contains(bad) { line.replace(bad, "").into() } else { line.into() })
}

fn wrap(line: &str, out: &mut String) {
    if line.len() <= WIDTH || line.chars().count() <= WIDTH {
        out.push_str(line);
    } else {
        let mut used = 0;
        for word in line.split(' ') {
            let length = word.chars().count();
            if used > 0 && used + 1 + length > WIDTH {
                out.push_str("\r\n");
                used = 0;
            } else if used > 0 {
                out.push(' ');
                used += 1;
            }
            out.push_str(word);
            used += length;
        }
    }
    out.push_str("\r\n");
}

/// Text as HTML: a paragraph where an empty line stands, a break where a line ends, all escaped.
pub(super) fn paragraphs(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut open = false;
    for line in lines(text.trim()) {
        let line = line.trim_end();
        if line.is_empty() {
            if open {
                out.push_str("</p>\n");
                open = false;
            }
            continue;
        }
        out.push_str(if open { "<br>\n" } else { "<p>" });
        open = true;
        escape(line, &mut out);
    }
    if open {
        out.push_str("</p>");
    }
    out
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#x27;"),
            c => out.push(c),
        }
    }
}

/// HTML with CRLF line ends and no other control characters.
pub(super) fn html_lines(html: &str) -> String {
    let mut out = String::with_capacity(html.len() + html.len() / 16);
    for line in lines(html.trim()) {
        let line = line.trim_end();
        if !line.is_empty() {
            out.push_str(line);
            out.push_str("\r\n");
        }
    }
    out
}
