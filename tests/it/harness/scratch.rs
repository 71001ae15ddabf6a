//! A scratch folder a handle, removed with it; and the broom for what a killed run left: its
//! servers are stopped by the process ids they wrote, once their command line proves to be theirs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

const PREFIX: &str = "mailward-it-";

/// A folder of its own below the system's temporary folder.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        static SWEPT: Once = Once::new();
        static NEXT: AtomicU32 = AtomicU32::new(0);
        SWEPT.call_once(sweep);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("{PREFIX}{}-{number}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The path as configuration files want it.
    pub fn text(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Stops a server by the process id in `file`, if that process belongs to `folder`.
pub fn stop_by_pid_file(file: &Path, folder: &Path) {
    let Some(pid) =
        fs::read_to_string(file).ok().and_then(|text| text.lines().next()?.trim().parse::<u32>().ok())
    else {
        return;
    };
    if belongs_to(pid, folder) {
        stop(pid);
    }
}

/// SIGTERM, then SIGKILL for one that does not listen.
pub fn stop(pid: u32) {
    end(pid, &pid.to_string());
}

/// The same for a server that was started as leader of a process group of its own: its children end
/// with it, instead of being waited for.
pub fn stop_group(leader: u32) {
    end(leader, &format!("-{leader}"));
}

fn end(pid: u32, target: &str) {
    for (signal, tries) in [("-TERM", 150), ("-KILL", 50)] {
        let _ = std::process::Command::new("kill").args([signal, "--", target]).status();
        for _ in 0..tries {
            if !alive(pid) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

/// A zombie is dead: only its parent's `wait` is missing.
fn alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(") ").is_none_or(|(_, rest)| !rest.starts_with('Z')))
}

/// Command line, working directory or environment name the folder.
fn belongs_to(pid: u32, folder: &Path) -> bool {
    let folder_text = folder.display().to_string();
    let names = |file: &str| {
        fs::read(format!("/proc/{pid}/{file}"))
            .is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(&folder_text))
    };
    let inside = fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
    names("cmdline") || names("environ") || inside
}

fn sweep() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        if owner.is_some_and(|pid| !alive(pid)) {
            for file in ["run/master.pid", "queue/pid/master.pid", "data/postmaster.pid"] {
                stop_by_pid_file(&path.join(file), &path);
            }
            let mount = path.join(super::disk::MOUNT);
            if mount.is_dir() {
                let _ = std::process::Command::new("umount").arg("-l").arg(mount).status();
            }
            let _ = fs::remove_dir_all(&path);
        }
    }
}
