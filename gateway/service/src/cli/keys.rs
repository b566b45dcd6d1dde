//! `causeway keys`.

use std::path::Path;
use std::process::ExitCode;

use causeway_core::Instant;
use chrono::Datelike;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, date_time_ymd};
use secrecy::{ExposeSecret, SecretString};

use super::{CommandError, Outcome, output, secret_file};

/// Makes a master key and prints it, or writes it to a new file.
pub(super) fn master(out: Option<&Path>) -> Outcome {
    let key = secret_file::generate().map_err(CommandError::new)?;
    match out {
        None => output::line(key.expose_secret()),
        Some(path) => {
            secret_file::write_new(path, &key).map_err(CommandError::new)?;
            output::note(&format!(
                "wrote {}; keep a copy apart from the database's backups, without it no secret in them opens",
                path.display()
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes an RSA key pair with a self-signed certificate, which is the form in which Salesforce takes a public key.
pub(super) fn app(folder: &Path, now: Instant, days: i64) -> Outcome {
    let made = certify(now, days)
        .map_err(|error| CommandError::new(format!("the key pair cannot be made ({error})")))?;
    std::fs::create_dir_all(folder)
        .map_err(|error| CommandError::new(format!("{} cannot be made ({error})", folder.display())))?;
    let (key, certificate) = (folder.join("app.key"), folder.join("app.crt"));
    secret_file::write_new(&key, &made.private_key).map_err(CommandError::new)?;
    std::fs::write(&certificate, made.certificate).map_err(|error| {
        CommandError::new(format!("{} cannot be written ({error})", certificate.display()))
    })?;
    output::note(&format!(
        "wrote {} (name it as private_key_file) and {} (upload it to the app in Salesforce)",
        key.display(),
        certificate.display()
    ));
    Ok(ExitCode::SUCCESS)
}

struct KeyWithCertificate {
    private_key: SecretString,
    certificate: String,
}

fn certify(now: Instant, days: i64) -> Result<KeyWithCertificate, rcgen::Error> {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "Causeway gateway");
    // The certificate's own date type stays unnamed: it belongs to a library that nothing else here uses.
    let midnight = |moment: Instant| {
        let part = |number: u32| u8::try_from(number).unwrap_or(1);
        date_time_ymd(moment.year(), part(moment.month()), part(moment.day()))
    };
    params.not_before = midnight(now);
    params.not_after = midnight(now + chrono::Duration::days(days));
    let certificate = params.self_signed(&key)?;
    Ok(KeyWithCertificate {
        private_key: SecretString::from(key.serialize_pem().trim_end()),
        certificate: certificate.pem(),
    })
}
