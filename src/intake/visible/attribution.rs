//! Attribution lines: "On Monday Mary wrote:", in the languages clients write them, wrapped over
//! several lines, before or after the date. A line counts when it begins as one, holds a date, and
//! ends as one; or when it names an author and a quote follows.

use super::Line;
use crate::intake::pattern::pattern;

/// Lines an attribution may be wrapped over.
const WRAPPED: usize = 6;
/// Octets of the longest attribution.
const LONGEST: usize = 600;

const VERBS: &str = r"(?:wrote|writes|sent|said|schrieb|geschrieben|escribió|escribio|escribi[oó]|ha escrito|escreveu|a écrit|écrit|ecrit|a ecrit|écrivait|ha scritto|scrisse|scrive|schreef|geschreven|napisał(?:\(?a\)?)?|pisze|napsal(?:\(?a\)?)?|napísal(?:\(?a\)?)?|napisa(?:o|la)(?: je)?|skrev|skreiv|skrifaði|kirjoitti|a scris|írta|ezt írta|έγραψε|va escriure|menulis|yazdı|đã viết|viết|написал(?:\(?а\)?)?|написав|написа|пишет|пише|写道|寫道|写了|書きました|のメッセージ|のメール|작성|작성했습니다|כתב|كتب|escribiu|kirjutas|rašė|rakstīja|เขียนว่า|написао|је написао/ла|scrie|a trimis|wrote the following)";

pattern!(
    STARTS,
    r"(?i)^[\s>*_-]*(?:on|le|el|em|no dia|il|il giorno|am|vom|op|w dniu|dnia|den|på|in data|nel|vào|lúc|dne|dana|pada|a data de|am|a|în|el día|au|i|v|at|в|във|на|στις|في|tir|man|ons|tor|fre|lør|søn|ma|ti|ke|to|pe|la|su)(?:\W|$)|^[\s>*_-]*(?:在|于|於|從|ב-)"
);
pattern!(
    WHEN,
    r"(?:(?-u:\b)(?:19|20)\d\d(?-u:\b)|(?-u:\b)\d{1,2}\s?[:h]\s?\d{2}(?-u:\b)|(?-u:\b)\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{1,2}\.\s?\d{1,2}\.|\d年|\d日|(?-u:\b)\d{1,2}[ -](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)|(?i:(?-u:\b)(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2}(?-u:\b)))"
);
pattern!(
    VERB_LAST,
    &format!(
        r"(?i){VERBS}\s*(?:the following|het volgende|folgendes|lo siguiente|o seguinte)?\s*[:：]?[\s*_>-]*$"
    )
);
pattern!(VERB_WITHIN, &format!(r"(?i)(?:^|[\s,]){VERBS}(?:[\s:：]|$)"));
pattern!(
    AUTHOR_LAST,
    &format!(
        r"(?i)[<(\[]\s*(?:mailto:)?[^\s<>()\[\]@]+@[^\s<>()\[\]]+?\s*(?:<mailto:[^>]*>\s*)?[>)\]]+\s*(?:{VERBS}\s*)?[:：]\W*$"
    )
);
pattern!(AUTHOR_FIRST, &format!(r"(?i)^[^.!?:]{{0,80}}[<(][^\s<>()@]+@[^\s<>()]+[>)]\s+{VERBS}\s"));
// "the doctor wrote:" is a sentence; an author has a capital, an address, or is "you".
pattern!(SENTENCE, &format!(r"(?:^|\s)\p{{Ll}}[\p{{Ll}}'-]{{2,}}\s+(?i:{VERBS})\s*[:：]?\W*$"));
pattern!(YOU, r"(?i)(?-u:\b)(?:you|vous|usted|você|lei|du|sie) \S+\s*[:：]\W*$");
// Horde writes no date.
pattern!(
    QUOTING,
    r"(?i)^(?:quoting|zitat von|citando a?|citation de|citado por|cita de)\s[^\s].{1,80}[:：]$"
);
pattern!(ADDRESS, r"[^\s<>()@]+@[\w-]+\.[\w.-]+");
pattern!(
    MYSELF,
    r"(?i)(?-u:\b)(?:i|we|ich|wir|yo|eu|nós|io|je|nous) (?:have |had |habe |ja |já |ya |also |just )?(?:wrote|sent|said|schrieb|escribí|escrevi|scrissi)"
);
pattern!(RULED, &format!(r"(?i)^[\s>]*-{{2,}}.{{3,200}}{VERBS}\s*:?\s*-{{2,}}\s*$"));
pattern!(
    INLINE,
    r"^(.*\S)\s*?(?:\s|-{2,}\s*)(On (?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? |(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* \d|\d{1,2}[/-]).{5,300}\bwrote:)\s*$"
);

// GroupWise frames its attribution in angle brackets and quotes nothing.
pattern!(FRAMED, r"^\s*>>>\s.{0,120}\d.{0,20}>>>\s*$");
// mutt with a format of its own: "* Mary Major [2026-01-05 09:12]:".
pattern!(BRACKETED, r"[\[(][^\[\]()]{6,40}[\])]\s*[:：]$");
// The author with an address, then the date: Gmail in Hungarian, Turkish, Catalan; Apple in Polish.
pattern!(
    AUTHOR_THEN_DATE,
    r"^[^.!?:]{0,90}[<(\[]+\s*[^\s<>()@]+@[^\s<>()]+?\s*[>)\]]+.{1,60}\d{1,2}\s?[:.h]\s?\d{2}.{0,12}[:：]$"
);
// The date, then the author with an address, then a word or two: Gmail in every language.
pattern!(
    DATE_THEN_AUTHOR,
    r"[<(\[]+\s*(?:mailto:)?[^\s<>()\[\]@]+@[^\s<>()\[\]]+?\s*[>)\]]+[^.!?<>@]{0,30}[:：]\W*$"
);
pattern!(YEAR_AND_TIME, r"(?:19|20)\d\d.*\d{1,2}[:.]\d{2}|\d{1,2}[:.]\d{2}.*(?:19|20)\d\d");
// Notes: "Mary Major/CLINIC wrote on 05/01/2026 09:12:33 AM:".
pattern!(
    NAME_VERB_DATE,
    &format!(r"(?i)^[^.!?:<>@]{{2,60}}\s{VERBS}\s(?:\S{{1,6}}\s)?\S{{0,12}}\d.{{0,50}}[:：]$")
);
pattern!(PROSE, &format!(r"(?:^|\s)\p{{Ll}}[\p{{Ll}}'-]{{2,}}\s+(?i:{VERBS})(?:\s|$)"));
pattern!(
    NAME_ADDRESS_VERB,
    &format!(r"(?i)^(.{{0,80}}?)[<(\[]?[^\s<>()\[\]@]+@[^\s<>()\[\]@]+?[>)\]]*\s*{VERBS}\s*[:：]$")
);
pattern!(NEWS, r"(?i)^in (?:article|message|news:|<)");

/// GroupWise: the line stands for itself, what it announces bears no mark.
pub fn is_framed(text: &str) -> bool {
    text.len() < 200 && FRAMED.is_match(text)
}

/// A line that runs into an attribution becomes two.
pub fn split_inline(line: &str) -> Vec<String> {
    let candidate =
        line.len() < LONGEST && line.contains("wrote:") && !line.trim_start().starts_with(['>', '-']);
    let found = if candidate { INLINE.captures(line) } else { None };
    match found.and_then(|found| Some((found.get(1)?.as_str(), found.get(2)?.as_str()))) {
        Some((text, rest)) => vec![text.trim_end_matches(['-', ' ']).to_owned(), rest.to_owned()],
        None => vec![line.to_owned()],
    }
}

/// The number of lines of the attribution that starts at `at`; `None` where none does.
pub fn at(lines: &[Line], at: usize) -> Option<usize> {
    let first = lines.get(at)?.head().trim();
    if first.is_empty() || first.len() > LONGEST {
        return None;
    }
    if RULED.is_match(first) {
        return Some(1);
    }
    // Nothing that begins an attribution: most lines end here.
    let anchored = STARTS.is_match(first) && !first.ends_with('.');
    let dated = WHEN.find(first).is_some_and(|(start, _)| start <= 40);
    if !(anchored
        || dated
        || QUOTING.is_match(first)
        || BRACKETED.is_match(first)
        || ADDRESS.is_match(first)
        || VERB_WITHIN.is_match(first))
    {
        return None;
    }
    let mut joined = String::new();
    let mut gap = false;
    for (count, line) in lines.iter().skip(at).take(WRAPPED).enumerate() {
        let text = line.head().trim();
        if text.is_empty() {
            // Some clients break before the address.
            if gap || lines.get(at + count + 1).is_none_or(|next| !next.text.trim_start().starts_with('<')) {
                break;
            }
            gap = true;
            continue;
        }
        if count > 0 && (is_quote(line, text) || begins_anew(text, anchored)) {
            break;
        }
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.extend(text.chars().filter(|c| !is_direction(*c)));
        if joined.len() > LONGEST {
            break;
        }
        if is_whole(&joined) {
            return Some(count + 1);
        }
        if introduces(&joined) && quote_follows(lines, at + count + 1) {
            return Some(count + 1);
        }
    }
    None
}

/// Marks of the writing direction, which Gmail sets around names in Hebrew and Arabic.
const fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A `>` line ends the attribution, unless it is the end of the address and the verb.
fn is_quote(line: &Line, text: &str) -> bool {
    line.is_quoted() && !text.trim_start_matches(['>', ' ']).to_lowercase().starts_with("wrote")
}

/// Does a later line begin an attribution of its own?
fn begins_anew(text: &str, anchored: bool) -> bool {
    let Some((when, _)) = WHEN.find(text) else { return false };
    STARTS.is_match(text) || !anchored && when <= 25
}

/// Does a sentence of prose end with the verb?
fn is_sentence(text: &str) -> bool {
    SENTENCE.is_match(text) && !YOU.is_match(text) && !ADDRESS.is_match(text)
}

fn is_whole(text: &str) -> bool {
    if MYSELF.is_match(text) {
        return false;
    }
    let Some((when, _)) = WHEN.find(text) else { return QUOTING.is_match(text) || is_author(text) };
    let ends = text.trim_end_matches(['*', '_', ' ', '-', '>']).ends_with([':', '：']);
    let near = when <= 40;
    if is_stamp(text, near) || is_author(text) {
        return true;
    }
    if STARTS.is_match(text) && near {
        let named = VERB_LAST.is_match(text) && !is_sentence(text);
        return named
            || ends && !is_sentence(text) && (VERB_WITHIN.is_match(text) || AUTHOR_LAST.is_match(text));
    }
    if near && AUTHOR_LAST.is_match(text) {
        return true;
    }
    if when <= 3 && !is_sentence(text) && VERB_LAST.is_match(text) && ends && text.chars().count() <= 120 {
        return true;
    }
    // The date or the author first, the verb last, and an address: Gmail in Polish, Chinese, Turkish.
    let short = text.chars().count() <= 200;
    let first = when <= 12 && VERB_WITHIN.is_match(text);
    let verb = first || VERB_LAST.is_match(text) || AUTHOR_FIRST.is_match(text);
    short && ends && ADDRESS.is_match(text) && verb
}

/// A date with its time and an author with an address, in whatever order and language, and nothing
/// after them but a word or two and a colon.
fn is_stamp(text: &str, near: bool) -> bool {
    if text.len() > 300 || !YEAR_AND_TIME.is_match(text) {
        return false;
    }
    let ends = text.ends_with([':', '：']);
    let dated = near && DATE_THEN_AUTHOR.is_match(text);
    let verb = near && ends && text.chars().count() <= 120 && VERB_LAST.is_match(text) && !is_sentence(text);
    let notes = NAME_VERB_DATE.is_match(text) && !PROSE.is_match(text);
    dated || verb || notes || AUTHOR_THEN_DATE.is_match(text)
}

/// "Mary Major <mary@clinic.example> wrote:" with no date at all, as newsreaders write it.
fn is_author(text: &str) -> bool {
    let Some(found) = NAME_ADDRESS_VERB.captures(text) else { return false };
    let name = found.get(1).map_or("", |name| name.as_str());
    let is_name = |word: &str| word.len() <= 3 || !word.starts_with(char::is_lowercase);
    NEWS.is_match(name) || name.split_whitespace().all(is_name)
}

/// "Mary Major wrote:", "Mary <mary@clinic.example> writes:", a date and an address without more:
/// only where a quote follows at once.
fn introduces(text: &str) -> bool {
    let short = text.chars().count() <= 160;
    let dated = WHEN.find(text).is_some_and(|(at, _)| at <= 25) && ADDRESS.is_match(text);
    let bracketed = WHEN.find(text).is_some() && BRACKETED.is_match(text);
    short && !MYSELF.is_match(text) && (VERB_LAST.is_match(text) || dated || bracketed)
}

fn quote_follows(lines: &[Line], from: usize) -> bool {
    lines.iter().skip(from).take(3).find(|line| !line.is_blank()).is_some_and(Line::is_quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_sound() {
        for pattern in [
            &AUTHOR_FIRST,
            &SENTENCE,
            &YOU,
            &QUOTING,
            &STARTS,
            &WHEN,
            &VERB_LAST,
            &VERB_WITHIN,
            &AUTHOR_LAST,
            &ADDRESS,
            &MYSELF,
            &RULED,
            &INLINE,
            &FRAMED,
            &BRACKETED,
            &AUTHOR_THEN_DATE,
            &DATE_THEN_AUTHOR,
            &YEAR_AND_TIME,
            &NAME_VERB_DATE,
            &PROSE,
            &NAME_ADDRESS_VERB,
            &NEWS,
        ] {
            assert!(pattern.is_sound());
        }
    }

    #[test]
    fn a_line_that_runs_into_an_attribution_is_two() {
        assert_eq!(
            split_inline("yes--- On Mon, Jan 5, 2026 at 9:12 AM, m@c.example wrote:"),
            ["yes", "On Mon, Jan 5, 2026 at 9:12 AM, m@c.example wrote:"]
        );
        assert_eq!(split_inline("plain"), ["plain"]);
    }
}
