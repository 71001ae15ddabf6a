//! After a desk's hours changed: the deadlines of clocks that run, reckoned anew by the hours of now.
//! Gives what would change; changes it only when told to, through the one door. Never touches a clock
//! that waits, was kept or was missed.

use crate::clock::Clock;
use crate::decide::clocks;
use crate::decide::clocks::promise;
use crate::domain::calendar::Calendar;
use crate::domain::desk::Desk;
use crate::domain::effect::{Decision, Effect, Reason, Subject};
use crate::domain::message::Instant;
use crate::domain::ticket::{Actor, ClockState, TicketClock, TicketSnapshot};
use crate::store::{Store, Work};

use super::Failure;
use super::door::{Door, DoorError};
use super::rules::{RuleBook, Rules};

/// Tickets of one transaction.
const BATCH: u32 = 64;

/// One deadline that moves.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Moved {
    /// The ticket's number.
    pub ticket: i64,
    /// Its desk.
    pub desk: String,
    /// response, resolution or update.
    pub clock: &'static str,
    /// The deadline as it stands.
    pub due: Instant,
    /// The deadline by the hours of now.
    pub becomes: Instant,
}

/// Reckons clocks anew.
#[derive(Clone)]
pub struct Recompute {
    /// Where the tickets are.
    pub store: Store,
    /// The policy that holds.
    pub book: RuleBook,
    /// Carries changes out.
    pub door: Door,
    /// Now.
    pub clock: Clock,
}

impl Recompute {
    /// Hands each deadline that moves to `found`; with `actor` it is written too, in their name.
    pub async fn run(
        &self,
        actor: Option<&Actor>,
        mut found: impl FnMut(Moved) -> Result<(), std::io::Error>,
    ) -> Result<(), Failure> {
        let rules = self.book.current();
        for desk in rules.policy.desks.values() {
            let hours = self.store.calendars_of(&desk.name).await?;
            let Some((changed, _)) = hours.last().filter(|_| hours.len() > 1) else { continue };
            let mut after = None;
            loop {
                let mut work = self.store.begin(None).await?;
                let tickets = work.running_tickets(&desk.name, after, BATCH).await?;
                let Some((last, _)) = tickets.last() else {
                    work.rollback().await?;
                    break;
                };
                after = Some(last.number);
                for (ticket, trail) in &tickets {
                    let trail = trail.iter().map(|(at, action)| (*at, action.as_str()));
                    let since = clocks::set_at(trail).unwrap_or(ticket.opened_at);
                    let was = hours.iter().rev().find(|(from, _)| *from <= since).or_else(|| hours.first());
                    let Some((_, was)) = was.filter(|_| since < *changed) else { continue };
                    let moved = moved(ticket, desk, (was, since));
                    if let (Some(actor), false) = (actor, moved.0.is_empty()) {
                        self.write(&mut work, ticket, moved.1, (desk, &rules, actor)).await?;
                    }
                    for line in moved.0 {
                        found(line).map_err(|_| Failure::Defect("the list could not be written"))?;
                    }
                }
                if actor.is_some() { work.commit(self.clock.now()).await? } else { work.rollback().await? }
            }
        }
        Ok(())
    }

    async fn write(
        &self,
        work: &mut Work,
        ticket: &TicketSnapshot,
        clocks: Vec<TicketClock>,
        (desk, rules, actor): (&Desk, &Rules, &Actor),
    ) -> Result<(), Failure> {
        let now = self.clock.now();
        // The sweep looks at once and finds the next instant itself: warnings depend on deadlines too.
        let effects = vec![Effect::SetClocks(clocks), Effect::SetDue(Some(now))];
        let decision = Decision {
            subject: Subject::Existing(ticket.id, ticket.version),
            effects,
            reasons: vec![Reason::with("calendar_changed", desk.calendar.name.clone())],
            action: "recomputed",
            actor: actor.clone(),
            at: now,
        };
        match self.door.carry_out(work, &decision, desk, rules).await {
            Ok(_) => Ok(()),
            Err(DoorError::Store(error)) => Err(error.into()),
            Err(DoorError::Compose(_)) => Err(Failure::Defect("a clock has no mail")),
        }
    }
}

/// The deadlines that move, and all clocks as they will be.
fn moved(ticket: &TicketSnapshot, desk: &Desk, was: (&Calendar, Instant)) -> (Vec<Moved>, Vec<TicketClock>) {
    let clocks = clocks::recomputed(&ticket.clocks, promise(ticket, desk), was);
    let pairs = ticket.clocks.iter().zip(&clocks);
    let moved = pairs.filter_map(|(before, after)| match (before.state, after.state) {
        (ClockState::Running { due }, ClockState::Running { due: becomes }) if due != becomes => {
            Some(Moved {
                ticket: ticket.number.get(),
                desk: desk.name.to_string(),
                clock: before.kind.as_str(),
                due,
                becomes,
            })
        }
        _ => None,
    });
    (moved.collect(), clocks)
}
