//! What a person decides: by the command line, kept whatever happens, and followed to a right end.

use crate::staff::{DECIDE, READ, Staff};
use harness::{Booking, Order, Shopper, Visit, until, visit, visit_alone};
use schema::ids::PaymentId;
use serde_json::{Value, json};
use std::sync::Arc;

/// Vista does not let us do this at all: what is left is a person.
const REFUSED: &str = "code_66";
const VISTA_REFUSED: &str = "vista_refused_66";
const REFUND_REFUSED: &str = "payment_refused_800.100.152";

#[tokio::test]
async fn a_refused_confirmation_is_tried_again_and_the_customer_sees_nothing_of_it() {
    let booking = refused().await;
    let (staff, visit) = (Staff::of(&booking), &booking.customer.visit);
    let case = staff.case(&booking).await;
    assert_eq!((&case["cause"], &case["waits"]), (&json!(VISTA_REFUSED), &json!(true)));
    assert_eq!(case["decisions"], json!(["retry", "settled", "give-up"]));
    assert_eq!(case["at_risk"]["amount_minor"], 11_500);

    let decided = staff.decides(&case, &["retry", "--reason", "it is allowed again"]).await;
    assert_eq!(decided["told"], true);
    let view = booking.until_ticket().await;
    assert!(!view.to_string().contains("case"), "{view}");
    let shown = staff.usher(&["case", "show", id(&case)]).await.unwrap();
    let decided = &shown["decided"];
    assert_eq!(
        (&decided["by"], &decided["reason"]),
        (&json!("staff:7"), &json!("it is allowed again"))
    );
    assert!(!decided["at"].is_null() && shown["waits"] == false, "{shown}");
    assert_eq!(events(visit, &booking).await, ["case_opened", "case_decided"]);
    visit.assert_balanced_but_for(&[VISTA_REFUSED]).await;
}

#[tokio::test]
async fn a_refused_confirmation_that_is_given_up_is_taken_back_and_refunded() {
    let booking = refused().await;
    let staff = Staff::of(&booking);
    let case = staff.case(&booking).await;
    staff.decides(&case, &["give-up", "--reason", "the show is cancelled"]).await;
    booking.until("CANCELLED").await;
    booking.until_refunded().await;
    booking.customer.visit.assert_balanced_but_for(&[VISTA_REFUSED]).await;
}

#[tokio::test]
async fn a_booking_made_by_hand_at_the_cinema_is_confirmed_with_its_ticket() {
    let booking = refused().await;
    let (staff, visit) = (Staff::of(&booking), &booking.customer.visit);
    let case = staff.case(&booking).await;
    let made = books_by_hand(&booking).await;
    let evidence = json!({ "vista_booking_id": made["VistaBookingId"],
        "vista_booking_number": made["VistaBookingNumber"] });
    let settled = ["settled", "--reason", "booked at the box office", "--evidence"];
    let evidence = evidence.to_string();
    staff.decides(&case, &[&settled[..], &[&*evidence]].concat()).await;

    let view = booking.until_ticket().await;
    assert_eq!(view["status"], "CONFIRMED");
    assert_eq!(view["ticket"]["vista_booking_id"], made["VistaBookingId"]);
    assert_eq!(outcome(visit, &booking, "confirm_order").await, "BY_HAND");
    visit.assert_balanced_but_for(&[VISTA_REFUSED]).await;
}

#[tokio::test]
async fn a_refused_refund_is_sent_again() {
    let booking = refunded_with("decline").await;
    let staff = Staff::of(&booking);
    let case = staff.case(&booking).await;
    assert_eq!(case["decisions"], json!(["retry", "settled"]), "owed money is not called off");
    staff.decides(&case, &["retry", "--reason", "the account is funded again"]).await;
    booking.until_refunded().await;
    booking.until("CANCELLED").await;
    booking.customer.visit.assert_balanced_but_for(&[REFUND_REFUSED]).await;
}

#[tokio::test]
async fn a_refund_paid_back_otherwise_is_refunded_and_lets_the_booking_end() {
    let booking = refunded_with("decline").await;
    let staff = Staff::of(&booking);
    let case = staff.case(&booking).await;
    let evidence = r#"{"transaction": "SNB-2026-0117"}"#;
    let settled = ["settled", "--reason", "by bank transfer", "--evidence", evidence];
    staff.decides(&case, &settled).await;
    booking.until_refunded().await;
    booking.until("CANCELLED").await;
    assert_eq!(outcome(&booking.customer.visit, &booking, "send_refund").await, "BY_HAND");
    booking.customer.visit.assert_balanced_but_for(&[REFUND_REFUSED]).await;
}

#[tokio::test]
async fn a_refund_that_its_vendor_takes_on_and_then_declines_is_settled_by_hand() {
    let booking = refunded_with("pending_then_decline_2").await;
    let staff = Staff::of(&booking);
    let case = staff.case(&booking).await;
    assert_eq!(
        (&case["step"], &case["decisions"]),
        (&json!("ask_refund"), &json!(["settled"])),
        "it is asked about all the time"
    );
    let evidence = r#"{"transaction": "SNB-2026-0118"}"#;
    let settled = ["settled", "--reason", "by bank transfer", "--evidence", evidence];
    staff.decides(&case, &settled).await;
    booking.until_refunded().await;
    booking.until("CANCELLED").await;
    booking.customer.visit.assert_balanced_but_for(&[REFUND_REFUSED]).await;
}

#[tokio::test]
async fn reserved_money_that_is_not_to_be_had_is_given_up_and_the_booking_says_so() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let payment = booking.opens_card_payment().await;
    let capture = PaymentId::from_bare(payment.reference()).unwrap().capture_reference();
    visit.hyperpay().fails("capture", &capture, "decline").await;
    payment.shopper(Shopper::Approves).await;
    booking.until_ticket().await;
    let staff = Staff::of(&booking);
    let case = staff.case(&booking).await;
    assert_eq!(case["step"], "capture_payment");
    assert_eq!(case["decisions"], json!(["retry", "settled", "give-up"]));

    staff.decides(&case, &["give-up", "--reason", "the reservation has lapsed"]).await;
    payment.until("VOIDED").await;
    let view = booking.looks().await;
    assert_eq!(view["status"], "CONFIRMED");
    assert!(view["timeline"].to_string().contains("\"not_collected\""), "{view}");
    let says = view["standing"]["says"]["en"].as_str().unwrap();
    assert!(!says.contains("charged"), "{says}");
    visit.assert_balanced_but_for(&[REFUND_REFUSED]).await;
}

#[tokio::test]
async fn nobody_decides_without_the_permission_a_reason_and_fitting_evidence() {
    let booking = refused().await;
    let (staff, visit) = (Staff::of(&booking), &booking.customer.visit);
    let case = staff.case(&booking).await;
    let path = format!("/api/v1/cms/cases/{}/decision", id(&case));
    let because = |decision: &str| json!({ "decision": decision, "reason": "because" });

    let reader = Staff::may(visit, "8", &[READ]);
    reader.posts(&path, &because("retry")).await.assert_problem(403, "forbidden");
    let customer = booking.customer.posts(&path, "key", &because("retry")).await;
    customer.assert_problem(403, "forbidden");
    let decider = Staff::may(visit, "9", &[DECIDE]);
    decider
        .gets(&format!("/api/v1/cms/cases/{}", id(&case)))
        .await
        .assert_problem(403, "forbidden");
    decider.gets("/api/v1/cms/stuck").await.assert_problem(403, "forbidden");

    for unknown in ["case_00000000000000000000000000", "case_", "bk_1"] {
        staff.gets(&format!("/api/v1/cms/cases/{unknown}")).await.assert_problem(404, "not_found");
        let path = format!("/api/v1/cms/cases/{unknown}/decision");
        staff.posts(&path, &because("retry")).await.assert_problem(404, "not_found");
    }

    let wrong = [
        (json!({ "decision": "retry" }), "invalid_body"),
        (json!({ "decision": "maybe", "reason": "because" }), "invalid_body"),
        (json!({ "decision": "retry", "reason": " " }), "reason_missing"),
        (json!({ "decision": "retry", "reason": "x".repeat(1_001) }), "reason_missing"),
        (because("settled"), "evidence_insufficient"),
        (with(&because("settled"), &json!({ "seen": "it" })), "evidence_insufficient"),
        (with(&because("settled"), &json!("WXY12")), "evidence_insufficient"),
        (with(&because("retry"), &json!({ "seen": "it" })), "evidence_not_wanted"),
    ];
    for (body, code) in wrong {
        staff.posts(&path, &body).await.assert_problem(400, code);
    }
    let refused = staff.usher(&["case", "decide", id(&case), "settled", "--reason", "x"]).await;
    assert!(refused.unwrap_err().contains("vista_booking_id"), "what is expected is said");

    staff.decides(&case, &["give-up", "--reason", "enough"]).await;
    booking.until("CANCELLED").await;
    visit.assert_balanced_but_for(&[VISTA_REFUSED]).await;
}

#[tokio::test]
async fn a_case_is_decided_once_and_never_altered() {
    let booking = refused().await;
    let (staff, visit) = (Staff::of(&booking), &booking.customer.visit);
    let case = staff.case(&booking).await;
    let first = staff.decides(&case, &["give-up", "--reason", "first"]).await;
    let again = staff.decides(&case, &["give-up", "--reason", "the same again"]).await;
    assert_eq!(first["decided"], again["decided"]);

    let path = format!("/api/v1/cms/cases/{}/decision", id(&case));
    let colleague = Staff::may(visit, "8", &[READ, DECIDE]);
    for (who, decision) in [(&staff, "retry"), (&colleague, "give-up")] {
        let answer = who.posts(&path, &json!({ "decision": decision, "reason": "other" })).await;
        answer.assert_problem(409, "decided_before");
        let says = answer.body["detail"].as_str().unwrap();
        assert!(says.contains("staff:7") && says.contains("give-up"), "{says}");
    }
    let bare = id(&case).trim_start_matches("case_");
    for forge in [
        "UPDATE cases SET reason = 'another' WHERE case_id = $1",
        "UPDATE cases SET decision = NULL, decided_by = NULL, reason = NULL, decided_at = NULL WHERE case_id = $1",
        "DELETE FROM cases WHERE case_id = $1",
    ] {
        let forged = sqlx::query(forge).bind(bare).execute(&visit.db).await;
        assert!(forged.is_err(), "{forge}");
    }
    booking.until("CANCELLED").await;
    visit.assert_balanced_but_for(&[VISTA_REFUSED]).await;
}

#[tokio::test]
async fn an_open_case_takes_a_decision_and_nothing_else() {
    let booking = refused().await;
    let (staff, visit) = (Staff::of(&booking), &booking.customer.visit);
    let case = staff.case(&booking).await;
    let bare = id(&case).trim_start_matches("case_");
    for forge in [
        "UPDATE cases SET at_risk_minor = 0 WHERE case_id = $1",
        "UPDATE cases SET decisions = '{retry,settled,give-up,other}' WHERE case_id = $1",
        "UPDATE cases SET decision = 'retry' WHERE case_id = $1",
        "UPDATE cases SET decision = 'settled', decided_by = 'x', reason = 'y', decided_at = now() WHERE case_id = $1",
        "DELETE FROM cases WHERE case_id = $1",
    ] {
        let forged = sqlx::query(forge).bind(bare).execute(&visit.db).await;
        assert!(forged.is_err(), "{forge}");
    }
    staff.decides(&case, &["give-up", "--reason", "enough"]).await;
    booking.until("CANCELLED").await;
    visit.assert_balanced_but_for(&[VISTA_REFUSED]).await;
}

#[tokio::test]
async fn a_decision_kept_without_its_engine_is_followed_after_a_restart() {
    let visit = visit_alone().await;
    let booking = refused_in(&visit).await;
    let staff = Staff::of(&booking);
    let case = staff.case(&booking).await;
    visit.system.engines.restate.kill_9().await;

    let stuck = staff.usher(&["stuck"]).await.unwrap();
    assert_eq!(stuck["engine"]["answers"], false);
    assert!(waiting(&stuck, &booking).is_some_and(|entry| entry["case"] == case["id"]), "{stuck}");
    let kept = staff.decides(&case, &["give-up", "--reason", "the show is cancelled"]).await;
    assert_eq!(kept["told"], false);

    // It dies before anybody could tell the workflow.
    visit.system.kill_usher_9().await;
    visit.system.engines.restate.start().await.unwrap();
    visit.system.start_usher().await;
    booking.until("CANCELLED").await;
    booking.until_refunded().await;
    visit.assert_balanced_but_for(&[VISTA_REFUSED]).await;
    visit.assert_quiet().await;
}

#[tokio::test]
async fn what_waits_for_a_vendor_is_listed_with_its_reason_and_heals_by_itself() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    visit.vista().fails("pay_order", &booking.order.session, "http_500_before").await;
    booking.pays().await;

    let staff = Staff::of(&booking);
    let look = || async { waiting(&staff.usher(&["stuck"]).await.ok()?, &booking) };
    let entry = until("a call that waits", look).await;
    for (field, value) in [
        ("workflow", json!("Booking")),
        ("step", json!("confirm_order")),
        ("waits_for", json!("vista")),
        ("attempts", json!(1)),
    ] {
        assert_eq!(entry[field], value, "{entry}");
    }
    assert!(entry["why"].as_str().is_some_and(|why| why.contains("500")), "{entry}");
    assert!(entry["next_try_at"].is_string() && entry["since"].is_string(), "{entry}");
    assert_eq!(entry["at_risk"]["amount_minor"], 11_500);

    booking.until_ticket().await;
    let after = staff.usher(&["stuck"]).await.unwrap();
    assert_eq!(waiting(&after, &booking), None);
    visit.assert_balanced().await;
}

#[tokio::test]
async fn cases_are_listed_page_by_page_the_youngest_first() {
    let visit = visit().await;
    let (first, second) = (refused_in(&visit).await, refused_in(&visit).await);
    let staff = Staff::of(&first);
    let (first_case, second_case) = (staff.case(&first).await, staff.case(&second).await);
    let wanted = [id(&second_case), id(&first_case)];

    let mut seen = Vec::new();
    let mut path = "/api/v1/cms/cases?limit=1".to_owned();
    while seen.len() < 1_000 {
        let page = staff.gets(&path).await.body;
        seen.extend(page["cases"].as_array().unwrap().iter().map(|case| id(case).to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/cms/cases?limit=1&before={next}");
    }
    let ours: Vec<&str> = seen.iter().map(|id| &**id).filter(|id| wanted.contains(id)).collect();
    assert_eq!(ours, wanted);
    for wrong in ["state=closed", "limit=many", "booking=bk_1", "before=bk_1", "colour=red"] {
        let answer = staff.gets(&format!("/api/v1/cms/cases?{wrong}")).await;
        answer.assert_problem(400, "invalid_query");
    }

    for (booking, case) in [(&first, &first_case), (&second, &second_case)] {
        staff.decides(case, &["give-up", "--reason", "enough"]).await;
        booking.until("CANCELLED").await;
    }
    let of_first = ["cases", "--booking", &first.id];
    assert_eq!(staff.usher(&of_first).await.unwrap()["cases"], json!([]));
    let all = staff.usher(&[&of_first[..], &["--all"]].concat()).await.unwrap();
    assert_eq!(id(&all["cases"][0]), id(&first_case));
    visit.assert_balanced_but_for(&[VISTA_REFUSED]).await;
}

/// A paid booking that Vista does not let us confirm.
pub(crate) async fn refused() -> Booking {
    refused_in(&visit().await).await
}

async fn refused_in(visit: &Arc<Visit>) -> Booking {
    let booking = visit.customer().books(Order::new(visit)).await;
    visit.vista().fails("pay_order", &booking.order.session, REFUSED).await;
    booking.pays().await;
    booking
}

/// A paid booking that Vista rejects, and whose money its vendor does not simply give back.
async fn refunded_with(fault: &str) -> Booking {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    visit.vista().fails("pay_order", &booking.order.session, "code_69").await;
    let payment = booking.opens_payment().await;
    visit.hyperpay().fails("refund", payment.reference(), fault).await;
    payment.shopper(Shopper::Approves).await;
    booking
}

/// What somebody at the cinema does: the order becomes a booking there.
async fn books_by_hand(booking: &Booking) -> Value {
    let visit = &booking.customer.visit;
    let query = "SELECT vista_order, total_minor FROM bookings WHERE booking_id = $1";
    let row = sqlx::query_as::<_, (String, i64)>(query).bind(booking.bare());
    let (order, total) = row.fetch_one(&visit.db).await.unwrap();
    let payment = json!({ "PaymentValueCents": total, "PaymentTenderCategory": "CREDIT" });
    let completion = json!({ "UserSessionId": order, "PaymentInfo": payment,
        "BookingNotes": format!("usher:{}", booking.bare()) });
    let made = visit.vista().asked("RESTTicketing.svc/order/payment", &completion).await;
    assert_eq!(made["Result"], 0, "{made}");
    made
}

async fn outcome(visit: &Visit, booking: &Booking, step: &str) -> String {
    let query = "SELECT outcome FROM vendor_calls WHERE booking_id = $1 AND step = $2";
    let query = sqlx::query_scalar(query).bind(booking.bare()).bind(step);
    query.fetch_one(&visit.db).await.unwrap()
}

/// The events about cases in the booking's own timeline.
async fn events(visit: &Visit, booking: &Booking) -> Vec<String> {
    let query = "SELECT kind FROM booking_events WHERE booking_id = $1 AND kind LIKE 'case%' ORDER BY version";
    sqlx::query_scalar(query).bind(booking.bare()).fetch_all(&visit.db).await.unwrap()
}

fn with(body: &Value, evidence: &Value) -> Value {
    let mut body = body.clone();
    body["evidence"] = evidence.clone();
    body
}

fn waiting(stuck: &Value, booking: &Booking) -> Option<Value> {
    let entries = stuck["waiting"].as_array()?;
    entries.iter().find(|entry| entry["booking"] == *booking.id).cloned()
}

fn id(case: &Value) -> &str {
    case["id"].as_str().unwrap()
}
