//! The kill test (L2): mail arrives by SMTP while the real gateway is killed at random milliseconds
//! and started again. What the books show after each kill tells at which station it was hit; at the
//! end nothing is lost, nothing doubled. `torture_kills` does it round after round for
//! `TORTURE_MINUTES`; `TORTURE_SEED` repeats one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::time::{Duration, Instant};

use super::harness::servers;
use super::torture_support::{Database, Dice, MAILBOX, PATIENCE, Site, reckon, sending};

/// Mails of a round, each from a sender of its own.
const MAILS: usize = 200;
/// Kills of a round, and how many there may be until enough stations were hit.
const KILLS: u32 = 22;
const MOST_KILLS: u32 = 60;
/// Stations that a round has to hit.
const STATIONS: usize = 5;

/// What the books show after a kill, named for what was not done yet.
const UNFETCHED: &str = "in the mailbox, not in the ledger";
const STORED: &str = "stored, not decided";
const SOLO: &str = "in a solo attempt";
const QUEUED: &str = "decided, outbox row not claimed";
const LEASED: &str = "outbox row claimed, not settled";
const ACCEPTED: &str = "accepted by the relay, not settled";
const HERE: &str = "decided, not moved";
const MOVED: &str = "moved, not noted";

/// What grows while a station is at work; a kill may be aimed at one.
const SIGNS: [&str; 5] = [
    "SELECT COUNT(*) FROM ledger",
    "SELECT COUNT(*) FROM ledger WHERE state = 'committed'",
    "SELECT COUNT(*) FROM outbox WHERE attempts > 0",
    "SELECT COUNT(*) FROM outbox WHERE state = 'sent'",
    "SELECT COUNT(*) FROM ledger WHERE tidy = 'done'",
];

/// Sums of one round or of many.
#[derive(Debug, Default)]
struct Totals {
    rounds: u32,
    mails: usize,
    kills: u32,
    sent: usize,
    again: usize,
    stations: BTreeMap<&'static str, u32>,
}

impl Totals {
    fn hit(&mut self, station: &'static str, times: u32) {
        if times > 0 {
            *self.stations.entry(station).or_default() += times;
        }
    }

    fn add(&mut self, other: &Self) {
        self.rounds += other.rounds;
        self.mails += other.mails;
        self.kills += other.kills;
        self.sent += other.sent;
        self.again += other.again;
        for (station, times) in &other.stations {
            self.hit(station, *times);
        }
    }
}

impl std::fmt::Display for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rounds, mails, kills, sent, again, stations } = self;
        writeln!(
            f,
            "rounds {rounds}, mails {mails}, kills {kills}, sent {sent}, of these again {again}, lost 0, doubled 0"
        )?;
        stations.iter().try_for_each(|(station, times)| writeln!(f, "  {times:5}  {station}"))
    }
}

/// Past the test harness, which keeps back what a passing test prints.
fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// One round on fresh servers; `None` where a server is missing and that was waived.
async fn round(database: Database) -> Option<Totals> {
    if !servers(&["dovecot", "postfix"]) {
        return None;
    }
    let (mut dice, seed) = Dice::cast();
    println!("{database:?}, TORTURE_SEED={seed}");
    let site = Site::open(database, &[MAILBOX]).await?;
    let mut totals = Totals { rounds: 1, mails: MAILS, ..Totals::default() };
    let mut fed = 0;
    while totals.kills < KILLS || totals.stations.len() < STATIONS {
        assert!(totals.kills < MOST_KILLS, "too few stations: {totals}");
        let lives = usize::try_from(KILLS.saturating_sub(totals.kills)).unwrap().max(1);
        let more = (MAILS - fed).div_ceil(lives);
        life(&site, &mut dice, (fed, more), &mut totals).await;
        fed += more;
        site.time_passes().await;
    }
    assert_eq!(fed, MAILS);
    arrived(&site, &(1..=u32::try_from(MAILS).unwrap()).collect()).await;
    site.work_off().await;
    let relayed = reckon(&site, &[MAILBOX], MAILS).await;
    (totals.sent, totals.again) = (relayed.mails + relayed.again, relayed.again);
    totals.hit(ACCEPTED, u32::try_from(relayed.again).unwrap());
    Some(totals)
}

/// Waits until Postfix has handed everything over: a UID a mail, in the mailbox or decided.
async fn arrived(site: &Site, all: &BTreeSet<u32>) {
    let since = Instant::now();
    loop {
        let mut seen = site.uids(MAILBOX, "INBOX");
        seen.extend(site.books.ledger(MAILBOX).await.keys());
        if seen == *all {
            return;
        }
        assert!(since.elapsed() < PATIENCE, "{} of {} arrived", seen.len(), all.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// One life of the gateway: it wakes, mail comes in, it is killed at a random millisecond.
async fn life(site: &Site, dice: &mut Dice, (from, more): (usize, usize), totals: &mut Totals) {
    let lease = format!("account:{MAILBOX}");
    let fence = site.books.fence(&lease).await;
    let gateway = site.gateway("killed", false);
    let mails = (from..from + more).map(|number| sending(number, MAILBOX, dice.millis(40)));
    let feeding = site.feed(mails.collect());
    let mut awake = false;
    let since = Instant::now();
    while !awake {
        awake = site.books.fence(&lease).await > fence;
        assert!(since.elapsed() < PATIENCE, "the gateway does not wake\n{}", site.said());
    }
    let aim = usize::try_from(dice.below(8)).unwrap();
    match SIGNS.get(aim) {
        Some(sign) => {
            let now = site.books.figure(sign).await;
            let some = i64::try_from(dice.below(4)).unwrap() + 1;
            site.books.reaches(sign, now + some, Duration::from_secs(3)).await;
            tokio::time::sleep(dice.millis(25)).await;
        }
        None => tokio::time::sleep(dice.millis(900)).await,
    }
    let before = site.uids(MAILBOX, "INBOX");
    gateway.kill();
    feeding.await.unwrap();
    totals.kills += 1;
    look(site, &before, totals).await;
}

/// Reads the books after a kill: which stations were at work, and that nothing stands there by half.
async fn look(site: &Site, before: &BTreeSet<u32>, totals: &mut Totals) {
    let ledger = site.books.ledger(MAILBOX).await;
    let after = site.uids(MAILBOX, "INBOX");
    let seen = |so: bool| u32::from(so);
    let stored = |solo: bool| ledger.values().any(|row| row.state == "stored" && (row.attempts > 0) == solo);
    let untidy = |here: bool| {
        ledger
            .iter()
            .any(|(uid, row)| row.state == "committed" && row.tidy == "here" && after.contains(uid) == here)
    };
    totals.hit(UNFETCHED, seen(before.iter().any(|uid| !ledger.contains_key(uid))));
    totals.hit(STORED, seen(stored(false)));
    totals.hit(SOLO, seen(stored(true)));
    totals.hit(HERE, seen(untidy(true)));
    totals.hit(MOVED, seen(untidy(false)));
    let books = &site.books;
    totals.hit(QUEUED, seen(books.count("outbox WHERE state = 'queued'").await > 0));
    totals.hit(LEASED, seen(books.count("outbox WHERE state = 'leased'").await > 0));
    let decided = i64::try_from(ledger.values().filter(|row| row.state == "committed").count()).unwrap();
    let rows = i64::try_from(ledger.len()).unwrap();
    let halves = [
        ("ticket", decided),
        ("article", decided),
        ("outbox WHERE kind = 'received'", decided),
        ("original", rows),
        ("original_key", rows),
    ];
    for (table, want) in halves {
        assert_eq!(books.count(table).await, want, "kill {}: {table}", totals.kills);
    }
    let gone: Vec<&u32> = before.difference(&after).filter(|uid| !decided_row(&ledger, **uid)).collect();
    assert!(gone.is_empty(), "kill {}: moved before it was decided: {gone:?}", totals.kills);
}

fn decided_row(ledger: &std::collections::HashMap<u32, super::torture_support::Entry>, uid: u32) -> bool {
    ledger.get(&uid).is_some_and(|row| row.state == "committed")
}

async fn bounded(database: Database) {
    let Some(totals) = round(database).await else { return };
    println!("{totals}");
    assert!(totals.kills >= 20 && totals.stations.len() >= STATIONS, "{totals}");
}

#[tokio::test(flavor = "multi_thread")]
async fn l2_kills_at_random_lose_and_double_nothing_on_sqlite() {
    bounded(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l2_kills_at_random_lose_and_double_nothing_on_postgresql() {
    bounded(Database::Postgres).await;
}

/// `make torture`: rounds on both databases in turn until the time is up.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs for TORTURE_MINUTES; by `make torture`"]
async fn torture_kills() {
    let minutes = std::env::var("TORTURE_MINUTES").ok().map_or(10, |text| text.parse().unwrap());
    let (since, time) = (Instant::now(), Duration::from_mins(minutes));
    let mut all: BTreeMap<&str, Totals> = BTreeMap::new();
    while since.elapsed() < time {
        for (name, database) in [("SQLite", Database::Sqlite), ("PostgreSQL", Database::Postgres)] {
            let Some(totals) = round(database).await else { continue };
            let (seconds, kills, again) = (since.elapsed().as_secs(), totals.kills, totals.again);
            say(&format!(
                "{seconds:5} s  {name}: {} mails, {kills} kills, {again} sent again\n",
                totals.mails
            ));
            all.entry(name).or_default().add(&totals);
        }
    }
    for (name, totals) in &all {
        say(&format!("\n{name}: {totals}"));
    }
    assert!(all.values().all(|totals| totals.stations.len() >= STATIONS));
}
