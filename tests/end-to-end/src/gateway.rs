//! The gateway's binary as a process of its own, as its users run it.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::ScenarioError;

/// A gateway's folder with its configuration, and the process that serves from it.
#[derive(Debug)]
pub struct Gateway {
    folder: PathBuf,
    url: String,
    binary: PathBuf,
    serving: Option<Child>,
    zone: Option<String>,
}

/// The client that partners read with in scenarios.
pub const PARTNER_CLIENT: &str = "partner";
/// The client that the package posts with in scenarios.
pub const PACKAGE_CLIENT: &str = "package";

/// What a connection of a scenario is made of.
#[derive(Debug, Clone)]
pub struct ConnectionSetup {
    /// Name; also the prefix of its clients' ids.
    pub name: String,
    /// Where the org is.
    pub org_url: String,
    /// The app's consumer key.
    pub consumer_key: String,
    /// Salesforce user to act as.
    pub username: String,
    /// The partner's users: id, e-mail, name.
    pub users: Vec<(String, String, String)>,
}

impl Gateway {
    /// Writes a configuration into `folder`, with a master key and the key pair of the Salesforce app.
    ///
    /// # Errors
    /// When a file cannot be written, no port is free, or the binary is missing.
    pub fn prepare(folder: &Path, store_url: &str) -> Result<Gateway, ScenarioError> {
        let binary = binary("causeway")?;
        let port = free_port()?;
        let url = format!("http://127.0.0.1:{port}");
        let gateway = Gateway {
            folder: folder.to_owned(),
            url: url.clone(),
            binary,
            serving: None,
            zone: None,
        };
        gateway.command(&["keys", "master", "--out", &gateway.path("master.key")])?;
        gateway.command(&["keys", "app", "--out", &gateway.path("app")])?;
        let config = format!(
            "[http]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"{url}\"\n\n[secrets]\nmaster_key_file = \"{}\"\n\n[store]\nurl = \"{store_url}\"\n\n[workers]\nlease_seconds = 2\nwrite_seconds = 3\nunanswered_seconds = 2\n",
            gateway.path("master.key"),
        );
        write(&folder.join("causeway.toml"), &config)?;
        Ok(gateway)
    }

    /// The time zone of the machine that it believes to run on (`TZ`).
    pub fn set_zone(&mut self, zone: &str) {
        self.zone = Some(zone.to_owned());
    }

    /// Where it serves.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The app's certificate, for the org.
    ///
    /// # Errors
    /// When the file is missing.
    pub fn app_certificate(&self) -> Result<String, ScenarioError> {
        read(&self.folder.join("app/app.crt"))
    }

    /// The app's private key, for scenarios that log in as somebody else.
    ///
    /// # Errors
    /// When the file is missing.
    pub fn app_private_key(&self) -> Result<String, ScenarioError> {
        read(&self.folder.join("app/app.key"))
    }

    /// The secret of a client that `connect` made.
    ///
    /// # Errors
    /// When the file is missing.
    pub fn secret(&self, client: &str) -> Result<String, ScenarioError> {
        Ok(read(&self.folder.join(format!("{client}.secret")))?
            .trim()
            .to_owned())
    }

    /// Adds a connection with a package client and a partner client.
    ///
    /// # Errors
    /// When the command fails.
    pub fn connect(&self, setup: &ConnectionSetup) -> Result<(), ScenarioError> {
        let name = &setup.name;
        let mut file = format!(
            "name = \"{name}\"\ntenant = \"{name}\"\nenvironment = \"production\"\nlogin_url = \"{}\"\nconsumer_key = \"{}\"\nusername = \"{}\"\nprivate_key_file = \"{}\"\napi_version = \"67.0\"\n",
            setup.org_url,
            setup.consumer_key,
            setup.username,
            self.path("app/app.key"),
        );
        for (client, scopes) in [
            (PACKAGE_CLIENT, "\"salesforce:write\""),
            (
                PARTNER_CLIENT,
                "\"records:read\", \"records:write\", \"syncs:read\", \"syncs:write\", \"logs:read\", \"decisions:write\", \"connection:read\", \"connection:write\", \"embed:templates\"",
            ),
        ] {
            let id = format!("{name}-{client}");
            let secret = self.path(&format!("{id}.secret"));
            file.push_str(&format!(
                "\n[[client]]\nid = \"{id}\"\nscopes = [{scopes}]\ngenerate_secret_file = \"{secret}\"\n"
            ));
        }
        for (id, email, user) in &setup.users {
            file.push_str(&format!(
                "\n[[user]]\nid = \"{id}\"\nemail = \"{email}\"\nname = \"{user}\"\n"
            ));
        }
        let path = self.folder.join(format!("{name}.toml"));
        write(&path, &file)?;
        self.command(&["connection", "add", "--file", &path.to_string_lossy()])
            .map(|_| ())
    }

    /// Applies mapping documents in the order given.
    ///
    /// # Errors
    /// When the command fails.
    pub fn apply_mappings(
        &self,
        connection: &str,
        documents: &[serde_json::Value],
    ) -> Result<(), ScenarioError> {
        for (number, document) in documents.iter().enumerate() {
            let path = self.folder.join(format!("{connection}-mapping-{number}.json"));
            write(&path, &document.to_string())?;
            self.command(&[
                "mapping",
                "apply",
                "--connection",
                connection,
                "--file",
                &path.to_string_lossy(),
            ])?;
        }
        Ok(())
    }

    /// Runs `causeway` with these arguments to its end and returns what it printed.
    ///
    /// # Errors
    /// When it does not end well.
    pub fn command(&self, arguments: &[&str]) -> Result<String, ScenarioError> {
        let output = self.run(arguments)?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(printed);
        }
        Err(ScenarioError::Process(format!(
            "causeway {} ended with {}: {printed}{}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        )))
    }

    /// Runs `causeway` with these arguments to its end, printing to where the caller prints.
    ///
    /// # Errors
    /// When it does not end well.
    pub fn show(&self, arguments: &[&str]) -> Result<(), ScenarioError> {
        let status = self
            .causeway(arguments)
            .status()
            .map_err(|source| self.cannot_start(&source))?;
        if status.success() {
            return Ok(());
        }
        Err(ScenarioError::Process(format!(
            "causeway {} ended with {status}",
            arguments.join(" ")
        )))
    }

    /// Runs `causeway` with these arguments to its end, however that is.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self, arguments: &[&str]) -> Result<Output, ScenarioError> {
        self.causeway(arguments)
            .output()
            .map_err(|source| self.cannot_start(&source))
    }

    /// Starts `causeway` with these arguments and leaves it running.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self, arguments: &[&str]) -> Result<Child, ScenarioError> {
        let log = self.log()?;
        let errors = log.try_clone().map_err(|source| self.cannot_start(&source))?;
        self.causeway(arguments)
            .stdout(Stdio::from(log))
            .stderr(Stdio::from(errors))
            .spawn()
            .map_err(|source| self.cannot_start(&source))
    }

    /// Serves, and waits until it is ready. `extra` goes behind `serve`.
    ///
    /// # Errors
    /// When it ends before it is ready, or takes longer than half a minute.
    pub async fn serve(&mut self, extra: &[&str]) -> Result<(), ScenarioError> {
        let mut arguments = vec!["serve"];
        arguments.extend_from_slice(extra);
        let mut child = self.start(&arguments)?;
        let client = reqwest::Client::new();
        let patience = Instant::now() + Duration::from_secs(30);
        loop {
            if let Ok(Some(status)) = child.try_wait() {
                let log = read(&self.folder.join("gateway.log"))?;
                return Err(ScenarioError::Process(format!(
                    "causeway serve ended with {status}:\n{log}"
                )));
            }
            let answer = client.get(format!("{}/readyz", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                self.serving = Some(child);
                return Ok(());
            }
            if Instant::now() > patience {
                child.kill().map_err(|source| self.cannot_start(&source))?;
                return Err(ScenarioError::Timeout {
                    what: "causeway serve".to_owned(),
                    seconds: 30,
                });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// kill -9, as a power cut would.
    ///
    /// # Errors
    /// When the process cannot be waited for.
    pub fn kill(&mut self) -> Result<(), ScenarioError> {
        if let Some(mut child) = self.serving.take() {
            // It may have died at a failpoint already; waiting for it is what matters.
            drop(child.kill());
            child.wait().map_err(|source| self.cannot_start(&source))?;
        }
        Ok(())
    }

    /// Whether the serving process has ended by itself.
    pub fn has_died(&mut self) -> bool {
        self.serving
            .as_mut()
            .is_some_and(|child| matches!(child.try_wait(), Ok(Some(_))))
    }

    /// Asks it to end (SIGTERM) and returns whether it ended well within `patience`.
    ///
    /// # Errors
    /// When the process cannot be signalled or waited for.
    pub async fn terminate(&mut self, patience: Duration) -> Result<bool, ScenarioError> {
        let Some(mut child) = self.serving.take() else {
            return Ok(true);
        };
        Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status()
            .map_err(|source| self.cannot_start(&source))?;
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait().map_err(|source| self.cannot_start(&source))? {
                return Ok(status.success());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        drop(child.kill());
        Ok(false)
    }

    /// Everything its processes logged.
    ///
    /// # Errors
    /// When there is no log.
    pub fn logged(&self) -> Result<String, ScenarioError> {
        read(&self.folder.join("gateway.log"))
    }

    fn causeway(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .arg("--config")
            .arg(self.folder.join("causeway.toml"))
            .args(arguments)
            .current_dir(&self.folder)
            .envs(self.zone.as_ref().map(|zone| ("TZ", zone)));
        command
    }

    fn log(&self) -> Result<fs::File, ScenarioError> {
        let path = self.folder.join("gateway.log");
        fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|source| ScenarioError::File {
                path: path.display().to_string(),
                source,
            })
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    fn cannot_start(&self, source: &std::io::Error) -> ScenarioError {
        ScenarioError::Process(format!("{}: {source}", self.binary.display()))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(child) = self.serving.as_mut() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// The path of a binary of this workspace, beside the running one.
///
/// # Errors
/// When it was not built.
pub fn binary(name: &str) -> Result<PathBuf, ScenarioError> {
    let own = std::env::current_exe().map_err(|source| ScenarioError::File {
        path: "the running program".to_owned(),
        source,
    })?;
    own.ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            ScenarioError::Process(format!(
                "the binary {name} is missing; run `cargo build --workspace --bins` first"
            ))
        })
}

/// A port that nobody listens on now. It lies below the ports that the kernel gives to outgoing connections, so that
/// none of these takes it before, or between two lives of, the gateway.
///
/// # Errors
/// When none is free.
pub fn free_port() -> Result<u16, ScenarioError> {
    (0..100)
        .map(|_| rand::random_range(20_000..32_000))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .ok_or_else(|| ScenarioError::Process("no port between 20000 and 32000 is free".to_owned()))
}

fn write(path: &Path, text: &str) -> Result<(), ScenarioError> {
    fs::write(path, text).map_err(|source| ScenarioError::File {
        path: path.display().to_string(),
        source,
    })
}

fn read(path: &Path) -> Result<String, ScenarioError> {
    fs::read_to_string(path).map_err(|source| ScenarioError::File {
        path: path.display().to_string(),
        source,
    })
}
