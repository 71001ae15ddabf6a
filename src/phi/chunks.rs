//! Numbers as they are written: runs of letters, digits and joining marks with at least one digit,
//! and the label that governs each. Takes a cut page, gives chunks in order.

use super::lexicon::Label;
use super::page::{Page, Shape, Token};

/// A number as it is written: no white space inside, no mark at its ends.
#[derive(Debug, Clone, Copy)]
pub struct Chunk {
    /// First byte.
    pub start: usize,
    /// The byte behind the last.
    pub end: usize,
    /// Its first token.
    pub first: usize,
    /// Its last token.
    pub last: usize,
    /// Digits in it.
    pub digits: usize,
    /// Letters in it.
    pub letters: usize,
}

/// True when the mark at `at` joins the parts of one number. A colon does so only between digits
/// (a time of day) or hexadecimal groups (an address of hardware), else it ends a label.
fn joins(page: &Page<'_>, at: usize) -> bool {
    match page.get(at).and_then(Token::mark) {
        Some('-' | '.' | '/' | '_' | '–' | '#') => true,
        Some(':') => {
            let group = |at: usize| {
                page.get(at).is_some_and(|t| {
                    let text = page.slice(t.start, t.end);
                    t.has_digit() && !t.is_word()
                        || text.len() <= 4 && text.bytes().all(|b| b.is_ascii_hexdigit())
                })
            };
            at.checked_sub(1).is_some_and(group) && group(at + 1)
        }
        _ => false,
    }
}

/// The chunks of a page, without those in `taken` (bytes, sorted).
pub fn chunks(page: &Page<'_>, taken: &[(usize, usize)]) -> Vec<Chunk> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(token) = page.get(at) {
        if !(token.has_digit() || token.is_word()) || is_taken(taken, token.start) {
            at += 1;
            continue;
        }
        let chunk = chunk_from(page, at);
        at = chunk.last + 1;
        if chunk.digits > 0 {
            found.push(chunk);
        }
    }
    found
}

/// True for a byte inside one of the ranges (sorted).
pub fn is_taken(taken: &[(usize, usize)], byte: usize) -> bool {
    let behind = taken.partition_point(|(start, _)| *start <= byte);
    behind.checked_sub(1).and_then(|at| taken.get(at)).is_some_and(|(_, end)| byte < *end)
}

fn chunk_from(page: &Page<'_>, first: usize) -> Chunk {
    let mut last = first;
    loop {
        let alnum = |at: usize| page.get(at).is_some_and(|t| t.is_word() || t.has_digit());
        let mark = page.get(last + 1).filter(|_| page.glued(last));
        match mark {
            Some(token) if token.is_word() || token.has_digit() => last += 1,
            Some(_) if joins(page, last + 1) && page.glued(last + 1) && alnum(last + 2) => last += 2,
            _ => break,
        }
    }
    let edge = |at: usize| page.get(at).copied();
    let (start, end) = (edge(first).map_or(0, |t| t.start), edge(last).map_or(0, |t| t.end));
    if !(first..=last).any(|at| page.get(at).is_some_and(Token::has_digit)) {
        return Chunk { start, end, first, last, digits: 0, letters: 0 };
    }
    let text = page.slice(start, end);
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    Chunk { start, end, first, last, digits, letters }
}

/// Words that may stand between a label and its value without weakening it.
const LINKS: [&str; 48] = [
    "n", "no", "num", "numero", "number", "nro", "nr", "is", "es", "e", "era", "was", "of", "de", "del",
    "do", "da", "di", "il", "el", "the", "la", "lo", "o", "a", "on", "em", "en", "in", "id", "code",
    "codigo", "at", "to", "with", "her", "his", "my", "their", "su", "con", "com", "mi", "s", "sua", "seu",
    "suo", "as",
];

/// How far a label may stand from its value, in words that are no links.
const fn reach(label: Label, short: bool) -> usize {
    match (label, short) {
        (Label::Ticket, _) | (Label::Phone, true) => 1,
        (_, true) | (Label::Person, _) => 0,
        _ => 3,
    }
}

/// The label that governs the value at token `first`: the nearest before it of one of `kinds`,
/// within its reach, in the same sentence.
pub fn label_of(page: &Page<'_>, first: usize, fits: impl Fn(Label) -> bool) -> Option<Label> {
    /// More than the longest reach and its marks.
    const TOKENS_BACK: usize = 14;
    let mut words = 0;
    let mut label = page.label_before(first)?;
    let mut at = first;
    for _ in 0..TOKENS_BACK {
        at = at.checked_sub(1)?;
        if at == label.last {
            let short =
                page.slice(page.get(label.first)?.start, page.get(label.last)?.end).chars().count() < 4;
            let line = |at: usize| page.get(at).map(|token| token.line);
            let marked = page.get(label.last + 1).is_some_and(|token| token.is(':'));
            let reached = line(label.last) == line(first) || marked;
            if reached && fits(label.label) && words <= reach(label.label, short) {
                return Some(label.label);
            }
            at = label.first;
            words += 1;
            label = page.label_before(label.first)?;
            continue;
        }
        let token = page.get(at)?;
        if parts(page, at, token, label.last) {
            return None;
        }
        let region = token.shape == Shape::Upper
            && page.before(at).is_some_and(|prev| prev.end == token.start && (prev.is('/') || prev.is('-')));
        if token.is_word() && !region && !LINKS.contains(&page.word(at)) {
            words += 1;
        }
    }
    None
}

/// True when a token ends the sentence or the field, so that no label reaches over it.
fn parts(page: &Page<'_>, at: usize, token: &Token, label_last: usize) -> bool {
    let next = page.get(at + 1);
    let new_line = next.is_some_and(|next| next.line != token.line) && !token.is(':');
    let stop = match token.shape {
        Shape::Punct(';' | '?' | '!' | '|' | ']') | Shape::Mixed => true,
        Shape::Punct('.') => !page.glued(at) && next.is_some_and(Token::is_capital) && at != label_last + 1,
        Shape::Number => !page.glued(at) || token.end - token.start > 1,
        _ => false,
    };
    stop || new_line
}
