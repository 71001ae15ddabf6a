//! What makes two copies the same mail (L6): its content, not its transport. Takes an understood
//! message, gives canonical octets for the caller's keyed hash; Received, boundaries, encodings,
//! line ends and white space do not change them, To and Cc copies do not either.

use crate::domain::message::InboundMessage;

/// Canonical octets over Message-ID, Date, From, Subject, text and attachments. Each field is
/// prefixed with its length, so that no two different messages run together.
pub fn content_identity(message: &InboundMessage) -> Vec<u8> {
    let mut out = b"mailward content 1".to_vec();
    field(&mut out, message.message_id.as_ref().map_or("", |id| id.expose()).as_bytes());
    let date = message.date.map(|date| date.timestamp().to_be_bytes());
    field(&mut out, date.as_ref().map_or(&[], |date| date.as_slice()));
    let from = message.from.as_ref().map(|from| from.address.identity()).unwrap_or_default();
    field(&mut out, from.as_bytes());
    field(&mut out, words(message.subject.expose()).as_bytes());
    field(&mut out, words(message.text.expose()).as_bytes());
    let mut hashes: Vec<[u8; 32]> = message.attachments.iter().map(|a| a.sha256).collect();
    hashes.sort_unstable();
    for hash in hashes {
        field(&mut out, &hash);
    }
    out
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn field(out: &mut Vec<u8>, value: &[u8]) {
    out.extend(u64::try_from(value.len()).unwrap_or(u64::MAX).to_be_bytes());
    out.extend(value);
}
