//! Everything a decision may know besides facts: desks, people, caps.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::account::{Account, After, AuthEvidence, FirstRun, Source, TokenCarrier, Transport};
use super::address::EmailAddress;
use super::desk::{Desk, DeskClass};
use super::directory::Directory;
use super::ids::{AccountName, DeskName};

/// Caps of automatic mail (L14); 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Governor {
    /// To one address within an hour.
    pub per_address_hour: u32,
    /// To one address within a day.
    pub per_address_day: u32,
    /// From one desk within an hour: the circuit breaker.
    pub per_mailbox_hour: u32,
}

impl Default for Governor {
    fn default() -> Self {
        Self { per_address_hour: 3, per_address_day: 10, per_mailbox_hour: 300 }
    }
}

/// The whole policy; replaced as one at reload.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Desks by name.
    pub desks: BTreeMap<DeskName, Arc<Desk>>,
    /// Accounts by name.
    pub accounts: BTreeMap<AccountName, Arc<Account>>,
    /// Organisations, contacts, agents.
    pub directory: Directory,
    /// Caps.
    pub governor: Governor,
    /// The way out.
    pub transport: Transport,
}

impl Policy {
    /// The desk a mail belongs to: the routes of its recipients, a breach desk first; else the
    /// account's own.
    pub fn route<'a>(
        &self,
        account: &Account,
        recipients: impl Iterator<Item = &'a EmailAddress>,
    ) -> Option<Arc<Desk>> {
        let mut hit: Option<Arc<Desk>> = None;
        for recipient in recipients {
            let separator = account.subaddress.unwrap_or('+');
            let bare = recipient.without_detail(separator).identity();
            let routed = account.routes.iter().filter(|(to, _)| to.identity() == bare);
            for desk in routed.filter_map(|(_, name)| self.desks.get(name)) {
                if desk.class == DeskClass::Breach {
                    return Some(desk.clone());
                }
                hit.get_or_insert_with(|| desk.clone());
            }
        }
        hit.or_else(|| self.desks.get(&account.desk).cloned())
    }

    /// The account of that name: a configured one, or the pipe of a desk.
    pub fn account(&self, name: &AccountName) -> Option<Arc<Account>> {
        self.accounts.get(name).cloned().or_else(|| {
            let desk = self.desks.keys().find(|desk| pipe_name(desk) == *name)?;
            Some(Arc::new(self.pipe(desk)))
        })
    }

    /// The pipe of a desk (`mailward ingest`): read from nowhere, trusting the same evidence as the
    /// desk's own account, live.
    pub fn pipe(&self, desk: &DeskName) -> Account {
        let like = self.account_of(desk);
        Account {
            name: pipe_name(desk),
            source: Source::Pipe,
            folders: Vec::new(),
            routes: Vec::new(),
            desk: desk.clone(),
            after: After::None,
            first_run: FirstRun::Live,
            token_carrier: like.map_or(TokenCarrier::Plus, |a| a.token_carrier),
            subaddress: like.map_or(Some('+'), |a| a.subaddress),
            sent: None,
            auth: like.map_or(AuthEvidence::None, |a| a.auth.clone()),
        }
    }

    /// The account that receives a desk's mail: its own, else the first that routes to it.
    pub fn account_of(&self, desk: &DeskName) -> Option<&Arc<Account>> {
        let mut accounts = self.accounts.values();
        accounts
            .clone()
            .find(|a| a.desk == *desk)
            .or_else(|| accounts.find(|a| a.routes.iter().any(|(_, to)| to == desk)))
    }

    /// True when the address is one of ours: mail from it was minted by us or forged.
    pub fn is_ours(&self, address: &EmailAddress) -> bool {
        self.desks.values().any(|desk| desk.owns(address))
    }
}

/// The name under which the ledger knows a desk's pipe.
pub fn pipe_name(desk: &DeskName) -> AccountName {
    AccountName::pipe(desk)
}
