//! A small disk of one's own, that can be filled.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// A file system in memory that holds little. It is gone with the value.
pub struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// A disk of so many megabytes; `None`, with a word why, where this process may not mount one.
    pub fn of(megabytes: u32) -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"])
            .arg(folder.path())
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(SmallDisk { folder }),
            Ok(output) => skipped(&String::from_utf8_lossy(&output.stderr)),
            Err(error) => skipped(&error.to_string()),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Fills it, but for so many bytes.
    pub fn fill(&self, but: u64) {
        let mut file = File::create(self.filler()).unwrap();
        let page = [0; 4096];
        let mut size = 0u64;
        loop {
            match file.write(&page) {
                Ok(written) => size += written as u64,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::StorageFull);
                    break;
                }
            }
        }
        file.set_len(size.saturating_sub(but)).unwrap();
    }

    /// Takes away what fills it.
    pub fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> std::path::PathBuf {
        self.path().join("filler")
    }
}

fn skipped(why: &str) -> Option<SmallDisk> {
    // Past the test runner, which shows nothing of a test that passes.
    let told = writeln!(
        std::io::stderr(),
        "SKIPPED: no small disk can be mounted here (it takes root): {why}"
    );
    drop(told);
    None
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // What is still open goes with its last user.
        drop(Command::new("umount").arg("-l").arg(self.path()).status());
    }
}
