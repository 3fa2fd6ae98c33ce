//! The table.
//!
//! What a variant adds is taken within each round, as a share of what the request cost
//! there without a filter: a round in which the machine was half as fast says the same as
//! any other. The median over rounds of that share, over the same for the no-op module, is
//! the ratio. (The median of the rounds' own ratios would divide by small noisy numbers,
//! and come out too low on a busy machine.)
//!
//! On a machine that others use too, beside it stands what the least disturbed rounds say:
//! of each variant the cost below which one round in twenty lies. There the two copies of
//! the no-op module agree within a few per cent, however busy the rest was.

use super::rounds::Round;
use super::statistics::{interval, median, quantile, Quartiles};
use super::variant::{Variant, NONE, NOOP, NOOP_AGAIN};

pub fn print(variants: &[Variant], rounds: &[Round]) {
    println!();
    println!("Envoy CPU per request in µs, {} rounds", rounds.len());
    println!();
    println!("| | median | lower quartile | IQR | added | added share | × no-op | 90 % | undisturbed | × no-op |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let all: Vec<&Round> = rounds.iter().collect();
    for (index, variant) in variants.iter().enumerate() {
        let cost = Quartiles::of(rounds.iter().map(|round| round[index]));
        let row = [cost.median, cost.lower, cost.spread()].map(|figure| format!("{figure:.2}"));
        print!("| {} | {} |", variant.name, row.join(" | "));
        let least = undisturbed(&all, index);
        if index == NONE {
            println!(" | | | | {least:.2} | |");
            continue;
        }
        let added = median(rounds.iter().map(|round| round[index] - round[NONE]));
        let share = 100.0 * share(&all, index);
        let (low, high) = interval(rounds, |rounds| ratio(rounds, index));
        let ratio = ratio(&all, index);
        println!(" {added:.2} | {share:.1} % | {ratio:.2} | {low:.2} to {high:.2} | {least:.2} | {:.2} |", undisturbed_ratio(&all, index));
    }
    let check = |rounds: &[&Round]| share(rounds, NOOP_AGAIN) / share(rounds, NOOP);
    let (low, high) = interval(rounds, check);
    println!();
    println!("added: over no filter, the median over rounds; share: of the cost without a filter,");
    println!(
        "likewise. × no-op: the share over that of the no-op module, mean of its copies; nine"
    );
    println!(
        "in ten such runs would say what stands under 90 %. Undisturbed: the cost below which"
    );
    println!("one round in twenty lies, and its ratio likewise.");
    println!(
        "Method check: the no-op module's second copy costs {:.2} times the first (90 %: {low:.2} to {high:.2}); it ought to be 1.0.",
        check(&all)
    );
}

/// What a variant adds, as a share of the cost without a filter.
fn share(rounds: &[&Round], index: usize) -> f64 {
    median(rounds.iter().map(|round| round[index] / round[NONE] - 1.0))
}

/// The same as a multiple of what the no-op module adds.
fn ratio(rounds: &[&Round], index: usize) -> f64 {
    let noop = (share(rounds, NOOP) + share(rounds, NOOP_AGAIN)) / 2.0;
    share(rounds, index) / noop
}

/// What the least disturbed rounds say: few enough of them to leave out all that were
/// disturbed, and more than the one that was lucky.
fn undisturbed(rounds: &[&Round], index: usize) -> f64 {
    quantile(rounds.iter().map(|round| round[index]), 0.05)
}

fn undisturbed_ratio(rounds: &[&Round], index: usize) -> f64 {
    let added = |index| undisturbed(rounds, index) - undisturbed(rounds, NONE);
    added(index) / ((added(NOOP) + added(NOOP_AGAIN)) / 2.0)
}
