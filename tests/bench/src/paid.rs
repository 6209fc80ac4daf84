//! How soon a booking is confirmed once it is paid, and how soon there is a ticket.

use crate::{
    database,
    figures::{Figures, Milli, Target},
    kiosk::Kiosk,
    pace,
    spread::Spread,
};
use chrono::{DateTime, Utc};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// Bookings a second that two processors bear with ease, and so many at the peak that the targets are of.
pub(crate) const BORNE: u32 = 10;
pub(crate) const PEAK: u32 = 35;
pub(crate) const RATES: [u32; 2] = [BORNE, PEAK];
/// What a customer takes on the vendor's page.
const PAYS_AFTER: Duration = Duration::from_secs(1);

/// Bookings at a fixed rate, each paid a second after it was begun. Paid is when the shopper's click leaves for the
/// vendor's page: the vendor's work and its webhook are in the time.
pub(crate) async fn measure(kiosk: &Arc<Kiosk>, rate: u32, lasting: Duration) -> Figures {
    let mut figures = Figures::of("paid");
    let theirs = Arc::clone(kiosk);
    let one = move |_, due: Instant| {
        let kiosk = Arc::clone(&theirs);
        async move {
            let page = kiosk.reaches_the_page().await?;
            sleep((due + PAYS_AFTER).saturating_duration_since(Instant::now())).await;
            let paid_at = kiosk.approves(&page).await?;
            Some((kiosk.gets_the_ticket(page).await?, paid_at))
        }
    };
    let begun = pace::open(rate, lasting, one).await;
    let paid: Vec<_> = begun.iter().flatten().collect();
    let bookings: Vec<String> = paid.iter().map(|(booking, _)| booking.clone()).collect();
    let moments = database::moments(&kiosk.visit.db, &bookings).await;
    let came: Vec<_> = paid.iter().filter_map(|(id, at)| Some((*at, moments.get(id)?))).collect();
    let settled = Spread::of(came.iter().map(|(paid, then)| between(*paid, then.settled)));
    let confirmed = Spread::of(came.iter().map(|(paid, then)| between(*paid, then.confirmed)));
    let picture = came.iter().map(|(_, then)| between(then.confirmed, then.ticket));
    let picture = Spread::of(picture);
    let ticket = Spread::of(came.iter().map(|(paid, then)| between(*paid, then.ticket)));
    let targets = [Some(Target::below(40)), Some(Target::below(150))];
    figures.times(&format!("paid to settled at {rate}/s"), &settled, [None, None]);
    figures.times(&format!("paid to CONFIRMED at {rate}/s"), &confirmed, targets);
    figures.times(
        &format!("CONFIRMED to ticket at {rate}/s"),
        &picture,
        [None, Some(Target::below(400))],
    );
    figures.times(&format!("paid to ticket at {rate}/s"), &ticket, [None, None]);
    let lost = begun.len() - came.len();
    figures.add(
        format!("begun without a ticket at {rate}/s"),
        Milli::whole(u64::try_from(lost).unwrap()),
        "",
    );
    figures
}

/// Both by the clock of this machine.
fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> Duration {
    (to - from).to_std().unwrap_or_default()
}
