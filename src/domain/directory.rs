//! The directory: organisations, contacts, agents. Plain data from configuration.

use std::collections::BTreeMap;

use super::address::EmailAddress;
use super::ids::{AgentName, DeskName, OrganisationName};
use super::message::Language;

/// A customer organisation.
#[derive(Debug, Clone, Default)]
pub struct Organisation {
    /// The organisation above it: a reseller.
    pub parent: Option<OrganisationName>,
    /// Mail domains, lower-cased.
    pub domains: Vec<String>,
    /// Technical instance, clinic or reseller ids.
    pub instances: Vec<String>,
}

/// A known person of a customer.
#[derive(Debug, Clone)]
pub struct Contact {
    /// The address.
    pub address: EmailAddress,
    /// Their organisation.
    pub organisation: Option<OrganisationName>,
    /// Roles such as `admin`, `project_manager`, `it`.
    pub roles: Vec<String>,
}

/// Someone who answers customers.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Stable name, used in `--as`.
    pub name: AgentName,
    /// Shown to customers.
    pub display_name: String,
    /// The address they write from.
    pub address: EmailAddress,
    /// Desks they may see.
    pub desks: Vec<DeskName>,
    /// Languages they read.
    pub languages: Vec<Language>,
}

/// Everyone who is known.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// By name.
    pub organisations: BTreeMap<OrganisationName, Organisation>,
    /// Known customers.
    pub contacts: Vec<Contact>,
    /// Agents by name.
    pub agents: BTreeMap<AgentName, Agent>,
}

impl Directory {
    /// The agent who writes from this address.
    pub fn agent_by_address(&self, address: &EmailAddress) -> Option<&Agent> {
        let identity = address.identity();
        self.agents.values().find(|a| a.address.identity() == identity)
    }
    /// The known customer with this address.
    pub fn contact(&self, address: &EmailAddress) -> Option<&Contact> {
        let identity = address.identity();
        self.contacts.iter().find(|c| c.address.identity() == identity)
    }
    /// The organisation of an address: the contact's, else the one that owns the mail domain.
    pub fn organisation(&self, address: &EmailAddress) -> Option<OrganisationName> {
        self.organisation_of(address).cloned()
    }
    /// The same, borrowed.
    pub fn organisation_of(&self, address: &EmailAddress) -> Option<&OrganisationName> {
        if let Some(contact) = self.contact(address) {
            return contact.organisation.as_ref();
        }
        let domain = address.domain();
        let owner = self.organisations.iter().find(|(_, org)| org.domains.iter().any(|d| d == domain));
        owner.map(|(name, _)| name)
    }
    /// The agent of that name, if they may see the desk.
    pub fn agent_of_desk(&self, name: &AgentName, desk: &DeskName) -> Option<&Agent> {
        self.agents.get(name).filter(|a| a.desks.contains(desk))
    }
}
