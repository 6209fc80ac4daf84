//! What this process uses, as Linux tells it. Elsewhere these gauges are not there.

use metrics::gauge;
use std::{fs, time::Duration};

/// The kernel counts time for processes in hundredths of a second, on every architecture.
const TICK: Duration = Duration::from_millis(10);

/// Shows it now.
pub(super) fn show() {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    if let Some(ticks) = ticks(&stat) {
        gauge!("process_cpu_seconds_total").set(TICK.saturating_mul(ticks));
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(kib) = number_after(&status, "VmRSS:") {
        #[expect(clippy::float_arithmetic, reason = "memory is not money")]
        gauge!("process_resident_memory_bytes").set(f64::from(kib) * 1024.0);
    }
    if let Some(threads) = number_after(&status, "Threads:") {
        gauge!("process_threads").set(threads);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        gauge!("process_open_fds").set(u32::try_from(open.count()).unwrap_or(u32::MAX));
    }
}

/// User and system time. The name in front may have spaces and ends with the last parenthesis.
fn ticks(stat: &str) -> Option<u32> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let (user, system): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    user.checked_add(system)
}

fn number_after(status: &str, name: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_understood() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(number_after("VmPeak:\t 9 kB\nVmRSS:\t  2048 kB\n", "VmRSS:"), Some(2048));
        assert_eq!((ticks(""), number_after("", "VmRSS:")), (None, None));
    }
}
