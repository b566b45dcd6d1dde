//! Files that hold a secret: made anew, readable by their owner only.

use std::io::Write;
use std::path::Path;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

/// A new secret of 256 bits, as base64.
///
/// # Errors
/// A text for people when the system gives no randomness.
pub(super) fn generate() -> Result<SecretString, String> {
    let mut bytes = [0u8; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_unspecified| "the system gives no random numbers".to_owned())?;
    Ok(SecretString::from(STANDARD.encode(bytes)))
}

/// Writes a secret to a new file. A file that exists is left alone: it may hold the only copy of another secret.
///
/// # Errors
/// A text for people.
pub(super) fn write_new(path: &Path, secret: &SecretString) -> Result<(), String> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        writeln!(file, "{}", secret.expose_secret())?;
        file.sync_all()
    });
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            format!(
                "{} exists already; it is left as it is, name a new file",
                path.display()
            )
        }
        _ => format!("{} cannot be written ({error})", path.display()),
    })
}
