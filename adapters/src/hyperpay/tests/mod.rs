//! `HyperPay` against a scripted server: what each answer is taken for.

mod reserving;

use super::*;
use crate::scripted::{Asked, Scripted};
use schema::{
    ids::{BookingId, PaymentId, RefundId},
    money::Money,
    paying::Buyer,
};
use serde_json::{Value, json};

const ENTITY: &str = "8ac7a4c8000000000000000000mada01";
const WITHIN: Duration = Duration::from_secs(5);
const CHECKOUT: &str = "A1B2C3D4E5F6A7B8C9D0E1F2A3B4C5D6.uat01-vm-tx04";
const TRANSACTION: &str = "8ac7a4a2900000010190000000000001";

fn payment() -> PaymentId {
    PaymentId::from_bare("01K9ZZZZZZZZZZZZZZZZZZZZZZ").unwrap()
}

fn refund_id() -> RefundId {
    RefundId::from_bare("01K9RRRRRRRRRRRRRRRRRRRRRR").unwrap()
}

fn hyperpay(server: &Scripted, live: bool) -> HyperPay {
    HyperPay::new(Config {
        base_url: server.url.clone(),
        token: "dG9rZW4=".into(),
        entity_id: ENTITY.to_owned(),
        webhook_keys: Vec::new(),
        live: false,
        test_mode: None,
        read_window: Duration::from_mins(1),
        session_life: Duration::from_mins(30),
    })
    .map(|made| HyperPay { codes: ResultCodes::new(live).unwrap(), ..made })
    .unwrap()
}

fn answers(status: u16, body: &Value) -> Scripted {
    let body = body.to_string();
    Scripted::new(move |_| (status, body.clone()))
}

fn result(code: &str) -> Value {
    json!({"result": {"code": code, "description": "text"}, "ndc": "x"})
}

fn transaction(code: &str) -> Value {
    json!({"id": TRANSACTION, "paymentType": "DB", "paymentBrand": "MADA", "amount": "92.00",
        "currency": "SAR", "merchantTransactionId": payment().bare(),
        "result": {"code": code, "description": "text"}, "card": {"last4Digits": "0007"},
        "timestamp": "2026-11-21 08:45:03.065+0000", "randomField": 1})
}

fn with(mut transaction: Value, field: &str, value: impl Into<Value>) -> Value {
    transaction[field] = value.into();
    transaction
}

fn list(transactions: &[Value]) -> Value {
    json!({"result": {"code": "000.000.100"}, "payments": transactions})
}

fn session(server: &Scripted) -> Session {
    let id = CHECKOUT.to_owned();
    let next = NextAct::Widget {
        script: format!("{}/v1/paymentWidgets.js?checkoutId={id}", server.url),
        brands: "VISA MASTER MADA".to_owned(),
    };
    Session { id, account: ENTITY.to_owned(), lives_ms: 1_800_000, next }
}

fn question() -> Question {
    Question {
        payment: payment(),
        session: Some(CHECKOUT.to_owned()),
        account: Some(ENTITY.to_owned()),
        transaction: None,
        known: Vec::new(),
    }
}

fn refund_order() -> RefundOrder {
    RefundOrder {
        refund: refund_id(),
        payment: payment(),
        reserved: false,
        transaction: TRANSACTION.to_owned(),
        account: ENTITY.to_owned(),
        amount: Money::sar(9_200),
    }
}

async fn open(server: &Scripted) -> Result<Opened, Error> {
    let charge = Charge {
        payment: payment(),
        booking: BookingId::from_bare("01K9BBBBBBBBBBBBBBBBBBBBBB").unwrap(),
        amount: Money::sar(9_200),
        taking: Taking::AtOnce,
        pay_with: PayWith::Page,
        secret: None,
        buyer: Buyer::default(),
        purchases: Vec::new(),
        return_url: "https://cinema.example/paid?a=b c".to_owned(),
    };
    hyperpay(server, false).open(&charge, WITHIN).await
}

async fn states(transactions: &[Value]) -> Result<Vec<TransactionState>, Error> {
    let server = answers(200, &list(transactions));
    let all = hyperpay(&server, false).ask(&question(), WITHIN).await?;
    Ok(all.into_iter().map(|one| one.state).collect())
}

#[tokio::test]
async fn a_checkout_is_opened_under_our_reference() {
    let mut created = result("000.200.100");
    created["id"] = json!(CHECKOUT);
    let server = answers(200, &created);
    assert_eq!(open(&server).await.unwrap(), Opened::Open(session(&server)));
    let [Asked { line, head, body }] = server.asked().try_into().unwrap();
    assert_eq!(line, "POST /v1/checkouts");
    assert!(head.contains("authorization: Bearer dG9rZW4=\r\n"));
    assert_eq!(
        body,
        format!(
            "entityId={ENTITY}&amount=92.00&currency=SAR&paymentType=DB\
             &merchantTransactionId=01K9ZZZZZZZZZZZZZZZZZZZZZZ\
             &merchantInvoiceId=01K9BBBBBBBBBBBBBBBBBBBBBB\
             &shopperResultUrl=https%3A%2F%2Fcinema.example%2Fpaid%3Fa%3Db+c"
        )
    );
}

#[tokio::test]
async fn opening_is_refused_throttled_or_unknown() {
    let mut wrong = result("200.300.404");
    wrong["result"]["parameterErrors"] = json!([{"name": "amount", "value": "x"}]);
    for (status, body) in
        [(400, wrong), (401, result("800.900.300")), (403, json!({})), (400, result("600.200.201"))]
    {
        let error = open(&answers(status, &body)).await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error}");
    }
    for (status, body) in [
        (400, result("200.300.404")),
        (200, result("000.200.100")),
        (500, json!({})),
        (200, result("999.999.999")),
        (200, result("000.999.999")),
        (302, json!(null)),
        (429, json!({})),
    ] {
        let error = open(&answers(status, &body)).await.unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }), "{error}");
    }
    for status in [200, 400, 429] {
        let error = open(&answers(status, &result("800.120.100"))).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { retry_after: Some(_), .. }), "{error}");
    }
}

#[tokio::test]
async fn a_transaction_is_what_its_own_code_says() {
    use TransactionState::{Authorized, Captured, Declined, Pending};
    let declined = |code: &str| Declined { code: code.to_owned() };
    for (code, state) in [
        ("000.100.110", Captured { review: false }),
        ("000.000.000", Captured { review: false }),
        ("000.400.100", Captured { review: true }),
        ("000.200.000", Pending),
        ("800.400.500", Pending),
        ("900.100.300", Pending),
        ("800.600.100", Pending),
        ("000.999.999", Pending),
        ("800.100.152", declined("800.100.152")),
        ("800.110.100", declined("800.110.100")),
        ("600.200.201", declined("600.200.201")),
    ] {
        assert_eq!(states(&[transaction(code)]).await.unwrap(), [state], "{code}");
    }
    let reserved = with(transaction("000.000.000"), "paymentType", "PA");
    assert_eq!(states(&[reserved]).await.unwrap(), [Authorized]);
}

#[tokio::test]
async fn only_our_charges_count_and_the_amount_is_theirs() {
    let good = || with(transaction("000.000.000"), "amount", "1.05");
    let with_id = |field: &str, value: &str| with(with(good(), "id", "other-id-1"), field, value);
    for dropped in [
        with_id("paymentType", "RF"),
        with_id("paymentType", "CB"),
        with_id("merchantTransactionId", "01K9000000000000000000000X"),
        with(with_id("x", ""), "authentication", json!({"entityId": "another"})),
    ] {
        let server = answers(200, &list(&[dropped, good()]));
        let all = hyperpay(&server, false).ask(&question(), WITHIN).await.unwrap();
        let [one] = all.try_into().unwrap();
        assert_eq!((one.id.as_str(), one.amount.money()), (TRANSACTION, Some(Money::sar(105))));
        assert_eq!((one.brand.as_deref(), one.last4.as_deref()), (Some("MADA"), Some("0007")));
    }
    for (field, value) in [
        ("amount", json!("1e3")),
        ("amount", Value::Null),
        ("currency", json!("dirhams")),
        ("merchantTransactionId", Value::Null),
        ("id", Value::Null),
    ] {
        let error = states(&[with(good(), field, value)]).await.unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }), "{field}: {error}");
    }
}

#[tokio::test]
async fn what_was_taken_stays_taken_and_the_oldest_comes_first() {
    let at = |code, second: u32, id: &str| {
        let stamp = format!("2026-11-21 08:45:{second:02}+0000");
        with(with(transaction(code), "timestamp", stamp), "id", id)
    };
    let shown = [
        at("800.100.152", 9, "second-id"),
        at("000.000.000", 12, "third-id"),
        at("000.200.000", 11, "third-id"),
        at("100.396.101", 1, "first-id"),
    ];
    let server = answers(200, &list(&shown));
    let all = hyperpay(&server, false).ask(&question(), WITHIN).await.unwrap();
    let ids: Vec<&str> = all.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["first-id", "second-id", "third-id"]);
    assert!(matches!(all[2].state, TransactionState::Captured { .. }));
}

#[tokio::test]
async fn the_live_system_takes_nothing_with_a_test_code() {
    let server = answers(200, &list(&[transaction("000.100.110")]));
    let all = hyperpay(&server, true).ask(&question(), WITHIN).await.unwrap();
    assert_eq!(all[0].state, TransactionState::Pending);
}

#[tokio::test]
async fn where_the_reference_shows_nothing_the_session_is_asked() {
    let script = |checkout: Value| {
        Scripted::new(move |asked| {
            let unknown = result("700.400.580");
            let body = if asked.is("GET /v1/query?") { &unknown } else { &checkout };
            (400, body.to_string())
        })
    };
    for nothing in ["200.300.404", "000.200.000", "700.400.580"] {
        let server = script(result(nothing));
        assert_eq!(hyperpay(&server, false).ask(&question(), WITHIN).await.unwrap(), []);
        let path = format!("GET /v1/checkouts/{CHECKOUT}/payment?entityId={ENTITY}");
        assert_eq!(server.count(&path), 1);
    }
    let server = script(transaction("000.000.000"));
    assert_eq!(hyperpay(&server, false).ask(&question(), WITHIN).await.unwrap().len(), 1);
    let error = hyperpay(&script(result("999.999.999")), false).ask(&question(), WITHIN).await;
    assert!(matches!(error, Err(Error::Unknown { .. })), "nothing is not believed half asked");
}

#[tokio::test]
async fn a_hint_finds_what_the_reference_does_not_show_yet() {
    let server = Scripted::new(|asked| {
        let found = transaction("000.000.000");
        let body = if asked.is("GET /v1/query?") { list(&[]) } else { found };
        (200, body.to_string())
    });
    let hinted = Question { transaction: Some(TRANSACTION.to_owned()), ..question() };
    let all = hyperpay(&server, false).ask(&hinted, WITHIN).await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(server.count(&format!("GET /v1/query/{TRANSACTION}?entityId={ENTITY}")), 1);
    assert_eq!(server.count("GET /v1/checkouts"), 0);
}

#[tokio::test]
async fn a_third_read_within_the_window_is_not_sent() {
    let server = answers(200, &list(&[transaction("000.200.000")]));
    let vendor = hyperpay(&server, false);
    for _ in 0..2 {
        vendor.ask(&question(), WITHIN).await.unwrap();
    }
    let error = vendor.ask(&question(), WITHIN).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { retry_after: Some(_), .. }), "{error}");
    assert_eq!(server.count("GET /v1/query?"), 2);
}

#[tokio::test]
async fn a_lookup_that_fails_is_no_empty_list() {
    for (status, body) in [
        (500, json!({})),
        (200, result("000.000.100")),
        (200, result("800.120.100")),
        (400, result("200.300.404")),
        (401, result("800.900.300")),
    ] {
        let server = answers(status, &body);
        assert!(hyperpay(&server, false).ask(&question(), WITHIN).await.is_err(), "{body}");
        let found = hyperpay(&server, false).find_refund(&refund_order(), WITHIN).await;
        assert!(found.is_err(), "{body}");
    }
}

fn refunded(code: &str) -> Value {
    json!({"id": "8ac7a4a2900000010190000000000002", "referencedId": TRANSACTION,
        "paymentType": "RF", "amount": "92.00", "currency": "SAR",
        "merchantTransactionId": refund_id().bare(), "result": {"code": code, "description": "t"}})
}

/// Nothing was reserved first; the refund is answered like this.
fn refunds(status: u16, body: &Value) -> Scripted {
    let (nothing, body) = (result("700.400.580").to_string(), body.to_string());
    Scripted::new(
        move |asked| {
            if asked.is("GET ") { (400, nothing.clone()) } else { (status, body.clone()) }
        },
    )
}

#[tokio::test]
async fn a_refund_is_done_pending_rejected_or_unknown() {
    let done = || "8ac7a4a2900000010190000000000002".to_owned();
    let ask = async |status, body: Value| {
        let server = refunds(status, &body);
        hyperpay(&server, false).refund(&refund_order(), WITHIN).await
    };
    let state = ask(200, refunded("000.000.000")).await.unwrap();
    assert_eq!(state, RefundState::Refunded { transaction: done() });
    let state = ask(200, refunded("000.200.000")).await.unwrap();
    assert_eq!(state, RefundState::Pending { transaction: done() });
    for code in ["700.400.200", "700.300.300", "700.400.580", "800.100.152"] {
        let state = ask(400, result(code)).await.unwrap();
        assert!(matches!(state, RefundState::Rejected { .. }), "{code}");
    }
    for body in [
        result("900.100.300"),
        result("800.110.100"),
        result("200.300.404"),
        result("000.000.000"),
        result("000.999.999"),
        with(refunded("000.000.000"), "amount", "9.20"),
        with(refunded("000.000.000"), "merchantTransactionId", "another"),
        with(refunded("000.000.000"), "referencedId", "another"),
    ] {
        let error = ask(400, body).await.unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }), "{error}");
    }
    assert!(matches!(ask(200, result("600.200.201")).await, Err(Error::Refused { .. })));
    assert!(matches!(ask(429, result("800.120.100")).await, Err(Error::Unavailable { .. })));
}

#[tokio::test]
async fn a_refund_is_sent_under_its_own_reference() {
    let server = refunds(200, &refunded("000.000.000"));
    hyperpay(&server, false).refund(&refund_order(), WITHIN).await.unwrap();
    let [_, Asked { line, body, .. }] = server.asked().try_into().unwrap();
    assert_eq!(line, format!("POST /v1/payments/{TRANSACTION}"));
    let reference = "merchantTransactionId=01K9RRRRRRRRRRRRRRRRRRRRRR";
    assert_eq!(
        body,
        format!("entityId={ENTITY}&paymentType=RF&amount=92.00&currency=SAR&{reference}")
    );
    let server = answers(200, &with(refunded("000.000.000"), "paymentType", "RV"));
    let reserved = RefundOrder { reserved: true, ..refund_order() };
    hyperpay(&server, false).refund(&reserved, WITHIN).await.unwrap();
    assert!(server.asked()[0].body.contains("paymentType=RV"));
    let order = RefundOrder { transaction: "../checkouts".to_owned(), ..refund_order() };
    assert!(hyperpay(&server, false).refund(&order, WITHIN).await.is_err());
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_refund_is_found_by_its_reference() {
    let find = async |transactions: &[Value]| {
        let server = answers(200, &list(transactions));
        hyperpay(&server, false).find_refund(&refund_order(), WITHIN).await
    };
    let transaction = "8ac7a4a2900000010190000000000002".to_owned();
    assert_eq!(find(&[]).await.unwrap(), None);
    assert_eq!(find(&[with(refunded("000.000.000"), "paymentType", "DB")]).await.unwrap(), None);
    let pending = Some(RefundState::Pending { transaction: transaction.clone() });
    assert_eq!(find(&[refunded("900.100.300")]).await.unwrap(), pending);
    let done = Some(RefundState::Refunded { transaction });
    let both = [refunded("700.400.200"), refunded("000.000.000")];
    assert_eq!(find(&both).await.unwrap(), done);
    assert!(matches!(
        find(&[refunded("700.400.200")]).await.unwrap(),
        Some(RefundState::Rejected { .. })
    ));
    let server = answers(400, &result("700.400.580"));
    let none = hyperpay(&server, false).find_refund(&refund_order(), WITHIN).await.unwrap();
    assert_eq!(none, None);
}
