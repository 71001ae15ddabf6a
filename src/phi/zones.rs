//! Which lines of a text are log, quotation, signature. Takes a cut page, gives a zone a line.

use super::lexicon::Roles;
use super::page::{Page, Shape, Zone};

/// A signature is rarely longer.
const SIGNATURE_LINES: usize = 7;

/// The tokens of a line, as a range of indices.
fn lines(page: &Page<'_>) -> Vec<(usize, usize)> {
    let count = page.text.matches('\n').count() + 1;
    let mut found = vec![(0, 0); count];
    let mut at = 0;
    for (line, range) in found.iter_mut().enumerate() {
        let start = at;
        while page.get(at).is_some_and(|token| token.line == line) {
            at += 1;
        }
        *range = (start, at);
    }
    found
}

/// The zone of each line.
pub fn zones(page: &Page<'_>) -> Vec<Zone> {
    let lines = lines(page);
    let mut zones: Vec<Zone> = lines
        .iter()
        .map(|(from, to)| match page.get(*from).filter(|_| from < to) {
            Some(first) if first.is('>') || first.is('|') => Zone::Quoted,
            Some(_) if is_log(page, *from, *to) => Zone::Log,
            _ => Zone::Body,
        })
        .collect();
    sign(page, &lines, &mut zones);
    zones
}

/// A line of a log begins with a time or a date, or holds `key=value` twice.
fn is_log(page: &Page<'_>, from: usize, to: usize) -> bool {
    let tokens = page.tokens.get(from..to).unwrap_or_default();
    let pairs = tokens
        .windows(3)
        .filter(|t| matches!(t, [a, b, c] if b.is('=') && a.end == b.start && b.end == c.start));
    if pairs.count() > 1 {
        return true;
    }
    let head = tokens
        .first()
        .map_or("", |first| page.slice(first.start, tokens.last().map_or(first.end, |last| last.end)));
    let head = head.trim_start_matches(['[', '(', '<']);
    let stamp = head.chars().take(19).collect::<String>();
    let clock = |text: &str| {
        let mut parts = text.split(':');
        matches!((parts.next(), parts.next()), (Some(a), Some(b))
            if a.len() == 2 && a.bytes().all(|c| c.is_ascii_digit()) && b.len() >= 2 && b.bytes().take(2).all(|c| c.is_ascii_digit()))
    };
    let dated = stamp.split([' ', 'T']).next().is_some_and(|day| {
        day.len() >= 8 && day.bytes().all(|c| c.is_ascii_digit() || matches!(c, b'-' | b'/' | b'.'))
    });
    clock(&stamp) || dated && stamp.split([' ', 'T']).nth(1).is_some_and(clock)
}

/// Marks the author's closing lines: behind `-- ` or behind a closing formula near the end of what
/// they wrote themselves.
fn sign(page: &Page<'_>, lines: &[(usize, usize)], zones: &mut [Zone]) {
    let own = |zones: &[Zone], line: usize| zones.get(line) == Some(&Zone::Body);
    let filled: Vec<usize> = (0..lines.len())
        .filter(|line| own(zones, *line) && lines.get(*line).is_some_and(|(a, b)| a < b))
        .collect();
    let tail: Vec<usize> = filled.iter().rev().take(SIGNATURE_LINES + 1).copied().collect();
    let opens = |line: &usize| {
        let Some((from, to)) = lines.get(*line) else { return false };
        let tokens = page.tokens.get(*from..*to).unwrap_or_default();
        let dashes =
            tokens.len() >= 2 && tokens.iter().all(|t| matches!(t.shape, Shape::Punct('-' | '_' | '—')));
        let closing = tokens.first().is_some_and(|t| t.roles.has(Roles::CLOSING))
            && tokens.iter().filter(|t| t.is_word()).count() <= 4
            && tokens.last().is_some_and(|t| t.is(',') || t.is('.') || t.is('!') || t.is_word());
        dashes || closing
    };
    let Some(start) = tail.iter().rev().find(|line| opens(line)).copied() else { return };
    for (line, zone) in zones.iter_mut().enumerate().skip(start) {
        if *zone == Zone::Body && filled.contains(&line) {
            *zone = Zone::Signature;
        }
    }
}
