//! Empties the outbox: claim under a lease that is renewed while mails travel, send over kept
//! sessions, settle in one commit. No transaction is open while a mail travels; a paused transport
//! kills no row (L29). Never hands a mail over once its lease may be another gateway's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::{StreamExt as _, stream};
use tokio::time::Instant as Monotonic;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Life, Moment, Random};
use crate::domain::ids::{OutboxId, RunId};
use crate::domain::message::Instant;
use crate::smtp::{Cause, Envelope, Pace, SendOutcome, Sender, retry_delay};
use crate::store::{Claimed, Hold, Outcome, Store};

use super::{Bells, Failure, LONGEST, Step, in_time};

/// Rows claimed at once.
const CLAIM: u32 = 50;
/// How long a claim holds: the rows of a dead gateway go out after this.
const LEASE: TimeDelta = TimeDelta::seconds(20);
/// The part of it that this gateway relies on; the rest is for wall clocks that disagree.
const SURE: TimeDelta = TimeDelta::seconds(17);
/// While mails travel the claim is renewed this often.
const RENEW: Duration = Duration::from_secs(5);
/// What has not begun so long after the claim is given back: an agent's answer may have come meanwhile.
const START: Duration = Duration::from_secs(15);
/// Results are durable after so long at the most.
const SETTLE: Duration = Duration::from_millis(250);
/// Sends at once.
const AT_ONCE: usize = 10;
/// A row that could not be sent for so long is dead.
const GIVE_UP: TimeDelta = TimeDelta::hours(72);
/// How long a paused transport rests before one row tries again.
const PAUSE: TimeDelta = TimeDelta::minutes(5);
/// The longest sleep without a bell; within it the rows of a dead gateway are seen.
const LOOK: Duration = Duration::from_secs(20);

/// Where a worker's time, randomness and run come from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Now.
    pub clock: Clock,
    /// For the jitter of waits.
    pub random: Random,
    /// This run.
    pub run: RunId,
}

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
    gate: Arc<Mutex<Gate>>,
}

/// When the transport may be used again, and how fast.
#[derive(Debug)]
struct Gate {
    paused_until: Option<Instant>,
    pace: Pace,
}

impl OutboxWorker {
    /// A worker whose transport is not paused.
    pub fn new(store: Store, (sender, per_minute): (Sender, u32), from: &Origin, bells: Bells) -> Self {
        let gate = Gate { paused_until: None, pace: Pace::new(per_minute) };
        Self {
            store,
            sender: Arc::new(sender),
            clock: from.clock.clone(),
            random: from.random.clone(),
            run: from.run,
            bells,
            gate: Arc::new(Mutex::new(gate)),
        }
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many mails may go now: none while the transport rests.
    fn free(&self, now: Instant) -> u32 {
        let mut gate = self.gate();
        if gate.paused_until.is_some_and(|until| now < until) {
            return 0;
        }
        u32::try_from(gate.pace.free(now)).unwrap_or(u32::MAX).min(CLAIM)
    }

    /// Claims, sends and settles one batch.
    pub async fn step(&self) -> Result<Step, Failure> {
        let now = self.clock.now();
        let free = self.free(now);
        if free == 0 {
            return Ok(Step::Idle);
        }
        let claimed = Moment::now();
        let hold = Hold { run: self.run, at: claimed.wall, ttl: LEASE };
        let rows = self.store.claim(now, hold, free).await?;
        if rows.is_empty() {
            return Ok(Step::Idle);
        }
        self.gate().pace.take(rows.len(), now);
        self.send_all(rows, Life::of(claimed, SURE)).await
    }

    /// Sends side by side and settles in pieces: what SMTP accepted is durable within [`SETTLE`], so
    /// that a crash repeats little. No send begins later than [`START`] after the claim; the rest is
    /// given back.
    async fn send_all(&self, rows: Vec<Claimed>, life: Life) -> Result<Step, Failure> {
        let (mut count, mut silent) = (0, true);
        let claimed = Monotonic::now();
        let mut flying: Vec<OutboxId> = rows.iter().map(|row| row.id).collect();
        let mut renewed = claimed;
        let mut late = Vec::new();
        let mut piece = Vec::new();
        let mut piece_due = claimed + SETTLE;
        let mut sends =
            stream::iter(rows).map(|row| self.send_one(row, claimed, &life)).buffer_unordered(AT_ONCE);
        loop {
            match tokio::time::timeout_at(piece_due, sends.next()).await {
                Ok(Some((row, Some(outcome)))) => {
                    flying.retain(|id| *id != row.id);
                    // No reply at all to any of them: the relay is away, not the mail's fault.
                    silent &= matches!(&outcome, SendOutcome::Transient(cause) if cause.code.is_none());
                    piece.push((row, outcome));
                    count += 1;
                }
                Ok(Some((row, None))) => {
                    flying.retain(|id| *id != row.id);
                    late.push(row.id);
                }
                Ok(None) => break,
                Err(_due) => {
                    self.settle(&std::mem::take(&mut piece)).await?;
                    piece_due = Monotonic::now() + SETTLE;
                }
            }
            if renewed.elapsed() >= RENEW {
                renewed = Monotonic::now();
                self.renew(&flying, &life).await;
            }
        }
        self.settle(&piece).await?;
        if !late.is_empty() {
            self.store.release_rows(self.run, &late).await?;
        }
        if count > 0 && silent { Err(Failure::Away("the relay")) } else { Ok(Step::of(count)) }
    }

    /// Prolongs the claim on mails that still travel. A row that another gateway took over means that
    /// this one stood still for longer than its lease: then none of the others is handed over either.
    async fn renew(&self, flying: &[OutboxId], life: &Life) {
        let from = Moment::now();
        let hold = Hold { run: self.run, at: from.wall, ttl: LEASE };
        match self.store.renew_rows(hold, flying).await {
            Ok(ours) if ours == flying.len() => life.renew(from, SURE),
            Ok(_) => life.end(),
            // The old lease goes on as long as it lasts.
            Err(error) => tracing::warn!(%error, "the lease on mails underway was not renewed"),
        }
    }

    async fn send_one(
        &self,
        row: Claimed,
        claimed: Monotonic,
        life: &Life,
    ) -> (Claimed, Option<SendOutcome>) {
        if claimed.elapsed() > START || !life.lasts() {
            return (row, None);
        }
        let (reverse_path, recipient) = (row.reverse_path.as_ref(), &row.recipient);
        let envelope = Envelope { id: row.id, reverse_path, recipient, life };
        match self.sender.send(envelope, &row.bytes).await {
            SendOutcome::Expired => {
                tracing::warn!(outbox = %row.id, "not sent: this gateway stood still for longer than its lease");
                (row, None)
            }
            outcome => (row, Some(outcome)),
        }
    }

    async fn settle(&self, sent: &[(Claimed, SendOutcome)]) -> Result<(), Failure> {
        if sent.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let mut results = Vec::new();
        let mut back = Vec::new();
        for (row, outcome) in sent {
            match self.judge(row, outcome, now) {
                Some(outcome) => results.push((row.id, outcome)),
                None => back.push(row.id),
            }
        }
        let answers =
            results.iter().any(|(_, outcome)| matches!(outcome, Outcome::Sent { .. } | Outcome::Dead { .. }));
        if !results.is_empty() {
            self.store.settle(now, self.run, &results).await?;
        }
        if !back.is_empty() {
            self.rest(now, sent, &back).await?;
        }
        if answers {
            self.bells.sweep.notify_one();
        }
        Ok(())
    }

    /// What the row's next state is; `None` gives it back untouched, because the transport is at fault.
    fn judge(&self, row: &Claimed, outcome: &SendOutcome, now: Instant) -> Option<Outcome> {
        let later = |wait: Duration, cause: &Cause| {
            let error = cause.to_string();
            let not_before = now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::hours(2));
            if now - row.created_at >= GIVE_UP {
                tracing::error!(outbox = %row.id, kind = %row.kind, "ALARM: a mail could not be sent for 72 hours; it is dead");
                return Outcome::Dead { error };
            }
            Outcome::Later { not_before, error }
        };
        match outcome {
            SendOutcome::Accepted { reply } => Some(Outcome::Sent { learnt: self.sender.learnt(reply) }),
            SendOutcome::RowPermanent(cause) => {
                tracing::warn!(outbox = %row.id, kind = %row.kind, %cause, "a recipient was refused for good");
                Some(Outcome::Dead { error: cause.to_string() })
            }
            SendOutcome::Transient(cause) => Some(later(retry_delay(row.attempts, self.jitter()), cause)),
            SendOutcome::Throttled { .. } | SendOutcome::TransportPaused(_) | SendOutcome::Expired => None,
        }
    }

    /// The transport rests: as long as the relay suggests, or until a person may have acted.
    async fn rest(
        &self,
        now: Instant,
        sent: &[(Claimed, SendOutcome)],
        rows: &[OutboxId],
    ) -> Result<(), Failure> {
        let mut until = now;
        for (_, outcome) in sent {
            match outcome {
                SendOutcome::Throttled { wait, cause } => {
                    tracing::warn!(%cause, seconds = wait.as_secs(), "the relay wants fewer mails; every row waits");
                    until = until.max(now + TimeDelta::from_std(*wait).unwrap_or(PAUSE));
                }
                SendOutcome::TransportPaused(cause) => {
                    tracing::error!(%cause, "ALARM: the relay refuses us, not the mail; every row waits");
                    until = until.max(now + PAUSE);
                }
                _ => {}
            }
        }
        self.gate().paused_until = Some(until);
        Ok(self.store.release_rows(self.run, rows).await?)
    }

    fn jitter(&self) -> u32 {
        self.random.bytes().map_or(0, |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
    }

    /// Loops until `stop`; reports each outcome to `watch`.
    pub async fn run(self, stop: CancellationToken, watch: impl Fn(&Result<Step, Failure>)) {
        while !stop.is_cancelled() {
            let outcome = in_time(LONGEST, self.step()).await;
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
