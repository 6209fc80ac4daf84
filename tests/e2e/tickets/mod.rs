//! Tickets: what a guest shows at the door, keeps in a wallet, and needs for the tax; and a cinema or a store that is away.

mod away;
mod passes;

use harness::{Booking, Order, SELLER, Visit, read_picture, visit};
use std::{collections::BTreeSet, sync::Arc};

/// A paid booking with its ticket.
async fn sold(visit: &Arc<Visit>) -> Booking {
    let booking = visit.customer().books(Order::new(visit)).await;
    booking.pays().await;
    booking.until_ticket().await;
    booking
}

fn path(booking: &Booking, kind: &str) -> String {
    format!("/api/v1/orders/{}/ticket.{kind}", booking.id)
}

/// The picture as its owner gets it.
async fn downloaded(booking: &Booking) -> Vec<u8> {
    let request = booking.customer.request(reqwest::Method::GET, &path(booking, "png"));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn the_picture_says_to_a_scanner_what_the_cinema_and_the_tax_authority_want() {
    let visit = visit().await;
    let booking = sold(&visit).await;
    let view = booking.looks().await;
    let text = |field: &str| view["ticket"][field].as_str().unwrap().to_owned();
    let meant = BTreeSet::from([text("vista_booking_id"), text("invoice_qr")]);
    assert_eq!(read_picture(&downloaded(&booking).await).unwrap(), meant);

    let invoice = data_encoding::BASE64.decode(text("invoice_qr").as_bytes()).unwrap();
    let [tag, length, rest @ ..] = &*invoice else { panic!("no fields") };
    let name = &rest[..usize::from(*length)];
    assert_eq!((*tag, name), (1, SELLER.as_bytes()));
    assert!(name.len() > 127);
    let end = [&[4, 6][..], b"115.00", &[5, 5], b"15.00"].concat();
    assert!(invoice.ends_with(&end), "{invoice:?}");
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_picture_that_is_known_is_not_sent_again() {
    let visit = visit().await;
    let booking = sold(&visit).await;
    let first = booking.customer.gets(&path(&booking, "png")).await;
    assert_eq!((first.status, first.header("content-type")), (200, "image/png"));
    assert!(first.header("cache-control").contains("private"));
    let request = booking.customer.request(reqwest::Method::GET, &path(&booking, "png"));
    let again = request.header("if-none-match", first.header("etag")).send().await.unwrap();
    assert_eq!(again.status(), 304);
}

#[tokio::test]
async fn a_ticket_is_its_owners_only_and_there_only_once_it_is_issued() {
    let visit = visit().await;
    let booking = sold(&visit).await;
    let waiting = visit.customer().books(Order::new(&visit)).await;
    let stranger = visit.customer();
    for kind in ["svg", "png", "pkpass"] {
        assert_eq!(booking.customer.gets(&path(&booking, kind)).await.status, 200, "{kind}");
        let foreign = stranger.gets(&path(&booking, kind)).await;
        foreign.assert_problem(404, "not_found");
        let none = waiting.customer.gets(&path(&waiting, kind)).await;
        assert_eq!(none.but_for_its_trace(), foreign.but_for_its_trace(), "{kind}");
    }
    waiting.cancels().await;
    visit.assert_balanced().await;
}
