//! What the environment must say before the bridge starts.

use crate::harness::{eventually, free_port, root, Process};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// nginx says why, and does not start.
#[test]
fn a_bridge_without_a_token_does_not_start() {
    for (name, value, words) in [
        ("BRIDGE_TOKEN", "", "BRIDGE_TOKEN is not set"),
        (
            "BRIDGE_TIMEOUT_MS",
            "0",
            "BRIDGE_TIMEOUT_MS=0 is not a number from 1 to 60000",
        ),
        (
            "BRIDGE_TIMEOUT_MS",
            "40ms",
            "BRIDGE_TIMEOUT_MS=40ms is not a number",
        ),
        (
            "REDIS_PORT",
            "65536",
            "REDIS_PORT=65536 is not a number from 1 to 65535",
        ),
    ] {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let mut command = Command::new(root().join("envoy/bridge/run.sh"));
        command.arg(folder.path());
        command.env("BRIDGE_LISTEN", format!("127.0.0.1:{}", free_port()));
        command.env("BRIDGE_TOKEN", "t").env(name, value);
        let mut bridge = Process::script("bridge", folder.path(), &command);
        let ended = eventually(Duration::from_secs(10), || bridge.ended());
        assert_eq!(ended.as_deref(), Some("exit status: 1"), "{}", bridge.err());
        assert!(bridge.err().contains(words), "{}", bridge.err());
    }
}
