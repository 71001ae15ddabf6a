//! A private PostgreSQL cluster in a scratch folder, reached by a unix socket and, where a test asks
//! for it, by TLS on loopback; under Debian's user `postgres` (initdb refuses root), stopped by its
//! own process id when dropped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::scratch::{Scratch, stop_by_pid_file};
use super::{Certificates, WAIVER, free_port, is_root, run};

/// A running cluster.
pub struct Postgres {
    scratch: Scratch,
    bin: PathBuf,
    databases: AtomicU32,
    /// TLS on this port of loopback, with the authority that vouches for it.
    tls: Option<(u16, Certificates)>,
}

/// Where Debian keeps the binaries of its newest version; they are in nobody's PATH.
fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let bins = versions.flatten().map(|version| version.path().join("bin"));
    bins.filter(|bin| bin.join("initdb").is_file()).max()
}

impl Postgres {
    /// Starts a cluster; `None` when PostgreSQL is not installed and that was waived.
    ///
    /// # Panics
    /// When it is not installed and that was not waived.
    pub fn start() -> Option<Self> {
        Self::build(false, "-c fsync=off -c log_statement=all")
    }

    /// The same, listening with TLS on loopback too.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn start_with_tls() -> Option<Self> {
        Self::build(true, "-c fsync=off -c log_statement=all")
    }

    /// As it runs at a site: what is committed lies on the disk.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn start_durable() -> Option<Self> {
        Self::build(false, "")
    }

    fn build(tls: bool, more: &str) -> Option<Self> {
        let Some(bin) = binaries() else {
            let waived = std::env::var_os(WAIVER).is_some_and(|value| value == "1");
            assert!(
                waived,
                "postgresql is not installed. `make servers` installs what is needed; {WAIVER}=1 leaves these tests out."
            );
            eprintln!("WAIVED: postgresql is not installed");
            return None;
        };
        let scratch = Scratch::new("pg");
        let tls = tls.then(|| (free_port(), Certificates::issue(&scratch)));
        if is_root() {
            run("chown", &["-R", "postgres", &scratch.text()]);
        }
        let cluster = Self { scratch, bin, databases: AtomicU32::new(0), tls };
        let (folder, data) = (cluster.scratch.text(), cluster.scratch.join("data").display().to_string());
        cluster.call("initdb", &["-D", &data, "-A", "trust", "-U", "mailward", "-E", "UTF8", "--no-sync"]);
        let listen = cluster.tls.as_ref().map_or("-c listen_addresses=''".to_owned(), |(port, tls)| {
            let (cert, key) = (tls.certificate.display(), tls.key.display());
            format!("-p {port} -c listen_addresses=127.0.0.1 -c ssl=on -c ssl_cert_file={cert} -c ssl_key_file={key}")
        });
        let options = format!("-k {folder} {listen} -c max_connections=90 {more}");
        fs::write(cluster.scratch.join("options"), options).unwrap();
        cluster.begin();
        Some(cluster)
    }

    fn begin(&self) {
        let (folder, data) = (self.scratch.text(), self.scratch.join("data").display().to_string());
        let options = fs::read_to_string(self.scratch.join("options")).unwrap();
        let log = format!("{folder}/log");
        self.call("pg_ctl", &["-D", &data, "-w", "-o", &options, "-l", &log, "start"]);
    }

    /// Stops it in a mode of pg_ctl (`fast`, `immediate`), waits `away`, and starts it again.
    pub fn restart(&self, mode: &str, away: Duration) {
        let data = self.scratch.join("data").display().to_string();
        self.call("pg_ctl", &["-D", &data, "-w", "-m", mode, "stop"]);
        std::thread::sleep(away);
        self.begin();
    }

    /// The port that speaks TLS, and who vouches for it.
    ///
    /// # Panics
    /// When it was started without.
    pub fn tls(&self) -> (u16, &Certificates) {
        let (port, certificates) = self.tls.as_ref().unwrap();
        (*port, certificates)
    }

    /// The URL of a fresh, empty database.
    pub fn database(&self) -> String {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let port = self.tls.as_ref().map_or(5432, |(port, _)| *port).to_string();
        self.call("createdb", &["-h", &self.scratch.text(), "-p", &port, "-U", "mailward", &name]);
        format!("postgres://mailward@{}:{port}/{name}", self.scratch.text().replace('/', "%2F"))
    }

    /// Where everything of it lies on disk; `log` holds every statement.
    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }

    fn call(&self, program: &str, arguments: &[&str]) {
        let program = self.bin.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        // The server that pg_ctl leaves behind must not hold a pipe of ours open.
        let command = command.args(arguments).current_dir("/").stdin(std::process::Stdio::null());
        let status = command.stdout(std::process::Stdio::null()).status().expect("the program runs");
        assert!(status.success(), "{arguments:?}");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        stop_by_pid_file(&self.scratch.join("data/postmaster.pid"), self.scratch.path());
    }
}
