//! `check`: validates everything a start would need, and shows each problem with its place.

use crate::clock::Clock;
use crate::config::{self, Problem};
use crate::domain::account::{Relay, Secret, Source};

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
    let mut loaded = match office::load(path, Clock::System.now()).and_then(with_templates) {
        Ok(loaded) => loaded,
        Err(stop) if args.json && !stop.problems.is_empty() => {
            for problem in &stop.problems {
                out.json(problem)?;
            }
            return Ok(Exit::Config);
        }
        Err(stop) => return Err(stop),
    };
    let file = path.display().to_string();
    loaded.warnings.extend(secrets(&loaded, &file)?);
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

/// The configuration, once its templates are sound.
fn with_templates(loaded: config::Loaded) -> Result<config::Loaded, Stop> {
    office::rules(&loaded)?;
    Ok(loaded)
}

/// Secrets that a start would miss. They may be elsewhere while a configuration is only checked, so they
/// warn; a key ring that is there and is none is an error.
fn secrets(loaded: &config::Loaded, file: &str) -> Result<Vec<Problem>, Stop> {
    let mut missing = Vec::new();
    let mut miss = |message: String, help: &str| {
        missing.push(Problem::of_file(file, "missing_secret", message, help).warning());
    };
    let there = match &loaded.keys {
        Secret::File(path) => path.exists(),
        Secret::Env(name) => std::env::var_os(name).is_some(),
        Secret::None => true,
    };
    match office::ring(&loaded.keys) {
        Err(stop) if there => return Err(stop),
        Err(stop) => miss(stop.message, stop.help.as_deref().unwrap_or_default()),
        Ok(_) => {}
    }
    let relay = match &loaded.policy.transport.relay {
        Relay::Smtp { login: Some((_, secret)), .. } => Some(("[smtp]".to_owned(), secret)),
        _ => None,
    };
    let accounts = loaded.policy.accounts.values().filter_map(|account| match &account.source {
        Source::Imap(server) => Some((format!("the account `{}`", account.name), &server.password)),
        _ => None,
    });
    for (whose, secret) in relay.into_iter().chain(accounts) {
        if let Err(error) = config::secret(secret) {
            miss(format!("{whose}: {error}"), "a start needs it: set the variable, or give the file");
        }
    }
    Ok(missing)
}
