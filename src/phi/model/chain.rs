//! The chain itself: potentials of the tokens of one segment, and by the forward-backward algorithm
//! the chance of each label at each token. Takes numbers, gives numbers.

use super::{LABELS, WEIGHED};

/// How much speaks for each label at one token; all positive.
#[derive(Debug, Clone, Copy)]
pub struct Potentials(pub [f32; LABELS]);

impl Potentials {
    /// From the sums of weights of the labels behind the first, which always has 0.
    pub fn of(sums: [f32; WEIGHED]) -> Self {
        /// Beyond it chances are 0 or 1 in every respect.
        const MOST: f32 = 30.0;
        let [name, address] = sums.map(|sum| sum.clamp(-MOST, MOST).exp());
        Self([1.0, name, address])
    }

    /// Only what `allowed` allows.
    #[must_use]
    pub fn within(self, allowed: [bool; LABELS]) -> Self {
        let mut masked = self;
        for (value, may) in masked.0.iter_mut().zip(allowed) {
            *value = if may { *value } else { 0.0 };
        }
        masked
    }
}

/// How much speaks for each label behind each label.
pub type Moves = [[f32; LABELS]; LABELS];

/// The tokens of a segment; its buffers serve again for the next.
#[derive(Default)]
pub struct Lattice {
    tokens: Vec<[f32; LABELS]>,
    forward: Vec<[f32; LABELS]>,
    backward: Vec<[f32; LABELS]>,
    marginals: Vec<[f32; LABELS]>,
}

impl Lattice {
    /// Starts a segment.
    pub fn clear(&mut self) {
        self.tokens.clear();
    }

    /// Adds a token.
    pub fn push(&mut self, potentials: Potentials) {
        self.tokens.push(potentials.0);
    }

    /// The chance of each label at each token.
    pub fn marginals(&mut self, moves: &Moves) -> &[[f32; LABELS]] {
        self.run(moves);
        self.marginals.clear();
        for (a, b) in self.forward.iter().zip(&self.backward) {
            let mut both = *a;
            both.iter_mut().zip(b).for_each(|(x, y)| *x *= y);
            self.marginals.push(normal(both));
        }
        &self.marginals
    }

    /// The expected number of each move in the segment; after [`Self::marginals`].
    pub fn moves(&self, moves: &Moves) -> Moves {
        let mut total = [[0.0; LABELS]; LABELS];
        let next = self.tokens.iter().zip(&self.backward).skip(1);
        for (a, (token, b)) in self.forward.iter().zip(next) {
            let mut pair = *moves;
            for (row, from) in pair.iter_mut().zip(a) {
                for ((cell, psi), to) in row.iter_mut().zip(token).zip(b) {
                    *cell *= from * psi * to;
                }
            }
            let sum: f32 = pair.iter().flatten().sum();
            let share = if sum > 0.0 { 1.0 / sum } else { 0.0 };
            for (cell, part) in total.iter_mut().flatten().zip(pair.iter().flatten()) {
                *cell += part * share;
            }
        }
        total
    }

    fn run(&mut self, moves: &Moves) {
        self.forward.clear();
        let mut last: Option<[f32; LABELS]> = None;
        for token in &self.tokens {
            let mut here = *token;
            if let Some(before) = last {
                for (to, value) in here.iter_mut().enumerate() {
                    let come: f32 =
                        moves.iter().zip(before).map(|(row, from)| from * row.get(to).unwrap_or(&0.0)).sum();
                    *value *= come;
                }
            }
            let here = normal(here);
            self.forward.push(here);
            last = Some(here);
        }
        self.backward.clear();
        let mut behind: Option<[f32; LABELS]> = None;
        for (at, _) in self.tokens.iter().enumerate().rev() {
            let mut here = [1.0; LABELS];
            if let (Some(next), Some(token)) = (behind, self.tokens.get(at + 1)) {
                for (value, row) in here.iter_mut().zip(moves) {
                    *value = row.iter().zip(token).zip(next).map(|((m, psi), to)| m * psi * to).sum();
                }
            }
            let here = normal(here);
            self.backward.push(here);
            behind = Some(here);
        }
        self.backward.reverse();
    }
}

/// The same proportions with the sum 1.
fn normal(values: [f32; LABELS]) -> [f32; LABELS] {
    let sum: f32 = values.iter().sum();
    if sum > 0.0 { values.map(|value| value / sum) } else { values }
}
