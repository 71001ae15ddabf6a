//! `inspect`: a dry run of everything that would be understood and decided of a mail. It prints
//! clear text: for terminals and tests, never for a service or a log.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::clock::Clock;
use crate::config::Loaded;
use crate::decide::clocks;
use crate::decide::hours;
use crate::decide::priority::prioritise;
use crate::decide::respond::{Place, may_acknowledge};
use crate::domain::account::AuthEvidence;
use crate::domain::address::EmailAddress;
use crate::domain::desk::{ClinicalWords, Desk};
use crate::domain::effect::Reason;
use crate::domain::facts::GovernorCounts;
use crate::domain::ids::{DeskName, MessageId};
use crate::domain::message::{InboundMessage, Instant, RedactedMail};
use crate::domain::policy::Governor;
use crate::domain::text::RawText;
use crate::domain::ticket::ClockKind;
use crate::intake::{self, ReadSettings};
use crate::phi::{Lists, Redactor};
use crate::worker::ingest::understand::{lift_phone, redact};

use super::args::{Format, Inspect};
use super::exit::{Exit, Stop};
use super::office;
use super::out::Out;

/// Every field, in the order in which it is printed; all are always there.
const FIELDS: [&str; 35] = [
    "file",
    "desk",
    "error",
    "class",
    "subject",
    "from_addr",
    "to_addrs",
    "message_id",
    "in_reply_to",
    "references",
    "text",
    "html",
    "visible",
    "sanitized",
    "attachments",
    "recipients",
    "status",
    "permanent",
    "language",
    "authentication",
    "priority",
    "effective_priority",
    "category",
    "reasons",
    "after_hours",
    "response_due",
    "resolution_due",
    "respond",
    "redacted",
    "redacted_subject",
    "defects",
    "robot",
    "elided",
    "fields",
    "class_reasons",
];

/// What the policy fields are computed with.
struct Policied {
    loaded: Loaded,
    desk: Arc<Desk>,
}

/// Inspects every file; one that is bad does not stop the others.
pub fn run(args: &Inspect) -> Result<Exit, Stop> {
    let now = args.at.at.unwrap_or_else(|| Clock::System.now());
    let policied = policied(args, now)?;
    let lists = policied.as_ref().map_or_else(Lists::default, |p| p.loaded.redaction.clone());
    let redactor = Redactor::new(&lists);
    let mut out = Out::stdout();
    let mut exit = Exit::Ok;
    for file in &args.files {
        let object = match super::read(file) {
            Ok(bytes) => inspect(&bytes, args.format, (policied.as_ref(), &redactor), now),
            Err(stop) => Err(stop.message),
        };
        let mut object = object.unwrap_or_else(|error| {
            exit = Exit::Data;
            json!({ "error": error })
        });
        complete(&mut object, file, policied.as_ref());
        if args.json { out.json(&object)? } else { people(&mut out, &object)? }
    }
    Ok(exit)
}

fn policied(args: &Inspect, now: Instant) -> Result<Option<Policied>, Stop> {
    let (Some(config), Some(desk)) = (&args.config, &args.desk) else { return Ok(None) };
    let loaded = office::load(config, now)?;
    let desk = DeskName::parse(desk)
        .ok()
        .and_then(|name| loaded.policy.desks.get(&name).cloned())
        .ok_or_else(|| Stop::usage(format!("there is no desk `{desk}`")))?;
    Ok(Some(Policied { loaded, desk }))
}

fn complete(object: &mut Value, file: &Path, policied: Option<&Policied>) {
    let Value::Object(map) = object else { return };
    map.insert("file".to_owned(), json!(file.display().to_string()));
    map.insert("desk".to_owned(), json!(policied.map(|p| p.desk.name.as_str())));
    for field in FIELDS {
        map.entry(field).or_insert(Value::Null);
    }
}

fn people(out: &mut Out, object: &Value) -> Result<(), Stop> {
    for field in FIELDS {
        match object.get(field) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => {
                out.line(format!("{field:<18} {}", text.replace('\n', "\n                   ")))?;
            }
            Some(other) => out.line(format!("{field:<18} {other}"))?,
        }
    }
    Ok(out.line("")?)
}

fn inspect(
    bytes: &[u8],
    format: Format,
    (policied, redactor): (Option<&Policied>, &Redactor),
    now: Instant,
) -> Result<Value, String> {
    let mut mail = match format {
        Format::Eml => read(bytes, policied).map_err(|refused| refused.code.to_owned())?,
        Format::Text => body(bytes, false),
        Format::Html => body(bytes, true),
    };
    let clinical = policied.map_or_else(ClinicalWords::default, |p| p.desk.clinical);
    let redacted = redact(&mail, redactor, clinical);
    if let Some(policied) = policied {
        lift_phone(&mut mail, &policied.desk, redactor);
    }
    let mut object = if format == Format::Eml { headers(&mail) } else { json!({}) };
    merge(&mut object, texts(&mail, &redacted));
    if let Some(policied) = policied {
        merge(&mut object, policy(&mail, policied, now));
    } else if format == Format::Eml {
        merge(&mut object, json!({ "respond": respond(&mail, &Governor::default()) }));
    }
    Ok(object)
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

fn read(bytes: &[u8], policied: Option<&Policied>) -> Result<InboundMessage, intake::Refused> {
    let Some(policied) = policied else {
        let settings =
            ReadSettings { auth: &AuthEvidence::None, own_addresses: &[], own_lists: &[], fields: &[] };
        return intake::understand(bytes, &settings);
    };
    let policy = &policied.loaded.policy;
    let own: Vec<EmailAddress> =
        policy.desks.values().flat_map(|d| std::iter::once(&d.address).chain(&d.aliases)).cloned().collect();
    let account = policy.account_of(&policied.desk.name);
    let auth = account.map_or(AuthEvidence::None, |a| a.auth.clone());
    intake::understand(
        bytes,
        &ReadSettings {
            auth: &auth,
            own_addresses: &own,
            own_lists: &policied.desk.own_lists,
            fields: &policied.desk.fields,
        },
    )
}

/// A body without headers.
fn body(bytes: &[u8], html: bool) -> InboundMessage {
    let (text, _) = intake::charset::decode(bytes, Some("utf-8"));
    let visible = if html { intake::visible::reply_html(&text) } else { intake::visible::reply_text(&text) };
    let language = intake::language::tell(&visible.visible);
    InboundMessage {
        sanitized: html.then(|| RawText::new(intake::sanitise::html(&text).html)),
        html: html.then(|| RawText::new(text.as_str())),
        text: RawText::new(if html { visible.visible.clone() } else { text }),
        visible: RawText::new(visible.visible),
        elided: RawText::new(visible.elided),
        language,
        ..InboundMessage::default()
    }
}

fn id(id: &MessageId) -> &str {
    id.expose()
}

fn headers(mail: &InboundMessage) -> Value {
    let bounce = mail.bounce.as_ref();
    let auth = &mail.authentication;
    json!({
        "class": mail.class.map(crate::domain::message::MessageClass::as_str),
        "class_reasons": mail.class_reasons,
        "subject": mail.subject.expose(),
        "from_addr": mail.from.as_ref().map(|m| m.address.expose()),
        "to_addrs": mail.to.iter().map(|m| m.address.expose()).collect::<Vec<_>>(),
        "message_id": mail.message_id.as_ref().map(id),
        "in_reply_to": mail.in_reply_to.first().map(id),
        "references": mail.references.iter().map(id).collect::<Vec<_>>(),
        "attachments": mail.attachments.iter().map(|a| a.name.expose()).collect::<Vec<_>>(),
        "recipients": bounce.map(|b| b.recipients.iter().map(|r| r.address.expose()).collect::<Vec<_>>()),
        "status": bounce.map(|b| b.recipients.iter().map(|r| r.status.as_deref()).collect::<Vec<_>>()),
        "permanent": bounce.and_then(|b| b.permanent),
        "authentication": {
            "grade": auth.grade.as_str(), "dmarc": auth.dmarc, "dkim": auth.dkim, "spf": auth.spf,
            "reasons": auth.reasons,
        },
        "robot": mail.robot.iter().map(|sign| sign.as_str()).collect::<Vec<_>>(),
        "defects": mail.defects,
    })
}

fn texts(mail: &InboundMessage, redacted: &RedactedMail) -> Value {
    let fields: Vec<Value> =
        mail.fields.iter().map(|(name, value)| json!({ "name": name, "value": value.expose() })).collect();
    json!({
        "text": mail.text.expose(),
        "html": mail.html.as_ref().map(RawText::expose),
        "visible": mail.visible.expose(),
        "elided": mail.elided.expose(),
        "sanitized": mail.sanitized.as_ref().map(RawText::expose),
        "language": mail.language.map(crate::domain::message::Language::as_str),
        "fields": fields,
        "redacted": redacted.visible.as_str(),
        "redacted_subject": redacted.subject.as_str(),
        "defects": mail.defects,
    })
}

fn respond(mail: &InboundMessage, caps: &Governor) -> &'static str {
    let place = Place { history: false, folder_responds: true, ours: false };
    match may_acknowledge(mail, GovernorCounts::default(), caps, place) {
        Ok(()) => "yes",
        Err(reason) => reason.as_str(),
    }
}

fn policy(mail: &InboundMessage, policied: &Policied, now: Instant) -> Value {
    let desk = &policied.desk;
    let prioritised = prioritise(mail.subject.expose(), mail.visible.expose(), mail.language, desk);
    let hours = hours::effective(desk, prioritised.priority, now);
    let running =
        hours::clocks(desk, prioritised.priority, prioritised.category.as_ref(), hours.clocks_start);
    let due = |kind| {
        clocks::due_of(&running, kind).map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    };
    let after_hours = (!desk.elapsed_only()).then_some(hours.after_hours);
    json!({
        "priority": prioritised.priority.as_str(),
        "effective_priority": hours.priority.as_str(),
        "category": prioritised.category.as_ref().map(crate::domain::ids::Category::as_str),
        "reasons": prioritised.reasons.iter().map(Reason::words).collect::<Vec<_>>(),
        "after_hours": after_hours,
        "response_due": due(ClockKind::Response),
        "resolution_due": due(ClockKind::Resolution),
        "respond": respond(mail, &policied.loaded.policy.governor),
    })
}
