//! Every variant for a moment, again and again.

use super::bootstrap::{bootstrap, Upstream};
use super::gateway::Gateway;
use super::harness::process::eventually;
use super::load::Load;
use super::variant::Variant;
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

/// Envoy's CPU time per request in µs, by variant.
pub type Round = Vec<f64>;

/// Envoy's time to answer what a load that is now held had still asked.
const SETTLE: Duration = Duration::from_millis(4);

/// Requests that are too few to take a cost from.
const FEW: u64 = 100;

struct Bench<'a> {
    variants: &'a [Variant],
    gateway: Gateway,
    loads: Vec<Load>,
    slice: Duration,
}

pub fn run(variants: &[Variant], keys: u32, rounds: usize, seconds: f64) -> Vec<Round> {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let gateway = Gateway::start(folder.path(), &bootstrap(variants, Upstream::None));
    let addresses = gateway.addresses(variants.len()).into_iter();
    let mut bench = Bench {
        loads: addresses
            .map(|address| Load::start(folder.path(), address, keys))
            .collect(),
        slice: Duration::from_secs_f64(seconds / variants.len() as f64),
        gateway,
        variants,
    };
    (0..variants.len()).for_each(|index| bench.warm_up(index, keys));
    let rounds = (0..rounds).map(|number| bench.round(number)).collect();
    assert_eq!(bench.gateway.log(), "", "Envoy has something to say");
    rounds
}

/// Each of so many variants once. The order changes with the round, in which and from
/// where, so that no variant always follows the same one.
pub fn order(count: usize, round: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |step| {
        let index = (step + round / 2) % count;
        if round.is_multiple_of(2) {
            index
        } else {
            count - 1 - index
        }
    })
}

impl Bench<'_> {
    /// Until every client has asked a few times: the table knows them, and a limit that
    /// is to deny does.
    fn warm_up(&mut self, index: usize, keys: u32) {
        let class = self.variants[index].answers;
        self.loads[index].let_go();
        let warm = eventually(Duration::from_secs(60), || {
            let answers = self.gateway.answers(index, class);
            (answers.expected > 4 * u64::from(keys) + 10_000).then_some(())
        });
        self.loads[index].hold();
        sleep(SETTLE);
        assert!(self.loads[index].lives(), "wrk has ended");
        let name = &self.variants[index].name;
        assert!(warm.is_some(), "{name} does not answer {class}");
    }

    fn round(&self, number: usize) -> Round {
        let mut round = vec![0.0; self.variants.len()];
        for index in order(self.variants.len(), number) {
            round[index] = self.slice(index);
        }
        round
    }

    fn slice(&self, index: usize) -> f64 {
        let class = self.variants[index].answers;
        let before = self.gateway.answers(index, class);
        let cpu = self.gateway.cpu();
        self.loads[index].let_go();
        // On a busy machine neither side may get to run at once.
        let ran = eventually(Duration::from_secs(30), || {
            sleep(self.slice);
            let answers = self.gateway.answers(index, class);
            (answers.all > before.all + FEW).then_some(())
        });
        self.loads[index].hold();
        sleep(SETTLE);
        let cpu = self.gateway.cpu() - cpu;
        let after = self.gateway.answers(index, class);
        let (requests, all) = (after.expected - before.expected, after.all - before.all);
        let name = &self.variants[index].name;
        assert!(ran.is_some(), "{name} does not answer");
        assert_eq!(requests, all, "{name} has not always answered {class}");
        cpu as f64 / requests as f64 / 1000.0
    }
}
