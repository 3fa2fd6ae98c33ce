//! Redis refused, hung, restarted, read-only, full: the failure policy decides, in time,
//! and Redis is used again as soon as it is back.

use crate::harness::{
    cluster_config, cluster_options, eventually, Bridge, BridgeOptions, Client, Envoy, Redis,
};
use std::time::Duration;

const LIMITS: &str = r#"{"l": {"rate": "100/d", "scope": "cluster"}}"#;
const BACK: Duration = Duration::from_secs(20);

struct Gateway {
    envoy: Envoy,
    redis: Redis,
    _bridge: Bridge,
}

impl Gateway {
    /// With these settings of `redis`, before a bridge of its own timeout of 100 ms.
    fn start(redis: &str) -> Self {
        let server = Redis::start();
        let bridge = Bridge::with(&BridgeOptions {
            timeout_ms: Some(100),
            ..BridgeOptions::to(server.port())
        });
        let config = cluster_config(LIMITS, bridge.token(), redis);
        let envoy = Envoy::start(cluster_options(&config, bridge.address()));
        Self {
            envoy,
            redis: server,
            _bridge: bridge,
        }
    }

    fn status(&self, key: &str) -> u16 {
        Client::new(self.envoy.address()).chat(key).status
    }

    fn counter(&self, name: &str) -> u64 {
        self.envoy.counter(&format!("redis.{name}"))
    }

    /// Whether Redis decides on this client's next request.
    fn is_asked(&self, key: &str) -> bool {
        let before = self.counter("fallbacks");
        self.status(key) == 200 && self.counter("fallbacks") == before
    }

    fn await_recovery(&self) {
        let back = eventually(BACK, || self.is_asked("back").then_some(()));
        assert!(back.is_some(), "{}", self.envoy.log());
        self.envoy.assert_vm_lives();
    }
}

const PATIENT_DENY: &str =
    r#""timeout": "2s", "on_failure": "deny", "breaker": {"failures": 3, "cooldown": "200ms"}"#;

#[test]
fn a_redis_that_is_down_hung_or_restarted_is_used_again_when_it_is_back() {
    let mut gateway = Gateway::start(PATIENT_DENY);
    gateway.await_recovery();

    gateway.redis.kill();
    assert_eq!(gateway.status("a"), 503);
    gateway.redis.restart();
    gateway.await_recovery();

    gateway.redis.stop();
    assert_eq!(gateway.status("a"), 503);
    gateway.redis.resume();
    gateway.await_recovery();

    // A restart has lost the script: the next call brings it.
    gateway.redis.command(&["script", "flush"]);
    let errors = gateway.counter("errors");
    gateway.await_recovery();
    assert_eq!(gateway.counter("errors"), errors, "NOSCRIPT is no error");
}

#[test]
fn a_redis_that_takes_no_writes_is_left_to_the_policy() {
    let gateway = Gateway::start(PATIENT_DENY);
    gateway.await_recovery();
    for (off, on) in [
        (
            &["replicaof", "127.0.0.1", "1"],
            &["replicaof", "no", "one"],
        ),
        (
            &["config", "set", "maxmemory"],
            &["config", "set", "maxmemory"],
        ),
    ] {
        let memory = off[0] == "config";
        let words = |words: &[&'static str], value: &'static str| {
            let mut words = words.to_vec();
            words.extend(memory.then_some(value));
            words
        };
        gateway.redis.command(&words(off, "1"));
        // Whichever is asked until the breaker opens, and behind it too.
        for _ in 0..6 {
            assert_eq!(gateway.status("new"), 503, "{off:?}");
        }
        gateway.redis.command(&words(on, "0"));
        gateway.await_recovery();
    }
}

#[test]
fn a_wrong_token_is_said_once_and_not_with_the_token() {
    let redis = Redis::start();
    let bridge = Bridge::start(redis.port());
    let config = cluster_config(
        LIMITS,
        "not-the-token",
        r#""on_failure": "allow", "timeout": "2s", "breaker": {"cooldown": "1h"}"#,
    );
    let envoy = Envoy::start(cluster_options(&config, bridge.address()));
    let client = Client::new(envoy.address());
    for _ in 0..30 {
        assert_eq!(client.chat("alice").status, 200);
    }
    let log = envoy.log();
    let complaints = log.matches("the bridge refuses the credentials").count();
    assert!((1..=2).contains(&complaints), "once a worker: {log}");
    assert!(!log.contains("not-the-token"));
    assert_eq!(envoy.counter("redis.fallbacks"), 30);
    // Five failures open the breaker, in each of two workers.
    assert!(envoy.counter("redis.calls") <= 10);
}

/// Each gateway enforces its share by itself, and what it had spent of it is not Redis'.
#[test]
fn without_redis_each_gateway_enforces_its_share() {
    let mut gateway = Gateway::start(r#""timeout": "2s", "gateways": 4"#);
    gateway.await_recovery();
    gateway.redis.kill();
    let passed = (0..40).filter(|_| gateway.status("a") == 200).count();
    assert_eq!(passed, 25, "a quarter of the burst");
    let denied = Client::new(gateway.envoy.address()).chat("a");
    assert_eq!(denied.status, 429);
    assert_eq!(
        denied.header("ratelimit-policy"),
        Some(r#""l";q=100;w=86400"#)
    );
    gateway.redis.restart();
    gateway.await_recovery();
}
