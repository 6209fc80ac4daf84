//! `NearPay` against a scripted server: what each answer is taken for.

mod refunds;

use super::*;
use crate::{provider::TransactionState, scripted::Scripted};
use schema::{
    ids::{BookingId, PaymentId, RefundId},
    money::Money,
    paying::Buyer,
};
use serde_json::{Value, json};

const WITHIN: Duration = Duration::from_secs(5);
const TERMINAL: &str = "0211920800119208";
const UUID: &str = "0b8e9a52-6a3f-4d0f-9b57-1d1c3b0a7f11";
const REFUND_UUID: &str = "7d1f3c52-6a3f-4d0f-9b57-1d1c3b0a7f22";

fn payment() -> PaymentId {
    PaymentId::from_bare("01K9ZZZZZZZZZZZZZZZZZZZZZZ").unwrap()
}

fn refund_id() -> RefundId {
    RefundId::from_bare("01K9RRRRRRRRRRRRRRRRRRRRRR").unwrap()
}

fn config(base_url: &str) -> Config {
    Config {
        base_url: base_url.to_owned(),
        api_key: "sesame".into(),
        key_header: "api-key".to_owned(),
        terminals_path: "terminals".to_owned(),
        transactions_path: "transactions".to_owned(),
        webhook_secrets: Vec::new(),
        live: false,
        session_life: Duration::from_mins(5),
        reversal_window: Duration::from_mins(1),
        reversal_answer: Duration::from_secs(40),
    }
}

fn nearpay(server: &Scripted) -> NearPay {
    NearPay::new(config(&server.url)).unwrap()
}

fn answers(status: u16, body: &Value) -> Scripted {
    let body = body.to_string();
    Scripted::new(move |_| (status, body.clone()))
}

fn question() -> Question {
    Question {
        payment: payment(),
        session: Some(payment().bare()),
        account: Some(TERMINAL.to_owned()),
        transaction: None,
        known: Vec::new(),
    }
}

fn refund_order() -> RefundOrder {
    RefundOrder {
        refund: refund_id(),
        payment: payment(),
        transaction: UUID.to_owned(),
        account: TERMINAL.to_owned(),
        amount: Money::sar(6_450),
        reserved: false,
    }
}

fn receipt(uuid: &str) -> Value {
    json!({"id": "r1", "transaction_uuid": uuid, "tid": TERMINAL,
        "transaction_type": {"name": {"english": "PURCHASE"}, "id": "00"},
        "amount_authorized": {"label": {"english": "AMOUNT"}, "value": "64.50"},
        "currency": {"arabic": "ر.س", "english": "SAR"}, "is_approved": true,
        "is_reversed": false, "is_refunded": false, "action_code": "000",
        "card_scheme": {"id": "P1", "name": {"english": "mada"}}, "pan": "5243 42** **** 9871",
        "retrieval_reference_number": "432110000001"})
}

fn listed(at_second: u32, receipt: Value) -> Value {
    let receipts = vec![receipt];
    json!({"id": "vendor-row-1", "customer_reference_number": payment().bare(),
        "created_at": format!("2026-11-21T10:00:{at_second:02}.250Z"), "receipts": receipts})
}

fn with(mut value: Value, pointer: &str, other: impl Into<Value>) -> Value {
    *value.pointer_mut(pointer).unwrap() = other.into();
    value
}

fn list(transactions: &[Value]) -> Value {
    json!({"transactions": transactions, "pages": {"current": 1, "total": 1}})
}

async fn ask(transactions: &[Value]) -> Result<Vec<Transaction>, Error> {
    nearpay(&answers(200, &list(transactions))).ask(&question(), WITHIN).await
}

async fn state(receipt: Value) -> TransactionState {
    let [one] = ask(&[listed(1, receipt)]).await.unwrap().try_into().unwrap();
    one.state
}

async fn open_at(server: &Scripted, terminal: &str) -> Result<Opened, Error> {
    let charge = Charge {
        payment: payment(),
        booking: BookingId::from_bare("01K9BBBBBBBBBBBBBBBBBBBBBB").unwrap(),
        amount: Money::sar(6_450),
        taking: Taking::AtOnce,
        pay_with: PayWith::Terminal { terminal: terminal.to_owned() },
        secret: None,
        buyer: Buyer::default(),
        purchases: Vec::new(),
        return_url: "https://cinema.example/paid".to_owned(),
    };
    nearpay(server).open(&charge, WITHIN).await
}

fn terminals(tid: &str, connected: impl Into<Value>) -> Value {
    json!({"terminals": [{"id": "t1", "tid": tid, "name": "kiosk", "merchant": {}, "user": null,
        "device": null, "is_connected": connected.into()}], "pages": {"current": 1, "total": 1}})
}

#[tokio::test]
async fn the_kiosk_is_told_which_reference_to_give_its_terminal() {
    let server = answers(200, &terminals(TERMINAL, true));
    let reference = payment().bare();
    let next = NextAct::Terminal { terminal: TERMINAL.to_owned(), reference: reference.clone() };
    let session = Session { id: reference, account: TERMINAL.to_owned(), lives_ms: 300_000, next };
    assert_eq!(open_at(&server, TERMINAL).await.unwrap(), Opened::Open(session));
    let [asked] = server.asked().try_into().unwrap();
    assert_eq!(asked.line, format!("GET /terminals?tid={TERMINAL}"));
    assert!(asked.head.contains("api-key: sesame\r\n"), "{}", asked.head);
}

#[tokio::test]
async fn a_terminal_that_cannot_be_used_is_an_answer() {
    for (status, body, code) in [
        (200, json!({"terminals": []}), "terminal_unknown"),
        (200, terminals("0000000000000000", true), "terminal_unknown"),
        (404, json!({"message": "no"}), "terminal_unknown"),
        (200, terminals(TERMINAL, false), "terminal_away"),
        (405, json!({}), "terminal_away"),
        (406, json!({}), "terminal_busy"),
        (410, json!({}), "terminal_busy"),
    ] {
        let opened = open_at(&answers(status, &body), TERMINAL).await.unwrap();
        assert_eq!(opened, Opened::Rejected { code: code.to_owned() }, "{status} {body}");
    }
    let unsaid = open_at(&answers(200, &terminals(TERMINAL, Value::Null)), TERMINAL).await;
    assert!(matches!(unsaid, Ok(Opened::Open(_))), "what is not said is not held against it");
}

#[tokio::test]
async fn whatever_is_no_answer_is_refused_throttled_or_unknown() {
    let both = async |status, body: &str| {
        let body = body.to_owned();
        let server = Scripted::new(move |_| (status, body.clone()));
        let opened = open_at(&server, TERMINAL).await.map(|_| ());
        let asked = nearpay(&server).ask(&question(), WITHIN).await.map(|_| ());
        [opened, asked]
    };
    for (status, body) in [(401, "{}"), (403, "<html>"), (400, "{\"code_text\":\"bad_query\"}")] {
        for error in both(status, body).await {
            assert!(matches!(error, Err(Error::Refused { .. })), "{status} {body}");
        }
    }
    for (status, body) in [
        (200, ""),
        (200, "<html>"),
        (200, "{\"transac"),
        (200, "{}"),
        (200, "null"),
        (200, "[]"),
        (500, ""),
        (502, "<html>Bad Gateway</html>"),
        (302, ""),
        (200, "{\"terminals\":[{\"tid\":\"\\u0030211\"}],\"transactions\":[]}"),
    ] {
        for error in both(status, body).await {
            assert!(matches!(error, Err(Error::Unknown { .. })), "{status} {body}");
        }
    }
    for error in both(429, "").await {
        assert!(matches!(error, Err(Error::Unavailable { .. })));
    }
}

#[tokio::test]
async fn only_a_purchase_approved_at_the_terminal_that_was_asked_is_taken() {
    use TransactionState::{Captured, Declined, Pending, Voided};
    let declined = |code: &str| Declined { code: code.to_owned() };
    let of = |pointer: &str, value: Value| with(receipt(UUID), pointer, value);
    for (receipt, expected) in [
        (receipt(UUID), Captured { review: false }),
        (of("/is_reversed", json!(true)), Voided),
        (of("/is_refunded", json!(true)), declined("refunded")),
        (with(of("/is_approved", json!(false)), "/action_code", "116"), declined("116")),
        (with(of("/is_approved", json!(false)), "/action_code", "Sara Ali"), declined("declined")),
        (of("/is_approved", Value::Null), Pending),
        (of("/tid", json!("0211920800119999")), Pending),
        (of("/tid", Value::Null), Pending),
        (of("/transaction_type/id", json!("01")), Pending),
        (of("/transaction_type", Value::Null), Pending),
    ] {
        assert_eq!(state(receipt.clone()).await, expected, "{receipt}");
    }
}

#[tokio::test]
async fn before_the_terminal_is_known_nothing_counts_as_taken() {
    let server = answers(200, &list(&[listed(1, receipt(UUID))]));
    let early = Question { session: None, account: None, ..question() };
    let [one] = nearpay(&server).ask(&early, WITHIN).await.unwrap().try_into().unwrap();
    assert_eq!(one.state, TransactionState::Pending);
}

#[tokio::test]
async fn amount_brand_and_digits_are_the_vendors_own() {
    let server = answers(200, &list(&[listed(1, receipt(UUID))]));
    let [one] = nearpay(&server).ask(&question(), WITHIN).await.unwrap().try_into().unwrap();
    assert_eq!((one.id.as_str(), one.amount.money()), (UUID, Some(Money::sar(6_450))));
    assert_eq!(one.reference, payment().bare());
    assert_eq!((one.brand.as_deref(), one.last4.as_deref()), (Some("MADA"), Some("9871")));
    let reference = payment().bare();
    let line = format!("GET /transactions?customer_reference_number={reference}&page=1&limit=50");
    assert_eq!(server.asked()[0].line, line);
    for (pointer, value) in [
        ("/amount_authorized/value", json!("1e3")),
        ("/amount_authorized", Value::Null),
        ("/currency/english", json!("dirhams")),
        ("/currency", Value::Null),
        ("/transaction_uuid", json!("../../x")),
    ] {
        let error = ask(&[listed(1, with(receipt(UUID), pointer, value))]).await.unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }), "{pointer}: {error}");
    }
    let abroad = listed(1, with(receipt(UUID), "/currency/english", json!("AED")));
    let [one] = ask(&[abroad]).await.unwrap().try_into().unwrap();
    assert_eq!((one.amount.money(), one.amount.to_string()), (None, "64.50 AED".to_owned()));
}

#[tokio::test]
async fn what_was_not_taken_needs_no_amount_and_hides_nothing_that_was() {
    let declined = with(receipt(REFUND_UUID), "/is_approved", false);
    let declined = with(declined, "/amount_authorized", Value::Null);
    let all = ask(&[listed(1, declined), listed(2, receipt(UUID))]).await.unwrap();
    assert_eq!(all[0].state, TransactionState::Declined { code: "000".to_owned() });
    assert_eq!((all[1].id.as_str(), all[1].amount.money()), (UUID, Some(Money::sar(6_450))));
}

#[tokio::test]
async fn when_a_card_was_tapped_the_vendor_says_if_it_does() {
    let [one] = ask(&[listed(7, receipt(UUID))]).await.unwrap().try_into().unwrap();
    assert_eq!(one.at.unwrap().to_rfc3339(), "2026-11-21T10:00:07.250+00:00");
    let untold = with(listed(7, receipt(UUID)), "/created_at", Value::Null);
    assert_eq!(ask(&[untold]).await.unwrap()[0].at, None);
}

#[tokio::test]
async fn two_taps_are_two_transactions_each_once_and_the_older_first() {
    let later = listed(9, receipt("ffffffff-6a3f-4d0f-9b57-1d1c3b0a7f33"));
    let shown = [later.clone(), listed(1, receipt(UUID)), later];
    let all = ask(&shown).await.unwrap();
    let ids: Vec<&str> = all.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, [UUID, "ffffffff-6a3f-4d0f-9b57-1d1c3b0a7f33"]);
}

#[tokio::test]
async fn a_list_that_may_not_be_ours_or_not_all_proves_nothing() {
    let strange = with(listed(1, receipt(UUID)), "/customer_reference_number", "BK-other");
    let unnamed = with(listed(1, receipt(UUID)), "/customer_reference_number", Value::Null);
    let bare = with(listed(1, receipt(UUID)), "/receipts", json!([]));
    for wrong in [strange, unnamed, bare] {
        let error = ask(&[listed(2, receipt(UUID)), wrong]).await.unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }), "{error}");
    }
    let second_page = with(list(&[]), "/pages/total", 2);
    let error = nearpay(&answers(200, &second_page)).ask(&question(), WITHIN).await.unwrap_err();
    assert!(matches!(error, Error::Unknown { .. }), "{error}");
    assert_eq!(ask(&[]).await.unwrap(), []);
    let mut misspelled = listed(1, receipt(UUID));
    let receipts = misspelled["receipts"].take();
    misspelled.as_object_mut().unwrap().remove("receipts");
    misspelled["reciepts"] = receipts;
    assert_eq!(ask(&[misspelled]).await.unwrap().len(), 1);
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    let url = "https://vendor.example/v1";
    for broken in [
        Config { live: true, ..config("http://vendor.example") },
        Config { key_header: "api key".to_owned(), ..config(url) },
        Config { api_key: "a\nb".into(), ..config(url) },
        Config { terminals_path: "/terminals?x=".to_owned(), ..config(url) },
        Config { transactions_path: "../transactions".to_owned(), ..config(url) },
        Config { webhook_secrets: vec!["short".into()], ..config(url) },
    ] {
        assert!(NearPay::new(broken).is_err());
    }
    assert!(NearPay::new(Config { live: true, ..config(url) }).is_ok());
    assert!(is_terminal(TERMINAL) && !is_terminal("4111111111111111") && !is_terminal("a/b?c=d"));
}
