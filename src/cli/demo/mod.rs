//! `demo`: a day of a help desk, and the two quiet ones after it, on embedded defaults. The clock
//! stands still between events and randomness is seeded, so two runs write the same bytes. Every mail
//! passes the same `ingest::step`, `store::apply` and `outbox::step` as with `serve`. Writes only
//! below the folder it is given.

mod mailroom;
mod script;
mod show;

use std::path::Path;
use std::sync::Arc;

use crate::clock::{Clock, Random};
use crate::config;
use crate::domain::account::{
    Account, After, AuthEvidence, FirstRun, FolderRule, Relay, ReversePathPolicy, Source, TokenCarrier,
};
use crate::domain::ids::{AccountName, FolderName};
use crate::domain::policy::Policy;
use crate::seal::{KeyRing, Sealer};

use super::args::Demo;
use super::exit::{Exit, Stop};
use super::office::Office;
use super::out::Out;
use mailroom::Mailroom;

/// The host whose Authentication-Results the demo believes.
pub const AUTHSERV: &str = "mx.demo.example";

/// Plays the script and shows what came of it.
pub async fn run(args: Demo) -> Result<Exit, Stop> {
    let dir = args.dir;
    clear(&dir)?;
    let clock = Clock::fixed(script::start());
    let random = Random::seeded(7);
    let office = open(&dir, clock, random).await?;
    let mut room = Mailroom::new(&office, &dir)?;
    let progress = super::say::progress(Some("playing three days of mail"));
    for event in script::events() {
        room.play(&event).await?;
    }
    progress.finish_and_clear();
    let mut out = Out::stdout();
    show::all(&mut out, &office, &room, &dir).await?;
    office.store.close().await;
    Ok(Exit::Ok)
}

/// An earlier demo is replaced; anything else in the way is left alone.
fn clear(dir: &Path) -> Result<(), Stop> {
    let mark = dir.join(".mailward-demo");
    if dir.exists() {
        let empty = std::fs::read_dir(dir)?.next().is_none();
        if !mark.exists() && !empty {
            return Err(Stop::usage(format!("{} exists and was not made by a demo", dir.display()))
                .help("name another folder with --dir"));
        }
        std::fs::remove_dir_all(dir)?;
    }
    std::fs::create_dir_all(dir)?;
    Ok(std::fs::write(mark, "made by `mailward demo`, replaced by the next one\n")?)
}

async fn open(dir: &Path, clock: Clock, random: Random) -> Result<Office, Stop> {
    let mut loaded = config::embedded(clock.now()).map_err(Stop::config)?;
    loaded.store_url = format!("sqlite:{}", dir.join("mailward.db").display());
    loaded.policy = Arc::new(policy(&loaded.policy, dir)?);
    let ring = KeyRing::generate(&random).and_then(|text| KeyRing::parse(&text));
    let sealer = ring.and_then(|ring| Sealer::new(&ring));
    let sealer = sealer.map_err(|error| Stop::new(Exit::Defect, format!("the demo's key ring {error}")))?;
    Office::with(loaded, Arc::new(sealer), clock, random).await
}

/// The embedded desks, each with a directory as its mailbox.
fn policy(embedded: &Policy, dir: &Path) -> Result<Policy, Stop> {
    let mut policy = embedded.clone();
    let bad = |_| Stop::new(Exit::Defect, "the demo's accounts have no names");
    let inbox = FolderName::parse("INBOX").map_err(bad)?;
    policy.accounts.clear();
    for desk in policy.desks.keys() {
        let path = dir.join("mailbox").join(desk.as_str());
        std::fs::create_dir_all(&path)?;
        let name = AccountName::parse(desk.as_str()).map_err(bad)?;
        let account = Account {
            name: name.clone(),
            source: Source::Directory(path),
            folders: vec![FolderRule { name: inbox.clone(), respond: true }],
            routes: Vec::new(),
            desk: desk.clone(),
            after: After::Flag,
            first_run: FirstRun::Live,
            token_carrier: TokenCarrier::Plus,
            subaddress: Some('+'),
            sent: None,
            auth: AuthEvidence::Rfc8601 { authserv_ids: vec![AUTHSERV.to_owned()] },
        };
        policy.accounts.insert(name, Arc::new(account));
    }
    policy.transport.relay = Relay::Directory(dir.join("sent"));
    policy.transport.reverse_path = ReversePathPolicy::Null;
    policy.transport.max_per_minute = 0;
    Ok(policy)
}
