//! How soon a booking is shown, with nothing else going on and beside bookings.

use crate::{
    figures::{Figures, Milli, Target},
    kiosk::Kiosk,
    pace, paid,
    spread::Spread,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const RATE: u32 = 500;

/// Looks at these bookings, one after the other.
pub(crate) async fn measure(
    kiosk: &Arc<Kiosk>,
    bookings: &Arc<[String]>,
    lasting: Duration,
) -> Figures {
    let mut figures = Figures::of("reads");
    tell(&mut figures, "idle", &look(kiosk, bookings, lasting).await);
    for rate in paid::RATES {
        let theirs = Arc::clone(kiosk);
        let book = move |_, _| {
            let kiosk = Arc::clone(&theirs);
            async move { kiosk.books().await }
        };
        let (looks, _) =
            tokio::join!(look(kiosk, bookings, lasting), pace::open(rate, lasting, book));
        tell(&mut figures, &format!("beside {rate} bookings/s"), &looks);
    }
    figures
}

type Looks = Vec<(Duration, bool)>;

/// How long each look took, and whether there was something to see.
async fn look(kiosk: &Arc<Kiosk>, bookings: &Arc<[String]>, lasting: Duration) -> Looks {
    let (kiosk, bookings) = (Arc::clone(kiosk), Arc::clone(bookings));
    let one = move |number: u64, due: Instant| {
        let (kiosk, bookings) = (Arc::clone(&kiosk), Arc::clone(&bookings));
        async move {
            let which = usize::try_from(number).unwrap_or_default() % bookings.len();
            let shown = kiosk.looks(&bookings[which]).await;
            (due.elapsed(), shown)
        }
    };
    pace::open(RATE, lasting, one).await
}

fn tell(figures: &mut Figures, when: &str, looks: &Looks) {
    let spread = Spread::of(looks.iter().filter(|(_, shown)| *shown).map(|(took, _)| *took));
    let what = format!("a booking shown at {RATE}/s, {when},");
    figures.times(&what, &spread, [None, Some(Target::below(10))]);
    let failed = looks.iter().filter(|(_, shown)| !shown).count();
    figures.add(format!("not shown, {when}"), Milli::whole(u64::try_from(failed).unwrap()), "");
}
