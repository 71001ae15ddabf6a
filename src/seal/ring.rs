//! The key ring: numbered 32-byte secrets. The highest number seals, all that are not retired open,
//! the lowest one makes look-ups, so that a rotation leaves every look-up in place.

use std::collections::BTreeMap;
use std::fmt;

use data_encoding::BASE64;
use hkdf::Hkdf;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::clock::Random;

/// Why a text is no key ring. Never quotes the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not TOML of the form `[[key]] id = 1, secret = "..."`.
    #[error("the key ring is not of the form [[key]] id = N, secret = \"base64\"")]
    Form,
    /// No key at all.
    #[error("the key ring is empty")]
    Empty,
    /// A key's number is outside 1..=255, or names no key that could be retired.
    #[error("has no such key: ids are 1..=255, and only a key that is neither current nor retired retires")]
    Id,
    /// Two keys share a number.
    #[error("key id {0} occurs twice")]
    Twice(u8),
    /// A secret is not 32 bytes in base64.
    #[error("the secret of key id {0} is not 32 bytes in base64")]
    Secret(u8),
    /// The operating system gave no randomness.
    #[error("the operating system has no randomness to give")]
    Randomness,
}

type Key = Zeroizing<[u8; 32]>;

/// A secret of the ring.
#[derive(Clone)]
pub(super) enum Secret {
    /// In use: every key is derived from it.
    Whole(Key),
    /// Retired: it opens nothing any more, but look-ups and tokens of its time stay valid.
    Rest { lookup: Key, token: Key },
}

impl Secret {
    /// The key of look-ups.
    pub fn lookup(&self) -> Key {
        match self {
            Self::Whole(secret) => derive(secret, b"lookup"),
            Self::Rest { lookup, .. } => lookup.clone(),
        }
    }
    /// The key of tokens.
    pub fn token(&self) -> Key {
        match self {
            Self::Whole(secret) => derive(secret, b"token"),
            Self::Rest { token, .. } => token.clone(),
        }
    }
    fn text(&self, id: u8) -> String {
        match self {
            Self::Whole(secret) => {
                format!("[[key]]\nid = {id}\nsecret = \"{}\"\n", BASE64.encode(secret.as_slice()))
            }
            Self::Rest { lookup, token } => format!(
                "[[key]]\nid = {id}\nlookup = \"{}\"\ntoken = \"{}\"\n",
                BASE64.encode(lookup.as_slice()),
                BASE64.encode(token.as_slice())
            ),
        }
    }
}

/// HKDF-SHA256 (RFC 5869): a key of its own for each purpose.
pub(super) fn derive(secret: &[u8; 32], purpose: &[u8]) -> Key {
    let mut key = Zeroizing::new([0; 32]);
    // 32 octets are far below HKDF's limit of 8160; a failure would leave a zero key, which no test
    // vector survives.
    let expanded = Hkdf::<Sha256>::new(Some(b"mailward v1"), secret).expand(purpose, key.as_mut_slice());
    debug_assert!(expanded.is_ok());
    key
}

/// The secrets of one installation; masks itself in `Debug`, wiped when dropped.
#[derive(Clone)]
pub struct KeyRing(BTreeMap<u8, Secret>);

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} keys>", self.0.len())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RingFile {
    #[serde(default)]
    key: Vec<KeyEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    id: i64,
    secret: Option<SecretString>,
    lookup: Option<SecretString>,
    token: Option<SecretString>,
}

impl KeyEntry {
    fn read(self, id: u8) -> Result<Secret, KeyError> {
        let key = |text: &SecretString| {
            let bytes = BASE64.decode(text.expose_secret().trim().as_bytes()).map(Zeroizing::new);
            let bytes = bytes.map_err(|_| KeyError::Secret(id))?;
            <[u8; 32]>::try_from(bytes.as_slice()).map(Zeroizing::new).map_err(|_| KeyError::Secret(id))
        };
        match (&self.secret, &self.lookup, &self.token) {
            (Some(secret), None, None) => Ok(Secret::Whole(key(secret)?)),
            (None, Some(lookup), Some(token)) => {
                Ok(Secret::Rest { lookup: key(lookup)?, token: key(token)? })
            }
            _ => Err(KeyError::Form),
        }
    }
}

impl KeyRing {
    /// Reads the text of a ring file: `[[key]]` tables with `id` (1..=255) and `secret` (32 bytes,
    /// base64).
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        // toml's own error would quote the line, and with it the secret.
        let file: RingFile = toml::from_str(text).map_err(|_| KeyError::Form)?;
        let mut keys = BTreeMap::new();
        for entry in file.key {
            let id = u8::try_from(entry.id).ok().filter(|id| *id > 0).ok_or(KeyError::Id)?;
            if keys.insert(id, entry.read(id)?).is_some() {
                return Err(KeyError::Twice(id));
            }
        }
        match keys.values().next_back() {
            None => Err(KeyError::Empty),
            Some(Secret::Rest { .. }) => Err(KeyError::Form),
            Some(Secret::Whole(_)) => Ok(Self(keys)),
        }
    }

    /// The text of a new ring file with one fresh key, number 1.
    pub fn generate(random: &Random) -> Result<String, KeyError> {
        let secret = Zeroizing::new(random.bytes().map_err(|_| KeyError::Randomness)?);
        Ok(Secret::Whole(secret).text(1))
    }

    /// The text of this ring with one more fresh key, which becomes the current one.
    ///
    /// # Errors
    /// [`KeyError::Id`] when all 255 numbers are taken, [`KeyError::Randomness`].
    pub fn rotated(&self, random: &Random) -> Result<String, KeyError> {
        let next = self.0.keys().next_back().map_or(Some(1), |id| id.checked_add(1)).ok_or(KeyError::Id)?;
        let fresh = Secret::Whole(Zeroizing::new(random.bytes().map_err(|_| KeyError::Randomness)?));
        Ok(self.iter().chain(std::iter::once((next, &fresh))).map(|(id, secret)| secret.text(id)).collect())
    }

    /// The text of this ring with that key retired: whoever gets hold of the new ring opens nothing
    /// that was sealed with it, old copies of the database included; look-ups and tokens stay valid.
    ///
    /// # Errors
    /// [`KeyError::Id`] when there is no such key, it is retired already, or it is the current one.
    pub fn retired(&self, retire: u8) -> Result<String, KeyError> {
        let current = self.0.keys().next_back().copied();
        match self.0.get(&retire) {
            Some(Secret::Whole(_)) if current != Some(retire) => {}
            _ => return Err(KeyError::Id),
        }
        let text = |(id, secret): (u8, &Secret)| {
            let rest = || Secret::Rest { lookup: secret.lookup(), token: secret.token() };
            if id == retire { rest().text(id) } else { secret.text(id) }
        };
        Ok(self.iter().map(text).collect())
    }

    /// The numbers of its keys, ascending.
    pub fn ids(&self) -> impl Iterator<Item = u8> {
        self.0.keys().copied()
    }

    /// Number and secret, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u8, &Secret)> {
        self.0.iter().map(|(id, secret)| (*id, secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_read_or_refused() {
        let good = BASE64.encode(&[7; 32]);
        let short = BASE64.encode(&[7; 31]);
        let key = |id: i64, secret: &str| format!("[[key]]\nid = {id}\nsecret = \"{secret}\"\n");
        let cases = [
            (String::new(), Err(KeyError::Empty)),
            ("key = 1".into(), Err(KeyError::Form)),
            (format!("{}extra = 1\n", key(1, &good)), Err(KeyError::Form)),
            (key(0, &good), Err(KeyError::Id)),
            (key(256, &good), Err(KeyError::Id)),
            (key(3, &short), Err(KeyError::Secret(3))),
            (key(3, "?"), Err(KeyError::Secret(3))),
            (key(2, &good) + &key(2, &good), Err(KeyError::Twice(2))),
            (key(9, &good) + &key(2, &good), Ok(vec![2, 9])),
        ];
        for (text, want) in cases {
            let got = KeyRing::parse(&text).map(|ring| ring.iter().map(|(id, _)| id).collect());
            assert_eq!(got, want, "{text}");
        }
    }

    #[test]
    fn a_new_ring_is_a_ring_and_masks_itself() {
        let ring = KeyRing::parse(&KeyRing::generate(&Random::System).unwrap()).unwrap();
        assert_eq!(format!("{ring:?}"), "<1 keys>");
    }
}
