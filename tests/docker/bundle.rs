//! The running bundle, started and ended by its own script.

use crate::engine::Engine;
use crate::harness::{eventually, root, Client};
use std::net::{IpAddr, SocketAddr};
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

pub(crate) const STATS: &str = "/stats/prometheus";
pub(crate) const GATEWAYS: [&str; 2] = ["tollgate-gateway-1", "tollgate-gateway-2"];

pub(crate) struct Bundle<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) secrets: TempDir,
    profile: &'static str,
}

impl<'a> Bundle<'a> {
    pub(crate) fn up(engine: &'a Engine, profile: &'static str) -> Self {
        let secrets = TempDir::new().expect("a folder");
        let bundle = Self {
            engine,
            secrets,
            profile,
        };
        bundle.script("up").unwrap_or_else(|said| panic!("{said}"));
        bundle
    }

    fn script(&self, what: &str) -> Result<(), String> {
        let mut command = self.engine.command(root().join("scripts/docker.sh"));
        command.arg(what).env("PROFILE", self.profile);
        command.env("TOLLGATE_SECRETS", self.secrets.path());
        for port in ["TOLLGATE_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT"] {
            command.env_remove(port);
        }
        let output = command.output().expect("scripts/docker.sh runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = text(&output.stdout) + &text(&output.stderr);
        output.status.success().then_some(()).ok_or(said)
    }

    /// Ends it as a user does. Nothing of it may be left.
    pub(crate) fn down(self) {
        self.script("down").unwrap_or_else(|said| panic!("{said}"));
        let left = |what: &[&str]| assert_eq!(self.engine.docker(what), "", "{what:?}");
        left(&["ps", "--all", "--quiet"]);
        left(&["volume", "ls", "--quiet"]);
        left(&["network", "ls", "--quiet", "--filter", "type=custom"]);
        let secrets = std::fs::read_dir(self.secrets.path()).expect("a folder");
        assert_eq!(secrets.count(), 0, "secrets are left");
    }

    /// The names of its containers.
    pub(crate) fn containers(&self) -> Vec<String> {
        let names = self
            .engine
            .docker(&["ps", "--all", "--format", "{{.Names}}"]);
        let mut names: Vec<_> = names.lines().map(str::to_owned).collect();
        names.sort();
        names
    }

    pub(crate) fn inspect(&self, container: &str, what: &str) -> String {
        self.engine
            .docker(&["inspect", "--format", what, container])
    }

    /// The process that the container is.
    pub(crate) fn pid(&self, container: &str) -> i32 {
        let pid = self.inspect(container, "{{.State.Pid}}");
        pid.parse().expect("a number")
    }

    /// The counters of these containers' Envoys, those that answer, once the gateways have
    /// told what they have counted.
    pub(crate) fn counters(&self, containers: &[&str]) -> Counters {
        const TOLD: Duration = Duration::from_millis(400);
        sleep(TOLD);
        let page = |address: IpAddr| Client::new((address, 9902).into()).try_get(STATS);
        let pages = self.addresses(containers).into_iter().filter_map(page);
        Counters(pages.map(|answer| answer.text()).collect())
    }

    /// On the network `metrics`, of those that run.
    pub(crate) fn addresses(&self, containers: &[&str]) -> Vec<IpAddr> {
        let what = r#"{{(index .NetworkSettings.Networks "tollgate_metrics").IPAddress}}"#;
        let inspect = [&["inspect", "--format", what], containers].concat();
        let found = self.engine.docker(&inspect);
        found.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// Waits until a container is another process than `before`, and well by its own check.
    /// How long a busy machine takes for that is no matter of the bundle.
    pub(crate) fn assert_back(&self, container: &str, before: i32) {
        let back = eventually(Duration::from_secs(60), || {
            let is = self.inspect(container, "{{.State.Pid}} {{.State.Health.Status}}");
            let (pid, health) = is.split_once(' ')?;
            let fresh = ![0, before].contains(&pid.parse().ok()?);
            (fresh && health == "healthy").then_some(())
        });
        assert!(back.is_some(), "{container} is not back\n{}", self.logs());
    }

    /// Whether it says within 5 s that this is so.
    pub(crate) fn soon(&self, what: &str, so: impl Fn() -> bool) {
        let seen = eventually(Duration::from_secs(5), || so().then_some(()));
        assert!(
            seen.is_some(),
            "after 5 s still not: {what}\n{}",
            self.logs()
        );
    }

    fn logs(&self) -> String {
        let log = |name: String| {
            let mut docker = self.engine.command("docker");
            let output = docker.args(["logs", "--tail", "6", &name]).output();
            let output = output.expect("docker runs");
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            format!("{name}:\n{}{}", text(&output.stdout), text(&output.stderr))
        };
        self.containers().into_iter().map(log).collect()
    }
}

/// Pages of counters, as Prometheus reads them.
pub(crate) struct Counters(String);

impl Counters {
    /// The sum of the lines that begin so.
    pub(crate) fn sum(&self, line: &str) -> u64 {
        let lines = self.0.lines().filter_map(|text| text.strip_prefix(line));
        let values = lines.filter_map(|rest| rest.rsplit_once(' ')?.1.parse::<u64>().ok());
        values.sum()
    }
}

/// One of the published ports. A new connection each time: the other end may be another.
pub(crate) fn published(port: u16) -> Client {
    Client::new(SocketAddr::from(([127, 0, 0, 1], port)))
}

/// The front's port.
pub(crate) fn api() -> Client {
    published(10000)
}
