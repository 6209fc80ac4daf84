//! Connections that wait, trickle, stop half-way, say too much, or do not listen.

use super::{limited, raw::Raw};
use harness::{Customer, Order, Visit, visit, visit_with};
use std::time::Duration;
use tokio::{io::AsyncWriteExt, task::JoinSet, time::interval};

#[tokio::test]
async fn a_head_that_never_ends_is_cut_and_so_is_a_body() {
    let visit = visit().await;
    let trickles = |host: u8, begins: &'static str, drop: &'static [u8]| {
        let visit = std::sync::Arc::clone(&visit);
        async move {
            let mut raw = Raw::open(&visit, host).await;
            raw.says(begins.as_bytes()).await;
            let mut pace = interval(Duration::from_millis(200));
            while raw.0.write_all(drop).await.is_ok() {
                pace.tick().await;
            }
            raw.hears().await
        }
    };
    let head = trickles(2, "GET /heartbeat HTTP/1.1\r\nHost: a\r\nX-Slow: ", b"a");
    let chunks = trickles(
        2,
        "POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"1\r\na\r\n",
    );
    let (head, _) = tokio::join!(head, chunks);
    assert_eq!(head, "", "a head that has not ended has no answer");
}

#[tokio::test]
async fn a_body_that_stops_half_way_is_told_so() {
    let visit = visit().await;
    let begun = "POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{";
    let status = Raw::is_answered(&visit, 2, begun.as_bytes()).await;
    assert_eq!(status, 408);
    // Who closes the half they speak on is not waited for.
    let mut half = Raw::open(&visit, 2).await;
    half.says(begun.as_bytes()).await;
    half.0.shutdown().await.unwrap();
    let heard = half.hears().await;
    assert!(heard.is_empty() || heard.starts_with("HTTP/1.1 400"), "{heard}");
}

#[tokio::test]
async fn who_asks_and_does_not_listen_is_cut() {
    let visit = visit().await;
    let mut raw = Raw::open(&visit, 2).await;
    let ask = b"GET /heartbeat HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
    // The answers pile up until nobody takes any more of them, and we hang in the middle of a question.
    while raw.0.write_all(&ask).await.is_ok() {}
}

#[tokio::test]
async fn a_head_that_is_too_large_or_broken_is_refused() {
    let visit = visit().await;
    let with = |headers: String| {
        format!("GET /heartbeat HTTP/1.1\r\nHost: a\r\n{headers}Connection: close\r\n\r\n")
    };
    let many = "X-Many: a\r\n".repeat(200);
    let status = async |head: String| Raw::is_answered(&visit, 2, head.as_bytes()).await;
    assert_eq!(status(with(String::new())).await, 200);
    assert_eq!(status(with(format!("X-Long: {}\r\n", "a".repeat(20_000)))).await, 431);
    assert_eq!(status(with(many)).await, 431);
    assert_eq!(status(with("X-Nul: a\0b\r\n".to_owned())).await, 400);
    assert_eq!(status(with("X-Folded: a\r\n forged: yes\r\n".to_owned())).await, 400);
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(20_000));
    assert!([414, 431].contains(&status(long).await));
    // Two lengths, or a length and chunks: a proxy could see another request in it.
    let twice = "POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na";
    assert_eq!(status(twice.to_owned()).await, 400);
}

#[tokio::test]
async fn two_thousand_idle_connections_of_one_address_keep_nobody_out() {
    let visit = visit_with(limited(&[("THROTTLE_LIMIT", "100000")])).await;
    let mut opening = JoinSet::new();
    for _ in 0..2_000 {
        let visit = std::sync::Arc::clone(&visit);
        opening.spawn(async move { Raw::open(&visit, 3).await });
    }
    let idle = opening.join_all().await;
    let status = Raw::is_answered(&visit, 3, b"GET /heartbeat HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(status, 0, "this address has all the connections it may have");
    let booking = visit.customer().books(Order::new(&visit)).await;
    booking.pays().await;
    booking.until_ticket().await;
    drop(idle);
    let freed = || async {
        let ask = b"GET /heartbeat HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        (Raw::is_answered(&visit, 3, ask).await == 200).then_some(())
    };
    harness::until("a place that was given back", freed).await;
    visit.assert_balanced().await;
}

/// What somebody writes must not become a line of the log, or a header of an answer.
#[tokio::test]
async fn nobody_writes_lines_into_the_log() {
    let visit = visit().await;
    let customer = visit.customer();
    let forged = "x\r\n{\"level\":\"ERROR\",\"message\":\"forged-line\"}";
    let mut order = Order::new(&visit).body();
    order["session_id"] = forged.into();
    let answer = customer.posts("/api/v1/orders", &Customer::key(), &order).await;
    answer.assert_problem(400, "control_character");
    for path in ["/api/v1/orders/%0d%0aSet-Cookie:forged-line", "/return/hyperpay/%0aforged-line"] {
        let answer = customer.gets(path).await;
        answer.assert_problem(404, "not_found");
        assert_eq!(answer.header("set-cookie"), "");
    }
    assert_each_line_is_ours(&visit);
}

fn assert_each_line_is_ours(visit: &Visit) {
    let log = std::fs::read_to_string(visit.system.log()).unwrap();
    for line in log.lines().filter(|line| line.contains("forged-line")) {
        let said: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_ne!(said["message"], "forged-line", "{line}");
    }
}
