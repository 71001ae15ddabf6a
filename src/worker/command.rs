//! A person's act at the command line: facts, decision and change in one transaction, repeated when
//! the ticket changed meanwhile.

use crate::clock::Clock;
use crate::decide::on_command::on_command;
use crate::decide::scene::Scene;
use crate::domain::command::{Command, Refusal};
use crate::domain::desk::DeskClass;
use crate::domain::effect::Reason;
use crate::domain::ids::{AgentName, DeskName, TicketNumber};
use crate::domain::ticket::Actor;
use crate::store::{CommandQuery, Store, StoreError};

use super::Failure;
use super::door::{Door, DoorError};
use super::rules::RuleBook;

/// Carries out commands.
#[derive(Clone)]
pub struct Commands {
    /// Where the tickets are.
    pub store: Store,
    /// The policy that holds.
    pub book: RuleBook,
    /// Carries decisions out.
    pub door: Door,
    /// Now.
    pub clock: Clock,
}

/// Who commands what.
#[derive(Debug, Clone)]
pub struct Order {
    /// The ticket.
    pub number: TicketNumber,
    /// The agent, as named in the directory.
    pub agent: AgentName,
    /// What to do.
    pub command: Command,
    /// The other ticket of a merge.
    pub other: Option<TicketNumber>,
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// There is no such ticket.
    #[error("there is no ticket {0}")]
    NoTicket(TicketNumber),
    /// The agent may not act on it.
    #[error("{0} does not work for the desk of ticket {1}; see directory.toml")]
    NotYours(AgentName, TicketNumber),
    /// It holds a copy of a mail to a breach desk.
    #[error("ticket {0} holds a mail that also went to a breach desk; only that desk's agents open it")]
    Withheld(TicketNumber),
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Store or mail.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl Commands {
    /// Carries out one order at the keyboard of `operator`, a system user, who is audited too; gives the
    /// action in one word.
    pub async fn carry_out(&self, order: &Order, operator: &str) -> Result<&'static str, CommandError> {
        let mut tries = 0;
        loop {
            match self.attempt(order, operator).await {
                Err(CommandError::Failed(Failure::Again(why))) if tries < 5 => {
                    tries += 1;
                    tracing::debug!(why, tries, "once more");
                }
                other => return other,
            }
        }
    }

    /// May this agent act on this ticket? For acts that are no command.
    ///
    /// # Errors
    /// [`CommandError::NoTicket`], [`CommandError::NotYours`], [`CommandError::Withheld`].
    pub async fn entitled(&self, number: TicketNumber, agent: &AgentName) -> Result<(), CommandError> {
        let mut work = self.store.begin(None).await.map_err(Failure::from)?;
        let ticket = work.ticket(number).await.map_err(Failure::from)?;
        work.rollback().await.map_err(Failure::from)?;
        let ticket = ticket.ok_or(CommandError::NoTicket(number))?;
        let rules = self.book.current();
        let Some(person) = rules.policy.directory.agent_of_desk(agent, &ticket.desk) else {
            return Err(CommandError::NotYours(agent.clone(), number));
        };
        let breach =
            |desk: &DeskName| rules.policy.desks.get(desk).is_some_and(|d| d.class == DeskClass::Breach);
        if self.withholds(number).await? && !person.desks.iter().any(breach) {
            return Err(CommandError::Withheld(number));
        }
        Ok(())
    }

    /// Does the ticket hold a copy of a mail that also went to a breach desk (L11)?
    async fn withholds(&self, number: TicketNumber) -> Result<bool, CommandError> {
        let view = self.store.ticket_show(number, false, self.clock.now()).await.map_err(Failure::from)?;
        let flagged = |flags: &[String]| flags.iter().any(|flag| flag == "withheld");
        Ok(view.is_some_and(|view| view.messages.iter().any(|message| flagged(&message.flags))))
    }

    async fn attempt(&self, order: &Order, operator: &str) -> Result<&'static str, CommandError> {
        let rules = self.book.current();
        let now = self.clock.now();
        let mut work = self.store.begin(None).await.map_err(Failure::from)?;
        let query = CommandQuery {
            number: order.number,
            agent: Some(&order.agent),
            other: order.other,
            now,
            caps: &rules.policy.governor,
        };
        let facts = work.command_facts(&query).await.map_err(Failure::from)?;
        let facts = facts.ok_or(CommandError::NoTicket(order.number))?;
        let (Some(desk), Some(_)) = (
            rules.policy.desks.get(&facts.ticket.desk),
            rules.policy.directory.agent_of_desk(&order.agent, &facts.ticket.desk),
        ) else {
            return Err(CommandError::NotYours(order.agent.clone(), order.number));
        };
        let scene = Scene { desk, policy: &rules.policy, now };
        let mut decision = on_command(&order.command, &facts, scene, Actor::Agent(order.agent.clone()))?;
        decision.reasons.push(Reason::with("operator", operator));
        self.door.carry_out(&mut work, &decision, desk, &rules).await.map_err(|error| match error {
            DoorError::Store(error) => CommandError::Failed(error.into()),
            DoorError::Compose(_) => CommandError::Failed(Failure::Defect("a mail could not be composed")),
        })?;
        work.commit(now).await.map_err(|error: StoreError| CommandError::Failed(error.into()))?;
        Ok(decision.action)
    }
}
