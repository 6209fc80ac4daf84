//! Who waits for a booking to change is told by one watcher for the whole process, which asks the database once for all
//! of them, and only while somebody waits.
//!
//! No `LISTEN`: a `NOTIFY` takes a lock that all commits of the database queue for.

use schema::{Db, ids::BookingId, snapshot};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// Who waits for one caller: a kiosk's screen, a phone and a laptop. Who comes later does not wait.
const WAITING_OF_CALLER_MAX: usize = 16;

/// Between two questions. The busier the database, the longer: a question takes at most a tenth of the time.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_LONGEST: Duration = Duration::from_secs(1);

/// The watcher. Cheap to clone.
#[derive(Clone)]
pub struct Changes(Arc<Inner>);

struct Inner {
    db: Db,
    /// Who waits, in all.
    most: usize,
    watched: Mutex<Watched>,
}

/// The watcher runs exactly while there are bookings.
#[derive(Default)]
struct Watched {
    bookings: HashMap<BookingId, watch::Sender<i32>>,
    waiting: usize,
    by_caller: HashMap<String, usize>,
}

impl Changes {
    /// At most so many wait at a time.
    pub fn new(db: Db, most: usize) -> Self {
        Self(Arc::new(Inner { db, most, watched: Mutex::default() }))
    }

    /// Watches a booking for this caller. None: too many wait already.
    pub(crate) fn watch(&self, caller: &str, booking: BookingId) -> Option<Watching> {
        let mut watched = self.0.watched();
        let of_caller = watched.by_caller.get(caller).copied().unwrap_or(0);
        if watched.waiting >= self.0.most || of_caller >= WAITING_OF_CALLER_MAX {
            return None;
        }
        watched.waiting += 1;
        watched.by_caller.insert(caller.to_owned(), of_caller + 1);
        if watched.bookings.is_empty() {
            tokio::spawn(keep_looking(Arc::clone(&self.0)));
        }
        let versions = watched.bookings.entry(booking).or_insert_with(|| watch::Sender::new(0));
        let versions = versions.subscribe();
        Some(Watching { versions, caller: caller.to_owned(), changes: self.clone() })
    }
}

/// One who waits. Dropped, it waits no more.
pub(crate) struct Watching {
    versions: watch::Receiver<i32>,
    caller: String,
    changes: Changes,
}

impl Watching {
    /// Waits until the booking is past this version: the one that it has then. None: it is not before `deadline`.
    pub(crate) async fn past(&mut self, version: i32, deadline: Instant) -> Option<i32> {
        let past = self.versions.wait_for(|now| *now > version);
        Some(*tokio::time::timeout_at(deadline, past).await.ok()?.ok()?)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut watched = self.changes.0.watched();
        watched.waiting = watched.waiting.saturating_sub(1);
        if let Some(of_caller) = watched.by_caller.get_mut(&self.caller) {
            *of_caller -= 1;
            if *of_caller == 0 {
                watched.by_caller.remove(&self.caller);
            }
        }
    }
}

impl Inner {
    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bookings that somebody still waits for.
    fn bare_ids(&self) -> Vec<String> {
        let mut watched = self.watched();
        watched.bookings.retain(|_, versions| versions.receiver_count() > 0);
        watched.bookings.keys().map(|booking| booking.bare()).collect()
    }

    fn tell(&self, found: Vec<(BookingId, i32)>) {
        let watched = self.watched();
        for (booking, now) in found {
            if let Some(versions) = watched.bookings.get(&booking) {
                versions.send_if_modified(|known| {
                    let news = *known != now;
                    *known = now;
                    news
                });
            }
        }
    }
}

async fn keep_looking(inner: Arc<Inner>) {
    loop {
        let bare = inner.bare_ids();
        if bare.is_empty() {
            return;
        }
        let asked = Instant::now();
        let pause = match snapshot::versions(&inner.db, &bare).await {
            Ok(found) => {
                inner.tell(found);
                asked.elapsed().saturating_mul(10).clamp(PAUSE, PAUSE_LONGEST)
            }
            Err(error) => {
                tracing::warn!(%error, "those who wait for bookings are not told: {error}");
                PAUSE_LONGEST
            }
        };
        tokio::time::sleep(pause).await;
    }
}
