//! The files of envoy/examples, each as shipped and on a real Envoy: that it does what it says.

mod anthropic_tokens;
mod gpu_guard;
mod grpc_inference;
mod ip_and_key;
mod llm_gateway;
mod openai_tokens;
mod run;
mod shadow_rollout;
mod spill_over;
mod tiers_jwt;
mod usage_plan;

use crate::harness::{root, Answer, Envoy, EnvoyOptions};
use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

/// Envoy with one of the files, before an upstream at this port.
fn start(file: &'static str, upstream: u16) -> Envoy {
    let envoy = Envoy::start(EnvoyOptions {
        file,
        upstream,
        ..EnvoyOptions::default()
    });
    let log = envoy.log();
    assert!(!log.contains("deprecated"), "{log}");
    envoy
}

/// The lines to try in a file's head.
fn lines_to_try(file: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(file)).expect(file);
    let head = text.lines().take_while(|line| line.starts_with('#'));
    let lines = head.filter_map(|line| line.strip_prefix("#   "));
    let of_shell = |line: &&str| {
        ["curl ", "for ", "printf ", "sleep "]
            .iter()
            .any(|word| line.starts_with(word))
    };
    lines.filter(of_shell).map(str::to_owned).collect()
}

/// What these lines, one after the other, print when they ask this Envoy.
fn try_it(file: &str, envoy: &Envoy) -> String {
    let port = |address: SocketAddr| format!("127.0.0.1:{}", address.port());
    let lines = lines_to_try(file).join("\n");
    let lines = lines
        .replace("127.0.0.1:10000", &port(envoy.address()))
        .replace("127.0.0.1:9901", &port(envoy.admin_address()));
    let mut bash = Command::new("bash");
    bash.args(["-euc", &lines]).current_dir(root());
    let output = bash
        .env("no_proxy", "127.0.0.1")
        .output()
        .expect("bash runs");
    assert!(output.status.success(), "{lines}\n{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Asks until it is refused, for which it has `left` units, and one more each `interval`
/// since `start`: on a busy machine a few more pass. The refusal.
fn spend(
    left: u128,
    interval: Duration,
    start: Instant,
    mut ask: impl FnMut() -> Answer,
) -> Answer {
    let mut passed = 0;
    loop {
        let answer = ask();
        let most = left + 1 + start.elapsed().as_nanos() / interval.as_nanos();
        if answer.status == 429 {
            assert!((left..=most).contains(&passed), "{passed} of {left} passed");
            return answer;
        }
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(passed < most, "more than {left} passed");
        passed += 1;
    }
}

/// The names of the limits that refused it.
fn violated(answer: &Answer) -> Vec<String> {
    let names = answer.json()["violated-policies"].clone();
    serde_json::from_value(names).expect("names of limits")
}

/// Whoever opens the folder finds each file in its table, and what to type.
#[test]
fn the_readme_has_every_file() {
    let readme = fs::read_to_string(root().join("envoy/examples/README.md")).expect("README.md");
    let entries = fs::read_dir(root().join("envoy/examples")).expect("the examples");
    let names = entries.map(|entry| entry.expect("a file").file_name().into_string().unwrap());
    let files: Vec<String> = names.filter(|name| name.ends_with(".yaml")).collect();
    for file in &files {
        let row = format!("| [`{file}`]({file}) |");
        assert_eq!(readme.matches(&row).count(), 1, "{row}");
        let lines = lines_to_try(&format!("envoy/examples/{file}"));
        let first = lines
            .first()
            .unwrap_or_else(|| panic!("{file} has nothing to try"));
        assert!(readme.contains(first.as_str()), "{first}");
    }
    assert_eq!(readme.matches("\n| [`").count(), files.len());
}
