//! How a time is spread: a histogram of microseconds, exact to three digits.

use crate::figures::micros;
use hdrhistogram::Histogram;
use std::time::Duration;

/// The longest time that is told apart from longer ones.
const LONGEST: Duration = Duration::from_mins(10);

pub(crate) struct Spread(Histogram<u64>);

impl Spread {
    pub(crate) fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut spread = Histogram::new_with_bounds(1, micros(LONGEST), 3).unwrap();
        for time in times {
            spread.saturating_record(micros(time));
        }
        Self(spread)
    }

    /// So many of a hundred were not slower than this. 0 if nothing was measured.
    pub(crate) fn micros_at(&self, percent: u8) -> u64 {
        self.0.value_at_percentile(f64::from(percent))
    }

    pub(crate) fn slowest(&self) -> u64 {
        self.0.max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_of_a_hundred_is_beyond_the_99th() {
        let mut times = vec![Duration::from_millis(10); 99];
        times.push(Duration::from_secs(3));
        let spread = Spread::of(times);
        let near = |micros: u64, ms: u64| micros.abs_diff(ms * 1_000) <= ms;
        assert!(near(spread.micros_at(50), 10) && near(spread.micros_at(99), 10));
        assert!(near(spread.slowest(), 3_000));
    }
}
