//! The whole program on a full mailbox: `serve --until-idle` of the release build drains Dovecot over
//! IMAP and sends acknowledgments and notifications to a relay that swallows them. SQLite,
//! synchronous=FULL. `BENCH_MAILS` says how many mails (2000); `DATA`, a folder with `bench/gen.py`, whose mails are
//! taken; without it our own.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a benchmark is a test: it stops where something is amiss"
)]

#[expect(
    unused_imports,
    clippy::expect_used,
    clippy::assigning_clones,
    reason = "the harness of the tests, of which only Dovecot and its scratch folder are used here"
)]
#[path = "../tests/it/harness/mod.rs"]
mod harness;
mod parts;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use harness::{Dovecot, PASSWORD, Scratch, find, free_port, run, wait_for_port};
use mailward::clock::Clock;
use parts::desk::{self, Ends};
use parts::mails::{self, Mail};
use parts::report::{Figure, report};

const USER: &str = "support";

fn main() {
    if !parts::asked_for() || !harness::servers(&["dovecot", "smtp-sink"]) {
        return;
    }
    let count = std::env::var("BENCH_MAILS").ok().and_then(|n| n.parse().ok()).unwrap_or(2000);
    let scratch = Scratch::new("bench");
    let (mails, address) = match generator() {
        Some(script) => (generated(&script, &scratch, count), "support@helpdesk.test"),
        None => (mails::make(count, 7, Clock::System.now()), mails::DESK),
    };
    let dovecot = Dovecot::start(&[USER]);
    fill(&dovecot, &mails);
    let relay = Relay::start();
    let source = format!(
        "source = \"imap\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nuser = \"{USER}\"\npassword_env = \"BENCH_PASSWORD\"",
        dovecot.imap
    );
    let config = desk::write(scratch.path(), &Ends { source: &source, relay: relay.port, address });
    let octets: usize = mails.iter().map(|mail| mail.eml.len()).sum();
    eprintln!("drain: {count} mails of {} bytes on average", octets / count.max(1));
    let spent = drain(&config);
    let states = run_mailward(&config, &["ledger", "balance", "--json"]);
    eprintln!("drain: {}", states.trim());
    report(&figures(&spent, count));
}

/// What a run of the program took.
struct Spent {
    wall: Duration,
    user: Duration,
    system: Duration,
    peak_mb: f64,
}

#[expect(clippy::cast_precision_loss, reason = "counts of mails")]
fn figures(spent: &Spent, count: usize) -> Vec<Figure> {
    let mails = count as f64;
    let a_mail = |time: Duration| time.as_secs_f64() * 1e3 / mails;
    vec![
        Figure::new("drain: product CPU", a_mail(spent.user + spent.system), "ms/mail").must(1.5, f64::le),
        Figure::new("drain: of it in the kernel", a_mail(spent.system), "ms/mail"),
        Figure::new("drain: mails", mails / spent.wall.as_secs_f64(), "1/s").must(500.0, f64::ge),
        Figure::new("drain: peak memory", spent.peak_mb, "MB").must(100.0, f64::le),
    ]
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
fn generated(script: &Path, scratch: &Scratch, count: usize) -> Vec<Mail> {
    let out = scratch.join("generated");
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

fn fill(dovecot: &Dovecot, mails: &[Mail]) {
    let mut client = dovecot.client(USER);
    for mail in mails {
        client.append("INBOX", &mail.eml, &mail.at.format("%d-%b-%Y %H:%M:%S +0000").to_string());
    }
}

/// Postfix's own sink: it costs next to nothing and swallows everything.
struct Relay {
    port: u16,
    child: Child,
}

impl Relay {
    fn start() -> Self {
        let port = free_port();
        let child = Command::new(find("smtp-sink").unwrap())
            .args(["-u", "nobody", &format!("127.0.0.1:{port}"), "1000"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for_port(port, Path::new("/dev/null"));
        Self { port, child }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn mailward(config: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailward"));
    command.args(arguments).arg("--config").arg(config).env("BENCH_PASSWORD", PASSWORD);
    if let Some(wrapper) =
        std::env::var_os("BENCH_WRAPPER").filter(|w| !w.is_empty() && arguments[0] == "serve")
    {
        let wrapper = wrapper.into_string().unwrap();
        let mut words = wrapper.split_whitespace();
        let mut wrapped = Command::new(words.next().unwrap());
        wrapped.args(words).arg(command.get_program()).args(command.get_args());
        wrapped.env("BENCH_PASSWORD", PASSWORD);
        return wrapped;
    }
    command
}

fn run_mailward(config: &Path, arguments: &[&str]) -> String {
    let output = mailward(config, arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Runs the program to its end; what it took is what this process's children took meanwhile.
fn drain(config: &Path) -> Spent {
    let before = children();
    let since = Instant::now();
    let mut child = mailward(config, &["serve", "--until-idle"]).spawn().unwrap();
    let mut peak_mb = 0.0;
    let status = loop {
        peak_mb = peak(child.id()).unwrap_or(peak_mb);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let wall = since.elapsed();
    assert!(status.success(), "serve --until-idle ended with {status}");
    let after = children();
    Spent { wall, user: after.0.saturating_sub(before.0), system: after.1.saturating_sub(before.1), peak_mb }
}

/// User and system time of the children that were waited for (proc(5): cutime, cstime in ticks of 10 ms).
fn children() -> (Duration, Duration) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let mut fields =
        fields.split(' ').skip(13).map(|ticks| Duration::from_millis(ticks.parse::<u64>().unwrap() * 10));
    (fields.next().unwrap(), fields.next().unwrap())
}

/// The most memory a process ever held, while it lives.
fn peak(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? / 1024.0)
}
