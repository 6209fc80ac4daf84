//! The vendors' clock: real time on the wire, every duration shortened by a factor.

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// Time passes `factor` times faster for the vendors. A change affects durations begun later.
#[derive(Clone, Debug)]
pub(crate) struct Clock(Arc<AtomicU32>);

impl Default for Clock {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Clock {
    pub(crate) fn new(factor: u32) -> Self {
        Self(Arc::new(AtomicU32::new(factor.max(1))))
    }

    pub(crate) fn set(&self, factor: u32) {
        self.0.store(factor.max(1), Ordering::Relaxed);
    }

    pub(crate) fn factor(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// A vendor's duration in real milliseconds.
    pub(crate) fn shortened(&self, duration_ms: i64) -> i64 {
        duration_ms / i64::from(self.factor())
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    Utc::now().timestamp_millis()
}

fn utc(at_ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at_ms).unwrap_or_default()
}

/// `2026-11-21T08:45:03.065Z`
pub(crate) fn rfc3339(at_ms: i64) -> String {
    utc(at_ms).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// `2026-11-21T08:45:03.0650000Z`, the cinema system's seven digits.
pub(crate) fn seven_digits(at_ms: i64) -> String {
    utc(at_ms).format("%Y-%m-%dT%H:%M:%S%.3f0000Z").to_string()
}

/// `2026-11-21T11:45:03`: the wall clock in the cinema, without an offset.
pub(crate) fn riyadh(at_ms: i64) -> String {
    let offset = FixedOffset::east_opt(3 * 3600);
    let format = "%Y-%m-%dT%H:%M:%S";
    match offset {
        Some(offset) => utc(at_ms).with_timezone(&offset).format(format).to_string(),
        None => utc(at_ms).format(format).to_string(),
    }
}

/// `2026-11-21 08:45:03.065+0000`, the card gateway's form.
pub(crate) fn spaced(at_ms: i64) -> String {
    utc(at_ms).format("%Y-%m-%d %H:%M:%S%.3f+0000").to_string()
}

/// `Sat, 21 Nov 2026 08:45:03 GMT`, as HTTP headers have it.
pub(crate) fn http_date(at_ms: i64) -> String {
    utc(at_ms).format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_divides_every_duration_and_is_never_zero() {
        let clock = Clock::new(0);
        assert_eq!(clock.shortened(10 * MINUTE), 600_000);
        clock.set(60);
        assert_eq!(clock.shortened(10 * MINUTE), 10_000);
    }

    #[test]
    fn each_vendor_writes_the_same_instant_in_its_own_way() {
        let at = 1_795_250_703_065;
        assert_eq!(rfc3339(at), "2026-11-21T08:45:03.065Z");
        assert_eq!(seven_digits(at), "2026-11-21T08:45:03.0650000Z");
        assert_eq!(riyadh(at), "2026-11-21T11:45:03");
        assert_eq!(spaced(at), "2026-11-21 08:45:03.065+0000");
        assert_eq!(http_date(at), "Sat, 21 Nov 2026 08:45:03 GMT");
    }
}
