//! What becomes of the model's opinion: stretches of tokens that it takes for a name or an address
//! with enough certainty, and that no rule holds. Takes chances, gives stretches; never takes
//! anything away from what the rules found.

use super::chains::Chains;
use super::chunks::is_taken;
use super::finding::{Finding, Kind};
use super::lexicon::Roles;
use super::model::Chance;
use super::page::{Page, Shape, Token, Zone};

/// The model must be as sure as this of a word that stands alone; of one of several it need not.
const NAME: f32 = 0.70;
/// An address needs more: towns and streets are no secret by themselves.
const ADDRESS: f32 = 0.90;
/// A stretch goes on as long as it is likelier than not.
const ALONG: f32 = 0.5;

/// Stretches (first and last token) of names that the rules did not find.
pub fn names(
    page: &Page<'_>,
    chances: &[Chance],
    named: &[bool],
    chains: &Chains<'_, '_>,
) -> Vec<(usize, usize)> {
    let fits = |at: usize| {
        chances.get(at).is_some_and(|chance| chance.name >= ALONG)
            && named.get(at) == Some(&false)
            && chains.free(at).is_some_and(may_be_name)
    };
    let beside = |at: Option<usize>| at.and_then(|at| named.get(at)) == Some(&true);
    let mut found = Vec::new();
    let particle =
        |at: usize| page.get(at).is_some_and(|t| t.shape == Shape::Lower && t.roles.has(Roles::PARTICLE));
    for (first, last) in stretches(page, fits) {
        // `da` at an edge belongs to the name only where the name goes on beyond it.
        let inner = |at: &usize| !particle(*at);
        let goes_on = beside(first.checked_sub(1));
        let opens = |at: &usize| inner(at) && (goes_on || !announces(page, *at));
        let (Some(first), Some(last)) = ((first..=last).find(opens), (first..=last).rfind(inner)) else {
            continue;
        };
        let begin = (0..first).rev().take_while(|at| particle(*at)).last();
        let first = begin.filter(|at| beside(at.checked_sub(1))).unwrap_or(first);
        let end = (last + 1..page.tokens.len()).take_while(|at| particle(*at)).last();
        let last = end.filter(|at| beside(Some(at + 1))).unwrap_or(last);
        let words = (first..=last).filter(|at| page.get(*at).is_some_and(Token::is_word)).count();
        let sure =
            words > 1 || (first..=last).any(|at| chances.get(at).is_some_and(|chance| chance.name >= NAME));
        let joined = beside(first.checked_sub(1)) || beside(Some(last + 1));
        if sure || joined {
            found.push((first, last));
        }
    }
    found
}

/// True for a word that stands before names and is none itself: patient, Dr.
fn announces(page: &Page<'_>, at: usize) -> bool {
    let says = |token: &Token| [Roles::TITLE, Roles::ROLE, Roles::GREET].iter().any(|r| token.roles.has(*r));
    page.get(at).is_some_and(|token| says(token) && !token.roles.has(Roles::NAME))
}

/// Letters that are not written as products and codes are, and no ordinary word in small letters.
fn may_be_name(token: &Token) -> bool {
    let ordinary = token.shape == Shape::Lower && token.is_ordinary() && !token.roles.has(Roles::NAME);
    token.is_word() && !ordinary && token.shape != Shape::Camel && !token.roles.has(Roles::NEVER)
}

/// Adds the addresses that the model sees in the author's own words and in quotations.
pub fn addresses(page: &Page<'_>, chances: &[Chance], links: &[(usize, usize)], found: &mut Vec<Finding>) {
    let mut held: Vec<(usize, usize)> =
        found.iter().map(|f| (f.start, f.end)).chain(links.iter().copied()).collect();
    held.sort_unstable();
    let fits = |at: usize| {
        let free = |token: &Token| {
            (token.is_word() || token.has_digit())
                && !token.roles.has(Roles::NEVER)
                && !is_taken(&held, token.start)
        };
        chances.get(at).is_some_and(|chance| chance.address >= ALONG)
            && matches!(page.zone(at), Zone::Body | Zone::Quoted)
            && page.get(at).is_some_and(free)
    };
    for (first, last) in stretches(page, fits) {
        let sure = (first..=last).any(|at| chances.get(at).is_some_and(|chance| chance.address >= ADDRESS));
        if let (true, Some(start), Some(end)) = (sure, page.get(first), page.get(last)) {
            found.push(Finding::new(start.start, end.end, Kind::Address, "address.model"));
        }
    }
}

/// The longest runs of fitting tokens, over single marks between them, each on one line.
fn stretches(page: &Page<'_>, fits: impl Fn(usize) -> bool) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let line = |at: usize| page.get(at).map(|token| token.line);
    for at in 0..page.tokens.len() {
        if !fits(at) {
            continue;
        }
        match found.last_mut() {
            Some((_, last)) if line(*last) == line(at) && joined(page, *last, at) => *last = at,
            _ => found.push((at, at)),
        }
    }
    found
}

/// True when nothing but one joining mark stands between two tokens.
fn joined(page: &Page<'_>, last: usize, at: usize) -> bool {
    match at - last {
        1 => true,
        2 => page
            .get(last + 1)
            .is_some_and(|mark| matches!(mark.mark(), Some('.' | '-' | '\'' | '’' | ',' | '/' | 'º' | 'ª'))),
        _ => false,
    }
}
