//! Sealing: the keys of the installation and everything that is done with them. Takes bytes and a
//! row's identity, gives sealed bytes (or opens them), keyed look-ups and token keys. Pure CPU: no
//! file, socket or clock; randomness is an argument. Never logs, never returns a secret, and never
//! opens what was sealed for another row.
//!
//! `store/` is the only edge that may import this one: a store that cannot seal must not exist.

mod original;
mod ring;
mod sealer;

pub use original::SealedOriginal;
pub use ring::{KeyError, KeyRing};
pub use sealer::{LookupDomain, SealError, Sealer};
