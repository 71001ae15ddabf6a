//! May this person open a sealed original now? Takes what the store knows of the ticket, the desk's
//! rule, who asks with which reason; gives until when it is open, or why not. Decides nothing else.

use chrono::Duration;

use crate::domain::custody::RevealRule;
use crate::domain::desk::DeskClass;
use crate::domain::directory::Directory;
use crate::domain::facts::OpeningFacts;
use crate::domain::ids::AgentName;
use crate::domain::message::Instant;
use crate::domain::policy::Policy;
use crate::domain::ticket::Actor;

/// Characters of a reason: less says nothing.
const REASON: usize = 5;

/// Why an original stays closed, in the words of the one who asks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// Everything is gone.
    #[error("the ticket was erased; there is nothing to open")]
    Erased,
    /// Not for this person.
    #[error("{0} does not work for the desk of this ticket; see directory.toml")]
    NotYours(AgentName),
    /// For the breach desk alone.
    #[error("this ticket holds mail of a breach desk; only that desk's agents open it: name one with --as")]
    Breach,
    /// No opening lasts and no reason is given.
    #[error("--reason must say why it is opened; its keyed hash stands in the audit trail")]
    NoReason,
    /// The desk asks for consent.
    #[error("the customer's consent is not on record; see `mailward ticket consent`")]
    NoConsent,
    /// It is over.
    #[error("the customer's consent ended at {0}; see `mailward ticket consent`")]
    ConsentOver(Instant),
}

/// Until when it is open, if at all; a given reason begins a new opening.
pub fn open(
    facts: &OpeningFacts,
    policy: &Policy,
    actor: &Actor,
    reason: Option<&str>,
    now: Instant,
) -> Result<Instant, Closed> {
    if facts.erased {
        return Err(Closed::Erased);
    }
    entitled(facts, policy, actor)?;
    let rule = policy.desks.get(&facts.desk).map(|desk| desk.custody.reveal.clone()).unwrap_or_default();
    consent(facts, &rule, now)?;
    match reason.map(str::trim) {
        Some(reason) if reason.chars().count() >= REASON => {
            Ok(now + Duration::minutes(i64::from(rule.minutes)))
        }
        Some(_) => Err(Closed::NoReason),
        None => facts.open_until.filter(|until| *until > now).ok_or(Closed::NoReason),
    }
}

fn entitled(facts: &OpeningFacts, policy: &Policy, actor: &Actor) -> Result<(), Closed> {
    let sealed_off = facts.restricted || facts.breach_copy;
    let Actor::Agent(name) = actor else {
        return if sealed_off { Err(Closed::Breach) } else { Ok(()) };
    };
    let directory: &Directory = &policy.directory;
    let agent = directory.agent_of_desk(name, &facts.desk).ok_or_else(|| Closed::NotYours(name.clone()))?;
    let breach = |desk| policy.desks.get(desk).is_some_and(|desk| desk.class == DeskClass::Breach);
    if facts.breach_copy && !agent.desks.iter().any(breach) { Err(Closed::Breach) } else { Ok(()) }
}

fn consent(facts: &OpeningFacts, rule: &RevealRule, now: Instant) -> Result<(), Closed> {
    match facts.consent_until {
        _ if !rule.consent => Ok(()),
        Some(until) if until > now => Ok(()),
        Some(until) => Err(Closed::ConsentOver(until)),
        None => Err(Closed::NoConsent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::testing::{at, policy};

    #[test]
    fn an_original_opens_by_the_table() {
        type Row<'a> = (&'a str, fn(&mut OpeningFacts), &'a Actor, Option<&'a str>, Result<Instant, Closed>);
        let now = at("03-04 10:00");
        let policy = policy();
        let facts = |change: fn(&mut OpeningFacts)| {
            let mut facts = OpeningFacts {
                desk: policy.desks.keys().next().unwrap().clone(),
                restricted: false,
                breach_copy: false,
                consent_until: None,
                erased: false,
                open_until: None,
            };
            change(&mut facts);
            facts
        };
        let operator = Actor::Operator("root".into());
        let stranger = Actor::Agent(AgentName::parse("nobody").unwrap());
        let reason = Some("the customer asked");
        let hour = Ok(now + Duration::minutes(60));
        let rows: [Row<'_>; 9] = [
            ("a reason", |_| {}, &operator, reason, hour.clone()),
            ("no reason", |_| {}, &operator, None, Err(Closed::NoReason)),
            ("a thin reason", |_| {}, &operator, Some(" why "), Err(Closed::NoReason)),
            (
                "an opening lasts",
                |f| f.open_until = Some(at("03-04 10:01")),
                &operator,
                None,
                Ok(at("03-04 10:01")),
            ),
            (
                "an opening is over",
                |f| f.open_until = Some(at("03-04 10:00")),
                &operator,
                None,
                Err(Closed::NoReason),
            ),
            ("erased", |f| f.erased = true, &operator, reason, Err(Closed::Erased)),
            ("a breach ticket", |f| f.restricted = true, &operator, reason, Err(Closed::Breach)),
            ("a copy", |f| f.breach_copy = true, &operator, reason, Err(Closed::Breach)),
            (
                "a stranger",
                |_| {},
                &stranger,
                reason,
                Err(Closed::NotYours(AgentName::parse("nobody").unwrap())),
            ),
        ];
        for (what, change, actor, reason, want) in rows {
            assert_eq!(open(&facts(change), &policy, actor, reason, now), want, "{what}");
        }
    }

    #[test]
    fn unimed_line_45_consent_is_dated_and_ends() {
        let now = at("03-04 10:00");
        let mut policy = policy();
        let name = policy.desks.keys().next().unwrap().clone();
        let desk = std::sync::Arc::make_mut(policy.desks.get_mut(&name).unwrap());
        desk.custody.reveal.consent = true;
        let operator = Actor::Operator("root".into());
        for (until, want) in [
            (None, Err(Closed::NoConsent)),
            (Some(now), Err(Closed::ConsentOver(now))),
            (Some(now + Duration::seconds(1)), Ok(now + Duration::minutes(60))),
        ] {
            let facts = OpeningFacts {
                desk: name.clone(),
                restricted: false,
                breach_copy: false,
                consent_until: until,
                erased: false,
                open_until: None,
            };
            assert_eq!(open(&facts, &policy, &operator, Some("the customer asked"), now), want, "{until:?}");
        }
    }
}
