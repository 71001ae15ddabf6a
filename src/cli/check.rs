//! `check`: validates everything a start would need, and shows each problem with its place.

use crate::clock::Clock;
use crate::config;

use super::args::Check;
use super::exit::{Exit, Stop};
use super::office;
use super::out::Out;

/// Validates, or prints the schema.
pub fn run(args: &Check) -> Result<Exit, Stop> {
    let mut out = Out::stdout();
    if args.schema {
        out.line(serde_json::to_string_pretty(&config::schema()).unwrap_or_default())?;
        return Ok(Exit::Ok);
    }
    let Some(path) = &args.config else { return Err(Stop::usage("--config FILE is missing")) };
    let loaded = match config::load(path, Clock::System.now()) {
        Ok(loaded) => loaded,
        Err(problems) if args.json => {
            for problem in &problems {
                out.json(problem)?;
            }
            return Ok(Exit::Config);
        }
        Err(problems) => return Err(Stop::config(problems)),
    };
    office::rules(&loaded)?;
    for warning in &loaded.warnings {
        if args.json {
            out.json(warning)?;
        } else {
            super::say::warn(warning);
        }
    }
    if !args.json {
        let policy = &loaded.policy;
        out.line(format!(
            "{}: good ({} desks, {} accounts, {} agents, {} warnings)",
            path.display(),
            policy.desks.len(),
            policy.accounts.len(),
            policy.directory.agents.len(),
            loaded.warnings.len(),
        ))?;
    }
    Ok(Exit::Ok)
}
