//! The cinema system late, unprotected, dearer, or with a clock and a voice of its own.

use crate::harness::{Sandbox, completion, eventually};
use reqwest::Method;
use serde_json::{Value, json};

const PAYMENT: &str = "RESTTicketing.svc/order/payment";

async fn held(sandbox: &Sandbox) -> String {
    let usid = sandbox.order().await;
    assert_eq!(sandbox.hold(&usid, "1001", &[0, 1]).await.status(), 200);
    usid
}

/// A payment that is answered 503, and executes after this time.
async fn paid_late(sandbox: &Sandbox, usid: &str, delay_ms: u64) {
    sandbox.fault("vista", "pay_order", "late_commit", delay_ms).await;
    let answer = sandbox.vista_post(PAYMENT, &completion(usid, 11_500)).await;
    assert_eq!(answer.status(), 503);
}

#[tokio::test]
async fn an_unlocked_order_paid_while_its_payment_is_under_way_is_booked_twice() {
    let sandbox = Sandbox::start().await;
    sandbox.switch("vista", "while_completing", "unlocked").await;
    let usid = held(&sandbox).await;
    paid_late(&sandbox, &usid, 300).await;
    let second = sandbox.complete(&usid, 11_500).await;
    assert_eq!(second["Result"], 0, "{second}");
    let booked = async || {
        let kinds = sandbox.kinds("vista", &usid).await;
        kinds.iter().filter(|kind| *kind == "booking").count()
    };
    assert_eq!(booked().await, 1);
    eventually(async || booked().await == 2).await;
}

#[tokio::test]
async fn a_cancel_stops_no_payment_that_is_under_way_on_an_unlocked_order() {
    let sandbox = Sandbox::start().await;
    sandbox.switch("vista", "while_completing", "unlocked").await;
    let usid = held(&sandbox).await;
    paid_late(&sandbox, &usid, 300).await;
    let cancel = json!({"UserSessionId": usid});
    let cancelled = sandbox.vista("RESTTicketing.svc/order/cancel", cancel).await;
    assert_eq!(cancelled["Result"], 0, "{cancelled}");
    let expected = ["order", "hold", "release", "booking"];
    eventually(async || sandbox.kinds("vista", &usid).await == expected).await;
}

#[tokio::test]
async fn seats_that_somebody_else_has_taken_meanwhile_are_not_booked_late() {
    let sandbox = Sandbox::start().await;
    sandbox.switch("vista", "while_completing", "unlocked").await;
    let usid = held(&sandbox).await;
    sandbox.fault("vista", "pay_order", "delay", 500).await;
    let overtaken = async {
        sandbox.vista("RESTTicketing.svc/order/cancel", json!({"UserSessionId": usid})).await;
        let winner = held(&sandbox).await;
        sandbox.complete(&winner, 11_500).await
    };
    let (late, done) = tokio::join!(sandbox.complete(&usid, 11_500), overtaken);
    assert_eq!((&done["Result"], &late["Result"]), (&json!(0), &json!(8)));
    assert_eq!(sandbox.kinds("vista", &usid).await, ["order", "hold", "release"]);
}

#[tokio::test]
async fn a_locked_order_is_neither_paid_nor_cancelled_while_its_payment_is_under_way() {
    let sandbox = Sandbox::start().await;
    let usid = held(&sandbox).await;
    paid_late(&sandbox, &usid, 500).await;
    let cancel = async || {
        let body = json!({"UserSessionId": usid});
        sandbox.vista("RESTTicketing.svc/order/cancel", body).await["ExtendedResultCode"].clone()
    };
    eventually(async || cancel().await == 83).await;
    eventually(async || sandbox.kinds("vista", &usid).await.len() == 3).await;
    assert_eq!(sandbox.kinds("vista", &usid).await, ["order", "hold", "booking"]);
}

#[tokio::test]
async fn a_booking_may_not_show_yet() {
    let sandbox = Sandbox::with(|config| config.factor = 60).await;
    sandbox.switch("vista", "lookup_lag_ms", "30000").await;
    let (usid, done) = sandbox.booking().await;
    let number = done["VistaBookingNumber"].clone();
    let status = async || {
        let body = json!({"UserSessionId": usid});
        sandbox.vista("RESTTicketing.svc/order/bookingstatus", body).await["ResponseCode"].clone()
    };
    let get = async || {
        let body = json!({"CinemaId": "0001", "BookingNumber": number});
        sandbox.vista("RESTBooking.svc/booking", body).await["ResultCode"].clone()
    };
    assert_eq!((status().await, get().await), (json!(62), json!(78)));
    eventually(async || status().await == 0 && get().await == 0).await;
    sandbox.fault("vista", "get_booking", "lookup_lag", 0).await;
    assert_eq!((get().await, get().await), (json!(78), json!(0)));
}

#[tokio::test]
async fn a_price_may_change_between_holding_and_paying() {
    let sandbox = Sandbox::start().await;
    let usid = held(&sandbox).await;
    sandbox.fault("vista", "get_order", "price_changed", 0).await;
    let order: Value = sandbox.vista_get(&format!("orders/{usid}")).await.json().await.unwrap();
    assert_eq!(order["order"]["orderTotalValueInCents"], 12_500);
    assert_eq!(sandbox.complete(&usid, 11_500).await["ExtendedResultCode"], 69);
    assert_eq!(sandbox.complete(&usid, 12_500).await["Result"], 0);
}

#[tokio::test]
async fn a_booking_may_be_made_and_told_as_an_error_with_its_ids_or_without() {
    let sandbox = Sandbox::start().await;
    let usid = held(&sandbox).await;
    sandbox.fault("vista", "pay_order", "commit_24", 0).await;
    let done = sandbox.complete(&usid, 11_500).await;
    assert_eq!(done["Result"], 24);
    assert_eq!(done["VistaBookingId"].as_str().unwrap().len(), 7);
    let refund = json!({"CinemaId": "0001", "BookingNumber": done["VistaBookingNumber"],
        "RefundGroupNumbers": [1, 2], "RefundAmount": 11_500});
    sandbox.fault("vista", "refund_booking", "commit_39", 0).await;
    let path = "RESTBooking.svc/booking/refund";
    assert_eq!(sandbox.vista(path, refund.clone()).await["ResultCode"], 39);
    assert_eq!(sandbox.vista(path, refund.clone()).await["ResultCode"], 63);
    sandbox.switch("vista", "refund_again", "49").await;
    assert_eq!(sandbox.vista(path, refund.clone()).await["ResultCode"], 49);
    sandbox.switch("vista", "refund_again", "executes").await;
    assert_eq!(sandbox.vista(path, refund).await["ResultCode"], 0);
    let kinds = sandbox.kinds("vista", &usid).await;
    assert_eq!(kinds, ["order", "hold", "booking", "refund", "refund"]);
}

#[tokio::test]
async fn the_servers_clock_may_be_wrong_and_says_so() {
    let sandbox = Sandbox::start().await;
    sandbox.switch("vista", "clock_skew_s", "-300").await;
    let created = sandbox.vista_post("orders", &json!({"cinemaId": "0001"})).await;
    let date = created.headers()["date"].to_str().unwrap().to_owned();
    let order: Value = created.json().await.unwrap();
    let server = chrono::DateTime::parse_from_rfc2822(&date).unwrap();
    let behind = chrono::Utc::now().signed_duration_since(server).num_seconds();
    assert!((300..=360).contains(&behind), "{behind} s");
    let expiry = order["order"]["expiryDateUtc"].as_str().unwrap();
    let left = chrono::DateTime::parse_from_rfc3339(expiry).unwrap() - server;
    assert!((599..=601).contains(&left.num_seconds()), "{left}");
}

#[tokio::test]
async fn refusals_take_every_form() {
    let sandbox = Sandbox::start().await;
    let usid = held(&sandbox).await;
    let path = format!("orders/{usid}");
    sandbox.fault("vista", "get_order", "code_79", 0).await;
    assert_eq!(sandbox.vista_get(&path).await.status(), 403);
    sandbox.switch("vista", "expired_status", "410").await;
    sandbox.fault("vista", "get_order", "code_62", 0).await;
    assert_eq!(sandbox.vista_get(&path).await.status(), 410);
    sandbox.switch("vista", "retry_after", "none").await;
    for (fault, status) in [("throttled", 429), ("maintenance", 503)] {
        sandbox.fault("vista", "get_order", fault, 0).await;
        let answer = sandbox.vista_get(&path).await;
        assert_eq!(answer.status(), status);
        assert!(!answer.headers().contains_key("retry-after"));
    }
    sandbox.switch("vista", "error_page", "empty").await;
    sandbox.fault("vista", "get_order", "http_502_before", 0).await;
    assert_eq!(sandbox.vista_get(&path).await.text().await.unwrap(), "");
    sandbox.switch("vista", "error_text", "null").await;
    sandbox.fault("vista", "pay_order", "code_69", 0).await;
    let refused = sandbox.complete(&usid, 11_500).await;
    assert_eq!(
        (&refused["ExtendedResultCode"], &refused["ErrorDescription"]),
        (&json!(69), &Value::Null)
    );
    sandbox.fault("vista", "pay_order", "status_as_text", 0).await;
    assert_eq!(sandbox.complete(&usid, 11_500).await["Result"], "0");
}

#[tokio::test]
async fn a_session_may_sell_out_and_an_order_may_expire_under_ones_hands() {
    let sandbox = Sandbox::start().await;
    let usid = held(&sandbox).await;
    sandbox.fault("vista", "set_tickets", "sold_out", 0).await;
    assert_eq!(sandbox.hold(&usid, "1001", &[3]).await.status(), 409);
    sandbox.fault("vista", "pay_order", "order_expired", 0).await;
    assert_eq!(sandbox.complete(&usid, 11_500).await["ExtendedResultCode"], 62);
    let kinds = sandbox.kinds("vista", &usid).await;
    assert_eq!(kinds, ["order", "hold", "release", "expire"]);
}

#[tokio::test]
async fn the_catalogue_may_come_in_a_form_nobody_asked_for() {
    let sandbox = Sandbox::start().await;
    let path = "OData.svc/Sessions?$filter=ID%20eq%20'0001-1001'";
    for (fault, pointer) in
        [("odata_verbose", "/d/results/0/ID"), ("odata_duplicate_rows", "/value/1/ID")]
    {
        sandbox.fault("vista", "odata", fault, 0).await;
        let body: Value = sandbox.vista_get(path).await.json().await.unwrap();
        assert_eq!(body.pointer(pointer), Some(&json!("0001-1001")), "{fault}");
    }
    sandbox.fault("vista", "odata", "odata_xml", 0).await;
    assert!(sandbox.vista_get(path).await.text().await.unwrap().starts_with("<?xml"));
}

#[tokio::test]
async fn one_request_installs_many_rules_or_none() {
    let sandbox = Sandbox::start().await;
    let rule = |reference: u32, fault: &str| {
        let matching = json!({"op": "*", "reference": reference.to_string()});
        json!({"match": matching, "fault": fault})
    };
    let many: Vec<Value> = (0..5_000).map(|number| rule(number, "seat_taken")).collect();
    let added = sandbox.sim(Method::POST, "vista/faults", json!(many)).await;
    assert_eq!(added["ids"].as_array().unwrap().len(), 5_000);
    let half_wrong = json!([rule(1, "delay"), rule(2, "nonsense")]);
    assert!(sandbox.sim(Method::POST, "vista/faults", half_wrong).await["error"].is_string());
    let misplaced = json!({"match": {"op": "odata"}, "fault": "seat_taken"});
    assert!(sandbox.sim(Method::POST, "vista/faults", misplaced).await["error"].is_string());

    let usid = sandbox.order().await;
    assert_eq!(sandbox.hold(&usid, "1001", &[0]).await.status(), 409);
    let unfired = async || {
        let rules = sandbox.sim(Method::GET, "vista/faults/unfired", Value::Null).await;
        rules.as_array().unwrap().len()
    };
    assert_eq!(unfired().await, 4_999);
    sandbox.sim(Method::DELETE, "vista/faults?reference=7", Value::Null).await;
    assert_eq!(unfired().await, 4_998);
    sandbox.sim(Method::DELETE, "vista/faults", Value::Null).await;
    assert_eq!(unfired().await, 0);
}
