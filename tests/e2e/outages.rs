//! An engine is away: nothing is promised that is not kept, reads go on, and nothing happens twice afterwards.

use harness::{Customer, Order, Shopper, visit_alone};
use serde_json::{Value, json};

#[tokio::test]
async fn without_restate_nothing_is_promised_and_reads_go_on() {
    let visit = visit_alone().await;
    let booking = visit.customer().books(Order::new(&visit).free()).await;
    booking.until_ticket().await;
    visit.system.engines.restate.kill_9().await;

    let (customer, order, key) = (visit.customer(), Order::new(&visit), Customer::key());
    let answer = customer.orders(&order, &key).await;
    answer.assert_problem(503, "engine_away");
    assert_eq!(answer.body["retryable"], true);
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(booking.status().await, "CONFIRMED");

    visit.system.engines.restate.start().await.unwrap();
    let answer = customer.stubborn().orders(&order, &key).await;
    let again = customer.orders(&order, &key).await;
    assert_eq!((answer.status, &answer.body["id"]), (202, &again.body["id"]));
    visit.assert_balanced().await;
    visit.assert_quiet().await;
}

#[tokio::test]
async fn without_postgres_nothing_is_promised_and_no_webhook_is_lost() {
    let visit = visit_alone().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let payment = booking.opens_payment().await;
    visit.system.engines.postgres.kill_9().await;

    let order = Order::new(&visit);
    let (customer, key) = (visit.customer(), Customer::key());
    let answer = customer.orders(&order, &key).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    payment.shopper(Shopper::Approves).await;
    let redelivery = json!({ "reference": payment.reference() });
    let heard = visit.hyperpay().redelivers(&redelivery).await;
    assert!([json!(200), json!(503)].contains(&heard[0]), "{heard:?}");

    visit.system.engines.postgres.start().await.unwrap();
    assert_eq!(customer.stubborn().orders(&order, &key).await.status, 202);
    let ended = |view: &Value| {
        view["ticket"]["status"] == "ISSUED" || view["refunds"][0]["status"] == "REFUNDED"
    };
    booking.until_so("a ticket, or the money back", ended).await;
    visit.assert_balanced().await;
    visit.assert_quiet().await;
}
