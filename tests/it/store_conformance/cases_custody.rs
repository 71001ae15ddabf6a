//! Keeping and ending: legal hold, retention, erasure down to the last name, keys that take over.

use std::sync::Arc;

use chrono::TimeDelta;
use mailward::domain::custody::Retention;
use mailward::domain::ids::AgentName;
use mailward::domain::ticket::Actor;
use mailward::seal::{KeyRing, Sealer};
use mailward::store::{Ids, Keeping, Opening, SealedColumn, Store, StoreError, Walk};

use super::world::{Story, World, account, desk, number};

const MARY: &str = "mary.planted@clinic.example";

fn ana() -> Actor {
    Actor::Agent(AgentName::parse("ana").unwrap())
}

async fn keep(world: &World, n: i64, keeping: Keeping) -> Result<(), StoreError> {
    world.store.keep_ticket((number(n), keeping), &ana(), ("a court asked", "op"), world.now).await
}

async fn erase(world: &World, n: i64) -> Result<i64, StoreError> {
    let done = world.store.erase_ticket(number(n), &ana(), ("they asked", "op"), &world.ids()).await;
    done.map(|done| done.originals)
}

pub async fn a_legal_hold_stops_every_erasure(world: &World) {
    world.opened(&Story::new(1, MARY, "a@x.example")).await;
    super::cases_privacy::change(world, "UPDATE ledger SET desk = 'help'".to_owned()).await;
    let days = Retention { originals_days: Some(1), tickets_days: Some(1) };
    let later = Ids::new(world.now + TimeDelta::days(400), &world.random);
    keep(world, 1, Keeping::Hold).await.unwrap();
    assert!(matches!(keep(world, 1, Keeping::Hold).await, Err(StoreError::Refused(_))));
    assert!(matches!(erase(world, 1).await, Err(StoreError::Refused(_))));
    let expired = world.store.expire(&desk("help"), days, &later).await.unwrap();
    assert_eq!((expired.originals, expired.tickets.len()), (0, 0), "retention waits as well");
    let view = world.store.ticket_show(number(1), false, world.now).await.unwrap().unwrap();
    assert_eq!((view.held_at, view.messages[0].original.as_deref()), (Some(world.now), Some("sealed")));
    keep(world, 1, Keeping::Release).await.unwrap();
    assert_eq!(world.store.expire(&desk("help"), days, &later).await.unwrap().originals, 1, "the twin");
    assert_eq!(erase(world, 1).await, Ok(0), "the twin: without the hold it goes");
    let trail = world.store.audit_show(Some(number(1)), 1, 9).await.unwrap();
    let acts: Vec<_> = trail.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(acts, ["held_legally", "hold_released", "erased"], "{trail:?}");
}

pub async fn retention_ends_originals_and_then_tickets(world: &World) {
    for uid in 1..=3 {
        world.opened(&Story { content: "octets", id: None, ..Story::new(uid, MARY, "-") }).await;
    }
    // This world decides without asking for facts, which note the desk.
    super::cases_privacy::change(world, "UPDATE ledger SET desk = 'help'".to_owned()).await;
    let expire = async |days: i64, retention: Retention| {
        let ids = Ids::new(world.now + TimeDelta::days(days), &world.random);
        world.store.expire(&desk("help"), retention, &ids).await.unwrap()
    };
    let originals = Retention { originals_days: Some(30), tickets_days: None };
    assert_eq!(expire(30, originals).await.originals, 0, "not before its day is over");
    assert_eq!(expire(31, Retention::default()).await.originals, 0, "nothing ends without a rule");
    assert_eq!(expire(31, originals).await.originals, 3);
    assert_eq!(expire(31, originals).await.originals, 0, "nothing is left to do");
    let view = world.store.ticket_show(number(2), false, world.now).await.unwrap().unwrap();
    assert_eq!(view.messages[0].original.as_deref(), Some("erased"));
    assert!(!view.messages[0].text.is_empty(), "the redacted text lives on");
    let tickets = Retention { originals_days: None, tickets_days: Some(60) };
    assert!(expire(400, tickets).await.tickets.is_empty(), "an open ticket is not over");
    let closed = format!(
        "UPDATE ticket SET state = 'closed', close_reason = 'agent', state_at = {} WHERE number = 2",
        world.now.timestamp_micros()
    );
    super::cases_privacy::change(world, closed).await;
    assert!(expire(60, tickets).await.tickets.is_empty(), "not before its day is over");
    assert_eq!(expire(61, tickets).await.tickets, [number(2)]);
    assert!(expire(61, tickets).await.tickets.is_empty());
    let view = world.store.ticket_show(number(2), true, world.now).await.unwrap().unwrap();
    assert_eq!((view.line.subject.as_str(), view.messages[0].text.as_str()), ("", ""));
    assert!(world.store.audit_verify().await.unwrap().ok);
}

pub async fn l12_nobody_is_left_in_an_erased_ticket(world: &World) {
    let story = Story::new(1, MARY, "id-planted@clinic.example");
    let ticket = world.opened(&story).await;
    world.decided(&world.answer(&ticket)).await;
    let names = async || {
        serde_json::to_string(&world.store.ticket_show(number(1), true, world.now).await.unwrap()).unwrap()
    };
    assert!(names().await.contains(MARY) && names().await.contains("id-planted"), "the twin");
    assert_eq!(erase(world, 1).await, Ok(1));
    let shown = names().await;
    assert!(!shown.contains("planted") && !shown.contains("clinic.example"), "{shown}");
    let row = &world.store.ledger_list(&mailward::store::LedgerFilter::default()).await.unwrap()[0];
    assert_eq!((row.state.as_str(), row.sha256.as_deref()), ("erased", None));
    // A file that still lies in its directory is known by a keyed hash, and not taken in again.
    assert!(world.store.knows_bytes(&account("support"), &[1; 32]).await.unwrap());
    assert!(!world.store.knows_bytes(&account("support"), &[2; 32]).await.unwrap());
}

pub async fn an_opening_lasts_as_long_as_its_reason(world: &World) {
    world.opened(&Story { content: "the octets", ..Story::new(1, MARY, "a@x.example") }).await;
    let actor = ana();
    let facts = async || world.store.opening_facts(number(1), &actor).await.unwrap().unwrap();
    assert_eq!(facts().await.open_until, None);
    let opening = Opening {
        number: number(1),
        only: None,
        actor: &actor,
        operator: "op",
        reason: Some("Mary asked"),
        minutes: 30,
        action: "reveal",
        now: world.now,
    };
    world.store.reveal(&opening).await.unwrap();
    assert_eq!(facts().await.open_until, Some(world.later(30)));
    let on = Opening { reason: None, now: world.later(10), action: "attachment", ..opening.clone() };
    world.store.reveal(&on).await.unwrap();
    assert_eq!(facts().await.open_until, Some(world.later(30)), "going on does not lengthen it");
    let other = Actor::Operator("root".into());
    assert_eq!(world.store.opening_facts(number(1), &other).await.unwrap().unwrap().open_until, None);
    let trail = world.store.audit_show(Some(number(1)), 1, 9).await.unwrap();
    assert!(trail[1].reasons.contains(&"same_opening".to_owned()), "{trail:?}");
    assert!(trail.iter().all(|row| row.reasons.iter().all(|reason| !reason.contains("Mary"))));
    keep(world, 1, Keeping::Consent(world.later(60))).await.unwrap();
    assert_eq!(facts().await.consent_until, Some(world.later(60)));
}

pub async fn a_new_key_takes_over_every_value(world: &World) {
    let story = Story { content: "the octets", ..Story::new(1, MARY, "a@x.example") };
    let ticket = world.opened(&story).await;
    world.decided(&world.answer(&ticket)).await;
    let first = KeyRing::parse(&KeyRing::generate(&mailward::clock::Random::seeded(7)).unwrap()).unwrap();
    let both = KeyRing::parse(&first.rotated(&world.random).unwrap()).unwrap();
    let store = Store::open(&world.url, Arc::new(Sealer::new(&both).unwrap())).await.unwrap();
    let before = store.keys_in_use().await.unwrap();
    assert_eq!(before.keys().collect::<Vec<_>>(), [&1], "everything is sealed by the first key");
    let mut renewed = 0;
    for column in SealedColumn::ALL {
        let mut walk = Walk::default();
        while !walk.done {
            store.rekey(column, &mut walk, &world.ids()).await.unwrap();
        }
        assert!(walk.renewed > 0, "{column:?}");
        renewed += walk.renewed;
    }
    let after = store.keys_in_use().await.unwrap();
    assert_eq!((after.get(&1), after.get(&2)), (None, Some(&renewed)));
    let retired = KeyRing::parse(&both.retired(1).unwrap()).unwrap();
    let without = Store::open(&world.url, Arc::new(Sealer::new(&retired).unwrap())).await.unwrap();
    assert!(without.ring_fits().await.unwrap());
    let shown = without.ticket_show(number(1), true, world.now).await.unwrap().unwrap();
    assert_eq!(shown.line.requester.as_deref(), Some(MARY));
    let opened = without.stored_mail(world.keep(&story).await).await.unwrap().unwrap();
    assert_eq!(opened.bytes.as_slice(), b"the octets");
    store.close().await;
    without.close().await;
}
