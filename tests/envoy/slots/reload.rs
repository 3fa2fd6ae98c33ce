//! A new configuration over LDS: requests that are under way belong to the one of before,
//! whose slots they keep, and give back, under the new one.

use super::{config, Gate, PATIENCE};
use crate::harness::{eventually, Client, EnvoyOptions};

/// Longer than any test.
const NO_DRAIN: u32 = 3600;

fn gate(drain: u32) -> Gate {
    let options = EnvoyOptions {
        lds: true,
        drain,
        ..EnvoyOptions::default()
    };
    Gate::start(&config(4), options)
}

impl Gate {
    /// Envoy has taken this number of slots, and every worker has it.
    fn update(&mut self, slots: u32) {
        let taken = self.envoy.update(&config(slots));
        assert!(taken, "{}", self.envoy.log());
        let policy = format!(r#""at-once";q={slots};qu="concurrent-requests""#);
        let mut others = 0;
        let applied = eventually(PATIENCE, || {
            let all = (0..8).all(|_| {
                others += 1;
                let key = format!("other-{slots}-{others}");
                // A connection of its own: those of before may belong to the listener of before.
                let client = Client::new(self.envoy.address());
                let answer = client.get("/now/answer", &[("x-api-key", &key)]);
                answer.header("ratelimit-policy") == Some(&policy)
            });
            all.then_some(())
        });
        assert!(applied.is_some(), "{policy} never shows");
    }
}

#[test]
fn a_new_number_of_slots_applies_at_once_and_keeps_those_that_are_held() {
    let mut gate = gate(NO_DRAIN);
    let mut held: Vec<_> = (0..3)
        .map(|_| gate.hold("/never/stream", "alice"))
        .collect();
    let last = gate.hold("/later/answer", "alice");
    assert_eq!(gate.ask("alice"), 429);

    // Fewer than are held: none is free until enough of those have come back.
    gate.update(2);
    for waiting in [3, 2] {
        assert_eq!(gate.ask("alice"), 429);
        drop(held.pop());
        gate.until_waiting(waiting);
    }
    assert_eq!(gate.ask("alice"), 429);
    gate.upstream.go_on();
    let answer = last.answer().expect("HTTP");
    assert_eq!(answer.status, 200, "a request of before ends as ever");
    gate.until_free("alice", 1);

    gate.update(8);
    gate.until_free("alice", 7);
    drop(held);
    gate.until_free("alice", 8);
    let draining = "listener_manager.total_filter_chains_draining";
    assert_eq!(
        gate.envoy.stat(draining),
        2,
        "both of before are still there"
    );
    gate.envoy.assert_vm_lives();
}

/// Envoy ends what is still under way when it has waited for long enough.
#[test]
fn requests_that_are_drained_give_their_slots_back() {
    let mut gate = gate(1);
    let held: Vec<_> = (0..4)
        .map(|_| gate.hold("/never/stream", "alice"))
        .collect();
    gate.update(5);
    gate.until_free("alice", 5);
    drop(held);
    gate.until_free("alice", 5);
    gate.envoy.assert_vm_lives();
}
