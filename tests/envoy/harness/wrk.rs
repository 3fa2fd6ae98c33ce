//! Load from wrk, which is in Debian and takes its requests from a Lua script.

use super::process::Process;
use std::net::SocketAddr;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What wrk sends, for how long at most, over how many connections and threads.
pub struct Load<'a> {
    pub connections: u32,
    pub threads: u32,
    /// How long it runs, unless it is stopped before.
    pub limit: Duration,
    /// Lua; empty: `GET` of the path.
    pub script: &'a str,
    pub path: &'a str,
}

/// wrk's report, with its table of latencies.
pub fn wrk(address: SocketAddr, load: &Load<'_>) -> String {
    wrk_until(address, load, || false)
}

/// The same, ended as soon as `enough` says so (wrk itself knows only time).
pub fn wrk_until(address: SocketAddr, load: &Load<'_>, enough: impl Fn() -> bool) -> String {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let script = folder.path().join("load.lua");
    std::fs::write(&script, load.script).expect("the script can be written");
    let mut command = Command::new("wrk");
    command.arg(format!("-c{}", load.connections));
    command.arg(format!("-t{}", load.threads));
    command.arg(format!("-d{}s", load.limit.as_secs().max(1)));
    command
        .args(["--latency", "--timeout", "10s", "-s"])
        .arg(&script);
    command.arg(format!("http://{address}{}", load.path));
    let mut process = Process::start("wrk", folder.path(), &command);
    let end = Instant::now() + load.limit + Duration::from_secs(30);
    while process.ended().is_none() {
        assert!(Instant::now() < end, "wrk does not end");
        if enough() {
            process.interrupt();
        }
        thread::sleep(Duration::from_millis(100));
    }
    let (out, err) = (process.out(), process.err());
    let fine = out.contains("requests in");
    assert!(fine, "wrk (package wrk) says:\n{out}\n{err}");
    out
}
