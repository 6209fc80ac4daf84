//! The card gateway undecided, uncertain, declining, repeating itself, or wrong about what it says.

use crate::harness::{Sandbox, code, eventually};
use reqwest::Method;
use serde_json::{Value, json};

const SUCCESS: &str = "000.100.110";

async fn start() -> Sandbox {
    let sandbox = Sandbox::start().await;
    sandbox.switch("hyperpay", "throttle_per_minute", "0").await;
    sandbox
}

/// An approved checkout that goes wrong like this; its id.
async fn paid_with(sandbox: &Sandbox, reference: &str, fault: &str) -> String {
    sandbox.fault("hyperpay", "pay", fault, 60_000).await;
    let checkout = sandbox.checkout(reference, "DB").await;
    sandbox.pay(&checkout, "approve").await;
    checkout
}

async fn status(sandbox: &Sandbox, checkout: &str) -> String {
    code(sandbox.hyperpay_get(&format!("checkouts/{checkout}/payment")).await).await
}

/// A full refund under a reference of its own.
async fn refund(sandbox: &Sandbox, id: &str, reference: &str) -> String {
    let form = [
        ("paymentType", "RF"),
        ("amount", "115.00"),
        ("currency", "SAR"),
        ("merchantTransactionId", reference),
    ];
    code(sandbox.hyperpay_post(&format!("payments/{id}"), &form).await).await
}

async fn query(sandbox: &Sandbox, reference: &str) -> Value {
    let path = format!("query?merchantTransactionId={reference}");
    sandbox.hyperpay_get(&path).await.json().await.unwrap()
}

#[tokio::test]
async fn what_is_undecided_ends_either_way() {
    let sandbox = start().await;
    for (number, (fault, expected)) in [
        ("pending_1", ["000.200.000", SUCCESS]),
        ("pending_then_decline_1", ["000.200.000", "800.100.152"]),
        ("pending_long_1", ["800.400.500", SUCCESS]),
        ("uncertain", ["900.100.300", SUCCESS]),
        ("uncertain_then_reversed", ["900.100.300", "900.100.301"]),
    ]
    .into_iter()
    .enumerate()
    {
        let reference = format!("BK-UNDECIDED-{number}");
        let checkout = paid_with(&sandbox, &reference, fault).await;
        let codes = [status(&sandbox, &checkout).await, status(&sandbox, &checkout).await];
        assert_eq!(codes, expected, "{fault}");
        let end = if expected[1] == SUCCESS { "capture" } else { "decline" };
        assert_eq!(sandbox.kinds("hyperpay", &reference).await, ["checkout", "pending", end]);
    }
}

#[tokio::test]
async fn what_is_pending_for_ever_outlives_its_session() {
    let sandbox = start().await;
    let checkout = paid_with(&sandbox, "BK-FOREVER", "pending_forever").await;
    for _ in 0..5 {
        assert_eq!(status(&sandbox, &checkout).await, "000.200.000");
    }
    sandbox.fault("hyperpay", "status_checkout", "session_expired", 0).await;
    assert_eq!(status(&sandbox, &checkout).await, "200.300.404");
    let shown = query(&sandbox, "BK-FOREVER").await;
    assert_eq!(shown["payments"][0]["result"]["code"], "000.200.000");
}

#[tokio::test]
async fn a_success_may_come_when_its_session_is_over() {
    let sandbox = Sandbox::with(|config| config.factor = 3_600).await;
    sandbox.switch("hyperpay", "throttle_per_minute", "0").await;
    let rule = json!({"match": {"op": "pay"}, "fault": "late_success"});
    sandbox.sim(Method::POST, "hyperpay/faults", rule).await;
    let checkout = sandbox.checkout("BK-AT-THE-EDGE", "DB").await;
    sandbox.pay(&checkout, "approve").await;
    assert_eq!(status(&sandbox, &checkout).await, "000.200.000");
    eventually(async || sandbox.kinds("hyperpay", "BK-AT-THE-EDGE").await.len() == 3).await;
    let kinds = sandbox.kinds("hyperpay", "BK-AT-THE-EDGE").await;
    assert_eq!(kinds, ["checkout", "pending", "capture"]);
    assert_eq!(status(&sandbox, &checkout).await, "200.300.404");
}

#[tokio::test]
async fn every_decline_takes_no_money_and_every_reviewed_success_does() {
    let sandbox = start().await;
    for (fault, expected, kind) in [
        ("decline", "800.100.152", "decline"),
        ("ends_800.100.159", "800.100.159", "decline"),
        ("ends_300.100.100", "300.100.100", "decline"),
        ("ends_000.400.101", "000.400.101", "decline"),
        ("ends_000.999.999", "000.999.999", "decline"),
        ("review", "000.400.000", "capture"),
        ("ends_000.400.100", "000.400.100", "capture"),
    ] {
        let reference = format!("BK-{fault}");
        let checkout = paid_with(&sandbox, &reference, fault).await;
        assert_eq!(status(&sandbox, &checkout).await, expected);
        assert_eq!(sandbox.kinds("hyperpay", &reference).await, ["checkout", kind]);
    }
}

#[tokio::test]
async fn a_refund_is_pending_and_fails_or_is_uncertain_and_is_done() {
    let sandbox = start().await;
    for (fault, first, last) in [
        ("pending_then_decline_1", "000.200.000", "decline"),
        ("pending_1", "000.200.000", "refund"),
        ("uncertain", "900.100.300", "refund"),
        ("uncertain_then_reversed", "900.100.300", "decline"),
    ] {
        let (_, id) = sandbox.paid(&format!("BK-{fault}"), "DB").await;
        let reference = format!("RF-{fault}");
        sandbox.fault("hyperpay", "refund", fault, 60_000).await;
        assert_eq!(refund(&sandbox, &id, &reference).await, first, "{fault}");
        assert_eq!(sandbox.kinds("hyperpay", &reference).await, ["pending"]);
        query(&sandbox, &reference).await;
        query(&sandbox, &reference).await;
        assert_eq!(sandbox.kinds("hyperpay", &reference).await, ["pending", last], "{fault}");
    }
}

#[tokio::test]
async fn another_reader_may_have_had_the_final_word() {
    let sandbox = start().await;
    let (checkout, id) = sandbox.paid("BK-CONSUMED", "DB").await;
    sandbox.fault("hyperpay", "status_checkout", "consumed", 0).await;
    assert_eq!(status(&sandbox, &checkout).await, "200.300.404");
    assert_eq!(status(&sandbox, &checkout).await, "200.300.404");
    assert_eq!(query(&sandbox, "BK-CONSUMED").await["payments"][0]["id"], id);
}

#[tokio::test]
async fn a_reference_used_again_is_refused_executed_or_executed_beyond_what_was_captured() {
    for (policy, pay, partial, full) in [
        ("reject_200.300.404", "200.300.404", "200.300.404", "200.300.404"),
        ("reject_800.110.100", "800.110.100", "800.110.100", "800.110.100"),
        ("allow", SUCCESS, SUCCESS, "700.400.200"),
        ("charge_again", SUCCESS, SUCCESS, SUCCESS),
    ] {
        let sandbox = start().await;
        sandbox.switch("hyperpay", "dup_policy", policy).await;
        let (_, id) = sandbox.paid("BK-AGAIN", "DB").await;
        let checkout = sandbox.checkout("BK-AGAIN", "DB").await;
        let second = sandbox.pay(&checkout, "approve").await;
        assert_eq!(second["code"], pay, "{policy}");
        let form = [
            ("paymentType", "RF"),
            ("amount", "15.00"),
            ("currency", "SAR"),
            ("merchantTransactionId", "RF-AGAIN"),
        ];
        let path = format!("payments/{id}");
        assert_eq!(code(sandbox.hyperpay_post(&path, &form).await).await, SUCCESS);
        assert_eq!(code(sandbox.hyperpay_post(&path, &form).await).await, partial, "{policy}");
        assert_eq!(refund(&sandbox, &id, "RF-AGAIN").await, full, "{policy}");
        // A reference of its own never takes more than there is.
        assert_eq!(refund(&sandbox, &id, "RF-ANOTHER").await, "700.400.200");
        let times = |code: &str| usize::from(code == SUCCESS);
        let refunds = sandbox.kinds("hyperpay", "RF-AGAIN").await;
        assert_eq!(refunds.len(), 1 + times(partial) + times(full), "{policy}");
    }
}

#[tokio::test]
async fn one_session_may_be_paid_twice() {
    let sandbox = start().await;
    sandbox.switch("hyperpay", "session_takes", "several").await;
    let (checkout, _) = sandbox.paid("BK-TWO-CARDS", "DB").await;
    sandbox.pay(&checkout, "approve").await;
    let kinds = sandbox.kinds("hyperpay", "BK-TWO-CARDS").await;
    assert_eq!(kinds, ["checkout", "capture", "capture"]);
    assert_eq!(query(&sandbox, "BK-TWO-CARDS").await["payments"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_refund_may_be_done_and_answered_as_a_duplicate() {
    let sandbox = start().await;
    let (_, id) = sandbox.paid("BK-DONE-1", "DB").await;
    sandbox.fault("hyperpay", "refund", "commit_800.110.100", 0).await;
    assert_eq!(refund(&sandbox, &id, "RF-DONE-1").await, "800.110.100");
    assert_eq!(sandbox.kinds("hyperpay", "RF-DONE-1").await, ["refund"]);
}

#[tokio::test]
async fn what_was_charged_may_not_show_yet() {
    let sandbox = Sandbox::with(|config| config.factor = 60).await;
    sandbox.switch("hyperpay", "throttle_per_minute", "0").await;
    sandbox.switch("hyperpay", "query_lag_ms", "30000").await;
    sandbox.paid("BK-LAGGING", "DB").await;
    assert_eq!(query(&sandbox, "BK-LAGGING").await["result"]["code"], "700.400.580");
    let shown = async || query(&sandbox, "BK-LAGGING").await["payments"].is_array();
    eventually(shown).await;
    sandbox.fault("hyperpay", "query_reference", "lookup_lag", 0).await;
    assert!(!shown().await && shown().await);
}

#[tokio::test]
async fn a_charge_back_takes_the_money_and_the_refund_with_it() {
    let sandbox = start().await;
    let (_, id) = sandbox.paid("BK-CHARGED-BACK", "DB").await;
    let order = json!({"reference": "BK-CHARGED-BACK"});
    let done = sandbox.sim(Method::POST, "hyperpay/chargebacks", order.clone()).await;
    assert_eq!(done["payment_id"], id);
    assert_eq!(refund(&sandbox, &id, "RF-CHARGED-BACK").await, "700.300.600");
    let kinds = sandbox.kinds("hyperpay", "BK-CHARGED-BACK").await;
    assert_eq!(kinds, ["checkout", "capture", "chargeback"]);
    let again = sandbox.sim(Method::POST, "hyperpay/chargebacks", order).await;
    assert!(again["error"].is_string(), "{again}");
}

#[tokio::test]
async fn a_payment_is_of_another_amount_or_only_shown_so() {
    let sandbox = start().await;
    paid_with(&sandbox, "BK-MISMATCH-1", "amount_mismatch").await;
    let path = "hyperpay/ledger?kind=capture";
    let captures = sandbox.sim(Method::GET, path, Value::Null).await;
    assert_eq!(captures[0]["amount_minor"], 11_600);
    sandbox.paid("BK-MISMATCH-2", "DB").await;
    for (fault, field, shown) in [
        ("amount_mismatch", "amount", json!("116.00")),
        ("amount_hundredth", "amount", json!("1.15")),
        ("amount_as_number", "amount", json!(115.0)),
        ("currency_mismatch", "currency", json!("AED")),
        ("reference_mismatch", "merchantTransactionId", json!("BK-someone-else")),
        ("missing_fields", "card", Value::Null),
        ("bare_result", "id", Value::Null),
    ] {
        sandbox.fault("hyperpay", "query_reference", fault, 0).await;
        let row = query(&sandbox, "BK-MISMATCH-2").await["payments"][0].clone();
        assert_eq!(row[field], shown, "{fault}");
    }
    let captures = sandbox.sim(Method::GET, path, Value::Null).await;
    assert_eq!(captures[1]["amount_minor"], 11_500);
}

#[tokio::test]
async fn a_call_is_throttled_in_either_form() {
    let sandbox = start().await;
    let (_, id) = sandbox.paid("BK-THROTTLED", "DB").await;
    for expected in ["429", "200"] {
        sandbox.switch("hyperpay", "throttle_http_status", expected).await;
        sandbox.fault("hyperpay", "refund", "throttled", 0).await;
        let form = [("paymentType", "RF"), ("amount", "1.00"), ("currency", "SAR")];
        let answer = sandbox.hyperpay_post(&format!("payments/{id}"), &form).await;
        assert_eq!(answer.status().as_str(), expected);
        assert_eq!(code(answer).await, "800.120.100");
    }
    let refunds = sandbox.sim(Method::GET, "hyperpay/ledger?kind=refund", Value::Null).await;
    assert_eq!(refunds, json!([]));
}
