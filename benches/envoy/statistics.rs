//! Robust figures: a busy machine makes outliers, so there are no means here.

/// The three quartiles of a sample.
pub struct Quartiles {
    pub lower: f64,
    pub median: f64,
    pub upper: f64,
}

impl Quartiles {
    /// Those of at least one number.
    pub fn of(sample: impl IntoIterator<Item = f64>) -> Self {
        let sorted = sorted(sample);
        Self {
            lower: at(&sorted, 0.25),
            median: at(&sorted, 0.5),
            upper: at(&sorted, 0.75),
        }
    }

    /// Between the quartiles lies half of the sample.
    pub fn spread(&self) -> f64 {
        self.upper - self.lower
    }
}

pub fn median(sample: impl IntoIterator<Item = f64>) -> f64 {
    quantile(sample, 0.5)
}

/// The value below which this part of at least one number lies.
pub fn quantile(sample: impl IntoIterator<Item = f64>, part: f64) -> f64 {
    at(&sorted(sample), part)
}

/// Where nine in ten of a statistic's values lie if the sample is drawn again out of
/// itself (the bootstrap of Efron, 1979): how far the sample is to be trusted.
pub fn interval<T>(sample: &[T], statistic: impl Fn(&[&T]) -> f64) -> (f64, f64) {
    // Any sequence without a pattern will do; the same one every time shows no noise of
    // its own. Marsaglia's xorshift.
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        &sample[(state % sample.len() as u64) as usize]
    };
    let redrawn = (0..500).map(|_| {
        let sample: Vec<&T> = sample.iter().map(|_| draw()).collect();
        statistic(&sample)
    });
    let sorted = sorted(redrawn);
    (at(&sorted, 0.05), at(&sorted, 0.95))
}

fn sorted(sample: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = sample.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The value below which this part of a sorted sample lies.
fn at(sorted: &[f64], part: f64) -> f64 {
    let place = part * (sorted.len() - 1) as f64;
    let (low, high) = (
        sorted[place.floor() as usize],
        sorted[place.ceil() as usize],
    );
    low + (high - low) * place.fract()
}
