//! The package in the org: pairing, what it captures, what it reports, what it asks to be reconciled.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use causeway_core::Instant;
use causeway_core::id::{ConnectionId, MappingId, RunId};
use causeway_core::package::{self, PackageIssue, PackageRelease, PackageVersion};
use causeway_core::ports::connections::{Client, ClientKey, Connection};
use causeway_core::ports::packages::{CodeHash, PackageReport, Pairing};
use causeway_core::ports::runs::{RunKind, RunState};
use causeway_core::ports::{Lane, StoreError, Transaction};
use secrecy::{ExposeSecret, SecretBox};

use crate::app::App;
use crate::app::org::is_of;
use crate::app::scope::Scope;
use crate::app::sync::marking::refusal;
use crate::app::sync::order::parents_first;
use crate::vault::{VaultError, client_secret_purpose};

/// The package's version that goes with this gateway; an older one is out of date.
pub const LATEST_VERSION: PackageVersion = PackageVersion::of(1, 0);

/// Bytes of the key that a package makes: as many as the hash of HS256 has.
pub const KEY_BYTES: usize = 32;

/// What a package may do: push, let its admin see and set how things stand, and show a record's users what became of it.
const SCOPES: [Scope; 8] = [
    Scope::SalesforceWrite,
    Scope::ConnectionRead,
    Scope::ConnectionWrite,
    Scope::SyncsRead,
    Scope::SyncsWrite,
    Scope::LogsRead,
    Scope::RecordsRead,
    Scope::EmbedWrite,
];

/// Letters and digits that are not taken for each other (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Characters of a code: 100 bits, more than anybody guesses.
const CODE_LENGTH: usize = 20;

/// Characters between two dashes.
const GROUP: usize = 5;

/// A pairing code as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairingCode(String);

impl PairingCode {
    /// A new code.
    ///
    /// # Errors
    /// A text for people when the system gives no randomness.
    pub fn generate() -> Result<PairingCode, String> {
        let mut bytes = [0_u8; CODE_LENGTH];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_unspecified| "the system gives no random numbers".to_owned())?;
        let letters = bytes
            .iter()
            .filter_map(|byte| ALPHABET.get(usize::from(byte % 32)));
        Ok(PairingCode(letters.map(|letter| char::from(*letter)).collect()))
    }

    /// The code that a person typed, with or without its dashes, in either case. None: no code looks like this.
    pub fn parse(typed: &str) -> Option<PairingCode> {
        let code: String = typed
            .chars()
            .filter(|letter| !matches!(letter, '-' | ' '))
            .map(|letter| match letter.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                letter => letter,
            })
            .collect();
        let known = code.len() == CODE_LENGTH && code.bytes().all(|letter| ALPHABET.contains(&letter));
        known.then_some(PairingCode(code))
    }

    fn hash(&self) -> CodeHash {
        let hash = digest(&SHA256, self.0.as_bytes());
        CodeHash(hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl std::fmt::Display for PairingCode {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, letter) in self.0.chars().enumerate() {
            if place > 0 && place % GROUP == 0 {
                out.write_str("-")?;
            }
            write!(out, "{letter}")?;
        }
        Ok(())
    }
}

/// Makes a code with which the package of this connection's org pairs itself, once, within `lives`. A code that was
/// made before and not used is of no use any more.
///
/// # Errors
/// A text for people.
pub async fn invite(app: &App, connection: &Connection, lives: Duration) -> Result<PairingCode, String> {
    let code = PairingCode::generate()?;
    let pairing = Pairing {
        code: code.hash(),
        connection: connection.id,
        client: client_of(&connection.name),
        expires_at: app.clock.now() + lives,
    };
    app.store
        .write(Lane::Interactive, move |tx| tx.add_pairing(&pairing))
        .await
        .map_err(|error| error.to_string())?;
    Ok(code)
}

/// The client that the package of a connection's org becomes.
pub fn client_of(connection: &str) -> String {
    format!("{connection}-package")
}

/// What a package sends to pair itself.
#[derive(Debug)]
pub struct PairingRequest {
    /// The code, as typed.
    pub code: String,
    /// The org that the package says it runs in, 15 or 18 characters.
    pub organization: String,
    /// The key it made.
    pub key: SecretBox<[u8]>,
}

/// What a package is told that has been paired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paired {
    /// What its tokens have to name as `iss`.
    pub client: String,
    /// The connection.
    pub connection: String,
    /// What it captures.
    pub captured: Captured,
}

/// Why a package was not paired. Its code can be used again, unless that was what was wrong.
#[derive(Debug, thiserror::Error)]
pub enum PairingError {
    /// No unused code is like this one.
    #[error("the code is wrong, was used, or was replaced by a newer one")]
    UnknownCode,
    /// The code's time is up.
    #[error("the code has expired")]
    Expired,
    /// The connection is of another org.
    #[error("the code belongs to the connection of another org")]
    OtherOrganization,
    /// The connection is switched off.
    #[error("the connection is switched off")]
    SwitchedOff,
    /// The key could not be sealed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes a package's key in exchange for its code.
///
/// # Errors
/// [`PairingError`]; the key in force stays in force then.
pub async fn pair(app: &App, request: PairingRequest) -> Result<Paired, PairingError> {
    let code = PairingCode::parse(&request.code)
        .ok_or(PairingError::UnknownCode)?
        .hash();
    let wanted = code.clone();
    let pairing = app.store.read(move |tx| tx.pairing(&wanted)).await?;
    let pairing = pairing.ok_or(PairingError::UnknownCode)?;
    let at = app.clock.now();
    if pairing.expires_at <= at {
        return Err(PairingError::Expired);
    }
    let purpose = client_secret_purpose(&pairing.client);
    let client = Client {
        id: pairing.client.clone(),
        connection: pairing.connection,
        key: ClientKey::Hs256(app.vault.seal(&purpose, request.key.expose_secret())?),
        scopes: SCOPES.map(|scope| scope.as_str().to_owned()).to_vec(),
        revoked_at: None,
    };
    let organization = request.organization;
    let paired = app
        .store
        .write(Lane::Interactive, move |tx| {
            let Some(connection) = tx.connection(client.connection)? else {
                return Ok(Err(PairingError::UnknownCode));
            };
            if !connection.enabled {
                return Ok(Err(PairingError::SwitchedOff));
            }
            if !is_of(connection.organization, &organization) {
                return Ok(Err(PairingError::OtherOrganization));
            }
            if tx.pairing(&code)?.is_none() {
                return Ok(Err(PairingError::UnknownCode));
            }
            tx.use_pairing(&code, at)?;
            tx.put_client(&client)?;
            Ok(Ok(Paired {
                client: client.id.clone(),
                captured: captured_in(tx, connection.id)?,
                connection: connection.name,
            }))
        })
        .await?;
    if paired.is_ok() {
        app.users_bell.notify_one();
    }
    paired
}

/// What a package captures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// Changes whenever the objects or fields do.
    pub revision: String,
    /// Fields by object.
    pub objects: BTreeMap<String, BTreeSet<String>>,
}

/// What the package of a connection's org captures.
///
/// # Errors
/// When the store fails.
pub async fn captured(app: &App, connection: ConnectionId) -> Result<Captured, StoreError> {
    app.store.read(move |tx| captured_in(tx, connection)).await
}

fn captured_in(tx: &mut dyn Transaction, connection: ConnectionId) -> Result<Captured, StoreError> {
    let plans = tx.plans(connection)?;
    let objects = package::captured(plans.iter().map(AsRef::as_ref));
    let mut text = String::new();
    for (object, fields) in &objects {
        text.push_str(object);
        for field in fields {
            text.push(' ');
            text.push_str(field);
        }
        text.push('\n');
    }
    let hash = digest(&SHA256, text.as_bytes());
    let revision = hash
        .as_ref()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(Captured { revision, objects })
}

/// Remembers what a package told, and answers what it captures.
///
/// # Errors
/// When the store fails.
pub async fn heartbeat(
    app: &App,
    connection: ConnectionId,
    report: PackageReport,
) -> Result<Captured, StoreError> {
    app.store
        .write(Lane::Interactive, move |tx| {
            tx.put_package_report(connection, &report)?;
            captured_in(tx, connection)
        })
        .await
}

/// How the package of a connection's org is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageState {
    /// What it last told.
    pub report: Option<PackageReport>,
    /// What its admin has to see to, the gravest first.
    pub issues: Vec<PackageIssue>,
    /// The latest version.
    pub latest: PackageRelease,
}

/// How the package of a connection's org is.
///
/// # Errors
/// When the store fails.
pub async fn state(app: &App, connection: ConnectionId) -> Result<PackageState, StoreError> {
    let (report, unmarked) = app
        .store
        .read(move |tx| {
            let mut unmarked = Vec::new();
            for plan in tx.plans(connection)? {
                let refused = refusal(tx, connection, &plan)?;
                unmarked.extend(refused.map(|refused| package::unmarked(&plan, &refused)));
            }
            Ok((tx.package_report(connection)?, unmarked))
        })
        .await?;
    let now = app.clock.now();
    let latest = app.options.latest_package.clone();
    let mut issues = package::issues(report.as_ref(), &latest, now);
    issues.extend(unmarked);
    if let Some(span) = app.store.full_for() {
        issues.insert(0, store_full(now - span));
    }
    Ok(PackageState {
        report,
        issues,
        latest,
    })
}

/// What keeps the package from sending, told where its admin looks: the package itself hears no more than a refusal.
fn store_full(since: Instant) -> PackageIssue {
    PackageIssue {
        code: "store-full",
        since: Some(since),
        message: "The disk of the gateway's database is full: changes wait in Salesforce and at the partner, and nothing \
                  is lost"
            .to_owned(),
        next_step: "Whoever runs the gateway: free space on that disk; the gateway then goes on by itself",
    }
}

/// How an order to reconcile went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reconciling {
    /// A run that has not begun to look yet has all of the objects.
    Queued(RunId),
    /// None of the objects is mapped, so there is nothing to reconcile.
    NotMapped,
    /// A run has begun already, and may have passed the objects; or a queued one leaves some of them out.
    UnderWay(RunId),
}

/// Orders a reconcile of sObjects.
///
/// # Errors
/// When the store fails.
pub async fn reconcile(
    app: &App,
    connection: ConnectionId,
    objects: Vec<String>,
) -> Result<Reconciling, StoreError> {
    let at = app.clock.now();
    let ordered = app
        .store
        .write(Lane::Interactive, move |tx| {
            let plans = tx.plans(connection)?;
            let wanted: Vec<MappingId> = parents_first(&plans)
                .into_iter()
                .filter(|plan| {
                    objects
                        .iter()
                        .any(|object| object.eq_ignore_ascii_case(&plan.salesforce_object))
                })
                .map(|plan| plan.mapping)
                .collect();
            if wanted.is_empty() {
                return Ok(Reconciling::NotMapped);
            }
            let id = tx.start_run(connection, RunKind::Reconcile, &wanted, at)?;
            let covers = tx.run(connection, id)?.is_some_and(|run| {
                run.state == RunState::Queued
                    && wanted
                        .iter()
                        .all(|mapping| run.parts.iter().any(|part| part.mapping == *mapping))
            });
            Ok(if covers {
                Reconciling::Queued(id)
            } else {
                Reconciling::UnderWay(id)
            })
        })
        .await?;
    app.sync_bell.notify_one();
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = PairingCode::generate().unwrap();
        let shown = code.to_string();
        assert_eq!(shown.len(), CODE_LENGTH + 3);
        for typed in [
            shown.clone(),
            shown.to_lowercase(),
            shown.replace('-', " "),
            shown.replace('0', "o").replace('1', "l"),
        ] {
            assert_eq!(PairingCode::parse(&typed), Some(code.clone()), "{typed}");
        }
        for wrong in [
            "",
            "abc",
            &shown.replacen(|_letter: char| true, "", 1),
            &format!("{shown}A"),
            &shown.replace('-', "U"),
        ] {
            assert_eq!(PairingCode::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn codes_differ_and_only_their_hashes_are_kept() {
        let (one, other) = (PairingCode::generate().unwrap(), PairingCode::generate().unwrap());
        assert_ne!(one.hash(), other.hash());
        assert_eq!(one.hash().0.len(), 64);
        assert!(!one.hash().0.contains(&one.0));
    }

    #[test]
    fn a_version_before_the_latest_or_of_another_form_is_out_of_date() {
        let latest = PackageRelease {
            version: LATEST_VERSION,
            id: None,
        };
        assert!(!latest.outdates(&LATEST_VERSION.to_string()));
        assert!(!latest.outdates("99.0"));
        assert!(latest.outdates("0.9"));
        assert!(latest.outdates("soon"));
    }
}
