//! What hardly changes within a minute: where a session's seats are, and its ticket types.

use schema::provider::Platform;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

const FRESH: Duration = Duration::from_mins(1);
const SESSIONS: usize = 500;

/// Platform, cinema and session: prices and sales differ by channel.
pub(super) type Key = (Platform, String, String);

/// A bounded memory, one value per session.
#[derive(Debug)]
pub(super) struct Cache<T>(Mutex<BTreeMap<Key, (Instant, Arc<T>)>>);

impl<T> Cache<T> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<T>> {
        let entries = self.entries();
        let (read_at, value) = entries.get(key)?;
        (read_at.elapsed() < FRESH).then(|| Arc::clone(value))
    }

    pub(super) fn put(&self, key: Key, value: T) -> Arc<T> {
        let value = Arc::new(value);
        let mut entries = self.entries();
        if entries.len() >= SESSIONS {
            entries.retain(|_, (read_at, _)| read_at.elapsed() < FRESH);
        }
        if entries.len() >= SESSIONS {
            entries.clear();
        }
        entries.insert(key, (Instant::now(), Arc::clone(&value)));
        value
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<Key, (Instant, Arc<T>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_remembers_by_channel_and_stays_bounded() {
        let cache = Cache::new();
        let key = |n: usize| (Platform::Ios, "0001".to_owned(), n.to_string());
        for n in 0..2 * SESSIONS {
            cache.put(key(n), n);
            assert!(cache.entries().len() <= SESSIONS);
        }
        assert_eq!(cache.get(&key(2 * SESSIONS - 1)).as_deref(), Some(&(2 * SESSIONS - 1)));
        assert_eq!(cache.get(&(Platform::Kiosk, "0001".to_owned(), "999".to_owned())), None);
    }
}
