//! `reveal` and `attachment`: open sealed originals of a ticket, or one attachment of it, for as long as
//! the desk's rule says. The audit row is durable before the first octet is shown; kinds that a desk
//! never shows are cut out.

use std::path::Path;

use crate::decide::opening;
use crate::domain::custody::{NeverKind, RevealRule};
use crate::domain::ids::{AgentName, LedgerId, TicketNumber};
use crate::domain::message::Instant;
use crate::domain::ticket::Actor;
use crate::intake::contents;
use crate::store::{Opening, Revealed};

use super::args::{Attachment, Opens, Reveal};
use super::exit::{Exit, Stop};
use super::office::Office;
use super::out::{self, Out};

/// Writes the originals to files, or to standard output.
pub async fn run(args: Reveal) -> Result<Exit, Stop> {
    let office = Office::open(&args.opens.config.config, args.opens.at.at).await?;
    let (opened, rule, until) = open(&office, &args.opens, None, "reveal").await?;
    let mut out = Out::stdout();
    for original in &opened {
        let (bytes, refused) = without(&original.bytes, &rule)?;
        for (place, kind) in refused {
            let ledger = original.ledger;
            out::note(format!(
                "mailward: {ledger}: part {} is left out, this desk never shows a {}",
                place + 1,
                kind.as_str()
            ));
        }
        match &args.out {
            None => out.bytes(&bytes)?,
            Some(dir) => {
                std::fs::create_dir_all(dir)?;
                let path = dir.join(format!("{}.eml", original.ledger));
                write(&path, &bytes)?;
                out.line(path.display())?;
            }
        }
    }
    tell(until, args.out.is_some());
    Ok(Exit::Ok)
}

/// Writes one attachment to a file, or to standard output.
pub async fn attachment(args: Attachment) -> Result<Exit, Stop> {
    let office = Office::open(&args.opens.config.config, args.opens.at.at).await?;
    let number = number(args.opens.number)?;
    let missing = || Stop::new(Exit::Data, format!("ticket {number} has no attachment {}", args.which));
    let place = office.store.attachment_place(number, args.which).await?.ok_or_else(missing)?;
    let (opened, rule, until) = open(&office, &args.opens, Some(place.0), "attachment").await?;
    let original = opened.first().ok_or_else(|| Stop::new(Exit::Data, "the sealed original was erased"))?;
    let (described, octets) = contents::open(&original.bytes, place.1).ok_or_else(missing)?;
    if let Some(kind) = forbidden(&original.bytes, place.1, &rule) {
        let why = format!("attachment {} is a {}, which this desk never shows", args.which, kind.as_str());
        return Err(Stop::new(Exit::Data, why));
    }
    match &args.out {
        None => Out::stdout().bytes(&octets)?,
        Some(path) => {
            write(path, &octets)?;
            out::note(format!("mailward: {} octets, {}", octets.len(), described.declared_type));
        }
    }
    tell(until, args.out.is_some());
    Ok(Exit::Ok)
}

fn number(number: i64) -> Result<TicketNumber, Stop> {
    TicketNumber::new(number).map_err(|_| Stop::usage("a ticket's number is at least 1"))
}

/// Asks the rule, writes the opening down, opens.
async fn open(
    office: &Office,
    args: &Opens,
    only: Option<LedgerId>,
    action: &'static str,
) -> Result<(Vec<Revealed>, RevealRule, Instant), Stop> {
    let number = number(args.number)?;
    let operator = super::operator();
    let actor = match &args.agent {
        Some(agent) => Actor::Agent(AgentName::parse(agent).map_err(|_| Stop::usage("--as names no agent"))?),
        None => Actor::Operator(operator.clone()),
    };
    let facts = office.store.opening_facts(number, &actor).await?;
    let facts = facts.ok_or_else(|| Stop::new(Exit::Data, format!("there is no ticket {number}")))?;
    let rules = office.book.current();
    let now = office.clock.now();
    let until = opening::open(&facts, &rules.policy, &actor, args.reason.as_deref(), now);
    let until = until.map_err(|closed| match closed {
        opening::Closed::NoReason => Stop::usage(closed.to_string()),
        closed => Stop::new(Exit::Data, closed.to_string()),
    })?;
    let desk = rules.policy.desks.get(&facts.desk);
    let rule = desk.map(|desk| desk.custody.reveal.clone()).unwrap_or_default();
    let opening = Opening {
        number,
        only,
        actor: &actor,
        operator: &operator,
        reason: args.reason.as_deref(),
        minutes: rule.minutes,
        action,
        now,
    };
    Ok((office.store.reveal(&opening).await?, rule, until))
}

fn tell(until: Instant, file: bool) {
    let until = until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let files = if file { "; delete what was written by then" } else { "" };
    out::note(format!("mailward: open until {until}{files}"));
}

/// The kind for which the attachment of that place is never shown.
fn forbidden(bytes: &[u8], place: usize, rule: &RevealRule) -> Option<NeverKind> {
    contents::assess(bytes).get(place).and_then(|(attachment, label)| rule.forbids(attachment, label))
}

/// Places of attachments and the kinds for which they are left out.
type Refused = Vec<(usize, NeverKind)>;

/// A mail without the parts that are never shown, and which those are.
fn without(bytes: &[u8], rule: &RevealRule) -> Result<(Vec<u8>, Refused), Stop> {
    if rule.never.is_empty() {
        return Ok((bytes.to_vec(), Vec::new()));
    }
    let assessed = contents::assess(bytes);
    let judged = assessed.iter().enumerate();
    let refused: Refused =
        judged.filter_map(|(place, (a, label))| Some((place, rule.forbids(a, label)?))).collect();
    let places: Vec<usize> = refused.iter().map(|(place, _)| *place).collect();
    let shown = contents::cut_out(bytes, &places).ok_or_else(|| {
        Stop::new(
            Exit::Data,
            "the original cannot be read as a mail, and this desk never shows some kinds of content",
        )
    })?;
    Ok((shown, refused))
}

/// A new file that only its owner reads.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Stop> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
    Ok(file.write_all(bytes)?)
}
