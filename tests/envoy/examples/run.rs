//! `make run EXAMPLE=NAME`: an example instead of envoy.yaml, and the lines to try with it.

use super::lines_to_try;
use crate::harness::{eventually, free_port, root, target, Process};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

fn run(example: &str) -> Command {
    let mut script = Command::new(root().join("scripts/run.sh"));
    script
        .env("CARGO_TARGET_DIR", target())
        .env("EXAMPLE", example);
    script
}

#[test]
fn an_example_is_run_and_says_what_to_try() {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let mut script = run("ip-and-key");
    let gateway = free_port();
    script.env("TOLLGATE_PORT", gateway.to_string());
    for name in ["ADMIN_PORT", "API_PORT"] {
        script.env(name, free_port().to_string());
    }
    let mut script = Process::script("run", folder.path(), &script);
    let up = eventually(Duration::from_secs(180), || {
        script.ended().is_none().then_some(())?;
        let said = script.out();
        said.contains("access log follows").then_some(said)
    });
    let said = up.unwrap_or_else(|| panic!("{}{}", script.out(), script.err()));
    let line = &lines_to_try("envoy/examples/ip-and-key.yaml")[0];
    let line = line.replace(":10000", &format!(":{gateway}"));
    assert!(said.lines().any(|said| said.trim() == line), "{said}");

    let output = Command::new("bash")
        .args(["-c", &line])
        .output()
        .expect("bash runs");
    let answer = String::from_utf8_lossy(&output.stdout);
    assert!(
        answer.contains(r#"ratelimit-policy: "per-key";q=15;w=30, "key-at-ip""#),
        "{answer}"
    );
    script.stop();
}

#[test]
fn an_example_that_is_none_is_named_with_those_that_are() {
    for none in ["plan", "../envoy", "usage-plan tiers-jwt"] {
        let output = run(none).output().expect("bash runs");
        let said = String::from_utf8_lossy(&output.stderr);
        let expected =
            format!("run: no example '{none}', but: anthropic-tokens gpu-guard grpc-inference ");
        assert!(
            !output.status.success() && said.starts_with(&expected),
            "{said}"
        );
    }
}
