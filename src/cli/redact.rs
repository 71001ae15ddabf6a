//! `redact --jsonl`: a line out for a line in, in order; a bad line gives an error object and exit
//! 65 at the end.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::domain::address::{EmailAddress, Mailbox};
use crate::domain::message::Language;
use crate::domain::text::RawText;
use crate::phi::model::Model;
use crate::phi::{Context, Lists, Reason, Redactor, Span};

use super::args::Redact;
use super::exit::{Exit, Stop};
use super::office;
use super::out::Out;

#[derive(Deserialize)]
struct Line {
    id: serde_json::Value,
    lang: Option<String>,
    text: String,
    from: Option<String>,
}

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a serde_json::Value,
    spans: &'a [Span],
    redacted: &'a str,
}

/// What `--explain` prints: numbers and rules, no text.
#[derive(Serialize)]
struct Explanation<'a> {
    id: &'a serde_json::Value,
    spans: Vec<Reason>,
}

/// Redacts every line.
pub fn run(args: &Redact) -> Result<Exit, Stop> {
    let lists = match &args.config {
        Some(file) => office::load(file, Clock::System.now())?.redaction,
        None => Lists::default(),
    };
    let redactor = Redactor::with_model(&lists, model(args.model.as_deref())?);
    let mut out = Out::stdout();
    let mut exit = Exit::Ok;
    for line in super::lines(&args.file)? {
        let line = line?;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if let Ok(line) = serde_json::from_slice::<Line>(&line) {
            let from = line.from.as_deref().and_then(mailbox);
            let language = line.lang.as_deref().and_then(Language::parse);
            let context = Context { language, from: from.as_ref(), clinical: args.clinical.into() };
            let text = RawText::new(line.text);
            if args.explain {
                out.json(&Explanation { id: &line.id, spans: redactor.explain(&text, &context) })?;
                continue;
            }
            let (spans, redacted) = redactor.spans(&text, &context);
            out.json(&Answer { id: &line.id, spans: &spans, redacted: redacted.as_str() })?;
        } else {
            exit = Exit::Data;
            let error = "not an object with id and text";
            out.json(&serde_json::json!({ "id": null, "error": error }))?;
        }
    }
    Ok(exit)
}

/// The model that is built in, unless another is named.
fn model(file: Option<&Path>) -> Result<Model, Stop> {
    let Some(file) = file else { return Ok(Model::shipped()) };
    if file.as_os_str() == "none" {
        return Ok(Model::none());
    }
    let wrong = || Stop::new(Exit::Data, format!("{}: not a model of this version", file.display()));
    Model::parse(std::fs::read(file)?.into()).ok_or_else(wrong)
}

/// `Name <address>`, or an address.
fn mailbox(text: &str) -> Option<Mailbox> {
    let (name, address) = match text.rsplit_once('<') {
        Some((name, rest)) => (name.trim().trim_matches('"'), rest.trim_end_matches('>')),
        None => ("", text),
    };
    let address = EmailAddress::parse(address).ok()?;
    Some(Mailbox { name: (!name.is_empty()).then(|| name.to_owned()), address })
}
