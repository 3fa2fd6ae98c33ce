//! The table.

use super::rounds::Round;
use super::statistics::Quartiles;
use super::variant::{Variant, NONE, NOOP, NOOP_AGAIN};

pub fn print(variants: &[Variant], rounds: &[Round]) {
    println!();
    println!("Envoy CPU per request in µs, {} rounds", rounds.len());
    println!();
    println!("| | median | lower quartile | IQR | added | × no-op | IQR | × no-op, of medians |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    let added = |index: usize| rounds.iter().map(move |round| round[index] - round[NONE]);
    let noop = Quartiles::of(added(NOOP)).median;
    for (index, variant) in variants.iter().enumerate() {
        let cost = Quartiles::of(rounds.iter().map(|round| round[index]));
        let row = [cost.median, cost.lower, cost.spread()].map(|figure| format!("{figure:.2}"));
        print!("| {} | {} |", variant.name, row.join(" | "));
        if index == NONE {
            println!(" | | | |");
            continue;
        }
        let own = Quartiles::of(added(index)).median;
        let ratio = ratio(rounds, index);
        let (median, spread) = (ratio.median, ratio.spread());
        println!(
            " {own:.2} | {median:.2} | {spread:.2} | {:.2} |",
            own / noop
        );
    }
    println!();
    println!("added: over no filter, the median over rounds. × no-op: that of a round over the");
    println!("no-op module's of the same round, the median over rounds.");
    let check = ratio(rounds, NOOP_AGAIN);
    println!(
        "Method check: the no-op module against itself is {:.2} (ought to be 1.0; half of the rounds {:.2} to {:.2}).",
        check.median, check.lower, check.upper
    );
}

/// What a variant adds, as a multiple of what the no-op module adds, by round.
fn ratio(rounds: &[Round], index: usize) -> Quartiles {
    let ratios = rounds.iter().map(|round| {
        let noop = round[NOOP] - round[NONE];
        (round[index] - round[NONE]) / noop
    });
    Quartiles::of(ratios)
}
