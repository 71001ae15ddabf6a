//! `clocks recompute`: which deadlines the hours of now move, and the change itself when asked for.

use crate::domain::message::Instant;
use crate::domain::ticket::Actor;
use crate::worker::recompute::{Moved, Recompute};

use super::args::Clocks;
use super::exit::{Exit, Stop};
use super::office::Office;
use super::out::Out;

/// Shows or writes.
pub async fn run(args: Clocks) -> Result<Exit, Stop> {
    let Clocks::Recompute { listing, apply, at } = args;
    let office = Office::open(&listing.config.config, at.at).await?;
    let recompute = Recompute {
        store: office.store.clone(),
        book: office.book.clone(),
        door: office.door(),
        clock: office.clock.clone(),
    };
    let actor = apply.then(|| Actor::Operator(super::operator()));
    let mut out = Out::stdout();
    let (mut rows, mut count) = (Vec::new(), 0_usize);
    recompute
        .run(actor.as_ref(), |moved| {
            count += 1;
            if listing.json {
                return out.json(&moved);
            }
            rows.push(row(&moved));
            Ok(())
        })
        .await?;
    if listing.json {
        return Ok(Exit::Ok);
    }
    out.table(&["ticket", "desk", "clock", "due", "becomes"], &["ticket"], &rows)?;
    out.line(match (count, apply) {
        (0, _) => "no deadline moves".to_owned(),
        (n, true) => format!("{n} deadlines moved"),
        (n, false) => format!("{n} deadlines would move; nothing was changed, --apply changes them"),
    })?;
    Ok(Exit::Ok)
}

fn row(moved: &Moved) -> Vec<String> {
    let time = |at: Instant| at.format("%Y-%m-%d %H:%M:%SZ").to_string();
    vec![
        moved.ticket.to_string(),
        moved.desk.clone(),
        moved.clock.to_owned(),
        time(moved.due),
        time(moved.becomes),
    ]
}
