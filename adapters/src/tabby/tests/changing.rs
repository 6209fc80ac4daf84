//! Taking, letting go and giving back: each once, and a lost or late answer is looked up.

use super::*;
use crate::scripted::Asked;

fn capture_order() -> CaptureOrder {
    CaptureOrder {
        payment: payment_id(),
        transaction: ID.to_owned(),
        account: "cinema".to_owned(),
        amount: Money::sar(9_200),
    }
}

fn refund_order(reserved: bool) -> RefundOrder {
    RefundOrder {
        refund: refund_id(),
        payment: payment_id(),
        transaction: ID.to_owned(),
        account: "cinema".to_owned(),
        amount: Money::sar(9_200),
        reserved,
    }
}

/// A no to every change, and the payment as it is to whoever looks.
fn denies(status: u16, no: &Value, shown: &Value) -> Scripted {
    let (no, shown) = (no.to_string(), shown.to_string());
    Scripted::new(
        move |asked| {
            if asked.is("POST") { (status, no.clone()) } else { (200, shown.clone()) }
        },
    )
}

async fn capture(server: &Scripted) -> Result<CaptureState, Error> {
    tabby(server).capture(&capture_order(), WITHIN).await
}

async fn refund(server: &Scripted, reserved: bool) -> Result<RefundState, Error> {
    tabby(server).refund(&refund_order(reserved), WITHIN).await
}

fn done(transaction: &str) -> RefundState {
    RefundState::Refunded { transaction: transaction.to_owned() }
}

fn is_unknown<T: std::fmt::Debug>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Unknown { .. }))
}

#[tokio::test]
async fn every_change_goes_under_its_own_reference() {
    let server = answers(200, captured("92.00"));
    capture(&server).await.unwrap();
    let [asked] = server.asked().try_into().unwrap();
    assert_eq!(asked.line, format!("POST /api/v2/payments/{ID}/captures"));
    let sent = json!({"amount": "92.00", "reference_id": "01K9ZZZZZZZZZZZZZZZZZZZZZZ"});
    assert_eq!(asked.json(), sent);
    let server = answers(200, refunded("92.00"));
    refund(&server, false).await.unwrap();
    let [asked] = server.asked().try_into().unwrap();
    assert_eq!(asked.line, format!("POST /api/v2/payments/{ID}/refunds"));
    let sent = json!({"amount": "92.00", "reference_id": "01K9RRRRRRRRRRRRRRRRRRRRRR"});
    assert_eq!(asked.json(), sent);
    let server = answers(200, payment("CLOSED"));
    refund(&server, true).await.unwrap();
    let [Asked { line, body, .. }] = server.asked().try_into().unwrap();
    assert_eq!((line, body), (format!("POST /api/v2/payments/{ID}/close"), String::new()));
    let stray = CaptureOrder { transaction: "../checkout".to_owned(), ..capture_order() };
    assert!(tabby(&server).capture(&stray, WITHIN).await.is_err());
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn changes_fail_alike() {
    fails_alike(async |tabby| tabby.capture(&capture_order(), WITHIN).await).await;
    fails_alike(async |tabby| tabby.find_capture(&capture_order(), WITHIN).await).await;
    for reserved in [false, true] {
        fails_alike(async |tabby| tabby.refund(&refund_order(reserved), WITHIN).await).await;
        fails_alike(async |tabby| tabby.find_refund(&refund_order(reserved), WITHIN).await).await;
    }
}

#[tokio::test]
async fn a_capture_that_was_made_before_is_found_behind_the_no() {
    let no = problem("bad_data", "could not capture not authorized payments");
    let before = denies(400, &no, &captured("92.0"));
    assert_eq!(capture(&before).await.unwrap(), CaptureState::Captured { transaction: None });
    for (status, code) in [("CLOSED", "closed"), ("REJECTED", "rejected"), ("EXPIRED", "expired")] {
        let state = capture(&denies(400, &no, &payment(status))).await.unwrap();
        let CaptureState::Rejected { code: told, .. } = state else {
            panic!("{status}: {state:?}")
        };
        assert_eq!(told, code);
    }
    for open in ["CREATED", "AUTHORIZED"] {
        let result = capture(&denies(400, &no, &payment(open))).await;
        assert!(matches!(result, Err(Error::Refused { .. })), "{open}: {result:?}");
    }
}

#[tokio::test]
async fn a_capture_of_another_amount_is_told_as_it_is() {
    for (amount, minor) in [("9.20", 920), ("92.01", 9_201)] {
        let taken = Money::sar(minor).into();
        let otherwise = CaptureState::Otherwise { taken };
        for body in [captured(amount), with(captured(amount), "status", "AUTHORIZED")] {
            assert_eq!(capture(&answers(200, &body)).await.unwrap(), otherwise);
            let found = tabby(&answers(200, body)).find_capture(&capture_order(), WITHIN).await;
            assert_eq!(found.unwrap(), Some(otherwise.clone()));
        }
    }
    let abroad = capture(&answers(200, with(captured("92.00"), "currency", "AED"))).await.unwrap();
    assert!(matches!(abroad, CaptureState::Otherwise { .. }), "{abroad:?}");
}

#[tokio::test]
async fn a_capture_is_of_ours_or_it_is_unknown() {
    for body in [
        payment("AUTHORIZED"),
        with(captured("92.00"), "order", json!({"reference_id": "another"})),
        with(captured("92.00"), "order", Value::Null),
        with(captured("92.00"), "id", OTHER_ID),
    ] {
        let result = capture(&answers(200, &body)).await;
        assert!(is_unknown(&result), "{body}: {result:?}");
    }
}

#[tokio::test]
async fn a_capture_is_looked_up_in_its_payment() {
    let find =
        async |body: Value| tabby(&answers(200, body)).find_capture(&capture_order(), WITHIN).await;
    assert_eq!(find(payment("AUTHORIZED")).await.unwrap(), None);
    assert_eq!(
        find(captured("92")).await.unwrap(),
        Some(CaptureState::Captured { transaction: None })
    );
    let by_the_vendor = json!([{"id": OTHER_ID, "amount": "92.00", "reference_id": null}]);
    let by_the_vendor = with(payment("CLOSED"), "captures", by_the_vendor);
    assert_eq!(
        find(by_the_vendor).await.unwrap(),
        Some(CaptureState::Captured { transaction: None })
    );
    let over = find(payment("CLOSED")).await.unwrap();
    assert!(matches!(over, Some(CaptureState::Rejected { .. })), "{over:?}");
    let gone = answers(404, problem("not_found", "no such payment"));
    assert_eq!(tabby(&gone).find_capture(&capture_order(), WITHIN).await.unwrap(), None);
}

#[tokio::test]
async fn a_refund_is_done_once_rejected_or_unknown() {
    assert_eq!(refund(&answers(200, refunded("92")), false).await.unwrap(), done(REFUND_ID));
    let spent = problem("bad_data", "refund amount exceeds captured amount");
    let before = denies(400, &spent, &refunded("92.00"));
    assert_eq!(refund(&before, false).await.unwrap(), done(REFUND_ID));
    for (status, no) in [
        (400, spent),
        (400, problem("bad_data", "can not refund payment that has no captures and not closed")),
        (409, problem("conflict", "payment is disputed")),
    ] {
        let state = refund(&denies(status, &no, &captured("92.00")), false).await.unwrap();
        assert!(matches!(state, RefundState::Rejected { .. }), "{no}: {state:?}");
    }
    let malformed = problem("bad_data", "could not decode request");
    let result = refund(&denies(400, &malformed, &captured("92.00")), false).await;
    assert!(matches!(result, Err(Error::Refused { .. })), "{result:?}");
    for body in [
        captured("92.00"),
        refunded("9.20"),
        with(refunded("92.00"), "currency", "AED"),
        with(
            refunded("92.00"),
            "refunds",
            json!([{"id": "x", "amount": "92.00",
            "reference_id": refund_id().bare()}]),
        ),
        with(refunded("92.00"), "order", json!({"reference_id": "another"})),
    ] {
        let result = refund(&answers(200, &body), false).await;
        assert!(is_unknown(&result), "{body}: {result:?}");
    }
}

#[tokio::test]
async fn a_refund_is_found_by_its_reference() {
    let find = async |body: Value| {
        tabby(&answers(200, body)).find_refund(&refund_order(false), WITHIN).await
    };
    assert_eq!(find(captured("92.00")).await.unwrap(), None);
    assert_eq!(find(refunded("92.0")).await.unwrap(), Some(done(REFUND_ID)));
    let others =
        json!([{"id": REFUND_ID, "amount": "92.00", "reference_id": "from the dashboard"}]);
    assert_eq!(find(with(captured("92.00"), "refunds", others)).await.unwrap(), None);
    let mut silent = captured("92.00");
    silent.as_object_mut().unwrap().remove("refunds");
    assert!(is_unknown(&find(silent).await));
}

#[tokio::test]
async fn what_was_reserved_is_let_go_by_closing_it() {
    assert_eq!(refund(&answers(200, payment("CLOSED")), true).await.unwrap(), done(ID));
    let closed = problem("bad_data", "already closed");
    let before = denies(400, &closed, &payment("CLOSED"));
    assert_eq!(refund(&before, true).await.unwrap(), done(ID));
    for over in ["REJECTED", "EXPIRED"] {
        let state = refund(&denies(400, &closed, &payment(over)), true).await.unwrap();
        assert!(matches!(state, RefundState::Rejected { .. }), "{over}: {state:?}");
    }
    let standing = refund(&denies(400, &closed, &payment("AUTHORIZED")), true).await;
    assert!(matches!(standing, Err(Error::Refused { .. })), "{standing:?}");
    let other = with(payment("CLOSED"), "amount", "92.01");
    for body in [payment("AUTHORIZED"), other] {
        assert!(is_unknown(&refund(&answers(200, body), true).await));
    }
    let find = async |body: Value| {
        tabby(&answers(200, body)).find_refund(&refund_order(true), WITHIN).await
    };
    assert_eq!(find(payment("AUTHORIZED")).await.unwrap(), None);
    assert_eq!(find(payment("CLOSED")).await.unwrap(), Some(done(ID)));
}

#[tokio::test]
async fn what_was_taken_after_all_goes_back_instead() {
    let server = Scripted::new(|asked| {
        let closed = problem("bad_data", "already closed");
        match asked.line.rsplit('/').next() {
            Some("close") => (400, closed.to_string()),
            Some("refunds") => (200, refunded("92.00").to_string()),
            _ => (200, captured("92.00").to_string()),
        }
    });
    assert_eq!(refund(&server, true).await.unwrap(), done(REFUND_ID));
    assert_eq!(server.asked().len(), 3);
    let find = async |body: Value| {
        tabby(&answers(200, body)).find_refund(&refund_order(true), WITHIN).await
    };
    assert_eq!(find(captured("92.00")).await.unwrap(), None);
    assert_eq!(find(refunded("92.00")).await.unwrap(), Some(done(REFUND_ID)));
}
