//! The started application: a scratch installation with its configuration, desks and key ring, and
//! the real binary as processes. Everything that any of them says on standard error is kept; a mail
//! that is left unsent fails the test.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{PASSWORD, Scratch};

/// Who is believed about senders; stands in the Authentication-Results of the tests' mails.
pub const AUTHSERV: &str = "mx.example.net";
/// The desk of every story, and the one for breaches.
pub const DESK: &str = "support@example.net";
pub const BREACH_DESK: &str = "breach@example.net";

/// Where mail comes from and goes to.
pub enum Post {
    /// IMAP and SMTP on these ports of loopback.
    Servers { imap: u16, smtp: u16 },
    /// Folders of the installation: `mailbox/imaging`, `mailbox/breach`, `sent`.
    Folders,
}

/// An installation.
pub struct App {
    scratch: Scratch,
    heard: RefCell<String>,
    finished: Cell<bool>,
}

/// What a process left behind.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl App {
    /// An installation whose store is `url`, SQLite in the scratch folder without one.
    pub fn new(url: Option<&str>, post: &Post) -> Self {
        let scratch = Scratch::new("app");
        for folder in ["desks", "calendars", "data", "tmp", "mailbox/imaging", "mailbox/breach"] {
            fs::create_dir_all(scratch.join(folder)).unwrap();
        }
        let app = Self { scratch, heard: RefCell::default(), finished: Cell::new(false) };
        let calendar = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/calendars/us-federal.toml");
        fs::copy(calendar, app.path("calendars/us-federal.toml")).unwrap();
        app.write("mailward.toml", &configuration(url.unwrap_or("sqlite:data/mailward.db"), post));
        app.write("desks/imaging.toml", IMAGING);
        app.write("desks/breach.toml", BREACH);
        app.write("directory.toml", DIRECTORY);
        let keys = app.bare(&["keys", "new"], b"");
        assert_eq!(keys.code, 0, "{}", keys.stderr);
        app.write("mailward.keys", &keys.stdout);
        app.ok(&["check"]);
        app
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailward"));
        command.args(arguments).current_dir(self.scratch.path());
        command.env("MAILWARD_LOG", "trace").env("IT_PASSWORD", PASSWORD).env("TMPDIR", self.path("tmp"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command as it stands.
    pub fn bare(&self, arguments: &[&str], input: &[u8]) -> Done {
        let mut child = self.command(arguments).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        self.done(child)
    }

    fn done(&self, child: Child) -> Done {
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let stderr = text(&output.stderr);
        self.heard.borrow_mut().push_str(&stderr);
        Done { code: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr }
    }

    /// Runs a command on this installation, with `input` on its standard input.
    pub fn feed(&self, arguments: &[&str], input: &[u8]) -> Done {
        let words =
            arguments.iter().take_while(|word| !word.starts_with('-') && word.parse::<i64>().is_err());
        let (words, rest) = arguments.split_at(words.count());
        let config = ["--config", "mailward.toml"];
        self.bare(&[words, &config, rest].concat(), input)
    }

    pub fn run(&self, arguments: &[&str]) -> Done {
        self.feed(arguments, b"")
    }

    /// Runs a command that must succeed; gives what it printed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments);
        assert_eq!(done.code, 0, "{arguments:?}\n{}{}", done.stdout, loud(&done.stderr));
        done.stdout
    }

    /// The objects that a successful command prints with `--json`.
    pub fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let text = self.ok(&[arguments, &["--json"]].concat());
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// All workers at a simulated instant, until nothing is left to do.
    pub fn idle_at(&self, at: &str) {
        self.ok(&["serve", "--until-idle", "--at", at]);
    }

    /// The running gateway, in real time.
    pub fn serve(&self) -> Running<'_> {
        let log = fs::File::create(self.path("serve.log")).unwrap();
        let mut command = self.command(&["serve", "--config", "mailward.toml"]);
        let child = command.stderr(log).spawn().unwrap();
        Running { app: self, child }
    }

    /// Everything that was said on standard error so far.
    pub fn heard(&self) -> String {
        self.heard.borrow().clone()
    }

    /// The rows of the outbox in one of these states.
    pub fn outbox(&self, states: &[&str]) -> Vec<Value> {
        let rows = self.json(&["outbox", "list"]);
        rows.into_iter().filter(|row| states.iter().any(|state| row["state"] == *state)).collect()
    }

    /// Every story ends with an empty outbox, sound books and an unbroken chain.
    pub fn finish(&self) {
        self.finished.set(true);
        assert_eq!(self.outbox(&["queued", "leased", "later", "dead"]), Vec::<Value>::new());
        let days = self.json(&["ledger", "balance"]);
        assert!(!days.is_empty() && days.iter().all(|day| day["balanced"] == true), "{days:?}");
        let report = self.json(&["audit", "verify"]);
        assert!(report[0]["ok"] == true && report[0]["rows"].as_i64() > Some(0), "{report:?}");
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.finished.get(), "the story did not look whether every mail was sent");
        }
    }
}

/// Lines that matter when something failed.
fn loud(stderr: &str) -> String {
    let quiet = |line: &str| line.contains("TRACE") || line.contains("DEBUG");
    stderr.lines().filter(|line| !quiet(line)).collect::<Vec<_>>().join("\n")
}

/// `serve` without an end.
pub struct Running<'a> {
    app: &'a App,
    child: Child,
}

impl Running<'_> {
    pub fn log(&self) -> String {
        self.app.read("serve.log")
    }

    pub fn signal(&self, name: &str) {
        crate::harness::run("kill", &[name, &self.child.id().to_string()]);
    }

    /// SIGTERM; gives how it ended and how long that took.
    pub fn stop(mut self) -> (i32, Duration) {
        self.signal("-TERM");
        let since = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(since.elapsed() < Duration::from_secs(30), "SIGTERM does not end it");
            std::thread::sleep(Duration::from_millis(10));
        };
        let took = since.elapsed();
        self.app.heard.borrow_mut().push_str(&self.log());
        (status.code().unwrap_or(-1), took)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(url: &str, post: &Post) -> String {
    let (smtp, imaging, breach) = match post {
        Post::Servers { imap, smtp } => {
            let account = |user: &str| {
                format!(
                    "source = \"imap\"\nhost = \"127.0.0.1\"\nport = {imap}\ntls = \"none\"\n\
                     user = \"{user}\"\npassword_env = \"IT_PASSWORD\"\n"
                )
            };
            let smtp = format!(
                "kind = \"smtp\"\nhost = \"127.0.0.1\"\nport = {smtp}\ntls = \"none\"\nreverse_path = \"verp\"\n"
            );
            (smtp, account("support"), account("breach"))
        }
        Post::Folders => {
            let account = |desk: &str| format!("source = \"directory\"\npath = \"mailbox/{desk}\"\n");
            ("kind = \"directory\"\npath = \"sent\"\n".to_owned(), account("imaging"), account("breach"))
        }
    };
    format!(
        "[store]\nurl = \"{url}\"\n[keys]\nfile = \"mailward.keys\"\n[clock]\nsimulated = true\n\
         [smtp]\n{smtp}\
         [auth]\nkind = \"rfc8601\"\nauthserv_ids = [\"{AUTHSERV}\"]\n\
         [paths]\ndesks = \"desks\"\ncalendars = \"calendars\"\ndirectory = \"directory.toml\"\n\
         [[account]]\nname = \"support\"\n{imaging}folders = [\"INBOX\"]\ndesk = \"imaging\"\nafter = \"flag\"\n\
         first_run = \"live\"\ntoken_carrier = \"plus\"\nsubaddress = \"+\"\n\
         [[account]]\nname = \"breach\"\n{breach}folders = [\"INBOX\"]\ndesk = \"breach\"\nafter = \"none\"\n\
         first_run = \"live\"\ntoken_carrier = \"plus\"\nsubaddress = \"+\"\n"
    )
}

const IMAGING: &str = r#"
name = "imaging"
address = "support@example.net"
from_name = "Imaging Service Desk"
languages = ["en"]
calendar = { holidays = ["us-federal"], zone = "America/Chicago", hours = { mon-fri = ["08:00-17:00"] } }
categories = ["incident", "request"]

[[target]]
priority = "high"
response = "2h business"
resolution = "8h business"

[[target]]
priority = "medium"
response = "4h business"

[autoclose]
after = "48h elapsed"
reminder_before = "24h"
at_opening = true

[priority]
default = "medium"
default_category = "incident"

[[rule]]
id = "several"
says = "several users or sites are affected"
when = ["many-users", "problem"]
unless = ["resolved", "hypothetical"]
priority = "high"
category = "incident"

[[rule]]
id = "question"
says = "a question"
when = ["question"]
unless = ["problem"]
priority = "low"
category = "request"
"#;

const BREACH: &str = r#"
name = "breach"
class = "breach"
address = "breach@example.net"
from_name = "Privacy Office"
languages = ["en"]
calendar = { holidays = ["us-federal"], zone = "America/Chicago", hours = { mon-fri = ["08:00-17:00"] } }
categories = ["breach"]

[[target]]
priority = "urgent"
response = "1h elapsed"
"#;

const DIRECTORY: &str = r#"
[[organisation]]
name = "lakeside"
domains = ["lakeside.example"]

[[agent]]
name = "ana"
display_name = "Ana"
address = "ana@team.example"
desks = ["imaging"]
languages = ["en"]

[[agent]]
name = "bob"
display_name = "Bob"
address = "bob@team.example"
desks = ["imaging"]
languages = ["en"]

[[agent]]
name = "carla"
display_name = "Carla"
address = "carla@team.example"
desks = ["breach"]
languages = ["en"]
"#;
