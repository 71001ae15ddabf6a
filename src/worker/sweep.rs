//! Looks at every ticket that is due: deadlines, reminder, close. Facts are read, decided and
//! written in one transaction, so that an answer that arrives meanwhile wins (L32).

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::decide::on_tick::on_tick;
use crate::decide::scene::Scene;
use crate::domain::desk::Desk;
use crate::domain::effect::Effect;
use crate::domain::ids::{AccountName, FolderName, RunId};
use crate::domain::message::Instant;
use crate::domain::policy::Policy;
use crate::domain::ticket::TicketSnapshot;
use crate::store::{Lease, LeaseName, Store, StoreError, TickQuery, Work};

use super::door::{Door, DoorError};
use super::lease::{ASK, Held};
use super::rules::{RuleBook, Rules};
use super::{Bells, Failure, LONGEST, Step, in_time};

/// Tickets looked at in one transaction.
const TURN: u32 = 64;
const LOOK: Duration = Duration::from_secs(15);
/// Between looks at what is over by a desk's days of retention.
const RETENTION: TimeDelta = TimeDelta::hours(1);
/// When a ticket that cannot be decided is tried again.
const POSTPONED: TimeDelta = TimeDelta::minutes(15);

/// The sweep worker.
#[derive(Clone)]
pub struct Sweep {
    /// Where the tickets are.
    pub store: Store,
    /// The policy that holds.
    pub book: RuleBook,
    /// Carries decisions out.
    pub door: Door,
    /// Now.
    pub clock: Clock,
    /// This run.
    pub run: RunId,
    /// Wakes outbox and readers.
    pub bells: Bells,
}

/// What was done with one ticket: the line that `sweep` prints.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Swept {
    /// The ticket's number.
    pub ticket: i64,
    /// missed, warned, started, paged, reminded, closed, looked.
    pub action: &'static str,
    /// Why, as codes.
    pub reason: String,
    /// When.
    pub at: Instant,
    /// It is due no more: the next batch brings others.
    #[serde(skip)]
    pub moved: bool,
}

impl Swept {
    /// Something was done, or it made room for others: another turn at once is worth it. A ticket that
    /// was only looked at and is due still is none.
    pub fn progress(&self) -> bool {
        self.moved || self.action != "looked"
    }
}

impl Sweep {
    /// Looks at one batch of due tickets.
    pub async fn step(&self, lease: Option<&Lease>) -> Result<Vec<Swept>, Failure> {
        let rules = self.book.current();
        let now = self.clock.now();
        let mut work = self.store.begin(lease).await?;
        let due = work.due_tickets(now, TURN).await?;
        let mut swept = Vec::new();
        for ticket in &due {
            work.savepoint().await?;
            match self.one(&mut work, &rules, ticket).await {
                Ok(one) => {
                    work.release().await?;
                    swept.push(one);
                }
                Err(DoorError::Store(error)) if error.transient() || error == StoreError::Fenced => {
                    return Err(error.into());
                }
                Err(error) => {
                    work.rollback_to().await?;
                    tracing::error!(ticket = %ticket.number, %error, "ALARM: a due ticket could not be decided");
                    // It must not stand before the others in every batch (L25).
                    work.postpone(ticket.id, now + POSTPONED).await?;
                }
            }
        }
        if due.is_empty() {
            work.rollback().await?;
        } else {
            work.commit(now).await?;
        }
        if !swept.is_empty() {
            self.bells.outbox.notify_one();
        }
        Ok(swept)
    }

    async fn one(&self, work: &mut Work, rules: &Rules, ticket: &TicketSnapshot) -> Result<Swept, DoorError> {
        let now = self.clock.now();
        let desk = rules
            .policy
            .desks
            .get(&ticket.desk)
            .ok_or(StoreError::Missing("desk; configure it again, or move its tickets"))?;
        let folders = folders_of(&rules.policy, desk);
        let on_call = !desk.on_call.is_empty();
        let query = TickQuery { ticket, now, folders: &folders, caps: &rules.policy.governor, on_call };
        let facts = work.tick_facts(&query).await?;
        let decision = on_tick(&facts, Scene { desk, policy: &rules.policy, now });
        self.door.carry_out(work, &decision, desk, rules).await?;
        let reason: Vec<&str> = decision.reasons.iter().map(|r| r.code).collect();
        if reason.contains(&"close_waits_for_poll") {
            self.bells.reconcile.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        let later = |due: &Option<Instant>| due.is_none_or(|at| at > now);
        let moved = decision.effects.iter().any(|e| matches!(e, Effect::SetDue(due) if later(due)));
        let (action, reason) = (decision.action, reason.join(","));
        Ok(Swept { ticket: ticket.number.get(), action, reason, at: now, moved })
    }

    /// Loops until `stop`, while it holds the lease of the one sweeper; reports to `watch`.
    pub async fn run(self, stop: CancellationToken, watch: impl Fn(&Result<Step, Failure>)) {
        let mut lease = Held::new(self.store.clone(), LeaseName::Sweep, self.run);
        let mut kept: Option<Instant> = None;
        while !stop.is_cancelled() {
            let outcome = in_time(LONGEST, self.turn(&mut lease, &mut kept)).await;
            watch(&outcome);
            let wait = match &outcome {
                Ok(Step::Did(_)) => continue,
                Ok(Step::Idle) => LOOK,
                Err(Failure::Elsewhere) => ASK,
                Err(error) => {
                    tracing::warn!(%error, "the sweep rests for a while");
                    LOOK
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.bells.sweep.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        lease.release().await;
    }

    async fn turn(&self, lease: &mut Held, kept: &mut Option<Instant>) -> Result<Step, Failure> {
        lease.hold().await?;
        let swept = self.step(lease.get()).await?;
        let count = swept.iter().filter(|s| s.progress()).count();
        let now = self.clock.now();
        if count == 0 && kept.is_none_or(|at| now - at >= RETENTION) {
            let (_, more) = self.expire().await?;
            *kept = (!more).then_some(now);
            return Ok(Step::of(usize::from(more)));
        }
        Ok(Step::of(count))
    }
}

/// Every folder that mail for this desk may lie in.
fn folders_of(policy: &Policy, desk: &Desk) -> Vec<(AccountName, FolderName)> {
    policy
        .accounts
        .values()
        .filter(|a| a.desk == desk.name || a.routes.iter().any(|(_, to)| *to == desk.name))
        .flat_map(|a| a.folders.iter().map(|f| (a.name.clone(), f.name.clone())))
        .collect()
}
