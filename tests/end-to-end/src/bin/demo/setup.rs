//! What an admin does once: in Setup of the org, and on the package's page Connection Settings.

use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::scene::{CONNECTION, PASSWORD, Scene};
use crate::{Outcome, heading};

/// Objects with a layout and a record page of the package.
const OBJECTS: [&str; 4] = ["Account", "Contact", "Lead", "Opportunity"];

/// The partner's page that the record frame shows.
const TEMPLATE: &str = "card";
const TEMPLATE_HTML: &str = include_str!("card.html");

async fn admin(scene: &Scene) -> Outcome<Browser> {
    Ok(Browser::log_in(&scene.org_url, scene.org.admin_username(), PASSWORD).await?)
}

/// Setup: who may use the package, what Apex may call, what pages may frame, which layouts and record pages are shown.
pub async fn in_the_org(scene: &Scene) -> Outcome<()> {
    heading("An admin prepares the org in Setup");
    let admin_name = scene.org.admin_username();
    for username in [admin_name, scene.rep.username.as_str()] {
        scene.set_password(username).await?;
    }
    let admin = admin(scene).await?;
    assign(&admin, "Causeway_Admin", admin_name).await?;
    assign(&admin, "Causeway_User", &scene.rep.username).await?;
    println!(
        "  Permission sets: Causeway Admin for {admin_name}, Causeway User for {}",
        scene.rep.name
    );

    let gateway = scene.gateway.url();
    let site = json!({"name": "Causeway_Demo", "url": gateway});
    admin.set_up(Method::POST, "remote-sites", &site).await?;
    println!("  Remote Site: Apex may call {gateway}");
    let site = json!({"name": "Causeway_Demo", "url": gateway, "frameSrc": true});
    admin.set_up(Method::POST, "trusted-urls", &site).await?;
    println!("  Trusted URL: pages may frame {gateway}");

    for object in OBJECTS {
        let layout = format!("{object}-Causeway {object} Layout");
        let page = format!("layouts/{object}");
        let assigned = admin.look(&page).await?;
        let profiles = assigned["assignments"].as_array().into_iter().flatten();
        let wanted: Vec<Value> = profiles
            .map(|entry| json!({"profile": entry["profile"], "layout": layout}))
            .collect();
        admin
            .set_up(Method::PUT, &page, &json!({"assignments": wanted}))
            .await?;
        let active = json!({"active": format!("Causeway_{object}_Record")});
        admin
            .set_up(Method::PUT, &format!("record-pages/{object}"), &active)
            .await?;
    }
    println!(
        "  Layouts and record pages of the package: {}",
        OBJECTS.join(", ")
    );
    Ok(())
}

async fn assign(admin: &Browser, set: &str, username: &str) -> Outcome<()> {
    let sets = admin.look("permission-sets").await?;
    let mut sets = sets.as_array().into_iter().flatten();
    let found = sets.find(|known| known["name"] == set);
    let mut users = found
        .and_then(|known| known["assignable"].as_array())
        .into_iter()
        .flatten();
    let user = users
        .find(|user| user["username"] == username)
        .ok_or_else(|| format!("{set} cannot be assigned to {username}"))?;
    let assignee = json!({"userId": user["userId"]});
    let page = format!("permission-sets/{set}/assignments");
    admin.set_up(Method::POST, &page, &assignee).await?;
    Ok(())
}

/// Connection Settings: pairing by a code of the gateway, and the page that the record frame shows.
pub async fn of_the_connection(scene: &Scene) -> Outcome<()> {
    heading("An admin pairs the org with the gateway");
    let admin = admin(scene).await?;
    let printed = scene.gateway.command(&["connection", "pair", CONNECTION])?;
    let code = printed
        .lines()
        .find(|line| line.starts_with("pairing code"))
        .and_then(|line| line.split_whitespace().last())
        .ok_or("the gateway gave no pairing code")?;
    println!("  The gateway's operator makes a code that pairs once: {code}");
    let pairing = json!({"endpoint": scene.gateway.url(), "code": code});
    let told = admin
        .call("ConnectionSettingsController", "pair", &pairing)
        .await?;
    complain(&told)?;
    println!("  The package makes a key of its own, which nobody ever sees, and hands it over for the code.");

    let template = json!({"html": TEMPLATE_HTML});
    let path = format!("/v1/embed/templates/{TEMPLATE}");
    scene.partner()?.put(&path, &template).await?;
    let nothing = Value::Null;
    let page = admin
        .call("ConnectionSettingsController", "read", &nothing)
        .await?;
    let mut values = page["values"].clone();
    values["iFrameName"] = TEMPLATE.into();
    let settings = json!({"values": values, "secret": null});
    let told = admin
        .call("ConnectionSettingsController", "save", &settings)
        .await?;
    complain(&told)?;
    scene.let_jobs_end()?;
    println!(
        "  The partner gives the gateway a page \"{TEMPLATE}\"; the admin chooses it for the frame on records."
    );
    Ok(())
}

/// What the package says is not right all the same.
fn complain(told: &Value) -> Outcome<()> {
    match told.as_str() {
        None => Ok(()),
        Some(trouble) => Err(trouble.into()),
    }
}
