//! Everything at once, and an honest customer in the middle of it: all of their requests succeed.

use super::{from, limited, raw::Raw};
use harness::{Order, Visit, visit_with};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{io::AsyncWriteExt, task::JoinSet, time::interval};

/// How often an honest customer looks, before and while everybody else misbehaves.
const LOOKS: usize = 300;

#[expect(clippy::print_stdout, reason = "the figures are for people to read")]
#[tokio::test]
async fn an_honest_customer_books_while_everybody_else_misbehaves() {
    // Looks are counted, too: these are as many as a test makes, not a customer.
    let visit = visit_with(limited(&[("THROTTLE_LIMIT", "1000")])).await;
    let quiet = books_and_looks(&visit).await;
    let (sent, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut abuse = JoinSet::new();
    abuse.spawn(sits_idle(Arc::clone(&visit)));
    abuse.spawn(trickles(Arc::clone(&visit), 3, "GET / HTTP/1.1\r\nHost: a\r\nX: ", b"a"));
    let chunked = "POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    abuse.spawn(trickles(Arc::clone(&visit), 4, chunked, b"1\r\na\r\n"));
    for host in 5..9 {
        abuse.spawn(floods(Arc::clone(&visit), host, [&sent, &refused].map(Arc::clone)));
    }
    let begun = || async { (refused.load(Ordering::Relaxed) > 500).then_some(()) };
    harness::until("the abuse in full swing", begun).await;
    let abused = books_and_looks(&visit).await;
    abuse.shutdown().await;
    let [before, during] = [quiet, abused].map(|mut took| {
        took.sort_unstable();
        [50, 99].map(|share| took[took.len() * share / 100 - 1])
    });
    println!("an honest look, p50 and p99: quiet {before:?}, under abuse {during:?}");
    let (sent, refused) = (sent.load(Ordering::Relaxed), refused.load(Ordering::Relaxed));
    println!("{sent} abusive requests were sent meanwhile, {refused} of them refused");
    visit.assert_balanced().await;
}

/// Two whole bookings, and how long each of many looks took. Every request must succeed.
async fn books_and_looks(visit: &Arc<Visit>) -> Vec<Duration> {
    let mut took = Vec::new();
    for _ in 0..2 {
        let booking = visit.customer().books(Order::new(visit)).await;
        booking.pays().await;
        booking.until_ticket().await;
        let path = format!("/api/v1/orders/{}", booking.id);
        for _ in 0..LOOKS {
            let asked = Instant::now();
            let answer = booking.customer.gets(&path).await;
            took.push(asked.elapsed());
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    }
    took
}

async fn sits_idle(visit: Arc<Visit>) {
    let mut idle = Vec::new();
    for _ in 0..2_000 {
        idle.push(Raw::open(&visit, 2).await);
    }
    std::future::pending::<()>().await;
}

/// A hundred connections, each a byte at a time, opened again whenever they are cut.
async fn trickles(visit: Arc<Visit>, host: u8, begins: &'static str, drop: &'static [u8]) {
    let mut slow = JoinSet::new();
    for _ in 0..100 {
        let visit = Arc::clone(&visit);
        slow.spawn(async move {
            let mut pace = interval(Duration::from_millis(500));
            loop {
                let mut raw = Raw::open(&visit, host).await;
                let mut heard = raw.0.write_all(begins.as_bytes()).await;
                while heard.is_ok() {
                    pace.tick().await;
                    heard = raw.0.write_all(drop).await;
                }
            }
        });
    }
    slow.join_all().await;
}

/// A hundred requests a second of every bad kind.
async fn floods(visit: Arc<Visit>, host: u8, [sent, refused]: [Arc<AtomicU64>; 2]) {
    let (http, gateway) = (from(host), &visit.system.gateway);
    let orders = format!("{gateway}/api/v1/orders");
    let mut pace = interval(Duration::from_millis(10));
    for n in 0_u64.. {
        pace.tick().await;
        let request = match n % 6 {
            0 => http.post(&orders).bearer_auth("forged").body("[".repeat(60_000)),
            1 => http.post(&orders).body("a".repeat(100_000)),
            2 => http.get(format!("{orders}/bk_{n:026}")).bearer_auth("e30.e30."),
            3 => http.post(&orders).header("content-encoding", "gzip").body(vec![0; 10_000]),
            4 => http
                .get(format!("{gateway}/pay/pay_{n:026}"))
                .header("x-forwarded-for", n.to_string()),
            _ => http.post(format!("{gateway}/webhooks/hyperpay")).body("forged"),
        };
        if let Ok(answer) = request.send().await {
            sent.fetch_add(1, Ordering::Relaxed);
            refused.fetch_add(u64::from(answer.status().is_client_error()), Ordering::Relaxed);
        }
    }
}
