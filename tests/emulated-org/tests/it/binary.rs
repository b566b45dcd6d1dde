//! The organisation as a process of its own.

#![cfg(test)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value as Json;

use crate::client::{JWT_BEARER, Key, V};

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself already.
        drop(self.0.kill());
    }
}

fn serve(arguments: &[&str]) -> (Process, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_emulated-org"))
        .arg("serve")
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe"))
        .read_line(&mut line)
        .expect("a line");
    (Process(child), line)
}

#[tokio::test]
async fn it_prints_its_url_serves_and_ends_at_sigterm() {
    let folder = std::env::temp_dir().join(format!("emulated-org-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let pem = folder.join("public-key.pem");
    std::fs::write(&pem, &Key::of_app().public_pem).expect("a file");
    let app = format!("consumer={}", pem.display());
    let (mut process, line) = serve(&[
        "--port",
        "0",
        "--company",
        "200",
        "--seed",
        "7",
        "--app",
        &app,
        "--daily-api-limit",
        "50",
        "--my-domain",
        "https://acme.my.example",
    ]);
    let url = line
        .split_whitespace()
        .find(|word| word.starts_with("http://127.0.0.1:"))
        .unwrap_or_else(|| panic!("{line}"));
    let admin = line
        .trim()
        .trim_end_matches(')')
        .rsplit(' ')
        .next()
        .expect("a username");

    let http = reqwest::Client::new();
    let versions = http
        .get(format!("{url}/services/data"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(versions.status(), 200);
    let clock: Json = serde_json::from_str(
        &http
            .get(format!("{url}/emulator/clock"))
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("a body"),
    )
    .expect("JSON");
    let now =
        chrono::DateTime::parse_from_rfc3339(clock["now"].as_str().expect("a moment")).expect("a moment");
    let claims =
        serde_json::json!({ "iss": "consumer", "sub": admin, "aud": url, "exp": now.timestamp() + 100 });
    let assertion = Key::of_app().sign(jsonwebtoken::Algorithm::RS256, &claims);
    let form = [("grant_type", JWT_BEARER), ("assertion", assertion.as_str())];
    let token = http
        .post(format!("{url}/services/oauth2/token"))
        .form(&form)
        .send()
        .await
        .expect("an answer");
    let token: Json = serde_json::from_str(&token.text().await.expect("a body")).expect("JSON");
    assert_eq!(token["instance_url"], "https://acme.my.example");
    let token = token["access_token"]
        .as_str()
        .unwrap_or_else(|| panic!("{token}"));
    let accounts = http
        .get(format!("{url}{V}/sobjects/Account"))
        .bearer_auth(token)
        .send()
        .await
        .expect("an answer");
    assert_eq!(accounts.headers()["sforce-limit-info"], "api-usage=1/50");
    let accounts: Json = serde_json::from_str(&accounts.text().await.expect("a body")).expect("JSON");
    assert_eq!(
        accounts["recentItems"].as_array().map(Vec::len),
        Some(5),
        "the company is there: {accounts}"
    );

    let pid = process.0.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .expect("kill runs")
            .success()
    );
    assert_eq!(process.0.wait().expect("it ends").code(), Some(0));
    std::fs::remove_dir_all(folder).expect("cleaned up");
}

#[test]
fn wrong_arguments_end_it_with_a_reason() {
    for (arguments, reason) in [
        (["--app", "no-path"], "expected consumer-key=path-of-a-PEM-file"),
        (["--app", "key=/nonexistent.pem"], "cannot read /nonexistent.pem"),
        (["--sfdx", "/nonexistent-source"], "/nonexistent-source"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_emulated-org"))
            .args(["serve", "--port", "0"])
            .args(arguments)
            .output()
            .expect("the binary starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(reason), "{said}");
    }
}
