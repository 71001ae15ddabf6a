//! Dates that belong to a person, and ages of 90 or more. Takes a cut page and its chunks, gives
//! findings. A bare year stays, and so does the time stamp of a log, unless a label says that it is
//! a date of care.

use super::chunks::{Chunk, label_of};
use super::finding::{Finding, Kind};
use super::lexicon::{Label, Roles};
use super::page::{Page, Shape, Zone};

/// Adds dates and ages.
pub fn find(page: &Page<'_>, chunks: &[Chunk], found: &mut Vec<Finding>) {
    for (at, chunk) in chunks.iter().enumerate() {
        if let Some(len) = date_length(page.slice(chunk.start, chunk.end)) {
            let clinical = || label_of(page, chunk.first, |label| label == Label::Date).is_some();
            let stamp = stamped(page, chunk, chunks.get(at + 1))
                || page.zone(chunk.first) == Zone::Log && !labelled(page, chunk);
            let free = page.zone(chunk.first) != Zone::Log || labelled(page, chunk);
            let versioned = versioned(page, chunk);
            if (!stamp && !versioned) || (clinical() && free) {
                found.push(Finding::new(chunk.start, chunk.start + len, Kind::Date, "date.numeric"));
            }
        } else if label_of(page, chunk.first, |label| label == Label::Date).is_some()
            && short_date(page.slice(chunk.start, chunk.end))
        {
            let tail = page.slice(chunk.end, page.text.len());
            let more = tail.len()
                - tail.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '/' | '-')).len();
            let spaced = tail
                .strip_prefix(" /")
                .map_or(0, |rest| 2 + rest.chars().take_while(char::is_ascii_digit).count());
            found.push(Finding::new(chunk.start, chunk.end + more.max(spaced), Kind::Date, "date.label"));
        }
    }
    for (at, token) in page.tokens.iter().enumerate() {
        if token.roles.has(Roles::MONTH) {
            found.extend(worded(page, at));
        }
        if token.shape == Shape::Number {
            found.extend(age(page, at));
        }
    }
}

/// True for a text that is a date in digits.
pub fn numeric(text: &str) -> bool {
    date_length(text).is_some()
}

/// The bytes of the date at the start of a chunk: the whole chunk, or what stands before `T`.
fn date_length(text: &str) -> Option<usize> {
    let day = text.split(['T', 't']).next().unwrap_or(text);
    if day.len() < text.len() && !text.contains(':') {
        return None;
    }
    let sep = day.chars().find(|c| !c.is_ascii_digit())?;
    if !matches!(sep, '/' | '-' | '.' | '–') {
        return None;
    }
    let parts: Vec<&str> = day.split(sep).collect();
    let [head, mid, tail] = parts.as_slice() else { return None };
    let year =
        |part: &str| part.len() == 4 && part.parse().is_ok_and(|year: u32| (1880..=2099).contains(&year));
    let within =
        |part: &str, most: u32| part.len() <= 2 && part.parse().is_ok_and(|n: u32| (1..=most).contains(&n));
    let calendar = |month: &str, day: &str| within(month, 12) && within(day, 31);
    let ended = year(tail) || tail.len() == 2 && sep != '.' && tail.bytes().all(|b| b.is_ascii_digit());
    let dated = year(head) && calendar(mid, tail) || ended && (calendar(head, mid) || calendar(mid, head));
    dated.then_some(day.len())
}

/// Day and month, or month and year, where a label says that it is a date.
fn short_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['/', '-', '.']).collect();
    let value = |part: &str| part.parse::<u32>().unwrap_or(0);
    match parts.as_slice() {
        [a, b] => {
            (1..=31).contains(&value(a))
                && a.len() <= 2
                && (1..=31).contains(&value(b))
                && b.len() == 2
                && !text.contains('.')
                || (1..=12).contains(&value(a)) && b.len() == 4
        }
        [a, b, c] => {
            [a, b].iter().all(|part| value(part) <= 31 && part.len() <= 2) && matches!(c.len(), 2 | 4)
        }
        _ => false,
    }
}

/// True when a time of day stands with the date.
fn stamped(page: &Page<'_>, chunk: &Chunk, next: Option<&Chunk>) -> bool {
    if page.slice(chunk.start, chunk.end).contains(':') {
        return true;
    }
    next.is_some_and(|next| {
        let gap = page.slice(chunk.end, next.start);
        gap.len() <= 2
            && gap.trim_matches([' ', ',']).is_empty()
            && page.slice(next.start, next.end).contains(':')
    })
}

/// True behind `key=` or `key:` in a log.
fn labelled(page: &Page<'_>, chunk: &Chunk) -> bool {
    page.before(chunk.first).is_some_and(|token| (token.is('=') || token.is(':')) && token.end == chunk.start)
        && label_of(page, chunk.first, |label| label == Label::Date).is_some()
}

/// `2026.5.4` with points and without zeros is a version; so is what stands behind such a word.
fn versioned(page: &Page<'_>, chunk: &Chunk) -> bool {
    let text = page.slice(chunk.start, chunk.end);
    let year_first = text.split('.').next().is_some_and(|head| head.len() == 4);
    let labelled = label_of(page, chunk.first, |label| label == Label::Ticket).is_some();
    text.contains('.') && (year_first || labelled)
}

/// A date with the month in letters around the token `at`.
fn worded(page: &Page<'_>, at: usize) -> Option<Finding> {
    let month = page.get(at)?;
    let (day, start) = day_before(page, at);
    let (after, mut end) = day_after(page, at);
    let year = year_after(page, if after { token_ending(page, end) } else { at });
    if let Some(year_end) = year {
        end = year_end;
    }
    let doubtful = matches!(
        page.word(at),
        "may" | "mar" | "set" | "out" | "ago" | "mag" | "gen" | "dec" | "jun" | "march" | "august"
    ) && month.shape == Shape::Lower;
    let dated = match (day, after, year.is_some()) {
        (true, _, true) | (_, true, true) => true,
        (true, _, false) | (_, true, false) => !doubtful,
        (false, false, year) => year && !doubtful,
    };
    let start = if day { start } else { month.start };
    let end = if after || year.is_some() { end } else { month.end };
    dated.then(|| Finding::new(start, end, Kind::Date, "date.words"))
}

/// A day of the month before the month, over `de`, `of`, `.` and ordinal endings.
fn day_before(page: &Page<'_>, at: usize) -> (bool, usize) {
    let mut back = at;
    for _ in 0..3 {
        let Some(prev) = back.checked_sub(1) else { break };
        back = prev;
        let Some(token) = page.get(back) else { break };
        let link = matches!(page.word(back), "de" | "of" | "do" | "del" | "the" | "di");
        if is_day(page, back) {
            return (true, token.start);
        }
        if !(link || token.is('.') || token.is('-') || token.is('/') || token.is('º')) {
            break;
        }
    }
    (false, 0)
}

/// A day of the month behind the month: `May 5`, `May 5th`; not `May 2020` nor `May 5 MB`.
fn day_after(page: &Page<'_>, at: usize) -> (bool, usize) {
    let mut next = at + 1;
    if page.get(next).is_some_and(|token| token.is('.')) && page.glued(at) {
        next += 1;
    }
    match page.get(next) {
        Some(token) if is_day(page, next) && page.get(at).is_some_and(|m| m.line == token.line) => {
            (true, token.end)
        }
        _ => (false, 0),
    }
}

fn is_day(page: &Page<'_>, at: usize) -> bool {
    let Some(token) = page.get(at).filter(|token| token.has_digit()) else { return false };
    let text = page.slice(token.start, token.end).to_lowercase();
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let ending = text.get(digits.len()..).unwrap_or_default();
    matches!(ending, "" | "st" | "nd" | "rd" | "th" | "º" | "o")
        && digits.len() <= 2
        && digits.parse::<u32>().is_ok_and(|day| (1..=31).contains(&day))
        && !page
            .before(at)
            .is_some_and(|prev| prev.end == token.start && matches!(prev.mark(), Some('.' | ':' | '/')))
}

/// The end of the year behind a token, over `,`, `de`, `of`, `.`, `-` and `'`.
fn year_after(page: &Page<'_>, at: usize) -> Option<usize> {
    let line = page.get(at)?.line;
    for next in at + 1..at + 5 {
        let token = page.get(next).filter(|token| token.line == line)?;
        let text = page.slice(token.start, token.end);
        if token.shape == Shape::Number {
            let full = text.len() == 4
                && (text.starts_with("18") || text.starts_with("19") || text.starts_with("20"));
            let short = text.len() == 2
                && page.before(next).is_some_and(|p| matches!(p.mark(), Some('-' | '/' | '\'' | '’')));
            return (full || short).then_some(token.end);
        }
        let joint = matches!(page.word(next), "de" | "of" | "del" | "do" | "di" | "ano");
        if !(joint || matches!(token.mark(), Some(',' | '.' | '-' | '/' | '\'' | '’'))) {
            return None;
        }
    }
    None
}

fn token_ending(page: &Page<'_>, end: usize) -> usize {
    page.tokens.partition_point(|token| token.end <= end).saturating_sub(1)
}

/// An age of 90 or more: `93 years`, `101-year-old`, `edad: 92`, `95 y/o`.
fn age(page: &Page<'_>, at: usize) -> Option<Finding> {
    let token = page.get(at)?;
    let years: u32 = page.slice(token.start, token.end).parse().ok()?;
    if !(90..=125).contains(&years) {
        return None;
    }
    let unit = |word: &str| {
        matches!(
            word,
            "year" | "years" | "yr" | "yrs" | "yo" | "y" | "ano" | "anos" | "anni" | "anno" | "aos" | "jahre"
        )
    };
    let ahead =
        page.get(at + 1).is_some_and(|t| t.is('-')) && unit(page.word(at + 2)) || unit(page.word(at + 1));
    let behind = (1..=3).any(|back| {
        at.checked_sub(back).is_some_and(|b| {
            matches!(page.word(b), "age" | "aged" | "edad" | "idade" | "eta" | "anni" | "turned" | "turning")
        })
    });
    (ahead || behind).then(|| Finding::new(token.start, token.end, Kind::Age90, "age.over_89"))
}
