//! Waiting `Retry-After` is enough; one second less is not.

use crate::harness::{direct_response, promptly, Answer, Client, Envoy, EnvoyOptions};
use std::thread;
use std::time::{Duration, Instant};

const CONFIG: &str = r#"{
  "client_from": [{"header": "x-api-key"}],
  "limits": {"three": {"rate": "20/m", "burst": 1}, "four": {"rate": "15/m", "burst": 2}},
  "routes": [
    {"match": {"path": "/three"}, "limits": ["three"]},
    {"match": {}, "limits": ["three", "four"], "cost": 1}
  ]
}"#;

#[test]
fn waiting_is_enough_and_a_second_less_is_not() {
    let envoy = Envoy::start(EnvoyOptions {
        config: Some(CONFIG.to_owned()),
        edits: vec![direct_response()],
        ..EnvoyOptions::default()
    });
    let ask = |path: &str, key: &str| Client::new(envoy.address()).get(path, &[("x-api-key", key)]);
    let ask = &ask;
    thread::scope(|scope| {
        scope.spawn(move || told_the_truth(|key| ask("/three", key)));
        // Two limits: `four` has one left when `three` refuses, then both must be asked.
        scope.spawn(move || told_the_truth(|key| ask("/both", &format!("{key}-of-both"))));
    });
}

/// Spends what there is, then waits as told, less a second, and as told.
fn told_the_truth(ask: impl Fn(&str) -> Answer) {
    let (key, refused, since) = promptly(|key| {
        assert_eq!(ask(key).status, 200);
        (key.to_owned(), ask(key), Instant::now())
    });
    assert_eq!(refused.status, 429);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(wait, 3);
    let ms: u64 = refused.header("retry-after-ms").unwrap().parse().unwrap();
    assert!((2001..=3000).contains(&ms), "{ms} ms, {wait} s");

    // A machine so slow that the probe itself comes late would prove nothing.
    thread::sleep(Duration::from_secs(wait - 1));
    let early = ask(&key);
    if since.elapsed() < Duration::from_millis(ms - 200) {
        assert_eq!(early.status, 429, "a second less was enough");
        assert_eq!(early.header("retry-after"), Some("1"));
    }
    thread::sleep(Duration::from_secs(wait).saturating_sub(since.elapsed()));
    assert_eq!(ask(&key).status, 200, "waiting was not enough");
}
