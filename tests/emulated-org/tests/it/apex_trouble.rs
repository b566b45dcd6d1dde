//! Trouble inside the organisation's Apex, on demand, and what only the code of an installed package sees.
#![cfg(test)]

use std::fs;
use std::time::Duration;

use apex_runtime::Source;
use emulated_org::Options;
use emulated_org::apex::CpuPace;
use emulated_org::apex::callout::RemoteSite;
use emulated_org::faults::{CalloutFault, Statement, StatementFault};
use emulated_org::limits::Allocation;
use serde_json::json;

use crate::client::{Client, V};

const WORK: &str = "public class Work {
    public static Integer call(String address) {
        HttpRequest request = new HttpRequest();
        request.setEndpoint(address);
        request.setMethod('POST');
        request.setBody('0123456789');
        return new Http().send(request).getStatusCode();
    }
    public static String save() {
        Lead made = new Lead(LastName = 'x', Company = 'y');
        Database.SaveResult result = Database.insert(made, false);
        return result.isSuccess() ? 'saved' : result.getErrors()[0].getStatusCode().name();
    }
    public static void loop(Integer turns) {
        for (Integer turn = 0; turn < turns; turn++) { Integer none = turn; }
    }
    @future public static void later() { Integer none = 0; }
}";

async fn working() -> Client {
    let client = Client::start_with(Options::default()).await;
    let work = Source::class("Work", WORK);
    client.org.org().set_apex(vec![work]).expect("it compiles");
    client
}

/// What an expression is, or what it failed with.
fn told(client: &Client, expression: &str) -> String {
    let org = client.org.org();
    let text = format!("System.debug('told ' + {expression});");
    match org.run_anonymous_apex(org.admin, &text) {
        Ok(log) => {
            let told = log.iter().find_map(|line| line.split("told ").nth(1));
            told.expect("a line").to_owned()
        }
        Err(error) => format!("{error:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callouts_end_as_asked_and_are_counted() {
    let client = working().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("its address"));
    let heard = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let mut texts = Vec::new();
        for _ in 0..2 {
            let (mut socket, _) = listener.accept().expect("a connection");
            let mut text = Vec::new();
            let mut part = [0_u8; 1_024];
            loop {
                let read = socket.read(&mut part).unwrap_or(0);
                text.extend_from_slice(part.get(..read).unwrap_or_default());
                if read == 0 || text.ends_with(b"0123456789") {
                    break;
                }
            }
            drop(
                socket.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
            );
            texts.push(String::from_utf8_lossy(&text).into_owned());
        }
        texts
    });
    client.org.org().add_remote_site(RemoteSite::new(&address));
    let faults = client.org.faults();
    let apex = faults.apex();
    apex.fail_next_callouts(1, CalloutFault::Refused);
    apex.fail_next_callouts(1, CalloutFault::TimedOut);
    apex.fail_next_callouts(1, CalloutFault::answered(503));
    apex.fail_next_callouts(1, CalloutFault::Cut);
    apex.fail_next_callouts(1, CalloutFault::AnswerLost);
    let call = format!("Work.call('{address}')");
    for words in [
        "Connection refused",
        "Read timed out",
        "503",
        "Unexpected end of file from server",
        "Read timed out",
    ] {
        let told = told(&client, &call);
        assert!(told.contains(words), "{told}");
    }
    assert_eq!(apex.met().values().sum::<u64>(), 5, "{:?}", apex.met());
    let texts = tokio::task::spawn_blocking(|| heard.join())
        .await
        .expect("joined")
        .expect("heard");
    let [cut, lost] = texts.as_slice() else {
        panic!("two connections, not {}", texts.len())
    };
    assert!(
        cut.contains("Content-Length: 10") && cut.ends_with("01234"),
        "{cut}"
    );
    assert!(lost.ends_with("0123456789"), "{lost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_queries_and_methods_fail_once_and_then_work() {
    let client = working().await;
    let faults = client.org.faults();
    let apex = faults.apex();
    let refused = StatementFault::Refused("UNABLE_TO_LOCK_ROW");
    apex.fail_statements(Statement::Insert, "Lead", 1, 1, refused);
    assert_eq!(told(&client, "Work.save()"), "saved");
    assert_eq!(told(&client, "Work.save()"), "UNABLE_TO_LOCK_ROW");
    assert_eq!(told(&client, "Work.save()"), "saved");
    let thrown = StatementFault::Thrown("DmlException");
    apex.fail_statements(Statement::Insert, "Lead", 0, 1, thrown);
    assert!(told(&client, "Work.save()").contains("System.DmlException"));
    let thrown = StatementFault::Thrown("QueryException");
    apex.fail_statements(Statement::Query, "Lead", 0, 1, thrown);
    let count = "[SELECT Id FROM Lead].size()";
    assert!(told(&client, count).contains("System.QueryException"));
    assert_eq!(told(&client, count), "2");
    apex.fail_method("work", "SAVE", 1, "NullPointerException");
    assert_eq!(told(&client, "Work.save()"), "saved");
    let failed = told(&client, "Work.save()");
    assert!(failed.contains("System.NullPointerException"), "{failed}");
    assert_eq!(told(&client, "Work.save()"), "saved");
    apex.fail_method("Work", "save", 0, "NullPointerException");
    apex.end();
    assert_eq!(told(&client, "Work.save()"), "saved");
    assert_eq!(apex.met().values().sum::<u64>(), 4, "{:?}", apex.met());
}

#[tokio::test(flavor = "multi_thread")]
async fn asynchronous_apex_beyond_the_days_is_refused() {
    let client = working().await;
    let limits = &client.org.org().limits;
    limits.set_maximum(Allocation::DailyAsyncApexExecutions, 1);
    let later = "Work.later(); System.debug('told ' + 'taken');";
    let org = client.org.org();
    org.run_anonymous_apex(org.admin, later)
        .expect("the first is taken");
    let refused = org
        .run_anonymous_apex(org.admin, later)
        .expect_err("the second is not");
    let refused = format!("{refused:?}");
    assert!(refused.contains("System.AsyncException"), "{refused}");
    assert!(
        refused.contains("AsyncApexExecutions Limit exceeded"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn full_storage_refuses_new_records_and_takes_changes() {
    let client = working().await;
    let leads = format!("{V}/sobjects/Lead");
    let lead = json!({"LastName": "x", "Company": "y"});
    let made = client.post(&leads, &lead).await;
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    client.org.org().set_storage_full(true);
    let refused = client.post(&leads, &lead).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert_eq!(refused.json()[0]["errorCode"], "STORAGE_LIMIT_EXCEEDED");
    assert_eq!(told(&client, "Work.save()"), "STORAGE_LIMIT_EXCEEDED");
    let changed = client
        .patch(&format!("{leads}/{id}"), &json!({"LastName": "z"}))
        .await;
    assert_eq!(changed.status, 204, "{}", changed.text);
    client.org.org().set_storage_full(false);
    assert_eq!(told(&client, "Work.save()"), "saved");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_cpu_time_ends_a_transaction_where_the_pace_says_so() {
    let client = working().await;
    let org = client.org.org();
    let loops = "Work.loop(60000);";
    org.run_anonymous_apex(org.admin, loops)
        .expect("estimates stop nothing");
    org.set_cpu_pace(CpuPace {
        per_millisecond: 10,
        stops: true,
    });
    let caught = "try { Work.loop(60000); } catch (Exception e) { System.debug('caught'); }";
    let ended = org
        .run_anonymous_apex(org.admin, caught)
        .expect_err("over 10,000 ms");
    let ended = format!("{ended:?}");
    assert!(ended.contains("Apex CPU time limit exceeded"), "{ended}");
    org.run_anonymous_apex(org.admin, "Work.loop(1000);")
        .expect("little is allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn protected_settings_of_a_package_are_seen_by_apex_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, visibility) in [("Secret__c", "Protected"), ("Open__c", "Public")] {
        let object = folder.path().join("objects").join(name);
        fs::create_dir_all(object.join("fields")).expect("a folder");
        let text = format!(
            "<CustomObject xmlns=\"http://soap.sforce.com/2006/04/metadata\">
                <customSettingsType>Hierarchy</customSettingsType><label>{name}</label>
                <visibility>{visibility}</visibility></CustomObject>"
        );
        fs::write(object.join(format!("{name}.object-meta.xml")), text).expect("written");
        let text = "<CustomField xmlns=\"http://soap.sforce.com/2006/04/metadata\">
            <fullName>Key__c</fullName><label>Key</label><length>80</length><type>Text</type></CustomField>";
        fs::write(object.join("fields/Key__c.field-meta.xml"), text).expect("written");
    }
    let start = |packaged: bool| {
        let folders = vec![folder.path().to_owned()];
        let (sfdx_source, packages) = if packaged {
            (Vec::new(), folders)
        } else {
            (folders, Vec::new())
        };
        Client::start_with(Options {
            sfdx_source,
            packages,
            ..Options::default()
        })
    };
    for (packaged, object, status) in [
        (true, "Secret__c", 404),
        (true, "Open__c", 200),
        (false, "Secret__c", 200),
    ] {
        let client = start(packaged).await;
        let shown = client.get(&format!("{V}/sobjects/{object}/describe")).await;
        assert_eq!(
            shown.status, status,
            "{object}, packaged: {packaged}: {}",
            shown.text
        );
        let query = client
            .get(&format!("{V}/query?q=SELECT+Key__c+FROM+{object}"))
            .await;
        assert_eq!(query.status == 200, status == 200, "{}", query.text);
        let listed = client.get(&format!("{V}/sobjects")).await;
        assert_eq!(listed.text.contains(&format!("\"{object}\"")), status == 200);
        let code =
            "insert as system new Secret__c(SetupOwnerId = UserInfo.getOrganizationId(), Key__c = 'k');";
        let source = Source::class(
            "Keeps",
            format!("public class Keeps {{ public static void keep() {{ {code} }} }}"),
        );
        let org = client.org.org();
        org.set_apex(vec![source])
            .expect("the package's own code sees it");
        org.run_anonymous_apex(org.admin, "Keeps.keep();")
            .expect("and writes it");
        assert_eq!(told(&client, "Secret__c.getOrgDefaults().Key__c"), "k");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_that_asks_again_is_told_how_often_its_events_came() {
    let folder = tempfile::tempdir().expect("a folder");
    let object = folder.path().join("objects/Ping__e");
    fs::create_dir_all(&object).expect("a folder");
    let text = "<CustomObject xmlns=\"http://soap.sforce.com/2006/04/metadata\">
        <deploymentStatus>Deployed</deploymentStatus><eventType>HighVolume</eventType>
        <label>Ping</label><pluralLabel>Pings</pluralLabel>
        <publishBehavior>PublishImmediately</publishBehavior></CustomObject>";
    fs::write(object.join("Ping__e.object-meta.xml"), text).expect("written");
    let client = Client::start_with(Options {
        sfdx_source: vec![folder.path().to_owned()],
        ..Options::default()
    })
    .await;
    let trigger = "trigger Asks on Ping__e (after insert) {
        EventBus.TriggerContext context = EventBus.TriggerContext.currentContext();
        insert as system new Lead(LastName = context.retries + ' ' + context.lastError, Company = 'c');
        if (context.retries < 3) { throw new EventBus.RetryableException('attempt ' + context.retries); }
    }";
    let org = client.org.org();
    org.set_apex(vec![Source::trigger("Asks", trigger)])
        .expect("it compiles");
    for _ in 0..2 {
        org.run_anonymous_apex(org.admin, "EventBus.publish(new Ping__e());")
            .expect("it runs");
        assert!(org.wait_for_apex(Duration::from_secs(20)));
    }
    // What the attempts before had written was taken back, and the next event begins anew.
    let query = "SELECT+LastName+FROM+Lead";
    let answer = client.get(&format!("{V}/query?q={query}")).await.json();
    let names = answer["records"].as_array().expect("records").iter();
    let names: Vec<_> = names
        .map(|lead| lead["LastName"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["3 attempt 2", "3 attempt 2"]);
}
