//! An org with the package installed, paired with a real gateway, and people who have no right to the package.

use std::path::{Path, PathBuf};
use std::time::Duration;

use emulated_org::apex::callout::RemoteSite;
use emulated_org::{Deed, Done, NewUser, Options, RecordId};
use end_to_end::org_client::OrgClient;
use end_to_end::partner::Partner;
use serde_json::Value;

use crate::two_way_world::{DESK, at_rest, field, mapping};
use crate::world::{CONSUMER_KEY, Engine, World};

/// The connection's name.
pub const CONNECTION: &str = "acme";

/// The package's source.
pub fn package_source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../force-app")
}

/// A world whose org has the package.
pub struct Packaged {
    pub world: World,
    /// The org's admin.
    pub admin: OrgClient,
    /// Somebody who works in the org and knows nothing of the package.
    pub rep: OrgClient,
    pub rep_id: RecordId,
}

impl Packaged {
    /// An org with the package, a gateway that serves and has mappings; not paired yet.
    pub async fn start(engine: Engine) -> Packaged {
        let options = Options {
            packages: vec![package_source()],
            session_timeout: Duration::from_hours(100),
            ..Options::default()
        };
        let world = World::start_with(engine, options).await;
        let admin = world.admin().await;
        let rep_id = world
            .org
            .create_user(&NewUser {
                first_name: "Rita".to_owned(),
                last_name: "Rep".to_owned(),
                username: "rita@rep.example".to_owned(),
                is_active: true,
            })
            .unwrap();
        let key = world.gateway.app_private_key().unwrap();
        let rep = OrgClient::login(world.org.url(), CONSUMER_KEY, "rita@rep.example", &key)
            .await
            .unwrap();
        let users = vec![
            (
                "rita".to_owned(),
                "rita@rep.example".to_owned(),
                "Rita Rep".to_owned(),
            ),
            (
                DESK.to_owned(),
                "desk@partner.example".to_owned(),
                "Desk".to_owned(),
            ),
        ];
        world.connect_as(CONNECTION, world.org.integration_username(), users);
        let mut packaged = Packaged {
            world,
            admin,
            rep,
            rep_id,
        };
        packaged.map();
        // It also tells the gateway who the org's users are.
        let sync = ["sync", "initial", "--connection", CONNECTION];
        packaged.world.gateway.command(&sync).unwrap();
        packaged.world.gateway.serve(&[]).await.unwrap();
        packaged
    }

    /// As [`Packaged::start`], and paired.
    pub async fn paired(engine: Engine) -> Packaged {
        let packaged = Packaged::start(engine).await;
        assert_eq!(packaged.pair(), None);
        packaged.settle();
        packaged
    }

    fn map(&self) {
        let owner = self.rep_id.to_string();
        let text = |partner: &str, salesforce: &str| field(partner, "Text", salesforce, "mostRecent");
        let documents = [
            mapping(
                "account",
                "Account",
                &owner,
                vec![text("name", "Name"), text("phone", "Phone")],
            ),
            mapping(
                "contact",
                "Contact",
                &owner,
                vec![
                    text("first_name", "FirstName"),
                    text("last_name", "LastName"),
                    field("email", "Email", "Email", "mostRecent"),
                    text("title", "Title"),
                ],
            ),
            mapping(
                "lead",
                "Lead",
                &owner,
                vec![text("last_name", "LastName"), text("company", "Company")],
            ),
        ];
        self.world.gateway.apply_mappings(CONNECTION, &documents).unwrap();
    }

    /// Pairs as an admin does: with a code of the gateway, by the package's own class. What is not right all the same.
    pub fn pair(&self) -> Option<String> {
        let code = self.pairing_code();
        self.pair_with(&code)
    }

    /// A code that the gateway makes.
    pub fn pairing_code(&self) -> String {
        let printed = self
            .world
            .gateway
            .command(&["connection", "pair", CONNECTION])
            .unwrap();
        let line = printed
            .lines()
            .find(|line| line.starts_with("pairing code"))
            .unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    }

    /// Pairs with a code.
    pub fn pair_with(&self, code: &str) -> Option<String> {
        let gateway = self.world.gateway.url().to_owned();
        self.world.org.org().add_remote_site(RemoteSite::new(&gateway));
        let log = self
            .apex(&format!(
                "System.debug('told ' + Pairing.pair('{gateway}', '{code}'));"
            ))
            .unwrap();
        let told = log.iter().find_map(|line| line.split("told ").nth(1)).unwrap();
        (told != "null").then(|| told.to_owned())
    }

    /// Runs Apex as the org's admin; its debug log, or what it failed with.
    pub fn apex(&self, text: &str) -> Result<Vec<String>, String> {
        let org = self.world.org.org();
        tokio::task::block_in_place(|| org.run_anonymous_apex(org.admin, text))
            .map_err(|error| format!("{error:?}"))
    }

    /// Waits until no job of the org is due.
    pub fn settle(&self) {
        let org = self.world.org.org();
        let ended = tokio::task::block_in_place(|| org.wait_for_apex(Duration::from_secs(30)));
        assert!(ended, "the org's jobs do not end");
    }

    /// Waits until nothing is under way on either side.
    pub async fn rest(&self) {
        // A write of the gateway starts a pump, which may give the gateway something to look at.
        for _ in 0..3 {
            self.settle();
            at_rest(&self.partner()).await;
        }
        self.settle();
    }

    /// Somebody does something on a page of the org.
    pub fn deed(&self, deed: &Deed) {
        match self.world.org.act(self.world.org.admin_username(), deed) {
            Done::Now(Ok(_)) => {}
            other => panic!("{deed:?}: {other:?}"),
        }
    }

    /// Requests by which the gateway changed records of the org, or tried to.
    pub fn writes(&self) -> usize {
        let log = self.world.org.request_log().latest();
        log.iter()
            .filter(|request| request.client.as_deref() == Some("causeway") && request.method != "GET")
            .filter(|request| !request.route.contains("/query") && !request.route.contains("oauth2"))
            .filter(|request| request.method != "POST" || !request.route.ends_with("/sobjects/{object}"))
            .count()
    }

    /// How many requests of this route the gateway has answered.
    pub fn answered(&self, route: &str) -> usize {
        let logged = self.world.gateway.logged().unwrap();
        logged
            .lines()
            .filter(|line| line.contains("answered") && line.contains(route))
            .count()
    }

    /// The partner.
    pub fn partner(&self) -> Partner {
        self.world.partner(CONNECTION)
    }

    /// How many rows a query of the admin finds.
    pub async fn count(&self, from: &str) -> usize {
        self.admin
            .query(&format!("SELECT Id FROM {from}"))
            .await
            .unwrap()
            .len()
    }

    /// How many pumps there were.
    pub async fn pumps(&self) -> usize {
        self.count("AsyncApexJob WHERE ApexClass.Name = 'Pump'").await
    }

    /// What an expression of the package's own code has for a value, as JSON. Protected settings show themselves to
    /// nobody else.
    pub fn value(&self, expression: &str) -> Value {
        let log = self
            .apex(&format!("System.debug('told ' + JSON.serialize({expression}));"))
            .unwrap();
        let told = log.iter().find_map(|line| line.split("told ").nth(1)).unwrap();
        serde_json::from_str(told).unwrap()
    }

    /// How the package says that sending goes.
    pub fn state(&self) -> Value {
        self.value("Dispatch_State__c.getOrgDefaults()")
    }

    /// Objects that wait to be compared.
    pub fn markers(&self) -> Vec<String> {
        let objects = self.value("ReconcileMarkers.objectsOf(ReconcileMarkers.pending())");
        let objects = objects.as_array().unwrap().iter();
        objects.map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    /// What the gateway says of the package.
    pub async fn package(&self) -> Value {
        self.partner().get("/v1/connection").await.unwrap()["package"].clone()
    }
}
