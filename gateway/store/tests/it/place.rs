//! A database of its own for each test.

use causeway_store::throwaway_postgres::ThrowawayPostgres;
use causeway_store::{Engine, Store, StoreOptions};
use tempfile::TempDir;

/// Where a test's data lives. Gone when it is dropped.
pub struct Place {
    pub engine: Engine,
    pub url: String,
    folder: Option<TempDir>,
}

impl Place {
    pub fn new(engine: Engine) -> Place {
        match engine {
            Engine::Sqlite => {
                let folder = TempDir::new().unwrap();
                Place {
                    engine,
                    url: format!("sqlite://{}/store.db", folder.path().display()),
                    folder: Some(folder),
                }
            }
            Engine::Postgres => Place {
                engine,
                url: ThrowawayPostgres::shared()
                    .and_then(ThrowawayPostgres::database)
                    .unwrap_or_else(|error| panic!("{error}")),
                folder: None,
            },
        }
    }

    pub async fn store(&self) -> Store {
        self.store_with(StoreOptions::default()).await
    }

    pub async fn store_with(&self, options: StoreOptions) -> Store {
        Store::open(&self.url, options).await.unwrap()
    }

    /// The folder of a SQLite database.
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_ref().map(TempDir::path)
    }
}
