//! Stations "understand" and "transaction B": mails are understood side by side and decided in
//! order, a savepoint each. One that fails rolls back alone and goes solo; three solo failures, or
//! one refusal by a limit, quarantine it (L25).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant as Monotonic};

use futures_util::{StreamExt as _, stream};

use crate::decide::on_message::on_message;
use crate::decide::scene::{Incoming, Scene};
use crate::domain::desk::{Desk, DeskClass};
use crate::domain::effect::{Decision, Effect, LedgerState};
use crate::domain::ids::{AccountName, RunId};
use crate::domain::policy::pipe_name;
use crate::store::{FactsQuery, Lease, StoreError, StoredMail, Work};
use crate::worker::door::DoorError;
use crate::worker::rules::Rules;
use crate::worker::{Failure, Step};

use super::understand::{DEADLINE, Failed, Trouble, Understood, understand};
use super::{Ended, Ingest};

/// A transaction ends after so many mails, or after [`TURN`], so that sweep and outbox never wait long.
const MAX_MAILS: usize = 64;
const TURN: Duration = Duration::from_millis(25);
/// A pipe that is older does not live any more.
const PIPE_ALIVE: chrono::TimeDelta = chrono::TimeDelta::minutes(2);
/// Solo attempts before a mail is taken for poison.
const ATTEMPTS: u32 = 3;
/// Repetitions of a turn before the reader rests (about two minutes in all).
const PATIENCE: u32 = 40;
/// Mails that are understood at the same time.
const SIDE_BY_SIDE: usize = 2;

/// What one transaction did.
#[derive(Debug, Default)]
struct Turn {
    ended: Vec<Ended>,
    /// Mails of the queue's head that were looked at, and which of them failed.
    taken: usize,
    failed: Vec<usize>,
}

impl Ingest {
    /// Understands and decides durable mails, in order; gives what became of each.
    pub async fn settle(&self, lease: Option<&Lease>, mails: Vec<StoredMail>) -> Result<Vec<Ended>, Failure> {
        let rules = self.book.current();
        let mut understood =
            stream::iter(mails.into_iter().map(|mail| self.one(mail, rules.clone()))).buffered(SIDE_BY_SIDE);
        let mut ended = Vec::new();
        let mut ready = Vec::new();
        let mut solo = Vec::new();
        while let Some(result) = understood.next().await {
            match result? {
                Ok(mail) => ready.push(mail),
                Err((mail, Trouble::Refused(reason))) => {
                    // What stands before it is decided first: mail k+1 may answer mail k.
                    self.decide_all(lease, &rules, std::mem::take(&mut ready), (&mut ended, &mut solo))
                        .await?;
                    ended.push(self.quarantine(lease, *mail, reason).await?);
                }
                Err((mail, Trouble::Crashed(_))) => solo.push(*mail),
                Err((mail, Trouble::Homeless)) => ended.push(self.quarantine(lease, *mail, "no_desk").await?),
            }
            if ready.len() >= MAX_MAILS {
                self.decide_all(lease, &rules, std::mem::take(&mut ready), (&mut ended, &mut solo)).await?;
            }
        }
        self.decide_all(lease, &rules, ready, (&mut ended, &mut solo)).await?;
        for mail in solo {
            ended.extend(self.solo(lease, mail).await?);
        }
        if !ended.is_empty() {
            self.bells.outbox.notify_one();
            self.bells.sweep.notify_one();
        }
        Ok(ended)
    }

    /// Replays one undecided mail of the account, alone; the attempt is durable before it begins. To be
    /// called only while nothing of the account is in flight.
    pub async fn replay(&self, lease: Option<&Lease>, account: &AccountName) -> Result<Step, Failure> {
        let nobody = RunId::new(uuid::Uuid::nil());
        let Some(mail) = self.store.stored_rows(account, 1, nobody).await?.into_iter().next() else {
            return Ok(Step::Idle);
        };
        let ended = self.solo(lease, mail).await?;
        self.bells.outbox.notify_one();
        Ok(Step::of(ended.len().max(1)))
    }

    /// Gives one mail of the account that a crash quarantined another try, alone, once in its life: kill -9
    /// may have hit it three times. To be called when idle; the caller replays it.
    pub async fn second_chance(&self, lease: Option<&Lease>, account: &AccountName) -> Result<bool, Failure> {
        let now = self.clock.now();
        let given = self.store.quarantine_second_chance(lease, account, ATTEMPTS - 1, now).await?;
        Ok(given.is_some())
    }

    /// Replays mails that a pipe left behind when it died: no reader owns them.
    pub async fn replay_pipes(&self) -> Result<Step, Failure> {
        let rules = self.book.current();
        let mut done = 0;
        for desk in rules.policy.desks.keys() {
            let account = pipe_name(desk);
            let nobody = RunId::new(uuid::Uuid::nil());
            let Some(mail) = self.store.stored_rows(&account, 1, nobody).await?.into_iter().next() else {
                continue;
            };
            if self.clock.now() - mail.arrived_at < PIPE_ALIVE && mail.run != self.run {
                continue;
            }
            done += self.solo(None, mail).await?.len().max(1);
        }
        Ok(Step::of(done))
    }

    async fn solo(&self, lease: Option<&Lease>, mail: StoredMail) -> Result<Vec<Ended>, Failure> {
        let id = mail.id;
        if mail.attempts >= ATTEMPTS {
            return Ok(vec![self.quarantine(lease, mail, "crash").await?]);
        }
        let mut mail = Some(mail);
        loop {
            let attempt = self.store.record_solo_attempt(lease, id, self.run).await?;
            let rules = self.book.current();
            let taken = match mail.take() {
                Some(mail) => mail,
                None => match self.store.stored_mail(id).await? {
                    Some(mail) => mail,
                    None => return Ok(Vec::new()),
                },
            };
            let (failed, why) = match self.one(taken, rules.clone()).await? {
                Ok(understood) => {
                    let (mut ended, mut again) = (Vec::new(), Vec::new());
                    self.decide_all(lease, &rules, vec![understood], (&mut ended, &mut again)).await?;
                    match again.pop() {
                        None => return Ok(ended),
                        Some(mail) => (mail, "undecidable"),
                    }
                }
                Err((mail, Trouble::Refused(reason))) => {
                    return Ok(vec![self.quarantine(lease, *mail, reason).await?]);
                }
                Err((mail, Trouble::Homeless)) => {
                    return Ok(vec![self.quarantine(lease, *mail, "no_desk").await?]);
                }
                Err((mail, Trouble::Crashed(why))) => (*mail, why),
            };
            if attempt >= ATTEMPTS {
                return Ok(vec![self.quarantine(lease, failed, why).await?]);
            }
            mail = Some(failed);
        }
    }

    /// Understands one mail on a blocking thread; a panic or a run over the deadline is its trouble.
    async fn one(&self, mail: StoredMail, rules: Arc<Rules>) -> Result<Result<Understood, Failed>, Failure> {
        let (sealer, keys, id) = (self.sealer.clone(), self.door.keys.clone(), mail.id);
        let task = tokio::task::spawn_blocking(move || understand(mail, &rules, (&sealer, &keys)));
        let why = match tokio::time::timeout(DEADLINE, task).await {
            Ok(Ok(understood)) => return Ok(understood),
            Ok(Err(_panic)) => "crash",
            Err(_elapsed) => "timeout",
        };
        tracing::error!(ledger = %id, why, "a mail could not be understood; it goes solo");
        let again = self.store.stored_mail(id).await?.ok_or(Failure::Defect("a durable mail is gone"))?;
        Ok(Err((Box::new(again), Trouble::Crashed(why))))
    }

    async fn quarantine(
        &self,
        lease: Option<&Lease>,
        mail: StoredMail,
        reason: &'static str,
    ) -> Result<Ended, Failure> {
        self.store.quarantine(lease, mail.id, reason, self.clock.now()).await?;
        tracing::warn!(ledger = %mail.id, reason, "quarantined");
        Ok(Ended {
            ledger: mail.id,
            state: LedgerState::Quarantined.as_str(),
            ticket: None,
            action: "quarantined",
            reason,
        })
    }

    /// Decides in order, turn by turn; a turn that the database refused for the moment is repeated as
    /// a whole, because nothing of it was written.
    async fn decide_all(
        &self,
        lease: Option<&Lease>,
        rules: &Rules,
        mails: Vec<Understood>,
        (ended, solo): (&mut Vec<Ended>, &mut Vec<StoredMail>),
    ) -> Result<(), Failure> {
        let mut queue = VecDeque::from(mails);
        let mut tries = 0;
        while !queue.is_empty() {
            match self.turn(lease, rules, &queue).await {
                Ok(turn) => {
                    tries = 0;
                    ended.extend(turn.ended);
                    for (at, mail) in queue.drain(..turn.taken).enumerate() {
                        if turn.failed.contains(&at) {
                            solo.push(mail.stored);
                        }
                    }
                }
                Err(error @ (Failure::Again(_) | Failure::Away(_))) if tries < PATIENCE => {
                    tries += 1;
                    tracing::warn!(%error, tries, "a turn is repeated");
                    tokio::time::sleep(Duration::from_millis(50 << tries.min(6))).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// One transaction over the head of the queue.
    async fn turn(
        &self,
        lease: Option<&Lease>,
        rules: &Rules,
        queue: &VecDeque<Understood>,
    ) -> Result<Turn, Failure> {
        let mut work = self.store.begin(lease).await?;
        let started = Monotonic::now();
        let mut turn = Turn::default();
        for mail in queue.iter().take(MAX_MAILS) {
            work.savepoint().await?;
            match self.decide_one(&mut work, rules, mail).await {
                Ok(one) => {
                    work.release().await?;
                    if one.state == LedgerState::Held.as_str() && one.reason != "spam" {
                        // L22: someone may pretend to be an agent, or an agent's answer went astray.
                        tracing::error!(ledger = %one.ledger, reason = one.reason, "ALARM: mail in an agent's name is held; see `mailward quarantine list`");
                    }
                    turn.ended.push(one);
                }
                Err(DoorError::Store(error)) if error.transient() || error == StoreError::Fenced => {
                    return Err(error.into());
                }
                Err(DoorError::Store(StoreError::Missing(_))) => {
                    // Someone decided it already (a lost answer to a commit): it is not decided twice.
                    work.rollback_to().await?;
                }
                Err(error) => {
                    tracing::error!(ledger = %mail.stored.id, %error, "a mail could not be decided; it goes solo");
                    work.rollback_to().await?;
                    turn.failed.push(turn.taken);
                }
            }
            turn.taken += 1;
            if started.elapsed() >= TURN {
                break;
            }
        }
        work.commit(self.clock.now()).await?;
        Ok(turn)
    }

    async fn decide_one(
        &self,
        work: &mut Work,
        rules: &Rules,
        mail: &Understood,
    ) -> Result<Ended, DoorError> {
        let now = self.clock.now();
        let desk = desk_of(work, rules, mail).await?;
        let facts = work
            .facts(&FactsQuery {
                ledger: mail.stored.id,
                desk: &desk.name,
                account: &mail.account.name,
                hints: &mail.hints,
                message_id: mail.mail.message_id.as_ref(),
                from: mail.mail.from.as_ref().map(|m| &m.address),
                content_key: mail.content_key,
                now,
                bounce_original: mail.mail.bounce.as_ref().and_then(|b| b.original.as_ref()),
                caps: &rules.policy.governor,
                history: mail.stored.history,
                folder_responds: mail.responds,
                oversize: mail.stored.oversize.is_some(),
            })
            .await?;
        let incoming = Incoming {
            mail: &mail.mail,
            redacted: &mail.redacted,
            ledger: mail.stored.id,
            arrived: mail.stored.arrived_at,
            released: mail.stored.released,
        };
        let scene = Scene { desk: &desk, policy: &rules.policy, now };
        let decision = on_message(incoming, &facts, scene);
        let applied = self.door.carry_out(work, &decision, &desk, rules).await?;
        Ok(ended(mail, &decision, applied.ticket.map(|t| t.number.get())))
    }
}

/// The receiving desk, or the one to which the mail's ticket was moved; what came to a breach desk
/// stays there, and nothing is led to one.
async fn desk_of(work: &mut Work, rules: &Rules, mail: &Understood) -> Result<Arc<Desk>, DoorError> {
    let bounced = mail.mail.bounce.as_ref().and_then(|b| b.original.as_ref());
    let support = |desk: &Arc<Desk>| desk.class == DeskClass::Support;
    if !support(&mail.desk) || (mail.hints.tokens.is_empty() && bounced.is_none()) {
        return Ok(mail.desk.clone());
    }
    let named = work.desk_named(&mail.hints, bounced).await?;
    let desk = named.and_then(|name| rules.policy.desks.get(&name)).filter(|desk| support(desk));
    Ok(desk.unwrap_or(&mail.desk).clone())
}

fn ended(mail: &Understood, decision: &Decision, ticket: Option<i64>) -> Ended {
    let (state, reason) = decision
        .effects
        .iter()
        .find_map(|effect| match effect {
            Effect::SetLedger { state, reason, .. } => Some((state.as_str(), *reason)),
            _ => None,
        })
        .unwrap_or((LedgerState::Stored.as_str(), "undecided"));
    Ended { ledger: mail.stored.id, state, ticket, action: decision.action, reason }
}
