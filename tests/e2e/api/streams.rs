//! Listening to a booking.

use super::stream::{Event, Stream};
use harness::{Booking, Order, visit, visit_alone};

async fn opens(booking: &Booking, last: Option<&str>) -> Stream {
    match Stream::open(&booking.customer, &booking.id, last).await {
        Ok(stream) => stream,
        Err(answer) => panic!("no stream: {answer:?}"),
    }
}

/// Reads until the end: the bookings' versions in order, and why it ended.
async fn reads(mut stream: Stream) -> (Vec<i64>, Event) {
    let mut versions = Vec::new();
    while let Some(event) = stream.next().await {
        if event.name == "end" {
            assert!(stream.next().await.is_none(), "there was more after the end");
            return (versions, event);
        }
        assert_eq!(
            (event.name.as_str(), &event.id),
            ("booking", &Some(event.data["version"].to_string()))
        );
        versions.push(event.data["version"].as_i64().unwrap());
    }
    panic!("the stream was cut after {versions:?}");
}

#[tokio::test]
async fn a_stream_tells_every_change_in_order_and_ends_with_the_booking() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let reading = tokio::spawn(reads(opens(&booking, None).await));
    booking.pays().await;
    let (versions, end) = reading.await.unwrap();
    assert_eq!(end.data["because"], "final");
    assert!(versions.len() > 2 && versions.is_sorted_by(|a, b| a < b), "{versions:?}");

    let last = versions.last().unwrap().to_string();
    let view = booking.looks().await;
    assert_eq!(
        (view["version"].to_string(), &view["standing"]["what"]),
        (last.clone(), &"ticket_ready".into())
    );
    // Whoever has seen everything is told to stay away; whoever has not is told the rest.
    let again = Stream::open(&booking.customer, &booking.id, Some(&last)).await;
    assert_eq!(again.err().map(|answer| answer.status), Some(204));
    let (rest, _) = reads(opens(&booking, Some("2")).await).await;
    assert_eq!(rest, [*versions.last().unwrap()]);
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_reader_goes_on_where_it_was_after_the_gateway_was_killed() {
    let visit = visit_alone().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let mut stream = opens(&booking, None).await;
    let told = stream.next().await.unwrap().id.unwrap();
    visit.system.kill_usher_9().await;
    assert!(stream.next().await.is_none(), "a dead gateway has spoken");
    visit.system.start_usher().await;

    let reading = tokio::spawn(reads(opens(&booking, Some(&told)).await));
    booking.pays().await;
    let (versions, end) = reading.await.unwrap();
    assert_eq!(end.data["because"], "final");
    let told: i64 = told.parse().unwrap();
    assert!(versions.iter().all(|version| *version > told), "told again: {told}, {versions:?}");
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_foreign_stream_looks_like_a_missing_one() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let stranger = visit.customer();
    let theirs = Stream::open(&stranger, &booking.id, None).await.err().unwrap();
    let nobodys = Stream::open(&stranger, &format!("bk_{:026}", 7), None).await.err().unwrap();
    theirs.assert_problem(404, "not_found");
    assert_eq!(theirs.but_for_its_trace(), nobodys.but_for_its_trace());
    booking.cancels().await;
    visit.assert_balanced().await;
}

#[tokio::test]
async fn one_caller_listens_only_so_often_and_is_let_in_again_when_a_stream_is_closed() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let mut open = Vec::new();
    for _ in 0..16 {
        open.push(opens(&booking, None).await);
    }
    let refused = Stream::open(&booking.customer, &booking.id, None).await.err().unwrap();
    refused.assert_problem(503, "too_many_streams");
    assert_eq!(refused.header("retry-after"), "2");
    // Others are not touched by it, and whoever only asks is answered as ever.
    let other = visit.customer().books(Order::new(&visit)).await;
    drop(opens(&other, None).await);
    assert_eq!(booking.status().await, "PENDING");

    drop(open);
    let again = || async { Stream::open(&booking.customer, &booking.id, None).await.ok() };
    harness::until("a place for another stream", again).await;
    for booking in [booking, other] {
        booking.cancels().await;
    }
    visit.assert_balanced().await;
}
