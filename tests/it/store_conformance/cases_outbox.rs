//! The way out: claims, results, the governor, and what the clock must know of deliveries.

use chrono::TimeDelta;
use mailward::domain::account::FirstRun;
use mailward::domain::effect::{Effect, LedgerState, Subject};
use mailward::domain::ids::OutboxId;
use mailward::domain::message::ThreadHints;
use mailward::domain::outgoing::Suppression;
use mailward::domain::policy::Governor;
use mailward::domain::ticket::{Actor, LastPublic};
use mailward::domain::token::{Purpose, Token};
use mailward::store::{CommandQuery, OutboxFilter, Outcome, StoreError, TickQuery};

use super::world::{
    NO_CAPS, Story, World, account, desk, first, inbox, message_id, number, set_ledger, suppressed,
};

const MARY: &str = "mary@clinic.example";

fn lease() -> TimeDelta {
    TimeDelta::seconds(120)
}

async fn sent(world: &World, ids: &[OutboxId]) {
    let results: Vec<_> = ids.iter().map(|id| (*id, Outcome::Sent { learnt: None })).collect();
    world.store.settle(world.now, world.run, &results).await.unwrap();
}

async fn state(world: &World, id: OutboxId) -> (String, i64) {
    let rows = world.store.outbox_list(&OutboxFilter::default(), false).await.unwrap();
    let row = rows.into_iter().find(|row| row.id == id.to_string()).unwrap();
    (row.state, row.attempts)
}

pub async fn a_claim_is_a_lease(world: &World) {
    let ticket = world.opened(&Story::new(1, MARY, "a@x.example")).await;
    world.decided(&world.answer(&ticket)).await;
    let claimed = world.store.claim(world.now, hold(world.now, world.run, lease()), 10).await.unwrap();
    let kinds: Vec<_> = claimed.iter().map(|c| (c.kind.as_str(), c.attempts, c.automatic)).collect();
    assert_eq!(kinds, [("answer", 1, false), ("received", 1, true)], "answers go first");
    assert_eq!(claimed[0].recipient.expose(), MARY);
    assert!(claimed[0].bytes.ends_with(b"planted-body"));
    assert_eq!(claimed[0].reverse_path, None);
    assert!(world.store.claim(world.now, hold(world.now, world.run, lease()), 10).await.unwrap().is_empty());
    assert_eq!(world.store.next_wake().await.unwrap(), Some(world.later(2)));
    assert_eq!(world.store.unsent_count().await.unwrap(), 2);
    // Who still sends prolongs it, for what it holds and has in hand.
    let longer = hold(world.later(1), world.run, lease());
    let ids: Vec<_> = claimed.iter().map(|row| row.id).collect();
    assert_eq!(world.store.renew_rows(longer, &ids).await, Ok(ids.len()));
    let stranger = hold(world.later(1), world.ids().run().unwrap(), lease());
    assert_eq!(world.store.renew_rows(stranger, &ids).await, Ok(0));
    assert!(
        world
            .store
            .claim(world.later(2), hold(world.later(2), stranger.run, lease()), 10)
            .await
            .unwrap()
            .is_empty()
    );
    // Whoever slept through the lease loses the row, but what was sent stays sent.
    let other = world.ids().run().unwrap();
    let again = world.store.claim(world.later(3), hold(world.later(3), other, lease()), 10).await.unwrap();
    assert_eq!((again.len(), again[0].attempts), (2, 2));
    assert_eq!(again[0].bytes, claimed[0].bytes, "a retry is byte-identical");
    let dead = [(claimed[0].id, Outcome::Dead { error: "5.1.1".into() })];
    world.store.settle(world.now, world.run, &dead).await.unwrap();
    assert_eq!(state(world, claimed[0].id).await, ("leased".into(), 2));
    sent(world, &[claimed[1].id]).await;
    assert_eq!(state(world, claimed[1].id).await, ("sent".into(), 2));
}

pub async fn two_claimers_share_no_row(world: &World) {
    for uid in 1..=20 {
        let story = Story { id: None, ..Story::new(uid, MARY, "-") };
        world.opened(&story).await;
    }
    let (one, two) = (world.run, world.ids().run().unwrap());
    let (a, b) = tokio::join!(
        world.store.claim(world.now, hold(world.now, one, lease()), 12),
        world.store.claim(world.now, hold(world.now, two, lease()), 12)
    );
    let (a, b) = (a.unwrap(), b.unwrap());
    assert!(a.iter().all(|row| b.iter().all(|other| other.id != row.id)));
    let rest = world.store.claim(world.now, hold(world.now, one, lease()), 12).await.unwrap();
    assert_eq!(a.len() + b.len() + rest.len(), 20);
}

pub async fn l29_results_and_pauses(world: &World) {
    for uid in 1..=3 {
        world.opened(&Story { id: None, ..Story::new(uid, MARY, "-") }).await;
    }
    let rows = world.store.claim(world.now, hold(world.now, world.run, lease()), 10).await.unwrap();
    let [a, b, c] = [rows[0].id, rows[1].id, rows[2].id];
    world.store.release_rows(world.run, &[a]).await.unwrap();
    let error = || "4.2.1".to_owned();
    let results = [
        (b, Outcome::Later { not_before: world.later(10), error: error() }),
        (c, Outcome::Dead { error: error() }),
    ];
    world.store.settle(world.now, world.run, &results).await.unwrap();
    assert_eq!(state(world, a).await, ("queued".into(), 0));
    assert_eq!(state(world, b).await, ("later".into(), 1));
    assert_eq!(state(world, c).await, ("dead".into(), 1));
    let again =
        world.store.claim(world.later(5), hold(world.later(5), world.run, lease()), 10).await.unwrap();
    assert_eq!(again.iter().map(|row| row.id).collect::<Vec<_>>(), [a]);
    sent(world, &[a]).await;
    assert_eq!(world.store.next_wake().await.unwrap(), Some(world.later(10)));
    let operator = Actor::Operator("root".into());
    world.store.outbox_retry(c, &operator, world.now).await.unwrap();
    assert_eq!(state(world, c).await, ("queued".into(), 0));
    let missing = world.store.outbox_retry(a, &operator, world.now).await;
    assert!(matches!(missing, Err(StoreError::Missing(_))));
    assert_eq!(world.store.oldest_unsent().await.unwrap(), Some(world.now));
}

pub async fn the_governor_counts_what_was_sent(world: &World) {
    let caps = Governor { per_address_hour: 3, per_address_day: 10, per_mailbox_hour: 2 };
    for uid in 1..=4 {
        let story = Story { id: None, ..Story::new(uid, "M.ary+x@gmail.com", "-") };
        let ledger = world.keep(&story).await;
        let mut decision = world.new_ticket(&story, ledger);
        if uid == 4 {
            let mail = suppressed(world.received(), Suppression::Cap);
            decision.effects.retain(|effect| !matches!(effect, Effect::Enqueue(_)));
            decision.effects.push(Effect::Enqueue(Box::new(mail)));
        }
        if uid == 1 {
            decision.at = world.later(-120);
        }
        world.decided(&decision).await;
    }
    let counts = |from, caps: Governor| async move {
        let story = Story { id: None, ..Story::new(9, from, "-") };
        let ledger = world.keep(&story).await;
        let mut work = world.store.begin(None).await.unwrap();
        let facts = world.facts(&mut work, &story, ledger, &caps).await;
        work.rollback().await.unwrap();
        (facts.counts.address_hour, facts.counts.address_day, facts.counts.mailbox_hour)
    };
    assert_eq!(counts("mary@googlemail.com", caps).await, (2, 3, 2), "the mailbox counts up to its cap");
    assert_eq!(counts("john@gmail.com", caps).await, (0, 0, 2));
    assert_eq!(counts("mary@gmail.com", NO_CAPS).await, (0, 0, 0));
    let filter = OutboxFilter { state: Some("suppressed".into()), ..OutboxFilter::default() };
    let rows = world.store.outbox_list(&filter, false).await.unwrap();
    assert_eq!((rows.len(), rows[0].reason.as_deref(), rows[0].not_before), (1, Some("cap"), None));
    assert_eq!(world.store.claim(world.now, hold(world.now, world.run, lease()), 9).await.unwrap().len(), 3);
}

pub async fn l32_an_accepted_answer_makes_the_ticket_due(world: &World) {
    let ticket = world.opened(&Story::new(1, MARY, "a@x.example")).await;
    world.decided(&world.answer(&ticket)).await;
    let answered = world.ticket(1).await;
    let Some(LastPublic::Answer { accepted_at: None, bounced: false, .. }) = answered.last_public else {
        panic!("the answer is the last public event: {:?}", answered.last_public);
    };
    let due = || async {
        let mut work = world.store.begin(None).await.unwrap();
        let due = work.due_tickets(world.later(1), 10).await.unwrap();
        work.rollback().await.unwrap();
        due
    };
    assert!(due().await.is_empty());
    let rows = world.store.claim(world.now, hold(world.now, world.run, lease()), 10).await.unwrap();
    let learnt = Outcome::Sent { learnt: Some(message_id("learnt@relay.example")) };
    world.store.settle(world.later(1), world.run, &[(rows[0].id, learnt)]).await.unwrap();
    let due = due().await;
    assert_eq!(due.len(), 1);
    let Some(LastPublic::Answer { accepted_at, .. }) = due[0].last_public else { panic!("an answer") };
    assert_eq!((accepted_at, due[0].due_at, due[0].version), (Some(world.later(1)), Some(world.later(1)), 2));
    // A bounce that names what the relay called it finds the ticket.
    let hints =
        ThreadHints { in_reply_to: vec![message_id("learnt@relay.example")], ..ThreadHints::default() };
    let story = Story { hints, ..Story::new(2, MARY, "r@x.example") };
    let ledger = world.keep(&story).await;
    let mut work = world.store.begin(None).await.unwrap();
    assert_eq!(world.facts(&mut work, &story, ledger, &NO_CAPS).await.candidates.len(), 1);
    work.rollback().await.unwrap();
}

pub async fn l32_what_stands_against_closing(world: &World) {
    world.see(FirstRun::Live).await;
    let ticket = world.opened(&Story::new(1, MARY, "a@x.example")).await;
    world.decided(&world.answer(&ticket)).await;
    let folders = [(account("support"), inbox())];
    let facts = || async {
        let ticket = world.ticket(1).await;
        let mut work = world.store.begin(None).await.unwrap();
        let (now, caps) = (world.later(9), &NO_CAPS);
        let query = TickQuery { ticket: &ticket, now, folders: &folders, caps, on_call: false };
        let facts = work.tick_facts(&query).await.unwrap();
        let alone = TickQuery { folders: &[], ..query };
        assert_eq!(work.tick_facts(&alone).await.unwrap().polled_until, Some(world.later(9)));
        work.rollback().await.unwrap();
        facts
    };
    let seen = facts().await;
    assert_eq!((seen.unsent, seen.mail_waits, seen.polled_until), (true, false, None));
    assert_eq!((seen.unattributed_since, seen.ticket.subject.as_str()), (None, "printer [NAME]"));
    let rows = world.store.claim(world.now, hold(world.now, world.run, lease()), 10).await.unwrap();
    sent(world, &rows.iter().map(|row| row.id).collect::<Vec<_>>()).await;
    world.store.polled(&account("support"), &inbox(), world.later(8)).await.unwrap();
    world.store.reconciled(&account("support"), &inbox(), world.later(7)).await.unwrap();
    let seen = facts().await;
    assert_eq!((seen.unsent, seen.polled_until), (false, Some(world.later(7))));
    // A mail nobody read yet, then one that is known to be hers and is held.
    let waiting = Story::new(2, MARY, "b@x.example");
    let ledger = world.keep(&waiting).await;
    assert_eq!(facts().await.unattributed_since, Some(world.now));
    let mut work = world.store.begin(None).await.unwrap();
    world.facts(&mut work, &waiting, ledger, &NO_CAPS).await;
    let held = world.decision(Subject::Nothing, vec![set_ledger(ledger, LedgerState::Held)], "held");
    world.carry(&mut work, &held).await.unwrap();
    work.commit(world.now).await.unwrap();
    let seen = facts().await;
    assert_eq!((seen.mail_waits, seen.unattributed_since), (true, None));
    // A dead answer never stops standing against it, and makes the ticket due.
    let ticket = world.ticket(1).await;
    world.decided(&world.answer(&ticket)).await;
    let rows = world.store.claim(world.now, hold(world.now, world.run, lease()), 10).await.unwrap();
    let dead = Outcome::Dead { error: "5.1.1".into() };
    world.store.settle(world.later(3), world.run, &[(rows[0].id, dead)]).await.unwrap();
    assert!(facts().await.unsent);
    assert_eq!(world.ticket(1).await.due_at, Some(world.now));
    let mut work = world.store.begin(None).await.unwrap();
    let query = CommandQuery { number: number(1), agent: None, other: None, now: world.now, caps: &NO_CAPS };
    let command = work.command_facts(&query).await.unwrap().unwrap();
    assert_eq!(command.last_inbound, Some(message_id("a@x.example")));
    let none = CommandQuery { number: number(99), ..query };
    assert_eq!(work.command_facts(&none).await.unwrap(), None);
    work.rollback().await.unwrap();
}

pub async fn a_bounce_finds_its_row(world: &World) {
    let ticket = world.opened(&Story::new(1, MARY, "a@x.example")).await;
    world.decided(&world.answer(&ticket)).await;
    let rows = world.store.claim(world.now, hold(world.now, world.run, lease()), 10).await.unwrap();
    sent(world, &rows.iter().map(|row| row.id).collect::<Vec<_>>()).await;
    let mut work = world.store.begin(None).await.unwrap();
    let (desk, account, from) =
        (desk("help"), account("support"), super::world::address("mailer-daemon@x.example"));
    let token = Token { purpose: Purpose::Bounce, ticket: number(1), participant: first() };
    let by_token = ThreadHints { tokens: vec![token], ..ThreadHints::default() };
    let none = ThreadHints::default();
    for (hints, original) in [(&none, Some(&rows[0].message_id)), (&by_token, None)] {
        let query = mailward::store::FactsQuery {
            ledger: world.ids().ledger().unwrap(),
            desk: &desk,
            account: &account,
            hints,
            message_id: None,
            from: Some(&from),
            content_key: world.key("bounce@x.example"),
            now: world.now,
            bounce_original: original,
            caps: &NO_CAPS,
            history: false,
            folder_responds: true,
            oversize: false,
        };
        let (row, ticket) = work.facts(&query).await.unwrap().sent_row.unwrap();
        assert_eq!((row.outbox, row.answer, ticket.number.get()), (rows[0].id, true, 1));
    }
    let ticket = work.ticket(number(1)).await.unwrap().unwrap();
    let status = Some("5.1.1".to_owned());
    let effects = vec![Effect::MarkBounced { outbox: rows[0].id, permanent: true, status }];
    let decision = world.decision(Subject::Existing(ticket.id, ticket.version), effects, "bounced");
    world.carry(&mut work, &decision).await.unwrap();
    work.commit(world.now).await.unwrap();
    assert!(matches!(world.ticket(1).await.last_public, Some(LastPublic::Answer { bounced: true, .. })));
    let rows = world.store.outbox_list(&OutboxFilter::default(), false).await.unwrap();
    assert_eq!(rows.iter().filter(|row| row.bounced).count(), 1);
}

fn hold(
    at: mailward::domain::message::Instant,
    run: mailward::domain::ids::RunId,
    ttl: chrono::TimeDelta,
) -> mailward::store::Hold {
    mailward::store::Hold { run, at, ttl }
}
