//! A small disk of its own that can be filled and made read-only: a tmpfs on a scratch folder. Needs
//! root and the right to mount.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

use super::scratch::Scratch;
use super::{find, is_root};

/// The mount point below the scratch folder; the broom looks for it.
pub const MOUNT: &str = "disk";

/// A mounted disk; unmounted when dropped.
#[derive(Debug)]
pub struct Disk {
    scratch: Scratch,
}

impl Disk {
    /// Of so many MiB; `None`, said aloud, where nothing can be mounted.
    pub fn mount(mib: u32) -> Option<Self> {
        let scratch = Scratch::new("disk");
        fs::create_dir(scratch.join(MOUNT)).unwrap();
        let target = scratch.join(MOUNT).display().to_string();
        let mounted = is_root()
            && find("mount").is_some()
            && mount(&["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs", &target]);
        if !mounted {
            // Not by `eprintln!`, which the test harness keeps to itself when a test passes.
            let word = b"LEFT OUT: a test on a small disk; it needs root and the right to mount a tmpfs\n";
            std::io::stderr().write_all(word).unwrap();
            return None;
        }
        Some(Self { scratch })
    }

    pub fn path(&self) -> PathBuf {
        self.scratch.join(MOUNT)
    }

    /// Leaves not one octet free.
    pub fn fill(&self) {
        let mut ballast = File::create(self.path().join("ballast")).unwrap();
        for piece in [1 << 20, 1 << 12, 1] {
            while ballast.write_all(&vec![0; piece]).is_ok() {}
        }
    }

    /// Gives the room back.
    pub fn free(&self) {
        fs::remove_file(self.path().join("ballast")).unwrap();
    }

    /// Read-only or writable; nobody may have a file of it open for writing.
    pub fn read_only(&self, yes: bool) {
        let mode = if yes { "remount,ro" } else { "remount,rw" };
        assert!(mount(&["-o", mode, &self.path().display().to_string()]), "{mode}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let target = self.path().display().to_string();
        let _ = std::process::Command::new("umount").args(["-l", &target]).status();
    }
}

fn mount(arguments: &[&str]) -> bool {
    std::process::Command::new("mount").args(arguments).status().is_ok_and(|status| status.success())
}
