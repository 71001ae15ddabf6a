//! Headers and parts (RFC 5322, 2045-2047, 3834) by lettre's builder. Every byte follows from the
//! request: boundary and identifiers come from its randomness, Date from its instant. Only 7-bit
//! lines, save an address that itself is not ASCII (RFC 6532).

use data_encoding::HEXLOWER;
use lettre::Address;
use lettre::message::header::{
    ContentTransferEncoding, ContentType, From, Header as _, HeaderName, HeaderValue, Headers,
    MIME_VERSION_1_0,
};
use lettre::message::{Attachment, Body, Mailbox, Mailboxes, MultiPart, SinglePart};

use super::carrier::Identity;
use super::templates::Form;
use super::{ComposeError, LOOP_HEADER, MintRequest, text, words};
use crate::domain::ids::MessageId;
use crate::domain::outgoing::{Notice, PassedFile};

/// Characters of a display name of ours.
const NAME: usize = 100;
/// Characters of a subject.
const SUBJECT: usize = 180;

/// The whole mail, CRLF.
pub(super) fn render(
    request: &MintRequest<'_>,
    identity: &Identity,
    entropy: &[u8],
) -> Result<Vec<u8>, ComposeError> {
    let (notice, language) = (&request.outgoing.notice, request.outgoing.language);
    let name = words::template(notice);
    let context = words::context(notice, request.desk, request.number, language);
    let context = request.templates.with_standard(context, notice, language);
    let text_of = |form| request.templates.render(language, name, form, &context);
    let subject = text::one_line(&text_of(Form::Subject)?, SUBJECT);
    let mut mail = headers(request, identity, subject).to_string().into_bytes();
    let body = text::plain_lines(&text_of(Form::Plain)?);
    let plain = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(body);
    if notice.to_customer() {
        let html = request.templates.frame(language, &request.desk.from_name, text_of(Form::Html)?)?;
        let html = SinglePart::builder().header(ContentType::TEXT_HTML).body(text::html_lines(&html));
        let parts = MultiPart::builder().header(alternative(entropy)?).singlepart(plain).singlepart(html);
        mail.extend(parts.formatted());
    } else {
        match files(notice) {
            [] => mail.extend(plain.formatted()),
            files => mail.extend(mixed(plain, files, entropy)?.formatted()),
        }
    }
    Ok(mail)
}

/// What goes along: in mail to agents only.
fn files(notice: &Notice) -> &[PassedFile] {
    match notice {
        Notice::AgentNotification { files, .. } => files,
        _ => &[],
    }
}

fn mixed(plain: SinglePart, files: &[PassedFile], entropy: &[u8]) -> Result<MultiPart, ComposeError> {
    let boundary = HEXLOWER.encode(entropy);
    let kind = ContentType::parse(&format!("multipart/mixed; boundary=\"=_{boundary}\""))?;
    let mut parts = MultiPart::builder().header(kind).singlepart(plain);
    for file in files {
        let named = |name: &str| ContentType::parse(name);
        let kind = named(&file.media_type).or_else(|_| named("application/octet-stream"))?;
        // Octets as octets: no client shows a file of a stranger within the text.
        let name = text::one_line(file.name.as_str(), NAME);
        parts = parts.singlepart(
            Attachment::new(name).body(
                Body::new_with_encoding(file.octets.as_ref().clone(), ContentTransferEncoding::Base64)
                    .unwrap_or_else(Body::new),
                kind,
            ),
        );
    }
    Ok(parts)
}

/// "=_" stands in no quoted-printable and no base64 line (RFC 2045 6.7): no encoded part holds it.
fn alternative(entropy: &[u8]) -> Result<ContentType, ComposeError> {
    let boundary = HEXLOWER.encode(entropy);
    Ok(ContentType::parse(&format!("multipart/alternative; boundary=\"=_{boundary}\""))?)
}

fn headers(request: &MintRequest<'_>, identity: &Identity, subject: String) -> Headers {
    let notice = &request.outgoing.notice;
    let mut headers = Headers::new();
    headers.insert_raw(from(request));
    headers.insert_raw(raw("To", request.to.address.expose().to_owned()));
    headers.insert_raw(raw("Reply-To", identity.reply_to.expose().to_owned()));
    headers.insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str("Subject"), subject));
    headers.insert_raw(raw("Date", request.now.format("%a, %d %b %Y %H:%M:%S +0000").to_string()));
    headers.insert_raw(raw("Message-ID", ids([&identity.message_id])));
    if let Some(answered) = &identity.in_reply_to {
        headers.insert_raw(raw("In-Reply-To", ids([answered])));
    }
    if !identity.references.is_empty() {
        headers.insert_raw(raw("References", ids(&identity.references)));
    }
    if notice.automatic() {
        headers.insert_raw(raw("Auto-Submitted", auto_submitted(notice).to_owned()));
        headers.insert_raw(raw("X-Auto-Response-Suppress", "All".to_owned()));
    }
    headers.insert_raw(raw(LOOP_HEADER, request.desk.name.as_str().to_owned()));
    headers.set(MIME_VERSION_1_0);
    headers
}

/// A header whose value is ASCII and folded already, and can hold no line break of its own: it is
/// made of checked types only. A folded Message-ID is misread by some servers.
fn raw(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), String::new(), value)
}

/// Identifiers in brackets, one a line.
fn ids<'a>(ids: impl IntoIterator<Item = &'a MessageId>) -> String {
    ids.into_iter().map(|id| format!("<{}>", id.expose())).collect::<Vec<_>>().join("\r\n ")
}

/// RFC 3834 5: an answer to a mail, or made by a system of itself.
const fn auto_submitted(notice: &Notice) -> &'static str {
    match notice {
        Notice::Received { .. }
        | Notice::Held { .. }
        | Notice::Reopened
        | Notice::Status { .. }
        | Notice::AgentRefusal { .. } => "auto-replied",
        _ => "auto-generated",
    }
}

/// The desk; for what an agent wrote "Agent (Desk)". ASCII names are quoted, others encoded (RFC 2047).
fn from(request: &MintRequest<'_>) -> HeaderValue {
    let desk = text::one_line(&request.desk.from_name, NAME);
    let agent = match &request.outgoing.notice {
        Notice::Answer { agent_name, .. } | Notice::Resolved { agent_name, .. } => {
            text::one_line(agent_name, NAME)
        }
        _ => String::new(),
    };
    let name = if agent.is_empty() { desk } else { format!("{agent} ({desk})") };
    let address = &request.desk.address;
    if name.is_empty() {
        return raw("From", address.expose().to_owned());
    }
    if name.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        let fold = if quoted.len() + address.expose().len() > 64 { "\r\n" } else { "" };
        return raw("From", format!("\"{quoted}\"{fold} <{}>", address.expose()));
    }
    let address = Address::new_dangerous(address.local(), address.domain());
    From::from(Mailboxes::from(Mailbox::new(Some(name), address))).display()
}
