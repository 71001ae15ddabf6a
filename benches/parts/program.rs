//! The program under measure: the release build as a process of its own, what it took of the
//! processor and how much memory it ever held (proc(5)).

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{PASSWORD, find, free_port, wait_for_port};

/// What a run of the program took.
pub struct Spent {
    pub wall: Duration,
    pub user: Duration,
    pub system: Duration,
    pub peak_mb: f64,
}

impl Spent {
    /// Processor time of each of so many mails, in milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "counts of mails")]
    pub fn a_mail(&self, mails: usize) -> f64 {
        (self.user + self.system).as_secs_f64() * 1e3 / mails as f64
    }
}

/// Runs `serve --until-idle` to its end.
pub fn until_idle(config: &Path) -> Spent {
    let mut running = Running::start(config, &["--until-idle"]);
    let since = Instant::now();
    let (mut peak_mb, mut spent) = (0.0, (Duration::ZERO, Duration::ZERO));
    let status = loop {
        peak_mb = running.peak().unwrap_or(peak_mb);
        spent = running.spent().unwrap_or(spent);
        // It is waited for only when its figures were read: they go with it.
        if running.ended() {
            break running.child.wait().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "serve --until-idle ended with {status}");
    Spent { wall: since.elapsed(), user: spent.0, system: spent.1, peak_mb }
}

/// The program while it runs; stopped when dropped.
pub struct Running {
    child: Child,
}

impl Running {
    pub fn start(config: &Path, more: &[&str]) -> Self {
        let mut command = mailward(config, "serve");
        let child = command.args(more).stdout(Stdio::null()).spawn().unwrap();
        Self { child }
    }

    fn proc(&self, file: &str) -> Option<String> {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).ok()
    }

    /// User and system time of all threads so far, in ticks of 10 ms; a process that ended keeps them
    /// until it is waited for.
    pub fn spent(&self) -> Option<(Duration, Duration)> {
        let stat = self.proc("stat")?;
        let (_, fields) = stat.rsplit_once(") ")?;
        let ticks = |n: usize| fields.split(' ').nth(n)?.parse::<u64>().ok();
        Some((Duration::from_millis(ticks(11)? * 10), Duration::from_millis(ticks(12)? * 10)))
    }

    fn ended(&self) -> bool {
        self.proc("stat").is_some_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, s)| s.starts_with('Z')))
    }

    /// The most memory it ever held, in MB.
    pub fn peak(&self) -> Option<f64> {
        let status = self.proc("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? / 1024.0)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        if !self.ended() {
            let _ = Command::new("kill").args(["-TERM", &pid]).status();
        }
        let _ = self.child.wait();
    }
}

fn mailward(config: &Path, command: &str) -> Command {
    let mut run = Command::new(env!("CARGO_BIN_EXE_mailward"));
    run.arg(command).arg("--config").arg(config).env("BENCH_PASSWORD", PASSWORD);
    run
}

/// What became of the mails, for the eye.
pub fn balance(config: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailward"));
    let output = command.args(["ledger", "balance", "--config"]).arg(config).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Postfix's own sink: it costs next to nothing and swallows everything.
pub struct Relay {
    pub port: u16,
    child: Child,
}

impl Relay {
    pub fn start() -> Self {
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
