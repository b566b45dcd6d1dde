//! The binary `causeway`, run with a folder's configuration and nothing of the environment.

use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub fn causeway(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
    command
        .arg("--config")
        .arg(folder.path().join("causeway.toml"))
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null());
    command
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
