//! `keys`: makes a first key ring, or one with a further key.

use crate::clock::Random;
use crate::seal::KeyRing;

use super::args::Keys;
use super::exit::{Exit, Stop};
use super::office;
use super::out::Out;

/// Prints a ring; never writes a file, so that nothing is overwritten.
pub fn run(args: &Keys) -> Result<Exit, Stop> {
    let random = Random::System;
    let text = match args {
        Keys::New => KeyRing::generate(&random),
        Keys::Rotate(config) => {
            let loaded = office::load(&config.config, crate::clock::Clock::System.now())?;
            office::ring(&loaded.keys)?.rotated(&random)
        }
    };
    let text = text.map_err(|error| Stop::new(Exit::Defect, format!("the key ring {error}")))?;
    Out::stdout().line(text.trim_end())?;
    Ok(Exit::Ok)
}
