//! The whole program, release build, on real servers of this machine: Dovecot over IMAP and LMTP, a
//! relay that swallows what it is sent, SQLite with synchronous=FULL and PostgreSQL with fsync.
//! Drains a full mailbox with `serve --until-idle` (each mail acknowledged and notified), measures how
//! long a single mail takes to its acknowledgment, and what an idle gateway costs. `BENCH_MAILS` says
//! how many mails (2000); `DATA`, a folder with `bench/gen.py`, whose mails are taken; without it our
//! own; `BENCH_ONLY` measures one of drain, filled, postgres, latency, idle, many, large; the last two,
//! which take minutes and gigabytes, run with `BENCH_LONG=1` only.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a benchmark is a test: it stops where something is amiss"
)]

#[path = "parts/fill.rs"]
mod fill;
#[expect(
    unused_imports,
    clippy::expect_used,
    clippy::assigning_clones,
    reason = "the harness of the tests, of which a part is used here"
)]
#[path = "../tests/it/harness/mod.rs"]
mod harness;
#[path = "parts/live.rs"]
mod live;
mod parts;
#[path = "parts/program.rs"]
mod program;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use harness::{Dovecot, Postgres, Scratch, run, servers};
use mailward::clock::Clock;
use parts::desk::{self, Ends, SQLITE};
use parts::mails::{self, Mail};
use parts::report::{Figure, report};
use program::Relay;

const USER: &str = "support";
/// Tickets in a store that was used for years.
const TICKETS: u32 = 200_000;

fn main() {
    if !parts::asked_for() || !servers(&["dovecot", "smtp-sink"]) {
        return;
    }
    let count = std::env::var("BENCH_MAILS").ok().and_then(|n| n.parse().ok()).unwrap_or(2000);
    let only = std::env::var("BENCH_ONLY").unwrap_or_default();
    let long = std::env::var_os("BENCH_LONG").is_some_and(|long| long == "1");
    let wanted = |name: &str| only.is_empty() || only == name;
    if wanted("drain") || wanted("filled") || wanted("postgres") {
        drains(count, &wanted);
    }
    if wanted("latency") {
        report(&live::latency());
    }
    if wanted("idle") {
        report(&live::idle());
    }
    if (long && wanted("many")) || only == "many" {
        let spent = drain(&Mailbox::of(20_000), &Keep::Sqlite);
        report(&[Figure::new("20,000 mails: peak memory", spent.peak_mb, "MB").must(100.0, f64::le)]);
    }
    if (long && wanted("large")) || only == "large" {
        let spent =
            drain(&Mailbox { count: 200, address: mails::DESK, fill: Box::new(large) }, &Keep::Sqlite);
        report(&[
            Figure::new("200 mails of 25 MB: peak memory", spent.peak_mb, "MB").must(150.0, f64::le),
            Figure::new("200 mails of 25 MB: product CPU", spent.a_mail(200), "ms/mail"),
        ]);
    }
}

/// The same mailbox into an empty store, into a full one, and into PostgreSQL.
fn drains(count: usize, wanted: &dyn Fn(&str) -> bool) {
    let mailbox = Mailbox::of(count);
    let mut empty = None;
    if wanted("drain") || wanted("filled") {
        let spent = drain(&mailbox, &Keep::Sqlite);
        report(&figures("SQLite", &spent, count, true));
        empty = Some(spent);
    }
    if let Some(empty) = empty.filter(|_| wanted("filled")) {
        let full = drain(&mailbox, &Keep::Filled);
        let ratio = full.a_mail(count) / empty.a_mail(count);
        report(&[Figure::new("CPU with 200,000 tickets to that with none", ratio, "x").must(1.2, f64::le)]);
    }
    if wanted("postgres")
        && let Some(cluster) = Postgres::start_durable()
    {
        let spent = drain(&mailbox, &Keep::Postgres(cluster));
        report(&figures("PostgreSQL", &spent, count, false));
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of mails")]
fn figures(store: &str, spent: &program::Spent, count: usize, bound: bool) -> Vec<Figure> {
    let mails = count as f64;
    let figure = |what: &str, value: f64, unit| Figure::new(&format!("{store}: {what}"), value, unit);
    let all = figure("product CPU", spent.a_mail(count), "ms/mail");
    let rate = figure("mails", mails / spent.wall.as_secs_f64(), "1/s");
    let peak = figure("peak memory", spent.peak_mb, "MB");
    let kernel = figure("of the CPU in the kernel", spent.system.as_secs_f64() * 1e3 / mails, "ms/mail");
    if bound {
        vec![all.must(1.5, f64::le), kernel, rate.must(500.0, f64::ge), peak.must(100.0, f64::le)]
    } else {
        vec![all, kernel, rate, peak]
    }
}

/// What lies on the server, and to whom it is addressed.
struct Mailbox {
    count: usize,
    address: &'static str,
    fill: Box<dyn Fn(&Dovecot)>,
}

impl Mailbox {
    fn of(count: usize) -> Self {
        let (mails, address) = match generator() {
            Some(script) => (generated(&script, count), "support@helpdesk.test"),
            None => (mails::make(count, 7, Clock::System.now()), mails::DESK),
        };
        let octets: usize = mails.iter().map(|mail| mail.eml.len()).sum();
        eprintln!("drain: {count} mails of {} bytes on average", octets / count.max(1));
        Self { count, address, fill: Box::new(move |dovecot| append(dovecot, &mails)) }
    }
}

/// 200 mails of just under 25 MiB each, one after the other: together they are 5 GB.
fn large(dovecot: &Dovecot) {
    let mut client = dovecot.client(USER);
    let line = format!("{}\r\n", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5");
    let file = line.repeat((25 << 20) / line.len() - 20);
    for n in 0..200 {
        let head = format!(
            "From: Ann <person{n}@clinic.example>\r\nTo: {}\r\nSubject: The film {n}\r\nMessage-ID: <film{n}@clinic.example>\r\n\
             MIME-Version: 1.0\r\nContent-Type: application/octet-stream; name=film{n}\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n",
            mails::DESK
        );
        let at = Clock::System.now().format("%d-%b-%Y %H:%M:%S +0000").to_string();
        client.append("INBOX", &[head.as_bytes(), file.as_bytes()].concat(), &at);
    }
}

/// Where it is drained to.
enum Keep {
    Sqlite,
    /// SQLite with [`TICKETS`] tickets in it.
    Filled,
    Postgres(Postgres),
}

fn drain(mailbox: &Mailbox, keep: &Keep) -> program::Spent {
    let scratch = Scratch::new("bench");
    let dovecot = Dovecot::start(&[USER]);
    let relay = Relay::start();
    let store = match keep {
        Keep::Postgres(cluster) => cluster.database(),
        _ => SQLITE.to_owned(),
    };
    let sources = [live::imap(dovecot.imap, USER)];
    let ends = Ends { sources: &sources, relay: relay.port, address: mailbox.address, store: &store };
    let config = desk::write(scratch.path(), &ends);
    if matches!(keep, Keep::Filled) {
        // A mail before and one after: the oldest and the newest ticket are real.
        append(&dovecot, &mails::make(1, 3, Clock::System.now()));
        program::until_idle(&config);
        fill::tickets(&scratch.path().join("data/mailward.db"), TICKETS);
        append(&dovecot, &mails::make(1, 4, Clock::System.now()));
        program::until_idle(&config);
    }
    (mailbox.fill)(&dovecot);
    let spent = program::until_idle(&config);
    eprintln!("drain: {} mails in {:.1} s", mailbox.count, spent.wall.as_secs_f64());
    eprintln!("drain: {}", program::balance(&config).lines().last().unwrap_or_default());
    spent
}

/// `DATA/bench/gen.py`, where it is there.
fn generator() -> Option<PathBuf> {
    let data = std::env::var_os("DATA").filter(|data| !data.is_empty());
    let script = data.map(|data| Path::new(env!("CARGO_MANIFEST_DIR")).join(data).join("bench/gen.py"));
    let found = script.filter(|script| script.is_file());
    if found.is_none() {
        eprintln!("drain: no DATA with bench/gen.py, its mailbox is left out; these are our own mails");
    }
    found
}

/// The mails of the script's Maildir, in the order of arrival.
fn generated(script: &Path, count: usize) -> Vec<Mail> {
    let scratch = Scratch::new("generated");
    let out = scratch.join("made");
    let count = count.to_string();
    let arguments =
        ["-n", &count, "--base-time", "0", "--format", "maildir", "--out", &out.display().to_string()];
    run("python3", &[&[script.to_str().unwrap()], &arguments[..]].concat());
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(out.join("Maildir/new")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .iter()
        .map(|file| {
            let at: DateTime<Utc> = std::fs::metadata(file).unwrap().modified().unwrap().into();
            let bytes = std::fs::read(file).unwrap();
            let lines: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
            Mail { eml: lines.join(&b"\r\n"[..]), at }
        })
        .collect()
}

fn append(dovecot: &Dovecot, mails: &[Mail]) {
    let mut client = dovecot.client(USER);
    for mail in mails {
        client.append("INBOX", &mail.eml, &mail.at.format("%d-%b-%Y %H:%M:%S +0000").to_string());
    }
}
