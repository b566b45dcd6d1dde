#![allow(warnings, clippy::all)]
#[path = "../tests/it/linked.rs"]
mod linked;
use emulated_org::Value;
use serde_json::json;
#[tokio::main]
async fn main() {
    let n: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let linked = linked::Linked::mapped(causeway::app::AppOptions::default(), Vec::new()).await;
    let rows = (0..n).map(|i| vec![("LastName", Value::text(format!("N{i}"))), ("Email", Value::text(format!("m{i}@example.com")))]);
    let ids = linked.org.seed("Contact", rows).unwrap();
    let t = std::time::Instant::now();
    linked.sync().await;
    println!("sync {n} rows in {:?}", t.elapsed());
    let t = std::time::Instant::now();
    linked.sync().await;
    println!("again {n} rows in {:?}", t.elapsed());
    for (what, at) in [("update", 1), ("again", 2)] {
    let t = std::time::Instant::now();
    for chunk in ids[..10_000.min(n)].chunks(1000) {
        let changes = chunk.iter().map(|id| serde_json::value::to_raw_value(&json!({"object":"Contact","operation":"update","id":id.as_str(),"systemModstamp":format!("2099-01-0{at}T00:00:00.000Z"),"observedAt":format!("2099-01-0{at}T00:00:01.000Z"),"fields":{"LastName":format!("P{at}"),"Email":null}})).unwrap()).collect();
        causeway::app::receive::receive_changes(&linked.app, causeway::app::receive::Posted{connection: linked.connection, client:"p".into(), organization: linked.org.organization_id().as_str().into(), changes, idempotency: None}).await.unwrap();
    }
    println!("received {} in {:?}", 10_000.min(n), t.elapsed());
    let t = std::time::Instant::now();
    linked.drain_inbox().await;
    println!("decided in {:?}", t.elapsed());
    }
}
