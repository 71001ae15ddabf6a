//! Makes a model from texts in which the names and addresses are marked: stochastic ascent of the
//! chain's likelihood with AdaGrad. Takes texts, a seed and a redactor (for its word lists), gives
//! the bytes of a model; the same input gives the same bytes. A developer's tool: nothing of the
//! gateway calls it. What it learns from is never kept: see `nameless` in the features.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::super::lexicon::Roles;
use super::super::page::Page;
use super::super::redact::Redactor;
use super::chain::{Lattice, Moves, Potentials};
use super::features::{Features, segments};
use super::{BITS, HEADER, LABELS, MAGIC, SCALE, WEIGHED, scaled};

/// How often every text is read.
const ROUNDS: u32 = 12;
/// The first step of each weight.
const RATE: f32 = 0.25;
/// How strongly a weight is drawn back to 0 whenever its feature is seen.
const DECAY: f32 = 2e-4;
/// A word in small letters counts by itself when it stands in so many texts.
const TEXTS: usize = 4;
/// Of 100 listed names of a text, so many are treated as unlisted: names that no list knows are what
/// the model is for.
const HIDDEN: u64 = 40;

/// What is marked in a text of the training set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A person's name.
    Name,
    /// An address.
    Address,
    /// It may be anything: the text does not say.
    Open,
}

/// A text of the training set.
#[derive(Debug, Clone)]
pub struct Example {
    /// The text.
    pub text: String,
    /// Marked stretches, in bytes.
    pub marks: Vec<(usize, usize, Mark)>,
}

/// Weights in the making.
struct Learner {
    weights: Vec<f32>,
    squares: Vec<f32>,
    moves: Moves,
    move_squares: Moves,
}

/// Trains a model.
pub fn train(examples: &[Example], redactor: &Redactor, seed: u64) -> Vec<u8> {
    let mut learner = Learner {
        weights: vec![0.0; WEIGHED << BITS],
        squares: vec![1.0; WEIGHED << BITS],
        moves: [[0.0; LABELS]; LABELS],
        move_squares: [[1.0; LABELS]; LABELS],
    };
    let vocabulary = vocabulary(examples, redactor);
    let mut dice = Dice(seed);
    let mut order: Vec<&Example> = examples.iter().collect();
    for round in 0..ROUNDS {
        dice.shuffle(&mut order);
        for example in &order {
            learner.read(example, redactor, (&vocabulary, round + 1), &mut dice);
        }
    }
    learner.bytes()
}

/// Words in small letters that stand in enough texts, and in no name.
fn vocabulary(examples: &[Example], redactor: &Redactor) -> HashSet<String> {
    let mut texts: HashMap<String, usize> = HashMap::new();
    let mut names = HashSet::new();
    for example in examples {
        let page = Page::new(&example.text, &redactor.lexicon, &[]);
        let mut seen = HashSet::new();
        for (at, token) in page.tokens.iter().enumerate().filter(|(_, token)| token.is_word()) {
            let word = page.word(at);
            if mark_at(example, token.start) == Some(Mark::Name) && !token.roles.has(Roles::PARTICLE) {
                names.insert(word.to_owned());
            } else if seen.insert(word.to_owned()) {
                *texts.entry(word.to_owned()).or_default() += 1;
            }
        }
    }
    texts.retain(|word, count| *count >= TEXTS && !names.contains(word));
    texts.into_keys().collect()
}

fn mark_at(example: &Example, byte: usize) -> Option<Mark> {
    example.marks.iter().find(|(start, end, _)| (*start..*end).contains(&byte)).map(|(.., mark)| *mark)
}

/// The labels that a token may have.
fn allowed(example: &Example, page: &Page<'_>, at: usize) -> [bool; LABELS] {
    let Some(token) = page.get(at) else { return [true; LABELS] };
    match mark_at(example, token.start) {
        None => [true, false, false],
        Some(Mark::Name) if token.has_digit() => [true; LABELS],
        Some(Mark::Name) => [false, true, false],
        Some(Mark::Address) => [false, false, true],
        Some(Mark::Open) => [true; LABELS],
    }
}

impl Learner {
    fn read(
        &mut self,
        example: &Example,
        redactor: &Redactor,
        (vocabulary, salt): (&HashSet<String>, u32),
        dice: &mut Dice,
    ) {
        let mut page = Page::new(&example.text, &redactor.lexicon, &[]);
        let links = redactor.contacts.find(&example.text, &mut Vec::new());
        forget_names(&mut page, dice);
        let mut features = Features::new(&page, &links).learning(vocabulary, salt);
        for segment in segments(&page) {
            if features.worth(&segment) {
                self.learn(example, &page, &mut features, segment);
            }
        }
    }

    /// One step on one segment: towards what is marked, away from what the model believes.
    fn learn(
        &mut self,
        example: &Example,
        page: &Page<'_>,
        features: &mut Features<'_, '_>,
        segment: Range<usize>,
    ) {
        let (mut believed, mut marked) = (Lattice::default(), Lattice::default());
        let mut buckets = Vec::with_capacity(segment.len());
        features.enter(&segment);
        for at in segment.clone() {
            let here = features.of(&segment, at).to_vec();
            let potentials = self.potentials(&here);
            believed.push(potentials);
            marked.push(potentials.within(allowed(example, page, at)));
            buckets.push(here);
        }
        let moves = self.moves.map(|row| row.map(f32::exp));
        let wanted = marked.marginals(&moves).to_vec();
        let held = believed.marginals(&moves).to_vec();
        for (here, (want, have)) in buckets.iter().zip(wanted.iter().zip(&held)) {
            let [_, name, address] = want;
            let [_, name_held, address_held] = have;
            self.step(here, [name - name_held, address - address_held]);
        }
        let (want, have) = (marked.moves(&moves), believed.moves(&moves));
        let cells = self.moves.iter_mut().flatten().zip(self.move_squares.iter_mut().flatten());
        for ((cell, square), (want, have)) in cells.zip(want.iter().flatten().zip(have.iter().flatten())) {
            climb(cell, square, want - have);
        }
    }

    fn potentials(&self, buckets: &[u32]) -> Potentials {
        let mut sums = [0.0; WEIGHED];
        for bucket in buckets {
            let at = usize::try_from(*bucket).unwrap_or(0) * WEIGHED;
            for (sum, weight) in sums.iter_mut().zip(self.weights.get(at..).unwrap_or_default()) {
                *sum += weight;
            }
        }
        Potentials::of(sums)
    }

    fn step(&mut self, buckets: &[u32], slopes: [f32; WEIGHED]) {
        /// Below it nothing would move.
        const NOTHING: f32 = 1e-4;
        if slopes.iter().all(|slope| slope.abs() < NOTHING) {
            return;
        }
        for bucket in buckets {
            let at = usize::try_from(*bucket).unwrap_or(0) * WEIGHED;
            let weights = self.weights.get_mut(at..).unwrap_or_default().iter_mut();
            let squares = self.squares.get_mut(at..).unwrap_or_default().iter_mut();
            for (slope, (weight, square)) in slopes.iter().zip(weights.zip(squares)) {
                climb(weight, square, *slope);
            }
        }
    }

    /// Weights of one byte each: what is too small to count becomes 0.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.weights.len());
        bytes.extend(MAGIC);
        bytes.extend(self.moves.iter().flatten().chain(&self.weights).map(|weight| byte_of(*weight)));
        bytes
    }
}

fn climb(weight: &mut f32, square: &mut f32, slope: f32) {
    let slope = slope - DECAY * *weight;
    *square += slope * slope;
    *weight += RATE * slope / square.sqrt();
}

/// The nearest weight of one byte.
fn byte_of(weight: f32) -> u8 {
    if weight.abs() < 0.5 / SCALE {
        return 0;
    }
    let far = |part: i8| (scaled(i32::from(part)) - weight).abs();
    let near = (i8::MIN..=i8::MAX).min_by(|a, b| far(*a).total_cmp(&far(*b)));
    near.unwrap_or(0).cast_unsigned()
}

/// Takes the lists away from some of the page's names, each wherever it stands.
fn forget_names(page: &mut Page<'_>, dice: &mut Dice) {
    let salt = dice.next();
    for at in 0..page.tokens.len() {
        let mut word =
            Dice(page.word(at).bytes().fold(salt, |sum, byte| sum.rotate_left(7) ^ u64::from(byte)));
        if word.next() % 100 < HIDDEN
            && let Some(token) = page.tokens.get_mut(at)
            && token.roles.has(Roles::NAME)
        {
            token.roles = token.roles.without(Roles::NAME);
        }
    }
}

/// A source of numbers that a seed determines (SplitMix64).
struct Dice(u64);

impl Dice {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            let places = u64::try_from(at + 1).unwrap_or(1);
            let other = usize::try_from(self.next() % places).unwrap_or(0);
            items.swap(at, other);
        }
    }
}
