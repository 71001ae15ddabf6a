//! Station "understand": bytes become facts and redacted text, on a thread of its own with a deadline.
//! Takes a durable mail and the rules, gives everything a decision needs; touches nothing.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::domain::account::Account;
use crate::domain::desk::{ClinicalWords, Desk};
use crate::domain::ids::LookupKey;
use crate::domain::message::{Attachment, InboundMessage, RedactedAttachment, RedactedMail, ThreadHints};
use crate::domain::text::RawText;
use crate::intake::{self, ReadSettings};
use crate::phi::{Context, Placeholders, Redactor};
use crate::seal::{LookupDomain, Sealer};
use crate::store::StoredMail;
use crate::worker::rules::Rules;

use super::guard::{self, Care};

/// A mail that takes longer is taken for one that never ends. Shorter where faults are on order, so
/// that their test need not wait so long.
pub const DEADLINE: Duration = Duration::from_secs(if cfg!(feature = "fault-injection") { 12 } else { 20 });

/// A mail, understood.
#[derive(Debug)]
pub struct Understood {
    /// The durable mail; its octets are given back by now, whoever needs them reads them again.
    pub stored: StoredMail,
    /// The account it came in by.
    pub account: Arc<Account>,
    /// The desk it belongs to.
    pub desk: Arc<Desk>,
    /// What it says.
    pub mail: InboundMessage,
    /// The same, redacted.
    pub redacted: RedactedMail,
    /// Keys that may name a ticket.
    pub hints: ThreadHints,
    /// The keyed hash of its content (L6).
    pub content_key: LookupKey,
    /// The folder is one that is answered.
    pub responds: bool,
}

/// Why a mail was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// A limit or its form refuses it: the same at every attempt, so it is quarantined at once.
    Refused(&'static str),
    /// It panicked or ran over its deadline: alone it may be tried again.
    Crashed(&'static str),
    /// Its account or desk is no longer configured: it waits.
    Homeless,
}

/// Understands one mail.
pub fn understand(
    stored: StoredMail,
    rules: &Rules,
    (sealer, keys): (&Sealer, &crate::domain::token::TokenKeys),
) -> Result<Understood, Trouble> {
    #[cfg(feature = "fault-injection")]
    super::fault::inject(&stored.bytes);
    let policy = &rules.policy;
    let Some(account) = policy.account(&stored.origin.account) else {
        return Err(Trouble::Homeless);
    };
    let own_lists: Vec<String> = policy.desks.values().flat_map(|d| d.own_lists.clone()).collect();
    let fields: Vec<(String, String)> = policy.desks.values().flat_map(|d| d.fields.clone()).collect();
    let own: Vec<_> =
        policy.desks.values().flat_map(|d| std::iter::once(&d.address).chain(&d.aliases)).cloned().collect();
    let settings =
        ReadSettings { auth: &account.auth, own_addresses: &own, own_lists: &own_lists, fields: &fields };
    let mut mail = match intake::understand(&stored.bytes, &settings) {
        Ok(mail) => mail,
        Err(refused) => return Err(Trouble::Refused(refused.code)),
    };
    let Some(desk) = policy.route(&account, intake::recipients(&mail)) else {
        return Err(Trouble::Homeless);
    };
    let hints = intake::threading::hints(&mail, keys, account.subaddress, account.token_carrier);
    let content_key = content_key(&mail, &stored.bytes, sealer);
    let responds = account.folders.iter().find(|f| f.name == stored.origin.folder).is_none_or(|f| f.respond);
    let care = Care::after(stored.attempts);
    let mut redacted =
        guard::texts(&mail, care, || redact(&guard::bounded(&mail), &rules.redactor, desk.clinical));
    guard::label(&mut redacted, &mail, &stored.bytes, care, &rules.redactor);
    guard::pass(&mut redacted, &mail, &stored.bytes, &desk, policy.transport.is_verified());
    lift_phone(&mut mail, &desk, &rules.redactor);
    let stored = StoredMail { bytes: Zeroizing::default(), ..stored };
    Ok(Understood { stored, account, desk, mail, redacted, hints, content_key, responds })
}

/// Without Message-ID and Date nothing tells a mail that says the same again from a copy: then only the
/// same octets are the same mail (L5: nothing is lost by it).
fn content_key(mail: &InboundMessage, bytes: &[u8], sealer: &Sealer) -> LookupKey {
    use sha2::Digest as _;
    let mut digest = sha2::Sha256::new_with_prefix(intake::content_identity(mail));
    if mail.message_id.is_none() && mail.date.is_none() {
        digest.update(bytes);
    }
    sealer.lookup(LookupDomain::Content, &data_encoding::HEXLOWER.encode(&digest.finalize()))
}

/// The field of a desk's form that a telephone in the signature fills, too.
const PHONE: &str = "phone";

/// A desk that asks for a telephone gets the one of the requester's signature: what is redacted away
/// must not be asked for again.
pub fn lift_phone(mail: &mut InboundMessage, desk: &Desk, redactor: &Redactor) {
    let wanted = desk.asks.iter().any(|ask| ask.field == PHONE);
    let there = mail.fields.iter().any(|(name, value)| name == PHONE && !value.is_blank());
    if wanted && !there {
        let phone = redactor.requester_phone(&mail.visible, &mail.elided);
        mail.fields.extend(phone.map(|phone| (PHONE.to_owned(), phone)));
    }
}

/// Redacts every text of a mail with one set of placeholders, so that a name keeps its number from
/// subject to quotation.
pub fn redact(mail: &InboundMessage, redactor: &Redactor, clinical: ClinicalWords) -> RedactedMail {
    let context = Context { language: mail.language, from: mail.from.as_ref(), clinical };
    let mut placeholders = Placeholders::default();
    for text in [&mail.visible, &mail.elided, &mail.subject].into_iter().chain(&mail.sanitized) {
        placeholders.reserve(text);
    }
    let mut text = |raw: &RawText| redactor.redact_with(&mut placeholders, raw, &context).text;
    // The body first: names that it introduces are found again in the subject.
    let visible = text(&mail.visible);
    let elided = text(&mail.elided);
    let subject = text(&mail.subject);
    let html =
        mail.sanitized.as_ref().map(|html| redactor.redact_html(&mut placeholders, html, &context).text);
    let mut named = |attachment: &Attachment| RedactedAttachment {
        name: redactor.redact_file_name(&mut placeholders, &attachment.name, &context),
        ..RedactedAttachment::default()
    };
    let attachments = mail.attachments.iter().map(&mut named).collect();
    RedactedMail { subject, visible, elided, html, attachments }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::DeskName;

    /// Desk `offsite`, line "asks for a call-back telephone": what stands in the signature is not asked
    /// for again; a patient's number is no answer, and a desk that does not ask gets none.
    #[test]
    fn offsite_telephone_comes_from_the_signature() {
        let loaded = crate::config::embedded(chrono::DateTime::UNIX_EPOCH + chrono::Duration::days(20_780));
        let policy = loaded.map_err(|problems| format!("{problems:?}")).unwrap().policy;
        let redactor = Redactor::new(&crate::phi::Lists::default());
        let signed = "Viewer is down.\n\nRegards,\nRose Garza\n555-010-0144";
        let cases = [
            ("offsite", signed, "555-010-0144"),
            ("offsite", "Patient Jane Roe called from 555-010-0133, viewer is down.", ""),
            ("unimed", signed, ""),
        ];
        for (desk, text, want) in cases {
            let desk = &policy.desks[&DeskName::parse(desk).unwrap()];
            let mut mail = InboundMessage { visible: RawText::new(text), ..InboundMessage::default() };
            lift_phone(&mut mail, desk, &redactor);
            let got = mail.fields.iter().find(|(name, _)| name == "phone");
            assert_eq!(got.map_or("", |(_, value)| value.expose()), want, "{text}");
        }
    }
}
