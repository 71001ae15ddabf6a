//! The key ring: numbered 32-byte secrets. The highest number seals, all of them open, the lowest
//! one makes look-ups, so that a rotation leaves every look-up in place.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use data_encoding::BASE64;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
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
    /// A key's number is outside 1..=255.
    #[error("a key's id is outside 1..=255")]
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

/// The secrets of one installation; masks itself in `Debug`, wiped when dropped.
#[derive(Clone)]
pub struct KeyRing(BTreeMap<u8, Zeroizing<[u8; 32]>>);

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
    secret: SecretString,
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
            let bytes = BASE64.decode(entry.secret.expose_secret().trim().as_bytes()).map(Zeroizing::new);
            let bytes = bytes.map_err(|_| KeyError::Secret(id))?;
            let secret = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| KeyError::Secret(id))?;
            if keys.insert(id, Zeroizing::new(secret)).is_some() {
                return Err(KeyError::Twice(id));
            }
        }
        if keys.is_empty() { Err(KeyError::Empty) } else { Ok(Self(keys)) }
    }

    /// The text of a new ring file with one fresh key, number 1.
    pub fn generate(random: &Random) -> Result<String, KeyError> {
        let secret = Zeroizing::new(random.bytes().map_err(|_| KeyError::Randomness)?);
        Ok(format!("[[key]]\nid = 1\nsecret = \"{}\"\n", BASE64.encode(secret.as_slice())))
    }

    /// The text of this ring with one more fresh key, which becomes the current one.
    ///
    /// # Errors
    /// [`KeyError::Id`] when all 255 numbers are taken, [`KeyError::Randomness`].
    pub fn rotated(&self, random: &Random) -> Result<String, KeyError> {
        let next = self.0.keys().next_back().map_or(Some(1), |id| id.checked_add(1)).ok_or(KeyError::Id)?;
        let fresh = Zeroizing::new(random.bytes().map_err(|_| KeyError::Randomness)?);
        let mut text = String::new();
        for (id, secret) in self.iter().chain(std::iter::once((next, &*fresh))) {
            let _ = writeln!(text, "[[key]]\nid = {id}\nsecret = \"{}\"", BASE64.encode(secret));
        }
        Ok(text)
    }

    /// Number and secret, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u8, &[u8; 32])> {
        self.0.iter().map(|(id, secret)| (*id, &**secret))
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
