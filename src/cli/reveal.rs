//! `reveal`: opens the sealed originals of a ticket; the audit row is durable before the first octet
//! is shown.

use std::io::Write as _;

use crate::domain::ids::{AgentName, TicketNumber};
use crate::domain::ticket::Actor;

use super::args::Reveal;
use super::exit::{Exit, Stop};
use super::office::Office;
use super::out::Out;

/// Writes the originals to files, or to standard output.
pub async fn run(args: Reveal) -> Result<Exit, Stop> {
    if args.reason.trim().len() < 5 {
        return Err(Stop::usage(
            "--reason must say why the original is opened; it stands in the audit trail",
        ));
    }
    let office = Office::open(&args.config.config, args.at.at).await?;
    let number =
        TicketNumber::new(args.number).map_err(|_| Stop::usage("a ticket's number is at least 1"))?;
    let actor = match &args.agent {
        Some(agent) => {
            let agent = AgentName::parse(agent).map_err(|_| Stop::usage("--as names no agent"))?;
            office.commands().entitled(number, &agent).await?;
            Actor::Agent(agent)
        }
        None => Actor::Operator(super::operator()),
    };
    let opened = office.store.reveal(number, &actor, &args.reason, office.clock.now()).await?;
    let mut out = Out::stdout();
    match &args.out {
        None => {
            for original in &opened {
                out.bytes(&original.bytes)?;
            }
        }
        Some(dir) => {
            std::fs::create_dir_all(dir)?;
            for original in &opened {
                let path = dir.join(format!("{}.eml", original.ledger));
                let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
                file.write_all(&original.bytes)?;
                out.line(path.display())?;
            }
        }
    }
    Ok(Exit::Ok)
}
