//! Conservation under a network that fails: a seeded proxy cuts, delays, truncates and garbles what
//! passes between the gateway and Dovecot, Postfix and PostgreSQL. All three speak TLS, so that a
//! garbled octet breaks a record and is seen; in the clear it would be another mail.
//!
//! The bounded form runs with the others; the long one is
//! `TORTURE_MAILS=2000 cargo test --test it torture_faults -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use super::faults_support::{
    Gateway, acknowledged, conserved, customer, matter, moved, tls_account, tls_relay,
};
use super::harness::{Chance, Dovecot, Postfix, Postgres, Proxy, Sink, Tally, Weather, servers};
use super::lessons_support::Plan;

const PROGRAMS: &[&str] = &["dovecot", "postfix", "openssl"];
/// What one process may hold; a build without optimisation holds more than a released one.
const MEMORY_MIB: u64 = 300;

/// Faults that each line has at least, and how long a storm may go on for their sake.
const LEAST: u32 = 3;
const MORE: Duration = Duration::from_mins(2);

/// How long and how hard.
struct Storm {
    mails: usize,
    seed: u64,
    /// How long the mails take to arrive; the storm lasts as long.
    lasts: Duration,
    postgres: bool,
    /// How long the last rows may take once the storm is over: a row that failed thrice waits 10 minutes.
    patience: Duration,
}

/// The three lines that fail.
struct Lines {
    imap: Proxy,
    smtp: Proxy,
    database: Option<Proxy>,
}

impl Lines {
    fn all(&self) -> impl Iterator<Item = (&'static str, &Proxy)> {
        let database = self.database.as_ref().map(|proxy| ("PostgreSQL", proxy));
        [("IMAP", &self.imap), ("SMTP", &self.smtp)].into_iter().chain(database)
    }

    fn tallies(&self) -> Vec<(&'static str, Tally)> {
        self.all().map(|(name, proxy)| (name, proxy.tally())).collect()
    }
}

fn weather(every: u64, seed: u64) -> Weather {
    Weather { every, delay: Duration::from_secs(2), garbles: true, seed }
}

/// What a storm did: faults of each line, mails that came twice to the relay, peak memory in MiB.
type Damage = (Vec<(&'static str, Tally)>, usize, u64);

/// One storm, from the first mail to the last acknowledgment; `None` where the servers are waived.
fn weathered(storm: &Storm) -> Option<Damage> {
    if !servers(PROGRAMS) {
        return None;
    }
    let (sink, dovecot) = (Sink::start(), Dovecot::start(&["support"]));
    dovecot.create_folder("support", "Done");
    let postfix = Postfix::start(&dovecot, &sink);
    let cluster = if storm.postgres { Some(Postgres::start_with_tls()?) } else { None };
    let lines = Lines {
        imap: Proxy::start(dovecot.imaps, weather(25_000, storm.seed)),
        smtp: Proxy::start(postfix.smtps, weather(50_000, storm.seed ^ 1)),
        database: cluster
            .as_ref()
            .map(|cluster| Proxy::start(cluster.tls().0, weather(150_000, storm.seed ^ 2))),
    };
    let mut plan = Plan {
        accounts: tls_account(lines.imap.port, "after = \"move\"\nmove_to = \"Done\""),
        smtp: tls_relay(lines.smtp.port),
        simulated: false,
        ..Plan::default()
    };
    let mut trusted = vec![&dovecot.certificates, &postfix.certificates];
    if let (Some(cluster), Some(proxy)) = (&cluster, &lines.database) {
        let (name, certificates) = (cluster.database(), cluster.tls().1);
        plan.store = format!(
            "postgres://mailward@localhost:{}/{}?sslmode=verify-full&sslrootcert={}",
            proxy.port,
            name.rsplit('/').next().unwrap(),
            certificates.authority.display()
        );
        trusted.push(certificates);
    }
    let mut gateway = Gateway::new(&plan, &trusted);
    gateway.start_up();
    for (_, proxy) in lines.all() {
        proxy.storm();
    }
    deliver(&dovecot, storm);
    // On a busy machine most of the mail is still on its way.
    let since = Instant::now();
    while !lines.tallies().iter().all(|(_, tally)| faults(tally) >= LEAST) && since.elapsed() < MORE {
        std::thread::sleep(Duration::from_millis(200));
    }
    for (_, proxy) in lines.all() {
        proxy.calm();
    }
    gateway.settled(storm.mails, storm.patience);
    moved_soon(&dovecot, storm.mails);
    assert!(gateway.lives(), "it never ended and nobody started it again");
    let peak = gateway.peak_mib();
    gateway.stop();
    conserved(&gateway, storm.mails);
    moved(&dovecot, "Done", storm.mails);
    let since = Instant::now();
    while postfix.queued() > 0 && since.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(100));
    }
    let twice = acknowledged(&sink, storm.mails);
    assert!((1..MEMORY_MIB).contains(&peak), "{peak} MiB");
    Some((lines.tallies(), twice, peak))
}

/// Mails arrive one after the other, at random moments.
fn deliver(dovecot: &Dovecot, storm: &Storm) {
    let (mut chance, since) = (Chance(storm.seed), Instant::now());
    let pause = storm.lasts.div_f64(f64::from(u32::try_from(storm.mails).unwrap()));
    for number in 0..storm.mails {
        dovecot.deliver("support", &matter(number));
        let due = pause.mul_f64(f64::from(u32::try_from(number).unwrap()) + 1.0);
        let jitter = Duration::from_millis(chance.below(20));
        std::thread::sleep((due + jitter).saturating_sub(since.elapsed()));
    }
}

/// The last MOVE may come a little after the last acknowledgment.
fn moved_soon(dovecot: &Dovecot, mails: usize) {
    let since = Instant::now();
    while dovecot.client("support").subjects("Done").len() < mails && since.elapsed() < Duration::from_mins(2)
    {
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn faults(tally: &Tally) -> u32 {
    tally.cut + tally.truncated + tally.delayed + tally.garbled
}

/// Every line failed, and got over it.
fn stormy(tallies: &[(&'static str, Tally)]) {
    for (name, tally) in tallies {
        let ended = tally.cut + tally.truncated;
        assert!(faults(tally) >= LEAST && tally.connections > ended, "{name}: {tally:?}");
    }
}

fn bounded(postgres: bool) {
    let seed = 0x5eed_0000 + u64::from(postgres);
    let (lasts, patience) = (Duration::from_secs(30), Duration::from_mins(12));
    let storm = Storm { mails: 300, seed, lasts, postgres, patience };
    let Some((tallies, twice, peak)) = weathered(&storm) else { return };
    eprintln!("{tallies:?}, {twice} mails sent twice, {peak} MiB");
    stormy(&tallies);
}

#[test]
fn faults_of_the_network_lose_and_double_nothing_on_sqlite() {
    bounded(false);
}

#[test]
fn faults_of_the_network_lose_and_double_nothing_on_postgresql() {
    bounded(true);
}

fn from_environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

/// The long form: `TORTURE_MAILS` mails in all (2,000), over both databases in turn, in storms of 500
/// with a seed each; no new storm begins after `TORTURE_MINUTES` (10).
#[test]
#[ignore = "takes about ten minutes; `make torture`"]
fn torture_faults_of_the_network() {
    let (wanted, minutes) =
        (from_environment("TORTURE_MAILS", 2000), from_environment("TORTURE_MINUTES", 10));
    let first = from_environment("TORTURE_SEED", u64::from(std::process::id()));
    let (since, mut mails, mut round) = (Instant::now(), 0, 0);
    while mails < wanted && since.elapsed() < Duration::from_mins(minutes) {
        let seed = first + round;
        let (lasts, patience) = (Duration::from_secs(50), Duration::from_mins(20));
        let storm = Storm { mails: 500, seed, lasts, postgres: round % 2 == 1, patience };
        let Some((tallies, twice, peak)) = weathered(&storm) else { return };
        (mails, round) = (mails + 500, round + 1);
        let database = if storm.postgres { "PostgreSQL" } else { "SQLite" };
        println!(
            "storm {round} on {database}, seed {seed}: 500 mails, {twice} sent twice, peak {peak} MiB, {:?}",
            since.elapsed()
        );
        for (line, tally) in &tallies {
            println!("    {line}: {tally:?}");
        }
        stormy(&tallies);
    }
    println!(
        "{mails} mails in {round} storms: none lost, none doubled, {} customers like {}",
        mails,
        customer(0)
    );
}
