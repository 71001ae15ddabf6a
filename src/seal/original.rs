//! The sealed form of an original. Version 1: `body = 1, nonce prefix (19), chunks`; a chunk is up
//! to 64 KiB of the mail and its tag (16). Each chunk's nonce is the prefix, its index (4, big
//! endian) and a flag that is 1 on the last one only, so that no chunk can be dropped, repeated,
//! moved or cut off; the associated data is the row's id. The data key is fresh for every original
//! and stands beside the body, wrapped: without it the body is noise.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::sealer::SealError;

/// Octets of the mail in one chunk.
pub(super) const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
const PREFIX: usize = 19;
const VERSION: u8 = 1;

/// An original as the store keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedOriginal {
    /// The data key, sealed under the ring's key `key_id`; deleting it erases the mail.
    pub wrapped_key: Vec<u8>,
    /// The ring's key that wrapped it.
    pub key_id: u8,
    /// The sealed octets.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for SealedOriginal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<sealed original, {} bytes>", self.body.len())
    }
}

fn nonce(prefix: &[u8], index: u32, last: bool) -> XNonce {
    let mut nonce = XNonce::default();
    let tail = index.to_be_bytes();
    let bytes = prefix.iter().chain(&tail).copied().chain(std::iter::once(u8::from(last)));
    for (to, from) in nonce.iter_mut().zip(bytes) {
        *to = from;
    }
    nonce
}

/// Seals `plain` under a fresh data key.
pub(super) fn seal(aad: &[u8], plain: &[u8], key: &[u8; 32], prefix: &[u8]) -> Result<Vec<u8>, SealError> {
    let prefix = prefix.get(..PREFIX).ok_or(SealError::Form)?;
    let cipher = XChaCha20Poly1305::new(key.into());
    let mut body = Vec::with_capacity(1 + PREFIX + plain.len() + TAG * (plain.len() / CHUNK + 1));
    body.push(VERSION);
    body.extend_from_slice(prefix);
    let chunks: Vec<&[u8]> = if plain.is_empty() { vec![plain] } else { plain.chunks(CHUNK).collect() };
    let count = chunks.len();
    for (index, msg) in chunks.into_iter().enumerate() {
        let number = u32::try_from(index).map_err(|_| SealError::Form)?;
        let nonce = nonce(prefix, number, index + 1 == count);
        let sealed = cipher.encrypt(&nonce, Payload { msg, aad }).map_err(|_| SealError::Form)?;
        body.extend_from_slice(&sealed);
    }
    Ok(body)
}

/// Opens what [`seal`] made; anything else is refused as a whole.
pub(super) fn open(aad: &[u8], body: &[u8], key: &[u8; 32]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (head, chunks) = body.split_at_checked(1 + PREFIX).ok_or(SealError::Form)?;
    let (version, prefix) = head.split_first().ok_or(SealError::Form)?;
    if *version != VERSION {
        return Err(SealError::Version(*version));
    }
    let cipher = XChaCha20Poly1305::new(key.into());
    let mut plain = Zeroizing::new(Vec::with_capacity(chunks.len()));
    let mut pieces = chunks.chunks(CHUNK + TAG).enumerate().peekable();
    while let Some((index, msg)) = pieces.next() {
        let number = u32::try_from(index).map_err(|_| SealError::Form)?;
        let nonce = nonce(prefix, number, pieces.peek().is_none());
        let opened = cipher.decrypt(&nonce, Payload { msg, aad }).map_err(|_| SealError::Refused)?;
        plain.extend_from_slice(&opened);
    }
    if chunks.is_empty() { Err(SealError::Form) } else { Ok(plain) }
}
