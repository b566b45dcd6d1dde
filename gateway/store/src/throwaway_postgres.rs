//! A PostgreSQL cluster that lives as long as the process which asked for it.
//!
//! For tests and trials, here and in end-to-end tests. The cluster listens on 127.0.0.1 only, on a free port, keeps
//! its files in a temporary folder, and is gone when the process ends, however it ends: a watching shell reads from
//! a pipe that only this process holds, and cleans up once the pipe closes.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::engine::{EngineConnection, Role};
use crate::migrate::migrate;
use crate::target::Target;

/// Why there is no cluster.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ThrowawayError {
    /// The server is not installed.
    #[error("PostgreSQL's server programs are not in {searched}; install Debian's package `postgresql`")]
    Missing {
        /// Where they were looked for.
        searched: &'static str,
    },
    /// A step failed.
    #[error("the throw-away PostgreSQL cannot {step}: {detail}")]
    Failed {
        /// What was tried.
        step: &'static str,
        /// What came of it.
        detail: String,
    },
}

/// Whether commits wait for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// They do not: for tests.
    None,
    /// They do, as in production: for measurements.
    Full,
}

/// A running cluster.
#[derive(Debug)]
pub struct ThrowawayPostgres {
    port: u16,
    databases: AtomicU32,
    /// Ends, and cleans up, once its standard input closes.
    _watcher: Child,
}

const SERVERS: &str = "/usr/lib/postgresql";
const USER: &str = "causeway";
const TEMPLATE: &str = "causeway_template";

impl ThrowawayPostgres {
    /// The cluster that this process's tests share, started by the first who asks.
    ///
    /// # Errors
    /// [`ThrowawayError`], the same for everybody who asks.
    pub fn shared() -> Result<&'static ThrowawayPostgres, ThrowawayError> {
        static SHARED: OnceLock<Result<ThrowawayPostgres, ThrowawayError>> = OnceLock::new();
        SHARED
            .get_or_init(|| ThrowawayPostgres::start(Durability::None))
            .as_ref()
            .map_err(Clone::clone)
    }

    /// Starts a cluster of the caller's own. It ends when the value is dropped or the process ends.
    ///
    /// # Errors
    /// [`ThrowawayError`] when the server is not installed or does not start.
    pub fn start(durability: Durability) -> Result<ThrowawayPostgres, ThrowawayError> {
        let programs = newest_server()?;
        let folder = tempfile::Builder::new()
            .prefix("causeway-postgres-")
            .tempdir()
            .map_err(failed("make a folder"))?
            .keep();
        let data = folder.join("data");
        let watcher = watch(&programs, &folder, &data)?;
        give_to_server_user(&folder)?;
        run(
            "make a cluster",
            as_server_user(&programs.join("initdb"))
                .args(["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"])
                .args(["--username", USER, "--pgdata"])
                .arg(&data),
        )?;
        let port = start_server(&programs, &folder, &data, durability)?;
        let cluster = ThrowawayPostgres {
            port,
            databases: AtomicU32::new(0),
            _watcher: watcher,
        };
        cluster.sql("postgres", format!("CREATE DATABASE {TEMPLATE}"))?;
        let template = cluster.url(TEMPLATE);
        on_plain_thread(move || {
            let target = Target::parse(&template).map_err(failed("name its template"))?;
            migrate(&target).map_err(failed("bring its template up to date"))
        })?;
        Ok(cluster)
    }

    /// Makes a database with today's tables and returns its URL.
    ///
    /// # Errors
    /// [`ThrowawayError`] when the cluster does not answer.
    pub fn database(&self) -> Result<String, ThrowawayError> {
        let name = format!("causeway_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))?;
        Ok(self.url(&name))
    }

    /// Makes a database without any table and returns its URL.
    ///
    /// # Errors
    /// [`ThrowawayError`] when the cluster does not answer.
    pub fn empty_database(&self) -> Result<String, ThrowawayError> {
        let name = format!("empty_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", format!("CREATE DATABASE {name}"))?;
        Ok(self.url(&name))
    }

    /// Cuts every connection to the database that this URL names.
    ///
    /// # Errors
    /// [`ThrowawayError`] when the cluster does not answer.
    pub fn cut_connections(&self, url: &str) -> Result<(), ThrowawayError> {
        let name = url.rsplit('/').next().unwrap_or_default();
        self.sql(
            "postgres",
            format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"),
        )
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port)
    }

    fn sql(&self, database: &str, statement: String) -> Result<(), ThrowawayError> {
        let url = self.url(database);
        on_plain_thread(move || {
            let target = Target::parse(&url).map_err(failed("name a database"))?;
            EngineConnection::open(&target, Role::Writer)
                .map_err(failed("connect"))?
                .run(&statement)
                .map_err(failed("run a statement"))
        })
    }
}

fn newest_server() -> Result<PathBuf, ThrowawayError> {
    let missing = ThrowawayError::Missing { searched: SERVERS };
    let Ok(versions) = std::fs::read_dir(SERVERS) else {
        return Err(missing);
    };
    versions
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let programs = entry.path().join("bin");
            programs.join("postgres").exists().then_some((version, programs))
        })
        .max()
        .map(|(_, programs)| programs)
        .ok_or(missing)
}

/// Starts the shell that cleans up after this process.
fn watch(programs: &Path, folder: &Path, data: &Path) -> Result<Child, ThrowawayError> {
    let stop = if runs_as_root() {
        "runuser -u postgres -- \"$1\""
    } else {
        "\"$1\""
    };
    Command::new("sh")
        .arg("-c")
        .arg(format!(
            "cat >/dev/null; {stop} stop --mode=immediate --pgdata=\"$3\"; rm -rf -- \"$2\""
        ))
        .arg("watcher")
        .args([&programs.join("pg_ctl"), folder, data])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C goes to the whole group of the terminal, and must not end the shell before it cleaned up.
        .process_group(0)
        .spawn()
        .map_err(failed("be watched"))
}

fn start_server(
    programs: &Path,
    folder: &Path,
    data: &Path,
    durability: Durability,
) -> Result<u16, ThrowawayError> {
    let settings = match durability {
        Durability::None => "-c fsync=off -c synchronous_commit=off -c full_page_writes=off",
        Durability::Full => "-c shared_buffers=256MB -c max_wal_size=4GB",
    };
    let mut tries = 0;
    loop {
        // Free now, perhaps not any more when the server binds it: then another one is tried.
        let port = TcpListener::bind(("127.0.0.1", 0))
            .and_then(|listener| listener.local_addr())
            .map_err(failed("find a free port"))?
            .port();
        let started = run(
            "start",
            as_server_user(&programs.join("pg_ctl"))
                .args(["start", "--wait", "--silent", "--pgdata"])
                .arg(data)
                .arg("--log")
                .arg(folder.join("log"))
                .arg("--options")
                .arg(format!(
                    "-c listen_addresses=127.0.0.1 -p {port} -c unix_socket_directories='{}' \
                     -c max_connections=300 {settings}",
                    folder.display()
                )),
        );
        tries += 1;
        match started {
            Ok(()) => return Ok(port),
            Err(error) if tries >= 3 => return Err(error),
            Err(_) => {}
        }
    }
}

/// PostgreSQL refuses to run as root; Debian's package brings the user `postgres` for that.
fn as_server_user(program: &Path) -> Command {
    let mut command = if runs_as_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    // The current folder may be closed to that user.
    command.current_dir("/");
    command
}

fn give_to_server_user(folder: &Path) -> Result<(), ThrowawayError> {
    if !runs_as_root() {
        return Ok(());
    }
    run(
        "own its folder",
        Command::new("chown").arg("postgres").arg(folder),
    )
}

fn runs_as_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Runs a program to its end. Its output goes to a file: the server inherits it, so a pipe would stay open.
fn run(step: &'static str, command: &mut Command) -> Result<(), ThrowawayError> {
    let output = tempfile::tempfile().map_err(failed(step))?;
    let errors = output.try_clone().map_err(failed(step))?;
    let mut kept = output.try_clone().map_err(failed(step))?;
    let status = command
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .status()
        .map_err(failed(step))?;
    if status.success() {
        return Ok(());
    }
    let mut text = String::new();
    std::io::Seek::rewind(&mut kept).map_err(failed(step))?;
    std::io::Read::read_to_string(&mut kept, &mut text).map_err(failed(step))?;
    Err(ThrowawayError::Failed {
        step,
        detail: format!("{status}: {}", text.trim()),
    })
}

/// Connections block their thread, which a caller's runtime would not suffer.
fn on_plain_thread<T: Send>(
    work: impl FnOnce() -> Result<T, ThrowawayError> + Send,
) -> Result<T, ThrowawayError> {
    std::thread::scope(|scope| scope.spawn(work).join())
        .unwrap_or_else(|_| Err(failed("finish")("a thread panicked")))
}

fn failed<E: std::fmt::Display>(step: &'static str) -> impl Fn(E) -> ThrowawayError {
    move |error| ThrowawayError::Failed {
        step,
        detail: error.to_string(),
    }
}
