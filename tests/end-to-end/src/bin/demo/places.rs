//! Where to look when the story is told.

use crate::scene::{PASSWORD, Scene};
use crate::story::Contact;
use crate::{Arguments, Outcome, heading};

/// Addresses to click.
pub fn show(scene: &Scene, arguments: &Arguments, contact: &Contact) -> Outcome<()> {
    let org = &scene.org_url;
    heading("Where to look: Salesforce");
    println!("  {org}/login");
    println!("    admin         {}  {PASSWORD}", scene.org.admin_username());
    println!("    sales person  {}  {PASSWORD}", scene.rep.username);
    let pages = [
        (
            "Connection Settings",
            "/lightning/n/Connection_Settings".to_owned(),
        ),
        (
            "Synchronization Information",
            "/lightning/n/Synchronization_Information".to_owned(),
        ),
        (
            "a synced contact with the partner's page",
            format!("/lightning/r/Contact/{}/view", contact.id),
        ),
        ("contacts", "/lightning/o/Contact/list".to_owned()),
        (
            "Setup: remote sites",
            "/lightning/setup/SecurityRemoteProxy/home".to_owned(),
        ),
    ];
    if arguments.lightning.is_some() {
        for (name, path) in pages {
            println!("  {org}{path}\n      {name}");
        }
    } else {
        let names: Vec<&str> = pages.iter().map(|(name, _)| *name).collect();
        println!("  These Lightning pages are missing: {}.", names.join("; "));
        println!("  To have them, {}.", arguments.how_to_have_pages);
    }
    println!(
        "  {org}/apex/ContactPanel?id={}\n      the partner's page in its Visualforce frame",
        contact.id
    );
    println!("  {org}/\n      the emulated org itself: objects, requests, faults");

    heading("Where to look: the gateway");
    let url = scene.gateway.url();
    println!("  {url}/healthz  {url}/metrics  {url}/openapi.json");
    println!("  as the partner, for five minutes:\n");
    println!("    TOKEN={}", scene.partner()?.token()?);
    for path in [
        "/v1/records/contact?limit=3",
        "/v1/changes?limit=3",
        "/v1/conflicts",
        "/v1/held",
        "/v1/syncs",
        "/v1/logs?limit=3",
    ] {
        println!("    curl -s -H \"Authorization: Bearer $TOKEN\" '{url}{path}'");
    }
    Ok(())
}
