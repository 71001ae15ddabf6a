//! `ticket`: lists, shows, and an agent's acts.

use crate::domain::command::Command;
use crate::domain::desk::Span;
use crate::domain::ids::{AgentName, DeskName, TicketNumber};
use crate::domain::outgoing::PublicText;
use crate::domain::text::RawText;
use crate::domain::ticket::{Actor, Priority};
use crate::phi::Context;
use crate::store::{Keeping, Presence, TicketFilter, TicketView};
use crate::worker::Step;
use crate::worker::command::Order;
use crate::worker::outbox::OutboxWorker;

use super::args::{Act, ActWithText, Listing, One, Ticket};
use super::exit::{Exit, Stop};
use super::office::Office;
use super::out::Out;

/// Lists, shows, acts.
pub async fn run(args: Ticket) -> Result<Exit, Stop> {
    match args {
        Ticket::List(listing) => list(&listing).await,
        Ticket::Show(one) => show(&one).await,
        Ticket::Reply { act, resolve } => reply(&act, resolve).await,
        Ticket::Note(act) => note(&act).await,
        Ticket::Assign { act, to } => {
            let to = match to.as_str() {
                "nobody" => None,
                name => Some(agent(name)?),
            };
            order(&act, Command::Assign(to), None).await
        }
        Ticket::Priority { act, to } => {
            let priority = Priority::parse(&to)
                .ok_or_else(|| Stop::usage(format!("`{to}` is none of urgent, high, medium, low")))?;
            order(&act, Command::Priority(priority), None).await
        }
        Ticket::Resolve(act) => order(&act, Command::Resolve, None).await,
        Ticket::Close(act) => order(&act, Command::Close, None).await,
        Ticket::Reopen(act) => order(&act, Command::Reopen, None).await,
        Ticket::Merge { act, into, force } => {
            order(&act, Command::Merge { force }, Some(number(into)?)).await
        }
        Ticket::Unmerge(act) => order(&act, Command::Unmerge, None).await,
        Ticket::Eta { act, day } => order(&act, Command::Eta(day), None).await,
        Ticket::Cadence { act, every } => {
            let span = match every.as_str() {
                "default" => None,
                text => Some(Span::parse(text).map_err(|why| Stop::usage(format!("`{text}` {why}")))?),
            };
            order(&act, Command::Cadence(span), None).await
        }
        Ticket::Move { act, to } => {
            let desk = DeskName::parse(&to).map_err(|_| Stop::usage(format!("`{to}` names no desk")))?;
            order(&act, Command::Move(desk), None).await
        }
        Ticket::Erase(act) => super::custody::erase(&act).await,
        Ticket::Hold(act) => super::custody::keep(&act, Keeping::Hold).await,
        Ticket::Release(act) => super::custody::keep(&act, Keeping::Release).await,
        Ticket::Consent { act, until } => super::custody::keep(&act, Keeping::Consent(until)).await,
    }
}

pub(super) fn number(number: i64) -> Result<TicketNumber, Stop> {
    TicketNumber::new(number).map_err(|_| Stop::usage("a ticket's number is at least 1"))
}

pub(super) fn agent(name: &str) -> Result<AgentName, Stop> {
    AgentName::parse(name).map_err(|_| Stop::usage(format!("`{name}` names no agent; see directory.toml")))
}

async fn list(listing: &Listing) -> Result<Exit, Stop> {
    let office = Office::open(&listing.config.config, None).await?;
    let rows =
        office.store.ticket_list(&TicketFilter { limit: 100_000, ..TicketFilter::default() }, false).await?;
    let head = ["#", "desk", "state", "prio", "requester", "subject", "messages", "due"];
    super::ledger::print(listing, (&head, &["#", "messages"]), &rows, |row| {
        vec![
            row.number.to_string(),
            row.desk.clone(),
            row.state.clone(),
            row.priority.clone(),
            row.requester.clone().unwrap_or_default(),
            row.subject.clone(),
            row.message_count.to_string(),
            row.due.map_or(String::new(), |at| at.format("%Y-%m-%d %H:%MZ").to_string()),
        ]
    })?;
    Ok(Exit::Ok)
}

async fn show(one: &One) -> Result<Exit, Stop> {
    let office = Office::open(&one.listing.config.config, one.at.at).await?;
    let number = number(one.number)?;
    if one.expose {
        let actor = Actor::Operator(super::operator());
        office.store.expose_audit(Some(number), &actor, office.clock.now()).await?;
    }
    let view = office.store.ticket_show(number, one.expose, office.clock.now()).await?;
    let view = view.ok_or_else(|| Stop::new(Exit::Data, format!("there is no ticket {number}")))?;
    let mut out = Out::stdout();
    if one.listing.json {
        out.json(&view)?;
    } else {
        print(&mut out, &view)?;
    }
    Ok(Exit::Ok)
}

/// A ticket as a person reads it.
pub fn print(out: &mut Out, view: &TicketView) -> Result<(), Stop> {
    let line = &view.line;
    out.line(format!("[#{}] {}", line.number, line.subject))?;
    let marks = [(line.restricted, "restricted"), (line.imported, "imported")];
    let marks: Vec<&str> = marks.iter().filter(|(holds, _)| *holds).map(|(_, mark)| *mark).collect();
    out.line(format!(
        "{} | {} | {} | {} {}",
        line.desk,
        line.state,
        line.priority,
        line.language,
        marks.join(" ")
    ))?;
    let since = |at: crate::domain::message::Instant| at.format("%Y-%m-%d %H:%MZ");
    if let Some(at) = view.held_at {
        out.line(format!("  legal hold since {}", since(at)))?;
    }
    if let Some(at) = view.consent_until {
        out.line(format!("  consent until {}", since(at)))?;
    }
    for other in &view.related {
        out.line(format!("  perhaps [#{}]: {}", other.ticket, other.reason))?;
    }
    let kept = [("estimated", &view.eta), ("update every", &view.cadence)];
    for (name, value) in kept.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
        out.line(format!("  {name} {value}"))?;
    }
    for person in &view.participants {
        out.line(format!("  {:<12} {}", person.role, person.address))?;
    }
    for clock in &view.clocks {
        let due = clock.due.map_or(String::new(), |at| at.format(" until %Y-%m-%d %H:%MZ").to_string());
        out.line(format!("  clock {:<11} {}{due}", clock.kind, clock.state))?;
    }
    for message in &view.messages {
        let from = message.from.as_deref().unwrap_or("-");
        let arrow = if message.direction == "in" { "<-" } else { "->" };
        let at = message.arrived_at.format("%Y-%m-%d %H:%MZ");
        out.line(format!("\n{arrow} {at}  {}  {from}  {}", message.kind, message.flags.join(" ")))?;
        for text in message.text.lines() {
            out.line(format!("   {text}"))?;
        }
        for part in &message.attachments {
            let flags = part.flags.join(" ");
            out.line(format!(
                "   [attachment {}: {}, {} octets {flags}]",
                part.no, part.media_type, part.size
            ))?;
        }
    }
    out.line("")?;
    for entry in &view.history {
        let at = entry.at.format("%Y-%m-%d %H:%MZ");
        out.line(format!("{at}  {}  {}  {}", entry.actor, entry.action, entry.reasons.join(", ")))?;
    }
    Ok(())
}

async fn reply(args: &ActWithText, resolve: bool) -> Result<Exit, Stop> {
    let text = words(args)?;
    with_office(&args.act, None, |office| {
        let redacted = redact(office, &text);
        Command::Reply { text: PublicText::from_agent(text), redacted, resolve }
    })
    .await
}

async fn note(args: &ActWithText) -> Result<Exit, Stop> {
    let text = words(args)?;
    with_office(&args.act, None, |office| Command::Note { redacted: redact(office, &text), text }).await
}

fn words(args: &ActWithText) -> Result<RawText, Stop> {
    let bytes = super::read(&args.file)?;
    let text = String::from_utf8(bytes).map_err(|_| Stop::new(Exit::Data, "the words are not UTF-8"))?;
    Ok(RawText::new(text.trim_end()))
}

fn redact(office: &Office, text: &RawText) -> crate::domain::text::RedactedText {
    let rules = office.book.current();
    rules.redactor.redact(text, &Context::default()).text
}

async fn order(act: &Act, command: Command, other: Option<TicketNumber>) -> Result<Exit, Stop> {
    with_office(act, other, |_| command).await
}

async fn with_office(
    act: &Act,
    other: Option<TicketNumber>,
    command: impl FnOnce(&Office) -> Command,
) -> Result<Exit, Stop> {
    let office = Office::open(&act.config.config, act.at.at).await?;
    let order =
        Order { number: number(act.number)?, agent: agent(&act.agent)?, command: command(&office), other };
    let action = office.commands().carry_out(&order, &super::operator()).await?;
    Out::stdout().line(format!("ticket {}: {action}", act.number))?;
    send(&office).await;
    Ok(Exit::Ok)
}

async fn outbox(office: &Office) -> Result<(OutboxWorker, Presence), Stop> {
    let presence = office.store.enter(office.run()).await?;
    Ok((super::serve::outbox(office)?, presence))
}

/// One pass of the outbox: the answer need not wait for the running gateway. The act is durable: a
/// relay that is away must not look like a failure, or the caller says it to the customer twice.
async fn send(office: &Office) {
    let why = match outbox(office).await {
        Err(stop) => stop.message,
        Ok((outbox, _presence)) => loop {
            match outbox.step().await {
                Ok(Step::Did(_)) => {}
                Ok(Step::Idle) => return,
                Err(error) => break error.to_string(),
            }
        },
    };
    super::out::note(format!(
        "mailward: done, but its mail waits in the outbox ({why}); the running gateway sends it"
    ));
}
