//! The two ways of putting load on: at a fixed rate, whatever becomes of it, or by so many who each wait for an end.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::{runtime::Handle, task::JoinSet};

/// Starts `rate` a second, at their times, however late the earlier ones are. Each is given its number and when it was
/// due, and measures from then: a system that stalls is late for everybody who comes meanwhile.
pub(crate) async fn open<One, Doing>(rate: u32, lasting: Duration, one: One) -> Vec<Doing::Output>
where
    One: Fn(u64, Instant) -> Doing + Send + 'static,
    Doing: Future<Output: Send> + Send + 'static,
{
    let every = Duration::from_secs(1) / rate;
    let handle = Handle::current();
    // Timers of the runtime are late by up to a millisecond; a thread that sleeps is not.
    let starting = tokio::task::spawn_blocking(move || {
        let mut begun = JoinSet::new();
        let opened = Instant::now();
        let (mut number, mut due) = (0, opened);
        while due < opened + lasting {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            begun.spawn_on(one(number, due), &handle);
            number += 1;
            due += every;
        }
        begun
    });
    starting.await.unwrap().join_all().await
}

/// How long no one stops.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    Over(Duration),
    Begun(u64),
}

/// What came of keeping so many busy.
#[derive(Debug)]
pub(crate) struct Sustained {
    /// Done after the first and by the time that nobody began any more. `lasted` is the time between the two: how the
    /// first ones come in and the last ones trickle out is no rate.
    pub done: u64,
    pub lasted: Duration,
    /// How long each took, of all.
    pub each: Vec<Duration>,
}

/// Keeps `busy` at it, each beginning anew when done.
pub(crate) async fn closed<One, Doing>(busy: usize, until: Until, one: One) -> Sustained
where
    One: Fn(u64) -> Doing + Send + Sync + 'static,
    Doing: Future<Output = ()> + Send + 'static,
{
    let (one, next) = (Arc::new(one), Arc::new(AtomicU64::new(0)));
    let opened = Instant::now();
    let mut everybody = JoinSet::new();
    for _ in 0..busy {
        let (one, next) = (Arc::clone(&one), Arc::clone(&next));
        everybody.spawn(async move {
            let mut done = Vec::new();
            loop {
                let (number, began) = (next.fetch_add(1, Ordering::Relaxed), Instant::now());
                let over = match until {
                    Until::Over(lasting) => began >= opened + lasting,
                    Until::Begun(most) => number >= most,
                };
                if over {
                    return (began, done);
                }
                one(number).await;
                done.push((began, Instant::now()));
            }
        });
    }
    let (stopped, done): (Vec<_>, Vec<_>) = everybody.join_all().await.into_iter().unzip();
    let done: Vec<(Instant, Instant)> = done.into_iter().flatten().collect();
    let closed = stopped.into_iter().min().unwrap_or(opened);
    let first = done.iter().map(|(_, ended)| *ended).min().unwrap_or(closed);
    let in_time = done.iter().filter(|(_, ended)| *ended > first && *ended <= closed).count();
    Sustained {
        done: u64::try_from(in_time).unwrap_or(u64::MAX),
        lasted: closed.saturating_duration_since(first),
        each: done.into_iter().map(|(began, ended)| ended - began).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fixed_rate_starts_all_of_them_though_none_ends_soon() {
        let slow = |number, _due| async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            number
        };
        let mut numbers = open(100, Duration::from_millis(200), slow).await;
        numbers.sort_unstable();
        assert_eq!(numbers, (0..20).collect::<Vec<u64>>());
    }

    #[tokio::test]
    async fn so_many_are_busy_and_no_more() {
        let (busy, most) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (now, peak) = (Arc::clone(&busy), Arc::clone(&most));
        let one = move |_| {
            let (now, peak) = (Arc::clone(&now), Arc::clone(&peak));
            async move {
                peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
            }
        };
        let sustained = closed(4, Until::Begun(50), one).await;
        assert_eq!((sustained.each.len(), most.load(Ordering::SeqCst)), (50, 4));
        assert!((40..50).contains(&sustained.done), "all but the first and the last few");
    }
}
