//! The vendor's limit on status reads: two a minute for each transaction or session (OPPWA, "Throttling").
//!
//! Kept in this process: another process beside it may still be throttled by the vendor, and is told so there.

use crate::error::Error;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const IDS: usize = 20_000;

/// When each id was last read: the older of the two reads, and the newer.
#[derive(Debug)]
pub(super) struct Reads {
    window: Duration,
    seen: Mutex<BTreeMap<String, (Option<Instant>, Instant)>>,
}

impl Reads {
    pub(super) const fn new(window: Duration) -> Self {
        Self { window, seen: Mutex::new(BTreeMap::new()) }
    }

    pub(super) const fn window(&self) -> Duration {
        self.window
    }

    /// Takes one of the reads of this id, or says when there will be one.
    pub(super) fn take(&self, id: &str) -> Result<(), Error> {
        let now = Instant::now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= IDS {
            seen.retain(|_, (_, newer)| now.duration_since(*newer) < self.window);
        }
        let last = seen.get(id).copied();
        if last.is_none() && seen.len() >= IDS {
            return Err(over(self.window));
        }
        if let Some((Some(older), _)) = last {
            let since = now.duration_since(older);
            if since < self.window {
                return Err(over(self.window.saturating_sub(since)));
            }
        }
        seen.insert(id.to_owned(), (last.map(|(_, newer)| newer), now));
        Ok(())
    }
}

fn over(wait: Duration) -> Error {
    let reason = "hyperpay: no status read left for now".to_owned();
    Error::Unavailable { reason, retry_after: Some(wait) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_reads_of_an_id_in_any_window() {
        let reads = Reads::new(Duration::from_millis(80));
        reads.take("a").unwrap();
        reads.take("a").unwrap();
        reads.take("b").unwrap();
        let Err(Error::Unavailable { retry_after: Some(wait), .. }) = reads.take("a") else {
            panic!("a third read");
        };
        std::thread::sleep(wait + Duration::from_millis(5));
        reads.take("a").unwrap();
        reads.take("a").unwrap();
        assert!(reads.take("a").is_err());
    }

    #[test]
    fn the_memory_is_bounded() {
        let reads = Reads::new(Duration::from_mins(1));
        let taken = (0..IDS + 5).filter(|id| reads.take(&id.to_string()).is_ok()).count();
        assert_eq!(taken, IDS);
        let brief = Reads::new(Duration::ZERO);
        assert!((0..IDS + 5).all(|id| brief.take(&id.to_string()).is_ok()));
    }
}
