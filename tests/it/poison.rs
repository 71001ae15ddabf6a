//! Poison (L25): mails that make understanding refuse, panic, abort, stall or take long, among good
//! ones. The real program, built with the feature `fault-injection`, is started again whenever it
//! dies, as a service manager does, and killed now and then besides. In `make test` as a run of its own.

use std::time::{Duration, Instant};

use super::harness::{Dovecot, Sink, servers};
use super::lessons_support::{House, MARY, Mail, Plan, account, imap_account, relay};
use super::torture_support::{Books, Dice, Gateway, PATIENCE, begin, matter, sender};

const GOOD: usize = 500;
/// Besides the deaths of its own, while not so many are decided.
const KILLS: u32 = 6;
const EARLY: i64 = 270;
const DECIDED: &str = "ledger WHERE state = 'committed'";

/// A mail that asks for a fault.
fn fault(subject: &str, what: &str) -> Vec<u8> {
    Mail::new(MARY, subject).header("X-Mailward-Fault", what).bytes()
}

fn nested() -> Vec<u8> {
    let deep = "Content-Type: message/rfc822\r\n\r\n".repeat(40_000);
    format!("From: {MARY}\r\nSubject: Nested\r\nMIME-Version: 1.0\r\n{deep}").into_bytes()
}

fn deep_html() -> Vec<u8> {
    Mail::new(MARY, "Deep")
        .header("Content-Type", "text/html; charset=utf-8")
        .body(&"<div>".repeat(60_000))
        .bytes()
}

/// How the mails with a fault end: state, reason, solo attempts.
const ENDS: [(&str, &str, &str, i64); 4] = [
    ("Nested", "quarantined", "too_deep", 0),
    ("Panic", "quarantined", "crash", 3),
    ("Abort", "quarantined", "crash", 3),
    ("Stall", "quarantined", "timeout", 3),
];

/// Fills the mailbox: a good mail a number, the others among them; gives the UIDs of [`ENDS`].
fn fill(dovecot: &Dovecot) -> [i64; 4] {
    let bad: [(usize, Vec<u8>); 5] = [
        (40, nested()),
        (90, fault("Panic", "panic")),
        (140, deep_html()),
        (190, fault("Abort", "abort")),
        (300, fault("Stall", "stall")),
    ];
    let (mut client, mut uid, mut uids) = (dovecot.client("support"), 0, Vec::new());
    let mut put = |bytes: &[u8]| {
        uid += 1;
        client.append("INBOX", bytes, "13-May-2025 11:00:00 +0000");
        uid
    };
    for number in 0..GOOD {
        if let Some((_, bytes)) = bad.iter().find(|(at, _)| *at == number) {
            uids.push(put(bytes));
        }
        put(&Mail::new(&sender(number), &matter(number)).bytes());
    }
    [uids[0], uids[1], uids[3], uids[4]]
}

/// Keeps the program alive until this is so. Kills it at random now and then while good mails are at work:
/// later it would always hit the one that stalls. Gives how often it died by itself.
async fn keep_alive(house: &House, dice: &mut Dice, mut so: impl AsyncFnMut() -> bool) -> (u32, Gateway) {
    let (mut deaths, mut kills, since, books) = (0, 0, Instant::now(), Books::sqlite(house));
    let mut gateway = begin(house, "gateway", false);
    let mut next_kill = Instant::now() + dice.millis(3000);
    while !so().await {
        if !gateway.running() {
            deaths += 1;
            gateway = begin(house, "gateway", false);
        } else if kills < KILLS && Instant::now() > next_kill && books.count(DECIDED).await < EARLY {
            kills += 1;
            deaths += u32::from(!gateway.kill());
            gateway = begin(house, "gateway", false);
            next_kill = Instant::now() + dice.millis(3000);
        }
        assert!(deaths < 8 && since.elapsed() < 2 * PATIENCE, "{deaths} deaths\n{}", gateway.said());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    (deaths, gateway)
}

#[tokio::test(flavor = "multi_thread")]
async fn l25_the_good_ones_pass_and_the_poison_is_quarantined() {
    if !servers(&["dovecot"]) {
        return;
    }
    let (mut dice, seed) = Dice::cast();
    println!("TORTURE_SEED={seed}");
    let (dovecot, sink) = (Dovecot::start(&["support"]), Sink::start());
    let uids = fill(&dovecot);
    let plan = Plan {
        smtp: relay(sink.port, "null"),
        accounts: imap_account(&dovecot, "support", "help", "first_run = \"live\""),
        simulated: false,
        ..Plan::default()
    };
    let house = House::open(&plan).await;
    let books = Books::sqlite(&house);
    // Settled: all decided or quarantined, and whoever has a second chance had it.
    let settled = async || {
        let waiting = "ledger WHERE state = 'stored' OR (reason = 'crash' AND second_chance = 0)";
        let all = i64::try_from(GOOD + 5).unwrap();
        books.count("ledger").await == all
            && books.count(waiting).await == 0
            && books.count("outbox WHERE state IN ('queued', 'leased', 'later')").await == 0
    };
    let (deaths, mut gateway) = keep_alive(&house, &mut dice, settled).await;
    println!("died {deaths} times by itself, and by up to {KILLS} kills");
    // A kill in one of its attempts counts as well.
    assert!((2..=5).contains(&deaths), "in the batch, three times alone, and once more when idle: {deaths}");
    gateway.signal("TERM");
    assert!(gateway.ended().await.success(), "a stalled reader holds nobody up: {}", gateway.said());

    let ledger = house.ledger().await;
    for (uid, (name, state, reason, attempts)) in uids.into_iter().zip(ENDS) {
        let row = ledger.iter().find(|row| row.uid == uid).unwrap();
        assert_eq!((row.state.as_str(), row.reason.as_deref()), (state, Some(reason)), "{name}");
        // A refusal needs no attempt; after a death of the batch it comes in the first one.
        let refused = reason == "too_deep" && row.attempts <= 1;
        assert!(refused || row.attempts == attempts, "{name}: {row:?}");
    }
    assert_eq!(ledger.iter().filter(|row| row.state == "committed").count(), GOOD + 1);
    let tickets = house.tickets().await;
    assert_eq!(tickets.iter().filter(|ticket| ticket.subject.starts_with("Matter")).count(), GOOD);
    assert_eq!(tickets.len(), GOOD + 1, "deep HTML is read");
    for number in 0..GOOD {
        let mails = sink.mails_to(&sender(number));
        assert!(!mails.is_empty() && mails.iter().all(|mail| mail.bytes == mails[0].bytes), "{number}");
    }
    listed(&house);
    let balance = house.balance().await;
    assert_eq!((balance.incoming, balance.quarantined), (i64::try_from(GOOD + 5).unwrap(), 4));
}

/// `quarantine list` shows reason and attempts.
fn listed(house: &House) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mailward"));
    let output =
        command.args(["quarantine", "list", "--json", "--config"]).arg(&house.config).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        (row["reason"].as_str().unwrap().to_owned(), row["attempts"].as_i64().unwrap())
    };
    let tried = |row: &(String, i64)| row.0 != "too_deep";
    let mut rows: Vec<(String, i64)> = text.lines().map(line).filter(tried).collect();
    assert_eq!(rows.len() + 1, text.lines().count());
    rows.sort_unstable();
    let mut want: Vec<(String, i64)> =
        ENDS.iter().map(|(.., reason, tries)| ((*reason).to_owned(), *tries)).filter(tried).collect();
    want.sort_unstable();
    assert_eq!(rows, want);
}

/// A house with a directory as mailbox, which holds one mail.
async fn one_mail(bytes: &[u8]) -> (House, Books) {
    let accounts = account("support", "help", "");
    let house = House::open(&Plan { accounts, simulated: false, ..Plan::default() }).await;
    house.drop_in("support", "one", bytes, mailward::clock::Clock::System.now());
    let books = Books::sqlite(&house);
    (house, books)
}

/// Lets the mail be left behind, undecided: from now on it is tried alone.
async fn leave_behind(house: &House, books: &Books) {
    let gateway = begin(house, "gateway", false);
    assert!(books.reaches("SELECT COUNT(*) FROM ledger WHERE state = 'stored'", 1, PATIENCE).await);
    gateway.kill();
}

const ATTEMPTS: &str = "SELECT attempts FROM ledger";

/// SIGTERM in the middle of an attempt never counts; a reader that stalls does not hold up the end.
#[tokio::test(flavor = "multi_thread")]
async fn l25_sigterm_never_counts() {
    let (house, books) = one_mail(&fault("Stall", "stall")).await;
    leave_behind(&house, &books).await;
    for _ in 0..2 {
        let mut gateway = begin(&house, "gateway", false);
        assert!(books.reaches(ATTEMPTS, 1, PATIENCE).await, "{}", gateway.said());
        gateway.signal("TERM");
        assert!(gateway.ended().await.success(), "{}", gateway.said());
        assert_eq!(books.figure(ATTEMPTS).await, 0);
    }
    assert_eq!(books.count("ledger WHERE state = 'stored'").await, 1, "it waits for its next attempt");
}

/// The twin: SIGKILL counts. After three of them even a mail that is only slow is quarantined; it is tried
/// once more when idle, and becomes its ticket.
#[tokio::test(flavor = "multi_thread")]
async fn l25_who_was_killed_three_times_has_a_second_chance() {
    let (house, books) = one_mail(&fault("Slow", "slow")).await;
    leave_behind(&house, &books).await;
    for attempt in 1..=3 {
        let gateway = begin(&house, "gateway", false);
        assert!(books.reaches(ATTEMPTS, attempt, PATIENCE).await, "{}", gateway.said());
        gateway.kill();
    }
    let gateway = begin(&house, "gateway", false);
    let decided = "SELECT COUNT(*) FROM ledger WHERE state = 'committed' AND second_chance = 1";
    assert!(books.reaches(decided, 1, PATIENCE).await, "{}", gateway.said());
    assert_eq!(books.count("audit WHERE action IN ('quarantined', 'quarantine_retry')").await, 2);
    assert_eq!(house.tickets().await.len(), 1);
}
