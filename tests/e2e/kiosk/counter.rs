//! What no terminal reverses: the counter gives it back, by a code; and what somebody reverses that nobody has asked for.

use super::{
    acknowledges, at_the_terminal, paid_while, reverses, taken, told_to_reverse, unhurried,
};
use crate::staff::Staff;
use harness::{Answer, Booking, Visit, until, visit_with};
use schema::{Db, ids::RefundId, past_due};
use serde_json::{Value, json};
use std::sync::Arc;

/// The terminal can reverse it no more, and nobody has seen a reversal.
const COUNTER: &str = "payment_refused_refund_at_the_counter";
/// Somebody has reversed what is kept for a ticket.
const GIVEN_BACK: &str = "given_back_at_the_terminal";

#[tokio::test]
async fn what_no_terminal_reverses_is_given_back_at_the_counter() {
    let visit = visit_with(unhurried()).await;
    let one = async { tokio::join!(paid_out(&visit), refunded_there(&visit)) };
    let other = async { tokio::join!(under_another_name(&visit), reversed_behind_us(&visit)) };
    let later = async { tokio::join!(unclaimed(&visit), claimed_late(&visit)) };
    tokio::join!(one, other, later);
    visit.assert_balanced_but_for(&[COUNTER, GIVEN_BACK]).await;
}

/// A kiosk that was told to reverse, and has died. The code that its customer is shown.
async fn for_the_counter(visit: &Arc<Visit>) -> (Booking, String) {
    let (booking, _) = paid_while(visit, "away").await;
    told_to_reverse(&booking).await;
    let shown = |view: &Value| view["refunds"][0]["receipt"].is_string();
    let view = booking.until_so("a code for the counter", shown).await;
    let code = view["refunds"][0]["receipt"].as_str().unwrap().to_owned();
    assert!(view["kiosk"].is_null(), "{view}");
    assert_eq!(view["standing"]["what"], "at_the_counter");
    for language in ["en", "ar"] {
        let says = view["standing"]["says"][language].as_str().unwrap();
        assert!(says.contains(&code) && says.contains("115.00"), "{says}");
    }
    booking.until("CANCELLED").await;
    (booking, code)
}

/// Staff find the case by the code, pay it out, and say so.
async fn paid_out(visit: &Arc<Visit>) {
    let (booking, code) = for_the_counter(visit).await;
    let staff = Staff::of(&booking);
    let found = async |code: &str| staff.usher(&["cases", "--receipt", code]).await;
    assert_eq!(found("0000000000").await.unwrap()["cases"], json!([]));
    assert!(found("1 OR 1=1").await.is_err());
    let page = found(&code).await.unwrap();
    let [case] = page["cases"].as_array().unwrap().as_slice() else { panic!("{page}") };
    assert_eq!((&case["cause"], &case["booking"]), (&json!(COUNTER), &json!(booking.id)));
    assert_eq!(case["at_risk"]["amount_minor"], 11_500);
    assert!(case["detail"].as_str().unwrap().contains(&code), "{case}");

    let evidence = r#"{"transaction": "SNB-2026-0119"}"#;
    staff.decides(case, &["settled", "--reason", "paid out", "--evidence", evidence]).await;
    let view = booking.until_refunded().await;
    assert_eq!(view["standing"]["what"], "refunded");
}

/// Staff refund it on a terminal under the reference that the case names: the vendor shows that, and the case closes.
async fn refunded_there(visit: &Arc<Visit>) {
    let (booking, code) = for_the_counter(visit).await;
    let staff = Staff::of(&booking);
    let page = staff.usher(&["cases", "--receipt", &code]).await.unwrap();
    let refund = booking.looks().await["refunds"][0].clone();
    let reference = refund["id"].as_str().unwrap().trim_start_matches("rf_");
    assert!(page["cases"][0]["detail"].as_str().unwrap().contains(reference), "{page}");
    let payment = refund["payment"].as_str().unwrap().trim_start_matches("pay_").to_owned();
    let ledger = visit.ledger_of("nearpay").await;
    let mut ours = ledger.iter().filter(|entry| entry["reference"] == payment);
    let taken = ours.find(|entry| entry["kind"] == "capture").unwrap();
    let order = json!({ "transaction": taken["vendor_id"], "reference": reference,
        "amount_minor": 11_500 });
    at_the_terminal(visit, "refund", &order).await;
    booking.until_refunded().await;
}

/// Staff refund it on a terminal, and give it a name of their own: it is known by what it gives back.
async fn under_another_name(visit: &Arc<Visit>) {
    let (booking, _) = for_the_counter(visit).await;
    let transaction = given_back(&booking).await;
    let order = json!({ "transaction": transaction, "reference": "at the counter",
        "amount_minor": 11_500 });
    at_the_terminal(visit, "refund", &order).await;
    let answer = acknowledges(&booking.customer, &booking, &transaction).await;
    assert_eq!(answer.body["refunds"][0]["status"], "REFUNDED", "{answer:?}");
}

/// The transaction that goes back.
async fn given_back(booking: &Booking) -> Value {
    let query = "SELECT vendor_transaction FROM refunds WHERE booking_id = $1";
    let query = sqlx::query_scalar::<_, String>(query).bind(booking.bare());
    json!(query.fetch_one(&booking.customer.visit.db).await.unwrap())
}

/// Nobody comes for it: nobody is asked about it any more. The code that its customer has.
async fn left_there(visit: &Arc<Visit>) -> (Booking, String, RefundId) {
    let (booking, code) = for_the_counter(visit).await;
    let transaction = given_back(&booking).await;
    let refund = booking.looks().await["refunds"][0]["id"].as_str().unwrap().to_owned();
    let refund: RefundId = refund.parse().unwrap();
    let db = Db::connect(&visit.system.database, 1).await.unwrap();
    let is_past_due = async || past_due::refunds(&db, 0).await.unwrap().contains(&refund);
    assert!(is_past_due().await);
    // As after a month.
    let over = "UPDATE refunds SET timings = jsonb_set(timings, '{terminal,counter_ms}', '0')
                WHERE refund_id = $1";
    sqlx::query(over).bind(refund.bare()).execute(&visit.db).await.unwrap();
    acknowledges(&booking.customer, &booking, &transaction).await;
    let ended = || async { (!goes_on(visit, refund).await).then_some(()) };
    until("the end of its workflow", ended).await;
    assert!(!is_past_due().await);
    (booking, code, refund)
}

/// Whoever decides its case after that is heard all the same.
async fn unclaimed(visit: &Arc<Visit>) {
    let (booking, code, _) = left_there(visit).await;
    let staff = Staff::of(&booking);
    let page = staff.usher(&["cases", "--receipt", &code]).await.unwrap();
    let evidence = r#"{"transaction": "SNB-2027-0119"}"#;
    let words = ["settled", "--reason", "paid out", "--evidence", evidence];
    staff.decides(&page["cases"][0], &words).await;
    booking.until_refunded().await;
}

/// They come after all, and staff refund it on a terminal: the vendor tells of that before it shows it, and nobody else
/// asks by then.
async fn claimed_late(visit: &Arc<Visit>) {
    let (booking, _, refund) = left_there(visit).await;
    let view = booking.looks().await;
    let payment = view["refunds"][0]["payment"].as_str().unwrap().trim_start_matches("pay_");
    let reference = refund.bare();
    for reference in [payment, &reference] {
        let matching = json!({ "op": "transactions", "reference": reference });
        let rule = json!({ "match": matching, "fault": "lookup_lag", "times": 2 });
        visit.misbehaves("nearpay", &rule).await;
    }
    let transaction = given_back(&booking).await;
    let order = json!({ "transaction": transaction, "reference": reference,
        "amount_minor": 11_500 });
    at_the_terminal(visit, "refund", &order).await;
    booking.until_refunded().await;
}

/// Whether the engine still has something to do for it.
async fn goes_on(visit: &Visit, refund: RefundId) -> bool {
    let query = format!(
        "SELECT count(*) AS running FROM sys_invocation WHERE status <> 'completed'
         AND target_service_name = 'Refund' AND target_service_key = '{}'",
        refund.bare()
    );
    let url = format!("{}/query", visit.system.engines.restate_admin_url());
    let asked = visit.http.post(&url).header("accept", "application/json");
    let answer = asked.json(&json!({ "query": query })).send().await.unwrap();
    Answer::read(answer).await.body["rows"][0]["running"] != 0
}

/// Somebody reverses at the terminal what is kept for a ticket.
async fn reversed_behind_us(visit: &Arc<Visit>) {
    let (booking, payment) = paid_while(visit, "well").await;
    booking.until_ticket().await;
    let transaction = taken(visit, &payment).await;
    reverses(&booking, &transaction).await;
    visit.until_case(GIVEN_BACK, &booking).await;
}
