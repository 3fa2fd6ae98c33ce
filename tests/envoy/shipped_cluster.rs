//! What a new user gets for several gateways: cluster.yaml and `make run-cluster`, as shipped.

use crate::harness::{eventually, free_port, promptly, root, target, Client, Process};
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const PORTS: [&str; 7] = [
    "TOLLGATE_PORT",
    "SECOND_PORT",
    "ADMIN_PORT",
    "SECOND_ADMIN_PORT",
    "API_PORT",
    "BRIDGE_PORT",
    "REDIS_PORT",
];

/// `make run-cluster` on ports of its own.
struct Cluster {
    script: Process,
    ports: BTreeMap<&'static str, u16>,
    _folder: TempDir,
}

impl Cluster {
    fn start() -> Self {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let ports: BTreeMap<_, _> = PORTS.map(|name| (name, free_port())).into();
        let mut command = Command::new(root().join("scripts/run-cluster.sh"));
        command.env("CARGO_TARGET_DIR", target());
        for (name, port) in &ports {
            command.env(name, port.to_string());
        }
        let mut script = Process::script("run-cluster", folder.path(), &command);
        let up = eventually(Duration::from_secs(180), || {
            script.ended().is_none().then_some(())?;
            script.out().contains("Two gateways are up").then_some(())
        });
        assert!(up.is_some(), "{}{}", script.out(), script.err());
        Self {
            script,
            ports,
            _folder: folder,
        }
    }

    fn gateway(&self, name: &str) -> Client {
        Client::new(SocketAddr::from(([127, 0, 0, 1], self.ports[name])))
    }

    fn assert_gone(&self) {
        for (name, port) in &self.ports {
            let open = TcpStream::connect(("127.0.0.1", *port)).is_ok();
            assert!(!open, "{name} {port} still answers");
        }
    }
}

/// With the filter that does nothing: what is Envoy's own in the file.
#[test]
fn envoy_takes_the_shipped_file() {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let shipped = std::fs::read_to_string(root().join("envoy/cluster.yaml")).unwrap();
    let filter = "target/wasm32-wasip1/release/tollgate.wasm";
    assert_eq!(shipped.matches(filter).count(), 1);
    let noop = target().join("wasm32-wasip1/release/noop.wasm");
    let path = folder.path().join("cluster.yaml");
    let yaml = shipped.replace(filter, &format!("\"{}\"", noop.display()));
    std::fs::write(&path, yaml).unwrap();
    let mut envoy = Command::new(root().join(".tools/envoy"));
    let output = envoy.args(["--mode", "validate", "-c"]).arg(&path).output();
    let output = output.expect("Envoy runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("deprecated"), "{said}");
}

#[test]
fn two_gateways_share_one_budget_and_end_together() {
    let mut cluster = Cluster::start();
    let gateways = ["TOLLGATE_PORT", "SECOND_PORT"].map(|name| cluster.gateway(name));
    let spend = |client: &str| {
        (0..12)
            .filter(|turn| gateways[turn % 2].chat(client).status == 200)
            .count()
    };
    let passed = promptly(spend);
    assert_eq!(passed, 10, "one budget of 10, spent through both");
    cluster.script.stop();
    cluster.assert_gone();
}
