//! From a configuration to a running gateway, and back to nothing in good order.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{HttpServer, web};
use causeway_core::ports::StoreError;
use causeway_store::{OpenError, Store, StoreOptions};
use secrecy::ExposeSecret;
use tokio::task::JoinHandle;

use crate::app::{App, AppOptions};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::http::{self, HttpState};
use crate::salesforce::{NoHttpClient, READ_RETRIES, SalesforceClients};
use crate::vault::{Vault, VaultError};
use crate::workers::{self, WorkerOptions, Workers};

/// How long a client may keep an unused connection. Short, since a stop waits for it.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store does not open.
    #[error("store.url: {0}")]
    Store(#[from] OpenError),
    /// The master key is of no use.
    #[error("secrets.master_key: {0}")]
    MasterKey(#[from] VaultError),
    /// No HTTPS client can be made.
    #[error(transparent)]
    HttpClient(#[from] NoHttpClient),
    /// The address is taken, or not this machine's.
    #[error("http.listen: {address} cannot be listened on ({error}); is another gateway running?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// The store opens and does not work.
    #[error("the store does not work: {0}")]
    Workers(#[from] StoreError),
    /// The HTTP part does not start.
    #[error("the HTTP server does not start: {0}")]
    Http(String),
}

/// A gateway that runs until it is stopped.
pub struct RunningGateway {
    url: String,
    app: Arc<App>,
    state: web::Data<HttpState>,
    workers: Arc<WorkersSlot>,
    server: ServerHandle,
    serving: Option<JoinHandle<std::io::Result<()>>>,
}

/// The workers, which start after the HTTP server is there to be asked for them.
#[derive(Default)]
struct WorkersSlot(Mutex<Option<Workers>>);

impl WorkersSlot {
    fn put(&self, workers: Workers) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(workers);
    }

    fn take(&self) -> Option<Workers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn are_running(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
            .is_some_and(Workers::are_running)
    }
}

impl RunningGateway {
    /// Where it listens, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its use cases.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Waits until the HTTP server ends by itself, which it should not.
    pub async fn ended(&mut self) {
        if let Some(serving) = &mut self.serving {
            let ended = serving.await;
            self.serving = None;
            tracing::error!(?ended, "the HTTP server ended by itself");
        }
    }

    /// Stops in good order: takes no further connections, answers what came in, lets workers finish what they
    /// hold, then closes the store.
    pub async fn stop(self) {
        self.state.stopping.store(true, Ordering::Relaxed);
        self.server.stop(true).await;
        if let Some(serving) = self.serving
            && let Err(error) = serving.await
        {
            tracing::error!(%error, "the HTTP server did not end well");
        }
        if let Some(workers) = self.workers.take() {
            workers.stop().await;
        }
        self.app.store.clone().close().await;
    }
}

/// The use cases on the configured store.
///
/// # Errors
/// [`StartError`] naming the key to mend.
pub async fn build_app(config: &Config) -> Result<Arc<App>, StartError> {
    let options = AppOptions {
        claim_lease: config.workers.lease,
        write_within: config.workers.write_within,
        unanswered_within: config.workers.unanswered_within,
        outbox_workers_per_connection: config.workers.outbox.saturating_sub(1).max(1),
        sync_lease: config.workers.lease,
        instant_every: config.workers.instant_every,
        latest_package: config.package.clone(),
        ..AppOptions::default()
    };
    build_app_with(config, Arc::new(SystemClock), options).await
}

/// As [`build_app`], with a clock and sizes of the caller's.
///
/// # Errors
/// [`StartError`] naming the key to mend.
pub async fn build_app_with(
    config: &Config,
    clock: Arc<dyn Clock>,
    options: AppOptions,
) -> Result<Arc<App>, StartError> {
    let vault = Vault::new(&config.master_key)?;
    let salesforce = SalesforceClients::new(Arc::clone(&clock), READ_RETRIES)?;
    let store = Store::open(config.store_url.expose_secret(), StoreOptions::default()).await?;
    Ok(Arc::new(App::new(
        store,
        clock,
        salesforce,
        Arc::new(vault),
        options,
    )))
}

/// Starts a gateway.
///
/// # Errors
/// [`StartError`] naming the key to mend.
pub async fn spawn(config: Config) -> Result<RunningGateway, StartError> {
    let app = build_app(&config).await?;
    spawn_on(config, app).await
}

/// Starts a gateway on an app of the caller's.
///
/// # Errors
/// [`StartError`] naming the key to mend.
pub async fn spawn_on(config: Config, app: Arc<App>) -> Result<RunningGateway, StartError> {
    let refused = |error| StartError::Listen {
        address: config.http.listen,
        error,
    };
    let listener = TcpListener::bind(config.http.listen).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let url = format!("http://{address}");
    let public_url = config.http.public_url.clone().unwrap_or_else(|| url.clone());
    let workers = Arc::new(WorkersSlot::default());
    let watched = Arc::clone(&workers);
    let state = HttpState::new(Arc::clone(&app), &config, &public_url, move || {
        watched.are_running()
    })
    .map_err(StartError::Http)?;
    let state = web::Data::new(state);
    let served = state.clone();
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .app_data(served.clone())
            .wrap(from_fn(http::exchange))
            .configure(http::configure)
    })
    .workers(config.http.threads)
    .max_connections(config.limits.connections)
    .client_request_timeout(config.limits.head_within)
    .client_disconnect_timeout(Duration::from_secs(2))
    .keep_alive(KEEP_ALIVE)
    .shutdown_timeout(config.workers.stop_within.as_secs())
    // The gateway has more to stop than its server, so it listens for signals itself.
    .disable_signals()
    .listen(listener)
    .map_err(refused)?
    .run();
    let options = WorkerOptions {
        inbox: config.workers.inbox,
        outbox: config.workers.outbox,
        syncs: config.workers.syncs,
        stop_within: config.workers.stop_within,
        ..WorkerOptions::default()
    };
    workers.put(workers::start(Arc::clone(&app), options).await?);
    tracing::info!(%address, public_url, engine = ?app.store.engine(), "the gateway serves");
    Ok(RunningGateway {
        url,
        app,
        state,
        workers,
        server: server.handle(),
        serving: Some(tokio::spawn(server)),
    })
}
