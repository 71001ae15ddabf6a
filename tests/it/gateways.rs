//! Several gateways on one database: the work of a dead and of a frozen one is taken over in time, and
//! who wakes after its lease changes nothing any more, neither store nor mailbox nor relay (L9).

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, Executor as _, Row as _};

use super::harness::{At, Postgres, Sink, servers};
use super::lessons_support::{ANA, House, MARY, Mail, Plan, account, relay};
use super::torture_support::{Books, Database, Dice, Gateway, PATIENCE, Site, begin, reckon, sending};

/// One account each.
const MAILBOXES: [&str; 3] = ["support", "sales", "third"];
/// The promise of a take-over, and what a busy machine may add to it.
const TAKEN: Duration = Duration::from_secs(30);
const SLACK: Duration = Duration::from_secs(30);

/// Which run holds each account now.
async fn holders(books: &Books) -> BTreeMap<String, String> {
    let sql = "SELECT name, encode(run, 'hex') AS run FROM lease WHERE name LIKE 'account:%'";
    let rows = sqlx::query(sql).fetch_all(&mut books.connection().await).await.unwrap();
    rows.iter().map(|row| (row.get("name"), row.get("run"))).collect()
}

/// Waits until every account is held, and none by this run; gives how long it took.
async fn taken_over(site: &Site, from: &str) -> Duration {
    let since = Instant::now();
    loop {
        let holders = holders(&site.books).await;
        if holders.len() == MAILBOXES.len() && holders.values().all(|run| run != from) {
            return since.elapsed();
        }
        assert!(since.elapsed() < PATIENCE, "nobody takes over: {holders:?}\n{}", site.said());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until so many mails are decided and everything decided is sent.
async fn worked_off(site: &Site, mails: i64) {
    let (decided, unsent) = (
        "SELECT COUNT(*) FROM ledger WHERE state = 'committed'",
        "outbox WHERE state IN ('queued', 'later', 'leased')",
    );
    assert!(site.books.reaches(decided, mails, PATIENCE).await, "{}", site.said());
    let since = Instant::now();
    while site.books.count(unsent).await > 0 {
        assert!(since.elapsed() < PATIENCE, "mail stays unsent\n{}", site.said());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn feed(site: &Site, from: usize, more: usize, pause: u64) -> tokio::task::JoinHandle<()> {
    let mails = (from..from + more)
        .map(|number| sending(number, MAILBOXES[number % MAILBOXES.len()], Duration::from_millis(pause)));
    site.feed(mails.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn l9_a_dead_and_a_frozen_gateway_are_taken_over() {
    if !servers(&["dovecot", "postfix"]) {
        return;
    }
    let (mut dice, seed) = Dice::cast();
    println!("TORTURE_SEED={seed}");
    let Some(site) = Site::open(Database::Postgres, &MAILBOXES).await else { return };
    let first = site.gateway("first", false);
    let dead = first.run().await;
    taken_over(&site, "").await;
    let mut others = vec![site.gateway("second", false), site.gateway("third", false)];
    for other in &others {
        other.run().await;
    }

    // One is killed in the middle of its work.
    let feeding = feed(&site, 0, 60, 20);
    let decided = "SELECT COUNT(*) FROM ledger WHERE state = 'committed'";
    assert!(site.books.reaches(decided, 5, PATIENCE).await, "{}", site.said());
    tokio::time::sleep(dice.millis(300)).await;
    first.kill();
    let took = taken_over(&site, &dead).await;
    let since = Instant::now();
    feeding.await.unwrap();
    worked_off(&site, 60).await;
    println!(
        "a dead gateway: accounts taken over after {took:?}, everything sent {:?} later",
        since.elapsed()
    );
    assert!(took < TAKEN + SLACK, "{took:?}");

    let frozen = freeze_in_a_transaction(&site, &mut others, (60, 60)).await;
    assert!(frozen.took < TAKEN + SLACK, "{:?}", frozen.took);
    worked_off(&site, 120).await;
    println!("a frozen gateway: accounts taken over after {:?}", frozen.took);
    let left = Duration::from_secs(30).saturating_sub(frozen.since.elapsed());
    tokio::time::sleep(left).await;
    let before = (site.books.count("audit").await, site.sink.mails().len());
    frozen.gateway.signal("CONT");
    let since = Instant::now();
    while !frozen.gateway.said().contains("another gateway took over") {
        assert!(since.elapsed() < PATIENCE, "it does not see it: {}", frozen.gateway.said());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((site.books.count("audit").await, site.sink.mails().len()), before, "it changed something");

    // All of them go on, the woken one too.
    feed(&site, 120, 30, 20).await.unwrap();
    worked_off(&site, 150).await;
    others.push(frozen.gateway);
    for mut gateway in others {
        gateway.signal("TERM");
        assert!(gateway.ended().await.success(), "{}", gateway.said());
    }
    site.work_off().await;
    let relayed = reckon(&site, &MAILBOXES, 150).await;
    println!("{} mails sent, {} of them again", relayed.mails, relayed.again);
}

struct Frozen {
    gateway: Gateway,
    since: Instant,
    took: Duration,
}

/// Stops the gateway that holds most accounts while it waits for the lock of its transaction, in which
/// it has mails to decide; the lock is given to it afterwards, so that it sleeps with the key.
async fn freeze_in_a_transaction(
    site: &Site,
    others: &mut Vec<Gateway>,
    (from, more): (usize, usize),
) -> Frozen {
    let holders = holders(&site.books).await;
    let mut held = Vec::new();
    for other in others.iter() {
        let run = other.run().await;
        held.push(holders.values().filter(|holder| **holder == run).count());
    }
    let most = usize::from(held[1] > held[0]);
    let gateway = others.remove(most);
    let run = gateway.run().await;
    let mut lock = site.books.connection().await;
    let mut tx = lock.begin().await.unwrap();
    tx.execute("SELECT value FROM counter WHERE name = 'ticket' FOR UPDATE").await.unwrap();
    let feeding = feed(site, from, more, 0);
    let mine: BTreeSet<&str> = holders
        .iter()
        .filter(|(_, holder)| **holder == run)
        .filter_map(|(name, _)| name.split_once(':').map(|n| n.1))
        .collect();
    let mine: Vec<String> = mine.iter().map(|name| format!("'{name}'")).collect();
    let stored =
        format!("SELECT COUNT(*) FROM ledger WHERE state = 'stored' AND account IN ({})", mine.join(","));
    assert!(site.books.reaches(&stored, 1, PATIENCE).await, "{}", site.said());
    gateway.signal("STOP");
    let since = Instant::now();
    feeding.await.unwrap();
    tx.rollback().await.unwrap();
    taken_over(site, &run).await;
    Frozen { gateway, since, took: since.elapsed() }
}

/// A house on PostgreSQL whose relay is a sink of ours, with a directory as mailbox.
async fn direct(cluster: &Postgres, sink: &Sink) -> House {
    let plan = Plan {
        store: cluster.database(),
        smtp: relay(sink.port, "null"),
        accounts: account("support", "help", ""),
        simulated: false,
        ..Plan::default()
    };
    House::open(&plan).await
}

async fn until(what: &str, gateway: &Gateway, mut so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !so() {
        assert!(since.elapsed() < PATIENCE, "waited in vain: {what}\n{}", gateway.said());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A mail whose lease ran out while its sender was frozen between RCPT and DATA was sent by another
/// gateway: the woken one does not send it again. The twin, frozen for less, sends it itself.
#[tokio::test(flavor = "multi_thread")]
async fn l9_a_frozen_gateway_does_not_send_what_another_took_over() {
    let Some(cluster) = Postgres::start() else { return };
    let sink = Sink::start();
    let house = direct(&cluster, &sink).await;
    let count = |word: &str| sink.commands().iter().filter(|line| line.starts_with(word)).count();
    let now = mailward::clock::Clock::System.now();
    let slow = Duration::from_secs(3);

    let frozen = begin(&house, "frozen", false);
    sink.delay(At::Recipient, slow);
    house.drop_in("support", "one", &Mail::new(MARY, "One").bytes(), now);
    until("both mails are on their way", &frozen, || count("RCPT") == 2).await;
    frozen.signal("STOP");
    sink.recover();
    let mut other = begin(&house, "other", false);
    until("the other one sends both", &other, || sink.mails().len() == 2).await;
    frozen.signal("CONT");
    until("the woken one sees it", &frozen, || frozen.said().matches("not sent: this gateway").count() == 2)
        .await;
    assert_eq!((count("DATA"), sink.mails_to(MARY).len(), sink.mails_to(ANA).len()), (2, 1, 1));

    // The twin: alone, and frozen for less than its lease.
    other.signal("TERM");
    assert!(other.ended().await.success());
    sink.delay(At::Recipient, slow);
    house.drop_in("support", "two", &Mail::new(MARY, "Two").bytes(), now);
    until("both mails of the twin are on their way", &frozen, || count("RCPT") == 6).await;
    frozen.signal("STOP");
    tokio::time::sleep(Duration::from_secs(4)).await;
    frozen.signal("CONT");
    until("it sends them itself", &frozen, || sink.mails().len() == 4).await;
    assert_eq!((count("DATA"), count("RCPT")), (4, 6));
}

/// A relay that thinks for longer than a lease holds is no reason to take a mail over: its sender renews
/// the lease while it waits. Two gateways, each mail sent once.
#[tokio::test(flavor = "multi_thread")]
async fn l9_a_slow_relay_is_no_reason_to_take_over() {
    let Some(cluster) = Postgres::start() else { return };
    let sink = Sink::start();
    let house = direct(&cluster, &sink).await;
    sink.delay(At::Content, Duration::from_secs(45));
    let (one, other) = (begin(&house, "one", false), begin(&house, "other", false));
    other.run().await;
    house.drop_in("support", "one", &Mail::new(MARY, "One").bytes(), mailward::clock::Clock::System.now());
    until("both mails are sent", &one, || sink.mails().len() >= 2).await;
    let settled = "SELECT COUNT(*) FROM outbox WHERE state = 'sent' AND attempts = 1";
    assert!(Books::at(&house.office.loaded.store_url).reaches(settled, 2, PATIENCE).await, "{}", one.said());
    assert_eq!(sink.commands().iter().filter(|line| line.starts_with("DATA")).count(), 2);
}

/// L9 with SQLite: the second gateway waits and takes over when the first one ends; one that is to end
/// when idle says who has the account and ends with 75.
#[tokio::test(flavor = "multi_thread")]
async fn l9_the_second_gateway_on_sqlite_waits_or_says_why() {
    if !servers(&["dovecot", "postfix"]) {
        return;
    }
    let Some(site) = Site::open(Database::Sqlite, &["support"]).await else { return };
    let mut first = site.gateway("first", false);
    let lease = "account:support";
    assert!(
        site.books.reaches("SELECT COUNT(*) FROM lease WHERE name = 'account:support'", 1, PATIENCE).await
    );
    let fence = site.books.fence(lease).await;
    let mut second = site.gateway("second", false);
    let mut hurried = site.gateway("hurried", true);
    site.feed((0..60).map(|number| sending(number, "support", Duration::from_millis(5))).collect())
        .await
        .unwrap();
    worked_off(&site, 60).await;
    assert_eq!(site.books.fence(lease).await, fence, "the first one has it all the time");
    assert!(second.running() && first.running());

    let status = hurried.ended().await;
    assert_eq!(status.code(), Some(75), "{}", hurried.said());
    assert!(hurried.said().contains("support: another gateway holds this account"), "{}", hurried.said());

    first.signal("TERM");
    assert!(first.ended().await.success());
    site.feed((60..80).map(|number| sending(number, "support", Duration::from_millis(5))).collect())
        .await
        .unwrap();
    worked_off(&site, 80).await;
    assert_eq!(site.books.fence(lease).await, fence + 1, "the second one has it now");
    second.signal("TERM");
    assert!(second.ended().await.success());
    site.work_off().await;
    reckon(&site, &["support"], 80).await;
}
