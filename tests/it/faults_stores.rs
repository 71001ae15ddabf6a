//! Conservation where what lies below fails: databases that restart, are locked or fall mute, disks
//! that are full or read-only. Nothing is lost, the log says what to do, and it goes on by itself.

use std::fs;
use std::path::Path;
use std::time::Duration;

use mailward::domain::ids::AccountName;
use mailward::imap::Limits;
use mailward::worker::Step;
use mailward::worker::ingest::files::FileReader;
use sqlx::Connection as _;

use super::faults_support::{Gateway, acknowledged, conserved, customer, matter, sound};
use super::harness::{Disk, Dovecot, Postgres, Proxy, Sink, servers};
use super::lessons_support::{House, Mail, Plan, imap_account, relay};

/// How long the last rows may take: a mail whose answer was lost is held by its lease for two minutes.
const PATIENCE: Duration = Duration::from_mins(6);

fn plan(dovecot: &Dovecot, sink: &Sink) -> Plan {
    Plan {
        accounts: imap_account(dovecot, "support", "help", "first_run = \"live\"\nafter = \"flag\""),
        smtp: relay(sink.port, "null"),
        simulated: false,
        ..Plan::default()
    }
}

fn deliver(dovecot: &Dovecot, numbers: std::ops::Range<usize>, pause: Duration) {
    for number in numbers {
        dovecot.deliver("support", &matter(number));
        std::thread::sleep(pause);
    }
}

/// The database is restarted twice while mail comes in: once it says goodbye, once it just ends.
#[test]
fn a_database_that_is_restarted_under_load_loses_nothing() {
    if !servers(&["dovecot"]) {
        return;
    }
    let Some(cluster) = Postgres::start() else { return };
    let (sink, dovecot) = (Sink::start(), Dovecot::start(&["support"]));
    let mut gateway = Gateway::new(&Plan { store: cluster.database(), ..plan(&dovecot, &sink) }, &[]);
    gateway.start_up();
    let pause = Duration::from_millis(60);
    std::thread::scope(|scope| {
        scope.spawn(|| deliver(&dovecot, 0..150, pause));
        std::thread::sleep(Duration::from_secs(3));
        cluster.restart("fast", Duration::from_secs(2));
        std::thread::sleep(Duration::from_secs(3));
        cluster.restart("immediate", Duration::from_secs(1));
    });
    gateway.settled(150, PATIENCE);
    assert!(gateway.lives());
    gateway.stop();
    conserved(&gateway, 150);
    acknowledged(&sink, 150);
}

/// Another process holds the write lock of the SQLite file for half a minute.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_locked_for_half_a_minute_loses_nothing() {
    if !servers(&["dovecot"]) {
        return;
    }
    let (sink, dovecot) = (Sink::start(), Dovecot::start(&["support"]));
    let mut gateway = Gateway::new(&plan(&dovecot, &sink), &[]);
    gateway.start_up();
    deliver(&dovecot, 0..10, Duration::ZERO);
    gateway.settled(10, PATIENCE);
    let url = format!("sqlite:{}", gateway.scratch.join("store.db").display());
    let mut other = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("PRAGMA busy_timeout = 20000; BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    deliver(&dovecot, 10..40, Duration::from_millis(20));
    tokio::time::sleep(Duration::from_secs(30)).await;
    let decided = gateway.json(&["ledger", "list"]).len();
    assert_eq!(decided, 10, "nobody writes while it is locked");
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    drop(other);
    gateway.settled(40, PATIENCE);
    assert!(gateway.lives());
    gateway.stop();
    assert!(gateway.log().contains("the database is busy"), "and it says so");
    conserved(&gateway, 40);
    acknowledged(&sink, 40);
}

/// The disk of the SQLite store is full for a while.
#[test]
fn a_full_disk_under_the_store_loses_nothing() {
    if !servers(&["dovecot"]) {
        return;
    }
    let Some(disk) = Disk::mount(48) else { return };
    let (sink, dovecot) = (Sink::start(), Dovecot::start(&["support"]));
    let store = format!("sqlite:{}/store.db", disk.path().display());
    let mut gateway = Gateway::new(&Plan { store, ..plan(&dovecot, &sink) }, &[]);
    gateway.start_up();
    deliver(&dovecot, 0..10, Duration::ZERO);
    gateway.settled(10, PATIENCE);
    disk.fill();
    // More than fits into what the write-ahead log has allocated already.
    for number in 10..60 {
        let more = format!("\r\n{}\r\n", "One more line about the matter at hand. ".repeat(1000));
        dovecot.deliver("support", &[matter(number), more.into_bytes()].concat());
    }
    std::thread::sleep(Duration::from_secs(8));
    assert!(gateway.log().contains("ALARM: the database's disk is full; make room"), "it says what to do");
    assert!(gateway.lives());
    disk.free();
    gateway.settled(60, PATIENCE);
    assert!(gateway.lives());
    gateway.stop();
    conserved(&gateway, 60);
    acknowledged(&sink, 60);
}

/// The store lies on a disk that became read-only: every command says so with exit 75, mail waits on
/// the server, and once the disk is writable again everything goes on.
#[test]
fn a_read_only_disk_under_the_store_loses_nothing() {
    if !servers(&["dovecot"]) {
        return;
    }
    let Some(disk) = Disk::mount(48) else { return };
    let (sink, dovecot) = (Sink::start(), Dovecot::start(&["support"]));
    let store = format!("sqlite:{}/store.db", disk.path().display());
    let gateway = Gateway::new(&Plan { store, ..plan(&dovecot, &sink) }, &[]);
    deliver(&dovecot, 0..5, Duration::ZERO);
    assert_eq!(gateway.ask(&["serve", "--until-idle"]).0, 0);
    deliver(&dovecot, 5..10, Duration::ZERO);
    disk.read_only(true);
    let (code, _, said) = gateway.ask(&["serve", "--until-idle"]);
    assert!(code == 75 && said.contains("read-only") && said.contains("writable"), "{code} {said}");
    disk.read_only(false);
    assert_eq!(gateway.ask(&["serve", "--until-idle"]).0, 0);
    conserved(&gateway, 10);
    acknowledged(&sink, 10);
}

fn put(folder: &Path, number: usize) {
    fs::write(folder.join(format!("{number:04}.eml")), matter(number)).unwrap();
}

async fn read_all(reader: &mut FileReader) {
    while let Step::Did(_) = reader.step().await.unwrap() {}
}

fn lying(folder: &Path) -> usize {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().contains("eml")).count()
}

/// A Maildir and a directory on a disk that is read-only: the mail is read, stays where it is, is not
/// read twice, also not by the next start, and is put aside once that is possible.
#[tokio::test]
async fn mail_that_cannot_be_put_aside_is_read_once() {
    for source in ["directory", "maildir"] {
        let Some(disk) = Disk::mount(8) else { return };
        let box_ = disk.path().join("box");
        let new = if source == "maildir" { box_.join("new") } else { box_.clone() };
        let done = if source == "maildir" { box_.join("cur") } else { box_.join("processed") };
        for folder in [&new, &done] {
            fs::create_dir_all(folder).unwrap();
        }
        let accounts = format!(
            "[[account]]\nname = \"support\"\nsource = \"{source}\"\npath = \"{}\"\ndesk = \"help\"\nafter = \"flag\"\n\
             first_run = \"live\"\n",
            box_.display()
        );
        let house = House::open(&Plan { accounts, ..Plan::default() }).await;
        (0..60).for_each(|number| put(&new, number));
        disk.read_only(true);
        let account = AccountName::parse("support").unwrap();
        let mut reader = FileReader::new(house.office.ingest(), account.clone(), Limits::default());
        read_all(&mut reader).await;
        assert_eq!((house.tickets().await.len(), lying(&new)), (60, 60), "{source}");
        reader.close().await;
        // The next start finds all of it again, beside new mail.
        disk.read_only(false);
        (60..65).for_each(|number| put(&new, number));
        disk.read_only(true);
        let mut reader = FileReader::new(house.office.ingest(), account, Limits::default());
        read_all(&mut reader).await;
        assert_eq!((house.tickets().await.len(), lying(&new)), (65, 65), "{source}");
        disk.read_only(false);
        read_all(&mut reader).await;
        assert_eq!((lying(&new), lying(&done)), (0, 65), "{source}: put aside without a restart");
        put(&new, 65);
        read_all(&mut reader).await;
        let balance = house.balance().await;
        assert_eq!((balance.incoming, balance.tickets), (66, 66), "{source}: and none was read twice");
        reader.close().await;
    }
}

/// Everything sendable, until there is none or the way out is closed.
async fn send(house: &House) {
    let outbox = mailward::cli::serve::outbox(&house.office).unwrap();
    while let Ok(Step::Did(_)) = outbox.step().await {}
}

/// The directory that mail is sent into is full, then read-only.
#[tokio::test]
async fn a_directory_that_takes_no_mail_loses_none() {
    let Some(disk) = Disk::mount(1) else { return };
    let out = disk.path().join("out");
    fs::create_dir(&out).unwrap();
    let smtp = format!("kind = \"directory\"\npath = \"{}\"\nreverse_path = \"null\"", out.display());
    let house = House::open(&Plan { smtp, ..Plan::default() }).await;
    let states = async || {
        let rows = house.outbox().await;
        let mut states: Vec<(String, Option<String>)> =
            rows.into_iter().map(|row| (row.state, row.last_error)).collect();
        states.sort();
        states.dedup();
        states
    };
    disk.fill();
    house.take(&Mail::new(&customer(0), "A full disk")).await;
    send(&house).await;
    let waits = states().await;
    assert!(
        matches!(&waits[..], [(state, Some(why))] if state == "later" && why == "file disk full"),
        "{waits:?}"
    );
    disk.free();
    house.later(1);
    send(&house).await;
    assert!(states().await.iter().all(|(state, _)| state == "sent"), "{:?}", states().await);
    disk.read_only(true);
    house.take(&Mail::new(&customer(1), "A read-only disk")).await;
    send(&house).await;
    assert!(states().await.iter().any(|(state, _)| state == "queued"), "{:#?}", house.outbox().await);
    disk.read_only(false);
    house.later(6);
    send(&house).await;
    assert!(states().await.iter().all(|(state, _)| state == "sent"), "{:?}", states().await);
    let rows = house.outbox().await;
    let whole = fs::read_dir(&out).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let whole = whole.filter(|mail| mail.contains("Message-ID: ") && mail.ends_with("\r\n")).count();
    assert_eq!((whole, lying(&out)), (rows.len(), rows.len()), "each mail once and whole");
}

/// How long the three servers take octets and answer nothing, and whether old connections are ended
/// after it. PostgreSQL's always are: nothing but the kernel's own patience ends a query there.
fn mute(silence: Duration, end_them: bool) {
    if !servers(&["dovecot", "openssl"]) {
        return;
    }
    let Some(cluster) = Postgres::start_with_tls() else { return };
    let (sink, dovecot) = (Sink::start(), Dovecot::start(&["support"]));
    let (imap, smtp) = (Proxy::fair(dovecot.imap), Proxy::fair(sink.port));
    let database = Proxy::fair(cluster.tls().0);
    let name = cluster.database();
    let mut plan = plan(&dovecot, &sink);
    plan.accounts = plan.accounts.replace(&dovecot.imap.to_string(), &imap.port.to_string());
    plan.smtp = relay(smtp.port, "null");
    plan.store = format!(
        "postgres://mailward@localhost:{}/{}?sslmode=verify-full&sslrootcert={}",
        database.port,
        name.rsplit('/').next().unwrap(),
        cluster.tls().1.authority.display()
    );
    let mut gateway = Gateway::new(&plan, &[cluster.tls().1]);
    gateway.start_up();
    deliver(&dovecot, 0..20, Duration::ZERO);
    gateway.settled(20, PATIENCE);
    for proxy in [&imap, &smtp, &database] {
        proxy.mute();
    }
    deliver(&dovecot, 20..40, Duration::ZERO);
    // Whoever comes new is told soon, and not kept waiting.
    let (code, _, said) = gateway.ask(&["ledger", "list"]);
    assert!(code == 75 && said.contains("does not answer"), "{code} {said}");
    std::thread::sleep(silence);
    for proxy in [&imap, &smtp, &database] {
        proxy.calm();
    }
    database.hang_up();
    if end_them {
        imap.hang_up();
        smtp.hang_up();
    }
    gateway.settled(40, PATIENCE);
    assert!(gateway.lives());
    gateway.stop();
    conserved(&gateway, 40);
    acknowledged(&sink, 40);
}

#[test]
fn l26_servers_that_fall_mute_for_a_while_lose_nothing() {
    mute(Duration::from_secs(5), true);
}

/// IMAP and SMTP connections on which nothing ever comes again are given up by the gateway itself.
#[test]
#[ignore = "takes about four minutes; `make torture`"]
fn torture_l26_connections_that_stay_mute_are_given_up() {
    mute(Duration::from_secs(130), false);
}

/// A database that accepts and never answers is no reason to wait for ever at the start.
#[test]
fn l26_a_mute_database_ends_the_start_with_exit_75() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let store = format!("postgres://mailward@127.0.0.1:{port}/mail?sslmode=disable");
    let gateway = Gateway::new(&Plan { store, simulated: false, ..Plan::default() }, &[]);
    let since = std::time::Instant::now();
    let (code, _, said) = gateway.ask(&["serve", "--until-idle"]);
    assert!(code == 75 && said.contains("accepts and does not answer"), "{code} {said}");
    assert!(since.elapsed() < Duration::from_mins(1));
    // The twin: an installation whose database answers.
    let gateway = Gateway::new(&Plan { simulated: false, ..Plan::default() }, &[]);
    assert_eq!(gateway.ask(&["serve", "--until-idle"]).0, 0);
    sound(&gateway);
}
