//! What became of a payment, by our reference.

use super::*;
use crate::provider::TransactionState::{self, Authorized, Captured, Declined, Pending, Voided};

fn question() -> Question {
    Question {
        payment: PaymentId::from_bare(REFERENCE).unwrap(),
        session: None,
        account: Some(CHANNEL.to_owned()),
        transaction: None,
        known: Vec::new(),
    }
}

/// The reference shows these payments, the payment `PAY` shows this, and these were its actions.
fn shows(listed: &[Value], single: Option<Value>, actions: Value) -> Scripted {
    let listed = page(listed).to_string();
    Scripted::new(move |asked| {
        if asked.is("GET /payments?") {
            (200, listed.clone())
        } else if asked.line.ends_with("/actions") {
            (200, actions.to_string())
        } else {
            single.as_ref().map_or((404, String::new()), |single| (200, single.to_string()))
        }
    })
}

async fn ask(server: &Scripted) -> Result<Vec<Transaction>, Error> {
    checkout(server).ask(&question(), WITHIN).await
}

async fn state(payment: Value, actions: Value) -> TransactionState {
    let server = shows(&[payment], None, actions);
    let [one] = ask(&server).await.unwrap().try_into().unwrap();
    one.state
}

fn declined(code: &str) -> TransactionState {
    Declined { code: code.to_owned() }
}

#[tokio::test]
async fn a_payment_is_what_its_status_says() {
    for (status, state_of) in [
        ("Authorized", Authorized),
        ("Captured", Captured { review: false }),
        ("Paid", Captured { review: false }),
        ("Refunded", Captured { review: false }),
        ("Partially Refunded", Captured { review: false }),
        ("Voided", Voided),
        ("Expired", Voided),
        ("Canceled", declined("canceled")),
        ("Pending", Pending),
        ("Card Verified", Pending),
        ("Retry Scheduled", Pending),
        ("Authentication Requested", Pending),
        ("Something New", Pending),
    ] {
        assert_eq!(state(payment(status), json!([])).await, state_of, "{status}");
    }
    let never = with(payment("Expired"), "approved", false);
    assert_eq!(state(never, json!([])).await, declined("expired"));
    let flagged = with(payment("Captured"), "risk", json!({"flagged": true}));
    assert_eq!(state(flagged, json!([])).await, Captured { review: true });
}

#[tokio::test]
async fn why_it_was_declined_is_in_its_actions() {
    let action = |code: &str| {
        json!([{"id": ACT, "type": "Authorization", "amount": 6_450,
        "approved": false, "response_code": code}])
    };
    assert_eq!(state(payment("Declined"), action("20051")).await, declined("20051"));
    assert_eq!(state(payment("Declined"), action("200N7")).await, declined("200N7"));
    assert_eq!(state(payment("Declined"), action("<b>51")).await, declined("declined"));
    assert_eq!(state(payment("Declined"), json!([])).await, declined("declined"));
}

#[tokio::test]
async fn approved_is_not_taken_with_stc_pay() {
    let source = json!({"type": "stcpay"});
    let approved = || with(payment("Authorized"), "source", source.clone());
    let capture = |approved: Value| {
        json!([{"id": ACT, "type": "Capture", "amount": 6_450,
        "approved": approved, "response_code": "20051"}])
    };
    assert_eq!(state(approved(), json!([])).await, Pending);
    assert_eq!(state(approved(), capture(Value::Null)).await, Pending);
    assert_eq!(state(approved(), capture(json!(false))).await, declined("20051"));
    let taken = with(payment("Captured"), "source", source.clone());
    let [one] = ask(&shows(&[taken], None, json!([]))).await.unwrap().try_into().unwrap();
    assert_eq!((one.state, one.brand.as_deref()), (Captured { review: false }, Some("STCPAY")));
}

#[tokio::test]
async fn the_amount_is_theirs() {
    let taken = with(payment("Captured"), "balances", json!({"total_captured": 6_000}));
    let [one] = ask(&shows(&[taken], None, json!([]))).await.unwrap().try_into().unwrap();
    assert_eq!((one.id.as_str(), one.amount.money()), (PAY, Some(Money::sar(6_000))));
    assert_eq!((one.brand.as_deref(), one.last4.as_deref()), (Some("MADA"), Some("0007")));
    for (field, value) in [("amount", Value::Null), ("amount", json!(-1)), ("currency", json!("$"))]
    {
        let odd = with(payment("Authorized"), field, value);
        assert!(is_unknown(&ask(&shows(&[odd], None, json!([]))).await), "{field}");
    }
}

#[tokio::test]
async fn another_currency_is_told_as_it_is_reserved_or_taken() {
    for (status, state) in [("Authorized", Authorized), ("Captured", Captured { review: false })] {
        let abroad = with(payment(status), "currency", "USD");
        let [one] = ask(&shows(&[abroad], None, json!([]))).await.unwrap().try_into().unwrap();
        assert_eq!((one.state, one.amount.to_string()), (state, "64.50 USD".to_owned()));
    }
}

#[tokio::test]
async fn a_list_with_others_payments_in_it_is_no_answer() {
    let entry =
        |field: &str, value: Value| with(with(payment("Captured"), "id", OTHER_PAY), field, value);
    for odd in [
        entry("reference", json!("another")),
        entry("reference", Value::Null),
        entry("reference", json!("")),
        entry("id", json!("../payments")),
    ] {
        for listed in [vec![odd.clone()], vec![payment("Captured"), odd.clone()]] {
            let server = shows(&listed, None, json!([]));
            assert!(is_unknown(&ask(&server).await), "{odd}");
            let found = checkout(&server).find_opened(&by_token(), WITHIN).await;
            assert!(is_unknown(&found), "{odd}");
        }
    }
}

#[tokio::test]
async fn two_payments_under_one_reference_are_two_transactions_oldest_first() {
    let first = with(
        with(payment("Declined"), "id", OTHER_PAY),
        "requested_on",
        "2026-11-21T09:59:00.123456Z",
    );
    let server = shows(&[payment("Captured"), first], None, json!([]));
    let all = ask(&server).await.unwrap();
    let ids: Vec<&str> = all.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, [OTHER_PAY, PAY]);
    let opened = checkout(&server).find_opened(&by_token(), WITHIN).await.unwrap();
    assert_eq!(opened, Some(decided()), "the one that has money");
}

#[tokio::test]
async fn a_hint_or_the_session_finds_what_the_list_does_not_show_yet() {
    let server = shows(&[], Some(payment("Authorized")), json!([]));
    for (session, transaction) in [(Some(PAY), None), (None, Some(PAY)), (Some(PAY), Some(PAY))] {
        let [session, transaction] = [session, transaction].map(|id| id.map(str::to_owned));
        let question = Question { session, transaction, ..question() };
        assert_eq!(checkout(&server).ask(&question, WITHIN).await.unwrap().len(), 1);
    }
    let another = with(payment("Captured"), "reference", "another");
    let hinted = Question { transaction: Some(PAY.to_owned()), ..question() };
    let server = shows(&[], Some(another), json!([]));
    assert_eq!(checkout(&server).ask(&hinted, WITHIN).await.unwrap(), []);
    let server = shows(&[], None, json!([]));
    assert_eq!(checkout(&server).ask(&hinted, WITHIN).await.unwrap(), []);
    let context = Question { session: Some(CONTEXT.to_owned()), ..question() };
    assert_eq!(checkout(&server).ask(&context, WITHIN).await.unwrap(), []);
    assert_eq!(server.count(&format!("GET /payments/{PAY} ")), 0);
}

#[tokio::test]
async fn a_look_up_that_fails_is_no_empty_list() {
    let charge = by_token();
    let more = json!({"total_count": 2, "data": [payment("Declined")]});
    let odd = [
        (401, Value::Null),
        (404, Value::Null),
        (422, codes(&["paging_limit_invalid"])),
        (200, json!({})),
        (200, json!({"total_count": 1, "data": [{"id": PAY}]})),
        (200, more),
    ];
    let odd = odd.iter().map(|(status, body)| answers(*status, body));
    for server in lost().into_iter().chain(odd) {
        assert!(ask(&server).await.is_err());
        assert!(checkout(&server).find_opened(&charge, WITHIN).await.is_err());
    }
    let broken = Scripted::new(|asked| {
        if asked.is("GET /payments?") { (200, page(&[]).to_string()) } else { (500, String::new()) }
    });
    let hinted = Question { transaction: Some(PAY.to_owned()), ..question() };
    let half = checkout(&broken).ask(&hinted, WITHIN).await;
    assert!(is_unknown(&half), "nothing is not believed half asked");
}

#[tokio::test]
async fn an_opening_whose_answer_was_lost_is_found_with_its_page() {
    let find = async |server: &Scripted| checkout(server).find_opened(&by_token(), WITHIN).await;
    assert_eq!(find(&shows(&[], None, json!([]))).await.unwrap(), None);
    let links = json!({"redirect": {"href": "https://3ds.example/pay"}});
    let whole = with(payment("Pending"), "_links", links);
    let found = find(&shows(&[payment("Pending")], Some(whole), json!([]))).await.unwrap();
    let next = NextAct::Redirect { url: "https://3ds.example/pay".to_owned() };
    assert_eq!(found, Some(Opened::Open(session(PAY, 900_000, next))));
    let another = with(payment("Authorized"), "amount", 1);
    assert!(is_unknown(&find(&shows(&[another], None, json!([]))).await));
}
