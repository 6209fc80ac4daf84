//! Money that no machine decides about: in another currency, of another amount, or undecided for long. What a person
//! decides holds, and what the vendor says after all is heard.

use crate::{staff::Staff, webhooks::notice};
use harness::{Booking, Order, Payment, Setup, Shopper, Visit, Way, seal, visit, visit_with};
use schema::ids::PaymentId;
use serde_json::json;
use std::sync::Arc;

const ANOTHER_AMOUNT: &str = "captured_another_amount";
const PENDING: &str = "payment_pending_after_its_session";
const UNREADABLE: &str = "payment_unreadable_after_its_session";
const CLAIMED: &str = "webhook_claims_more_than_the_vendor_shows";
const UNDECIDED: &str = "capture_undecided";

async fn opened(visit: &Arc<Visit>, way: Way) -> (Booking, Payment) {
    let booking = visit.customer().books(Order::new(visit)).await;
    let payment = booking.opens(way).await;
    (booking, payment)
}

/// One call about this payment goes wrong at its vendor.
async fn goes_wrong(visit: &Visit, payment: &Payment, at: (Way, &str), fault: &str) {
    let (way, operation) = at;
    let matching = json!({ "op": operation, "reference": payment.reference() });
    let rule = json!({ "match": matching, "fault": fault });
    visit.misbehaves(way.vendor(), &rule).await;
}

/// A card whose money the vendor reserves, and is not quick to take.
async fn sold_by_card(visit: &Arc<Visit>, fault: (&str, u64)) -> (Booking, Payment) {
    let (booking, payment) = opened(visit, Way::HyperPayCard).await;
    let capture = PaymentId::from_bare(payment.reference()).unwrap().capture_reference();
    visit.hyperpay().fails_for("capture", &capture, fault).await;
    payment.shopper(Shopper::Approves).await;
    booking.until_ticket().await;
    (booking, payment)
}

/// Nobody collects it any more, and the booking says so.
async fn is_not_collected(booking: &Booking, payment: &Payment) {
    payment.until("VOIDED").await;
    let view = booking.looks().await;
    assert_eq!(view["status"], "CONFIRMED");
    assert!(view["timeline"].to_string().contains("\"not_collected\""), "{view}");
}

#[tokio::test]
async fn money_in_another_currency_buys_nothing_reserved_or_taken() {
    let visit = visit().await;
    for way in [Way::CheckoutCard, Way::HyperPayCard, Way::HyperPayPage] {
        let (booking, payment) = opened(&visit, way).await;
        goes_wrong(&visit, &payment, (way, "pay"), "currency_mismatch").await;
        payment.is_made().await;
        visit.until_case(ANOTHER_AMOUNT, &booking).await;
        assert_eq!(payment.looks().await["verdict"], "DISPUTED", "{way:?}");
        let case = Staff::of(&booking).case(&booking).await;
        let told = case["detail"].as_str().unwrap();
        assert!(told.contains("115.00 SAR") && !told.ends_with("SAR"), "{way:?}: {told}");
        assert_eq!(case["at_risk"]["amount_minor"], 11_500, "{way:?}");
        booking.until("EXPIRED").await;
    }
    visit.assert_balanced_but_for(&[ANOTHER_AMOUNT]).await;
}

#[tokio::test]
async fn less_taken_than_was_asked_is_a_case_that_can_be_given_up() {
    let visit = visit().await;
    for fault in ["partial_capture", "partial_close"] {
        let (booking, payment) = opened(&visit, Way::Tabby).await;
        goes_wrong(&visit, &payment, (Way::Tabby, "capture"), fault).await;
        payment.is_made().await;
        booking.until_ticket().await;
        let staff = Staff::of(&booking);
        let case = staff.case(&booking).await;
        assert_eq!(
            (&case["cause"], &case["step"]),
            (&json!(ANOTHER_AMOUNT), &json!("ask_capture"))
        );
        assert_eq!(case["decisions"], json!(["settled", "give-up"]));
        let told = case["detail"].as_str().unwrap();
        assert!(told.contains("115.00 SAR") && told.contains("57.50 SAR"), "{told}");
        assert!(case["settled_needs"].as_str().unwrap().contains("Tabby"), "{case}");

        staff.decides(&case, &["give-up", "--reason", "sent back what was taken"]).await;
        is_not_collected(&booking, &payment).await;
    }
    visit.assert_balanced_but_for(&[ANOTHER_AMOUNT]).await;
}

#[tokio::test]
async fn less_taken_after_it_was_given_up_is_a_case_of_its_own() {
    let visit = visit().await;
    let (booking, payment) = opened(&visit, Way::Tabby).await;
    let denied = json!({ "op": "capture", "reference": payment.reference() });
    let denied = json!({ "match": denied, "fault": "denied", "times": 0 });
    visit.misbehaves("tabby", &denied).await;
    payment.is_made().await;
    booking.until_ticket().await;
    let staff = Staff::of(&booking);
    let case = staff.case(&booking).await;
    staff.decides(&case, &["give-up", "--reason", "the reservation has lapsed"]).await;
    is_not_collected(&booking, &payment).await;

    // Somebody takes half of it there, and the vendor tells.
    visit.all_goes_well().await;
    let query = "SELECT vendor_session FROM payments WHERE payment_id = $1";
    let id = sqlx::query_scalar::<_, String>(query).bind(payment.reference());
    let id = id.fetch_one(&visit.db).await.unwrap();
    let url = format!("{}/tabby/api/v2/payments/{id}/captures", visit.system.sandbox);
    let half = json!({ "amount": "57.50", "reference_id": "by hand" });
    let request = visit.http.post(url).bearer_auth(sandbox::TABBY_KEY).json(&half);
    assert_eq!(request.send().await.unwrap().status(), 200);
    visit.until_case(ANOTHER_AMOUNT, &booking).await;
    let told = visit.redelivers("tabby", &json!({ "reference": payment.reference() })).await;
    assert!(told.iter().all(|status| *status == 200), "{told:?}");
    visit.assert_balanced_but_for(&[ANOTHER_AMOUNT, "payment_refused_*"]).await;
}

#[tokio::test]
async fn a_capture_that_its_vendor_takes_on_and_then_declines_is_given_up() {
    let visit = visit().await;
    let (booking, payment) = sold_by_card(&visit, ("pending_then_decline_2", 0)).await;
    let staff = Staff::of(&booking);
    let case = staff.case(&booking).await;
    assert_eq!(case["step"], "ask_capture");
    assert_eq!(case["decisions"], json!(["settled", "give-up"]), "it is asked about all the time");

    staff.decides(&case, &["give-up", "--reason", "the reservation has lapsed"]).await;
    is_not_collected(&booking, &payment).await;
    visit.assert_balanced_but_for(&["payment_refused_*"]).await;
}

#[tokio::test]
async fn a_capture_that_may_still_be_taken_is_not_given_up() {
    // The vendor is given up sooner.
    let visit = visit_with(Setup { factor: 120, ..Setup::default() }).await;
    let (booking, payment) = sold_by_card(&visit, ("pending_10000", 27_000)).await;
    let staff = Staff::of(&booking);
    let case = staff.case(&booking).await;
    assert_eq!((&case["cause"], &case["step"]), (&json!(UNDECIDED), &json!("ask_capture")));
    staff.decides(&case, &["give-up", "--reason", "it has been silent for long"]).await;

    payment.until("CAPTURED").await;
    let view = booking.looks().await;
    assert!(!view["timeline"].to_string().contains("\"not_collected\""), "{view}");
    visit.assert_balanced_but_for(&[UNDECIDED]).await;
}

#[tokio::test]
async fn a_payment_that_a_person_has_settled_is_asked_about_no_more_and_still_heard() {
    // The vendor's session is over sooner.
    let visit = visit_with(Setup { factor: 120, ..Setup::default() }).await;
    let (booking, payment) = opened(&visit, Way::HyperPayPage).await;
    visit.hyperpay().stays_pending(payment.reference(), 45_000).await;
    payment.tries(Shopper::Approves).await;
    visit.until_case(PENDING, &booking).await;
    booking.until("EXPIRED").await;
    let staff = Staff::of(&booking);
    let evidence = r#"{"seen": "the acquirer knows of nothing"}"#;
    let settled = ["settled", "--reason", "asked by telephone", "--evidence", evidence];
    staff.decides(&staff.case(&booking).await, &settled).await;
    payment.until("ABANDONED").await;
    visit.assert_quiet().await;

    // The vendor decides after all, and tells.
    booking.until_refunded().await;
    assert_eq!(payment.looks().await["verdict"], "LATE");
    visit.assert_balanced_but_for(&[PENDING]).await;
}

#[tokio::test]
async fn what_a_silent_vendor_claims_of_a_settled_payment_is_a_case() {
    // The vendor's session is over sooner.
    let visit = visit_with(Setup { factor: 120, ..Setup::default() }).await;
    let (booking, payment) = opened(&visit, Way::HyperPayPage).await;
    let silent = ["query_reference", "query_id", "status_checkout"].map(|look_up| {
        let matching = json!({ "op": look_up, "reference": payment.reference() });
        json!({ "match": matching, "fault": "http_503_before", "times": 0 })
    });
    visit.misbehaves("hyperpay", &json!(silent)).await;
    visit.until_case(UNREADABLE, &booking).await;
    let staff = Staff::of(&booking);
    let evidence = r#"{"seen": "nobody has paid in it"}"#;
    let settled = ["settled", "--reason", "seen in the portal", "--evidence", evidence];
    staff.decides(&staff.case(&booking).await, &settled).await;
    payment.until("ABANDONED").await;

    let sealed = seal(&visit.system.keys.webhook, &notice(payment.reference()));
    assert_eq!(visit.hyperpay().delivers(&sealed).await.status, 200);
    visit.until_case(CLAIMED, &booking).await;
    visit.assert_quiet().await;
    visit.assert_balanced_but_for(&[UNREADABLE, CLAIMED]).await;
}
