//! What the model looks at: for each token a handful of numbers made of its shape, its roles, its
//! first and last letters, the label that governs it and its neighbours. Takes a cut page, gives
//! buckets. A word with a capital, and a listed name in small letters, has no identity here.

use std::collections::HashSet;
use std::ops::Range;

use super::super::lexicon::{Label, Roles};
use super::super::page::{Page, Shape, Token, Zone};
use super::BITS;

/// A sentence is cut behind so many tokens at the latest.
const LONGEST: usize = 80;
/// The identity of every word that may be a name.
const NAMELESS: u32 = 3;
/// Roles that tell something of a name or an address.
const TELLING: [Roles; 15] = [
    Roles::GIVEN,
    Roles::FAMILY,
    Roles::COMMON,
    Roles::PARTICLE,
    Roles::TITLE,
    Roles::ROLE,
    Roles::SEEK,
    Roles::MONTH,
    Roles::STREET,
    Roles::SUFFIX,
    Roles::PLACE,
    Roles::ORG,
    Roles::UNIT,
    Roles::GREET,
    Roles::NAMELIKE,
];

/// What one token is made of, hashed.
#[derive(Debug, Clone, Copy, Default)]
struct Atoms {
    word: u32,
    kind: u32,
    look: u32,
    start: u32,
    end: u32,
    tail: u32,
    label: u32,
}

/// The features of a page.
pub struct Features<'p, 'a> {
    page: &'p Page<'a>,
    /// The tokens of the segment that was entered last.
    atoms: Vec<Atoms>,
    /// Lines on which a mail address or a link stands.
    contact: Vec<bool>,
    buckets: Vec<u32>,
    vocabulary: Option<(&'p HashSet<String>, u32)>,
}

impl<'p, 'a> Features<'p, 'a> {
    /// Prepares a page; `links` are bytes of mail addresses, links and placeholders.
    pub fn new(page: &'p Page<'a>, links: &[(usize, usize)]) -> Self {
        let mut contact = vec![false; page.zones.len()];
        for (start, _) in links {
            let line = page.get(page.token_at(*start)).map_or(0, |token| token.line);
            if let Some(flag) = contact.get_mut(line) {
                *flag = true;
            }
        }
        Self { page, atoms: Vec::new(), contact, buckets: Vec::with_capacity(40), vocabulary: None }
    }

    /// The same for training: a word in small letters that is not in the vocabulary has a new
    /// identity at each salt, so that nothing is learnt of it.
    pub fn learning(self, vocabulary: &'p HashSet<String>, salt: u32) -> Self {
        Self { vocabulary: Some((vocabulary, salt)), ..self }
    }

    /// Goes to a segment: the next calls of [`Self::of`] are for its tokens.
    pub fn enter(&mut self, segment: &Range<usize>) {
        self.atoms.clear();
        for at in segment.clone() {
            let mut atom = atoms(self.page, at);
            if let Some((known, salt)) = self.vocabulary
                && atom.word != NAMELESS
                && self.page.get(at).is_some_and(Token::is_word)
                && !known.contains(self.page.word(at))
            {
                atom.word = mix(atom.word, salt);
            }
            self.atoms.push(atom);
        }
    }

    /// True for a segment with a word that could be a name or the begin of an address, and without
    /// a placeholder.
    pub fn worth(&self, segment: &Range<usize>) -> bool {
        let tokens = self.page.tokens.get(segment.clone()).unwrap_or_default();
        let replaced = tokens.iter().any(|token| token.roles.has(Roles::REPLACED));
        let telling =
            |token: &Token| token.is_capital() && !token.is_ordinary() || token.roles.has(Roles::NAME);
        !replaced && tokens.iter().any(telling)
    }

    /// The buckets of one token of the segment.
    pub fn of(&mut self, segment: &Range<usize>, at: usize) -> &[u32] {
        let near = |step: isize| {
            (at - segment.start)
                .checked_add_signed(step)
                .and_then(|other| self.atoms.get(other))
                .copied()
                .unwrap_or(Atoms { kind: if step < 0 { 1 } else { 2 }, ..Atoms::default() })
        };
        let [a, b, c, d, e] = [near(-2), near(-1), near(0), near(1), near(2)];
        let line = self.page.get(at).map_or(0, |token| token.line);
        let zone = match self.page.zone(at) {
            Zone::Body => 0,
            Zone::Quoted => 1,
            Zone::Signature => 2,
            Zone::Log => 3,
        };
        let contact = u32::from(self.contact.get(line).copied().unwrap_or(false));
        let pairs = [
            (c.kind, 0),
            (c.look, 0),
            (c.word, 0),
            (c.start, 0),
            (c.end, 0),
            (c.tail, 0),
            (c.kind, c.look),
            (b.word, 0),
            (d.word, 0),
            (a.word, 0),
            (e.word, 0),
            (b.kind, c.kind),
            (c.kind, d.kind),
            (b.look, c.look),
            (c.look, d.look),
            (mix(a.look, b.look), c.look),
            (mix(d.look, e.look), c.look),
            (b.word, mix(c.kind, c.look)),
            (d.word, mix(c.kind, c.look)),
            (mix(a.word, b.word), c.kind),
            (mix(b.kind, c.kind), d.kind),
            (mix(a.kind, b.kind), c.kind),
            (mix(d.kind, e.kind), c.kind),
            (c.label, c.kind),
            (c.label, c.look),
            (zone, c.kind),
            (contact, mix(c.kind, c.look)),
            (mix(contact, b.kind), mix(c.kind, d.kind)),
            (b.end, c.kind),
            (d.end, c.kind),
            (b.look, mix(c.kind, d.kind)),
        ];
        self.buckets.clear();
        self.buckets.extend((1..).zip(pairs).map(|(template, (x, y))| {
            let hash = mix(mix(template, x), y);
            (hash ^ (hash >> 15)).wrapping_mul(0x2c1b_3c6d) >> (32 - BITS)
        }));
        &self.buckets
    }
}

/// The sentences of a page, each within a line.
pub fn segments(page: &Page<'_>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, token) in page.tokens.iter().enumerate() {
        let ends = page.get(at + 1).is_none_or(|next| next.line != token.line)
            || at + 1 - start >= LONGEST
            || sentence_end(page, at, token);
        if ends {
            found.push(start..at + 1);
            start = at + 1;
        }
    }
    found
}

fn sentence_end(page: &Page<'_>, at: usize, token: &Token) -> bool {
    let stop = matches!(token.mark(), Some('.' | '!' | '?' | ';'));
    stop && !page.glued(at) && page.before(at).is_some_and(|t| t.shape == Shape::Lower && t.end - t.start > 4)
}

fn atoms(page: &Page<'_>, at: usize) -> Atoms {
    let Some(token) = page.get(at) else { return Atoms::default() };
    let (kind, size) = (kind(token), token.end - token.start);
    if !token.is_word() {
        return Atoms { kind, word: kind, label: label(page, at), ..Atoms::default() };
    }
    let word = page.word(at);
    let letters = word.as_bytes();
    let [start, end, tail] = if size < 3 {
        [0; 3]
    } else {
        let from = |len: usize| letters.get(letters.len().saturating_sub(len)..).unwrap_or_default();
        [hash(letters.get(..3).unwrap_or(letters)), hash(from(3)), hash(from(2))]
    };
    let look = TELLING.iter().fold(0, |bits, role| bits << 1 | u32::from(token.roles.has(*role)));
    let word = if nameless(token) { NAMELESS } else { hash(letters) };
    Atoms { word, kind, look: look.wrapping_add(7), start, end, tail, label: label(page, at) }
}

/// True for a word whose letters the model must not know: it may be a person's name.
fn nameless(token: &Token) -> bool {
    let roles = [Roles::TITLE, Roles::ROLE, Roles::GREET, Roles::ORG, Roles::STREET, Roles::PARTICLE];
    let known = token.is_ordinary() || roles.iter().any(|role| token.roles.has(*role));
    !known && (token.is_capital() || token.roles.has(Roles::NAME)) || token.is_listed()
}

/// Shape and size.
fn kind(token: &Token) -> u32 {
    let size = u32::try_from((token.end - token.start).min(6)).unwrap_or(6);
    match token.shape {
        Shape::Lower => 10 + size.min(4),
        Shape::Title => 20 + size.min(4),
        Shape::Upper => 30 + size.min(4),
        Shape::Initial => 40,
        Shape::Camel => 41,
        Shape::Number => 50 + size,
        Shape::Mixed => 60,
        Shape::Punct(mark) => 100 + u32::from(mark),
    }
}

/// The label that stands shortly before on the same line, and how far.
fn label(page: &Page<'_>, at: usize) -> u32 {
    let Some(label) = page.label_before(at) else { return 0 };
    let line = |at: usize| page.get(at).map(|token| token.line);
    let far = at - label.last;
    if far > 8 || line(at) != line(label.last) {
        return 0;
    }
    let kind = match label.label {
        Label::Person => 1,
        Label::Address => 2,
        Label::Phone => 3,
        Label::Date => 4,
        Label::Ticket => 5,
        _ => 6,
    };
    kind * 4 + u32::from(far > 2) + u32::from(far > 5)
}

/// FNV-1a.
fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// Two numbers into one.
const fn mix(one: u32, two: u32) -> u32 {
    let hash = one.wrapping_mul(0x9e37_79b1) ^ two.wrapping_mul(0x85eb_ca6b).rotate_left(13);
    (hash ^ (hash >> 16)).wrapping_mul(0x7feb_352d)
}
