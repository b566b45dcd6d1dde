//! The file that describes a connection to add.

use std::path::{Path, PathBuf};

use aws_lc_rs::rsa::PublicEncryptingKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_core::ports::connections::{Environment, PartnerUser};
use jsonwebtoken::EncodingKey;
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use crate::app::scope::Scope;
use crate::config;
use crate::loopback::is_loopback;
use crate::members::{FieldError, Members};

/// The shortest shared secret that is taken, in characters: HS256 keys shorter than its hash can be guessed
/// (RFC 7518, section 3.2).
const SHORTEST_SECRET: usize = 32;

/// The shortest RSA key that is taken, in bits (RFC 7518, section 3.3).
const SHORTEST_KEY: usize = 2048;

/// A connection to add, checked.
#[derive(Debug)]
pub(super) struct ConnectionFile {
    /// Name, unique over the gateway.
    pub(super) name: String,
    /// Tenant, by name.
    pub(super) tenant: String,
    /// Production or sandbox.
    pub(super) environment: Environment,
    /// Where tokens are asked for.
    pub(super) login_url: String,
    /// The app's consumer key.
    pub(super) consumer_key: String,
    /// Salesforce user whom the gateway acts as.
    pub(super) username: String,
    /// The app's private key (PEM).
    pub(super) private_key: SecretString,
    /// API version.
    pub(super) api_version: String,
    /// Salesforce calls that may be spent in 24 hours, where a number is given.
    pub(super) daily_calls: Option<u64>,
    /// Who may call on its behalf.
    pub(super) clients: Vec<ClientEntry>,
    /// The partner's users.
    pub(super) users: Vec<PartnerUser>,
}

/// A client to add.
#[derive(Debug)]
pub(super) struct ClientEntry {
    /// What its tokens name as `iss`.
    pub(super) id: String,
    /// What it may do.
    pub(super) scopes: Vec<Scope>,
    /// How its tokens are verified.
    pub(super) key: ClientEntryKey,
}

/// How a client's tokens are verified.
#[derive(Debug)]
pub(super) enum ClientEntryKey {
    /// HS256 with this secret: the key is the text itself.
    Secret(SecretString),
    /// HS256 with a new secret, to be written to this file.
    Generate(PathBuf),
    /// RS256 with this public key (PEM).
    Public(String),
}

/// Reads a connection file. Paths in it count from the folder it lies in.
///
/// # Errors
/// Every problem found, each naming its field.
pub(super) fn read(path: &Path) -> Result<ConnectionFile, Vec<FieldError>> {
    let whole = |message: String| {
        vec![FieldError {
            field: path.display().to_string(),
            message,
        }]
    };
    let text = std::fs::read_to_string(path).map_err(|error| whole(format!("cannot be read ({error})")))?;
    let value: Value = config::toml::read(&text).map_err(whole)?;
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    Reader {
        folder,
        errors: Vec::new(),
    }
    .connection(value)
}

struct Reader {
    folder: PathBuf,
    errors: Vec<FieldError>,
}

impl Reader {
    fn connection(mut self, value: Value) -> Result<ConnectionFile, Vec<FieldError>> {
        let mut members = Members::of("", value).map_err(|error| vec![error])?;
        let name = members.read("name", name_like);
        let tenant = members.read("tenant", name_like);
        let environment = members.read("environment", |text| match text {
            "production" => Ok(Environment::Production),
            "sandbox" => Ok(Environment::Sandbox),
            _ => Err("must be production or sandbox".to_owned()),
        });
        let login_url = members.read("login_url", login_url);
        let consumer_key = members.read("consumer_key", filled);
        let username = members.read("username", filled);
        let private_key = members.read("private_key_file", |file| self.private_key(file));
        let api_version = members.read("api_version", api_version);
        let daily_calls = self.daily_calls(&mut members);
        let clients = self.clients(members.list("client"));
        let users = self.users(members.list("user"));
        self.errors.extend(members.finish());
        match (
            name,
            tenant,
            environment,
            login_url,
            consumer_key,
            username,
            private_key,
            api_version,
        ) {
            (
                Some(name),
                Some(tenant),
                Some(environment),
                Some(login_url),
                Some(consumer_key),
                Some(username),
                Some(private_key),
                Some(api_version),
            ) if self.errors.is_empty() => Ok(ConnectionFile {
                name,
                tenant,
                environment,
                login_url,
                consumer_key,
                username,
                private_key,
                api_version,
                daily_calls,
                clients,
                users,
            }),
            _ => Err(self.errors),
        }
    }

    fn daily_calls(&mut self, members: &mut Members) -> Option<u64> {
        let value = members.value("daily_calls")?;
        let calls = value.as_u64().filter(|calls| *calls > 0);
        if calls.is_none() {
            members.error("daily_calls", "must be a whole number from 1 on");
        }
        calls
    }

    fn clients(&mut self, entries: Vec<Value>) -> Vec<ClientEntry> {
        let mut clients: Vec<ClientEntry> = Vec::new();
        for (at, entry) in entries.into_iter().enumerate() {
            let path = format!("client[{at}]");
            let Some(client) = self.client(&path, entry) else {
                continue;
            };
            if clients.iter().any(|other| other.id == client.id) {
                self.error(&format!("{path}.id"), "stands twice in this file");
            }
            clients.push(client);
        }
        clients
    }

    fn client(&mut self, path: &str, entry: Value) -> Option<ClientEntry> {
        let mut members = self.members(path, entry)?;
        let id = members.read("id", client_id);
        let mut scopes = Vec::new();
        for (at, scope) in members.list("scopes").into_iter().enumerate() {
            match scope.as_str().and_then(Scope::parse) {
                Some(scope) => scopes.push(scope),
                None => members.error(
                    &format!("scopes[{at}]"),
                    format!("must be one of {}", Scope::ALL.map(Scope::as_str).join(", ")),
                ),
            }
        }
        let keys = [
            members.text("secret_file").map(|file| self.shared_secret(&file)),
            members
                .text("generate_secret_file")
                .map(|file| self.new_file(&file).map(ClientEntryKey::Generate)),
            members.text("public_key_file").map(|file| self.public_key(&file)),
        ];
        let names = ["secret_file", "generate_secret_file", "public_key_file"];
        let given: Vec<_> = names
            .into_iter()
            .zip(keys)
            .filter_map(|(name, key)| Some((name, key?)))
            .collect();
        if given.len() != 1 {
            members.error(
                "secret_file",
                "give exactly one of secret_file, generate_secret_file, public_key_file",
            );
        }
        let mut key = None;
        for (name, read) in given {
            match read {
                Ok(read) => key = Some(read),
                Err(message) => members.error(name, message),
            }
        }
        self.errors.extend(members.finish());
        Some(ClientEntry {
            id: id?,
            scopes,
            key: key?,
        })
    }

    fn users(&mut self, entries: Vec<Value>) -> Vec<PartnerUser> {
        let mut users: Vec<PartnerUser> = Vec::new();
        for (at, entry) in entries.into_iter().enumerate() {
            let path = format!("user[{at}]");
            let Some(mut members) = self.members(&path, entry) else {
                continue;
            };
            let id = members.read("id", filled);
            let email = members.read("email", |text| {
                if text
                    .split_once('@')
                    .is_some_and(|(local, host)| !local.is_empty() && !host.is_empty())
                {
                    Ok(text.to_owned())
                } else {
                    Err("must be an e-mail address; users of both sides are matched by it".to_owned())
                }
            });
            let name = members.read("name", filled);
            let active = match members.value("active") {
                None => true,
                Some(Value::Bool(active)) => active,
                Some(_) => {
                    members.error("active", "must be true or false");
                    true
                }
            };
            self.errors.extend(members.finish());
            let (Some(id), Some(email), Some(name)) = (id, email, name) else {
                continue;
            };
            if users.iter().any(|other| other.id == id) {
                self.error(&format!("{path}.id"), "stands twice in this file");
            }
            users.push(PartnerUser {
                id,
                email,
                name,
                active,
                salesforce_user: None,
            });
        }
        users
    }

    fn members(&mut self, path: &str, value: Value) -> Option<Members> {
        match Members::of(path, value) {
            Ok(members) => Some(members),
            Err(error) => {
                self.errors.push(error);
                None
            }
        }
    }

    fn error(&mut self, field: &str, message: &str) {
        self.errors.push(FieldError {
            field: field.to_owned(),
            message: message.to_owned(),
        });
    }

    fn private_key(&self, file: &str) -> Result<SecretString, String> {
        let pem = self.text_file(file)?;
        EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_malformed| {
            "holds no RSA private key in PEM form; make one with `openssl genrsa -out server.key 2048`"
                .to_owned()
        })?;
        Ok(SecretString::from(pem))
    }

    fn shared_secret(&self, file: &str) -> Result<ClientEntryKey, String> {
        let text = self.text_file(file)?;
        let secret = text.trim();
        if secret.chars().count() < SHORTEST_SECRET {
            return Err(format!(
                "holds fewer than {SHORTEST_SECRET} characters; use generate_secret_file to have one made"
            ));
        }
        Ok(ClientEntryKey::Secret(SecretString::from(secret)))
    }

    fn public_key(&self, file: &str) -> Result<ClientEntryKey, String> {
        let pem = self.text_file(file)?;
        let bits = public_key_bits(&pem).ok_or_else(|| {
            "holds no RSA public key in PEM form (BEGIN PUBLIC KEY); make it with `openssl rsa -in server.key -pubout`"
                .to_owned()
        })?;
        if bits < SHORTEST_KEY {
            return Err(format!(
                "holds a key of {bits} bits; at least {SHORTEST_KEY} are needed"
            ));
        }
        Ok(ClientEntryKey::Public(pem))
    }

    fn new_file(&self, file: &str) -> Result<PathBuf, String> {
        let path = self.folder.join(file);
        if path.exists() {
            Err(format!("{} exists already; name a new file", path.display()))
        } else {
            Ok(path)
        }
    }

    fn text_file(&self, file: &str) -> Result<String, String> {
        let path = self.folder.join(file);
        std::fs::read_to_string(&path).map_err(|error| format!("{} cannot be read ({error})", path.display()))
    }
}

fn public_key_bits(pem: &str) -> Option<usize> {
    let body: String = pem
        .trim()
        .strip_prefix("-----BEGIN PUBLIC KEY-----")?
        .strip_suffix("-----END PUBLIC KEY-----")?
        .split_whitespace()
        .collect();
    let der = STANDARD.decode(body).ok()?;
    Some(PublicEncryptingKey::from_der(&der).ok()?.key_size_bits())
}

fn filled(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("must not be empty".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

fn name_like(text: &str) -> Result<String, String> {
    let fits = (1..=60).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fits {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 60 lower-case letters, digits and `-`".to_owned())
    }
}

/// A client's id can never look like the gateway's own address, which names the issuer of its access tokens.
fn client_id(text: &str) -> Result<String, String> {
    let fits = (1..=100).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte));
    if fits {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 100 letters, digits and `-`, `_`, `.`, `@`".to_owned())
    }
}

fn login_url(text: &str) -> Result<String, String> {
    const SHAPE: &str = "must be an address like https://login.salesforce.com, https://test.salesforce.com or your \
                         My Domain, with nothing behind the host";
    let url = Url::parse(text).map_err(|_malformed| SHAPE.to_owned())?;
    let plain =
        url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if plain && (url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url)) {
        Ok(url.as_str().trim_end_matches('/').to_owned())
    } else {
        Err(SHAPE.to_owned())
    }
}

fn api_version(text: &str) -> Result<String, String> {
    let fits = text
        .strip_suffix(".0")
        .is_some_and(|major| major.len() == 2 && major.parse::<u8>().is_ok_and(|major| major >= 50));
    if fits {
        Ok(text.to_owned())
    } else {
        Err("must be a version of Salesforce's API from 50.0 on, for example 67.0".to_owned())
    }
}
