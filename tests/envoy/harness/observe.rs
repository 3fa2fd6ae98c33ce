//! What a running Envoy shows: its logs, its counters, its memory and its time.

use super::envoy::{Envoy, PATIENCE};
use super::http::Client;
use super::process::eventually;
use std::collections::BTreeMap;
use std::fs;
use std::thread::sleep;
use std::time::Duration;

/// What Envoy puts before the names of Tollgate's counters, and they themselves.
const TOLLGATE: &str = "wasmcustom.tollgate.";

impl Envoy {
    /// Envoy's own log: errors, and whatever filters say.
    pub fn log(&self) -> String {
        self.process.err()
    }

    /// The access log, once it has `lines` lines.
    pub fn access_log(&self, lines: usize) -> String {
        let log = eventually(PATIENCE, || {
            let log = self.process.out();
            (log.lines().count() >= lines).then_some(log)
        });
        log.unwrap_or_else(|| panic!("fewer than {lines} lines in:\n{}", self.process.out()))
    }

    /// A page of the admin port.
    pub fn admin(&self, path: &str) -> String {
        Client::new(self.admin).get(path, &[]).text()
    }

    /// Every counter and gauge.
    pub fn stats(&self) -> BTreeMap<String, u64> {
        let page = self.admin("/stats");
        let numbers = page.lines().filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_owned(), value.parse().ok()?))
        });
        numbers.collect()
    }

    /// One counter or gauge; those that a filter has not touched yet are 0.
    pub fn stat(&self, name: &str) -> u64 {
        self.stats().get(name).copied().unwrap_or_default()
    }

    /// One of Tollgate's counters, once its workers have told what they have counted.
    pub fn counter(&self, name: &str) -> u64 {
        let name = format!("{TOLLGATE}{name}");
        self.told().get(&name).copied().unwrap_or_default()
    }

    /// All of Tollgate's counters, once they rest: its workers tell them on a tick of 100 ms,
    /// which may be late on a busy machine.
    pub fn told(&self) -> BTreeMap<String, u64> {
        const REST: Duration = Duration::from_millis(400);
        let shown = || {
            let mut stats = self.stats();
            stats.retain(|name, _| name.starts_with(TOLLGATE));
            stats
        };
        let mut before = shown();
        let told = eventually(PATIENCE, || {
            sleep(REST);
            let now = shown();
            let rests = now == before;
            before = now;
            rests.then(|| before.clone())
        });
        told.expect("counters that rest")
    }

    /// Waits for a counter that Envoy may raise after the answer.
    pub fn until(&self, name: &str, expected: u64) {
        let reached = eventually(PATIENCE, || (self.stat(name) >= expected).then_some(()));
        assert!(
            reached.is_some(),
            "{name} is {} < {expected}\n{}",
            self.stat(name),
            self.log()
        );
    }

    /// No module has crashed, been started anew, or failed to.
    pub fn assert_vm_lives(&self) {
        let stats = self.stats();
        let bad = |name: &str| {
            name.starts_with("wasm.") && (name.contains("reload") || name.contains("fail"))
        };
        let crashes: Vec<_> = stats
            .iter()
            .filter(|(name, value)| bad(name) && **value > 0)
            .collect();
        assert!(crashes.is_empty(), "{crashes:?}\n{}", self.log());
        assert!(
            stats.contains_key("wasm.tollgate.vm_reload"),
            "a stat that this relies on is gone"
        );
        assert!(!self.log().contains("panicked"), "{}", self.log());
    }

    /// Resident memory, in bytes.
    pub fn memory(&self) -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("a live Envoy");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .expect("VmRSS");
        let kib: u64 = line
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("a number");
        kib * 1024
    }

    /// CPU time of the whole process since it started, user and system.
    pub fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).expect("a live Envoy");
        let (_, fields) = stat.rsplit_once(')').expect("a process name in brackets");
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|n| n.parse::<u64>().expect("ticks"))
            .sum();
        Duration::from_millis(ticks * 10) // USER_HZ is 100 on every Linux that Envoy runs on
    }
}
