//! Words of an emergency outside business hours page the on-call address at once: one page a ticket,
//! so many an hour a desk, then one that says that there is a storm. A page that fails takes the
//! second channel. Never holds a word of the customer.

use crate::domain::address::EmailAddress;
use crate::domain::desk::Desk;
use crate::domain::effect::{Effect, Reason};
use crate::domain::facts::{MessageFacts, TickFacts};
use crate::domain::ids::TicketId;
use crate::domain::message::Grade;
use crate::domain::outgoing::{Notice, Outgoing, Recipient};
use crate::domain::ticket::Priority;

use super::hours::Effective;
use super::respond;
use super::scene::{Incoming, Scene};

/// True when mail of this priority is an emergency at this hour: outside business hours, and no cap
/// may lower it.
pub fn emergency(desk: &Desk, hours: &Effective) -> bool {
    let exempt = &desk.after_hours.except;
    let urgent =
        if exempt.is_empty() { hours.priority == Priority::Urgent } else { exempt.contains(&hours.priority) };
    hours.after_hours && !hours.capped && urgent
}

/// The pages for a mail that speaks of an emergency, and why (not).
pub fn call(
    incoming: Incoming<'_>,
    facts: &MessageFacts,
    scene: Scene<'_>,
    (ticket, hours): (Option<TicketId>, &Effective),
) -> (Vec<Effect>, Option<Reason>) {
    let desk = scene.desk;
    let by_person = respond::from_robot(incoming.mail).is_none() || incoming.released;
    if desk.on_call.is_empty() || facts.history || !by_person || !emergency(desk, hours) {
        return (Vec::new(), None);
    }
    if ticket.is_some_and(|ticket| facts.pages.tickets.contains(&ticket)) {
        return (Vec::new(), Some(Reason::code("paged_already")));
    }
    if facts.pages.hour < desk.pages_per_hour {
        let notice = Notice::Page {
            priority: hours.priority,
            proven: incoming.mail.authentication.grade == Grade::Pass,
            arrived: incoming.arrived,
            second: false,
        };
        return (pages(&desk.on_call, desk, &notice), Some(Reason::code("paged")));
    }
    if facts.pages.storm {
        return (Vec::new(), Some(Reason::code("page_withheld_by_storm")));
    }
    let storm = Notice::PageStorm { pages: facts.pages.hour };
    (pages(&desk.on_call, desk, &storm), Some(Reason::code("paging_storm")))
}

/// The second channel, once the first one failed: its own addresses, else the desk's agents.
pub fn second(facts: &TickFacts, scene: Scene<'_>) -> Vec<Effect> {
    let desk = scene.desk;
    if !facts.page_failed {
        return Vec::new();
    }
    let notice = Notice::Page {
        priority: facts.ticket.priority,
        proven: facts.proven,
        arrived: facts.ticket.opened_at,
        second: true,
    };
    if !desk.on_call_second.is_empty() {
        return pages(&desk.on_call_second, desk, &notice);
    }
    let agents = desk.agents.iter().filter_map(|name| scene.policy.directory.agent_of_desk(name, &desk.name));
    let addresses: Vec<EmailAddress> = agents.map(|agent| agent.address.clone()).collect();
    pages(&addresses, desk, &notice)
}

fn pages(to: &[EmailAddress], desk: &Desk, notice: &Notice) -> Vec<Effect> {
    let page = |address: &EmailAddress| {
        Effect::Enqueue(Box::new(Outgoing {
            notice: notice.clone(),
            to: Recipient::Contact(address.clone()),
            language: desk.language(None),
            in_reply_to: None,
            suppressed: None,
        }))
    };
    to.iter().map(page).collect()
}
