//! The command line, as a person or a script meets it.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::command::{self, code, stderr, stdout};
use crate::gateway::rsa;

#[test]
fn config_check_tells_good_wrong_and_unreadable_apart() {
    let folder = prepared();
    let good = causeway(&folder, &["config", "check"]);
    assert_eq!(code(&good), 0, "{}", stderr(&good));
    assert!(stdout(&good).contains("master_key = \"(set)\""));

    std::fs::write(folder.path().join("causeway.toml"), "[http]\nport = 1\n").unwrap();
    let wrong = causeway(&folder, &["config", "check"]);
    assert_eq!(code(&wrong), 1);
    assert!(stderr(&wrong).contains("http.port"), "{}", stderr(&wrong));

    std::fs::write(folder.path().join("causeway.toml"), "[http\n").unwrap();
    assert_eq!(code(&causeway(&folder, &["config", "check"])), 2);
    std::fs::remove_file(folder.path().join("causeway.toml")).unwrap();
    assert_eq!(code(&causeway(&folder, &["config", "check"])), 2);
}

#[test]
fn a_master_key_is_written_once_and_for_its_owner_only() {
    let folder = prepared();
    let path = folder.path().join("new.key");
    let out = path.to_str().unwrap();
    assert_eq!(code(&causeway(&folder, &["keys", "master", "--out", out])), 0);
    let first = std::fs::read_to_string(&path).unwrap();
    assert_eq!(first.trim().len(), 44);
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let again = causeway(&folder, &["keys", "master", "--out", out]);
    assert_eq!(code(&again), 1);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), first);
    let printed = stdout(&causeway(&folder, &["keys", "master"]));
    assert_ne!(printed.trim(), first.trim());
    assert_eq!(printed.trim().len(), 44);
}

#[test]
fn a_connection_is_added_listed_and_shown_without_its_secrets() {
    let folder = prepared();
    let file = connection_file(&folder, "");
    let added = causeway(&folder, &["connection", "add", "--file", &file]);
    assert_eq!(code(&added), 0, "{}", stderr(&added));
    let secret = std::fs::read_to_string(folder.path().join("pump.secret")).unwrap();
    assert_eq!(
        std::fs::metadata(folder.path().join("pump.secret"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );

    let listed = stdout(&causeway(&folder, &["connection", "list"]));
    assert!(listed.contains("acme") && listed.contains("sandbox"), "{listed}");
    let shown = stdout(&causeway(&folder, &["connection", "show", "acme"]));
    for expected in [
        "pump",
        "HS256",
        "salesforce:write",
        "signer",
        "RS256",
        "u-1",
        "ada@example.com",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert!(
        !shown.contains(secret.trim()) && !shown.contains("PRIVATE KEY"),
        "{shown}"
    );

    // A second time the name is taken, and the first secret stays.
    std::fs::rename(
        folder.path().join("pump.secret"),
        folder.path().join("kept.secret"),
    )
    .unwrap();
    let again = causeway(&folder, &["connection", "add", "--file", &file]);
    assert_eq!(code(&again), 1);
    assert!(stderr(&again).contains("exists already"), "{}", stderr(&again));
    assert!(!folder.path().join("pump.secret").exists());
    let missing = causeway(&folder, &["connection", "show", "acne"]);
    assert_eq!(code(&missing), 1);
    assert!(
        stderr(&missing).contains("there are: acme"),
        "{}",
        stderr(&missing)
    );
}

#[test]
fn every_wrong_field_of_a_connection_file_is_named() {
    let folder = prepared();
    std::fs::write(
        folder.path().join("bad.toml"),
        "name = \"Acme Inc\"\nenvironment = \"test\"\nlogin_url = \"http://login.salesforce.com\"\n\
         consumer_key = \"\"\nusername = \"u\"\nprivate_key_file = \"missing.pem\"\napi_version = \"v67\"\n\
         password = \"x\"\n\
         [[client]]\nid = \"https://x\"\nscopes = [\"records:read\", \"all\"]\nsecret_file = \"short.txt\"\n\
         [[client]]\nid = \"b\"\npublic_key_file = \"short.txt\"\ngenerate_secret_file = \"s\"\n\
         [[user]]\nid = \"u-1\"\nemail = \"nobody\"\nname = \"N\"\nactive = \"yes\"\n",
    )
    .unwrap();
    std::fs::write(folder.path().join("short.txt"), "short").unwrap();
    let file = folder.path().join("bad.toml");
    let refused = causeway(&folder, &["connection", "add", "--file", file.to_str().unwrap()]);
    assert_eq!(code(&refused), 1);
    let text = stderr(&refused);
    for field in [
        "name:",
        "tenant:",
        "environment:",
        "login_url:",
        "consumer_key:",
        "private_key_file:",
        "api_version:",
        "password:",
        "client[0].id:",
        "client[0].scopes[1]:",
        "client[0].secret_file:",
        "client[1].secret_file:",
        "user[0].email:",
        "user[0].active:",
    ] {
        assert!(
            text.lines().any(|line| line.trim_start().starts_with(field)),
            "{field} in {text}"
        );
    }
    assert!(
        stdout(&causeway(&folder, &["connection", "list"]))
            .lines()
            .count()
            <= 1
    );
}

#[test]
fn commands_on_a_connection_that_is_not_there_say_so() {
    let folder = prepared();
    for arguments in [
        &["mapping", "list", "--connection", "acme"][..],
        &["sync", "initial", "--connection", "acme"],
        &["connection", "show", "acme"],
    ] {
        let refused = causeway(&folder, arguments);
        assert_eq!(code(&refused), 1);
        assert!(
            stderr(&refused).contains("no connection \"acme\""),
            "{}",
            stderr(&refused)
        );
    }
}

#[test]
fn the_help_of_connection_add_names_every_scope() {
    let help = stdout(&causeway(&prepared(), &["connection", "add", "--help"]));
    for scope in crate::gateway::ALL_SCOPES {
        assert!(help.contains(scope), "{scope}: {help}");
    }
}

#[test]
fn a_file_that_is_no_toml_is_told_without_its_line() {
    let folder = prepared();
    let file = folder.path().join("broken.toml");
    for broken in [
        "username = \"u\"\npassword = hunter2\n",
        "username = \"u\"\npassword = \"hunter2\n",
    ] {
        std::fs::write(&file, broken).unwrap();
        let added = causeway(&folder, &["connection", "add", "--file", file.to_str().unwrap()]);
        let checked = Command::new(env!("CARGO_BIN_EXE_causeway"))
            .arg("--config")
            .arg(&file)
            .args(["config", "check"])
            .env_clear()
            .output()
            .unwrap();
        for said in [added, checked] {
            let text = format!("{}{}", stdout(&said), stderr(&said));
            assert_ne!(code(&said), 0);
            assert!(text.contains("at line 2, column "), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}

#[test]
fn the_openapi_document_is_printed() {
    let folder = prepared();
    let printed = stdout(&causeway(&folder, &["openapi"]));
    let document: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert!(document["paths"]["/v1/salesforce/changes"]["post"].is_object());
}

/// A folder with a good configuration.
pub fn prepared() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("causeway.toml"),
        "[http]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite://causeway.db\"\n\
         [secrets]\nmaster_key = \"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\"\n[log]\nfilter = \"warn\"\n",
    )
    .unwrap();
    folder
}

fn connection_file(folder: &TempDir, more: &str) -> String {
    std::fs::write(folder.path().join("server.key"), &rsa().private).unwrap();
    std::fs::write(folder.path().join("signer.pub"), &rsa().public).unwrap();
    let file = folder.path().join("connection.toml");
    std::fs::write(
        &file,
        format!(
            "name = \"acme\"\ntenant = \"acme\"\nenvironment = \"sandbox\"\n\
             login_url = \"https://test.salesforce.com/\"\nconsumer_key = \"3MVG9\"\n\
             username = \"integration@acme.example\"\nprivate_key_file = \"server.key\"\napi_version = \"67.0\"\n{more}\
             [[client]]\nid = \"pump\"\nscopes = [\"salesforce:write\"]\ngenerate_secret_file = \"pump.secret\"\n\
             [[client]]\nid = \"signer\"\nscopes = [\"records:read\"]\npublic_key_file = \"signer.pub\"\n\
             [[user]]\nid = \"u-1\"\nemail = \"ada@example.com\"\nname = \"Ada\"\n"
        ),
    )
    .unwrap();
    file.to_str().unwrap().to_owned()
}

fn causeway(folder: &TempDir, arguments: &[&str]) -> Output {
    command::causeway(folder, arguments).output().unwrap()
}
