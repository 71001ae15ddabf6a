//! Names of persons: behind forms of address, roles and labels; by the name lists; and again
//! wherever a name once accepted recurs. Takes a cut page, what other rules found, and the author;
//! gives findings. The author's own name stays in greeting and signature, and nowhere behind a
//! role: a patient may share it.

use std::collections::HashSet;

use super::finding::{Finding, Kind};
use super::lexicon::{Label, Roles, fold};
use super::page::{Page, Shape, Token, Zone};
use crate::domain::address::Mailbox;

/// A name rarely has more words.
const LONGEST: usize = 8;

/// Why a name is expected at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ground {
    /// `Name:`, `patient=`.
    Field,
    /// Dr., señora.
    Title,
    /// patient, hermana.
    Role,
    /// Nothing but the look of the words.
    Look,
}

impl Ground {
    const fn rule(self) -> &'static str {
        match self {
            Self::Field => "name.field",
            Self::Title => "name.title",
            Self::Role => "name.role",
            Self::Look => "name.look",
        }
    }
}

/// The words by which the author is known: display name and local part, folded.
#[derive(Debug, Default)]
pub struct Sender {
    words: HashSet<String>,
    /// The address in lower case.
    pub address: String,
}

impl Sender {
    /// Reads the From header.
    pub fn new(from: Option<&Mailbox>) -> Self {
        let Some(from) = from else { return Self::default() };
        let name = from.name.as_deref().unwrap_or_default();
        let parts = name
            .split(|c: char| !c.is_alphanumeric())
            .chain(from.address.local().split(|c: char| !c.is_alphabetic()));
        let words = parts.filter(|part| part.chars().count() > 1).map(fold).collect();
        Self { words, address: from.address.expose().to_lowercase() }
    }
    /// True for a word of the author's name.
    pub fn has(&self, word: &str) -> bool {
        self.words.contains(word)
    }
    /// True when nobody is known.
    pub fn is_unknown(&self) -> bool {
        self.address.is_empty()
    }
}

/// Looks for names on one page.
pub struct Names<'p, 'a> {
    page: &'p Page<'a>,
    sender: &'p Sender,
    /// Tokens that other rules hold.
    taken: Vec<bool>,
    /// Tokens of names found so far.
    named: Vec<bool>,
}

impl<'p, 'a> Names<'p, 'a> {
    /// Prepares; `found` is what other rules hold, `links` bytes of mail addresses and links.
    pub fn new(page: &'p Page<'a>, sender: &'p Sender, found: &[Finding], links: &[(usize, usize)]) -> Self {
        let mut taken = vec![false; page.tokens.len()];
        let ranges = found.iter().map(|f| (f.start, f.end)).chain(links.iter().copied());
        for (start, end) in ranges {
            let from = page.token_at(start);
            for (at, held) in taken.iter_mut().enumerate().skip(from) {
                if page.get(at).is_none_or(|token| token.start >= end) {
                    break;
                }
                *held = true;
            }
        }
        Self { page, sender, named: vec![false; page.tokens.len()], taken }
    }

    /// Adds the names of the page, `known` (folded words) being names of the ticket already.
    pub fn find(mut self, known: &HashSet<String>, found: &mut Vec<Finding>) {
        let mut names: Vec<(usize, usize, Ground)> = Vec::new();
        let mut at = 0;
        while at < self.page.tokens.len() {
            let hit = self.grounded(at).or_else(|| self.by_look(at));
            match hit {
                Some((first, last, ground)) if !self.spared(first, last, ground) => {
                    self.mark(first, last);
                    names.push((first, last, ground));
                    at = last + 1;
                }
                Some((_, last, _)) => at = last + 1,
                None => at += 1,
            }
        }
        let words = self.words_of(&names, known);
        for (first, last, ground) in &names {
            found.extend(self.finding(*first, *last, ground.rule()));
        }
        self.again(&words, found);
    }

    fn mark(&mut self, first: usize, last: usize) {
        if let Some(tokens) = self.named.get_mut(first..=last) {
            tokens.fill(true);
        }
    }

    fn finding(&self, first: usize, last: usize, rule: &'static str) -> Option<Finding> {
        let (start, end) = (self.page.get(first)?.start, self.page.get(last)?.end);
        Some(Finding::new(start, end, Kind::Name, rule))
    }

    fn free(&self, at: usize) -> Option<&Token> {
        let held = self.taken.get(at).copied().unwrap_or(true);
        self.page.get(at).filter(|_| !held)
    }

    /// A name behind the title, role or label that begins at `at`.
    fn grounded(&self, at: usize) -> Option<(usize, usize, Ground)> {
        let token = self.free(at)?;
        let label = self.page.labels.iter().find(|label| label.first == at && label.label == Label::Person);
        let role = token.roles.has(Roles::TITLE) || token.roles.has(Roles::ROLE);
        if label.is_none() && !role {
            return None;
        }
        let behind = label.map_or(at, |label| label.last) + 1;
        let (first, mut ground) = self.skip(behind, token)?;
        if ground == Ground::Role && token.roles.has(Roles::TITLE) {
            ground = Ground::Title;
        }
        let last = self.chain(first, ground)?;
        Some((first, last, ground))
    }

    /// Steps over marks, articles and further titles to where the name begins.
    fn skip(&self, behind: usize, trigger: &Token) -> Option<(usize, Ground)> {
        let mut ground = Ground::Role;
        let mut at = behind;
        for _ in 0..8 {
            let token = self.page.get(at)?;
            if token.line != trigger.line && ground != Ground::Field {
                return None;
            }
            match token.mark() {
                Some(':' | '=') => ground = Ground::Field,
                Some('.') if self.page.get(at.checked_sub(1)?).is_some_and(|t| t.end == token.start) => {
                    let abbreviates = self
                        .page
                        .before(at)
                        .is_some_and(|t| t.roles.has(Roles::TITLE) || t.end - t.start <= 3);
                    if !abbreviates {
                        return None;
                    }
                }
                Some('(' | '"' | '\'' | '“' | '«' | '*' | '/' | ')' | 'ª' | 'º') => {}
                Some(_) => return None,
                None if token.roles.has(Roles::TITLE) && !token.roles.has(Roles::NAME) => {
                    if ground == Ground::Role {
                        ground = Ground::Title;
                    }
                }
                None if token.shape == Shape::Lower
                    && matches!(
                        self.page.word(at),
                        "a" | "as"
                            | "os"
                            | "el"
                            | "la"
                            | "il"
                            | "o"
                            | "is"
                            | "es"
                            | "e"
                            | "name"
                            | "was"
                            | "called"
                            | "named"
                            | "llamado"
                            | "llamada"
                            | "chamado"
                            | "chamada"
                            | "s"
                    ) => {}
                None => return Some((at, ground)),
            }
            at += 1;
        }
        None
    }

    /// The last token of the name that begins at `first`, if one begins there.
    fn chain(&self, first: usize, ground: Ground) -> Option<usize> {
        let line = self.page.get(first)?.line;
        let mut last = None;
        let mut words = 0;
        let mut at = first;
        while words < LONGEST {
            let Some(token) = self.free(at).filter(|token| token.line == line) else { break };
            if self.page.get(at + 1).is_some_and(|next| next.is('=') && next.start == token.end) {
                break;
            }
            if self.accepts(at, ground, words) {
                last = Some(at);
                words += 1;
                at += 1;
                continue;
            }
            let step = self.link(at, token, words, ground);
            if step == 0 {
                break;
            }
            at += step;
        }
        let last = last?;
        Some(self.turned(first, last, ground, words))
    }

    /// How many tokens at `at` only join the parts of a name: particles, hyphens, apostrophes, the
    /// point behind an initial. 0 if a name does not go on here.
    fn link(&self, at: usize, token: &Token, words: usize, ground: Ground) -> usize {
        let goes_on = |next: usize| {
            self.free(next).is_some_and(|t| t.line == token.line) && self.accepts(next, ground, words.max(1))
        };
        if token.roles.has(Roles::PARTICLE)
            && token.is_word()
            && (words > 0 || token.is_capital() || goes_on(at + 1))
        {
            let over = (1..=3).find(|step| {
                !self.page.get(at + step).is_some_and(|t| {
                    t.roles.has(Roles::PARTICLE) && t.shape != Shape::Title
                        || t.is('\'')
                        || t.is('’')
                        || t.is('.')
                })
            });
            return over
                .filter(|step| {
                    goes_on(at + step)
                        && self
                            .page
                            .get(at + step)
                            .is_some_and(|t| t.is_capital() || token.shape == Shape::Lower)
                })
                .unwrap_or(0);
        }
        let inner = match token.mark() {
            Some('-' | '\'' | '’') => {
                words > 0 && self.page.glued(at) && self.page.glued(at.saturating_sub(1))
            }
            Some('.') => {
                words > 0
                    && self.page.before(at).is_some_and(|t| {
                        t.end == token.start && matches!(t.shape, Shape::Initial) || t.end - t.start <= 2
                    })
            }
            _ => false,
        };
        usize::from(inner && goes_on(at + 1))
    }

    /// `Surname, Given`: the part behind the comma belongs to the name.
    fn turned(&self, first: usize, last: usize, ground: Ground, words: usize) -> usize {
        let comma = self.page.get(last + 1).is_some_and(|token| token.is(','));
        let Some(next) = self.free(last + 2).filter(|_| comma && words <= 3) else { return last };
        let given = next.roles.has(Roles::GIVEN);
        let same = self
            .page
            .get(first)
            .is_some_and(|f| f.line == next.line && (f.shape == next.shape || next.shape == Shape::Initial));
        let family =
            self.page.get(first).is_some_and(|f| f.roles.has(Roles::FAMILY) || ground != Ground::Look);
        if !same || !given || !(family || words == 1) {
            return last;
        }
        let mut end = last + 2;
        while end < last + 5
            && self
                .page
                .get(end + 1)
                .is_some_and(|t| t.line == next.line && t.is_capital() && t.roles.has(Roles::NAME))
        {
            end += 1;
        }
        end
    }

    /// True when the token can be a word of a name here; `words` of the name stand before it.
    fn accepts(&self, at: usize, ground: Ground, words: usize) -> bool {
        let Some(token) = self.page.get(at) else { return false };
        let roles = token.roles;
        if !token.is_word() || roles.has(Roles::NEVER) {
            return false;
        }
        let name = roles.has(Roles::NAME);
        let ordinary = roles.has(Roles::COMMON) || roles.has(Roles::ORG) || roles.has(Roles::MONTH);
        let pointed = self.page.get(at + 1).is_some_and(|next| next.is('.') && next.start == token.end);
        match token.shape {
            Shape::Camel => false,
            Shape::Initial => (words > 0 || pointed) && !roles.has(Roles::PARTICLE) || words > 0 && pointed,
            Shape::Title | Shape::Upper => match (name, ordinary, ground) {
                (true, false, _) => true,
                (true, true, Ground::Look) => words > 0,
                (true, true, _) => true,
                (false, true, Ground::Title) => {
                    token.shape == Shape::Title
                        && !roles.has(Roles::ORG)
                        && !self.page.before(at).is_some_and(|t| t.is_capital() && t.roles.has(Roles::NAME))
                }
                (false, true, _) => false,
                (false, false, Ground::Look) => {
                    words > 0
                        && !roles.has(Roles::PLACE)
                        && !roles.has(Roles::STREET)
                        && !roles.has(Roles::TITLE)
                }
                (false, false, _) => !roles.has(Roles::PARTICLE) && !roles.has(Roles::TITLE),
            },
            Shape::Lower => {
                if name && !ordinary {
                    return ground != Ground::Look || words > 0 || self.small_pair(at);
                }
                let beside = |other: usize| {
                    self.page.get(other).is_some_and(|t| {
                        t.shape == Shape::Lower
                            && t.line == token.line
                            && t.roles.has(Roles::NAME)
                            && !t.roles.has(Roles::COMMON)
                    })
                };
                let near = beside(at + 1) || at.checked_sub(1).is_some_and(|prev| words > 0 && beside(prev));
                let unknown = !ordinary
                    && !roles.has(Roles::PARTICLE)
                    && !roles.has(Roles::ROLE)
                    && !roles.has(Roles::TITLE)
                    && token.end - token.start > 2;
                match ground {
                    Ground::Look => name && words > 0 && near,
                    Ground::Field => unknown || name,
                    _ => near && (unknown || name),
                }
            }
            _ => false,
        }
    }

    /// Two names in small letters side by side, a given one among them.
    fn small_pair(&self, at: usize) -> bool {
        let small = |i: usize| {
            self.free(i).filter(|t| {
                t.shape == Shape::Lower
                    && t.roles.has(Roles::NAME)
                    && !t.roles.has(Roles::COMMON)
                    && t.end - t.start > 2
            })
        };
        let (Some(one), Some(two)) = (small(at), small(at + 1)) else { return false };
        one.line == two.line && one.roles.has(Roles::GIVEN) && two.roles.has(Roles::FAMILY)
    }

    /// A name by its look: listed words, capital, not part of an organisation's or a street's name.
    fn by_look(&self, at: usize) -> Option<(usize, usize, Ground)> {
        let token = self.free(at)?;
        let opens = token.roles.has(Roles::NAME)
            || self.page.get(at + 1).is_some_and(|next| next.roles.has(Roles::NAME));
        if !opens || !token.is_word() {
            return None;
        }
        let unlisted = !token.roles.has(Roles::NAME)
            && token.is_capital()
            && !token.roles.has(Roles::COMMON)
            && self.accepts(at, Ground::Look, 1);
        let first = if unlisted { at + 1 } else { at };
        if unlisted && !self.accepts(first, Ground::Look, 0) {
            return None;
        }
        let last = self.chain(first, Ground::Look)?;
        let first = at;
        if self.organised(first, last) {
            return None;
        }
        let words: Vec<&Token> = (first..=last)
            .filter_map(|i| self.page.get(i))
            .filter(|t| t.is_word() && !(t.shape == Shape::Lower && t.roles.has(Roles::PARTICLE)))
            .collect();
        let sure = words.iter().filter(|t| t.roles.has(Roles::NAME) && !t.roles.has(Roles::COMMON)).count();
        let listed = words.iter().filter(|t| t.roles.has(Roles::NAME)).count();
        let enough = match words.as_slice() {
            [] => false,
            [one] => {
                sure == 1
                    && one.shape == Shape::Title
                    && one.end - one.start > 2
                    && !one.roles.has(Roles::PLACE)
                    && !one.roles.has(Roles::MONTH)
            }
            _ => sure >= 1 || listed >= 2,
        };
        enough.then_some((first, last, Ground::Look))
    }

    /// True when the words belong to the name of an organisation or a product: such a word or a
    /// capital one that is no name stands beside them.
    fn organised(&self, first: usize, last: usize) -> bool {
        let line = self.page.get(first).map_or(0, |t| t.line);
        let near = |at: Option<usize>| at.and_then(|at| self.page.get(at)).filter(|t| t.line == line);
        let org = |token: Option<&Token>| {
            token.is_some_and(|t| {
                t.is_capital()
                    && (t.roles.has(Roles::ORG) || t.roles.has(Roles::STREET) || t.shape == Shape::Camel)
            })
        };
        let inside = (first..=last).any(|at| {
            self.page.get(at).is_some_and(|t| t.roles.has(Roles::ORG) && !t.roles.has(Roles::NAME))
        });
        let before = near(first.checked_sub(1));
        let particle = before.is_some_and(|t| t.roles.has(Roles::PARTICLE) && t.shape == Shape::Lower);
        let before_that = near(first.checked_sub(2)).filter(|_| particle);
        let version = near(Some(last + 1))
            .is_some_and(|t| t.has_digit() || matches!(self.page.word(last + 1), "build" | "version" | "v"));
        inside || org(before) || org(before_that) || org(near(Some(last + 1))) || version && first == last
    }

    /// The author's own name: anywhere in the signature as far as it agrees with From, elsewhere
    /// where nothing but its look speaks for a name and all its words agree.
    fn spared(&self, first: usize, last: usize, ground: Ground) -> bool {
        if self.sender.is_unknown() {
            return false;
        }
        let mut words = (first..=last)
            .filter(|at| self.page.get(*at).is_some_and(|t| t.is_word() && !t.roles.has(Roles::PARTICLE)));
        let agrees = |at: usize| self.sender.has(self.page.word(at));
        match (self.page.zone(first), ground) {
            (Zone::Signature, Ground::Look | Ground::Title) => words.any(agrees),
            (Zone::Body, Ground::Look) => words.all(agrees),
            _ => false,
        }
    }

    /// The folded words of the accepted names, as far as they are telling.
    fn words_of(&self, names: &[(usize, usize, Ground)], known: &HashSet<String>) -> HashSet<String> {
        let mut words = known.clone();
        for at in names.iter().flat_map(|(first, last, _)| *first..=*last) {
            let telling = self
                .page
                .get(at)
                .is_some_and(|t| t.is_word() && t.end - t.start > 2 && !t.roles.has(Roles::PARTICLE));
            let ordinary =
                self.page.get(at).is_some_and(|t| t.roles.has(Roles::COMMON) && !t.roles.has(Roles::NAME));
            if telling && !ordinary {
                words.insert(self.page.word(at).to_owned());
            }
        }
        words
    }

    /// Finds accepted words again, with the capital words and particles that join them.
    fn again(&self, words: &HashSet<String>, found: &mut Vec<Finding>) {
        if words.is_empty() {
            return;
        }
        for (at, token) in self.page.tokens.iter().enumerate() {
            let held =
                self.named.get(at).copied().unwrap_or(true) || self.taken.get(at).copied().unwrap_or(true);
            if held || !token.is_word() || !words.contains(self.page.word(at)) {
                continue;
            }
            let ordinary = token.roles.has(Roles::COMMON)
                || token.roles.has(Roles::ORG)
                || token.roles.has(Roles::PLACE);
            let written = token.is_capital() || !ordinary && token.roles.has(Roles::NAME);
            let doubtful = ordinary && (token.shape == Shape::Lower || self.opens_sentence(at));
            let own = self.sender.has(self.page.word(at))
                && matches!(self.page.zone(at), Zone::Signature | Zone::Body);
            let signed = self.page.zone(at) == Zone::Signature && self.line_is_senders(token.line);
            if written && !doubtful && !own && !signed && !self.organised(at, at) {
                found.push(Finding::new(token.start, token.end, Kind::Name, "name.again"));
            }
        }
    }

    fn line_is_senders(&self, line: usize) -> bool {
        let from = self.page.tokens.partition_point(|token| token.line < line);
        (from..self.page.tokens.len())
            .take_while(|at| self.page.get(*at).is_some_and(|token| token.line == line))
            .any(|at| self.sender.has(self.page.word(at)))
    }

    fn opens_sentence(&self, at: usize) -> bool {
        match (self.page.before(at), self.page.get(at)) {
            (Some(prev), Some(token)) => {
                prev.line != token.line || matches!(prev.mark(), Some('.' | '!' | '?' | ':' | '>' | '-'))
            }
            _ => true,
        }
    }
}
