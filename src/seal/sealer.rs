//! What is done with the ring's keys. Each use has a key of its own, derived by HKDF-SHA256
//! (RFC 5869) from the ring's secret, so that no two uses share one.

use std::collections::BTreeMap;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::original::{self, SealedOriginal};
use super::ring::{KeyError, KeyRing, Secret, derive};
use crate::clock::Random;
use crate::domain::ids::{LedgerId, LookupKey};
use crate::domain::token::TokenKeys;

/// Why something could not be sealed or opened. Holds no content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Sealed under a key that the ring does not hold.
    #[error("sealed under key {0}, which the ring does not hold")]
    UnknownKey(u8),
    /// A form of another version of the program.
    #[error("sealed in form {0}, which this version does not know")]
    Version(u8),
    /// Too short, too long, or no sealed value at all.
    #[error("is not a sealed value")]
    Form,
    /// Changed, cut, or sealed for another row.
    #[error("was changed, or sealed for another row")]
    Refused,
    /// The operating system gave no randomness.
    #[error("the operating system has no randomness to give")]
    Randomness,
}

/// What a look-up is about: the same text in two domains gives two unrelated keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupDomain {
    /// `EmailAddress::identity`.
    Address,
    /// A Message-ID without brackets.
    MessageId,
    /// The content of a mail (L6).
    Content,
    /// The octets of an erased mail.
    Octets,
    /// The reason a person gave.
    Reason,
}

impl LookupDomain {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Address => b"address\0",
            Self::MessageId => b"message-id\0",
            Self::Content => b"content\0",
            Self::Octets => b"octets\0",
            Self::Reason => b"reason\0",
        }
    }
}

const FIELD_VERSION: u8 = 1;
const NONCE: usize = 24;

struct Keys {
    wrap: XChaCha20Poly1305,
    field: XChaCha20Poly1305,
}

/// Seals, opens and looks up with the keys of one ring. Shared behind an `Arc`.
pub struct Sealer {
    keys: BTreeMap<u8, Keys>,
    current: u8,
    lookup: Hmac<Sha256>,
    tokens: TokenKeys,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<sealer, current key {}>", self.current)
    }
}

fn nonce_of(bytes: &[u8]) -> Result<XNonce, SealError> {
    XNonce::try_from(bytes).map_err(|_| SealError::Form)
}

impl Sealer {
    /// Derives every key once.
    ///
    /// # Errors
    /// [`KeyError::Empty`] for an empty ring.
    pub fn new(ring: &KeyRing) -> Result<Self, KeyError> {
        let mut keys = BTreeMap::new();
        let mut tokens = Vec::new();
        for (id, secret) in ring.iter() {
            if let Secret::Whole(secret) = secret {
                let wrap = XChaCha20Poly1305::new((&*derive(secret, b"wrap")).into());
                let field = XChaCha20Poly1305::new((&*derive(secret, b"field")).into());
                keys.insert(id, Keys { wrap, field });
            }
            tokens.insert(0, (id, *secret.token()));
        }
        let (_, lowest) = ring.iter().next().ok_or(KeyError::Empty)?;
        Ok(Self {
            current: keys.keys().next_back().copied().ok_or(KeyError::Empty)?,
            lookup: Hmac::new_from_slice(&*lowest.lookup()).map_err(|_| KeyError::Form)?,
            tokens: TokenKeys::new(tokens).ok_or(KeyError::Empty)?,
            keys,
        })
    }

    /// The number of the key that seals now.
    pub const fn current(&self) -> u8 {
        self.current
    }

    fn key(&self, id: u8) -> Result<&Keys, SealError> {
        self.keys.get(&id).ok_or(SealError::UnknownKey(id))
    }

    /// Seals a mail for its row under a fresh data key.
    pub fn seal_original(
        &self,
        id: LedgerId,
        bytes: &[u8],
        random: &Random,
    ) -> Result<SealedOriginal, SealError> {
        let key = Zeroizing::new(random.bytes().map_err(|_| SealError::Randomness)?);
        let prefix = random.bytes().map_err(|_| SealError::Randomness)?;
        let body = original::seal(id.as_bytes(), bytes, &key, &prefix)?;
        Ok(SealedOriginal { wrapped_key: self.wrap(id, &key, random)?, key_id: self.current, body })
    }

    fn wrap(&self, id: LedgerId, key: &[u8; 32], random: &Random) -> Result<Vec<u8>, SealError> {
        let aad = id.as_bytes().as_slice();
        box_up(&self.key(self.current)?.wrap, Payload { msg: key, aad }, random)
    }

    fn unwrap(&self, id: LedgerId, sealed: &SealedOriginal) -> Result<Zeroizing<[u8; 32]>, SealError> {
        let aad = id.as_bytes().as_slice();
        let key = unbox(&self.key(sealed.key_id)?.wrap, &sealed.wrapped_key, aad).map(Zeroizing::new)?;
        <[u8; 32]>::try_from(key.as_slice()).map(Zeroizing::new).map_err(|_| SealError::Form)
    }

    /// Opens a mail that was sealed for this row; wiped when dropped.
    pub fn open_original(
        &self,
        id: LedgerId,
        sealed: &SealedOriginal,
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        original::open(id.as_bytes(), &sealed.body, &*self.unwrap(id, sealed)?)
    }

    /// Wraps the same data key under the current key of the ring; the body stays as it is.
    pub fn rewrap(
        &self,
        id: LedgerId,
        sealed: &SealedOriginal,
        random: &Random,
    ) -> Result<Vec<u8>, SealError> {
        self.wrap(id, &*self.unwrap(id, sealed)?, random)
    }

    /// Seals one column: `1, key id, nonce (24), text and tag`; `aad` names table and row.
    pub fn seal_field(&self, aad: &[u8], plain: &[u8], random: &Random) -> Result<Vec<u8>, SealError> {
        let sealed = box_up(&self.key(self.current)?.field, Payload { msg: plain, aad }, random)?;
        Ok([FIELD_VERSION, self.current].into_iter().chain(sealed).collect())
    }

    /// Opens what [`Sealer::seal_field`] made for the same table and row.
    pub fn open_field(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let [version, id, rest @ ..] = sealed else { return Err(SealError::Form) };
        if *version != FIELD_VERSION {
            return Err(SealError::Version(*version));
        }
        unbox(&self.key(*id)?.field, rest, aad).map(Zeroizing::new)
    }

    /// What the database compares instead of the clear value: HMAC-SHA256 cut to 128 bits. The same
    /// under every later ring that keeps the lowest key.
    pub fn lookup(&self, domain: LookupDomain, text: &str) -> LookupKey {
        let mut mac = self.lookup.clone();
        mac.update(domain.label());
        mac.update(text.as_bytes());
        let mut key = [0; 16];
        for (to, from) in key.iter_mut().zip(mac.finalize().into_bytes()) {
            *to = from;
        }
        LookupKey(key)
    }

    /// The keys of reply tokens: the current one signs, all verify.
    pub fn token_keys(&self) -> TokenKeys {
        self.tokens.clone()
    }
}

fn box_up(
    cipher: &XChaCha20Poly1305,
    payload: Payload<'_, '_>,
    random: &Random,
) -> Result<Vec<u8>, SealError> {
    let fresh = random.bytes().map_err(|_| SealError::Randomness)?;
    let nonce = nonce_of(fresh.get(..NONCE).ok_or(SealError::Form)?)?;
    let sealed = cipher.encrypt(&nonce, payload).map_err(|_| SealError::Form)?;
    Ok(nonce.iter().copied().chain(sealed).collect())
}

fn unbox(cipher: &XChaCha20Poly1305, sealed: &[u8], aad: &[u8]) -> Result<Vec<u8>, SealError> {
    let (nonce, msg) = sealed.split_at_checked(NONCE).ok_or(SealError::Form)?;
    cipher.decrypt(&nonce_of(nonce)?, Payload { msg, aad }).map_err(|_| SealError::Refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::token::{Purpose, Token};
    use crate::seal::original::CHUNK;
    use uuid::Uuid;

    fn ring(ids: &[u8]) -> Sealer {
        let keys = ids.iter().map(|id| {
            let secret = data_encoding::BASE64.encode(&[*id; 32]);
            format!("[[key]]\nid = {id}\nsecret = \"{secret}\"\n")
        });
        Sealer::new(&KeyRing::parse(&keys.collect::<String>()).unwrap()).unwrap()
    }

    fn id(byte: u8) -> LedgerId {
        LedgerId::new(Uuid::from_bytes([byte; 16]))
    }

    #[test]
    fn an_original_is_read_back_at_every_length() {
        let (sealer, random) = (ring(&[1]), Random::seeded(1));
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7] {
            let plain: Vec<u8> = (0..length).map(|i| u8::try_from(i % 251).unwrap()).collect();
            let boxed = sealer.seal_original(id(1), &plain, &random).unwrap();
            assert_eq!(*sealer.open_original(id(1), &boxed).unwrap(), plain, "{length}");
            assert_eq!(sealer.open_original(id(2), &boxed), Err(SealError::Refused), "{length}");
        }
    }

    #[test]
    fn a_chunk_cannot_be_cut_moved_or_changed() {
        let (sealer, random) = (ring(&[1]), Random::seeded(1));
        let boxed = sealer.seal_original(id(1), &vec![5; 3 * CHUNK], &random).unwrap();
        let step = CHUNK + 16;
        let mut cut = boxed.clone();
        cut.body.truncate(20 + 2 * step);
        let mut moved = boxed.clone();
        moved.body[20..20 + 2 * step].rotate_left(step);
        let mut changed = boxed.clone();
        *changed.body.last_mut().unwrap() ^= 1;
        let mut key = boxed.clone();
        *key.wrapped_key.last_mut().unwrap() ^= 1;
        for (name, bad) in [("cut", cut), ("moved", moved), ("changed", changed), ("key", key)] {
            assert_eq!(sealer.open_original(id(1), &bad), Err(SealError::Refused), "{name}");
        }
        let mut head = boxed;
        head.body.truncate(20);
        assert_eq!(sealer.open_original(id(1), &head), Err(SealError::Form));
    }

    #[test]
    fn a_rotation_keeps_what_was_sealed_and_looked_up() {
        let (old, new, random) = (ring(&[1]), ring(&[1, 2]), Random::seeded(1));
        let field = old.seal_field(b"row", b"text", &random).unwrap();
        assert_eq!(new.open_field(b"row", &field).unwrap().as_slice(), b"text");
        assert_eq!(new.open_field(b"other", &field), Err(SealError::Refused));
        let same = |d| old.lookup(d, "x") == new.lookup(d, "x");
        assert!(same(LookupDomain::Address) && same(LookupDomain::Content));
        assert_ne!(new.lookup(LookupDomain::Address, "x"), new.lookup(LookupDomain::MessageId, "x"));
        let fresh = new.seal_field(b"row", b"text", &random).unwrap();
        assert_eq!(old.open_field(b"row", &fresh), Err(SealError::UnknownKey(2)));
        let mut original = old.seal_original(id(3), b"mail", &random).unwrap();
        original.wrapped_key = new.rewrap(id(3), &original, &random).unwrap();
        original.key_id = new.current();
        assert_eq!(new.open_original(id(3), &original).unwrap().as_slice(), b"mail");
    }

    #[test]
    fn a_retired_key_opens_nothing_and_its_look_ups_stay() {
        let whole = KeyRing::parse(&KeyRing::generate(&Random::seeded(3)).unwrap()).unwrap();
        let whole = KeyRing::parse(&whole.rotated(&Random::seeded(4)).unwrap()).unwrap();
        let retired = KeyRing::parse(&whole.retired(1).unwrap()).unwrap();
        let (old, new) = (Sealer::new(&whole).unwrap(), Sealer::new(&retired).unwrap());
        let first =
            Sealer::new(&KeyRing::parse(&KeyRing::generate(&Random::seeded(3)).unwrap()).unwrap()).unwrap();
        let before = first.seal_field(b"row", b"text", &Random::seeded(5)).unwrap();
        assert_eq!(old.open_field(b"row", &before).unwrap().as_slice(), b"text");
        assert_eq!(new.open_field(b"row", &before), Err(SealError::UnknownKey(1)));
        assert_eq!(old.lookup(LookupDomain::Address, "x"), new.lookup(LookupDomain::Address, "x"));
        let token = Token {
            purpose: Purpose::Reply,
            ticket: crate::domain::ids::TicketNumber::new(7).unwrap(),
            participant: crate::domain::ids::ParticipantNo::FIRST,
        };
        assert_eq!(new.token_keys().verify(&first.token_keys().mint(token)), Some(token));
        for id in [1, 2, 3] {
            assert_eq!(retired.retired(id).err(), Some(KeyError::Id), "{id}: retired, current, unknown");
        }
    }

    #[test]
    fn no_sealed_value_opens_from_garbage() {
        let sealer = ring(&[1]);
        for (bad, want) in [
            (&b""[..], SealError::Form),
            (&[1], SealError::Form),
            (&[9, 1, 0], SealError::Version(9)),
            (&[1, 7, 0], SealError::UnknownKey(7)),
            (&[1, 1, 0], SealError::Form),
            (&[1; 60], SealError::Refused),
        ] {
            assert_eq!(sealer.open_field(b"row", bad), Err(want));
        }
    }
}
