//! From nothing to a synced org with commands alone.

use std::process::Output;

use emulated_org::{EmulatedOrg, Options, Value as OrgValue};
use secrecy::ExposeSecret;
use tempfile::TempDir;

use crate::cli::prepared;
use crate::command::{self, code, stderr, stdout};
use crate::linked::{CONSUMER_KEY, key_pair};

const CONTACTS: usize = 250;

#[tokio::test(flavor = "multi_thread")]
async fn commands_alone_connect_an_org_map_it_and_carry_it_over() {
    let (org, folder) = connected().await;
    let applied = apply(&folder).await;
    assert_eq!(code(&applied), 0, "{}", stderr(&applied));
    assert!(
        stdout(&applied).contains("Contact -> contact: revision 1"),
        "{}",
        stdout(&applied)
    );
    let again = apply(&folder).await;
    assert!(
        stdout(&again).contains("Contact -> contact: revision 1, as before"),
        "{}",
        stdout(&again)
    );
    let shown = causeway(&folder, &["mapping", "show", "--connection", "acme", "contact"]).await;
    let document: serde_json::Value = serde_json::from_str(&stdout(&shown)).unwrap();
    assert_eq!(document["salesforceObject"], "Contact");

    let synced = causeway(&folder, &["sync", "initial", "--connection", "acme"]).await;
    assert_eq!(code(&synced), 0, "{}", stderr(&synced));
    // Nobody looks at a terminal here: progress comes in plain lines.
    assert!(
        stderr(&synced).contains(&format!("contact {CONTACTS}/{CONTACTS}")),
        "{}",
        stderr(&synced)
    );
    let summary = stdout(&synced);
    let row: Vec<&str> = summary
        .lines()
        .find(|line| line.starts_with("Contact"))
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!(
        row,
        [
            "Contact", "contact", "250", "249", "0", "0", "0", "0", "0", "1", "0"
        ],
        "{summary}"
    );
    assert!(summary.contains("held, by reason"), "{summary}");
    assert!(
        summary.contains("contact: LastName to last_name: 17 characters, but at most 12 fit"),
        "{summary}"
    );

    let listed = stdout(&causeway(&folder, &["mapping", "list", "--connection", "acme"]).await);
    let row: Vec<&str> = listed
        .lines()
        .find(|line| line.starts_with("contact"))
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!(row, ["contact", "Contact", "1", "2", "249", "1", "0"], "{listed}");
    org.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_mapping_is_refused_with_every_problem_and_nothing_is_mapped() {
    let (org, folder) = connected().await;
    let file = folder.path().join("wrong.json");
    std::fs::write(
        &file,
        r#"{"partnerObject":"contact","salesforceObject":"Contact","direction":"salesforceToPartner","defaultOwner":"u-1",
            "fields":[{"partner":"last_name","type":"Text","salesforce":"LastNam"},
                      {"partner":"email","type":"Date","salesforce":"Email"}]}"#,
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let refused = causeway(
        &folder,
        &["mapping", "apply", "--connection", "acme", "--file", file],
    )
    .await;
    assert_eq!(code(&refused), 1);
    for expected in ["fields[0].salesforce", "LastName", "fields[1].type"] {
        assert!(
            stderr(&refused).contains(expected),
            "{expected}: {}",
            stderr(&refused)
        );
    }
    std::fs::write(file, r#"{"partnerObject":"contact","direktion":"both"}"#).unwrap();
    let refused = causeway(
        &folder,
        &["mapping", "apply", "--connection", "acme", "--file", file],
    )
    .await;
    assert_eq!(code(&refused), 1);
    assert!(stderr(&refused).contains("direktion"), "{}", stderr(&refused));

    let synced = causeway(&folder, &["sync", "initial", "--connection", "acme"]).await;
    assert_eq!(code(&synced), 1);
    assert!(
        stderr(&synced).contains("no object mapping yet"),
        "{}",
        stderr(&synced)
    );
    org.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_salesforce_refuses_fails_with_advice() {
    let (org, folder) = connected().await;
    assert_eq!(code(&apply(&folder).await), 0);
    org.freeze_user(org.admin_username(), true);
    let synced = causeway(&folder, &["sync", "initial", "--connection", "acme"]).await;
    assert_eq!(code(&synced), 1, "{}", stdout(&synced));
    assert!(
        stderr(&synced).contains("failed: The integration user is locked"),
        "{}",
        stderr(&synced)
    );
    org.stop().await;
}

/// An org with contacts, one of them with a name too long for the partner, and a folder whose gateway is connected to it.
async fn connected() -> (EmulatedOrg, TempDir) {
    let org = EmulatedOrg::start(Options::default()).await.unwrap();
    let (private_key, public_key) = key_pair();
    org.register_app(emulated_org::App::pre_authorized(CONSUMER_KEY, public_key))
        .unwrap();
    let text = |text: &str| OrgValue::Text(text.into());
    org.seed(
        "Contact",
        (0..CONTACTS).map(|number| {
            let email = format!("{number}@example.com");
            let name = if number == 7 {
                "A very long name.".to_owned()
            } else {
                format!("Name {number}")
            };
            vec![("LastName", text(&name)), ("Email", text(&email))]
        }),
    )
    .unwrap();
    let folder = prepared();
    std::fs::write(folder.path().join("server.key"), private_key.expose_secret()).unwrap();
    std::fs::write(
        folder.path().join("connection.toml"),
        format!(
            "name = \"acme\"\ntenant = \"acme\"\nenvironment = \"sandbox\"\nlogin_url = \"{}\"\n\
             consumer_key = \"{CONSUMER_KEY}\"\nusername = \"{}\"\nprivate_key_file = \"server.key\"\n\
             api_version = \"67.0\"\n",
            org.url(),
            org.admin_username()
        ),
    )
    .unwrap();
    let file = folder.path().join("connection.toml");
    let added = causeway(&folder, &["connection", "add", "--file", file.to_str().unwrap()]).await;
    assert_eq!(code(&added), 0, "{}", stderr(&added));
    (org, folder)
}

async fn apply(folder: &TempDir) -> Output {
    let file = folder.path().join("contact.json");
    std::fs::write(
        &file,
        r#"{"partnerObject":"contact","salesforceObject":"Contact","direction":"salesforceToPartner","defaultOwner":"u-1",
            "fields":[{"partner":"last_name","type":"Text","salesforce":"LastName","required":true,"maxLength":12},
                      {"partner":"email","type":"Email","salesforce":"Email"}]}"#,
    )
    .unwrap();
    let file = file.to_str().unwrap();
    causeway(
        folder,
        &["mapping", "apply", "--connection", "acme", "--file", file],
    )
    .await
}

async fn causeway(folder: &TempDir, arguments: &[&str]) -> Output {
    tokio::process::Command::from(command::causeway(folder, arguments))
        .output()
        .await
        .unwrap()
}
