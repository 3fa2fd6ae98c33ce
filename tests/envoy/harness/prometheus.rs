//! A real Prometheus with the shipped configuration, before an Envoy.

use super::envoy::Envoy;
use super::http::Client;
use super::paths;
use super::ports::on_free_port;
use super::process::Process;
use percent_encoding::{utf8_percent_encode, NON_ALPHANUMERIC};
use serde_json::Value;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

pub struct Prometheus {
    _process: Process,
    client: Client,
    _folder: TempDir,
}

/// A sample of a query's answer: its labels and its value, which may be NaN.
pub struct Sample {
    pub labels: Value,
    pub value: f64,
}

impl Prometheus {
    /// Looks at this Envoy once a second, instead of every 15 s.
    pub fn of(envoy: &Envoy) -> Self {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let shipped = paths::root().join("envoy/prometheus");
        let mut config = fs::read_to_string(shipped.join("prometheus.yaml")).expect("the file");
        for (from, to) in [
            ("127.0.0.1:9901", envoy.admin_address().to_string()),
            ("scrape_interval: 15s", "scrape_interval: 1s".to_owned()),
            (
                "evaluation_interval: 15s",
                "evaluation_interval: 1s".to_owned(),
            ),
        ] {
            assert_eq!(config.matches(from).count(), 1, "{from} in prometheus.yaml");
            config = config.replace(from, &to);
        }
        fs::write(folder.path().join("prometheus.yaml"), config).expect("a file");
        fs::copy(
            shipped.join("alerts.yaml"),
            folder.path().join("alerts.yaml"),
        )
        .expect("a copy");
        let (process, port) = on_free_port(
            |port| Process::start("prometheus", folder.path(), &server(folder.path(), port)),
            |port| {
                let ready = Client::new(loopback(port)).try_get("/-/ready");
                ready.is_some_and(|answer| answer.status == 200)
            },
        );
        Self {
            _process: process,
            client: Client::new(loopback(port)),
            _folder: folder,
        }
    }

    /// What a query yields now; a query that is refused is a failure of the test.
    pub fn query(&self, query: &str) -> Vec<Sample> {
        let encoded = utf8_percent_encode(query, NON_ALPHANUMERIC);
        let data = self.api(&format!("query?query={encoded}"));
        let samples = data["result"].as_array().expect("a vector");
        let of = |sample: &Value| Sample {
            labels: sample["metric"].clone(),
            value: sample["value"][1]
                .as_str()
                .expect("a text")
                .parse()
                .expect("a number"),
        };
        samples.iter().map(of).collect()
    }

    /// What a part of its API tells.
    pub fn api(&self, path: &str) -> Value {
        let answer = self.client.get(&format!("/api/v1/{path}"), &[]);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()["data"].clone()
    }
}

fn server(folder: &Path, port: u16) -> Command {
    let mut command = Command::new("prometheus");
    command.arg(format!(
        "--config.file={}",
        folder.join("prometheus.yaml").display()
    ));
    command.arg(format!(
        "--storage.tsdb.path={}",
        folder.join("data").display()
    ));
    command.arg(format!("--web.listen-address={}", loopback(port)));
    command.arg("--log.level=warn");
    command
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
