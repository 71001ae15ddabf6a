//! Delivery failures: the standard report (RFC 3464) where there is one, else the prose of mail
//! programs. Takes a mail taken apart, gives the recipients that were not reached, their status and
//! the mail it was about; nothing where the mail is no bounce. Never trusts a bounce for anything but
//! what `decide` matches by our own signed Message-ID.

mod dsn;
mod prose;
mod status;
#[cfg(test)]
mod tests;

use mail_parser::PartType;

use super::headers::Headers;
use super::limits;
use super::parse::Mail;
use super::pattern::pattern;
use crate::domain::address::EmailAddress;
use crate::domain::ids::MessageId;
use crate::domain::message::{BounceReport, FailedRecipient, InboundMessage};

pattern!(MESSAGE_ID, r"(?im)^[>\s]*message-id:\s*(<[^<>\s]{3,900}>)");

/// Reads a bounce; `None` for any other mail, and for reports that all went well.
pub fn read(mail: &Mail<'_>, message: &InboundMessage) -> Option<BounceReport> {
    let standard = dsn::read(mail);
    if standard.as_ref().is_some_and(|report| report.only_good) {
        return None;
    }
    if standard.is_none() && !prose::is_bounce(mail, message) {
        return None;
    }
    let text = prose::notice(mail);
    let lasting = status::is_permanent(&text);
    let mut recipients = standard.map(|report| report.recipients).unwrap_or_default();
    if recipients.is_empty() {
        recipients = from_prose(prose::recipients(&text, mail, message), &text);
    }
    for recipient in &mut recipients {
        if recipient.status.is_none() {
            recipient.status = status::of(&text, Some(recipient.permanent));
        }
        // RFC 3463 3.1: nothing is known but the class.
        recipient
            .status
            .get_or_insert_with(|| if recipient.permanent { "5.0.0" } else { "4.0.0" }.to_owned());
    }
    recipients.truncate(limits::FAILED_RECIPIENTS);
    let permanent =
        if recipients.is_empty() { lasting } else { Some(recipients.iter().any(|r| r.permanent)) };
    Some(BounceReport { recipients, permanent, original: original(mail) })
}

/// What the prose says of each address: first what stands between it and the next one.
fn from_prose(addresses: Vec<EmailAddress>, text: &str) -> Vec<FailedRecipient> {
    let lasting = status::is_permanent(text);
    let lower = text.to_ascii_lowercase();
    let at = |address: &EmailAddress| lower.find(&address.expose().to_ascii_lowercase());
    let mut starts: Vec<usize> = addresses.iter().filter_map(at).collect();
    starts.sort_unstable();
    let section = |address: &EmailAddress| {
        let start = at(address)?;
        let line = text.get(..start)?.rfind('\n').map_or(0, |end| end + 1);
        let end = starts.iter().find(|other| **other > start).copied().unwrap_or(text.len());
        text.get(line..end)
    };
    // Of one address only, a code counts wherever it stands.
    let code = if starts.len() > 1 { None } else { status::enhanced(text) };
    let read = |address: EmailAddress| {
        let own = section(&address).and_then(|own| status::of(own, lasting));
        let status = code.clone().or(own).or_else(|| status::of(text, lasting));
        let by_code = status.as_deref().map(|code| code.starts_with('5'));
        let permanent = lasting.filter(|lasting| !lasting).or(by_code).or(lasting).unwrap_or(true);
        FailedRecipient { address, status, permanent }
    };
    addresses.into_iter().take(limits::FAILED_RECIPIENTS).map(read).collect()
}

/// The Message-ID of the mail that was not delivered: from the returned message or its headers,
/// last from the copy within the text.
fn original(mail: &Mail<'_>) -> Option<MessageId> {
    for part in &mail.message.parts {
        if let PartType::Message(nested) = &part.body {
            let id = Headers::of(nested).message_ids("message-id").into_iter().next();
            if id.is_some() {
                return id;
            }
        }
    }
    let texts = mail.message.parts.iter().skip(1).filter_map(|part| match &part.body {
        PartType::Text(text) => Some(text.as_ref()),
        PartType::Binary(octets) => std::str::from_utf8(octets).ok(),
        _ => None,
    });
    texts.chain(std::iter::once(mail.text.as_str())).find_map(|text| {
        let text = text.get(..limits::NOTICE).unwrap_or(text);
        let found = MESSAGE_ID.captures(text)?;
        MessageId::parse(found.get(1)?.as_str()).ok()
    })
}
