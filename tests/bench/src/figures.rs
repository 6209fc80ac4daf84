//! What was measured: a figure with its unit, and the target it is held against.

use crate::{spread::Spread, ways::Ways};
use serde::{Serialize, Serializer, ser::Error};
use std::{fmt, time::Duration};

/// A number in thousandths of its unit: nothing here is computed in floating point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Milli(pub u64);

impl Milli {
    pub(crate) fn whole(number: u64) -> Self {
        Self(number.saturating_mul(1_000))
    }

    /// How many of `number` fall to each of `parts`; none if there are no parts.
    pub(crate) fn ratio(number: u64, parts: u64) -> Self {
        let thousandths = u128::from(number) * 1_000 / u128::from(parts.max(1));
        Self(u64::try_from(thousandths).unwrap_or(u64::MAX))
    }

    /// How many a second.
    pub(crate) fn rate(number: u64, lasted: Duration) -> Self {
        let thousandths = u128::from(number) * 1_000_000_000 / u128::from(micros(lasted).max(1));
        Self(u64::try_from(thousandths).unwrap_or(u64::MAX))
    }
}

pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// `12.345`; what is large needs no thousandths.
impl fmt::Display for Milli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(thousandths) = *self;
        let (whole, rest) = (thousandths / 1_000, thousandths % 1_000);
        match whole {
            0..10 => write!(f, "{whole}.{rest:03}"),
            10..1_000 => write!(f, "{whole}.{}", rest / 100),
            _ => write!(f, "{whole}"),
        }
    }
}

/// As a number.
impl Serialize for Milli {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let text = format!("{}.{:03}", self.0 / 1_000, self.0 % 1_000);
        to.serialize_f64(text.parse().map_err(S::Error::custom)?)
    }
}

/// What the design asks of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    Below(Milli),
    AtLeast(Milli),
}

impl Target {
    pub(crate) fn below(number: u64) -> Self {
        Self::Below(Milli::whole(number))
    }

    pub(crate) fn at_least(number: u64) -> Self {
        Self::AtLeast(Milli::whole(number))
    }

    fn is_met(self, value: Milli) -> bool {
        match self {
            Self::Below(limit) => value < limit,
            Self::AtLeast(limit) => value >= limit,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Below(limit) => write!(f, "< {}", limit.0 / 1_000),
            Self::AtLeast(limit) => write!(f, ">= {}", limit.0 / 1_000),
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// How the customers paid meanwhile.
    pub ways: Ways,
    /// Which part of the bench it is from.
    pub part: &'static str,
    pub what: String,
    pub value: Milli,
    pub unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub met: Option<bool>,
}

/// Everything a part has measured.
#[derive(Debug)]
pub(crate) struct Figures {
    part: &'static str,
    pub all: Vec<Figure>,
}

impl Figures {
    pub(crate) fn of(part: &'static str) -> Self {
        Self { part, all: Vec::new() }
    }

    pub(crate) fn add(&mut self, what: impl Into<String>, value: Milli, unit: &'static str) {
        self.held_to(None, what, value, unit);
    }

    pub(crate) fn held_to(
        &mut self,
        target: Option<Target>,
        what: impl Into<String>,
        value: Milli,
        unit: &'static str,
    ) {
        let met = target.map(|target| target.is_met(value));
        let (ways, part, what) = (Ways::default(), self.part, what.into());
        self.all.push(Figure { ways, part, what, value, unit, target, met });
    }

    /// The middle and the 99th percentile, in milliseconds, each held to its target.
    pub(crate) fn times(&mut self, what: &str, spread: &Spread, targets: [Option<Target>; 2]) {
        let [p50, p99] = targets;
        self.held_to(p50, format!("{what} p50"), Milli(spread.micros_at(50)), "ms");
        self.held_to(p99, format!("{what} p99"), Milli(spread.micros_at(99)), "ms");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_and_a_ratio_are_exact_to_the_thousandth() {
        assert_eq!(Milli::rate(90, Duration::from_millis(1_500)), Milli(60_000));
        assert_eq!(Milli::ratio(1, 3), Milli(333));
        assert_eq!(Milli::ratio(7, 0), Milli(7_000));
    }

    #[test]
    fn a_target_is_met_or_missed_at_its_edge() {
        let mut figures = Figures::of("test");
        figures.held_to(Some(Target::below(75)), "p99", Milli(75_000), "ms");
        figures.held_to(Some(Target::at_least(60)), "rate", Milli(60_000), "/s");
        let met: Vec<_> = figures.all.iter().map(|figure| figure.met).collect();
        assert_eq!(met, [Some(false), Some(true)]);
    }

    #[test]
    fn a_figure_is_written_as_precisely_as_it_is_read() {
        let written = [1_234, 56_789, 1_234_567].map(|value| Milli(value).to_string());
        assert_eq!(written, ["1.234", "56.7", "1234"]);
        assert_eq!(serde_json::to_string(&Milli(56_789)).unwrap(), "56.789");
    }
}
