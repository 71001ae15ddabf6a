//! Which words make up a name, once one is expected at a place. Takes a cut page and the tokens
//! that other rules hold; gives the last token of the name.

use super::lexicon::Roles;
use super::page::{Page, Shape, Token};

/// A name rarely has more words.
const LONGEST: usize = 8;

/// Why a name is expected at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// `Name:`, `patient=`.
    Field,
    /// Dr., señora.
    Title,
    /// patient, hermana.
    Role,
    /// Nothing but the look of the words.
    Look,
    /// The model's opinion.
    Model,
}

impl Ground {
    /// The rule's id.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Field => "name.field",
            Self::Title => "name.title",
            Self::Role => "name.role",
            Self::Look => "name.look",
            Self::Model => "name.model",
        }
    }
}

/// Follows names over a page.
pub struct Chains<'p, 'a> {
    /// The page.
    pub page: &'p Page<'a>,
    /// Tokens that other rules hold.
    pub taken: Vec<bool>,
}

impl Chains<'_, '_> {
    /// A token that no other rule holds.
    pub fn free(&self, at: usize) -> Option<&Token> {
        let held = self.taken.get(at).copied().unwrap_or(true);
        self.page.get(at).filter(|_| !held)
    }

    /// True for the token's property, if it is there.
    fn is(&self, at: usize, holds: impl Fn(&Token) -> bool) -> bool {
        self.page.get(at).is_some_and(holds)
    }

    /// The last token of the name that begins at `first`, if one begins there.
    pub fn follow(&self, first: usize, ground: Ground) -> Option<usize> {
        let line = self.page.get(first)?.line;
        let (mut last, mut words, mut at) = (None, 0, first);
        while words < LONGEST {
            let Some(token) = self.free(at).filter(|token| token.line == line) else { break };
            if self.is(at + 1, |next| next.is('=') && next.start == token.end) {
                break;
            }
            if self.accepts(at, ground, words) {
                last = Some(at);
                words += 1;
                at += 1;
                continue;
            }
            match self.link(at, token, words, ground) {
                0 => break,
                step => at += step,
            }
        }
        last.map(|last| self.turned(first, last, ground, words))
    }

    /// How many tokens at `at` only join the parts of a name: particles, hyphens, apostrophes, the
    /// point behind an initial. 0 if a name does not go on here.
    fn link(&self, at: usize, token: &Token, words: usize, ground: Ground) -> usize {
        let goes_on = |next: usize| {
            self.free(next).is_some_and(|t| t.line == token.line) && self.accepts(next, ground, words.max(1))
        };
        if token.is_word() && token.roles.has(Roles::PARTICLE) {
            let joint = |t: &Token| {
                t.roles.has(Roles::PARTICLE) && t.shape != Shape::Title
                    || matches!(t.mark(), Some('\'' | '’' | '.'))
            };
            let Some(step) = (1..=3).find(|step| !self.is(at + step, joint)) else { return 0 };
            let capital = self.is(at + step, Token::is_capital);
            let small = self.page.before(at).is_some_and(|prev| words > 0 && prev.shape == Shape::Lower);
            let alike = capital || token.shape == Shape::Lower && small;
            return if alike && goes_on(at + step) { step } else { 0 };
        }
        let inner = words > 0
            && match token.mark() {
                Some('-' | '\'' | '’') => self.page.glued(at) && self.page.glued(at.saturating_sub(1)),
                Some('.') => self.page.before(at).is_some_and(|t| {
                    t.end == token.start && (t.end - t.start <= 2 || t.roles.has(Roles::TITLE))
                }),
                _ => false,
            };
        if !inner {
            return 0;
        }
        let ordinal = |t: &Token| t.start == token.end && t.shape == Shape::Lower && t.end - t.start <= 2;
        if token.is('.') && self.is(at + 1, ordinal) && goes_on(at + 2) {
            return 2;
        }
        usize::from(goes_on(at + 1))
    }

    /// `Surname, Given`: the part behind the comma belongs to the name.
    fn turned(&self, first: usize, last: usize, ground: Ground, words: usize) -> usize {
        let comma = self.is(last + 1, |token| token.is(','));
        let Some(next) = self.free(last + 2).filter(|_| comma && words <= 3) else { return last };
        let Some(head) = self.page.get(first).filter(|head| head.line == next.line) else { return last };
        let alike = head.shape == next.shape || head.shape == Shape::Upper || next.shape == Shape::Initial;
        let given = next.roles.has(Roles::GIVEN) && !next.roles.has(Roles::COMMON)
            || ground == Ground::Role && next.shape != Shape::Initial && self.accepts(last + 2, ground, 1);
        let family = head.roles.has(Roles::FAMILY) || ground != Ground::Look || words == 1;
        if !alike || !given || !family || !next.is_capital() {
            return last;
        }
        let part = |t: &Token| t.roles.has(Roles::NAME) || t.shape == Shape::Initial;
        let more = |at: usize| self.is(at, |t| t.line == next.line && t.is_capital() && part(t));
        (last + 3..last + 6).take_while(|at| more(*at)).last().unwrap_or(last + 2)
    }

    /// True when the token can be a word of a name here; `words` of the name stand before it.
    pub fn accepts(&self, at: usize, ground: Ground, words: usize) -> bool {
        let Some(token) = self.page.get(at) else { return false };
        let roles = token.roles;
        if !token.is_word() || roles.has(Roles::NEVER) {
            return false;
        }
        let name = roles.has(Roles::NAME);
        let ordinary = token.is_ordinary();
        match token.shape {
            Shape::Camel => words > 0 && ground == Ground::Field && !roles.has(Roles::LABEL),
            Shape::Initial => {
                let middle = words > 0 && (self.pointed(at) || !roles.has(Roles::PARTICLE));
                middle || self.pointed(at) && (ground != Ground::Look || self.listed_soon(at))
            }
            Shape::Title | Shape::Upper => match (name, ordinary, ground) {
                (true, true, Ground::Look) => words > 0 || self.listed_next(at),
                (true, ..) => true,
                (false, true, Ground::Title) => {
                    let named =
                        self.page.before(at).is_some_and(|t| t.is_capital() && t.roles.has(Roles::NAME));
                    token.shape == Shape::Title && !roles.has(Roles::ORG) && !named
                }
                (false, true, Ground::Field) => {
                    words > 0
                        && self.is(at + 1, |t| {
                            t.line == token.line && t.shape == Shape::Title && !t.is_ordinary()
                        })
                }
                (false, true, _) => false,
                (false, false, _) => self.unlisted(at, token, ground, words),
            },
            Shape::Lower => self.small(at, token, ground, words),
            _ => false,
        }
    }

    fn pointed(&self, at: usize) -> bool {
        self.page.glued(at) && self.is(at + 1, |next| next.is('.'))
    }

    /// A word in small letters: a listed name behind a ground or beside another one.
    fn small(&self, at: usize, token: &Token, ground: Ground, words: usize) -> bool {
        let roles = token.roles;
        let size = token.end - token.start;
        let sure = roles.has(Roles::NAME) && !token.is_ordinary() && !roles.has(Roles::PARTICLE);
        let beside = |other: usize| {
            self.is(other, |t| {
                t.shape == Shape::Lower
                    && t.line == token.line
                    && t.roles.has(Roles::NAME)
                    && !t.is_ordinary()
            })
        };
        let next = if self.pointed(at) { at + 2 } else { at + 1 };
        let ahead = beside(next)
            || self.is(next, |t| t.shape == Shape::Lower && !t.is_ordinary()) && beside(next + 1);
        let near = ahead || words > 0 && self.named_before(at);
        if size == 1 {
            return words > 0 && near && (self.pointed(at) || !roles.has(Roles::PARTICLE));
        }
        if sure {
            return ground != Ground::Look || words > 0 || self.small_pair(at);
        }
        if words == 0 && self.small_pair(at) {
            return true;
        }
        let role =
            [Roles::PARTICLE, Roles::ROLE, Roles::TITLE, Roles::LABEL].iter().any(|role| roles.has(*role));
        let unknown = !token.is_ordinary() && !role && size > 2;
        match ground {
            Ground::Look => (roles.has(Roles::NAME) || roles.has(Roles::NAMELIKE)) && words > 0 && near,
            Ground::Field => unknown,
            _ => near && (unknown || roles.has(Roles::NAME)),
        }
    }

    /// True when the word before, over an initial and its point, is a name in small letters.
    fn named_before(&self, at: usize) -> bool {
        let back = |at: usize, skips: bool| if skips { at.saturating_sub(1) } else { at };
        let prev = at.saturating_sub(1);
        let prev = back(prev, self.is(prev, |t| t.is('.')));
        let prev = back(prev, self.is(prev, |t| t.shape == Shape::Lower && t.end - t.start == 1));
        self.is(prev, |t| {
            t.shape == Shape::Lower && (t.roles.has(Roles::NAME) || t.roles.has(Roles::NAMELIKE))
        })
    }

    /// A given and a family name in small letters side by side, or with an initial between them.
    fn small_pair(&self, at: usize) -> bool {
        let small = |i: usize| self.free(i).filter(|t| t.shape == Shape::Lower && t.end - t.start > 2);
        let initial = self.is(at + 1, |t| t.shape == Shape::Lower && t.end - t.start == 1);
        let next = match (initial, self.pointed(at + 1)) {
            (true, true) => at + 3,
            (true, false) => at + 2,
            _ => at + 1,
        };
        let (Some(one), Some(two)) = (small(at), small(next)) else { return false };
        let sure = one.is_listed() || two.is_listed();
        let family = two.roles.has(Roles::FAMILY) || two.roles.has(Roles::NAMELIKE);
        one.roles.has(Roles::GIVEN) && family && sure && one.line == two.line
    }

    /// A capital word that no list knows: a name behind a ground or beside a listed one, unless it
    /// is written otherwise than the words before it, or as a code.
    fn unlisted(&self, at: usize, token: &Token, ground: Ground, words: usize) -> bool {
        let roles = token.roles;
        let other =
            [Roles::PARTICLE, Roles::TITLE, Roles::ROLE, Roles::GREET].iter().any(|role| roles.has(*role));
        let placed = [Roles::PLACE, Roles::STREET, Roles::SUFFIX].iter().any(|role| roles.has(*role));
        let before = self.page.before(at).filter(|prev| words > 0 && prev.is_word());
        let unlike = before.is_some_and(|prev| {
            token.shape == Shape::Upper && matches!(prev.shape, Shape::Title | Shape::Lower)
        });
        let acronym = token.shape == Shape::Upper
            && token.end - token.start <= 3
            && !self.page.slice(token.start, token.end).ends_with(['ª', 'º'])
            && matches!(ground, Ground::Look | Ground::Role);
        let coded = self.page.glued(at)
            && self.is(at + 1, |t| matches!(t.mark(), Some('-' | '_' | '#' | '+' | '=' | '@' | '/')))
            && (self.is(at + 2, Token::has_digit) || self.is(at + 1, |t| !t.is('-') && !t.is('/')));
        if other || unlike || acronym || coded || placed && ground == Ground::Look {
            return false;
        }
        let opening = ground == Ground::Look && words == 0;
        !opening || roles.has(Roles::NAMELIKE) || self.listed_soon(at) || self.stranger(at)
    }

    /// True when two unknown words with capitals stand side by side, an initial between them or not.
    fn stranger(&self, at: usize) -> bool {
        let line = self.page.get(at).map_or(0, |t| t.line);
        let unknown = |i: usize| {
            let fits = |t: &&Token| t.line == line && t.shape == Shape::Title && t.end - t.start > 2;
            self.free(i)
                .filter(fits)
                .is_some_and(|t| t.roles == Roles::default() || t.roles == Roles::NAMELIKE)
        };
        let initial = self.is(at + 1, |t| t.shape == Shape::Initial && t.line == line);
        let next = at + 1 + usize::from(initial) + usize::from(initial && self.pointed(at + 1));
        let particle = |i: &usize| self.is(*i, |t| t.shape == Shape::Lower && t.roles.has(Roles::PARTICLE));
        let next = (next..next + 3).find(|i| !particle(i)).unwrap_or(next);
        unknown(at) && unknown(next)
    }

    /// True when the next word, over a particle, is a listed name written with a capital.
    fn listed_next(&self, at: usize) -> bool {
        let line = self.page.get(at).map_or(0, |t| t.line);
        let particle = self.is(at + 1, |t| t.roles.has(Roles::PARTICLE) && t.shape == Shape::Lower);
        let next = if particle { at + 2 } else { at + 1 };
        self.free(next).is_some_and(|t| t.line == line && t.is_capital() && t.is_listed())
    }

    /// True when one of the next two words, initials apart, is a listed name.
    fn listed_soon(&self, at: usize) -> bool {
        let line = self.page.get(at).map_or(0, |t| t.line);
        let joint = |t: &Token| {
            t.is_capital() || t.is('.') && t.end - t.start == 1 || t.is('-') || t.roles.has(Roles::PARTICLE)
        };
        let behind = |i: usize| self.free(i).filter(|t| t.line == line && joint(t));
        let stop = |i: usize| {
            self.is(i, |t| t.is('.')) && !self.page.before(i).is_some_and(|t| t.shape == Shape::Initial)
        };
        (at + 1..at + 4).take_while(|i| !stop(*i)).map_while(behind).any(|t| t.is_capital() && t.is_listed())
    }
}
