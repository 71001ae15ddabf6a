//! A private PostgreSQL cluster in a scratch folder, reached by a unix socket only, under a user that
//! is not root (initdb refuses root), stopped by its own process id when dropped.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

/// A running cluster.
pub struct Postgres {
    folder: PathBuf,
    bin: PathBuf,
}

static DATABASES: AtomicU32 = AtomicU32::new(0);

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0)
}

/// Where Debian keeps the binaries of its newest version.
fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> =
        versions.flatten().map(|v| v.path().join("bin")).filter(|bin| bin.join("initdb").is_file()).collect();
    found.sort();
    found.pop()
}

impl Postgres {
    /// Starts a cluster; `None` without PostgreSQL's binaries on this machine.
    pub fn start() -> Option<Self> {
        let bin = binaries()?;
        // A unix socket's path holds 107 octets: the scratch folder stays short.
        let made = Command::new("mktemp").args(["-d", "/tmp/mailward-pg.XXXXXX"]).output().expect("mktemp runs");
        let folder = PathBuf::from(String::from_utf8(made.stdout).expect("a path").trim());
        if is_root() {
            let owner = Command::new("chown").arg("postgres").arg(&folder).status().expect("chown runs");
            assert!(owner.success(), "the user postgres of Debian's package is needed");
        }
        let cluster = Self { folder, bin };
        let data = cluster.folder.join("data");
        cluster.run("initdb", &["-D", text(&data), "-A", "trust", "-U", "mailward", "-E", "UTF8", "--no-sync"]);
        let socket = text(&cluster.folder).to_owned();
        let options = format!("-k {socket} -c listen_addresses='' -c fsync=off -c max_connections=60");
        let log = cluster.folder.join("log");
        cluster.run("pg_ctl", &["-D", text(&data), "-w", "-o", &options, "-l", text(&log), "start"]);
        Some(cluster)
    }

    /// The URL of a fresh, empty database.
    pub fn database(&self) -> String {
        let name = format!("t{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        self.run("createdb", &["-h", text(&self.folder), "-U", "mailward", &name]);
        let socket = text(&self.folder).replace('/', "%2F");
        format!("postgres://mailward@{socket}/{name}")
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let program = self.bin.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let output = command.args(arguments).current_dir("/").output().expect("the program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the scratch folder's path is UTF-8")
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
        if let Some(pid) = pid.lines().next() {
            // SIGINT is PostgreSQL's fast shutdown.
            let _ = Command::new("kill").args(["-INT", pid.trim()]).status();
            for _ in 0..100 {
                if !Path::new("/proc").join(pid.trim()).exists() {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
