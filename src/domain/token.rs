//! The signed token: 27 bytes, 44 lower-case base32 characters, compared case-blind and in constant
//! time. Holding one names a ticket, a participant and a purpose; it is not yet being the person
//! (L20): `decide` compares the sender as well.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::ids::{ParticipantNo, TicketNumber};

/// What a token is for; a token of one purpose never serves another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A participant's mail to the ticket.
    Reply,
    /// An agent's mail to the ticket.
    Agent,
    /// The reverse-path of our own mail.
    Bounce,
    /// A command in a mail.
    Command,
}

impl Purpose {
    const fn code(self) -> u8 {
        match self {
            Self::Reply => 1,
            Self::Agent => 2,
            Self::Bounce => 3,
            Self::Command => 4,
        }
    }
    const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Reply),
            2 => Some(Self::Agent),
            3 => Some(Self::Bounce),
            4 => Some(Self::Command),
            _ => None,
        }
    }
}

/// What a verified token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token {
    /// What it may be used for.
    pub purpose: Purpose,
    /// The ticket it was minted for.
    pub ticket: TicketNumber,
    /// The participant it was minted for.
    pub participant: ParticipantNo,
}

/// The keys that sign and verify tokens; the first one signs.
#[derive(Clone)]
pub struct TokenKeys(Vec<(u8, [u8; 32])>);

impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{} token keys>", self.0.len())
    }
}

/// Version in the high nibble of the first byte, purpose in the low one.
const VERSION: u8 = 1 << 4;
/// Octets before the MAC: version and purpose, key id, ticket (5), participant (4).
const BODY: usize = 11;
/// HMAC-SHA256 cut to 128 bits (RFC 2104 5).
const TAG: usize = 16;
/// Characters of a token in text.
pub const LENGTH: usize = 44;

impl TokenKeys {
    /// Takes the ring, the signing key first. `None` when it is empty.
    pub fn new(keys: Vec<(u8, [u8; 32])>) -> Option<Self> {
        if keys.is_empty() { None } else { Some(Self(keys)) }
    }

    /// Signs: 44 lower-case base32 characters.
    pub fn mint(&self, token: Token) -> String {
        let Some((id, key)) = self.0.first() else { return String::new() };
        let mut bytes = Vec::with_capacity(BODY + TAG);
        bytes.push(VERSION | token.purpose.code());
        bytes.push(*id);
        bytes.extend(token.ticket.get().to_be_bytes().iter().skip(3));
        bytes.extend(token.participant.get().to_be_bytes());
        bytes.extend(mac(key, &bytes));
        BASE32_NOPAD.encode(&bytes).to_ascii_lowercase()
    }

    /// Reads and verifies; `None` for anything that no key of the ring signed.
    pub fn verify(&self, text: &str) -> Option<Token> {
        if text.len() != LENGTH {
            return None;
        }
        let bytes = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).ok()?;
        let (body, tag) = bytes.split_at_checked(BODY)?;
        let [head, id, n0, n1, n2, n3, n4, p0, p1, p2, p3] = *body else { return None };
        let (_, key) = self.0.iter().find(|(known, _)| *known == id)?;
        if !bool::from(mac(key, body).ct_eq(tag)) {
            return None;
        }
        let purpose = Purpose::from_code(head.checked_sub(VERSION)?)?;
        let ticket = i64::from_be_bytes([0, 0, 0, n0, n1, n2, n3, n4]);
        let participant = u32::from_be_bytes([p0, p1, p2, p3]);
        Some(Token {
            purpose,
            ticket: TicketNumber::new(ticket).ok()?,
            participant: ParticipantNo::new(participant).ok()?,
        })
    }
}

fn mac(key: &[u8; 32], body: &[u8]) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(body);
    mac.finalize().into_bytes().iter().copied().take(TAG).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(ticket: i64, participant: u32) -> Option<Token> {
        Some(Token {
            purpose: Purpose::Reply,
            ticket: TicketNumber::new(ticket).ok()?,
            participant: ParticipantNo::new(participant).ok()?,
        })
    }

    #[test]
    fn a_token_is_read_back_whatever_its_case() {
        let keys = TokenKeys::new(vec![(2, [7; 32]), (1, [9; 32])]).unwrap();
        for (ticket, participant) in [(1, 1), (TicketNumber::MAX, u32::MAX), (77, 3)] {
            let token = token(ticket, participant).unwrap();
            let text = keys.mint(token);
            assert_eq!(text.len(), LENGTH);
            assert_eq!(keys.verify(&text), Some(token));
            assert_eq!(keys.verify(&text.to_uppercase()), Some(token));
        }
    }

    #[test]
    fn l20_every_changed_character_is_noticed() {
        let keys = TokenKeys::new(vec![(1, [7; 32])]).unwrap();
        let text = keys.mint(token(5, 1).unwrap());
        for at in 0..text.len() {
            let mut forged: Vec<char> = text.chars().collect();
            forged[at] = if forged[at] == 'a' { 'b' } else { 'a' };
            let forged: String = forged.into_iter().collect();
            assert_eq!(keys.verify(&forged), None, "{at}");
        }
        let other = TokenKeys::new(vec![(1, [8; 32])]).unwrap();
        assert_eq!(other.verify(&text), None);
    }
}
