//! `serve`: builds the workers, watches signals, reloads on SIGHUP.

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config;
use crate::domain::account::{ImapServer, Relay};
use crate::domain::policy::Policy;
use crate::imap::Limits;
use crate::serve::{Ended, Workers};
use crate::smtp::Sender;
use crate::store::Store;
use crate::worker::outbox::{Origin, OutboxWorker};
use crate::worker::rules::RuleBook;

use super::args::Serve;
use super::exit::{Exit, Stop};
use super::office::{self, Office};

/// Runs every worker.
pub async fn run(args: Serve) -> Result<Exit, Stop> {
    if args.at.at.is_some() && !args.until_idle {
        return Err(Stop::usage("--at goes with --until-idle only: a running gateway lives in real time"));
    }
    let office = Office::open(&args.config.config, args.at.at).await?;
    for warning in &office.loaded.warnings {
        tracing::warn!(file = %warning.file, line = warning.line, code = warning.code, "{}", warning.message);
    }
    let presence = office.store.enter(office.run()).await?;
    let workers = workers(&office)?;
    let stop = CancellationToken::new();
    let reload =
        Reload { config: args.config.config.clone(), book: office.book.clone(), store: office.store.clone() };
    tokio::spawn(signals(stop.clone(), reload));
    tracing::info!(
        run = %office.run(),
        accounts = office.loaded.policy.accounts.len(),
        desks = office.loaded.policy.desks.len(),
        "mailward runs"
    );
    let progress = super::say::progress(args.until_idle.then_some("working until idle"));
    let ended = crate::serve::run(workers, stop, args.until_idle).await;
    progress.finish_and_clear();
    drop(presence);
    office.store.close().await;
    match ended {
        Ended::Well => Ok(Exit::Ok),
        Ended::Away(what) => Err(Stop::new(Exit::Again, what)
            .help("nothing is lost: the next start takes up where this one ended")),
    }
}

/// Every worker of an office.
pub fn workers(office: &Office) -> Result<Workers, Stop> {
    Ok(Workers {
        ingest: office.ingest(),
        sweep: office.sweep(),
        outbox: outbox(office)?,
        password: Arc::new(password),
        limits: Limits::default(),
    })
}

/// The outbox worker of an office.
pub fn outbox(office: &Office) -> Result<OutboxWorker, Stop> {
    let sender = sender(&office.loaded.policy)?;
    let origin = Origin { clock: office.clock.clone(), random: office.random().clone(), run: office.run() };
    let per_minute = office.loaded.policy.transport.max_per_minute;
    Ok(OutboxWorker::new(office.store.clone(), (sender, per_minute), &origin, office.bells().clone()))
}

fn sender(policy: &Policy) -> Result<Sender, Stop> {
    let transport = &policy.transport;
    let password = match &transport.relay {
        Relay::Smtp { login: Some((_, secret)), .. } => Some(
            config::secret(secret).map_err(|error| Stop::new(Exit::Config, format!("[smtp]: {error}")))?,
        ),
        _ => None,
    };
    // EHLO wants a name of ours (RFC 5321 4.1.1.1): the domain that our mail comes from.
    let hello = policy.desks.values().next().map_or("localhost", |desk| desk.address.domain());
    Ok(Sender::new(transport, password, hello))
}

/// The password of a server, from where configuration says.
pub(super) fn password(server: &ImapServer) -> Option<SecretString> {
    config::secret(&server.password).ok()
}

/// What a new configuration is read from and goes to.
struct Reload {
    config: PathBuf,
    book: RuleBook,
    store: Store,
}

async fn signals(stop: CancellationToken, on: Reload) {
    let (Ok(mut term), Ok(mut int), Ok(mut hup)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()))
    else {
        return;
    };
    loop {
        tokio::select! {
            _ = term.recv() => break,
            _ = int.recv() => break,
            _ = hup.recv() => reload(&on).await,
        }
    }
    tracing::info!("stopping: what is in flight is finished or left for the next start");
    stop.cancel();
}

/// An invalid new configuration keeps the old one and alarms.
async fn reload(on: &Reload) {
    let now = Clock::System.now();
    match office::load(&on.config, now).and_then(|loaded| Ok((office::rules(&loaded)?, loaded.policy))) {
        Ok((rules, policy)) => {
            on.book.replace(rules);
            tracing::info!("the new configuration holds from the next mail on");
            if let Err(stop) = office::note_calendars(&on.store, &policy, now).await {
                tracing::error!(message = %stop.message, "ALARM: the new hours could not be noted");
            }
        }
        Err(stop) => {
            for problem in &stop.problems {
                let (file, line, column) = (&problem.file, problem.line, problem.column);
                tracing::error!(file, line, column, code = problem.code, "{}", problem.message);
            }
            tracing::error!(message = %stop.message, "ALARM: the new configuration is invalid, the old one holds; see `mailward check`");
        }
    }
}
