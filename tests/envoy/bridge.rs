//! The bridge that is shipped, on a real Redis: what each answer is, and that nobody ever
//! gets another's.

use crate::harness::{Answer, Bridge, Client, Redis};

/// Asks as the filter does.
fn ask(client: &Client, bridge: &Bridge, path: &str, body: &str) -> Answer {
    let authorization = format!("Bearer {}", bridge.token());
    client.post(path, &[("authorization", &authorization)], body)
}

#[test]
fn a_script_runs_and_its_reply_is_json() {
    let redis = Redis::start();
    let bridge = Bridge::start(redis.port());
    let client = Client::new(bridge.address());
    let body = r#"["EVAL","return {1,tonumber(ARGV[1])}",1,"tollgate:a","42"]"#;
    let answer = ask(&client, &bridge, "/", body);
    assert_eq!(answer.text(), r#"{"result":[1,42]}"#);
    assert_eq!(answer.status, 200);
}
