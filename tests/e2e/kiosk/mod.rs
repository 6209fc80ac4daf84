//! At the kiosk: sold there, given back by its terminal within a minute, and after that at the counter, by a code.

mod counter;

use harness::{
    Answer, Booking, Customer, Order, Payment, Setup, Visit, Way, until, visit, visit_with,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;

/// Vista has fifteen seconds here, and a terminal's minute thirty: time enough to be told to reverse, and to do it, on a
/// busy machine, too.
fn unhurried() -> Setup {
    Setup { factor: 6, ..Setup::default() }
}

/// Paid at the kiosk's terminal, while Vista is like this whenever it is told so.
async fn paid_while(visit: &Arc<Visit>, vista: &str) -> (Booking, Payment) {
    let booking = visit.kiosk_with_terminal().books(Order::new(visit)).await;
    let session = &booking.order.session;
    match vista {
        "away" => visit.vista().is_away("pay_order", session).await,
        "well" => {}
        fault => visit.vista().fails("pay_order", session, fault).await,
    }
    let payment = booking.opens(Way::Terminal).await;
    payment.is_made().await;
    (booking, payment)
}

/// What the kiosk is told, which has seen the tap and waits for its booking.
async fn waits_for(booking: &Booking) -> Value {
    booking.until_so("its money", |view| view["status"] != "PENDING").await;
    let path = format!("/api/v1/orders/{}", booking.id);
    let request = booking.customer.request(Method::GET, &path).header("prefer", "wait=25");
    Answer::read(request.send().await.unwrap()).await.body
}

/// The transaction that it is to reverse, and until when.
async fn told_to_reverse(booking: &Booking) -> (Value, Value) {
    let told = || async {
        let view = waits_for(booking).await;
        (view["standing"]["what"] == "to_reverse").then_some(view)
    };
    let view = until(&format!("what to reverse of {booking:?}"), told).await;
    let reverse = &view["kiosk"]["reverse"];
    assert!(reverse["until"].is_string(), "{view}");
    (reverse["transaction"].clone(), reverse["until"].clone())
}

/// The terminal does this, if it can.
async fn at_the_terminal(visit: &Visit, act: &str, order: &Value) {
    let url = format!("{}/_sim/nearpay/terminal/{act}", visit.system.sandbox);
    let answer = Answer::read(visit.http.post(url).json(order).send().await.unwrap()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

async fn reverses(booking: &Booking, transaction: &Value) {
    let order = json!({ "transaction": transaction });
    at_the_terminal(&booking.customer.visit, "reverse", &order).await;
}

/// This kiosk says that it is done, and waits until the vendor shows it.
async fn acknowledges(kiosk: &Customer, booking: &Booking, transaction: &Value) -> Answer {
    let path = format!("/api/v1/kiosk/orders/{}/reversals", booking.id);
    let request = kiosk.request(Method::POST, &path).header("prefer", "wait=25");
    let request = request.json(&json!({ "transaction": transaction }));
    Answer::read(request.send().await.unwrap()).await
}

/// The terminal's transaction that has taken the money.
async fn taken(visit: &Visit, payment: &Payment) -> Value {
    let ledger = visit.ledger_of("nearpay").await;
    let mut ours = ledger.iter().filter(|entry| entry["reference"] == payment.reference());
    ours.find(|entry| entry["kind"] == "capture").unwrap()["vendor_id"].clone()
}

#[tokio::test]
async fn seats_are_sold_at_the_kiosk() {
    let visit = visit().await;
    let (booking, payment) = paid_while(&visit, "well").await;
    booking.until_ticket().await;
    payment.until("CAPTURED").await;
    visit.assert_balanced().await;
}

/// Webhooks about this payment do not come.
async fn nobody_tells_of(visit: &Visit, payment: &Payment) {
    let matching = json!({ "op": "webhook", "reference": payment.reference() });
    visit.misbehaves("nearpay", &json!({ "match": matching, "fault": "lost", "times": 0 })).await;
}

/// Waits until the vendor is asked about this payment once more.
async fn asks_about(visit: &Visit, payment: &Payment) {
    let matching = json!({ "op": "transactions", "reference": payment.reference() });
    let rule = json!({ "match": matching, "fault": "lookup_lag" });
    visit.misbehaves("nearpay", &rule).await;
    let asked = || async {
        let unfired = visit.unfired("nearpay").await;
        let is_it = |rule: &Value| {
            let matching = &rule["match"];
            matching["op"] == "transactions" && matching["reference"] == payment.reference()
        };
        (!unfired.iter().any(is_it)).then_some(())
    };
    until("a question about it", asked).await;
}

#[tokio::test]
async fn a_card_may_be_tapped_as_long_as_the_booking_waits() {
    let visit = visit().await;
    let booking = visit.kiosk_with_terminal().books(Order::new(&visit)).await;
    let payment = booking.opens(Way::Terminal).await;
    nobody_tells_of(&visit, &payment).await;
    // The session that was opened is over for longer than anything needs to show, and the vendor was asked about that.
    let over = "UPDATE payments SET session_ends_at = clock_timestamp() - interval '1 minute'
                WHERE payment_id = $1";
    sqlx::query(over).bind(payment.reference()).execute(&visit.db).await.unwrap();
    for _ in 0..2 {
        asks_about(&visit, &payment).await;
    }
    payment.is_made().await;
    booking.until_ticket().await;
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_second_tap_goes_back_at_the_terminal_while_the_first_has_its_ticket() {
    let visit = visit().await;
    let booking = visit.kiosk_with_terminal().books(Order::new(&visit)).await;
    let payment = booking.opens(Way::Terminal).await;
    let matching = json!({ "op": "purchase", "reference": payment.reference() });
    visit.misbehaves("nearpay", &json!({ "match": matching, "fault": "double_tap" })).await;
    payment.is_made().await;
    let told = |view: &Value| view["kiosk"]["reverse"].is_object();
    let view = booking.until_so("a reversal to make", told).await;
    reverses(&booking, &view["kiosk"]["reverse"]["transaction"]).await;
    booking.until_refunded().await;
    let view = booking.until_ticket().await;
    assert_eq!(
        (&view["status"], &view["standing"]["what"]),
        (&json!("CONFIRMED"), &json!("ticket_ready"))
    );
    visit.assert_balanced().await;
}

#[tokio::test]
async fn what_the_cinema_does_not_confirm_in_time_goes_back_at_the_terminal() {
    let visit = visit_with(unhurried()).await;
    let one = async { tokio::join!(acknowledged(&visit), unacknowledged(&visit)) };
    tokio::join!(one, silently_booked(&visit), seen_late(&visit));
    visit.assert_balanced().await;
}

/// The kiosk says so, nobody believes it, and the vendor shows it.
async fn acknowledged(visit: &Arc<Visit>) {
    let (booking, _) = paid_while(visit, "away").await;
    let (transaction, _) = told_to_reverse(&booking).await;
    let kiosk = &booking.customer;
    for stranger in [visit.kiosk(), visit.customer()] {
        let answer = acknowledges(&stranger, &booking, &transaction).await;
        answer.assert_problem(404, "not_found");
    }
    let other = json!("0b8e9a52-6a3f-4d0f-9b57-1d1c3b0a7f11");
    acknowledges(kiosk, &booking, &other).await.assert_problem(404, "not_found");
    reverses(&booking, &transaction).await;
    for _ in 0..2 {
        let answer = acknowledges(kiosk, &booking, &transaction).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        assert_eq!(answer.body["refunds"][0]["status"], "REFUNDED", "{answer:?}");
        assert!(answer.body["kiosk"].is_null(), "{answer:?}");
    }
    let view = booking.until("CANCELLED").await;
    assert_eq!(view["reason"], "vista_silent");
    let timeline = view["timeline"].as_array().unwrap();
    let held = timeline.iter().find(|event| event["kind"] == "held").unwrap();
    assert_eq!(held["expires_in_ms"], 4 * 60_000 / 6, "for four minutes");
    let next = visit.kiosk().books(booking.order.clone()).await;
    assert_eq!(next.status().await, "PENDING", "the seats are free");
    assert_eq!(next.cancels().await.status, 200);
}

/// The kiosk has reversed it, and nobody hears of that but by asking.
async fn unacknowledged(visit: &Arc<Visit>) {
    let (booking, payment) = paid_while(visit, "away").await;
    let (transaction, _) = told_to_reverse(&booking).await;
    nobody_tells_of(visit, &payment).await;
    reverses(&booking, &transaction).await;
    booking.until_refunded().await;
    booking.until("CANCELLED").await;
}

/// Vista has booked it and keeps its answer to itself: the money does not wait until that is known.
async fn silently_booked(visit: &Arc<Visit>) {
    let (booking, _) = paid_while(visit, "timeout_after").await;
    let (transaction, _) = told_to_reverse(&booking).await;
    reverses(&booking, &transaction).await;
    booking.until_refunded().await;
    booking.until("CANCELLED").await;
    let ledger = visit.vista().about(booking.bare()).await;
    let kinds: Vec<&Value> = ledger.iter().map(|entry| &entry["kind"]).collect();
    assert_eq!(kinds, ["booking", "refund"], "Vista had made it, and took it back");
}

/// The tap shows seconds later, and nobody tells of it: the terminal's minute, and Vista's time in it, have begun by then.
async fn seen_late(visit: &Arc<Visit>) {
    let booking = visit.kiosk_with_terminal().books(Order::new(visit)).await;
    visit.vista().is_away("pay_order", &booking.order.session).await;
    let payment = booking.opens(Way::Terminal).await;
    nobody_tells_of(visit, &payment).await;
    let matching = json!({ "op": "purchase", "reference": payment.reference() });
    let rule = json!({ "match": matching, "fault": "shown_after_6" });
    visit.misbehaves("nearpay", &rule).await;
    payment.is_made().await;
    let (transaction, until) = told_to_reverse(&booking).await;
    let ledger = visit.ledger_of("nearpay").await;
    let tap = ledger.iter().find(|entry| entry["vendor_id"] == transaction).unwrap();
    let query = "SELECT settled_at > tapped_at + interval '3 s' AND tapped_at = $2::timestamptz
                    AND $3::timestamptz = tapped_at + interval '30 s'
                 FROM captures WHERE vendor_transaction = $1";
    let texts = [&transaction, &tap["at"], &until].map(|text| text.as_str().unwrap().to_owned());
    let [transaction_id, tapped_at, until] = texts;
    let counts = sqlx::query_scalar::<_, bool>(query).bind(transaction_id).bind(&tapped_at);
    let counts = counts.bind(&until).fetch_one(&visit.db).await.unwrap();
    assert!(counts, "tapped at {tapped_at}, to be reversed until {until}");
    reverses(&booking, &transaction).await;
    booking.until_refunded().await;
    booking.until("CANCELLED").await;
}

#[tokio::test]
async fn a_kiosk_signs_in_its_own_terminal_and_no_other() {
    const LOGIN: &str = "/api/v1/kiosk/terminal/login";
    let visit = visit().await;
    let signs_in = async |who: &Customer| {
        Answer::read(who.request(Method::POST, LOGIN).send().await.unwrap()).await
    };
    let answer = signs_in(&visit.kiosk_with_terminal()).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    assert_eq!(answer.body["terminal"], sandbox::nearpay::DEFAULT_TERMINAL);
    let at_the_vendor = async |jwt: &str| {
        let url = format!("{}/nearpay/v1/cashiers/login/jwt", visit.system.sandbox);
        let request = visit.http.post(url).json(&json!({ "jwt": jwt }));
        Answer::read(request.send().await.unwrap()).await
    };
    let jwt = answer.body["jwt"].as_str().unwrap();
    let signed_in = at_the_vendor(jwt).await;
    assert_eq!(
        (signed_in.status, &signed_in.body["user"]["name"]),
        (200, &answer.body["terminal"])
    );
    assert_eq!(at_the_vendor(&jwt[..jwt.len() - 2]).await.status, 401);

    for other in [visit.kiosk(), visit.customer()] {
        signs_in(&other).await.assert_problem(404, "not_found");
    }
    signs_in(&visit.customer().with_token("nobody's")).await.assert_problem(401, "unauthorized");

    // Nor does it pay at another's terminal, whichever it names.
    let booking = visit.kiosk().books(Order::new(&visit)).await;
    let body = Way::Terminal.body(&visit, &Customer::key()).await;
    let answer = booking.tries_to_pay_with(&Customer::key(), &body).await;
    answer.assert_problem(409, "no_terminal");
    let named = json!({ "provider": "nearpay",
        "pay": { "with": "terminal", "terminal": sandbox::nearpay::DEFAULT_TERMINAL } });
    let answer = booking.tries_to_pay_with(&Customer::key(), &named).await;
    answer.assert_problem(400, "invalid_body");
    assert_eq!(booking.cancels().await.status, 200);
    visit.assert_balanced().await;
}
