//! A queue between those who work and those who send: whoever works never waits, and what does not fit is dropped and
//! counted.

use metrics::counter;
use std::{future::Future, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};

/// How many items wait at most.
const ROOM: usize = 4096;
/// How many are sent together at most.
const BATCH: usize = 512;
/// How long the first one of a batch waits for company.
const COMPANY: Duration = Duration::from_secs(1);
/// How long sending a batch may take.
const WITHIN: Duration = Duration::from_secs(5);
/// How long sending what is left may take at the end.
const GRACE: Duration = Duration::from_secs(3);

/// Where items are put.
#[derive(Debug)]
pub(super) struct Queue<T> {
    signal: &'static str,
    items: mpsc::Sender<T>,
}

impl<T> Queue<T> {
    /// Takes the item, or drops it when there is no room.
    pub(super) fn put(&self, item: T) {
        if self.items.try_send(item).is_err() {
            dropped(self.signal, 1);
        }
    }
}

/// Whoever sends.
pub(super) struct Sender {
    closing: watch::Sender<bool>,
    sending: JoinHandle<()>,
}

impl Sender {
    /// Sends what is left, or drops it.
    pub(super) async fn stop(self) {
        let _ = self.closing.send(true);
        let _ = timeout(GRACE, self.sending).await;
    }
}

/// A queue, and who sends what is put there: true, if it has arrived. Nothing is sent twice.
pub(super) fn queue<T, Send, Sent>(signal: &'static str, send: Send) -> (Queue<T>, Sender)
where
    T: std::marker::Send + 'static,
    Send: Fn(Vec<T>) -> Sent + std::marker::Send + Sync + 'static,
    Sent: Future<Output = bool> + std::marker::Send,
{
    let (items, mut waiting) = mpsc::channel(ROOM);
    let (closing, mut closed) = watch::channel(false);
    let sending = tokio::spawn(async move {
        loop {
            let mut batch = Vec::with_capacity(BATCH);
            tokio::select! {
                many = waiting.recv_many(&mut batch, BATCH) => {
                    if many == 0 {
                        return;
                    }
                }
                _ = closed.wait_for(|closing| *closing), if !waiting.is_closed() => {
                    waiting.close();
                    continue;
                }
            }
            let _ = timeout(COMPANY, closed.wait_for(|closing| *closing)).await;
            while batch.len() < BATCH
                && let Ok(item) = waiting.try_recv()
            {
                batch.push(item);
            }
            let many = batch.len();
            if !timeout(WITHIN, send(batch)).await.unwrap_or(false) {
                dropped(signal, many);
            }
        }
    });
    (Queue { signal, items }, Sender { closing, sending })
}

fn dropped(signal: &'static str, many: usize) {
    counter!("usher_telemetry_dropped_total", "signal" => signal)
        .increment(u64::try_from(many).unwrap_or(u64::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[tokio::test]
    async fn what_is_left_is_sent_at_the_end_and_what_does_not_fit_is_dropped() {
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let sent = Arc::clone(&arrived);
        let (queue, sender) = queue("test", move |batch: Vec<usize>| {
            sent.lock().unwrap().extend(batch);
            async { true }
        });
        // Nobody has sent anything yet: the sender has not run.
        for item in 0..ROOM + 10 {
            queue.put(item);
        }
        sender.stop().await;
        assert_eq!(*arrived.lock().unwrap(), (0..ROOM).collect::<Vec<_>>());
        queue.put(0);
    }

    #[tokio::test]
    async fn a_collector_that_never_answers_does_not_keep_us_from_stopping() {
        let (queue, sender) = queue("test", |_: Vec<u8>| std::future::pending());
        queue.put(1);
        timeout(GRACE * 10, sender.stop()).await.unwrap();
    }
}
