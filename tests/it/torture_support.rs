//! What the tests of kills, poison and several gateways work on: real Postfix, Dovecot and database
//! around an installation, the real program as processes that are killed or frozen, the books read by
//! plain SQL, and the reckoning at the end.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};

use super::harness::{Dovecot, Postfix, Postgres, Sink};
use super::lessons_support::{House, Mail, Plan, imap_account, relay};

/// The address that Postfix takes mail for, and the mailbox behind it.
pub const MAILBOX: &str = "support";
/// Whatever is waited for comes within this, also on a machine that others load.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// Which database an installation works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    Postgres,
}

/// An installation between real servers: mail comes by Postfix, LMTP and IMAP and leaves by Postfix.
pub struct Site {
    pub house: House,
    pub books: Books,
    pub dovecot: Dovecot,
    pub postfix: Arc<Postfix>,
    pub sink: Sink,
    pub database: Database,
    // The last one: everything above may still talk to it.
    _cluster: Option<Postgres>,
}

impl Site {
    /// `None` when PostgreSQL is missing and that was waived. Mail is moved to `Done` once decided.
    pub async fn open(database: Database, mailboxes: &[&str]) -> Option<Self> {
        let cluster = match database {
            Database::Sqlite => None,
            Database::Postgres => Some(Postgres::start()?),
        };
        let dovecot = Dovecot::start(mailboxes);
        let sink = Sink::start();
        let postfix = Arc::new(Postfix::start(&dovecot, &sink));
        let more = "first_run = \"live\"\nafter = \"move\"\nmove_to = \"Done\"";
        let accounts = mailboxes.iter().map(|name| imap_account(&dovecot, name, "help", more)).collect();
        let mut plan =
            Plan { smtp: relay(postfix.smtp, "null"), accounts, simulated: false, ..Plan::default() };
        if let Some(cluster) = &cluster {
            plan.store = cluster.database();
        }
        for name in mailboxes {
            dovecot.create_folder(name, "Done");
        }
        let house = House::open(&plan).await;
        let books = match database {
            Database::Sqlite => Books::sqlite(&house),
            Database::Postgres => Books::at(&plan.store),
        };
        Some(Self { house, books, dovecot, postfix, sink, database, _cluster: cluster })
    }

    /// Hands mails to Postfix, one conversation each, with these pauses between them.
    pub fn feed(&self, mails: Vec<Sending>) -> tokio::task::JoinHandle<()> {
        let postfix = Arc::clone(&self.postfix);
        tokio::task::spawn_blocking(move || {
            for mail in mails {
                std::thread::sleep(mail.pause);
                let said = postfix.send(&mail.from, &mail.to, &mail.bytes);
                assert!(said.starts_with("250"), "{said}");
            }
        })
    }

    /// The UIDs that lie in a folder now.
    pub fn uids(&self, mailbox: &str, folder: &str) -> BTreeSet<u32> {
        let mut client = self.dovecot.client(mailbox);
        client.ok(&format!("EXAMINE \"{folder}\""));
        let lines = client.ok("UID SEARCH ALL");
        let found = lines.iter().filter_map(|line| line.strip_prefix("* SEARCH"));
        found.flat_map(str::split_whitespace).map(|uid| uid.parse().unwrap()).collect()
    }

    /// The real program on this installation.
    pub fn gateway(&self, name: &str, until_idle: bool) -> Gateway {
        begin(&self.house, name, until_idle)
    }

    /// The last words of every gateway.
    pub fn said(&self) -> String {
        let mut said = String::new();
        for entry in std::fs::read_dir(self.house.scratch.path()).unwrap().flatten() {
            if entry.path().extension().is_some_and(|end| end == "log") {
                let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
                let lines: Vec<&str> = text.lines().collect();
                let tail = lines[lines.len().saturating_sub(40)..].join("\n");
                writeln!(said, "{}:\n{tail}", entry.path().display()).unwrap();
            }
        }
        said
    }

    /// A command of the real program: its exit code and what it printed.
    pub fn command(&self, words: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailward"));
        let output = command.args(words).arg("--config").arg(&self.house.config).output().unwrap();
        let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
    }

    /// Works off everything that is left and ends well.
    pub async fn work_off(&self) {
        let mut gateway = self.gateway("last", true);
        let status = gateway.ended().await;
        assert!(status.success(), "{status}\n{}", self.said());
    }

    /// As if the leases of dead gateways had run out: SQLite knows the dead at once, PostgreSQL waits.
    pub async fn time_passes(&self) {
        if self.database == Database::Postgres {
            self.books.run("UPDATE lease SET expires_at = 0").await;
            self.books.run("UPDATE outbox SET lease_until = 1 WHERE state = 'leased'").await;
        }
    }
}

/// A mail on its way to Postfix.
pub struct Sending {
    pub pause: Duration,
    pub from: String,
    pub to: String,
    pub bytes: Vec<u8>,
}

/// The sender of the mail with this number; each has one mail.
pub fn sender(number: usize) -> String {
    format!("user{number}@clinic.example")
}

/// Its subject.
pub fn matter(number: usize) -> String {
    format!("Matter {number}")
}

/// The mail with this number, for one mailbox.
pub fn sending(number: usize, mailbox: &str, pause: Duration) -> Sending {
    let mail = Mail::new(&sender(number), &matter(number));
    Sending { pause, from: mail.from.clone(), to: format!("{mailbox}@example.net"), bytes: mail.bytes() }
}

/// Starts the real program; what it says is kept beside the configuration under its name.
pub fn begin(house: &House, name: &str, until_idle: bool) -> Gateway {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailward"));
    command.args(["serve", "--config"]).arg(&house.config);
    if until_idle {
        command.arg("--until-idle");
    }
    let log = house.scratch.join(&format!("{name}.log"));
    let file = File::options().create(true).append(true).open(&log).unwrap();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file).spawn().unwrap();
    Gateway { child, log }
}

/// A running gateway; ended by its process id with its handle.
pub struct Gateway {
    child: Child,
    log: PathBuf,
}

impl Gateway {
    /// What it said so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its run, as leases and outbox rows name it; 32 hexadecimal digits.
    pub async fn run(&self) -> String {
        let since = Instant::now();
        loop {
            let said = self.said();
            let run = said.lines().find_map(|line| line.split_once("run=")?.1.split_whitespace().next());
            if let Some(run) = run {
                return run.replace('-', "");
            }
            assert!(since.elapsed() < PATIENCE, "it does not begin: {said}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// `STOP`, `CONT`, `TERM`.
    pub fn signal(&self, name: &str) {
        super::harness::run("kill", &[&format!("-{name}"), &self.child.id().to_string()]);
    }

    /// SIGKILL, and the end of it; false when it had died by itself just before.
    pub fn kill(mut self) -> bool {
        self.child.kill().unwrap();
        self.child.wait().unwrap().signal() == Some(9)
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(since.elapsed() < PATIENCE, "the gateway does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The database, read and changed behind the application's back.
#[derive(Debug, Clone)]
pub struct Books {
    url: String,
}

/// A row of the ledger, as far as it tells the station.
#[derive(Debug, Clone)]
pub struct Entry {
    pub state: String,
    pub tidy: String,
    pub attempts: i64,
}

impl Books {
    /// Of a house on SQLite.
    pub fn sqlite(house: &House) -> Self {
        Self { url: format!("sqlite://{}", house.scratch.join("store.db").display()) }
    }

    /// Of a house on PostgreSQL.
    pub fn at(url: &str) -> Self {
        Self { url: url.to_owned() }
    }

    pub async fn connection(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(&self.url).await.unwrap()
    }

    pub async fn run(&self, sql: &str) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        sql.execute(&mut self.connection().await).await.unwrap();
    }

    /// A figure.
    pub async fn figure(&self, sql: &str) -> i64 {
        let row = sqlx::query(AssertSqlSafe(sql.to_owned()));
        let row = row.fetch_optional(&mut self.connection().await).await.unwrap();
        row.map_or(0, |row| row.get::<i64, _>(0))
    }

    /// How many rows of a table fulfil a condition.
    pub async fn count(&self, rows: &str) -> i64 {
        self.figure(&format!("SELECT COUNT(*) FROM {rows}")).await
    }

    /// How often the lease was given out.
    pub async fn fence(&self, name: &str) -> i64 {
        self.figure(&format!("SELECT fence FROM lease WHERE name = '{name}'")).await
    }

    /// The ledger of one account by UID.
    pub async fn ledger(&self, account: &str) -> HashMap<u32, Entry> {
        let sql = format!("SELECT uid, state, tidy, attempts FROM ledger WHERE account = '{account}'");
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut self.connection().await).await.unwrap();
        let entry = |row: &sqlx::any::AnyRow| {
            let uid = u32::try_from(row.get::<i64, _>("uid")).unwrap();
            (uid, Entry { state: row.get("state"), tidy: row.get("tidy"), attempts: row.get("attempts") })
        };
        rows.iter().map(entry).collect()
    }

    /// Waits until a figure has come this far.
    pub async fn reaches(&self, sql: &str, least: i64, patience: Duration) -> bool {
        let since = Instant::now();
        while self.figure(sql).await < least {
            if since.elapsed() >= patience {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        true
    }
}

/// Numbers that repeat with their seed.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// From `TORTURE_SEED`, else a fresh seed; the seed comes back to be shown.
    pub fn cast() -> (Self, u64) {
        let fresh = || {
            let bytes = mailward::clock::Random::System.bytes().unwrap();
            u64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        };
        let seed = std::env::var("TORTURE_SEED").ok().map_or_else(fresh, |seed| seed.parse().unwrap());
        (Self(seed ^ 0x9e37_79b9_7f4a_7c15), seed)
    }

    /// From 0 up to, but without, `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end.max(1)
    }

    pub fn millis(&mut self, end: u64) -> Duration {
        Duration::from_millis(self.below(end))
    }
}

/// What the relay took in the end.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Relayed {
    /// Mails, each with a Message-ID of its own.
    pub mails: usize,
    /// Copies beyond the first.
    pub again: usize,
}

/// The reckoning: the mails with numbers up to `count` are each one message in a ticket of their own,
/// acknowledged by one decision; what the relay got twice has the same octets; the books and the chain
/// hold; the mailboxes are empty and everything lies in `Done` once.
pub async fn reckon(site: &Site, mailboxes: &[&str], count: usize) -> Relayed {
    for words in [["ledger", "balance"], ["audit", "verify"]] {
        let (code, said) = site.command(&words);
        assert_eq!(code, 0, "{words:?}: {said}");
    }
    let ledger = site.house.ledger().await;
    let open: Vec<_> = ledger.iter().filter(|row| row.state != "committed" || row.ticket.is_none()).collect();
    assert!(open.is_empty(), "{open:#?}\n{}", site.said());
    assert_eq!(ledger.len(), count, "mails in the ledger");
    let tickets = site.house.tickets().await;
    let subjects: BTreeSet<String> = tickets.iter().map(|ticket| ticket.subject.clone()).collect();
    assert_eq!(subjects, (0..count).map(matter).collect(), "each mail is a ticket");
    let numbers: BTreeSet<i64> = tickets.iter().map(|ticket| ticket.number).collect();
    assert_eq!(numbers, (1..=i64::try_from(count).unwrap()).collect(), "numbers without gap or repetition");
    assert!(tickets.iter().all(|ticket| ticket.message_count == 1), "{tickets:#?}");
    acknowledged(site, count).await;
    for mailbox in mailboxes {
        assert_eq!(site.uids(mailbox, "INBOX"), BTreeSet::new(), "everything was moved");
    }
    let mut moved: Vec<String> = Vec::new();
    for mailbox in mailboxes {
        moved.extend(site.dovecot.client(mailbox).subjects("Done"));
    }
    moved.sort_unstable();
    let mut want: Vec<String> = (0..count).map(matter).collect();
    want.sort_unstable();
    assert_eq!(moved, want, "everything lies in Done, once");
    relayed(site).await
}

/// One acknowledgment decision a ticket, and it was sent to the one who wrote.
async fn acknowledged(site: &Site, count: usize) {
    let rows = site.house.outbox().await;
    let mut decided: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.kind == "received") {
        decided.entry(row.ticket.unwrap_or_default()).or_default().push(&row.recipient);
    }
    assert_eq!(decided.len(), count, "every ticket has its decision");
    assert!(decided.values().all(|to| to.len() == 1), "and one only: {decided:#?}");
    let to: BTreeSet<String> = decided.values().map(|to| to[0].to_owned()).collect();
    assert_eq!(to, (0..count).map(sender).collect(), "each sender is acknowledged");
    let unsent: Vec<_> = rows.iter().filter(|row| row.state != "sent").collect();
    assert!(unsent.is_empty(), "{unsent:#?}");
}

/// Every row is at the sink; copies have the same octets once Postfix's own trace lines are off.
async fn relayed(site: &Site) -> Relayed {
    let since = Instant::now();
    while site.postfix.queued() > 0 {
        assert!(since.elapsed() < PATIENCE, "Postfix keeps mail back: {}", site.postfix.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut copies: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for mail in site.sink.mails() {
        let id = super::lessons_support::header(&mail.text(), "Message-ID").unwrap();
        let envelope = format!("{}>{}\n", mail.from, mail.to.join(",")).into_bytes();
        copies.entry(id).or_default().push([envelope, without_trace(&mail.bytes)].concat());
    }
    let ours: BTreeSet<String> =
        site.house.outbox().await.iter().map(|row| format!("<{}>", row.message_id)).collect();
    let there: BTreeSet<String> = copies.keys().cloned().collect();
    assert_eq!(there, ours, "what the relay took is what the outbox holds");
    let mut sum = Relayed::default();
    for (id, copies) in &copies {
        assert!(copies.iter().all(|copy| copy == &copies[0]), "{id} came again with other octets");
        sum.mails += 1;
        sum.again += copies.len() - 1;
    }
    sum
}

/// A mail without the Received lines that stand on top of it.
fn without_trace(bytes: &[u8]) -> Vec<u8> {
    let mut rest = bytes;
    while rest.starts_with(b"Received:") {
        let lines: Vec<&[u8]> = rest.split_inclusive(|byte| *byte == b'\n').collect();
        let folded = lines.iter().skip(1).take_while(|line| matches!(line.first(), Some(b' ' | b'\t')));
        let octets: usize = lines[..=folded.count()].iter().map(|line| line.len()).sum();
        rest = &rest[octets..];
    }
    rest.to_vec()
}
