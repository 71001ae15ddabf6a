//! The one door: a decision gets its ticket number, its mails get their bytes, and `store::apply`
//! writes all of it in the transaction in which it was decided. Ingest, sweep and command all pass.

use crate::clock::Random;
use crate::compose::{self, ComposeError, MintRequest};
use crate::domain::account::TokenCarrier;
use crate::domain::desk::Desk;
use crate::domain::effect::{Decision, Effect};
use crate::domain::ids::MessageId;
use crate::domain::outgoing::Minted;
use crate::domain::policy::Policy;
use crate::domain::token::TokenKeys;
use crate::store::{Applied, Ids, Placed, StoreError, Work};

use super::rules::Rules;

/// What carrying out needs besides the decision.
#[derive(Debug, Clone)]
pub struct Door {
    /// Signs and verifies tokens.
    pub keys: TokenKeys,
    /// For ids, Message-IDs and boundaries.
    pub random: Random,
}

/// Why a decision could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A mail could not be made.
    #[error("a mail could not be composed")]
    Compose(#[from] ComposeError),
}

impl Door {
    /// Carries out one decision inside the open transaction.
    pub async fn carry_out(
        &self,
        work: &mut Work,
        decision: &Decision,
        desk: &Desk,
        rules: &Rules,
    ) -> Result<Applied, DoorError> {
        let ids = Ids::new(decision.at, &self.random);
        let placed = work.place(decision, &ids).await?;
        let minted = self.mint(decision, &placed, desk, (rules, &ids))?;
        Ok(work.apply(decision, placed, &minted, &ids).await?)
    }

    fn mint(
        &self,
        decision: &Decision,
        placed: &Placed,
        desk: &Desk,
        (rules, ids): (&Rules, &Ids),
    ) -> Result<Vec<Minted>, DoorError> {
        let (carrier, subaddress) = carrier(&rules.policy, desk);
        let references: Vec<MessageId> =
            placed.thread.root.iter().chain(&placed.thread.recent).cloned().collect();
        let mails = decision.effects.iter().filter_map(|effect| match effect {
            Effect::Enqueue(outgoing) => Some(outgoing),
            _ => None,
        });
        mails
            .zip(&placed.recipients)
            .map(|(outgoing, (participant, to))| {
                Ok(compose::mint(&MintRequest {
                    id: ids.outbox()?,
                    desk,
                    carrier,
                    subaddress,
                    reverse_path: rules.policy.transport.reverse_path,
                    number: placed.ticket.map(|ticket| ticket.number),
                    participant: *participant,
                    to,
                    outgoing,
                    references: &references,
                    keys: &self.keys,
                    templates: &rules.templates,
                    now: decision.at,
                    random: &self.random,
                })?)
            })
            .collect()
    }
}

/// How tokens travel to this desk: as the account says that receives its mail.
pub fn carrier(policy: &Policy, desk: &Desk) -> (TokenCarrier, Option<char>) {
    policy
        .account_of(&desk.name)
        .map_or((TokenCarrier::ReferencesOnly, None), |a| (a.token_carrier, a.subaddress))
}
