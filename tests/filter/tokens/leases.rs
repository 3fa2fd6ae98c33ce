//! Tokens on lease: set aside, not spent, for as long as a request takes.

use std::time::Duration;

use super::cluster::{answer_thirty, chat, cluster, A_MINUTE};
use super::{asking, usage};
use crate::host::{Gateway, Redis, Request};

fn leased() -> Gateway {
    cluster(
        r#""limits": {"tpm": {"rate": "1/m", "burst": 60000, "unit": "tokens", "scope": "cluster",
                              "consistency": "lease"}}"#,
        r#""on_failure": "deny""#,
    )
}

#[test]
fn tokens_on_lease_are_reserved_and_settled_without_a_call() {
    let (gateway, mut redis) = (leased(), Redis::default());
    let body = asking(100);
    let mut used = 0;
    // A busy client, so that there is a lease.
    for _ in 0..40 {
        let call = chat(&gateway, &mut redis, &body);
        assert!(!call.is_refused());
        answer_thirty(call);
        used += 30;
        gateway.run(&mut redis, Duration::from_millis(30));
    }
    let calls = redis.calls;
    let held: Vec<_> = (0..5).map(|_| chat(&gateway, &mut redis, &body)).collect();
    assert_eq!(redis.calls, calls, "five more cost no call");
    for call in held {
        answer_thirty(call);
        used += 30;
    }
    // Idle: all that is lent and not used goes back.
    gateway.run(&mut redis, Duration::from_secs(6));
    assert!(gateway.rests(), "nothing is left to do");
    assert_eq!(redis.left("tpm", 60_000, A_MINUTE), 60_000 - used);
    assert_eq!(gateway.counter("tollgate.redis.errors"), 0);
}

#[test]
fn a_lease_keeps_what_a_long_stream_has_reserved() {
    let (gateway, mut redis) = (leased(), Redis::default());
    let body = asking(100);
    for _ in 0..40 {
        answer_thirty(chat(&gateway, &mut redis, &body));
        gateway.run(&mut redis, Duration::from_millis(30));
    }
    let calls = redis.calls;
    let long = chat(&gateway, &mut redis, &body);
    assert_eq!(redis.calls, calls, "from the lease");
    // Longer than any lease lasts, and nobody else asks for anything.
    gateway.run(&mut redis, Duration::from_secs(30));
    answer_thirty(long);
    gateway.run(&mut redis, Duration::from_secs(6));
    assert!(gateway.rests(), "nothing is left to do");
    assert_eq!(redis.left("tpm", 60_000, A_MINUTE), 60_000 - 41 * 30);
}

#[test]
fn an_overrun_of_a_lease_is_told_to_redis() {
    let (gateway, mut redis) = (leased(), Redis::default());
    let body = asking(100);
    for _ in 0..40 {
        answer_thirty(chat(&gateway, &mut redis, &body));
        gateway.run(&mut redis, Duration::from_millis(30));
    }
    let mut call = chat(&gateway, &mut redis, &body);
    call.respond(200, &[("content-type", "application/json")]);
    call.receive(usage(20_000, 10_000), true);
    call.end();
    gateway.run(&mut redis, Duration::from_secs(6));
    assert_eq!(
        redis.left("tpm", 60_000, A_MINUTE),
        60_000 - 40 * 30 - 30_000
    );
}

/// Charged at its headers in Redis and at its body from a lease that has come meanwhile.
#[test]
fn what_two_stores_were_charged_for_is_used_once() {
    let (gateway, mut redis) = (leased(), Redis::default());
    let body = asking(1_000);
    let mut call = gateway.exchange(&Request::chat("alice").sized(&body));
    call.answer_by(&mut redis);
    gateway.run(&mut redis, Duration::from_millis(30));
    let calls = redis.calls;
    call.send(&body, true);
    assert!(call.asks().is_none() && !call.is_refused());
    assert_eq!(call.upstream_has(), (body.into(), true));
    assert_eq!(redis.calls, calls, "from the lease");
    answer_thirty(call);
    gateway.run(&mut redis, Duration::from_secs(6));
    assert_eq!(redis.left("tpm", 60_000, A_MINUTE), 60_000 - 30);
}
