//! Every way to pay, from the order to its end: sold, refused by the cinema, paid too late.

use harness::{Booking, Customer, Order, Payment, Visit, Way, visit};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Whoever can go this way.
fn customer(visit: &Arc<Visit>, way: Way) -> Customer {
    if way == Way::Terminal { visit.kiosk_with_terminal() } else { visit.customer() }
}

/// Tells one story of each way, all at once.
async fn each<Told>(tell: impl Fn(Arc<Visit>, Way) -> Told)
where
    Told: Future<Output = ()> + Send + 'static,
{
    let visit = visit().await;
    let mut telling = JoinSet::new();
    for way in Way::ALL.into_iter().chain(Way::BY_SAVED_CARD) {
        telling.spawn(tell(Arc::clone(&visit), way));
    }
    telling.join_all().await;
    visit.assert_balanced().await;
}

async fn booked(visit: &Arc<Visit>, way: Way) -> (Booking, Payment) {
    let booking = customer(visit, way).books(Order::new(visit)).await;
    let payment = booking.opens(way).await;
    (booking, payment)
}

/// The kiosk's app is told to reverse, and does.
async fn reverses(visit: &Visit, payment: &Payment) {
    let ledger = visit.ledger_of("nearpay").await;
    let taken = ledger
        .iter()
        .find(|entry| entry["kind"] == "capture" && entry["reference"] == payment.reference())
        .unwrap();
    let url = format!("{}/_sim/nearpay/terminal/reverse", visit.system.sandbox);
    let order = serde_json::json!({ "transaction": taken["vendor_id"] });
    let answer = visit.http.post(url).json(&order).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
}

#[tokio::test]
async fn whoever_pays_has_a_ticket() {
    each(|visit, way| async move {
        let (booking, payment) = booked(&visit, way).await;
        payment.is_made().await;
        booking.until_ticket().await;
        payment.until("CAPTURED").await;
        let timeline = booking.looks().await["timeline"].to_string();
        assert_eq!(timeline.contains("\"reserved\""), way.reserves(), "{way:?}: {timeline}");
        // When its money moves is written down; where its buyer asked from is not.
        let query = "SELECT taking, request ? 'buyer_address' FROM payments WHERE payment_id = $1";
        let written = sqlx::query_as(query).bind(payment.reference()).fetch_one(&visit.db);
        let (taking, address): (String, bool) = written.await.unwrap();
        assert_eq!(taking == "once_confirmed", way.reserves(), "{way:?}");
        assert!(!address, "{way:?}");
    })
    .await;
}

#[tokio::test]
async fn nothing_is_kept_when_the_cinema_says_no() {
    each(|visit, way| async move {
        let booking = customer(&visit, way).books(Order::new(&visit)).await;
        // Some ways pay as soon as they are opened.
        visit.vista().fails("pay_order", &booking.order.session, "code_69").await;
        let payment = booking.opens(way).await;
        payment.is_made().await;
        booking.until_so("a refund", |view| view["refunds"][0].is_object()).await;
        if way == Way::Terminal {
            reverses(&visit, &payment).await;
        }
        booking.until_refunded().await;
        let status = if way.reserves() { "VOIDED" } else { "CAPTURED" };
        assert_eq!(payment.looks().await["status"], status, "{way:?}");
    })
    .await;
}

#[tokio::test]
async fn money_that_comes_after_a_cancel_goes_back() {
    // Where paying goes through us again, it is refused then: nothing moves.
    let by_themselves = [Way::HyperPayPage, Way::HyperPayCard, Way::Tabby];
    let visit = visit().await;
    for way in by_themselves {
        let (booking, payment) = booked(&visit, way).await;
        assert_eq!(booking.cancels().await.status, 200);
        payment.shopper(harness::Shopper::Approves).await;
        booking.until_refunded().await;
        assert_eq!(payment.looks().await["verdict"], "LATE", "{way:?}");
    }
    visit.assert_balanced().await;
}
