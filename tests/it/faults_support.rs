//! The real program as a process on an installation of its own, for the tests in which the world
//! fails: started, watched from outside by its commands, and held to conservation at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::harness::{Certificates, Dovecot, Scratch, Sink, run};
use super::lessons_support::{Mail, Plan, write};

/// An installation and the gateway that runs on it.
pub struct Gateway {
    pub scratch: Scratch,
    config: PathBuf,
    child: Option<Child>,
    starts: u32,
}

impl Gateway {
    /// Writes the configuration of a plan; these authorities are trusted.
    pub fn new(plan: &Plan, trusted: &[&Certificates]) -> Self {
        let scratch = Scratch::new("faults");
        let config = write(plan, &scratch);
        let authorities = trusted.iter().map(|c| std::fs::read_to_string(&c.authority).unwrap());
        std::fs::write(scratch.join("trusted.pem"), authorities.collect::<String>()).unwrap();
        Self { scratch, config, child: None, starts: 0 }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailward"));
        let words = arguments.iter().take_while(|word| !word.starts_with('-')).count();
        let (words, rest) = arguments.split_at(words);
        command.args(words).arg("--config").arg(&self.config).args(rest).current_dir(self.scratch.path());
        command.env("SSL_CERT_FILE", self.scratch.join("trusted.pem")).env("MAILWARD_LOG", "info");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Starts `serve`; what it says goes into `serve.log`.
    pub fn start(&mut self) {
        assert!(self.child.is_none());
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.scratch.join("serve.log"));
        self.child = Some(self.command(&["serve"]).stderr(log.unwrap()).spawn().unwrap());
        self.starts += 1;
    }

    /// The same, and waits until it is up: a database that is away at the start is exit 75.
    pub fn start_up(&mut self) {
        self.start();
        super::harness::eventually("the gateway is up", || self.log().contains("mailward runs"));
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.scratch.join("serve.log")).unwrap_or_default()
    }

    /// It runs and was started once: nobody had to help it.
    pub fn lives(&mut self) -> bool {
        self.starts == 1 && self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// The most memory it ever held, in MiB.
    pub fn peak_mib(&self) -> u64 {
        let pid = self.child.as_ref().unwrap().id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
    }

    /// SIGTERM, and it ends well.
    pub fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        run("kill", &["-TERM", &child.id().to_string()]);
        let since = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(since.elapsed() < Duration::from_mins(1), "SIGTERM does not end it");
            std::thread::sleep(Duration::from_millis(20));
        };
        assert!(status.success(), "{status}\n{}", tail(&self.log()));
    }

    /// Runs a command; gives its exit code and what it printed on both ways out.
    pub fn ask(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }

    /// The objects that a command prints, whatever its exit code.
    pub fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let (_, printed, _) = self.ask(&[arguments, &["--json"]].concat());
        printed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits, for a long time, until so many mails are decided and nothing is left to send.
    pub fn settled(&mut self, mails: usize, patience: Duration) {
        let since = Instant::now();
        loop {
            assert!(self.lives(), "it ended\n{}", tail(&self.log()));
            let rows = self.json(&["ledger", "list"]);
            let open = |row: &&Value| row["state"] == "stored" || row["state"] == "unfetchable";
            let unsent = self.json(&["outbox", "list"]);
            let going = |row: &&Value| ["queued", "leased", "later"].iter().any(|s| row["state"] == *s);
            let left = (rows.iter().filter(open).count(), unsent.iter().filter(going).count());
            if rows.len() >= mails && left == (0, 0) {
                return;
            }
            assert!(
                since.elapsed() < patience,
                "{} of {mails} mails, {left:?} left\n{}",
                rows.len(),
                tail(&self.log())
            );
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", tail(&self.log()));
        }
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The end of a log.
pub fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(40)).copied().collect::<Vec<_>>().join("\n")
}

/// The customer of a number.
pub fn customer(number: usize) -> String {
    format!("user{number}@clinic.example")
}

/// The mail of a number.
pub fn matter(number: usize) -> Vec<u8> {
    Mail::new(&customer(number), &format!("Matter {number}")).bytes()
}

/// An IMAP account whose server speaks TLS on this port.
pub fn tls_account(port: u16, more: &str) -> String {
    format!(
        "[[account]]\nname = \"support\"\nsource = \"imap\"\nhost = \"localhost\"\nport = {port}\ntls = \"tls\"\n\
         user = \"support\"\npassword_file = \"password\"\ndesk = \"help\"\nfirst_run = \"live\"\n{more}\n"
    )
}

/// A relay that speaks TLS on this port.
pub fn tls_relay(port: u16) -> String {
    format!("kind = \"smtp\"\nhost = \"localhost\"\nport = {port}\ntls = \"tls\"\nreverse_path = \"null\"")
}

/// Every mail is exactly one message of exactly one ticket, every ticket has one acknowledgment
/// decision, books and chain are sound. Gives how many mails the ledger holds.
pub fn conserved(gateway: &Gateway, mails: usize) {
    let rows = gateway.json(&["ledger", "list"]);
    let states: BTreeMap<&str, usize> = rows.iter().fold(BTreeMap::new(), |mut sums, row| {
        *sums.entry(row["state"].as_str().unwrap()).or_default() += 1;
        sums
    });
    let committed = states.get("committed").copied().unwrap_or(0);
    assert_eq!(committed, mails, "{states:?}");
    let places: BTreeSet<String> =
        rows.iter().map(|row| format!("{}{}{}", row["folder"], row["uidvalidity"], row["uid"])).collect();
    assert_eq!(places.len(), rows.len(), "one row a place");

    let tickets = gateway.json(&["ticket", "list"]);
    let subjects: BTreeSet<&str> = tickets.iter().map(|t| t["subject"].as_str().unwrap()).collect();
    assert_eq!((tickets.len(), subjects.len()), (mails, mails), "a ticket a mail");
    assert!(tickets.iter().all(|ticket| ticket["message_count"] == 1), "one message in each");
    let mut numbers: Vec<i64> = tickets.iter().map(|t| t["number"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(1..=i64::try_from(mails).unwrap()), "without a gap");

    let mut decisions: BTreeMap<i64, usize> = BTreeMap::new();
    for row in gateway.json(&["outbox", "list"]) {
        assert!(row["state"] == "sent" || row["state"] == "suppressed", "{row}");
        if row["kind"] == "received" {
            *decisions.entry(row["ticket"].as_i64().unwrap()).or_default() += 1;
        }
    }
    assert_eq!(decisions.len(), mails);
    assert!(decisions.values().all(|count| *count == 1), "one decision each");
    sound(gateway);
}

/// Books and chain.
pub fn sound(gateway: &Gateway) {
    let (code, days, _) = gateway.ask(&["ledger", "balance"]);
    assert_eq!(code, 0, "{days}");
    let (code, report, _) = gateway.ask(&["audit", "verify"]);
    assert_eq!(code, 0, "{report}");
}

/// What reached the world: everybody was written to, and who got a mail twice got the same octets.
/// Gives how many came more than once.
pub fn acknowledged(sink: &Sink, mails: usize) -> usize {
    let mut of: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mail in sink.mails() {
        of.entry(mail.to.join(",")).or_default().push(without_trace(&mail.text()));
    }
    let mut twice = 0;
    for number in 0..mails {
        let mut copies = of.remove(&customer(number)).unwrap_or_default();
        twice += copies.len().saturating_sub(1);
        copies.dedup();
        assert_eq!(copies.len(), 1, "{}: {copies:?}", customer(number));
    }
    let others: Vec<&String> = of.keys().filter(|to| !to.ends_with("@team.example")).collect();
    assert!(others.is_empty(), "{others:?}");
    twice
}

/// A mail without the Received lines that relays put on top of it (RFC 5321 4.4).
fn without_trace(text: &str) -> String {
    let mut rest = text;
    while rest.starts_with("Received:") || rest.starts_with([' ', '\t']) {
        rest = rest.split_once("\r\n").map_or("", |(_, rest)| rest);
    }
    rest.to_owned()
}

/// Nothing lies in INBOX any more, and each mail lies once in the other folder.
pub fn moved(dovecot: &Dovecot, folder: &str, mails: usize) {
    let mut other = dovecot.client("support");
    assert_eq!(other.subjects("INBOX").len(), 0);
    let subjects = other.subjects(folder);
    let once: BTreeSet<&String> = subjects.iter().collect();
    assert_eq!((subjects.len(), once.len()), (mails, mails), "each mail once in {folder}");
}
