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

const RATE: u32 = 200;
/// So many call off at the same time, afterwards.
const CALL_OFF: usize = 32;

/// Orders at a fixed rate. Nobody pays: all are called off afterwards.
pub(crate) async fn measure(kiosk: &Arc<Kiosk>, lasting: Duration) -> Figures {
    let mut figures = Figures::of("accepted");
    let theirs = Arc::clone(kiosk);
    let order = move |_, due: Instant| {
        let kiosk = Arc::clone(&theirs);
        async move {
            let accepted = kiosk.orders(&kiosk.order(), &Kiosk::key()).await;
            (due.elapsed(), accepted.ok())
        }
    };
    let answers = pace::open(RATE, lasting, order).await;
    let accepted = answers.iter().filter_map(|(took, id)| id.as_ref().map(|_| *took));
    let spread = Spread::of(accepted);
    let what = format!("202 at {RATE} starts/s");
    figures.times(&what, &spread, [None, Some(Target::below(75))]);
    let (all, ids): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
    let ids: Vec<String> = ids.into_iter().flatten().collect();
    figures.add("slowest", Milli(spread.slowest()), "ms");
    figures.add("not accepted", Milli::whole(u64::try_from(all.len() - ids.len()).unwrap()), "");
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
