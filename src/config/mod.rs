//! Configuration files -> [`Policy`]. Takes a path and the instant of the start, gives the whole
//! policy or every problem at once, each with file, line, column and remedy. Reads files, opens no
//! socket; secrets are only named here, and read when a connection is made.

mod accounts;
mod calendars;
mod custody;
mod desk_tables;
mod desks;
mod document;
mod embedded;
mod ical;
mod other_tables;
mod people;
mod problem;
mod redaction;
mod rules;
mod secrets;
mod shape;
mod sources;
mod spans;
mod tables;
mod wording;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use self::document::{Document, Reader};
pub use self::problem::Problem;
pub use self::secrets::{SecretError, secret};
use self::sources::Sources;
use crate::domain::account::Secret;
use crate::domain::message::Instant;
use crate::domain::policy::Policy;
use crate::phi::Lists;

/// A valid configuration.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Desks, accounts, directory, caps, transport.
    pub policy: Arc<Policy>,
    /// `sqlite:PATH` with the path resolved against the file, or `postgres://...`.
    pub store_url: String,
    /// Where the key ring comes from.
    pub keys: Secret,
    /// True allows `--at`.
    pub simulated: bool,
    /// Directory of templates that override the built-in ones, for desks without their own.
    pub templates: Option<PathBuf>,
    /// The operator's lists for the redactor.
    pub redaction: Lists,
    /// What is valid but doubtful.
    pub warnings: Vec<Problem>,
}

/// Reads the configuration at `path`; `now` decides which years of holidays must be known.
///
/// # Errors
/// Every problem that was found, at least one of them an error.
pub fn load(path: &Path, now: Instant) -> Result<Loaded, Vec<Problem>> {
    let mut problems = Vec::new();
    let loaded =
        sources::read(path, &mut problems).and_then(|sources| assemble(&sources, now, &mut problems));
    finish(loaded, problems)
}

/// The configuration that is built in: the shipped desks, for `demo` and for tests.
///
/// # Errors
/// Problems of the shipped files as of `now`; a test proves that there are none.
pub fn embedded(now: Instant) -> Result<Loaded, Vec<Problem>> {
    let mut problems = Vec::new();
    let loaded = assemble(&embedded::sources(), now, &mut problems);
    finish(loaded, problems)
}

/// JSON Schemas of all kinds of file, by kind.
pub fn schema() -> serde_json::Value {
    json!({
        "mailward": shape::of::<tables::MainFile>(),
        "desk": shape::of::<desk_tables::DeskFile>(),
        "calendar": shape::of::<other_tables::CalendarFile>(),
        "directory": shape::of::<other_tables::DirectoryFile>(),
        "words": shape::of::<other_tables::WordsFile>(),
    })
}

fn finish(loaded: Option<Loaded>, problems: Vec<Problem>) -> Result<Loaded, Vec<Problem>> {
    match loaded {
        Some(loaded) if problems.iter().all(|p| p.severity == "warning") => {
            Ok(Loaded { warnings: problems, ..loaded })
        }
        _ => Err(problems),
    }
}

fn assemble(sources: &Sources, now: Instant, problems: &mut Vec<Problem>) -> Option<Loaded> {
    let main = sources.main.read::<tables::MainFile>(problems);
    let people = people::read(sources.directory.as_ref(), problems);
    let calendars = read_calendars(sources, problems);
    let wording = wording::read(&sources.words, problems);
    let surroundings = desks::Surroundings {
        calendars: &calendars,
        wording: &wording,
        people: &people,
        templates: sources.templates.as_deref(),
        now,
    };
    let desks = desks::read_all(&sources.desks, &surroundings, problems);
    people.check_desks(&desks, problems);
    let (document, main) = main?;
    let mut reader = Reader { document: &document, problems };
    if desks.declared.is_empty() {
        reader.fail(
            "paths/desks",
            "no_desks",
            "there is no desk file",
            "a directory of `.toml` files, one a desk",
        );
    }
    let accounts = accounts::read_all(&mut reader, &main, &desks, &sources.base);
    desks::check_addresses(&mut reader, &desks.valid, &accounts);
    let redaction = redaction::read(&mut reader, &main.redaction);
    let transport = accounts::transport(&mut reader, &main.smtp, &sources.base)?;
    custody::check_transport(&mut reader, desks.valid.values().map(|desk| &**desk), &transport);
    let keys = accounts::keys(&mut reader, &main.keys, &sources.base)?;
    let store_url = accounts::store_url(&mut reader, &main.store.url, &sources.base)?;
    let policy = Policy {
        desks: desks.valid,
        accounts: accounts.into_iter().map(|account| (account.name.clone(), Arc::new(account))).collect(),
        directory: people.directory,
        governor: accounts::governor(&main.governor),
        transport,
    };
    Some(Loaded {
        policy: Arc::new(policy),
        store_url,
        keys,
        simulated: main.clock.simulated,
        templates: sources.templates.clone(),
        redaction,
        warnings: Vec::new(),
    })
}

fn read_calendars(sources: &Sources, problems: &mut Vec<Problem>) -> calendars::Calendars {
    let mut read = BTreeMap::new();
    for source in &sources.calendars {
        if let Some((document, file)) = source.read::<other_tables::CalendarFile>(problems) {
            let mut reader = Reader { document: &document, problems };
            if let Some(calendar) = calendars::read(&mut reader, &source.stem, &file) {
                read.insert(source.stem.clone(), calendar);
            }
        }
    }
    read
}

/// Used by [`sources`] and tests: one file as it was read.
type Checked<T> = (Document, T);

#[cfg(test)]
mod desk_lines;
#[cfg(test)]
mod desk_rules;
#[cfg(test)]
mod mail_table;
#[cfg(test)]
mod schema_tests;
#[cfg(test)]
mod tests;
