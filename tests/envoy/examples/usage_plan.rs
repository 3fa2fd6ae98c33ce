//! usage-plan.yaml: keys on plans, with a rate, a burst, quotas, and one that is suspended.

use super::{spend, start, try_it, violated};
use crate::harness::{Answer, Client, ModelApi};
use serde_json::json;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

const FILE: &str = "envoy/examples/usage-plan.yaml";
const DAY: u64 = 24 * 60 * 60;

/// s.
fn since_1970() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.expect("a clock that is set").as_secs()
}

fn post(client: &Client, path: &str, key: &str) -> Answer {
    client.post(
        path,
        &[("x-api-key", key)],
        r#"{"messages": [], "input": "a"}"#,
    )
}

#[test]
fn each_key_gets_what_its_plan_has() {
    // A new day begins with new quotas.
    let left_of_today = DAY - since_1970() % DAY;
    if left_of_today < 120 {
        thread::sleep(Duration::from_secs(left_of_today));
    }
    let api = ModelApi::start();
    let envoy = start(FILE, api.port());
    let client = Client::new(envoy.address());
    let chat = |key: &str| post(&client, "/v1/chat/completions", key);
    let embed = |key: &str| post(&client, "/v1/embeddings", key);

    let begun = Instant::now();
    let tried = try_it(FILE, &envoy);
    assert!(tried.contains(r#"ratelimit: "rate";r=4;t=2"#), "{tried}");
    assert!(
        tried.contains(r#"{"plan":"basic","limits":[{"name":"rate","#),
        "{tried}"
    );

    // The rate and its burst, then embeddings until the day's quota is spent by both.
    let mut passed = 1;
    let mut counted = |answer: Answer| {
        passed += u64::from(answer.status == 200);
        answer
    };
    let refused = spend(4, Duration::from_secs(2), begun, || {
        counted(chat("demo-basic"))
    });
    assert_eq!(violated(&refused), ["rate"]);
    assert!(matches!(refused.header("retry-after"), Some("1" | "2")));
    assert_eq!(refused.header("x-should-retry"), None);
    let policy = r#""embeddings";q=20;w=2, "daily";q=15;w=86400, "monthly";q=300;w=2678400"#;
    assert_eq!(
        counted(embed("demo-basic")).header("ratelimit-policy"),
        Some(policy)
    );
    let tomorrow = loop {
        let answer = counted(embed("demo-basic"));
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!(passed, 15);
    assert_eq!(
        (tomorrow.status, violated(&tomorrow)),
        (429, vec!["daily".to_owned()])
    );
    assert_eq!(tomorrow.header("x-should-retry"), Some("false"));
    let wait: u64 = tomorrow.header("retry-after").unwrap().parse().unwrap();
    let midnight = (since_1970() + wait) % DAY;
    assert!(midnight <= 120, "{midnight} s after midnight");

    // A larger plan, whose day is not counted.
    let policy = r#""rate";q=50;w=5, "monthly";q=100000;w=2678400"#;
    for _ in 0..16 {
        let answer = chat("demo-premium");
        assert_eq!(
            (answer.status, answer.header("ratelimit-policy")),
            (200, Some(policy))
        );
    }

    // One that may do nothing, and need not come back.
    for refused in [chat("demo-suspended"), embed("demo-suspended")] {
        assert_eq!(
            (refused.status, violated(&refused)),
            (429, vec!["monthly".to_owned()])
        );
        assert_eq!(refused.header("x-should-retry"), Some("false"));
        assert_eq!(refused.header("retry-after"), None);
    }

    // Nobody else is anybody; but the server lives for all.
    for refused in [
        chat("demo-basic2"),
        client.get("/ratelimit", &[]),
        client.get("/", &[]),
    ] {
        assert_eq!(refused.status, 401);
    }
    assert_eq!(client.get("/healthz", &[]).status, 200);

    let told = |key: &str| client.get("/ratelimit", &[("x-api-key", key)]).json();
    let basic = told("demo-basic");
    assert_eq!(basic["plan"], "basic");
    let left = |limit: usize| basic["limits"][limit]["remaining"].clone();
    assert_eq!([left(2), left(3)], [json!(0), json!(285)]);
    assert_eq!(told("demo-suspended")["plan"], "suspended");
    envoy.told();
    let page = envoy.admin("/stats/prometheus");
    for sample in [
        r#"tollgate_plan_allowed{tollgate_plan="premium"} 16"#,
        r#"tollgate_plan_denied{tollgate_plan="suspended"} 2"#,
    ] {
        assert!(
            page.lines().any(|line| line == sample),
            "no {sample} in the page"
        );
    }
    envoy.assert_vm_lives();
}
