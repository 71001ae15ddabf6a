//! The composition root of every command that works on the store: reads the configuration, opens
//! store and keys, and hands each worker just what it works with.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::clock::{Clock, Random};
use crate::compose::{TemplateProblem, Templates};
use crate::config::{self, Loaded, Problem};
use crate::domain::account::Secret;
use crate::domain::ids::RunId;
use crate::domain::message::Instant;
use crate::domain::policy::Policy;
use crate::phi::Redactor;
use crate::seal::{KeyRing, Sealer};
use crate::store::Store;
use crate::worker::Bells;
use crate::worker::command::Commands;
use crate::worker::door::Door;
use crate::worker::ingest::Ingest;
use crate::worker::ingest::hands::Hands;
use crate::worker::ingest::room::Room;
use crate::worker::rules::{RuleBook, Rules};
use crate::worker::sweep::Sweep;

use super::exit::{Exit, Stop};

/// An opened installation.
pub struct Office {
    /// What was configured.
    pub loaded: Loaded,
    /// The store.
    pub store: Store,
    /// The rules as workers see them.
    pub book: RuleBook,
    /// Now.
    pub clock: Clock,
    sealer: Arc<Sealer>,
    random: Random,
    run: RunId,
    bells: Bells,
    hands: Hands,
    room: Room,
}

/// Reads the configuration or stops with its problems.
pub fn load(path: &Path, now: Instant) -> Result<Loaded, Stop> {
    config::load(path, now).map_err(Stop::config)
}

/// The rules of a configuration: policy, templates with the operator's own, redactor.
pub fn rules(loaded: &Loaded) -> Result<Rules, Stop> {
    let templates = match &loaded.templates {
        None => Templates::embedded(),
        Some(dir) => {
            let texts = overrides(dir)?;
            Templates::with_overrides(texts.clone()).map_err(|problems| {
                let place = |p: &TemplateProblem| {
                    let file = dir.join(&p.name).display().to_string();
                    let text = texts.get(&p.name).map_or("", String::as_str);
                    let place = (p.line.unwrap_or(1), p.column);
                    Problem::of_place((&file, text), place, p.code, (p.message.clone(), &p.help))
                };
                Stop::config(problems.iter().map(place).collect())
            })?
        }
    };
    Ok(Rules {
        policy: loaded.policy.clone(),
        templates,
        redactor: Arc::new(Redactor::new(&loaded.redaction)),
    })
}

/// `<lang>/<notice>.<part>` files below the templates folder.
fn overrides(dir: &Path) -> Result<BTreeMap<String, String>, Stop> {
    let mut texts = BTreeMap::new();
    for lang in std::fs::read_dir(dir)? {
        let lang = lang?;
        if !lang.file_type()?.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(lang.path())? {
            let file = file?;
            let name =
                format!("{}/{}", lang.file_name().to_string_lossy(), file.file_name().to_string_lossy());
            texts.insert(name, std::fs::read_to_string(file.path())?);
        }
    }
    Ok(texts)
}

/// The key ring of the configuration.
pub fn ring(keys: &Secret) -> Result<KeyRing, Stop> {
    let hint = "make one with `mailward keys new > keys.toml` and keep a copy in a safe place: without it \
                nothing sealed can be opened";
    let text = match keys {
        Secret::File(path) => std::fs::read_to_string(path).map_err(|error| {
            Stop::new(Exit::Config, format!("the key ring {} cannot be read: {error}", path.display()))
                .help(hint)
        })?,
        Secret::Env(name) => std::env::var(name).map_err(|_| {
            Stop::new(Exit::Config, format!("the variable {name} holds no key ring")).help(hint)
        })?,
        Secret::None => {
            return Err(Stop::new(Exit::Config, "no key ring is configured under [keys]").help(hint));
        }
    };
    KeyRing::parse(&text).map_err(|error| Stop::new(Exit::Config, format!("the key ring {error}")).help(hint))
}

/// Remembers which hours hold from now on, and says where they changed.
pub async fn note_calendars(store: &Store, policy: &Policy, now: Instant) -> Result<(), Stop> {
    for desk in store.note_calendars(policy.desks.values().map(|desk| &**desk), now).await? {
        tracing::warn!(%desk, "the hours of this desk changed; `mailward clocks recompute` shows what that moves");
    }
    Ok(())
}

impl Office {
    /// Opens the installation of a configuration file, as if it were `at` where that is given.
    pub async fn open(path: &Path, at: Option<Instant>) -> Result<Self, Stop> {
        let loaded = load(path, at.unwrap_or_else(|| Clock::System.now()))?;
        if at.is_some() && !loaded.simulated {
            return Err(Stop::usage("--at needs `simulated = true` under [clock]").help(
                "an installation with a simulated clock is for trying things out; never for real mail",
            ));
        }
        let clock = at.map_or(Clock::System, Clock::fixed);
        let sealer = Sealer::new(&ring(&loaded.keys)?)
            .map_err(|error| Stop::new(Exit::Config, format!("the key ring {error}")))?;
        let office = Self::with(loaded, Arc::new(sealer), clock, Random::System).await?;
        if !office.store.ring_fits().await? {
            return Err(Stop::new(Exit::Config, "the key ring does not open this database").help(
                "it belongs to another installation, or its older keys were taken out: put the right one back; \
                 nothing was changed",
            ));
        }
        if let (Some(at), Some(last)) = (at, office.store.last_instant().await?)
            && at < last
        {
            return Err(Stop::usage(format!("--at {at} is earlier than the last recorded instant {last}"))
                .help("time does not run backwards; use that instant or a later one"));
        }
        note_calendars(&office.store, &office.loaded.policy, office.clock.now()).await?;
        Ok(office)
    }

    /// Opens with parts already made; for `demo`.
    pub async fn with(
        loaded: Loaded,
        sealer: Arc<Sealer>,
        clock: Clock,
        random: Random,
    ) -> Result<Self, Stop> {
        let book = RuleBook::new(rules(&loaded)?);
        let store = Store::open(&loaded.store_url, sealer.clone()).await?;
        let run = RunId::new(
            random
                .uuid(clock.now())
                .map_err(|_| Stop::new(Exit::Defect, "the system gives no randomness"))?,
        );
        let (bells, hands, room) = (Bells::default(), Hands::default(), Room::default());
        Ok(Self { loaded, store, book, clock, sealer, random, run, bells, hands, room })
    }

    /// This run's id.
    pub const fn run(&self) -> RunId {
        self.run
    }
    /// The bells between the workers.
    pub const fn bells(&self) -> &Bells {
        &self.bells
    }
    /// Randomness.
    pub const fn random(&self) -> &Random {
        &self.random
    }
    /// The keys.
    pub const fn sealer(&self) -> &Arc<Sealer> {
        &self.sealer
    }
    /// The one door.
    pub fn door(&self) -> Door {
        Door { keys: self.sealer.token_keys(), random: self.random.clone() }
    }
    /// The stations of ingest.
    pub fn ingest(&self) -> Ingest {
        Ingest {
            store: self.store.clone(),
            book: self.book.clone(),
            sealer: self.sealer.clone(),
            door: self.door(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            run: self.run,
            bells: self.bells.clone(),
            hands: self.hands.clone(),
            room: self.room.clone(),
        }
    }
    /// The sweep.
    pub fn sweep(&self) -> Sweep {
        Sweep {
            store: self.store.clone(),
            book: self.book.clone(),
            door: self.door(),
            clock: self.clock.clone(),
            run: self.run,
            bells: self.bells.clone(),
        }
    }
    /// Commands of a person.
    pub fn commands(&self) -> Commands {
        Commands {
            store: self.store.clone(),
            book: self.book.clone(),
            door: self.door(),
            clock: self.clock.clone(),
        }
    }
}
