//! Upstash's own client, so that the protocol is theirs and not what we take it for.

use super::patient;
use crate::harness::{root, Redis};
use std::process::Command;

#[test]
fn upstash_redis_of_pypi_is_content() {
    let redis = Redis::start();
    let bridge = patient(&redis);
    let output = Command::new("python3")
        .arg(root().join("tests/envoy/bridge/official_client.py"))
        .env("PYTHONPATH", root().join(".tools/python"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("BRIDGE_URL", format!("http://{}", bridge.address()))
        .env("BRIDGE_TOKEN", bridge.token())
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .expect("python3 runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`make setup` installs it\n{said}");
}
