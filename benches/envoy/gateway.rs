//! The Envoy under measurement.

use super::harness::http::Client;
use super::harness::paths;
use super::harness::process::{eventually, Process};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub struct Gateway {
    process: Process,
    admin: Client,
    /// The kernel's account of each thread's CPU time, but for the main thread's.
    threads: Vec<PathBuf>,
}

/// Answers that a listener has given.
#[derive(Clone, Copy)]
pub struct Answers {
    /// Those of the class asked for.
    pub expected: u64,
    pub all: u64,
}

/// The name of a variant's listener, also the prefix of its counters, and of its module the
/// VM's id: no two variants share a VM or its shared data.
pub fn listener_name(index: usize) -> String {
    format!("variant{index}")
}

impl Gateway {
    pub fn start(folder: &Path, bootstrap: &str) -> Self {
        let envoy = Command::new(paths::envoy());
        Self::launch(folder, bootstrap, envoy, Duration::from_secs(60))
    }

    /// Under valgrind, which counts instructions and takes fifty times as long.
    pub fn counted(folder: &Path, bootstrap: &str) -> Self {
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
        // V8 writes code as it goes.
        valgrind.args(["--separate-threads=yes", "--smc-check=all-non-file"]);
        valgrind.arg(paths::envoy());
        Self::launch(folder, bootstrap, valgrind, Duration::from_secs(1200))
    }

    fn launch(folder: &Path, bootstrap: &str, mut command: Command, patience: Duration) -> Self {
        let config = folder.join("envoy.json");
        fs::write(&config, bootstrap).expect("the bootstrap can be written");
        let admin = folder.join("admin");
        command.args(["--concurrency", "1", "--log-level", "error"]);
        command.args(["--disable-hot-restart", "--config-path"]);
        command.arg(config).arg("--admin-address-path").arg(&admin);
        let mut process = Process::start("envoy", folder, &command);
        let ready = eventually(patience, || {
            assert!(process.ended().is_none(), "{}", process.err());
            let client = Client::new(fs::read_to_string(&admin).ok()?.parse().ok()?);
            (client.try_get("/ready")?.status == 200).then_some(client)
        });
        let Some(admin) = ready else {
            panic!("Envoy does not get ready:\n{}", process.err());
        };
        let threads = threads(process.pid());
        Self {
            process,
            admin,
            threads,
        }
    }

    /// Where each variant listens.
    pub fn addresses(&self, variants: usize) -> Vec<SocketAddr> {
        let page = self.admin.get("/listeners", &[]).text();
        let address = |name: String| {
            let line = page.lines().find_map(|line| line.strip_prefix(&name));
            let address = line.and_then(|line| line.strip_prefix("::"));
            address.expect("the listener is there").parse()
        };
        (0..variants)
            .map(|index| address(listener_name(index)).expect("an address"))
            .collect()
    }

    /// CPU time so far, ns. Not the main thread's: it serves our own questions.
    pub fn cpu(&self) -> u64 {
        let spent = |path| {
            let account = fs::read_to_string(path).expect("a thread's schedstat");
            let nanos = account.split(' ').next().map(str::parse::<u64>);
            nanos.expect("a field").expect("a number of nanoseconds")
        };
        self.threads.iter().map(spent).sum::<u64>()
    }

    /// What a listener has answered so far.
    pub fn answers(&self, index: usize, class: &str) -> Answers {
        let prefix = format!("http.{}.downstream_rq_", listener_name(index));
        let [expected, all] = self.counters(&prefix, [class, "completed"]);
        Answers { expected, all }
    }

    /// The counters of these names behind a prefix.
    pub fn counters<const N: usize>(&self, prefix: &str, names: [&str; N]) -> [u64; N] {
        let page = self.admin.get(&format!("/stats?filter=^{prefix}"), &[]);
        let page = page.text();
        names.map(|name| {
            let name = format!("{prefix}{name}: ");
            let value = page.lines().find_map(|line| line.strip_prefix(&name));
            value.expect("the counter").parse().expect("a number")
        })
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub fn log(&self) -> String {
        self.process.err()
    }
}

/// All threads that run by now: one worker, and V8's helpers.
fn threads(pid: u32) -> Vec<PathBuf> {
    let folder = fs::read_dir(format!("/proc/{pid}/task")).expect("a live Envoy");
    let others = folder
        .map(|entry| entry.expect("a thread"))
        .filter(|entry| *entry.file_name() != *pid.to_string());
    others.map(|entry| entry.path().join("schedstat")).collect()
}
