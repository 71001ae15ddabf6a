//! `keys`: makes a key ring, adds a key, has everything sealed anew under it, retires an old one.
//! Prints rings and never writes a file, so that nothing is overwritten.

use serde_json::json;

use crate::clock::Random;
use crate::seal::KeyRing;
use crate::store::{Ids, SealedColumn, Walk};

use super::args::{Config, Keys, Listing};
use super::exit::{Exit, Stop};
use super::office::{self, Office};
use super::out::{self, Out};

/// Prints a ring, works through the rows, or tells which key is in use.
pub async fn run(args: Keys) -> Result<Exit, Stop> {
    let random = Random::System;
    let text = match args {
        Keys::New => KeyRing::generate(&random),
        Keys::Rotate(config) => ring(&config)?.rotated(&random),
        Keys::Rewrap(listing) => return rewrap(&listing).await,
        Keys::Status(listing) => return status(&listing).await,
        Keys::Retire { config, id } => {
            let office = Office::open(&config.config, None).await?;
            if let Some(count) = office.store.keys_in_use().await?.get(&id) {
                let stop =
                    Stop::new(Exit::Data, format!("key {id} is in use: {count} values are sealed with it"));
                return Err(
                    stop.help("`mailward keys rewrap` seals them anew under the current key; then retire it")
                );
            }
            ring(&config)?.retired(id)
        }
    };
    let text = text.map_err(|error| Stop::new(Exit::Data, format!("the key ring {error}")))?;
    Out::stdout().line(text.trim_end())?;
    Ok(Exit::Ok)
}

fn ring(config: &Config) -> Result<KeyRing, Stop> {
    let loaded = office::load(&config.config, crate::clock::Clock::System.now())?;
    office::ring(&loaded.keys)
}

/// Walks through every sealed column; may be broken off and begun again at any time.
async fn rewrap(listing: &Listing) -> Result<Exit, Stop> {
    let office = Office::open(&listing.config.config, None).await?;
    let mut out = Out::stdout();
    for column in SealedColumn::ALL {
        let mut walk = Walk::default();
        let mut tries = 0;
        while !walk.done {
            let ids = Ids::new(office.clock.now(), office.random());
            match office.store.rekey(column, &mut walk, &ids).await {
                Ok(()) => tries = 0,
                Err(error) if error.transient() && tries < 20 => {
                    tries += 1;
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
                Err(error) => return Err(error.into()),
            }
            if walk.seen.is_multiple_of(10_000) && walk.seen > 0 {
                out::note(format!(
                    "mailward: {}: {} seen, {} renewed",
                    column.as_str(),
                    walk.seen,
                    walk.renewed
                ));
            }
            // The gateway's own transactions come between two steps.
            tokio::task::yield_now().await;
        }
        let (column, seen, renewed) = (column.as_str(), walk.seen, walk.renewed);
        if listing.json {
            out.json(&json!({ "column": column, "seen": seen, "renewed": renewed }))?;
        } else {
            out.line(format!("{column:<14} {seen:>9} seen {renewed:>9} renewed"))?;
        }
    }
    Ok(Exit::Ok)
}

async fn status(listing: &Listing) -> Result<Exit, Stop> {
    let office = Office::open(&listing.config.config, None).await?;
    let used = office.store.keys_in_use().await?;
    let current = office.sealer().current();
    let mut out = Out::stdout();
    for id in ring(&listing.config)?.ids() {
        let values = used.get(&id).copied().unwrap_or(0);
        let state = if id == current {
            "current"
        } else if values > 0 {
            "in use"
        } else {
            "may be retired"
        };
        if listing.json {
            out.json(&json!({ "key": id, "values": values, "state": state }))?;
        } else {
            out.line(format!("key {id:<4} {values:>9} values  {state}"))?;
        }
    }
    Ok(Exit::Ok)
}
