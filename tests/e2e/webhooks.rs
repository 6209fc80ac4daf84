//! Webhooks: hints that may come often, late, forged or about nothing, and never decide anything themselves.

use harness::{Order, Payment, Visit, seal, until, visit};
use serde_json::{Value, json};

#[tokio::test]
async fn one_webhook_delivered_fifty_times_at_once_changes_one_thing() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let payment = booking.pays().await;
    let order = json!({ "reference": payment.reference(), "times": 50, "parallel": true });
    let answers = visit.hyperpay().redelivers(&order).await;
    assert_eq!(answers, vec![json!(200); 50]);

    let view = booking.until_ticket().await;
    let events = view["timeline"].as_array().unwrap();
    for kind in ["paid", "confirmed", "ticket_issued"] {
        let times = events.iter().filter(|event| event["kind"] == kind).count();
        assert_eq!(times, 1, "{kind} in {events:#?}");
    }
    assert_eq!(verdicts(&visit, &payment).await.len(), 1, "one event, one row");
    visit.assert_balanced().await;
}

#[tokio::test]
async fn both_of_the_vendors_wrappers_are_understood() {
    let visit = visit().await;
    for wrapper in ["json", "none"] {
        visit.hyperpay().switch("webhook_wrapper", wrapper).await;
        let booking = visit.customer().books(Order::new(&visit)).await;
        let payment = booking.pays().await;
        booking.until_ticket().await;
        let heard = || async { verdicts(&visit, &payment).await.first().cloned() };
        assert_ne!(until("the webhook's verdict", heard).await, "ORPHAN", "{wrapper}");
        for letter in visit.hyperpay().outbox(payment.reference()).await {
            assert_eq!(letter["attempts"][0]["status"], 200, "{wrapper}: {letter}");
        }
    }
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_forged_webhook_is_refused_and_changes_nothing() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let payment = booking.pays().await;
    booking.until_ticket().await;
    let heard = || async { verdicts(&visit, &payment).await.first().cloned() };
    until("the webhook's verdict", heard).await;
    let before = booking.looks().await;

    let order = json!({ "reference": payment.reference(), "corrupt": true });
    assert_eq!(visit.hyperpay().redelivers(&order).await, [json!(401)]);
    let stranger = seal(&"00".repeat(32), &notice(payment.reference()));
    visit.hyperpay().delivers(&stranger).await.assert_problem(401, "unauthorized");
    assert_eq!(booking.looks().await, before);
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_webhook_about_nothing_of_ours_is_taken_and_put_aside() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit).free()).await;
    let unknown = format!("{:026}", rand::random::<u32>());
    let sealed = seal(&visit.system.keys.webhook, &notice(&unknown));
    assert_eq!(visit.hyperpay().delivers(&sealed).await.status, 200);

    let query = "SELECT verdict FROM webhook_deliveries WHERE claim::text LIKE '%' || $1 || '%'";
    let look = || async {
        let found = sqlx::query_scalar::<_, Option<String>>(query).bind(&unknown);
        found.fetch_optional(&visit.db).await.unwrap().flatten()
    };
    assert_eq!(until("a verdict", look).await, "ORPHAN");
    booking.until_ticket().await;
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_chargeback_that_names_the_transaction_alone_finds_its_booking() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let payment = booking.pays().await;
    booking.until_ticket().await;
    let about = visit.hyperpay().about(payment.reference()).await;
    let taken = about.iter().find(|entry| entry["kind"] == "capture").unwrap();
    let id = format!("{:032x}", rand::random::<u128>());
    let payload = json!({ "id": id, "paymentType": "CB", "amount": "115.00", "currency": "SAR",
        "referencedId": taken["vendor_id"],
        "result": { "code": "000.100.200", "description": "Reason not specified" } });
    let notice = json!({ "type": "PAYMENT", "payload": payload }).to_string();
    let sealed = seal(&visit.system.keys.webhook, &notice);
    assert_eq!(visit.hyperpay().delivers(&sealed).await.status, 200);

    visit.until_case("chargeback", &booking).await;
    visit.assert_balanced_but_for(&["chargeback"]).await;
}

#[tokio::test]
async fn a_webhook_that_claims_money_for_an_unpaid_booking_pays_nothing() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let payment = booking.opens_payment().await;
    // Genuinely encrypted, and yet only a hint: the vendor itself is asked.
    let sealed = seal(&visit.system.keys.webhook, &notice(payment.reference()));
    assert_eq!(visit.hyperpay().delivers(&sealed).await.status, 200);

    let heard = || async { verdicts(&visit, &payment).await.first().cloned() };
    assert_eq!(until("the webhook's verdict", heard).await, "CONTRADICTED");
    booking.cancels().await;
    assert_eq!(booking.status().await, "CANCELLED");
    visit.assert_balanced_but_for(&["webhook_claims_more_than_the_vendor_shows"]).await;
}

/// What the vendor writes when a payment has succeeded.
pub(crate) fn notice(reference: &str) -> String {
    let payload = json!({
        "id": data_encoding::HEXLOWER.encode(&rand::random::<[u8; 16]>()),
        "paymentType": "DB",
        "paymentBrand": "VISA",
        "amount": "115.00",
        "currency": "SAR",
        "merchantTransactionId": reference,
        "result": { "code": "000.100.110", "description": "Request successfully processed" },
        "timestamp": "2026-11-21 08:45:03.065+0000",
    });
    json!({ "type": "PAYMENT", "payload": payload }).to_string()
}

/// What became of the webhooks about a payment's own money, as far as something has.
async fn verdicts(visit: &Visit, payment: &Payment) -> Vec<Value> {
    let query = "SELECT to_jsonb(verdict) FROM webhook_deliveries
                 WHERE verdict IS NOT NULL AND claim::text LIKE '%' || $1 || '%'";
    sqlx::query_scalar(query).bind(payment.reference()).fetch_all(&visit.db).await.unwrap()
}
