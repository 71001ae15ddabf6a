//! Runs every worker side by side: a reader an account, the outbox, the sweep. Watches signals and
//! the pulse of each worker; ends within ten seconds with nothing half done, because every change is
//! one transaction and every send is settled or leased.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::domain::account::Source;
use crate::imap::Limits;
use crate::worker::ingest::Ingest;
use crate::worker::ingest::files::FileReader;
use crate::worker::ingest::imap::{ImapReader, PasswordOf};
use crate::worker::outbox::OutboxWorker;
use crate::worker::sweep::Sweep;
use crate::worker::{Failure, Step};

/// How long a stop may take.
const GRACE: Duration = Duration::from_secs(10);
/// How long a server may be away before `--until-idle` gives up.
const AWAY: Duration = Duration::from_mins(1);

/// `--until-idle` looks at the pulses so often.
const ROUND: Duration = Duration::from_millis(30);

/// The workers of one installation.
pub struct Workers {
    /// For the readers.
    pub ingest: Ingest,
    /// Looks at what is due.
    pub sweep: Sweep,
    /// Sends.
    pub outbox: OutboxWorker,
    /// Gives passwords when a connection is made.
    pub password: PasswordOf,
    /// Bounds of IMAP sessions.
    pub limits: Limits,
}

/// How `--until-idle` ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Stopped by a signal, or everything is done.
    Well,
    /// This was away for too long.
    Away(String),
}

/// The pulse of one worker.
#[derive(Debug, Default)]
struct Pulse {
    did: AtomicU64,
    idle: AtomicU64,
    failing: Mutex<Option<(Instant, Failure)>>,
    name: String,
}

impl Pulse {
    fn beat(&self, outcome: &Result<Step, Failure>) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(Step::Did(_)) => {
                self.did.fetch_add(1, Ordering::Relaxed);
                *failing = None;
            }
            Ok(Step::Idle) => {
                self.idle.fetch_add(1, Ordering::Relaxed);
                *failing = None;
            }
            Err(error) => {
                let since = failing.as_ref().map_or_else(Instant::now, |(since, _)| *since);
                *failing = Some((since, error.clone()));
            }
        }
    }
    fn failing(&self) -> Option<(Instant, Failure)> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Runs until `stop`, or until everything is done.
pub async fn run(workers: Workers, stop: CancellationToken, until_idle: bool) -> Ended {
    let mut tasks = JoinSet::new();
    let mut pulses = readers(&workers, &stop, until_idle, &mut tasks);
    let outbox = pulse("the relay");
    let (sender, halt) = (workers.outbox.clone(), stop.clone());
    tasks.spawn(beating(outbox.clone(), |watch| sender.run(halt, watch)));
    let mut ended = Ended::Well;
    if until_idle {
        // Silence is believed only after every folder was looked through: the sweep comes second.
        if let Err(away) = settled(&pulses, &workers, &stop).await {
            ended = away;
        }
    }
    let sweep = pulse("the sweep");
    pulses.extend([outbox, sweep.clone()]);
    let (sweeper, halt) = (workers.sweep.clone(), stop.clone());
    tasks.spawn(beating(sweep, |watch| sweeper.run(halt, watch)));
    if until_idle && ended == Ended::Well {
        if let Err(away) = settled(&pulses, &workers, &stop).await {
            ended = away;
        }
    } else if !until_idle {
        stop.cancelled().await;
    }
    stop.cancel();
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, all).await.is_err() {
        tracing::warn!("a worker did not end in time; what it had in flight is replayed at the next start");
        tasks.abort_all();
        while tasks.join_next().await.is_some() {}
    }
    if let Err(error) = workers.ingest.store.forgive_attempts(workers.ingest.run).await {
        tracing::warn!(%error, "attempts that the stop cut short stay counted");
    }
    ended
}

fn pulse(name: &str) -> Arc<Pulse> {
    Arc::new(Pulse { name: name.to_owned(), ..Pulse::default() })
}

async fn beating<F: Future<Output = ()>>(
    pulse: Arc<Pulse>,
    run: impl FnOnce(Box<dyn Fn(&Result<Step, Failure>) + Send + Sync>) -> F,
) {
    run(Box::new(move |outcome| pulse.beat(outcome))).await;
}

fn readers(
    workers: &Workers,
    stop: &CancellationToken,
    until_idle: bool,
    tasks: &mut JoinSet<()>,
) -> Vec<Arc<Pulse>> {
    let rules = workers.ingest.book.current();
    let mut pulses = Vec::new();
    for account in rules.policy.accounts.values() {
        let beat = pulse(account.name.as_str());
        let (ingest, name, limits, stop) =
            (workers.ingest.clone(), account.name.clone(), workers.limits, stop.clone());
        let watch = beat.clone();
        match &account.source {
            Source::Imap(_) => {
                let mut reader = ImapReader::new(ingest, name, limits, workers.password.clone());
                if until_idle {
                    reader = reader.impatient();
                }
                tasks.spawn(beating(watch, |watch| reader.run(stop, watch)));
            }
            Source::Pipe => continue,
            Source::Maildir(_) | Source::Directory(_) => {
                let mut reader = FileReader::new(ingest, name, limits);
                if until_idle {
                    reader = reader.impatient();
                }
                tasks.spawn(beating(watch, |watch| reader.run(stop, watch)));
            }
        }
        pulses.push(beat);
    }
    let beat = pulse("the pipes");
    let (ingest, halt) = (workers.ingest.clone(), stop.clone());
    tasks.spawn(beating(beat.clone(), |watch| ingest.run_pipes(halt, watch)));
    pulses.push(beat);
    pulses
}

/// Waits until a whole round went by in which every worker looked and none did anything.
async fn settled(pulses: &[Arc<Pulse>], workers: &Workers, stop: &CancellationToken) -> Result<(), Ended> {
    let sum = |of: fn(&Pulse) -> &AtomicU64| -> Vec<u64> {
        pulses.iter().map(|p| of(p).load(Ordering::Relaxed)).collect()
    };
    let (mut did, mut idle) = (sum(|p| &p.did), sum(|p| &p.idle));
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(ROUND) => {}
        }
        for pulse in pulses {
            if let Some((since, error)) = pulse.failing()
                && since.elapsed() >= AWAY
            {
                return Err(Ended::Away(format!("{}: {error}", pulse.name)));
            }
        }
        let now = sum(|p| &p.did);
        if now != did || pulses.iter().any(|p| p.failing().is_some()) {
            (did, idle) = (now, sum(|p| &p.idle));
            continue;
        }
        let looked = sum(|p| &p.idle).iter().zip(&idle).all(|(now, then)| now >= &(then + 2));
        // A row that a dead run had in hand is sendable again when its lease ends.
        if looked && matches!(workers.outbox.store.leased_count().await, Ok(0)) {
            return Ok(());
        }
        // Nobody did anything: those that wait for a bell look once more.
        workers.outbox.bells.outbox.notify_one();
        workers.outbox.bells.sweep.notify_one();
        workers.outbox.bells.pipes.notify_one();
    }
}
