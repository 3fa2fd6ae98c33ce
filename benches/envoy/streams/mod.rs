//! What a streamed response costs Envoy's CPU by the chunk, and how long its first byte
//! takes.
//!
//! The yardstick is a module that reads bodies and drops them: what Envoy spends on handing
//! a chunk over is not the filter's to save. As with requests there are two copies of it, a
//! listener for each variant in one Envoy, and rounds in which each has its turn.

mod lane;
mod model;
mod report;

use super::bootstrap::{bootstrap, Upstream};
use super::gateway::Gateway;
use super::rounds::order;
use super::variant::Variant;
use lane::Lane;
use std::net::TcpListener;
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

pub use report::print;

/// What one variant took in one round.
pub struct Slice {
    /// Envoy's CPU time per chunk, µs.
    chunk: f64,
    /// Time to the first byte of each of some streams, one after the other, µs.
    first_bytes: Vec<f64>,
}

/// By variant.
pub type Round = Vec<Slice>;

/// Chunks with a token in each stream.
pub const CHUNKS: usize = 2_000;

/// Streams at once: enough that Envoy does not fall asleep after each chunk.
pub const LANES: usize = 4;

/// Streams of a round whose first byte is timed.
const TIMED: usize = 20;

/// Envoy's time to settle what has ended.
const SETTLE: Duration = Duration::from_millis(2);

pub fn run(variants: &[Variant], rounds: usize) -> Vec<Round> {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let models = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = models.local_addr().expect("an address");
    let config = bootstrap(variants, Upstream::Lanes(address, LANES));
    let gateway = Gateway::start(folder.path(), &config);
    let listeners = gateway.addresses(variants.len()).into_iter();
    let mut lanes: Vec<Vec<Lane>> = listeners
        .map(|listener| {
            (0..LANES)
                .map(|lane| Lane::open(lane, listener, &models))
                .collect()
        })
        .collect();
    let round = |number| {
        let mut round: Vec<Option<Slice>> = variants.iter().map(|_| None).collect();
        for index in order(variants.len(), number) {
            round[index] = Some(slice(&gateway, &mut lanes[index]));
        }
        round.into_iter().flatten().collect()
    };
    let rounds: Vec<Round> = (0..rounds).map(round).collect();
    // What is counted is told on a tick.
    sleep(200 * SETTLE);
    let [used, unreported] =
        gateway.counters("wasmcustom.tollgate.tokens.", ["used", "unreported"]);
    assert!(
        used > 0 && used.is_multiple_of(model::TOKENS),
        "{used} tokens are counted"
    );
    assert_eq!(unreported, 0, "streams whose usage was not read");
    assert_eq!(gateway.log(), "", "Envoy has something to say");
    rounds
}

fn slice(gateway: &Gateway, lanes: &mut [Lane]) -> Slice {
    let chunk = model::token();
    sleep(SETTLE);
    let cpu = gateway.cpu();
    for lane in &mut *lanes {
        lane.begin(&chunk);
    }
    for _ in 1..CHUNKS {
        lanes.iter().for_each(|lane| lane.say(&chunk));
        lanes.iter_mut().for_each(|lane| lane.hear(&chunk));
    }
    lanes.iter_mut().for_each(Lane::ends);
    sleep(SETTLE);
    let cpu = gateway.cpu() - cpu;
    let first_bytes = (0..TIMED).map(|_| {
        let time = lanes[0].begin(&chunk);
        lanes[0].ends();
        time.as_secs_f64() * 1e6
    });
    Slice {
        first_bytes: first_bytes.collect(),
        chunk: cpu as f64 / (CHUNKS * LANES) as f64 / 1000.0,
    }
}
