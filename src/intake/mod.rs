//! Understanding mail: octets to facts. Takes the raw octets of one mail and what its account and
//! desk say about reading, gives an [`InboundMessage`] with its defects, or refuses by a limit. Pure:
//! no clock, socket or file; the same octets give the same message. Never decides what becomes of a
//! mail, never answers, never fetches anything.

pub mod archive;
pub mod attachments;
pub mod authenticate;
pub mod bounce;
pub mod charset;
pub mod classify;
pub mod contents;
pub mod fields;
pub mod flowed;
pub mod headers;
pub mod identity;
pub mod language;
pub mod limits;
pub mod links;
pub mod markup;
pub mod parse;
pub mod pattern;
mod reading;
pub mod render;
pub mod results;
pub mod robot;
pub mod sanitise;
pub mod threading;
pub mod uu;
pub mod visible;

use std::borrow::Cow;

use crate::domain::account::AuthEvidence;
use crate::domain::address::{EmailAddress, Mailbox};
use crate::domain::message::{Grade, InboundMessage, MessageClass, ReversePath};
use crate::domain::text::RawText;
use headers::Headers;
pub use identity::content_identity;
use parse::Mail;

#[cfg(test)]
mod tests;

/// What reading needs to know of the account and the desk.
#[derive(Debug, Clone, Copy)]
pub struct ReadSettings<'s> {
    /// By which evidence the account believes senders.
    pub auth: &'s AuthEvidence,
    /// Addresses that are our own: mail from them is never answered.
    pub own_addresses: &'s [EmailAddress],
    /// List-Ids of the desk's own address (L14).
    pub own_lists: &'s [String],
    /// Labels of lines to lift out of the body, and the names of their fields.
    pub fields: &'s [(String, String)],
}

/// A mail that is not read. Deterministic: the same octets are refused again, so a retry is in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("refused: {code}")]
pub struct Refused {
    /// `empty`, `no_header`, `too_large`, `too_deep`, `too_many_parts`, `too_many_headers`,
    /// `headers_too_large`, `parser_failed`.
    pub code: &'static str,
}

/// Reads a mail.
///
/// # Errors
/// [`Refused`] when a limit of [`limits`] forbids it or it has no header at all.
pub fn understand(bytes: &[u8], settings: &ReadSettings<'_>) -> Result<InboundMessage, Refused> {
    let mut defects = Vec::new();
    limits::check(bytes)?;
    let bytes = parse::prepare(bytes, &mut defects);
    if let Cow::Owned(changed) = &bytes {
        // A second look: bare CR hid the lines from the first.
        limits::check(changed)?;
    }
    let mail = parse::parse(&bytes, defects)?;
    let mut message = addressed(&mail, settings);
    message.attachments = attachments::describe(&mail.message);
    message.attachments.extend(mail.inside.iter().map(attachments::of_inside));
    classified(&mail, &mut message, settings);
    read_text(mail, &mut message, settings);
    message.defects.sort_unstable();
    message.defects.dedup();
    Ok(message)
}

/// Every address the mail was sent to, for routing: the envelope's first.
pub fn recipients(message: &InboundMessage) -> impl Iterator<Item = &EmailAddress> {
    let headers = message.to.iter().chain(&message.cc).map(|mailbox| &mailbox.address);
    message.envelope_to.iter().chain(headers)
}

/// Who, to whom, when, in answer to what, and how far it is believed.
fn addressed(mail: &Mail<'_>, settings: &ReadSettings<'_>) -> InboundMessage {
    let headers = &mail.headers;
    let mut defects = mail.defects.clone();
    let mut authors = headers.mailboxes("from", limits::RECIPIENTS);
    let from_count = authors.len();
    if from_count != 1 {
        defects.push(if from_count == 0 { "no_from" } else { "several_from" });
    }
    let mut from = if authors.is_empty() { None } else { Some(authors.swap_remove(0)) };
    let message_id = headers.message_ids("message-id").into_iter().next();
    if message_id.is_none() {
        defects.push("no_message_id");
    }
    let date = headers.date();
    if date.is_none() {
        defects.push("no_date");
    }
    let mut authentication =
        authenticate::grade(headers, from.as_ref().map(|m| &m.address), from_count, settings.auth);
    let list_ids: Vec<String> = headers.all("list-id").map(list_id).filter(|id| !id.is_empty()).collect();
    if let Some(author) = list_author(headers, &list_ids, settings) {
        // The list proves itself, not the author.
        authentication.grade = authentication.grade.min(Grade::None);
        authentication.reasons.push("list_author");
        from = Some(author);
    }
    InboundMessage {
        message_id,
        original_message_id: headers.message_ids("x-microsoft-original-message-id").into_iter().next(),
        in_reply_to: headers.message_ids("in-reply-to"),
        references: headers.message_ids("references"),
        from,
        from_count,
        reply_to: headers.mailboxes("reply-to", limits::RECIPIENTS),
        to: headers.mailboxes("to", limits::RECIPIENTS),
        cc: headers.mailboxes("cc", limits::RECIPIENTS),
        envelope_to: envelope_to(headers),
        reverse_path: reverse_path(headers),
        date,
        subject: RawText::new(headers.text("subject").unwrap_or_default()),
        list_ids,
        authentication,
        defects,
        ..InboundMessage::default()
    }
}

/// Who wrote to the desk's own list, where the list rewrote From (L14).
fn list_author(headers: &Headers, ids: &[String], settings: &ReadSettings<'_>) -> Option<Mailbox> {
    let own = ids.iter().filter(|id| robot::is_own_list(std::slice::from_ref(*id), settings.own_lists));
    let mut proven = own.filter(|id| authenticate::proves_list(headers, id, settings.auth));
    proven.next()?;
    let names = ["x-original-from", "x-original-sender"];
    names.iter().find_map(|name| headers.mailboxes(name, 1).into_iter().next())
}

/// The address between the brackets of List-Id (RFC 2919 3), lower-cased.
fn list_id(value: &str) -> String {
    let inner = value.rsplit_once('<').map_or(value, |(_, rest)| rest);
    inner.split('>').next().unwrap_or_default().trim().to_lowercase()
}

fn envelope_to(headers: &Headers) -> Vec<EmailAddress> {
    let mut found: Vec<EmailAddress> = Vec::new();
    for name in ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to"] {
        for address in headers.all(name).flat_map(headers::addresses) {
            if !found.contains(&address) && found.len() < limits::RECIPIENTS {
                found.push(address);
            }
        }
    }
    found
}

fn reverse_path(headers: &Headers) -> ReversePath {
    let Some(value) = headers.first("return-path") else { return ReversePath::Absent };
    let bare: String = value.chars().filter(|c| !c.is_whitespace()).collect();
    if matches!(bare.as_str(), "<>" | "" | "<\"\">") {
        return ReversePath::Null;
    }
    headers::addresses(value).into_iter().next().map_or(ReversePath::Absent, ReversePath::Address)
}

fn classified(mail: &Mail<'_>, message: &mut InboundMessage, settings: &ReadSettings<'_>) {
    let bounce = bounce::read(mail, message);
    let own_list = robot::is_own_list(&message.list_ids, settings.own_lists);
    let verdict = classify::classify(mail, message, bounce.as_ref(), own_list);
    message.bounce = bounce.filter(|_| verdict.class == MessageClass::Bounce);
    message.class = Some(verdict.class);
    message.class_reasons = verdict.reasons;
    let report = classify::report_type(mail).is_some() || verdict.class == MessageClass::Bounce;
    message.robot = robot::signs(&mail.headers, message, report, settings);
}

fn read_text(mail: Mail<'_>, message: &mut InboundMessage, settings: &ReadSettings<'_>) {
    let Mail { text, rendered, html, .. } = mail;
    let forwarded = classify::is_forward(message.subject.expose());
    let seen = match html.as_deref().filter(|html| rendered && html.len() <= limits::HTML_BYTES) {
        Some(html) => visible::of_html(html, forwarded),
        None => visible::of_text(&text, forwarded),
    };
    message.language = language::tell(&seen.visible);
    message.fields = fields::lift(&seen.visible, settings.fields);
    message.visible = RawText::new(seen.visible);
    message.elided = RawText::new(seen.elided);
    if let Some(html) = html.as_deref() {
        let safe = sanitise::html(html);
        message.defects.extend(safe.defects);
        message.sanitized = Some(RawText::new(safe.html));
    }
    let html = html.map(|html| charset::cut(html, limits::HTML_BYTES).0);
    message.html = html.map(RawText::new);
    message.text = RawText::new(text);
}
