//! What the bundle does while one of its containers is gone, and after.

use crate::bundle::{api, published, Bundle, GATEWAYS};
use crate::harness::eventually;
use rustix::process::{kill_process, Pid, Signal};
use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

/// Requests for a second, as a client of this name: their statuses.
fn asked_meanwhile(name: &str) -> Vec<u16> {
    let end = Instant::now() + Duration::from_millis(1000);
    let mut statuses = Vec::new();
    while Instant::now() < end {
        statuses.push(api().try_chat(name).map_or(0, |answer| answer.status));
        std::thread::sleep(Duration::from_millis(60));
    }
    statuses
}

fn assert_served(name: &str, statuses: &[u16]) {
    let refused: Vec<_> = statuses
        .iter()
        .filter(|status| ![200, 429].contains(status))
        .collect();
    // A request whose connection breaks under it may have been counted, so the front does
    // not send it again: one at most, since one is under way at a time.
    let lost = usize::from(GATEWAYS.contains(&name));
    assert!(refused.len() <= lost, "{name}: {statuses:?}");
    assert!(statuses.contains(&200), "{name}: {statuses:?}");
}

pub(crate) fn assert_both_serve(bundle: &Bundle<'_>) {
    bundle.soon("the front uses both gateways", || {
        let line = r#"envoy_cluster_membership_healthy{envoy_cluster_name="gateway"}"#;
        bundle.counters(&["tollgate-front-1"]).sum(line) == 2
    });
}

/// Both gateways serve, and both count in Redis.
fn assert_heals(bundle: &Bundle<'_>, name: &str) {
    assert_both_serve(bundle);
    let attempt = Cell::new(0);
    bundle.soon("what passes was counted in Redis", || {
        attempt.set(attempt.get() + 1);
        let counters = || {
            let counters = bundle.counters(&GATEWAYS);
            let of = |what| counters.sum(&format!("tollgate_redis_{what}{{"));
            (of("calls"), of("fallbacks"))
        };
        let (calls, fallbacks) = counters();
        let client = format!("{name}-healed-{}", attempt.get());
        let passed = (0..4).filter(|_| {
            let answer = api().try_chat(&client);
            answer.is_some_and(|answer| answer.status == 200)
        });
        let passed = passed.count();
        counters() == (calls + 4, fallbacks) && passed == 4
    });
}

/// A crash of each: Docker starts it anew, and meanwhile the others do what they can.
pub(crate) fn each_may_crash(bundle: &Bundle<'_>) {
    for container in bundle.containers() {
        let before = bundle.pid(&container);
        let process = Pid::from_raw(before).expect("a process");
        kill_process(process, Signal::KILL).expect("it was there");
        // Its connections break with it, which takes the kernel a moment.
        let gone = || (!Path::new(&format!("/proc/{before}")).exists()).then_some(());
        eventually(Duration::from_secs(10), gone).expect("it ends");
        let statuses = asked_meanwhile(&container);
        let alone = ["tollgate-front-1", "tollgate-api-1"];
        if !alone.contains(&container.as_str()) {
            assert_served(&container, &statuses);
        }
        bundle.assert_back(&container, before);
        assert_heals(bundle, &container);
        for (port, path) in [(9090, "/-/ready"), (3000, "/api/health")] {
            bundle.soon(&format!("{port} answers after {container}"), || {
                let answer = published(port).try_get(path);
                answer.is_some_and(|answer| answer.status == 200)
            });
        }
    }
}

/// Gone until somebody starts it again: what the policy `local` says is in force, half of
/// the burst by each gateway.
pub(crate) fn redis_may_be_gone(bundle: &Bundle<'_>) {
    for container in ["tollgate-redis-1", "tollgate-bridge-1"] {
        let statuses = without(bundle, container);
        let passed = statuses.iter().filter(|status| **status == 200).count();
        assert!((1..=10).contains(&passed), "{container}: {statuses:?}");
    }
}

pub(crate) fn a_gateway_may_be_gone(bundle: &Bundle<'_>) {
    without(bundle, GATEWAYS[0]);
}

fn without(bundle: &Bundle<'_>, container: &str) -> Vec<u16> {
    bundle.engine.docker(&["kill", container]);
    let statuses = asked_meanwhile(&format!("without-{container}"));
    assert_served(container, &statuses);
    bundle.engine.docker(&["start", container]);
    bundle.assert_back(container, 0);
    assert_heals(bundle, container);
    statuses
}
