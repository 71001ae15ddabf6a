//! Empties the outbox: claim under a lease, send over kept sessions, settle in one commit. No
//! transaction is open while a mail travels; a paused transport kills no row (L29).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::{StreamExt as _, stream};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Random};
use crate::domain::ids::{OutboxId, RunId};
use crate::domain::message::Instant;
use crate::smtp::{self, SendOutcome, Sender};
use crate::store::{Claimed, Outcome, Store};

use super::{Bells, Failure, Step};

/// Rows claimed at once.
const CLAIM: u32 = 50;
/// How long a claim holds.
const LEASE: TimeDelta = TimeDelta::seconds(120);
/// Sends at once.
const AT_ONCE: usize = 10;
/// A row that could not be sent for so long is dead.
const GIVE_UP: TimeDelta = TimeDelta::hours(72);
/// How long a paused transport rests before one row tries again.
const PAUSE: TimeDelta = TimeDelta::minutes(5);
/// The longest sleep without a bell.
const LOOK: Duration = Duration::from_secs(30);

/// The outbox worker.
#[derive(Clone)]
pub struct OutboxWorker {
    /// Where the rows are.
    pub store: Store,
    /// The way out.
    pub sender: Arc<Sender>,
    /// Now.
    pub clock: Clock,
    /// For the jitter of waits.
    pub random: Random,
    /// This run.
    pub run: RunId,
    /// Wakes this worker and the sweep.
    pub bells: Bells,
    paused_until: Arc<Mutex<Option<Instant>>>,
}

impl OutboxWorker {
    /// A worker whose transport is not paused.
    pub fn new(store: Store, sender: Sender, (clock, random): (Clock, Random), run: RunId, bells: Bells) -> Self {
        Self {
            store,
            sender: Arc::new(sender),
            clock,
            random,
            run,
            bells,
            paused_until: Arc::new(Mutex::new(None)),
        }
    }

    /// True while the transport rests.
    pub fn paused(&self) -> bool {
        let now = self.clock.now();
        self.paused_until.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| now < until)
    }

    /// Claims, sends and settles one batch.
    pub async fn step(&self) -> Result<Step, Failure> {
        if self.paused() {
            return Ok(Step::Idle);
        }
        let now = self.clock.now();
        let rows = self.store.claim(now, self.run, LEASE, CLAIM).await?;
        if rows.is_empty() {
            return Ok(Step::Idle);
        }
        let sent: Vec<(Claimed, SendOutcome)> = stream::iter(rows)
            .map(|row| async {
                let outcome = self.sender.send(row.reverse_path.as_ref(), &row.recipient, &row.bytes, row.id).await;
                (row, outcome)
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let count = sent.len();
        self.settle(&sent).await?;
        Ok(Step::Did(count))
    }

    async fn settle(&self, sent: &[(Claimed, SendOutcome)]) -> Result<(), Failure> {
        let now = self.clock.now();
        let mut results = Vec::new();
        let mut back = Vec::new();
        for (row, outcome) in sent {
            match self.judge(row, outcome, now) {
                Some(outcome) => results.push((row.id, outcome)),
                None => back.push(row.id),
            }
        }
        let answers = results.iter().any(|(_, outcome)| matches!(outcome, Outcome::Sent { .. } | Outcome::Dead { .. }));
        if !results.is_empty() {
            self.store.settle(now, self.run, &results).await?;
        }
        if !back.is_empty() {
            self.pause(now, &back).await?;
        }
        if answers {
            self.bells.sweep.notify_one();
        }
        Ok(())
    }

    /// What the row's next state is; `None` gives it back untouched, because the transport is at fault.
    fn judge(&self, row: &Claimed, outcome: &SendOutcome, now: Instant) -> Option<Outcome> {
        let later = |wait: Duration, error: &str| {
            let not_before = now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::hours(2));
            if now - row.created_at >= GIVE_UP {
                tracing::error!(outbox = %row.id, kind = %row.kind, "ALARM: a mail could not be sent for 72 hours; it is dead");
                return Outcome::Dead { error: error.to_owned() };
            }
            Outcome::Later { not_before, error: error.to_owned() }
        };
        match outcome {
            SendOutcome::Accepted { learnt, .. } => Some(Outcome::Sent { learnt: learnt.clone() }),
            SendOutcome::RowPermanent { code } => {
                tracing::warn!(outbox = %row.id, kind = %row.kind, %code, "a recipient was refused for good");
                Some(Outcome::Dead { error: code.clone() })
            }
            SendOutcome::Throttled { wait, code } => Some(later(*wait, code)),
            SendOutcome::Transient { code } => {
                Some(later(smtp::retry_delay(row.attempts, self.jitter()), code))
            }
            SendOutcome::TransportPaused { code } => {
                tracing::error!(%code, "ALARM: the relay refuses us, not the mail; every row waits");
                None
            }
        }
    }

    async fn pause(&self, now: Instant, rows: &[OutboxId]) -> Result<(), Failure> {
        *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(now + PAUSE);
        Ok(self.store.release_rows(self.run, rows).await?)
    }

    fn jitter(&self) -> u32 {
        self.random.bytes().map_or(0, |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
    }

    /// Loops until `stop`; reports each outcome to `watch`.
    pub async fn run(self, stop: CancellationToken, watch: impl Fn(&Result<Step, Failure>)) {
        while !stop.is_cancelled() {
            let outcome = self.step().await;
            watch(&outcome);
            if let Err(error) = &outcome {
                tracing::warn!(%error, "the outbox rests for a while");
            }
            if matches!(outcome, Ok(Step::Did(_))) {
                continue;
            }
            let wait = self.wait().await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.bells.outbox.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn wait(&self) -> Duration {
        let now = self.clock.now();
        let wake = self.store.next_wake().await.ok().flatten();
        wake.and_then(|at| (at - now).to_std().ok())
            .map_or(LOOK, |wait| wait.clamp(Duration::from_millis(200), LOOK))
    }
}
