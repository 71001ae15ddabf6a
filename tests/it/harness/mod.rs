//! script. Each takes free ports on loopback and a scratch folder, and is stopped by its own process
//! id when its handle is dropped. What a killed run left behind is swept up by the next.

#![expect(dead_code, reason = "each test file uses its own part of the harness")]

mod client;
mod disk;
mod dovecot;
mod mailbox;
mod postfix;
mod postgres;
mod proxy;
mod scratch;
mod scripted;
mod sink;
mod tls;

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub use client::lmtp_deliver;
pub use disk::Disk;
pub use dovecot::{Dovecot, PASSWORD};
pub use mailbox::{Act, Mailbox, Mischief};
pub use postfix::Postfix;
pub use postgres::Postgres;
pub use proxy::{Chance, Proxy, Tally, Weather};
pub use scratch::Scratch;
pub use scripted::{Conversation, Scripted, folder_lines};
pub use sink::{At, Sink, SunkMail};
pub use tls::Certificates;

/// Says that a test may be left out because its server is missing; everything else is a failure.
pub const WAIVER: &str = "MAILWARD_WAIVE_SERVERS";

/// True when every program is there and we are root; false when one is missing and that was waived.
///
/// # Panics
/// When one is missing and that was not waived: a test must not pass for want of its server.
pub fn servers(programs: &[&str]) -> bool {
    let mut missing: Vec<String> = programs
        .iter()
        .filter(|name| find(name).is_none())
        .map(|name| format!("{name} is not installed"))
        .collect();
    if !is_root() {
        missing.push("Dovecot and Postfix are started as root, and this is not root".to_owned());
    }
    if missing.is_empty() {
        return true;
    }
    let missing = missing.join("; ");
    assert!(
        std::env::var_os(WAIVER).is_some_and(|value| value == "1"),
        "{missing}. `make servers` installs what is needed; {WAIVER}=1 leaves these tests out."
    );
    eprintln!("WAIVED: {missing}");
    false
}

fn is_root() -> bool {
    run("id", &["-u"]).trim() == "0"
}

/// The full path of a program; servers live in sbin, which a user's PATH may lack.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/sbin", "/usr/local/sbin"].map(PathBuf::from));
    folders.into_iter().map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Runs a program to its end and gives its output.
///
/// # Panics
/// When it cannot be started or fails.
pub fn run(name: &str, arguments: &[&str]) -> String {
    let program = find(name).unwrap_or_else(|| PathBuf::from(name));
    let output = std::process::Command::new(program).args(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} {arguments:?}: {stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A port for one server, nobody else's until this process ends: below the range from which the
/// kernel gives ports to clients and to listeners on port 0, and locked against other test runs.
///
/// # Panics
/// When none is left.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = 12_000 + std::process::id() % 2000 * 10;
    let folder = std::env::temp_dir().join("mailward-test-ports");
    std::fs::create_dir_all(&folder).unwrap();
    let free = |_| {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(12_000 + (first - 12_000 + step) % 20_000).unwrap();
        let file = File::create(folder.join(port.to_string())).unwrap();
        let taken = file.try_lock().is_err() || TcpListener::bind(("127.0.0.1", port)).is_err();
        // The lock is given back with the process.
        (!taken).then(|| std::mem::forget(file)).map(|()| port)
    };
    (0..20_000).find_map(free).unwrap()
}

/// Waits until a port answers.
///
/// # Panics
/// After half a minute, with the tail of the server's log.
pub fn wait_for_port(port: u16, log: &std::path::Path) {
    let since = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let log = std::fs::read_to_string(log).unwrap_or_default();
        assert!(since.elapsed() < Duration::from_secs(30), "port {port} did not open; log:\n{log}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until something is so.
///
/// # Panics
/// After half a minute.
pub fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !so() {
        assert!(since.elapsed() < Duration::from_secs(30), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
