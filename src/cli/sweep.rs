//! `sweep`: everything that is due once, then one pass of the outbox.

use crate::worker::Step;
use crate::worker::sweep::Swept;

use super::args::Sweep;
use super::exit::{Exit, Stop};
use super::office::Office;
use super::out::Out;

/// Sweeps until nothing more happens, then sends what may be sent.
pub async fn run(args: Sweep) -> Result<Exit, Stop> {
    let office = Office::open(&args.config.config, args.at.at).await?;
    let sweep = office.sweep();
    let mut out = Out::stdout();
    loop {
        let swept = sweep.step(None).await?;
        for line in &swept {
            tell(&mut out, args.json, line)?;
        }
        if !swept.iter().any(Swept::progress) {
            break;
        }
    }
    loop {
        let (swept, more) = sweep.expire().await?;
        for line in &swept {
            tell(&mut out, args.json, line)?;
        }
        if !more {
            break;
        }
    }
    let _presence = office.store.enter(office.run()).await?;
    let outbox = super::serve::outbox(&office)?;
    while let Step::Did(_) = outbox.step().await? {}
    Ok(Exit::Ok)
}

fn tell(out: &mut Out, json: bool, line: &Swept) -> Result<(), Stop> {
    if json {
        out.json(line)?;
    } else {
        out.line(format!("ticket {}: {} {}", line.ticket, line.action, line.reason))?;
    }
    Ok(())
}
