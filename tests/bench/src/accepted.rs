//! How soon an order is accepted: 202, and its row is written.

use crate::{
    figures::{Figures, Milli, Target},
    kiosk::Kiosk,
    pace::{self, Until},
    spread::Spread,
};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// Orders a second: what two processors bear with ease, and the burst that the target is of.
pub(crate) const RATES: [u32; 2] = [20, 200];
/// So many call off at the same time, afterwards.
const CALL_OFF: usize = 32;

/// Orders at a fixed rate. Nobody pays: all are called off afterwards.
pub(crate) async fn measure(kiosk: &Arc<Kiosk>, rate: u32, lasting: Duration) -> Figures {
    let mut figures = Figures::of("accepted");
    let theirs = Arc::clone(kiosk);
    let order = move |_, due: Instant| {
        let kiosk = Arc::clone(&theirs);
        async move {
            let accepted = kiosk.orders(&kiosk.order(), &Kiosk::key()).await;
            (due.elapsed(), accepted.ok())
        }
    };
    let answers = pace::open(rate, lasting, order).await;
    let accepted = answers.iter().filter_map(|(took, id)| id.as_ref().map(|_| *took));
    let spread = Spread::of(accepted);
    let what = format!("202 at {rate} starts/s");
    figures.times(&what, &spread, [None, Some(Target::below(75))]);
    let (all, ids): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
    let ids: Vec<String> = ids.into_iter().flatten().collect();
    figures.add(format!("{what} slowest"), Milli(spread.slowest()), "ms");
    figures.add(
        format!("not accepted at {rate} starts/s"),
        Milli::whole(u64::try_from(all.len() - ids.len()).unwrap()),
        "",
    );
    call_off(kiosk, ids).await;
    figures
}

async fn call_off(kiosk: &Arc<Kiosk>, ids: Vec<String>) {
    let many = Until::Begun(u64::try_from(ids.len()).unwrap());
    let (kiosk, left) = (Arc::clone(kiosk), Arc::new(Mutex::new(ids)));
    let one = move |_| {
        let (kiosk, id) = (Arc::clone(&kiosk), left.lock().unwrap().pop());
        async move {
            if let Some(id) = id {
                kiosk.calls_off(&id).await;
            }
        }
    };
    pace::closed(CALL_OFF, many, one).await;
}
