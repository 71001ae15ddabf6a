//! Stations "understand" and "transaction B": mails are understood side by side and decided in
//! order, a batch in one transaction. Where one of them fails, the batch is done again with a
//! savepoint each: that one rolls back alone and goes solo; three solo failures, or one refusal by a
//! limit, quarantine it (L25).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant as Monotonic};

use crate::decide::on_message::on_message;
use crate::decide::scene::{Incoming, Scene};
use crate::decide::similar;
use crate::domain::agent_mail::{self, AgentCommand};
use crate::domain::desk::{Desk, DeskClass};
use crate::domain::effect::{Decision, Effect, LedgerState};
use crate::domain::ids::{AccountName, LedgerId, RunId};
use crate::domain::message::Instant;
use crate::domain::policy::pipe_name;
use crate::store::{Expected, FactsQuery, Lease, PolicyQuery, StoreError, StoredMail, Work};
use crate::worker::door::DoorError;
use crate::worker::rules::Rules;
use crate::worker::{Failure, Step};

use super::hands::Handed;
use super::understand::{DEADLINE, Trouble, Understood, understand};
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

/// What one transaction did.
#[derive(Debug, Default)]
struct Turn {
    ended: Vec<Ended>,
    /// Mails of the queue's head that were looked at, and which of them failed.
    taken: usize,
    failed: Vec<usize>,
}

/// Durable mails that are being understood, in order.
pub struct Underway {
    rules: Arc<Rules>,
    mails: VecDeque<(LedgerId, Handed<Result<Understood, Trouble>>)>,
}

impl Ingest {
    /// Understands and decides durable mails, in order; gives what became of each.
    pub async fn settle(&self, lease: Option<&Lease>, mails: Vec<StoredMail>) -> Result<Vec<Ended>, Failure> {
        self.finish(lease, self.begin(mails)).await
    }

    /// Hands durable mails over to be understood, side by side.
    pub fn begin(&self, mails: Vec<StoredMail>) -> Underway {
        let rules = self.book.current();
        let mails = mails.into_iter().map(|mail| (mail.id, self.hand_over(mail, rules.clone()))).collect();
        Underway { rules, mails }
    }

    fn hand_over(&self, mail: StoredMail, rules: Arc<Rules>) -> Handed<Result<Understood, Trouble>> {
        let (sealer, keys) = (self.sealer.clone(), self.door.keys.clone());
        self.hands.give(move || understand(mail, &rules, (&sealer, &keys)))
    }

    /// Decides what was handed over, in order; gives what became of each.
    pub async fn finish(&self, lease: Option<&Lease>, mut underway: Underway) -> Result<Vec<Ended>, Failure> {
        let rules = underway.rules;
        let mut ended = Vec::new();
        let mut ready = Vec::new();
        let mut solo = Vec::new();
        while let Some((id, handed)) = underway.mails.pop_front() {
            match understood(id, handed).await {
                Ok(mail) => ready.push(mail),
                Err(Trouble::Refused(reason)) => {
                    // What stands before it is decided first: mail k+1 may answer mail k.
                    self.decide_all(lease, &rules, std::mem::take(&mut ready), (&mut ended, &mut solo))
                        .await?;
                    ended.push(self.quarantine(lease, id, reason).await?);
                }
                Err(Trouble::Crashed(_)) => solo.push(id),
                Err(Trouble::Homeless) => ended.push(self.quarantine(lease, id, "no_desk").await?),
            }
            if ready.len() >= MAX_MAILS {
                self.decide_all(lease, &rules, std::mem::take(&mut ready), (&mut ended, &mut solo)).await?;
            }
        }
        self.decide_all(lease, &rules, ready, (&mut ended, &mut solo)).await?;
        for id in solo {
            if let Some(mail) = self.store.stored_mail(id).await? {
                ended.extend(self.solo(lease, mail).await?);
            }
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
            return Ok(vec![self.quarantine(lease, id, "crash").await?]);
        }
        let (mut mail, mut lost) = (Some(mail), 0);
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
            // Only what was lost while it was read is read with more care; a refusal of the database is not.
            let taken = StoredMail { attempts: lost, ..taken };
            let why = match understood(id, self.hand_over(taken, rules.clone())).await {
                Ok(understood) => {
                    let (mut ended, mut again) = (Vec::new(), Vec::new());
                    self.decide_all(lease, &rules, vec![understood], (&mut ended, &mut again)).await?;
                    if again.is_empty() {
                        return Ok(ended);
                    }
                    "undecidable"
                }
                Err(Trouble::Refused(reason)) => return Ok(vec![self.quarantine(lease, id, reason).await?]),
                Err(Trouble::Homeless) => return Ok(vec![self.quarantine(lease, id, "no_desk").await?]),
                Err(Trouble::Crashed(why)) => {
                    lost += 1;
                    why
                }
            };
            if attempt >= ATTEMPTS {
                return Ok(vec![self.quarantine(lease, id, why).await?]);
            }
        }
    }

    async fn quarantine(
        &self,
        lease: Option<&Lease>,
        id: LedgerId,
        reason: &'static str,
    ) -> Result<Ended, Failure> {
        self.store.quarantine(lease, id, reason, self.clock.now()).await?;
        tracing::warn!(ledger = %id, reason, "quarantined");
        Ok(Ended {
            ledger: id,
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
        (ended, solo): (&mut Vec<Ended>, &mut Vec<LedgerId>),
    ) -> Result<(), Failure> {
        let mut queue = VecDeque::from(mails);
        let mut tries = 0;
        // So many mails at the head of the queue are decided with a savepoint each.
        let mut careful = 0_usize;
        while !queue.is_empty() {
            match self.turn(lease, rules, &queue, careful > 0).await {
                Ok(Some(turn)) => {
                    (tries, careful) = (0, careful.saturating_sub(turn.taken));
                    ended.extend(turn.ended);
                    for (at, mail) in queue.drain(..turn.taken).enumerate() {
                        if turn.failed.contains(&at) {
                            solo.push(mail.stored.id);
                        }
                    }
                }
                Ok(None) => careful = queue.len().min(MAX_MAILS),
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

    /// One transaction over the head of the queue. Nearly always all of it goes well, and savepoints
    /// would double its statements: it is written as one. `None` when one of the mails could not be
    /// decided: nothing was written, and it is done again with a savepoint each.
    async fn turn(
        &self,
        lease: Option<&Lease>,
        rules: &Rules,
        queue: &VecDeque<Understood>,
        careful: bool,
    ) -> Result<Option<Turn>, Failure> {
        let mut work = self.store.begin(lease).await?;
        let started = Monotonic::now();
        let mut turn = Turn::default();
        if !careful {
            let expected: Vec<Expected<'_>> = queue.iter().take(MAX_MAILS).map(expected).collect();
            work.foresee(&expected).await?;
        }
        for mail in queue.iter().take(MAX_MAILS) {
            match self.one(&mut work, rules, mail, careful).await {
                Ok(one) => turn.ended.push(one),
                Err(DoorError::Store(error)) if error.transient() || error == StoreError::Fenced => {
                    return Err(error.into());
                }
                Err(_) if !careful => return Ok(None),
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
        match work.commit(self.clock.now()).await {
            Err(error) if !careful && !error.transient() && error != StoreError::Fenced => return Ok(None),
            other => other?,
        }
        turn.ended.iter().for_each(alarm);
        Ok(Some(turn))
    }

    /// Decides one mail; carefully: in a savepoint, which stays open when it fails.
    async fn one(
        &self,
        work: &mut Work,
        rules: &Rules,
        mail: &Understood,
        careful: bool,
    ) -> Result<Ended, DoorError> {
        if !careful {
            return self.decide_one(work, rules, mail).await;
        }
        work.savepoint().await?;
        let ended = self.decide_one(work, rules, mail).await?;
        work.release().await?;
        Ok(ended)
    }

    async fn decide_one(
        &self,
        work: &mut Work,
        rules: &Rules,
        mail: &Understood,
    ) -> Result<Ended, DoorError> {
        let now = self.clock.now();
        let desk = desk_of(work, rules, mail).await?;
        let mut facts = work
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
        work.policy_facts(&policy_query(mail, &desk, rules, now), &mut facts).await?;
        let incoming = Incoming {
            mail: &mail.mail,
            redacted: &mail.redacted,
            ledger: mail.stored.id,
            arrived: mail.stored.arrived_at,
            released: mail.stored.released,
            breach_copy: facts.breach_copy,
        };
        let scene = Scene { desk: &desk, policy: &rules.policy, now };
        let decision = on_message(incoming, &facts, scene);
        let applied = self.door.carry_out(work, &decision, &desk, rules).await?;
        Ok(ended(mail, &decision, applied.ticket.map(|t| t.number.get())))
    }
}

/// What the desk's own rules want to know besides.
fn policy_query<'a>(mail: &'a Understood, desk: &'a Desk, rules: &'a Rules, now: Instant) -> PolicyQuery<'a> {
    let directory = &rules.policy.directory;
    let from = mail.mail.from.as_ref().filter(|_| desk.class == DeskClass::Support && !mail.stored.history);
    let organisation = from.and_then(|from| directory.organisation_of(&from.address));
    let agent = from.is_some_and(|from| directory.agent_by_address(&from.address).is_some());
    let merge = |command: &AgentCommand| match command {
        AgentCommand::Merge(number) => Some(*number),
        _ => None,
    };
    let ordered = if agent { agent_mail::read(mail.mail.visible.expose()).commands } else { Vec::new() };
    PolicyQuery {
        desk: &desk.name,
        on_call: !desk.on_call.is_empty(),
        similar: organisation.zip(desk.duplicates).map(|(name, rule)| (name, rule.window, similar::MODULE)),
        other: ordered.iter().find_map(merge),
        now,
    }
}

/// What was handed over, understood; a panic or a run over the deadline is its trouble.
async fn understood(
    id: LedgerId,
    handed: Handed<Result<Understood, Trouble>>,
) -> Result<Understood, Trouble> {
    match handed.wait(DEADLINE).await {
        Ok(understood) => understood,
        Err(lost) => {
            let why = lost.as_str();
            tracing::error!(ledger = %id, why, "a mail could not be understood; it goes solo");
            Err(Trouble::Crashed(why))
        }
    }
}

/// The receiving desk, or the one to which the mail's ticket was moved; what came to a breach desk
/// stays there, and nothing is led to one.
async fn desk_of(work: &mut Work, rules: &Rules, mail: &Understood) -> Result<Arc<Desk>, DoorError> {
    let bounced = mail.mail.bounce.as_ref().and_then(|b| b.original.as_ref());
    let support = |desk: &Arc<Desk>| desk.class == DeskClass::Support;
    let hints = &mail.hints;
    let bare = hints.tokens.is_empty() && hints.in_reply_to.is_empty() && hints.references.is_empty();
    if !support(&mail.desk) || (bare && bounced.is_none()) {
        return Ok(mail.desk.clone());
    }
    let named = work.desk_named(hints, (bounced, &mail.desk.name)).await?;
    let desk = named.and_then(|name| rules.policy.desks.get(&name)).filter(|desk| support(desk));
    Ok(desk.unwrap_or(&mail.desk).clone())
}

/// L22: someone may pretend to be an agent, or an agent's answer went astray.
fn alarm(one: &Ended) {
    // L22: someone may pretend to be an agent, or an agent's answer went astray.
    if one.state == LedgerState::Held.as_str() && one.reason.starts_with("agent_") {
        tracing::error!(ledger = %one.ledger, reason = one.reason, "ALARM: mail in an agent's name is held; see `mailward quarantine list`");
    }
}

fn expected(mail: &Understood) -> Expected<'_> {
    Expected {
        ledger: mail.stored.id,
        account: &mail.account.name,
        hints: &mail.hints,
        message_id: mail.mail.message_id.as_ref(),
        content_key: mail.content_key,
    }
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
