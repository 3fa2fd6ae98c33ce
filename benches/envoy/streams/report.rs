//! The table of streams.
//!
//! Both figures are medians over rounds, and what a variant adds is taken within each
//! round: what the machine does, it does to all of a round.

use super::{model, Round, CHUNKS, LANES, TIMED};
use crate::statistics::{interval, median, quantile, Quartiles};
use crate::variant::{Variant, NONE, READER, READER_AGAIN};

pub fn print(variants: &[Variant], rounds: &[Round]) {
    println!();
    println!(
        "Streams of {CHUNKS} chunks of {} bytes, {LANES} at once, {} rounds: Envoy CPU per chunk in µs, time to the first byte in µs",
        model::token().len(),
        rounds.len()
    );
    println!();
    println!("| | chunk, median | lower quartile | IQR | added | over the reader | 90 % | undisturbed | over the reader | first byte, p50 | added |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let all: Vec<&Round> = rounds.iter().collect();
    for (index, variant) in variants.iter().enumerate() {
        let cost = Quartiles::of(rounds.iter().map(|round| round[index].chunk));
        let row = [cost.median, cost.lower, cost.spread()].map(|figure| format!("{figure:.2}"));
        print!("| {} | {} |", variant.name, row.join(" | "));
        let least = undisturbed(rounds, index);
        if index == NONE {
            print!(" | | | {least:.2} | |");
        } else {
            let added = median(
                rounds
                    .iter()
                    .map(|round| round[index].chunk - round[NONE].chunk),
            );
            let (low, high) = interval(rounds, |rounds| over_reader(rounds, index));
            let over = over_reader(&all, index);
            print!(" {added:.2} | {over:+.2} | {low:+.2} to {high:+.2} |");
            let readers = (undisturbed(rounds, READER) + undisturbed(rounds, READER_AGAIN)) / 2.0;
            print!(" {least:.2} | {:+.2} |", least - readers);
        }
        let first = median(rounds.iter().map(|round| first_byte(round, index)));
        print!(" {first:.0} |");
        match index {
            NONE => println!(" |"),
            _ => {
                let pairs = rounds
                    .iter()
                    .map(|round| (first_byte(round, index), first_byte(round, NONE)));
                println!(" {:+.1} |", median(pairs.map(|(time, none)| time - none)));
            }
        }
    }
    println!();
    println!("Over the reader: over the mean of the two modules that read bodies, which are one");
    println!("module: how far they are apart is how far to trust the rest. Promised of Tollgate:");
    println!(
        "at most 4 µs. Undisturbed: the cost below which one round in twenty lies, and how far"
    );
    println!("that is over the readers'. The first byte is that of {TIMED} streams a round, one at a time.");
}

/// What a variant's chunk costs more than one that is read and dropped.
fn over_reader(rounds: &[&Round], index: usize) -> f64 {
    median(rounds.iter().map(|round| {
        let readers = (round[READER].chunk + round[READER_AGAIN].chunk) / 2.0;
        round[index].chunk - readers
    }))
}

/// What the least disturbed rounds say.
fn undisturbed(rounds: &[Round], index: usize) -> f64 {
    quantile(rounds.iter().map(|round| round[index].chunk), 0.05)
}

fn first_byte(round: &Round, index: usize) -> f64 {
    median(round[index].first_bytes.iter().copied())
}
