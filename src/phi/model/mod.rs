//! A small statistical model of names and addresses: a linear-chain conditional random field over
//! hashed features of a cut page. Takes a page and the bytes of a trained model, gives for each token
//! how likely it is a word of a name or of an address. It knows no capital word by its letters, only
//! by shape, ending, roles and neighbours: it can neither recall nor betray a name it was trained on.
//! The rules decide what is done with its opinion.

mod chain;
mod features;
#[cfg(test)]
mod tests;
pub mod train;

use std::borrow::Cow;

use super::page::Page;
use chain::{Lattice, Potentials};
use features::{Features, segments};

/// What a token can be: an ordinary word, a word of a name, a word or number of an address.
const LABELS: usize = 3;
/// Labels that have weights; the first needs none.
const WEIGHED: usize = LABELS - 1;
/// Buckets of hashed features, as a power of two.
const BITS: u32 = 19;
/// A weight of one byte counts in these parts.
const SCALE: f32 = 16.0;
/// The first bytes of a model.
const MAGIC: [u8; 8] = *b"MWCRF\x01\x03\x13";
/// Magic, then the transitions, then the weights.
const HEADER: usize = MAGIC.len() + LABELS * LABELS;

/// The model that this program was built with; `mailward train` makes it.
static SHIPPED: &[u8] = include_bytes!("names.crf");

/// Chances of a token, between 0 and 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Chance {
    /// It is a word of a person's name.
    pub name: f32,
    /// It belongs to an address.
    pub address: f32,
}

/// A trained model. The one that is built in is borrowed from the program, not copied.
#[derive(Clone)]
pub struct Model {
    moves: [[f32; LABELS]; LABELS],
    bytes: Cow<'static, [u8]>,
}

impl Model {
    /// The model in the tree.
    pub fn shipped() -> Self {
        Self::parse(Cow::Borrowed(SHIPPED)).unwrap_or_else(Self::none)
    }

    /// A model without an opinion: the rules alone decide.
    pub const fn none() -> Self {
        Self { moves: [[0.0; LABELS]; LABELS], bytes: Cow::Borrowed(&[]) }
    }

    /// Reads a model, `None` if the bytes are none of this version.
    pub fn parse(bytes: Cow<'static, [u8]>) -> Option<Self> {
        let (head, weights) = bytes.split_at_checked(HEADER)?;
        let moves = head.strip_prefix(&MAGIC)?;
        let whole = weights.len() == WEIGHED << BITS;
        let mut table = [[0.0; LABELS]; LABELS];
        for (cell, byte) in table.iter_mut().flatten().zip(moves) {
            *cell = weight(*byte).exp();
        }
        whole.then_some(Self { moves: table, bytes })
    }

    /// The chances of each token of the page; none at all of a model without opinion. Lines without a word that could be a name or an address
    /// are not looked at; nor are those in which something was replaced already, so that redacted
    /// text is left as it is.
    pub fn chances(&self, page: &Page<'_>, links: &[(usize, usize)]) -> Vec<Chance> {
        if self.bytes.is_empty() {
            return Vec::new();
        }
        let mut chances = vec![Chance::default(); page.tokens.len()];
        let mut features = Features::new(page, links);
        let mut lattice = Lattice::default();
        for segment in segments(page) {
            if !features.worth(&segment) {
                continue;
            }
            features.enter(&segment);
            lattice.clear();
            for at in segment.clone() {
                lattice.push(self.potentials(features.of(&segment, at)));
            }
            let marginals = lattice.marginals(&self.moves);
            let places = chances.get_mut(segment).unwrap_or_default();
            for (chance, [_, name, address]) in places.iter_mut().zip(marginals) {
                *chance = Chance { name: *name, address: *address };
            }
        }
        chances
    }

    fn potentials(&self, features: &[u32]) -> Potentials {
        let mut sums = [0_i32; WEIGHED];
        let weights = self.bytes.get(HEADER..).unwrap_or_default();
        for bucket in features {
            let at = usize::try_from(*bucket).unwrap_or(0) * WEIGHED;
            let found = weights.get(at..at + WEIGHED).unwrap_or_default();
            for (sum, byte) in sums.iter_mut().zip(found) {
                *sum += i32::from(byte.cast_signed());
            }
        }
        Potentials::of(sums.map(scaled))
    }
}

fn weight(byte: u8) -> f32 {
    scaled(i32::from(byte.cast_signed()))
}

/// A sum of weights of one byte, as a real number.
#[expect(clippy::cast_precision_loss, reason = "a sum of some dozens of bytes is exact in f32")]
fn scaled(sum: i32) -> f32 {
    sum as f32 / SCALE
}
