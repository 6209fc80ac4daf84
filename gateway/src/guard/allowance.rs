//! Allowances that come back evenly: one of each size, for everybody who asks, in a bounded memory.

use super::Rate;
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    nanos::Nanos,
    state::{
        StateStore,
        keyed::{DashMapStateStore, ShrinkableKeyedStateStore},
    },
};
use std::{convert::Infallible, hash::Hash, num::NonZeroU32, sync::Arc, time::Duration};

/// How many are remembered. Those who come when it is full are let in without being remembered, and nobody else is: it
/// takes a hundred thousand addresses, which only the limits on connections and on work can stop.
const REMEMBERED: usize = 100_000;

/// Everybody's allowance of one size.
pub(crate) struct Allowance<K: Hash + Eq + Clone> {
    rate: Rate,
    /// In which one comes back.
    one_per: Duration,
    remembered: Arc<DashMapStateStore<K>>,
    state: RateLimiter<K, Remembered<K>, DefaultClock, StateInformationMiddleware>,
}

/// What is left, for the caller to see.
#[derive(Clone, Copy)]
pub(crate) struct Left {
    pub rate: Rate,
    pub count: u32,
}

/// Nothing is left; after this there is.
pub(crate) struct Wait(pub Duration);

impl<K: Hash + Eq + Clone> Allowance<K> {
    pub(crate) fn new(rate: Rate) -> Self {
        let count = NonZeroU32::new(rate.count).unwrap_or(NonZeroU32::MIN);
        let one_per = rate.per.checked_div(count.get()).unwrap_or(rate.per);
        let one_per = one_per.max(Duration::from_nanos(1));
        let quota = Quota::with_period(one_per);
        let quota = quota.unwrap_or(Quota::per_second(count)).allow_burst(count);
        let remembered = Arc::new(DashMapStateStore::default());
        let store = Remembered { all: Arc::clone(&remembered), most: REMEMBERED };
        // The middleware only says how much is left.
        let state = RateLimiter::new(quota, store, DefaultClock::default());
        Self { rate, one_per, remembered, state }
    }

    /// Takes one.
    pub(crate) fn take(&self, key: &K) -> Result<Left, Wait> {
        match self.state.check_key(key) {
            Ok(state) => Ok(Left { rate: self.rate, count: state.remaining_burst_capacity() }),
            Err(refused) => Err(Wait(refused.wait_time_from(self.state.clock().now()))),
        }
    }

    /// Gives back one that was taken.
    pub(super) fn give_back(&self, key: &K) {
        if !self.remembered.contains_key(key) {
            return;
        }
        let one = Nanos::from(self.one_per).as_u64();
        // What is kept is when all of it would be there again.
        let Ok(()) = self.remembered.measure_and_replace(key, |whole_at| {
            let whole_at = whole_at.map_or(0, Nanos::as_u64);
            Ok::<_, Infallible>(((), Nanos::new(whole_at.saturating_sub(one))))
        });
    }

    /// Forgets everybody whose allowance is whole again.
    pub(super) fn forget_the_idle(&self) {
        self.state.retain_recent();
    }
}

struct Remembered<K: Hash + Eq + Clone> {
    all: Arc<DashMapStateStore<K>>,
    most: usize,
}

impl<K: Hash + Eq + Clone> StateStore for Remembered<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        if self.all.len() >= self.most && !self.all.contains_key(key) {
            return measure(None).map(|(result, _)| result);
        }
        self.all.measure_and_replace(key, measure)
    }
}

impl<K: Hash + Eq + Clone> ShrinkableKeyedStateStore<K> for Remembered<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        ShrinkableKeyedStateStore::retain_recent(&*self.all, drop_below);
    }

    fn len(&self) -> usize {
        self.all.len()
    }

    fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_taken_again_and_no_more() {
        let allowance = Allowance::new(Rate { count: 2, per: Duration::from_hours(1) });
        let takes = || allowance.take(&0).is_ok();
        assert!(takes() && takes() && !takes());
        allowance.give_back(&0);
        assert!(takes() && !takes());
        (0..9).for_each(|_| allowance.give_back(&0));
        assert!(takes() && takes() && !takes(), "more than all of it is never there");
    }

    #[test]
    fn a_crowd_beyond_the_memory_takes_nobodys_allowance_and_gives_none_back() {
        let rate = Rate { count: 2, per: Duration::from_hours(1) };
        let allowance = Allowance::new(rate);
        let takes = |key: &usize| allowance.take(key).is_ok();
        assert!(takes(&0) && takes(&0) && !takes(&0));
        for stranger in 1..REMEMBERED + 100 {
            assert!(takes(&stranger));
        }
        assert_eq!(allowance.state.len(), REMEMBERED);
        assert!(!takes(&0), "who was remembered still is");
        let last = REMEMBERED + 99;
        assert!(takes(&last) && takes(&last) && takes(&last));
    }
}
