//! First half of the door: the decision's ticket gets its number and its people, so that `compose/` can
//! make the mails before the rest is written.

use super::StoreError;
use super::cells::Cells;
use super::sealed::{Person, Place, ThreadSecret, address_key, open, seal};
use super::ticket_row::{Loaded, ParticipantRow, TicketRow};
use super::work::{Ids, Work};
use crate::domain::address::Mailbox;
use crate::domain::effect::{Decision, Effect, NewParticipant, Subject};
use crate::domain::facts::TicketRef;
use crate::domain::ids::{AgentName, ArticleId, LookupKey, MessageId, ParticipantNo, TicketId, TicketNumber};
use crate::domain::outgoing::Recipient;
use crate::domain::ticket::Role;

/// Under this name stands a contact of the desk's escalation, who is told and is no agent.
const CONTACT: &str = "escalation";

/// The identifiers that a new mail of the ticket refers to (RFC 5322 3.6.4), the decided message
/// included.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Thread {
    /// The Message-ID of the ticket's first mail.
    pub root: Option<MessageId>,
    /// Up to eight later ones, oldest first, theirs and ours.
    pub recent: Vec<MessageId>,
}

/// What a decided ticket is called and whom its mails go to: all that `compose/` needs to make
/// bytes. Handed back to [`Work::apply`].
#[derive(Debug, Clone)]
pub struct Placed {
    /// The ticket; `None` when the decision is about none.
    pub ticket: Option<TicketRef>,
    /// For each `Effect::Enqueue`, in order, whom it goes to.
    pub recipients: Vec<(ParticipantNo, Mailbox)>,
    /// For References.
    pub thread: Thread,
    /// The ticket as it will be.
    pub(super) loaded: Option<Box<Loaded>>,
    /// Ids of the messages that the decision adds, in order.
    pub(super) articles: Vec<ArticleId>,
}

fn thread(secret: &ThreadSecret) -> Thread {
    Thread {
        root: secret.root.as_deref().and_then(|id| MessageId::parse(id).ok()),
        recent: secret.recent.iter().filter_map(|id| MessageId::parse(id).ok()).collect(),
    }
}

/// Whom word about a mail in no ticket goes to: nobody has a number there.
fn strangers(decision: &Decision) -> Result<Vec<(ParticipantNo, Mailbox)>, StoreError> {
    let mails = decision.effects.iter().filter_map(|effect| match effect {
        Effect::Enqueue(mail) => Some(&mail.to),
        _ => None,
    });
    let mailbox = |to: &Recipient| match to {
        Recipient::Sender(mailbox) => Ok((ParticipantNo::FIRST, (**mailbox).clone())),
        Recipient::Agent(_, address) | Recipient::Contact(address) => {
            Ok((ParticipantNo::FIRST, Mailbox { name: None, address: address.clone() }))
        }
        Recipient::Participant(_) => Err(StoreError::defect("a participant of no ticket")),
    };
    mails.map(mailbox).collect()
}

impl Work {
    /// Gives the decision's ticket its place: for a new one the next gapless number, for an existing
    /// one the check of its version. Adds participants (agents who are told, too).
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the ticket changed since it was read.
    pub async fn place(&mut self, decision: &Decision, ids: &Ids) -> Result<Placed, StoreError> {
        let is_article = |effect: &&Effect| matches!(effect, Effect::AddArticle(_));
        let articles = decision.effects.iter().filter(is_article).map(|_| ids.article());
        let articles = articles.collect::<Result<Vec<_>, _>>()?;
        let mut loaded = match &decision.subject {
            Subject::Nothing | Subject::Held(_) => return Self::place_nothing(decision),
            Subject::New(new) => {
                let row = TicketRow::open(new, ids.ticket()?, self.next_number().await?);
                Loaded { row, people: Vec::new() }
            }
            Subject::Existing(id, version) => {
                let loaded = self.load(*id).await?.filter(|l| l.row.snapshot.version == *version);
                let mut loaded = loaded.ok_or(StoreError::Conflict)?.clone();
                loaded.row.snapshot.version += 1;
                loaded
            }
        };
        let known = loaded.people.len();
        self.add_people(&mut loaded, decision, ids)?;
        let recipients = self.recipients(&loaded, decision)?;
        let place = Place::Thread(loaded.row.snapshot.id);
        let mut secret = match loaded.row.thread.as_slice() {
            [] => ThreadSecret::default(),
            sealed => open(&self.sealer, &place, sealed)?,
        };
        let before = (loaded.row.thread.is_empty(), secret.clone());
        loaded.row.fold(&decision.effects, &articles, &mut secret);
        if before != (false, secret.clone()) {
            loaded.row.thread = seal(&self.sealer, &place, &secret, &ids.random)?;
        }
        if matches!(decision.subject, Subject::New(_)) {
            self.foresight.opened(&loaded.row.snapshot);
            self.pending.tickets.push(loaded.row.clone());
        }
        self.wait_people(&loaded, known);
        for effect in &decision.effects {
            if let Effect::MergeInto(survivor) = effect {
                self.bring_people(&loaded, *survivor, ids).await?;
            }
        }
        // The row in memory is the one to come; until `apply` wrote it nobody may read it here.
        let snapshot = &loaded.row.snapshot;
        self.forget(snapshot.id);
        Ok(Placed {
            ticket: Some(TicketRef { id: snapshot.id, number: snapshot.number }),
            recipients,
            thread: thread(&secret),
            loaded: Some(Box::new(loaded)),
            articles,
        })
    }

    fn place_nothing(decision: &Decision) -> Result<Placed, StoreError> {
        let held = matches!(decision.subject, Subject::Held(_));
        let needs_ticket = |effect: &Effect| match effect {
            Effect::SetLedger { .. } | Effect::MarkBounced { .. } => false,
            Effect::Enqueue(_) => !held,
            _ => true,
        };
        if decision.effects.iter().any(needs_ticket) {
            return Err(StoreError::defect("an effect needs a ticket and there is none"));
        }
        let recipients = strangers(decision)?;
        let articles = Vec::new();
        Ok(Placed { ticket: None, recipients, thread: Thread::default(), loaded: None, articles })
    }

    async fn next_number(&mut self) -> Result<TicketNumber, StoreError> {
        // Nobody else gives numbers while this transaction is open.
        let last = if let Some(last) = self.number {
            last
        } else {
            let row = sqlx::query("SELECT value FROM counter WHERE name = 'ticket'");
            Cells(&row.fetch_one(self.on().await?).await?).int("value")?
        };
        let next = last + 1;
        (self.number, self.pending.number) = (Some(next), Some(next));
        Ok(TicketNumber::new(next)?)
    }

    /// People from number `known` on are new.
    fn wait_people(&mut self, loaded: &Loaded, known: usize) {
        let added = loaded.people.get(known..).unwrap_or_default();
        let ticket = loaded.row.snapshot.id;
        self.pending.people.extend(added.iter().map(|person| (ticket, person.clone())));
    }

    fn add_people(&self, loaded: &mut Loaded, decision: &Decision, ids: &Ids) -> Result<(), StoreError> {
        for effect in &decision.effects {
            match effect {
                Effect::AddParticipant(new) => self.add_person(loaded, new, ids)?,
                Effect::Enqueue(mail) => {
                    let (agent, address) = match &mail.to {
                        Recipient::Participant(_) | Recipient::Sender(_) => continue,
                        Recipient::Agent(agent, address) => (agent.clone(), address),
                        // Nobody's name in the directory: the address acts on nothing.
                        Recipient::Contact(address) => (AgentName::parse(CONTACT)?, address),
                    };
                    let new = NewParticipant {
                        mailbox: Mailbox { name: None, address: address.clone() },
                        role: Role::Agent,
                        organisation: None,
                        agent: Some(agent),
                    };
                    self.add_person(loaded, &new, ids)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Adds someone unless they are there: a customer's address once, an agent's address once.
    fn add_person(&self, loaded: &mut Loaded, new: &NewParticipant, ids: &Ids) -> Result<(), StoreError> {
        let key = LookupKey(address_key(&self.sealer, &new.mailbox.address));
        let agent = new.role == Role::Agent;
        if loaded.people.iter().any(|p| p.key == key && (p.role == Role::Agent) == agent) {
            return Ok(());
        }
        let last = loaded.people.iter().map(|p| p.no.get()).max().unwrap_or(0);
        let no = ParticipantNo::new(last.saturating_add(1))?;
        let place = Place::Participant(loaded.row.snapshot.id, no);
        let sealed = seal(&self.sealer, &place, &Person::of(&new.mailbox), &ids.random)?;
        let (organisation, agent) = (new.organisation.clone(), new.agent.clone());
        loaded.people.push(ParticipantRow {
            no,
            key,
            role: new.role,
            organisation,
            agent,
            sealed,
            merged_from: None,
        });
        Ok(())
    }

    /// The people of a merged ticket take part in the one that took its place: their mail joins it
    /// (L19), and what is answered there reaches them.
    async fn bring_people(
        &mut self,
        merged: &Loaded,
        survivor: TicketId,
        ids: &Ids,
    ) -> Result<(), StoreError> {
        let mut other = self.load(survivor).await?.ok_or(StoreError::Missing("ticket"))?.clone();
        let known = other.people.len();
        for person in &merged.people {
            let place = Place::Participant(merged.row.snapshot.id, person.no);
            let new = NewParticipant {
                mailbox: open::<Person>(&self.sealer, &place, &person.sealed)?.mailbox()?,
                role: if person.role == Role::Agent { Role::Agent } else { Role::Participant },
                organisation: person.organisation.clone(),
                agent: person.agent.clone(),
            };
            self.add_person(&mut other, &new, ids)?;
        }
        for person in other.people.iter_mut().skip(known) {
            person.merged_from = Some(merged.row.snapshot.id);
        }
        self.wait_people(&other, known);
        self.keep(other);
        Ok(())
    }

    fn recipients(
        &self,
        loaded: &Loaded,
        decision: &Decision,
    ) -> Result<Vec<(ParticipantNo, Mailbox)>, StoreError> {
        let mut recipients = Vec::new();
        for effect in &decision.effects {
            let Effect::Enqueue(mail) = effect else { continue };
            let person = match &mail.to {
                Recipient::Participant(no) => loaded.people.iter().find(|p| p.no == *no),
                Recipient::Sender(_) => None,
                Recipient::Agent(_, address) | Recipient::Contact(address) => {
                    let key = LookupKey(address_key(&self.sealer, address));
                    loaded.people.iter().find(|p| p.key == key && p.role == Role::Agent)
                }
            };
            let person = person.ok_or_else(|| StoreError::defect("a mail to someone who takes no part"))?;
            let place = Place::Participant(loaded.row.snapshot.id, person.no);
            let mailbox = open::<Person>(&self.sealer, &place, &person.sealed)?.mailbox()?;
            recipients.push((person.no, mailbox));
        }
        Ok(recipients)
    }
}
