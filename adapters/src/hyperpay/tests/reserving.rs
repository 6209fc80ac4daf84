//! Money that was reserved: taken once, found by a reference of its own, and sent back by what took it.

use super::*;

const CAPTURE: &str = "8ac7a4a2900000010190000000000003";

fn capture_order() -> CaptureOrder {
    CaptureOrder {
        payment: payment(),
        transaction: TRANSACTION.to_owned(),
        account: ENTITY.to_owned(),
        amount: Money::sar(9_200),
    }
}

fn taken() -> CaptureState {
    CaptureState::Captured { transaction: Some(CAPTURE.to_owned()) }
}

fn captured(code: &str) -> Value {
    json!({"id": CAPTURE, "referencedId": TRANSACTION, "paymentType": "CP", "amount": "92.00",
        "currency": "SAR", "merchantTransactionId": payment().capture_reference(),
        "result": {"code": code, "description": "text"}})
}

async fn find(shown: &[Value]) -> Result<Option<CaptureState>, Error> {
    let server = answers(200, &list(shown));
    hyperpay(&server, false).find_capture(&capture_order(), WITHIN).await
}

#[tokio::test]
async fn a_capture_is_found_by_its_reference_and_amount() {
    assert_eq!(find(&[]).await.unwrap(), None);
    assert_eq!(find(&[captured("000.000.000")]).await.unwrap(), Some(taken()));
    for field in ["merchantTransactionId", "amount"] {
        let mut silent = captured("000.000.000");
        silent.as_object_mut().unwrap().remove(field);
        let found = find(&[silent]).await;
        assert!(matches!(found, Err(Error::Unknown { .. })), "{field}: {found:?}");
    }
    let another = PaymentId::from_bare("01K9000000000000000000000X").unwrap().capture_reference();
    for (field, value) in [
        ("merchantTransactionId", another.as_str()),
        ("currency", "dirhams"),
        ("referencedId", "another"),
    ] {
        let found = find(&[with(captured("000.000.000"), field, value)]).await;
        assert!(matches!(found, Err(Error::Unknown { .. })), "{field}: {found:?}");
    }
    for (field, value, shown) in [("amount", "9.20", "9.20 SAR"), ("currency", "AED", "92.00 AED")]
    {
        let found = find(&[with(captured("000.000.000"), field, value)]).await.unwrap();
        let Some(CaptureState::Otherwise { taken }) = found else { panic!("{found:?}") };
        assert_eq!(taken.to_string(), shown);
        let pending = find(&[with(captured("000.200.000"), field, value)]).await;
        assert!(matches!(pending, Err(Error::Unknown { .. })), "{field}: {pending:?}");
    }
}

#[tokio::test]
async fn money_in_another_currency_is_told_as_it_is_reserved_or_taken() {
    for (kind, state) in
        [("PA", TransactionState::Authorized), ("DB", TransactionState::Captured { review: false })]
    {
        let abroad = with(with(transaction("000.000.000"), "currency", "AED"), "paymentType", kind);
        let server = answers(200, &list(&[abroad]));
        let shown = hyperpay(&server, false).ask(&question(), WITHIN).await.unwrap();
        let [one] = shown.try_into().unwrap();
        assert_eq!((one.state, one.amount.to_string()), (state, "92.00 AED".to_owned()));
        assert_eq!(one.account.as_deref(), Some(ENTITY));
    }
}

#[tokio::test]
async fn a_capture_that_is_shown_with_a_final_no_is_rejected() {
    for code in ["700.400.510", "800.100.152", "600.200.201", "100.550.300", "800.120.100"] {
        let found = find(&[captured(code)]).await.unwrap();
        assert!(
            matches!(&found, Some(CaptureState::Rejected { code: said, .. }) if said == code),
            "{code}: {found:?}"
        );
        let both = [captured(code), captured("000.000.000")];
        assert_eq!(find(&both).await.unwrap(), Some(taken()), "{code}");
    }
    for code in ["000.200.000", "900.100.300", "000.999.999"] {
        assert_eq!(find(&[captured(code)]).await.unwrap(), Some(CaptureState::Pending), "{code}");
    }
}

#[tokio::test]
async fn a_refund_that_is_shown_with_a_final_no_is_rejected() {
    for code in ["700.400.200", "600.200.201", "100.550.300"] {
        let server = answers(200, &list(&[refunded(code)]));
        let found = hyperpay(&server, false).find_refund(&refund_order(), WITHIN).await.unwrap();
        assert!(
            matches!(&found, Some(RefundState::Rejected { code: said, .. }) if said == code),
            "{code}: {found:?}"
        );
    }
}

/// The capture's reference shows these; the refund's, and what is posted, this.
fn after_a_capture(captures: &[Value], refund: &Value) -> Scripted {
    let (captures, refund) = (list(captures).to_string(), refund.clone());
    let capture_reference = payment().capture_reference();
    Scripted::new(move |asked| {
        let body = if asked.line.contains(&capture_reference) {
            captures.clone()
        } else if asked.is("GET ") {
            list(std::slice::from_ref(&refund)).to_string()
        } else {
            refund.to_string()
        };
        (200, body)
    })
}

#[tokio::test]
async fn money_that_was_reserved_first_goes_back_by_its_capture() {
    let of_capture = with(refunded("000.000.000"), "referencedId", CAPTURE);
    let server = after_a_capture(&[captured("000.000.000")], &of_capture);
    let vendor = hyperpay(&server, false);
    let done = vendor.refund(&refund_order(), WITHIN).await.unwrap();
    assert!(matches!(done, RefundState::Refunded { .. }), "{done:?}");
    assert_eq!(server.count(&format!("POST /v1/payments/{CAPTURE}")), 1);
    let found = vendor.find_refund(&refund_order(), WITHIN).await.unwrap();
    assert_eq!(found, Some(done));
    // A refund of a capture that is not this payment's is not this refund.
    let elsewhere = with(captured("000.000.000"), "referencedId", "another");
    for captures in [vec![], vec![elsewhere], vec![captured("700.400.510")]] {
        let server = after_a_capture(&captures, &of_capture);
        let found = hyperpay(&server, false).find_refund(&refund_order(), WITHIN).await;
        assert!(matches!(found, Err(Error::Unknown { .. })), "{found:?}");
    }
}

#[tokio::test]
async fn a_refund_whose_transaction_cannot_be_looked_up_is_not_sent() {
    let server =
        Scripted::new(
            |asked| {
                if asked.is("GET ") { (500, String::new()) } else { (200, String::new()) }
            },
        );
    let result = hyperpay(&server, false).refund(&refund_order(), WITHIN).await;
    assert!(matches!(result, Err(Error::Unavailable { .. })), "{result:?}");
    assert_eq!(server.count("POST "), 0);
}
