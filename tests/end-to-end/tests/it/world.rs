//! A world for a scenario: an emulated org, a gateway on one of the engines, and who talks to them.

use std::path::{Path, PathBuf};

use causeway_store::throwaway_postgres::ThrowawayPostgres;
use emulated_org::{App, EmulatedOrg, Options, company::CompanyOptions};
use end_to_end::gateway::{ConnectionSetup, Gateway, PACKAGE_CLIENT, PARTNER_CLIENT};
use end_to_end::org_client::OrgClient;
use end_to_end::partner::Partner;

/// The key of the app that the gateway logs in with.
pub const CONSUMER_KEY: &str = "3MVG9.causeway.end.to.end";

/// Which database the gateway runs on.
#[derive(Debug, Clone, Copy)]
pub enum Engine {
    Sqlite,
    Postgres,
}

pub struct World {
    pub org: EmulatedOrg,
    pub gateway: Gateway,
    organization: String,
    folder: tempfile::TempDir,
}

impl World {
    /// An org with these SFDX folders and, if asked for, a generated company; a gateway that is configured but
    /// does not serve yet.
    pub async fn start(engine: Engine, sfdx_source: Vec<PathBuf>, company: Option<CompanyOptions>) -> World {
        let options = Options {
            sfdx_source,
            company,
            ..Options::default()
        };
        World::start_with(engine, options).await
    }

    /// As [`World::start`], with an org of one's own.
    pub async fn start_with(engine: Engine, options: Options) -> World {
        let folder = tempfile::tempdir().unwrap();
        let store_url = match engine {
            Engine::Sqlite => format!("sqlite://{}", folder.path().join("causeway.db").display()),
            Engine::Postgres => ThrowawayPostgres::shared().unwrap().empty_database().unwrap(),
        };
        let gateway = Gateway::prepare(folder.path(), &store_url).unwrap();
        let org = EmulatedOrg::start(options).await.unwrap();
        org.register_app(App::pre_authorized(
            CONSUMER_KEY,
            gateway.app_certificate().unwrap(),
        ))
        .unwrap();
        let organization = org.organization_id().to_string();
        World {
            org,
            gateway,
            organization,
            folder,
        }
    }

    /// The admin, logged in with the REST API.
    pub async fn admin(&self) -> OrgClient {
        let key = self.gateway.app_private_key().unwrap();
        OrgClient::login(self.org.url(), CONSUMER_KEY, self.org.admin_username(), &key)
            .await
            .unwrap()
    }

    /// Adds a connection to the org that acts as its admin.
    pub fn connect(&self, name: &str, users: Vec<(String, String, String)>) {
        self.connect_as(name, self.org.admin_username(), users);
    }

    /// Adds a connection to the org that acts as a user of it.
    pub fn connect_as(&self, name: &str, username: &str, users: Vec<(String, String, String)>) {
        self.gateway
            .connect(&ConnectionSetup {
                name: name.to_owned(),
                org_url: self.org.url().to_owned(),
                consumer_key: CONSUMER_KEY.to_owned(),
                username: username.to_owned(),
                users,
            })
            .unwrap();
    }

    /// The partner system of a connection.
    pub fn partner(&self, connection: &str) -> Partner {
        Partner::new(&self.gateway, &format!("{connection}-{PARTNER_CLIENT}")).unwrap()
    }

    /// The package of a connection's org.
    pub fn package(&self, connection: &str) -> Partner {
        Partner::new(&self.gateway, &format!("{connection}-{PACKAGE_CLIENT}")).unwrap()
    }

    /// The org's id.
    pub fn organization(&self) -> &str {
        &self.organization
    }

    /// The folder with the gateway's configuration, secrets, log and, on SQLite, its database.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends everything in order.
    pub async fn stop(mut self) {
        assert!(
            self.gateway
                .terminate(std::time::Duration::from_secs(15))
                .await
                .unwrap(),
            "the gateway did not end well"
        );
        self.org.stop().await;
        self.folder.close().unwrap();
    }
}
