//! Commit A, gaps, replay, leases, quarantine, balance.

use chrono::TimeDelta;
use mailward::domain::account::FirstRun;
use mailward::domain::effect::{Effect, LedgerState, Subject};
use mailward::domain::ids::{FolderName, Uid, UidValidity};
use mailward::domain::ticket::Actor;
use mailward::store::{Landing, LeaseName, LedgerFilter, NewGap, QuarantineAction, StoreError, Tidied};

use sqlx::Connection as _;

use super::world::{Story, World, account, inbox, origin, set_ledger};

pub async fn l09_two_pollers_make_one_row(world: &World) {
    world.see(FirstRun::Live).await;
    let batch = || (1..=50).map(|uid| world.original(uid, b"mail")).collect::<Vec<_>>();
    let (one, two) = (world.batch(batch(), Some(51)), world.batch(batch(), Some(51)));
    let (one, two) =
        tokio::join!(world.store.commit_originals(None, one), world.store.commit_originals(None, two));
    let (one, two) = (one.unwrap(), two.unwrap());
    for (one, two) in one.iter().zip(&two) {
        match (one, two) {
            (Landing::New(a), Landing::Known(b)) | (Landing::Known(b), Landing::New(a)) => assert_eq!(a, b),
            other => panic!("one of two pollers wins a mail: {other:?}"),
        }
    }
    assert_eq!(world.store.undecided(None).await.unwrap(), 50);
}

pub async fn l10_a_batch_is_durable_as_a_whole(world: &World) {
    world.see(FirstRun::Live).await;
    // The same row twice: the second insert fails and takes everything with it.
    let mut twins = vec![world.original(1, b"a"), world.original(2, b"b")];
    twins[1].id = twins[0].id;
    assert!(world.store.commit_originals(None, world.batch(twins, Some(3))).await.is_err());
    assert_eq!(world.store.undecided(None).await.unwrap(), 0);
    let folder = world.store.folder(&account("support"), &inbox()).await.unwrap().unwrap();
    assert_eq!(folder.next_uid.get(), 1);
    let good = vec![world.original(1, b"a"), world.original(2, b"b")];
    world.store.commit_originals(None, world.batch(good, Some(3))).await.unwrap();
    let folder = world.store.folder(&account("support"), &inbox()).await.unwrap().unwrap();
    assert_eq!(folder.next_uid.get(), 3);
    // An older cursor does not move it back.
    world.store.commit_originals(None, world.batch(Vec::new(), Some(2))).await.unwrap();
    assert_eq!(world.store.folder(&account("support"), &inbox()).await.unwrap().unwrap().next_uid.get(), 3);
}

fn gap(world: &World, minutes: i64) -> NewGap {
    let id = world.ids().ledger().unwrap();
    NewGap { id, origin: origin("support", 7), reason: "no_data", now: world.later(minutes), history: true }
}

pub async fn l03_a_gap_waits_and_is_filled(world: &World) {
    world.see(FirstRun::Live).await;
    let store = &world.store;
    let first = store.record_gap(None, &gap(world, 0)).await.unwrap().unwrap();
    assert_eq!((first.attempts, first.next_try), (1, world.later(1)));
    let (account, folder) = (account("support"), inbox());
    assert!(store.due_gaps(&account, &folder, world.now).await.unwrap().is_empty());
    assert_eq!(
        store.due_gaps(&account, &folder, world.later(1)).await.unwrap(),
        std::slice::from_ref(&first)
    );
    let second = store.record_gap(None, &gap(world, 1)).await.unwrap().unwrap();
    assert_eq!((second.id, second.attempts, second.next_try), (first.id, 2, world.later(6)));
    let listed = store.ledger_list(&LedgerFilter::default()).await.unwrap();
    assert_eq!((listed[0].state.as_str(), listed[0].reason.as_deref()), ("unfetchable", Some("no_data")));
    let mail = world.original(7, b"late");
    let landed = store.commit_originals(None, world.batch(vec![mail.clone()], None)).await.unwrap();
    assert_eq!(landed, [Landing::New(mail.id)]);
    assert!(store.due_gaps(&account, &folder, world.later(900)).await.unwrap().is_empty());
    let kept = store.stored_mail(mail.id).await.unwrap().unwrap();
    assert_eq!((kept.bytes.as_slice(), kept.history, kept.attempts), (&b"late"[..], true, 0));
    assert_eq!(store.record_gap(None, &gap(world, 9)).await.unwrap(), None);
}

/// Pieces have 1 MiB; sealed, a mail is longer by 20 octets and 16 for each 64 KiB: the first one here
/// fills a piece to the last octet.
pub async fn l28_a_large_original_lies_in_pieces(world: &World) {
    world.see(FirstRun::Live).await;
    let mails = [1_048_300, 1_048_301, 3 << 20, 9].map(|length| vec![b'x'; length]);
    let originals: Vec<_> = (1..).zip(&mails).map(|(uid, mail)| world.original(uid, mail)).collect();
    let ids: Vec<_> = originals.iter().map(|original| original.id).collect();
    world.store.commit_originals(None, world.batch(originals, Some(9))).await.unwrap();
    for (id, mail) in ids.iter().zip(&mails) {
        assert!(*world.store.stored_mail(*id).await.unwrap().unwrap().bytes == *mail);
    }
    let mut raw = sqlx::AnyConnection::connect(&world.url).await.unwrap();
    let pieces = "SELECT COUNT(*) FROM original_part";
    assert_eq!(sqlx::query_scalar::<_, i64>(pieces).fetch_one(&mut raw).await.unwrap(), 4);
    // Erasing takes them along (L12).
    sqlx::query("DELETE FROM original").execute(&mut raw).await.unwrap();
    assert_eq!(sqlx::query_scalar::<_, i64>(pieces).fetch_one(&mut raw).await.unwrap(), 0);
    raw.close().await.unwrap();
}

pub async fn l25_rows_of_a_dead_run_are_replayed(world: &World) {
    world.see(FirstRun::Live).await;
    let mails: Vec<_> = (1..=3).map(|uid| world.original(uid, format!("mail {uid}").as_bytes())).collect();
    world.store.commit_originals(None, world.batch(mails, Some(4))).await.unwrap();
    let rows = |run| {
        let account = account("support");
        async move { world.store.stored_rows(&account, 10, run).await.unwrap() }
    };
    assert!(rows(world.run).await.is_empty());
    let other = world.ids().run().unwrap();
    let replayed = rows(other).await;
    let seen: Vec<_> = replayed.iter().map(|m| (m.origin.uid.get(), m.bytes.to_vec())).collect();
    assert_eq!(seen, [(1, b"mail 1".to_vec()), (2, b"mail 2".to_vec()), (3, b"mail 3".to_vec())]);
    let poison = replayed[1].id;
    for attempt in 1..=3 {
        assert_eq!(world.store.record_solo_attempt(None, poison, world.run).await.unwrap(), attempt);
    }
    world.store.quarantine(None, poison, "crash", world.now).await.unwrap();
    assert_eq!(rows(other).await.len(), 2);
    // SIGTERM in the middle of an attempt: this run's is taken back, another run's stays.
    world.store.record_solo_attempt(None, replayed[0].id, world.run).await.unwrap();
    world.store.record_solo_attempt(None, replayed[2].id, other).await.unwrap();
    world.store.forgive_attempts(world.run).await.unwrap();
    let attempts: Vec<u32> =
        rows(world.ids().run().unwrap()).await.iter().map(|mail| mail.attempts).collect();
    assert_eq!(attempts, [0, 1]);
    assert!(matches!(
        world.store.record_solo_attempt(None, poison, world.run).await,
        Err(StoreError::Missing(_))
    ));
    let chance = world.store.quarantine_second_chance(None, &account("support"), 2, world.now).await.unwrap();
    assert_eq!(chance, Some(poison));
    let again = world.store.stored_mail(poison).await.unwrap().unwrap();
    assert_eq!(again.attempts, 2, "one attempt is left to it");
    world.store.quarantine(None, poison, "crash", world.now).await.unwrap();
    assert_eq!(
        world.store.quarantine_second_chance(None, &account("support"), 2, world.now).await.unwrap(),
        None
    );
}

pub async fn l30_a_new_uidvalidity_starts_over(world: &World) {
    world.see(FirstRun::History).await;
    let (account, folder) = (account("support"), inbox());
    world.store.commit_originals(None, world.batch(vec![world.original(5, b"x")], Some(6))).await.unwrap();
    let state = world.store.uidvalidity_changed(&account, &folder, UidValidity(10)).await.unwrap();
    assert_eq!((state.uidvalidity.0, state.next_uid.get(), state.history_below), (10, 1, 0));
    // A cursor of the old one comes too late, and the same UID is another mail now.
    world.store.commit_originals(None, world.batch(Vec::new(), Some(9))).await.unwrap();
    assert_eq!(world.store.folder(&account, &folder).await.unwrap().unwrap().next_uid.get(), 1);
    let mut again = world.original(5, b"x");
    again.origin.uidvalidity = UidValidity(10);
    let landed = world.store.commit_originals(None, world.batch(vec![again.clone()], None)).await.unwrap();
    assert_eq!(landed, [Landing::New(again.id)]);
    let uids = world.store.known_uids(&account, &folder, UidValidity(10)).await.unwrap();
    assert_eq!(uids, [Uid::new(5).unwrap()]);
}

pub async fn l15_the_border_of_history_is_kept(world: &World) {
    assert_eq!(world.store.folder(&account("support"), &inbox()).await.unwrap(), None);
    world.see(FirstRun::History).await;
    world.see(FirstRun::Live).await;
    let state = world.store.folder(&account("support"), &inbox()).await.unwrap().unwrap();
    assert_eq!((state.history_below, state.next_uid.get(), state.polled_at), (40, 1, None));
    world.store.polled(&account("support"), &inbox(), world.later(1)).await.unwrap();
    world.store.reconciled(&account("support"), &inbox(), world.later(2)).await.unwrap();
    let state = world.store.folder(&account("support"), &inbox()).await.unwrap().unwrap();
    assert_eq!((state.polled_at, state.reconciled_at), (Some(world.later(1)), Some(world.later(2))));
}

pub async fn local_folders_number_their_mails(world: &World) {
    let folder = FolderName::parse("pipe").unwrap();
    for n in 1..=3 {
        let uid = world.store.next_local_uid(&account("local"), &folder).await.unwrap();
        assert_eq!(uid.get(), n);
    }
    let mut mail = world.original(1, b"file");
    mail.origin.uidvalidity = UidValidity(1);
    let hash = mail.sha256;
    world.store.commit_originals(None, world.batch(vec![mail], None)).await.unwrap();
    assert!(world.store.knows_bytes(&account("support"), &hash).await.unwrap());
    assert!(!world.store.knows_bytes(&account("support"), &[9; 32]).await.unwrap());
}

pub async fn l13_what_lies_on_the_server_is_remembered(world: &World) {
    let a = world.opened(&Story::new(1, "mary@clinic.example", "a@clinic.example")).await;
    let b = world.keep(&Story::new(2, "mary@clinic.example", "b@clinic.example")).await;
    assert_eq!(a.number.get(), 1);
    let to_tidy =
        || async { world.store.to_tidy(&account("support"), &inbox(), UidValidity(9), 10).await.unwrap() };
    let list = to_tidy().await;
    assert_eq!(list.iter().map(|t| (t.uid.get(), t.copied)).collect::<Vec<_>>(), [(1, false)]);
    world.store.tidied(None, &[list[0].id], Tidied::Copied).await.unwrap();
    assert!(to_tidy().await[0].copied);
    world.store.tidied(None, &[list[0].id], Tidied::Done).await.unwrap();
    assert!(to_tidy().await.is_empty());
    assert!(world.store.stored_mail(b).await.unwrap().is_some());
}

pub async fn a_lost_lease_changes_nothing(world: &World) {
    let (store, ttl) = (&world.store, TimeDelta::seconds(60));
    let name = LeaseName::Account(account("support"));
    let (one, two) = (world.run, world.ids().run().unwrap());
    let lease = store.take_lease(&name, one, world.now, ttl).await.unwrap().unwrap();
    assert_eq!(store.take_lease(&name, two, world.now, ttl).await.unwrap(), None);
    assert!(store.take_lease(&LeaseName::Sweep, two, world.now, ttl).await.unwrap().is_some());
    store.renew(&lease, world.later(1), ttl).await.unwrap();
    assert_eq!(store.take_lease(&name, two, world.later(1), ttl).await.unwrap(), None);
    let mine = store.take_lease(&name, two, world.later(3), ttl).await.unwrap().unwrap();
    assert!(mine.fence > lease.fence);
    let batch = || world.batch(vec![world.original(1, b"x")], None);
    assert_eq!(store.commit_originals(Some(&lease), batch()).await, Err(StoreError::Fenced));
    assert!(matches!(store.begin(Some(&lease)).await, Err(StoreError::Fenced)));
    assert_eq!(store.renew(&lease, world.later(3), ttl).await, Err(StoreError::Fenced));
    let landed =
        store.commit_originals(None, world.batch(vec![world.original(7, b"y")], None)).await.unwrap();
    let Some(Landing::New(id)) = landed.first().copied() else { panic!("{landed:?}") };
    let late = Some(&lease);
    assert_eq!(store.record_gap(late, &gap(world, 3)).await, Err(StoreError::Fenced));
    assert_eq!(store.record_solo_attempt(late, id, one).await, Err(StoreError::Fenced));
    assert_eq!(store.tidied(late, &[id], Tidied::Done).await, Err(StoreError::Fenced));
    assert_eq!(store.quarantine(late, id, "crash", world.now).await, Err(StoreError::Fenced));
    let (mail, support) = (store.stored_mail(id).await.unwrap().unwrap(), account("support"));
    assert_eq!((mail.attempts, mail.run), (0, world.run), "not even counted");
    // The twin: who holds it may.
    assert_eq!(store.record_solo_attempt(Some(&mine), id, two).await, Ok(1));
    store.quarantine(Some(&mine), id, "crash", world.now).await.unwrap();
    let chance = store.quarantine_second_chance(late, &support, 2, world.now).await;
    assert_eq!(chance, Err(StoreError::Fenced));
    let chance = store.quarantine_second_chance(Some(&mine), &support, 2, world.now).await;
    assert_eq!(chance, Ok(Some(id)));
    store.quarantine(Some(&mine), id, "crash", world.now).await.unwrap();
    store.release(&lease).await.unwrap();
    assert_eq!(store.undecided(None).await.unwrap(), 0);
    store.commit_originals(Some(&mine), batch()).await.unwrap();
    store.begin(Some(&mine)).await.unwrap().rollback().await.unwrap();
    store.release(&mine).await.unwrap();
    assert!(store.take_lease(&name, one, world.later(3), ttl).await.unwrap().is_some());
}

pub async fn l07_every_mail_is_in_the_balance(world: &World) {
    world.see(FirstRun::Live).await;
    let first = Story::new(1, "mary@clinic.example", "a@clinic.example");
    let ticket = world.opened(&first).await;
    let second = Story::new(2, "mary@clinic.example", "b@clinic.example");
    let ledger = world.keep(&second).await;
    world.decided(&world.joins(&ticket, &second, ledger)).await;
    for (uid, state) in [(3, LedgerState::Recorded), (4, LedgerState::Held), (5, LedgerState::Ignored)] {
        let story = Story::new(uid, "robot@clinic.example", "r@clinic.example");
        let ledger = world.keep(&story).await;
        let effects = vec![set_ledger(ledger, state)];
        world.decided(&world.decision(Subject::Nothing, effects, state.as_str())).await;
    }
    world.keep(&Story::new(6, "mary@clinic.example", "c@clinic.example")).await;
    world.store.record_gap(None, &gap(world, 0)).await.unwrap();
    let days = world.store.ledger_balance(Some(&account("support"))).await.unwrap();
    assert_eq!(days.len(), 1);
    let day = &days[0];
    assert_eq!((day.day.as_str(), day.incoming, day.balanced), ("2026-03-02", 7, true));
    assert_eq!((day.tickets, day.joined, day.recorded, day.held, day.ignored), (1, 1, 1, 1, 1));
    assert_eq!((day.stored, day.unfetchable), (1, 1));
    let listed = world.store.ledger_list(&LedgerFilter::default()).await.unwrap();
    assert_eq!(listed.len(), 7);
    let reasons = listed.iter().filter(|row| row.state != "stored").all(|row| row.reason.is_some());
    assert!(reasons, "a decided mail has a reason");
    assert_eq!(listed.iter().filter(|row| row.ticket == Some(1)).count(), 2);
}

pub async fn quarantine_holds_and_lets_go(world: &World) {
    world.see(FirstRun::Live).await;
    let operator = Actor::Operator("root".into());
    let mut ids = Vec::new();
    for uid in 1..=3 {
        let story = Story::new(uid, "x@clinic.example", "q@clinic.example");
        let ledger = world.keep(&story).await;
        let held: Vec<Effect> = vec![set_ledger(ledger, LedgerState::Held)];
        world.decided(&world.decision(Subject::Nothing, held, "held")).await;
        ids.push(ledger);
    }
    assert_eq!(world.store.quarantine_list().await.unwrap().len(), 3);
    let act = |at: usize, action| world.store.quarantine_act(ids[at], action, &operator, world.now);
    act(0, QuarantineAction::Release).await.unwrap();
    act(1, QuarantineAction::Retry).await.unwrap();
    act(2, QuarantineAction::Discard).await.unwrap();
    assert!(matches!(act(2, QuarantineAction::Retry).await, Err(StoreError::Missing(_))));
    let replayed = world.store.stored_rows(&account("support"), 10, world.run).await.unwrap();
    assert_eq!(replayed.iter().map(|m| m.released).collect::<Vec<_>>(), [true, false]);
    assert!(world.store.quarantine_list().await.unwrap().is_empty());
}
