//! The directory file -> organisations, contacts, agents, groups, suppliers.

use std::collections::BTreeMap;

use super::accounts::KnownDesks;
use super::document::{Document, Reader};
use super::other_tables::{AgentTable, ContactTable, DirectoryFile, OrganisationTable};
use super::problem::Problem;
use super::sources::Source;
use crate::domain::address::EmailAddress;
use crate::domain::directory::{Agent, Contact, Directory, Organisation};
use crate::domain::ids::{AgentName, DeskName, OrganisationName};
use crate::domain::message::Language;

/// Everyone who is known, and the names by which desks call them.
#[derive(Debug, Default)]
pub struct People {
    /// For decisions.
    pub directory: Directory,
    /// Groups, agents and suppliers by name.
    pub names: BTreeMap<String, Vec<EmailAddress>>,
    document: Option<(Document, DirectoryFile)>,
}

/// Reads the directory; without one nobody is known.
pub fn read(source: Option<&Source>, problems: &mut Vec<Problem>) -> People {
    let mut people = People::default();
    let Some((document, file)) = source.and_then(|s| s.read::<DirectoryFile>(problems)) else {
        return people;
    };
    let mut reader = Reader { document: &document, problems };
    for (number, table) in file.organisation.iter().enumerate() {
        people.organisation(&mut reader, &format!("organisation/{number}"), table);
    }
    for (number, table) in file.organisation.iter().enumerate() {
        let names: Vec<&str> = file.organisation.iter().map(|o| o.name.as_str()).collect();
        if let Some(parent) = &table.parent {
            let found = names.contains(&parent.as_str()).then_some(());
            let _ = reader.known(
                &format!("organisation/{number}/parent"),
                ("organisation", parent),
                found,
                &names,
            );
        }
    }
    for (number, table) in file.contact.iter().enumerate() {
        people.contact(&mut reader, &format!("contact/{number}"), table);
    }
    for (number, table) in file.agent.iter().enumerate() {
        people.agent(&mut reader, &format!("agent/{number}"), table);
    }
    people.groups(&mut reader, &file);
    people.document = Some((document, file));
    people
}

impl People {
    fn organisation(&mut self, reader: &mut Reader<'_>, path: &str, table: &OrganisationTable) {
        let place = format!("{path}/name");
        let Some(name) = reader.parsed(&place, &table.name, OrganisationName::parse(&table.name)) else {
            return;
        };
        let parent = table.parent.as_ref().and_then(|text| OrganisationName::parse(text).ok());
        for (number, domain) in table.domains.iter().enumerate() {
            let known =
                self.directory.organisations.iter().find(|(_, o)| o.domains.contains(&domain.to_lowercase()));
            if let Some((other, _)) = known {
                let message = format!("the domain `{domain}` also belongs to `{other}`");
                reader.fail(
                    &format!("{path}/domains/{number}"),
                    "duplicate",
                    message,
                    "a sender has one organisation",
                );
            }
        }
        let organisation = Organisation {
            parent,
            domains: table.domains.iter().map(|domain| domain.to_lowercase()).collect(),
            instances: table.instances.clone(),
        };
        if self.directory.organisations.insert(name, organisation).is_some() {
            reader.fail(&place, "duplicate", format!("there are two organisations `{}`", table.name), "");
        }
    }

    fn contact(&mut self, reader: &mut Reader<'_>, path: &str, table: &ContactTable) {
        let place = format!("{path}/address");
        let address = reader.parsed(&place, &table.address, EmailAddress::parse(&table.address));
        let organisation = table.organisation.as_ref().and_then(|text| {
            let names: Vec<&str> =
                self.directory.organisations.keys().map(OrganisationName::as_str).collect();
            let found = self.directory.organisations.keys().find(|name| name.as_str() == text).cloned();
            reader.known(&format!("{path}/organisation"), ("organisation", text), found, &names)
        });
        let Some(address) = address else { return };
        if self.directory.contact(&address).is_some() {
            reader.fail(&place, "duplicate", "the contact is named twice", "");
        }
        self.directory.contacts.push(Contact { address, organisation, roles: table.roles.clone() });
    }

    fn agent(&mut self, reader: &mut Reader<'_>, path: &str, table: &AgentTable) {
        let name = reader.parsed(&format!("{path}/name"), &table.name, AgentName::parse(&table.name));
        let place = format!("{path}/address");
        let address = reader.parsed(&place, &table.address, EmailAddress::parse(&table.address));
        let mut languages = Vec::new();
        for (number, text) in table.languages.iter().enumerate() {
            languages.extend(language(reader, &format!("{path}/languages/{number}"), text));
        }
        let (Some(name), Some(address)) = (name, address) else { return };
        if let Some(other) = self.directory.agent_by_address(&address) {
            let message = format!("the agents `{}` and `{name}` write from one address", other.name);
            reader.fail(&place, "duplicate", message, "mail of agents is told apart by its address");
        }
        let desks = table.desks.iter().filter_map(|text| DeskName::parse(text).ok()).collect();
        self.names.insert(name.to_string(), vec![address.clone()]);
        let agent =
            Agent { name: name.clone(), display_name: table.display_name.clone(), address, desks, languages };
        if self.directory.agents.insert(name, agent).is_some() {
            reader.fail(
                &format!("{path}/name"),
                "duplicate",
                format!("there are two agents `{}`", table.name),
                "",
            );
        }
    }

    fn groups(&mut self, reader: &mut Reader<'_>, file: &DirectoryFile) {
        for (name, text) in &file.supplier {
            let place = format!("supplier/{name}");
            if let Some(address) = reader.parsed(&place, text, EmailAddress::parse(text)) {
                self.names.insert(name.clone(), vec![address]);
            }
        }
        for (name, members) in &file.group {
            let place = format!("group/{name}");
            if self.names.contains_key(name) {
                reader.fail(&place, "duplicate", format!("`{name}` names someone else already"), "");
            }
            let addresses = self.resolve(reader, &place, members);
            self.names.insert(name.clone(), addresses);
        }
    }

    /// Addresses, agents, suppliers or groups -> addresses.
    pub fn resolve(&self, reader: &mut Reader<'_>, path: &str, members: &[String]) -> Vec<EmailAddress> {
        let mut addresses: Vec<EmailAddress> = Vec::new();
        for (number, text) in members.iter().enumerate() {
            let place = format!("{path}/{number}");
            if text.contains('@') {
                addresses.extend(reader.parsed(&place, text, EmailAddress::parse(text)));
                continue;
            }
            let names: Vec<&str> = self.names.keys().map(String::as_str).collect();
            let found = self.names.get(text);
            addresses.extend(
                reader.known(&place, ("agent or group", text), found, &names).into_iter().flatten().cloned(),
            );
        }
        addresses
    }

    /// Agents name desks that exist.
    pub fn check_desks(&self, desks: &KnownDesks, problems: &mut Vec<Problem>) {
        let Some((document, file)) = &self.document else { return };
        let mut reader = Reader { document, problems };
        for (number, agent) in file.agent.iter().enumerate() {
            let address = EmailAddress::parse(&agent.address).ok();
            let owner = desks.valid.values().find(|desk| address.as_ref().is_some_and(|a| desk.owns(a)));
            if let Some(desk) = owner {
                reader.fail(
                    &format!("agent/{number}/address"),
                    "desk_address",
                    format!("`{}` is the address of the desk `{}`", agent.address, desk.name),
                    "an agent writes from an address of their own: what is told to agents would come back as mail",
                );
            }
            for (at, desk) in agent.desks.iter().enumerate() {
                let _ = desks.find(&mut reader, &format!("agent/{number}/desks/{at}"), desk);
            }
        }
    }
}

/// A language by its code.
pub fn language(reader: &mut Reader<'_>, path: &str, text: &str) -> Option<Language> {
    reader.known(path, ("language", text), Language::parse(text), &["en", "es", "pt", "it"])
}
