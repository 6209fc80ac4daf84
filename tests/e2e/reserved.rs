//! Money that is reserved when the customer pays: taken once Vista has the booking, let go otherwise.

use crate::unwinding::confirming_with;
use harness::{Booking, Order, Payment, Setup, Shopper, Visit, visit, visit_alone, visit_with};
use schema::ids::PaymentId;
use serde_json::{Value, json};
use std::sync::Arc;

async fn booked(visit: &Arc<Visit>) -> Booking {
    visit.customer().books(Order::new(visit)).await
}

/// What the vendor has written down about this payment's money, in order.
async fn moves(visit: &Visit, payment: &Payment) -> Vec<String> {
    let ledger = visit.hyperpay().ledger().await;
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or_default().to_owned();
    let reservation = ledger
        .iter()
        .find(|entry| entry["kind"] == "authorize" && entry["reference"] == payment.reference());
    let reservation = reservation.map(|entry| text(entry, "vendor_id")).unwrap_or_default();
    let about = ledger.iter().filter(|entry| {
        let money = ["authorize", "capture", "reversal", "refund"].contains(&&*text(entry, "kind"));
        let ours = text(entry, "vendor_id") == reservation || text(entry, "parent") == reservation;
        money && ours && !reservation.is_empty()
    });
    about.map(|entry| text(entry, "kind")).collect()
}

/// How the vendor knows the taking of this payment's money.
fn capture_reference(payment: &Payment) -> String {
    PaymentId::from_bare(payment.reference()).unwrap().capture_reference()
}

#[tokio::test]
async fn it_is_taken_once_vista_has_the_booking() {
    let visit = visit().await;
    let booking = booked(&visit).await;
    let payment = booking.opens_card_payment().await;
    payment.shopper(Shopper::Approves).await;

    booking.until_ticket().await;
    let view = payment.until("CAPTURED").await;
    assert_eq!(view["verdict"], "WON");
    assert_eq!(moves(&visit, &payment).await, ["authorize", "capture"]);
    let timeline = booking.looks().await["timeline"].clone();
    let kinds: Vec<&str> =
        timeline.as_array().unwrap().iter().filter_map(|event| event["kind"].as_str()).collect();
    let place = |kind: &str| kinds.iter().position(|it| *it == kind);
    assert!(
        place("reserved") < place("confirmed") && place("confirmed") < place("taken"),
        "{kinds:?}"
    );
    visit.assert_balanced().await;
}

#[tokio::test]
async fn nothing_moves_when_the_cinema_says_no() {
    let visit = visit().await;
    let booking = booked(&visit).await;
    let payment = booking.opens_card_payment().await;
    visit.vista().fails("pay_order", &booking.order.session, "code_69").await;
    payment.shopper(Shopper::Approves).await;

    booking.until("CANCELLED").await;
    booking.until_refunded().await;
    assert_eq!(payment.looks().await["status"], "VOIDED");
    assert_eq!(moves(&visit, &payment).await, ["authorize", "reversal"]);
    visit.assert_balanced().await;
}

#[tokio::test]
async fn what_is_reserved_too_late_is_let_go() {
    let visit = visit().await;
    let booking = booked(&visit).await;
    let payment = booking.opens_card_payment().await;
    assert_eq!(booking.cancels().await.status, 200);
    payment.shopper(Shopper::Approves).await;

    booking.until_refunded().await;
    assert_eq!(moves(&visit, &payment).await, ["authorize", "reversal"]);
    assert_eq!(payment.looks().await["verdict"], "LATE");
    visit.assert_balanced().await;
}

#[tokio::test]
async fn what_shows_as_reserved_after_its_session_was_given_up_is_let_go() {
    // The vendor's session is over sooner.
    let visit = visit_with(Setup { factor: 120, ..Setup::default() }).await;
    let booking = booked(&visit).await;
    let payment = booking.opens_card_payment().await;
    let blind = ["query_reference", "query_id", "status_checkout"].map(|look_up| {
        let matching = json!({ "op": look_up, "reference": payment.reference() });
        json!({ "match": matching, "fault": "lookup_lag", "times": 0 })
    });
    visit.misbehaves("hyperpay", &json!(blind)).await;
    visit.hyperpay().fails("webhook", payment.reference(), "lost").await;
    payment.shopper(Shopper::Approves).await;
    payment.until("ABANDONED").await;

    visit.all_goes_well().await;
    let redelivery = json!({ "reference": payment.reference() });
    assert_eq!(visit.hyperpay().redelivers(&redelivery).await, [json!(200)]);
    booking.until_refunded().await;
    let view = payment.looks().await;
    assert_eq!((&view["status"], &view["verdict"]), (&json!("VOIDED"), &json!("LATE")));
    assert_eq!(moves(&visit, &payment).await, ["authorize", "reversal"]);
    visit.assert_balanced().await;
}

#[tokio::test]
async fn staff_take_back_what_is_only_reserved() {
    let visit = visit().await;
    let (booking, payment) = confirming_with(&visit, "timeout_after").await;
    booking.at_engine("cancel").await;

    booking.until("CANCELLED").await;
    booking.until_refunded().await;
    assert_eq!(moves(&visit, &payment).await, ["authorize", "reversal"]);
    visit.assert_balanced().await;
}

/// The notice names the capture (`CP`) and its reference, and nothing of the reservation.
#[tokio::test]
async fn a_chargeback_of_what_took_it_finds_its_booking() {
    let visit = visit().await;
    let booking = booked(&visit).await;
    let payment = booking.opens_card_payment().await;
    payment.shopper(Shopper::Approves).await;
    booking.until_ticket().await;
    payment.until("CAPTURED").await;

    let url = format!("{}/_sim/hyperpay/chargebacks", visit.system.sandbox);
    let order = json!({ "reference": capture_reference(&payment) });
    let answer = visit.http.post(url).json(&order).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
    visit.until_case("chargeback", &booking).await;
    visit.assert_balanced_but_for(&["chargeback"]).await;
}

#[tokio::test]
async fn a_lost_answer_about_taking_it_is_looked_up() {
    let visit = visit().await;
    for fault in ["timeout_before", "timeout_after"] {
        let booking = booked(&visit).await;
        let payment = booking.opens_card_payment().await;
        visit.hyperpay().fails("capture", &capture_reference(&payment), fault).await;
        payment.shopper(Shopper::Approves).await;
        // The customer has the ticket meanwhile.
        booking.until_ticket().await;
        payment.until("CAPTURED").await;
        assert_eq!(moves(&visit, &payment).await, ["authorize", "capture"], "{fault}");
    }
    visit.assert_balanced().await;
}

#[tokio::test]
async fn usher_dies_before_it_is_taken() {
    let visit = visit_alone().await;
    let booking = booked(&visit).await;
    let payment = booking.opens_card_payment().await;
    visit.hyperpay().is_away("capture", &capture_reference(&payment)).await;
    payment.shopper(Shopper::Approves).await;
    booking.until_ticket().await;
    assert_eq!(payment.looks().await["status"], "AUTHORIZED");

    visit.system.kill_usher_9().await;
    visit.hyperpay().heals().await;
    visit.system.start_usher().await;
    payment.until("CAPTURED").await;
    assert_eq!(moves(&visit, &payment).await, ["authorize", "capture"]);
    visit.assert_balanced().await;
}
