//! A private PostgreSQL cluster in a scratch folder, reached by a unix socket only, under Debian's
//! user `postgres` (initdb refuses root), stopped by its own process id when dropped.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::scratch::{Scratch, stop_by_pid_file};
use super::{WAIVER, is_root, run};

/// A running cluster.
pub struct Postgres {
    scratch: Scratch,
    bin: PathBuf,
    databases: AtomicU32,
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
        Self::start_with("-c fsync=off -c log_statement=all")
    }

    /// As it would run at a site: what is committed is on the disk.
    pub fn start_durable() -> Option<Self> {
        Self::start_with("")
    }

    fn start_with(more: &str) -> Option<Self> {
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
        if is_root() {
            run("chown", &["postgres", &scratch.text()]);
        }
        let cluster = Self { scratch, bin, databases: AtomicU32::new(0) };
        let (folder, data) = (cluster.scratch.text(), cluster.scratch.join("data").display().to_string());
        cluster.call("initdb", &["-D", &data, "-A", "trust", "-U", "mailward", "-E", "UTF8", "--no-sync"]);
        let options = format!("-k {folder} -c listen_addresses='' -c max_connections=90 {more}");
        let log = format!("{folder}/log");
        cluster.call("pg_ctl", &["-D", &data, "-w", "-o", &options, "-l", &log, "start"]);
        Some(cluster)
    }

    /// The URL of a fresh, empty database.
    pub fn database(&self) -> String {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.call("createdb", &["-h", &self.scratch.text(), "-U", "mailward", &name]);
        format!("postgres://mailward@{}/{name}", self.scratch.text().replace('/', "%2F"))
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
