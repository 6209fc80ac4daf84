//! Whole bookings: from the order to the ticket, by so many who begin the next when they have one; and what one costs.

use crate::{
    database::{self, Work},
    figures::{Figures, Milli, Target},
    kiosk::Kiosk,
    pace::{self, Until},
    process::{self, Cost},
    spread::Spread,
};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// Whether a ticket has its picture, and what is asked of the rate.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub part: &'static str,
    pub asked: u64,
}

pub(crate) const WITH_PICTURE: Kind = Kind { part: "whole", asked: 60 };
pub(crate) const WITHOUT_PICTURE: Kind = Kind { part: "whole without picture", asked: 100 };

/// Keeps `busy` customers booking. What it has cost is told for each booking.
pub(crate) async fn measure(
    kiosk: &Arc<Kiosk>,
    kind: Kind,
    busy: usize,
    until: Until,
) -> (Figures, Milli) {
    let mut figures = Figures::of(kind.part);
    let before = Meter::read(kiosk).await;
    let theirs = Arc::clone(kiosk);
    let book = move |_| {
        let kiosk = Arc::clone(&theirs);
        async move { drop(kiosk.books().await) }
    };
    let sustained = pace::closed(busy, until, book).await;
    let after = Meter::read(kiosk).await;
    let rate = Milli::rate(sustained.done, sustained.lasted);
    let target = Some(Target::at_least(kind.asked));
    figures.held_to(target, format!("bookings a second, {busy} at a time"), rate, "/s");
    let bookings = u64::try_from(sustained.each.len()).unwrap();
    let each = Spread::of(sustained.each);
    figures.times(&format!("order to ticket, {busy} at a time,"), &each, [None, None]);
    before.tell(&after, bookings, busy, &mut figures);
    (figures, rate)
}

/// The memory of everything now.
pub(crate) async fn memory(kiosk: &Kiosk) -> Figures {
    let mut figures = Figures::of("memory");
    let bookings = database::bookings(&kiosk.visit.db).await;
    for (name, Cost { memory_kib, .. }) in process::costs(&kiosk.visit.system).await {
        let what = format!("{name}, after {bookings} bookings");
        figures.add(what, Milli::ratio(memory_kib, 1_024), "MiB");
    }
    figures
}

/// Every counter, at one moment.
struct Meter {
    at: Instant,
    costs: BTreeMap<&'static str, Cost>,
    worked: Duration,
    database: Work,
    requests: u64,
}

impl Meter {
    async fn read(kiosk: &Kiosk) -> Self {
        Self {
            at: Instant::now(),
            costs: process::costs(&kiosk.visit.system).await,
            worked: process::worked(),
            database: database::work(&kiosk.visit.db).await,
            requests: kiosk.counted().0,
        }
    }

    /// What has been spent since `self`, for each of so many bookings.
    fn tell(&self, after: &Self, bookings: u64, busy: usize, figures: &mut Figures) {
        let each = |number: u64| Milli::ratio(number, bookings);
        let micros_each = |time: Duration| {
            Milli(crate::figures::micros(time).checked_div(bookings).unwrap_or_default())
        };
        let mut ours = Duration::ZERO;
        for (name, cost) in &after.costs {
            let before = self.costs.get(name).copied().unwrap_or_default();
            let spent = cost.cpu.saturating_sub(before.cpu);
            ours += spent;
            let what = format!("processor time a booking, {busy} at a time: {name}");
            figures.add(what, micros_each(spent), "ms");
        }
        let what = format!("processor time a booking, {busy} at a time: all of these");
        figures.add(what, micros_each(ours), "ms");
        let others = after.worked.saturating_sub(self.worked).saturating_sub(ours);
        let share = Milli::ratio(
            crate::figures::micros(others).saturating_mul(100),
            crate::figures::micros(after.at - self.at),
        );
        figures.add("processors busy with others meanwhile (100 is one)", share, "%");
        let (was, is) = (self.database, after.database);
        let transactions = is.transactions.saturating_sub(was.transactions);
        figures.add("transactions a booking, reads included", each(transactions), "");
        let kib = is.log_bytes.saturating_sub(was.log_bytes) / 1_024;
        figures.add("PostgreSQL's log a booking", each(kib), "KiB");
        figures.add("its fsyncs a booking", each(is.fsyncs.saturating_sub(was.fsyncs)), "");
        let requests = after.requests.saturating_sub(self.requests);
        figures.add("requests of the customer a booking", each(requests), "");
    }
}
