//! Fifty calls at once, and a budget that holds ten of them by estimate.

use super::*;
use crate::harness::Upstreamed;
use std::sync::Barrier;
use std::thread;

const CALLS: usize = 50;
const BODY: &str = r#"{"model":"m","max_tokens":512,"messages":[]}"#;

/// Ten of [`BODY`], and not one more.
fn limits(more: &str) -> String {
    let burst = 10 * (input(BODY) + 512) + 500;
    format!(r#""tpm": {{"rate": "2/h", "burst": {burst}, "unit": "tokens"{more}}}"#)
}

/// All calls, and those that have come to the upstream.
fn burst(envoys: &[&Envoy], upstream: &Scripted) -> (Vec<Exchange>, Vec<Upstreamed>) {
    let start = Barrier::new(CALLS);
    let calls: Vec<Exchange> = thread::scope(|scope| {
        let call = |number: usize| {
            let (start, envoy) = (&start, envoys[number % envoys.len()]);
            scope.spawn(move || {
                start.wait();
                let request = post(CHAT, "alice", BODY.as_bytes());
                Exchange::begin(envoy.address(), &request).expect("a connection")
            })
        };
        let threads: Vec<_> = (0..CALLS).map(call).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    let mut passed = Vec::new();
    let decided = eventually(PATIENCE, || {
        passed.extend(std::iter::from_fn(|| upstream.accepted()));
        let denied: u64 = envoys
            .iter()
            .map(|envoy| envoy.counter("limit.tpm.denied"))
            .sum();
        (passed.len() as u64 + denied == CALLS as u64).then_some(())
    });
    assert!(decided.is_some(), "{} of {CALLS} passed", passed.len());
    (calls, passed)
}

/// Ends those that have passed: of each as many tokens as it has a number.
fn end(calls: Vec<Exchange>, passed: Vec<Upstreamed>) -> u64 {
    let mut used = 0;
    let count = passed.len();
    for (number, mut upstream) in passed.into_iter().enumerate() {
        upstream.request();
        let output = number as u64;
        upstream.answer(
            200,
            "application/json\r\nconnection: close",
            usage(7, output).as_bytes(),
        );
        used += 7 + output;
    }
    let statuses = calls
        .into_iter()
        .map(|call| call.answer().expect("an answer").status);
    let statuses: Vec<u16> = statuses.collect();
    let of = |status| statuses.iter().filter(|seen| **seen == status).count();
    assert_eq!((of(200), of(429)), (count, CALLS - count), "{statuses:?}");
    used
}

fn is_settled(envoy: &Envoy, used: u64) {
    let budget = 10 * (input(BODY) + 512) + 500;
    let mut seen = 0;
    let settled = eventually(PATIENCE, || {
        seen = left(envoy, "alice", "tpm");
        (seen == budget - used).then_some(())
    });
    assert!(settled.is_some(), "{seen} left, not {}", budget - used);
    envoy.assert_vm_lives();
}

#[test]
fn ten_pass_and_what_is_left_is_exact() {
    for flag in BOTH {
        let play = Play::start(&limits(""), "", flag);
        let (calls, passed) = burst(&[&play.envoy], &play.upstream);
        assert_eq!(passed.len(), 10);
        let used = end(calls, passed);
        is_settled(&play.envoy, used);
    }
}

#[test]
fn ten_pass_two_envoys_that_ask_redis() {
    let cluster = Clustered::start(&limits(r#", "scope": "cluster""#), "", false);
    let other = cluster.another();
    let (calls, passed) = burst(&[&cluster.play.envoy, &other], &cluster.play.upstream);
    assert_eq!(passed.len(), 10);
    let used = end(calls, passed);
    is_settled(&cluster.play.envoy, used);
    is_settled(&other, used);
}

#[test]
fn no_more_than_ten_pass_two_envoys_that_lease() {
    let limits = limits(r#", "scope": "cluster", "consistency": "lease""#);
    let cluster = Clustered::start(&limits, "", false);
    let other = cluster.another();
    let (calls, passed) = burst(&[&cluster.play.envoy, &other], &cluster.play.upstream);
    assert!((1..=10).contains(&passed.len()), "{}", passed.len());
    let used = end(calls, passed);
    // Once what was lent and not spent has come back.
    is_settled(&cluster.play.envoy, used);
    is_settled(&other, used);
}
