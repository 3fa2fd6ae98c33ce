//! Load from wrk, which is in Debian and takes its requests from a Lua script.

use super::process::Process;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// What wrk sends, for how long at most, over how many connections and threads.
pub struct Load<'a> {
    pub connections: u32,
    pub threads: u32,
    /// A bound; a script may stop its threads before.
    pub limit: Duration,
    /// Lua; empty: `GET /`.
    pub script: &'a str,
    pub path: &'a str,
}

/// wrk's report. It is told to ask once for its latency table too.
pub fn wrk(address: SocketAddr, load: &Load<'_>) -> String {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let script = folder.path().join("load.lua");
    std::fs::write(&script, load.script).expect("the script can be written");
    let mut command = Command::new("wrk");
    command
        .arg(format!("-c{}", load.connections))
        .arg(format!("-t{}", load.threads));
    command
        .arg(format!("-d{}s", load.limit.as_secs().max(1)))
        .arg("--latency");
    command.args(["--timeout", "10s", "-s"]).arg(&script);
    command.arg(format!("http://{address}{}", load.path));
    let mut process = Process::start("wrk", folder.path(), &command);
    let patience = load.limit + Duration::from_secs(30);
    let ended = super::process::eventually(patience, || process.ended());
    assert!(ended.is_some(), "wrk does not end");
    let (out, err) = (process.out(), process.err());
    assert!(
        out.contains("requests in"),
        "wrk (package wrk) says:\n{out}\n{err}"
    );
    out
}
