//! The checker, checked: books that were tampered with must not balance.

use harness::{Booking, Order, Payment, visit};
use serde_json::json;

/// A booking with its ticket, paid with this.
async fn sold() -> (Booking, Payment) {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let payment = booking.pays().await;
    booking.until_ticket().await;
    visit.assert_balanced().await;
    (booking, payment)
}

#[tokio::test]
async fn money_given_back_behind_our_back_is_noticed() {
    let (booking, payment) = sold().await;
    let visit = &booking.customer.visit;
    let ledger = visit.hyperpay().about(payment.reference()).await;
    let capture = ledger.iter().find(|entry| entry["kind"] == "capture").unwrap();
    let transaction = capture["vendor_id"].as_str().unwrap();
    let back = visit.hyperpay().gives_back(transaction, "115.00").await;
    assert_eq!(back.status, 200, "{back:?}");
    visit.assert_unbalanced("M2: paid once").await;
    visit.assert_unbalanced("M1: refunds are as written down").await;
    visit.assert_unbalanced_in_the_end("EFF: nobody has asked for this").await;
}

#[tokio::test]
async fn a_booking_that_vista_has_given_up_is_noticed() {
    let (booking, _) = sold().await;
    let visit = &booking.customer.visit;
    let id = booking.looks().await["ticket"]["vista_booking_id"].clone();
    let refund = json!({ "CinemaId": "0001", "BookingId": id, "RefundGroupNumbers": [1, 2],
        "RefundAmount": 11_500 });
    let refund = visit.vista().asked("RESTBooking.svc/booking/refund", &refund).await;
    assert_eq!(refund["ResultCode"], 0, "{refund}");
    visit.assert_unbalanced("M3: Vista has its booking").await;
}

#[tokio::test]
async fn a_second_booking_at_vista_is_noticed() {
    let (booking, _) = sold().await;
    let visit = &booking.customer.visit;
    let order = visit.customer().books(Order::of(&booking.order.session, &["H8"])).await;
    let query = "SELECT vista_order FROM bookings WHERE booking_id = $1";
    let usid: String =
        sqlx::query_scalar(query).bind(order.bare()).fetch_one(&visit.db).await.unwrap();
    let pay = json!({ "UserSessionId": usid, "BookingNotes": format!("usher:{}", booking.bare()),
        "PaymentInfo": { "PaymentValueCents": 5_750 } });
    let paid = visit.vista().asked("RESTTicketing.svc/order/payment", &pay).await;
    assert_eq!(paid["Result"], 0, "{paid}");
    visit.assert_unbalanced("S1: Vista has 2 bookings").await;
}

#[tokio::test]
async fn rows_that_say_something_else_than_the_vendors_are_noticed() {
    let tampering = [
        ("UPDATE seats SET released_at = now() WHERE booking_id = $1", "S1: its seats are held"),
        ("DELETE FROM tickets WHERE booking_id = $1", "M3: its ticket"),
        (
            "UPDATE tickets SET vista_booking_id = 'OTHER' WHERE booking_id = $1",
            "M3: the ticket is for Vista's booking",
        ),
        ("UPDATE tickets SET qr_svg = '<svg/>' WHERE booking_id = $1", "M3: the picture says"),
        (
            "DELETE FROM vendor_calls WHERE booking_id = $1 AND step = 'confirm_order'",
            "EFF: nobody has asked for this",
        ),
        ("UPDATE bookings SET status = 'CANCELLED' WHERE booking_id = $1", "ORD"),
        (
            "INSERT INTO booking_events (booking_id, version, kind, detail)
             VALUES ($1, 100, 'paid', '{}')",
            "ORD: from CONFIRMED to CONFIRMING",
        ),
    ];
    for (tampered, why) in tampering {
        let (booking, _) = sold().await;
        let visit = &booking.customer.visit;
        sqlx::query(tampered).bind(booking.bare()).execute(&visit.db).await.unwrap();
        visit.assert_unbalanced(why).await;
    }
}

#[tokio::test]
async fn a_booking_that_hangs_is_noticed() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    visit.assert_unbalanced("LIV: an end; it is PENDING").await;
    booking.cancels().await;
    visit.assert_balanced().await;
}
