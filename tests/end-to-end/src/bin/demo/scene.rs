//! The scene: the org with the package and its company, the gateway with its connection, and who acts.

use std::path::Path;
use std::time::Duration;

use emulated_org::company::CompanyOptions;
use emulated_org::{App, EmulatedOrg, Options};
use end_to_end::company;
use end_to_end::gateway::{ConnectionSetup, Gateway, PARTNER_CLIENT, free_port};
use end_to_end::org_client::OrgClient;
use end_to_end::partner::Partner;
use serde_json::{Value, json};

use crate::{Arguments, Outcome, heading};

const CONSUMER_KEY: &str = "3MVG9.causeway.demo";
/// The connection's name.
pub const CONNECTION: &str = "acme";
/// With what the demo's users log in.
pub const PASSWORD: &str = "Causeway-demo-1";

/// Everything that runs.
pub struct Scene {
    /// The org.
    pub org: EmulatedOrg,
    /// Where a browser finds it. The gateway is under 127.0.0.1: to a browser they are two sites, as they are in life.
    pub org_url: String,
    /// The gateway.
    pub gateway: Gateway,
    /// A sales person.
    pub rep: Rep,
    folder: tempfile::TempDir,
}

/// A sales person of the company.
pub struct Rep {
    /// Id of the user.
    pub id: String,
    /// Name.
    pub name: String,
    /// Name to log in with.
    pub username: String,
    /// Logged in by the API.
    pub client: OrgClient,
}

impl Scene {
    /// The org with its company, and a gateway that does not serve yet.
    pub async fn start(arguments: &Arguments) -> Outcome<Scene> {
        heading("An emulated org with a company in it, and the package installed");
        let folder = tempfile::Builder::new().prefix("causeway-demo-").tempdir()?;
        let store = format!("sqlite://{}", folder.path().join("causeway.db").display());
        let gateway = Gateway::prepare(folder.path(), &store)?;
        let port = free_port()?;
        let org_url = format!("http://localhost:{port}");
        let org = EmulatedOrg::start(Options {
            bind: format!("127.0.0.1:{port}"),
            my_domain: Some(org_url.clone()),
            company: Some(CompanyOptions {
                seed: arguments.seed,
                records: arguments.records,
            }),
            packages: vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../force-app")],
            lightning: arguments.lightning.clone(),
            // Whoever looks around the demo is not sent away after lunch.
            session_timeout: Duration::from_hours(24),
            ..Options::default()
        })
        .await?;
        org.register_app(App::pre_authorized(CONSUMER_KEY, gateway.app_certificate()?))?;
        let rep = choose_rep(&org, &org_url, &gateway).await?;
        for (_, sobject) in company::OBJECTS {
            let soql = format!("/query?q=SELECT+COUNT()+FROM+{sobject}");
            let count = rep.client.send("GET", &soql, None).await?;
            println!("  {:>6} {sobject}", count["totalSize"].to_string());
        }
        Ok(Scene {
            org,
            org_url,
            gateway,
            rep,
            folder,
        })
    }

    /// Gives the gateway its connection and mappings, and lets it serve.
    pub async fn connect(&mut self) -> Outcome<()> {
        heading("The gateway is connected and takes its mappings");
        self.gateway.connect(&ConnectionSetup {
            name: CONNECTION.to_owned(),
            org_url: self.org_url.clone(),
            consumer_key: CONSUMER_KEY.to_owned(),
            username: self.org.integration_username().to_owned(),
            users: company::partner_users(&self.rep.client).await?,
        })?;
        let mut mappings = company::mappings_both_ways(&self.rep.id)?;
        for mapping in mappings
            .iter_mut()
            .filter(|mapping| mapping.get("externalId").is_some())
        {
            mapping["markLinked"] = true.into();
            mapping["lastWritten"] = "Last_Synced__c".into();
        }
        self.gateway.apply_mappings(CONNECTION, &mappings)?;
        println!(
            "  5 objects are mapped, contacts and leads both ways by the package's Partner_Id__c, which every\n  \
             linked one of them carries after the first sync; users are matched by\n  \
             e-mail, the rest goes to \"{}\"",
            company::DEFAULT_OWNER
        );
        Ok(self.gateway.serve(&[]).await?)
    }

    /// Syncs everything, with its progress.
    pub fn sync_initially(&self) -> Outcome<()> {
        Ok(self
            .gateway
            .show(&["sync", "initial", "--connection", CONNECTION])?)
    }

    /// The partner system.
    pub fn partner(&self) -> Outcome<Partner> {
        let client = format!("{CONNECTION}-{PARTNER_CLIENT}");
        Ok(Partner::new(&self.gateway, &client)?)
    }

    /// Gives a user of the org a password, which nobody has before.
    pub async fn set_password(&self, username: &str) -> Outcome<()> {
        let answer = reqwest::Client::new()
            .post(format!("{}/emulator/users/password", self.org_url))
            .json(&json!({"username": username, "password": PASSWORD}))
            .send()
            .await?;
        answer.error_for_status()?;
        Ok(())
    }

    /// Waits until no job of the org is due.
    pub fn let_jobs_end(&self) -> Outcome<()> {
        let org = self.org.org();
        if tokio::task::block_in_place(|| org.wait_for_apex(Duration::from_secs(60))) {
            Ok(())
        } else {
            Err("the org's jobs do not end".into())
        }
    }

    /// Ends everything.
    pub async fn end(mut self) -> Outcome<()> {
        let ended_well = self.gateway.terminate(Duration::from_secs(15)).await?;
        self.org.stop().await;
        self.folder.close()?;
        if ended_well {
            Ok(())
        } else {
            Err("the gateway did not end in time".into())
        }
    }
}

/// Somebody of the sales team who owns contacts; one who speaks English, if there is one, since pages speak the user's
/// language.
async fn choose_rep(org: &EmulatedOrg, org_url: &str, gateway: &Gateway) -> Outcome<Rep> {
    let key = gateway.app_private_key()?;
    let admin = OrgClient::login(org_url, CONSUMER_KEY, org.admin_username(), &key).await?;
    let owners = admin
        .query("SELECT OwnerId FROM Contact WHERE Email != null AND AccountId != null LIMIT 2000")
        .await?;
    let users = admin
        .query(
            "SELECT Id, Name, Username, LanguageLocaleKey FROM User WHERE IsActive = true AND Profile.Name = 'Standard \
             User' ORDER BY Username",
        )
        .await?;
    let mut owning: Vec<&Value> = users
        .iter()
        .filter(|user| owners.iter().any(|contact| contact["OwnerId"] == user["Id"]))
        .collect();
    owning.sort_by_key(|user| user["LanguageLocaleKey"] != "en_US");
    let user = owning
        .first()
        .ok_or("nobody of the sales team owns a contact; ask for more --records")?;
    let text = |name: &str| user[name].as_str().unwrap_or_default().to_owned();
    Ok(Rep {
        id: text("Id"),
        name: text("Name"),
        client: OrgClient::login(org_url, CONSUMER_KEY, &text("Username"), &key).await?,
        username: text("Username"),
    })
}
