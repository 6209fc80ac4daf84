//! Taking what was reserved, letting it go, sending it back.

use super::*;

fn capture_order() -> CaptureOrder {
    CaptureOrder {
        payment: PaymentId::from_bare(REFERENCE).unwrap(),
        transaction: PAY.to_owned(),
        account: CHANNEL.to_owned(),
        amount: Money::sar(6_450),
    }
}

fn refund_order(reserved: bool) -> RefundOrder {
    RefundOrder {
        refund: RefundId::from_bare(REFUND).unwrap(),
        payment: PaymentId::from_bare(REFERENCE).unwrap(),
        transaction: PAY.to_owned(),
        account: CHANNEL.to_owned(),
        amount: Money::sar(6_450),
        reserved,
    }
}

fn accepted(reference: &str) -> Value {
    json!({"action_id": ACT, "reference": reference, "_links": {}})
}

fn action(kind: &str, reference: &str, approved: &Value) -> Value {
    json!({"id": ACT, "type": kind, "reference": reference, "amount": 6_450,
        "approved": approved, "response_code": "20158", "processed_on": "2026-11-21T10:00:00Z"})
}

#[tokio::test]
async fn a_capture_is_accepted_and_not_yet_done() {
    let server = answers(202, &accepted(REFERENCE));
    let state = checkout(&server).capture(&capture_order(), WITHIN).await.unwrap();
    assert_eq!(state, CaptureState::Pending);
    let [asked] = server.asked().try_into().unwrap();
    assert_eq!(asked.line, format!("POST /payments/{PAY}/captures"));
    assert!(asked.head.contains(&format!("cko-idempotency-key: {REFERENCE}-capture\r\n")));
    let body = json!({"amount": 6_450, "capture_type": "Final", "reference": REFERENCE});
    assert_eq!(asked.json(), body);
}

#[tokio::test]
async fn money_goes_back_by_a_refund_and_a_reservation_by_a_void() {
    let pending = || RefundState::Pending { transaction: ACT.to_owned() };
    let server = answers(202, &accepted(REFUND));
    assert_eq!(checkout(&server).refund(&refund_order(false), WITHIN).await.unwrap(), pending());
    assert_eq!(checkout(&server).refund(&refund_order(true), WITHIN).await.unwrap(), pending());
    let [refund, void] = server.asked().try_into().unwrap();
    assert_eq!(refund.line, format!("POST /payments/{PAY}/refunds"));
    assert_eq!(refund.json(), json!({"amount": 6_450, "reference": REFUND}));
    assert!(refund.head.contains(&format!("cko-idempotency-key: {REFUND}-refund\r\n")));
    assert_eq!(void.line, format!("POST /payments/{PAY}/voids"));
    assert_eq!(void.json(), json!({"reference": REFUND}));
    assert!(void.head.contains(&format!("cko-idempotency-key: {REFUND}-void\r\n")));
}

#[tokio::test]
async fn what_the_payment_does_not_allow_is_rejected_and_the_rest_refused() {
    for (status, code) in [
        (403, "action_not_allowed"),
        (422, "amount_exceeds_balance"),
        (422, "capture_value_greater_than_remaining_authorized"),
    ] {
        let server = answers(status, &codes(&[code]));
        let refund = checkout(&server).refund(&refund_order(false), WITHIN).await.unwrap();
        assert!(matches!(refund, RefundState::Rejected { code: said, .. } if said == code));
        let capture = checkout(&server).capture(&capture_order(), WITHIN).await.unwrap();
        assert!(matches!(capture, CaptureState::Rejected { code: said, .. } if said == code));
    }
    for (status, body) in [
        (401, Value::Null),
        (403, Value::Null),
        (404, Value::Null),
        (422, codes(&["reference_invalid"])),
    ] {
        let server = answers(status, &body);
        let refund = checkout(&server).refund(&refund_order(false), WITHIN).await;
        assert!(matches!(refund, Err(Error::Refused { .. })), "{status}");
        let capture = checkout(&server).capture(&capture_order(), WITHIN).await;
        assert!(matches!(capture, Err(Error::Refused { .. })), "{status}");
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_or_about_another_is_unknown() {
    let odd = [
        answers(202, &accepted("another")),
        answers(202, &json!({"action_id": "x"})),
        answers(202, &json!({})),
        answers(201, &accepted(REFERENCE)),
    ];
    for server in lost().into_iter().chain(odd) {
        assert!(is_unknown(&checkout(&server).refund(&refund_order(false), WITHIN).await));
        assert!(is_unknown(&checkout(&server).refund(&refund_order(true), WITHIN).await));
        assert!(is_unknown(&checkout(&server).capture(&capture_order(), WITHIN).await));
    }
}

#[tokio::test]
async fn a_capture_is_found_in_the_payments_actions() {
    let find = async |actions: Value| {
        checkout(&answers(200, &actions)).find_capture(&capture_order(), WITHIN).await
    };
    let reserved = action("Authorization", REFERENCE, &json!(true));
    let others = action("Capture", "another", &json!(true));
    assert_eq!(find(json!([reserved.clone(), others])).await.unwrap(), None);
    for (approved, state) in [
        (json!(true), CaptureState::Captured { transaction: None }),
        (Value::Null, CaptureState::Pending),
    ] {
        let found = find(json!([action("Capture", REFERENCE, &approved), reserved])).await;
        assert_eq!(found.unwrap(), Some(state));
    }
    let failed = action("Capture", REFERENCE, &json!(false));
    let found = find(json!([failed])).await.unwrap();
    assert!(matches!(found, Some(CaptureState::Rejected { code, .. }) if code == "20158"));
    let both = json!([failed, action("Capture", REFERENCE, &json!(true))]);
    assert_eq!(find(both).await.unwrap(), Some(CaptureState::Captured { transaction: None }));
    let other_amount = with(action("Capture", REFERENCE, &json!(true)), "amount", 1);
    let taken = Money::sar(1).into();
    let found = find(json!([other_amount])).await.unwrap();
    assert_eq!(found, Some(CaptureState::Otherwise { taken }));
    for undecided in [Value::Null, json!(false)] {
        let other_amount = with(action("Capture", REFERENCE, &undecided), "amount", 1);
        assert!(is_unknown(&find(json!([other_amount])).await), "{undecided}");
    }
}

#[tokio::test]
async fn a_refund_is_found_by_its_own_reference() {
    let find = async |actions: Value| {
        checkout(&answers(200, &actions)).find_refund(&refund_order(false), WITHIN).await
    };
    let id = || ACT.to_owned();
    let others = action("Refund", "another", &json!(true));
    let nobodys = with(action("Refund", "x", &json!(true)), "reference", Value::Null);
    let capture = action("Capture", REFUND, &json!(true));
    let none = json!([others, nobodys, capture, action("Void", REFUND, &json!(true))]);
    assert_eq!(find(none).await.unwrap(), None);
    let done = find(json!([others, action("Refund", REFUND, &json!(true))])).await.unwrap();
    assert_eq!(done, Some(RefundState::Refunded { transaction: id() }));
    let pending = find(json!([action("Refund", REFUND, &Value::Null)])).await.unwrap();
    assert_eq!(pending, Some(RefundState::Pending { transaction: id() }));
    let failed = find(json!([action("Refund", REFUND, &json!(false))])).await.unwrap();
    assert!(matches!(failed, Some(RefundState::Rejected { code, .. }) if code == "20158"));
    let other_amount = with(action("Refund", REFUND, &json!(true)), "amount", 1);
    assert!(is_unknown(&find(json!([other_amount])).await));
}

/// No action gives anything back, and the payment stands like this.
fn stands(status: &'static str) -> Scripted {
    Scripted::new(move |asked| {
        if asked.is("POST ") {
            (403, codes(&["action_not_allowed"]).to_string())
        } else if asked.line.ends_with("/actions") {
            (200, "[]".to_owned())
        } else {
            (200, payment(status).to_string())
        }
    })
}

#[tokio::test]
async fn a_reservation_that_has_ended_is_let_go_whoever_ended_it() {
    let gone = || RefundState::Refunded { transaction: PAY.to_owned() };
    for status in ["Voided", "Expired"] {
        let server = stands(status);
        let found = checkout(&server).find_refund(&refund_order(true), WITHIN).await.unwrap();
        assert_eq!(found, Some(gone()), "{status}");
        let sent = checkout(&server).refund(&refund_order(true), WITHIN).await.unwrap();
        assert_eq!(sent, gone(), "{status}");
    }
    let server = stands("Captured");
    let found = checkout(&server).find_refund(&refund_order(true), WITHIN).await.unwrap();
    assert_eq!(found, None);
    let sent = checkout(&server).refund(&refund_order(true), WITHIN).await.unwrap();
    assert!(matches!(sent, RefundState::Rejected { .. }));
    let void = answers(200, &json!([action("Void", REFUND, &json!(true))]));
    let found = checkout(&void).find_refund(&refund_order(true), WITHIN).await.unwrap();
    assert_eq!(found, Some(RefundState::Refunded { transaction: ACT.to_owned() }));
}

#[tokio::test]
async fn a_look_up_that_fails_shows_nothing_to_anybody() {
    let odd = [answers(404, &Value::Null), answers(200, &json!({})), answers(401, &Value::Null)];
    for server in lost().into_iter().chain(odd) {
        let vendor = checkout(&server);
        assert!(vendor.find_refund(&refund_order(false), WITHIN).await.is_err());
        assert!(vendor.find_refund(&refund_order(true), WITHIN).await.is_err());
        assert!(vendor.find_capture(&capture_order(), WITHIN).await.is_err());
    }
    let order = CaptureOrder { transaction: "../x".to_owned(), ..capture_order() };
    let server = answers(202, &accepted(REFERENCE));
    let sent = checkout(&server).capture(&order, WITHIN).await;
    assert!(matches!(sent, Err(Error::Refused { .. })));
    assert_eq!(server.asked().len(), 0);
}
