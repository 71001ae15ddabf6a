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
    let mut recipients = standard.map(|report| report.recipients).unwrap_or_default();
    if recipients.is_empty() {
        let found = prose::recipients(&text, mail, message);
        recipients = found.into_iter().map(|address| from_prose(address, &text)).collect();
    }
    for recipient in &mut recipients {
        if recipient.status.is_none() {
            recipient.status = status::of(&text);
        }
    }
    recipients.truncate(limits::FAILED_RECIPIENTS);
    let permanent = if recipients.is_empty() {
        status::is_permanent(&text)
    } else {
        Some(recipients.iter().any(|r| r.permanent))
    };
    Some(BounceReport { recipients, permanent, original: original(mail) })
}

fn from_prose(address: EmailAddress, text: &str) -> FailedRecipient {
    let lasting = status::is_permanent(text);
    let unnamed = lasting.map(|lasting| if lasting { "5.0.0" } else { "4.0.0" }.to_owned());
    FailedRecipient { address, status: status::of(text).or(unnamed), permanent: lasting.unwrap_or(true) }
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
