//! Instructions per request, as valgrind counts them.
//!
//! They are no time: which of them wait for memory is not seen, nor the kernel's share.
//! But nobody else on the machine can change them, so two builds that differ by one in a
//! hundred do so every time.

use super::bootstrap::{bootstrap, Upstream};
use super::gateway::Gateway;
use super::harness::http::Client;
use super::variant::{Variant, NONE, NOOP};
use std::process::Command;
use std::slice;
use tempfile::TempDir;

/// Until every client is known, and every path was taken.
const WARM_UP: u32 = 300;

const REQUESTS: u32 = 500;

/// Prints what each variant takes.
pub fn run(variants: &[Variant], clients: u32) {
    let counted = variants.iter().map(|variant| per_request(variant, clients));
    print(variants, &counted.collect::<Vec<_>>());
}

/// Each has an Envoy of its own: valgrind has no room for the memory that V8 reserves for
/// several modules.
fn per_request(variant: &Variant, clients: u32) -> u64 {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let bootstrap = bootstrap(slice::from_ref(variant), Upstream::None);
    let gateway = Gateway::counted(folder.path(), &bootstrap);
    let client = Client::new(gateway.addresses(1)[0]);
    let answers = |times: u32| {
        (0..times).fold(true, |as_expected, request| {
            let key = format!("key-{:016}", request % clients + 1);
            let headers = [
                ("x-api-key", key.as_str()),
                ("user-agent", "OpenAI/Python 1.109.1"),
                ("accept", "application/json"),
                ("accept-encoding", "gzip, deflate"),
                ("content-type", "application/json"),
            ];
            let status = client.get("/v1/chat/completions", &headers).status;
            as_expected && format!("{}xx", status / 100) == variant.answers
        })
    };
    // Before a limit denies, it has to be used up.
    answers(WARM_UP);
    let before = executed(gateway.pid());
    let (name, class) = (&variant.name, variant.answers);
    assert!(
        answers(REQUESTS),
        "{name} has not always answered {class}: {}",
        gateway.log()
    );
    (executed(gateway.pid()) - before) / u64::from(REQUESTS)
}

/// Instructions that all threads but the main one have executed so far.
fn executed(pid: u32) -> u64 {
    let said = Command::new("callgrind_control")
        .args(["-e", &pid.to_string()])
        .output()
        .expect("callgrind_control runs (package valgrind)");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let threads = said.lines().filter_map(|line| {
        let (thread, count) = line.trim().strip_prefix("Th ")?.split_once(' ')?;
        let count = count.trim().replace(',', "");
        (thread != "1").then(|| count.parse::<u64>().expect("a count"))
    });
    let total = threads.sum();
    assert!(total > 0, "callgrind_control says {said:?}");
    total
}

fn print(variants: &[Variant], counted: &[u64]) {
    println!();
    println!("Instructions per request, of {REQUESTS}");
    println!();
    println!("| | instructions | added | × no-op |");
    println!("|---|--:|--:|--:|");
    let added = |index: usize| counted[index] as i64 - counted[NONE] as i64;
    for (index, variant) in variants.iter().enumerate() {
        let row = format!("| {} | {}", variant.name, counted[index]);
        if index == NONE {
            println!("{row} | | |");
            continue;
        }
        let ratio = added(index) as f64 / added(NOOP) as f64;
        println!("{row} | {} | {ratio:.2} |", added(index));
    }
}
