//! Captures, voids and refunds: sent under their references, answered, and looked up.

use super::*;
use crate::scripted::Asked;

fn capture_order() -> CaptureOrder {
    CaptureOrder {
        payment: payment(),
        transaction: FORT_ID.to_owned(),
        account: CARDS.to_owned(),
        amount: Money::sar(10_580),
    }
}

fn refund_order(reserved: bool) -> RefundOrder {
    RefundOrder {
        refund: refund_id(),
        payment: payment(),
        transaction: FORT_ID.to_owned(),
        account: CARDS.to_owned(),
        amount: Money::sar(10_580),
        reserved,
    }
}

fn follow_up(code: &str) -> Value {
    answer(code, json!({"fort_id": FORT_ID, "amount": "10580", "currency": "SAR"}))
}

/// Shows an order that is paid and not refunded; answers everything else with this.
fn paid(body: Value) -> Scripted {
    showing(status("14000", [10_580, 10_580, 0]), body)
}

#[tokio::test]
async fn what_was_reserved_is_taken_once() {
    let capture =
        async |body: Value| payfort(&server(200, body)).capture(&capture_order(), WITHIN).await;
    assert_eq!(
        capture(follow_up("04000")).await.unwrap(),
        CaptureState::Captured { transaction: None }
    );
    assert_eq!(capture(follow_up("19000")).await.unwrap(), CaptureState::Pending);
    let rejected = capture(follow_up("05666")).await.unwrap();
    assert!(matches!(rejected, CaptureState::Rejected { code, .. } if code == "05666"));
    for code in ["15777", "05006", "00036", "14000", "97000"] {
        let result = capture(follow_up(code)).await;
        assert!(is_unknown(&result), "{code}: {result:?}");
    }
    let refused = capture(follow_up("00005")).await;
    assert!(matches!(refused, Err(Error::Refused { .. })));
    let vendor = server(200, follow_up("04000"));
    payfort(&vendor).capture(&capture_order(), WITHIN).await.unwrap();
    let body = vendor.asked()[0].json();
    assert_eq!(
        (body["command"].as_str(), body["amount"].as_str()),
        (Some("CAPTURE"), Some("10580"))
    );
    assert_eq!(body["fort_id"], FORT_ID);
}

#[tokio::test]
async fn a_capture_that_the_order_does_not_allow_is_what_the_order_shows() {
    for code in ["05042", "00042", "00034", "05773", "00662", "00047"] {
        let capture = async |shown: Value| {
            payfort(&showing(shown, follow_up(code))).capture(&capture_order(), WITHIN).await
        };
        for nothing_done in [status("02000", [10_580, 0, 0]), answer("11036", json!({}))] {
            let rejected = capture(nothing_done).await.unwrap();
            assert!(
                matches!(&rejected, CaptureState::Rejected { code: said, .. } if said == code),
                "{code}: {rejected:?}"
            );
        }
        let let_go = capture(status("08000", [10_580, 0, 0])).await.unwrap();
        assert!(matches!(let_go, CaptureState::Rejected { .. }), "{code}: {let_go:?}");
        let before = capture(status("04000", [10_580, 10_580, 0])).await.unwrap();
        assert_eq!(before, CaptureState::Captured { transaction: None }, "{code}");
        let under_way = capture(status("05006", [10_580, 0, 0])).await.unwrap();
        assert_eq!(under_way, CaptureState::Pending, "{code}");
        for unreadable in [json!({}), answer("00010", json!({})), answer("11006", json!({}))] {
            let result = capture(unreadable).await;
            assert!(is_unknown(&result), "{code}: {result:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_about_another_order_or_amount_is_unknown() {
    for (field, value) in [
        ("amount", json!("1058")),
        ("currency", json!("AED")),
        ("fort_id", json!(OTHER_FORT_ID)),
        ("merchant_reference", json!("01K9000000000000000000000X")),
    ] {
        let mut body = follow_up("04000");
        body[field] = value;
        let vendor = server(200, signed(body.clone(), CARDS));
        let result = payfort(&vendor).capture(&capture_order(), WITHIN).await;
        assert!(is_unknown(&result), "{field}: {result:?}");
        body["response_code"] = "06000".into();
        let vendor = paid(signed(body, CARDS));
        let result = payfort(&vendor).refund(&refund_order(false), WITHIN).await;
        assert!(is_unknown(&result), "{field}: {result:?}");
    }
    let mut body = follow_up("06000");
    body["maintenance_reference"] = "01K9000000000000000000000X".into();
    let result = payfort(&paid(signed(body, CARDS))).refund(&refund_order(false), WITHIN).await;
    assert!(is_unknown(&result), "{result:?}");
}

#[tokio::test]
async fn a_capture_is_found_in_the_totals() {
    let find = async |code, totals| {
        let vendor = server(200, status(code, totals));
        payfort(&vendor).find_capture(&capture_order(), WITHIN).await
    };
    assert_eq!(
        find("04000", [10_580, 10_580, 0]).await.unwrap(),
        Some(CaptureState::Captured { transaction: None })
    );
    assert_eq!(
        find("05042", [10_580, 10_580, 0]).await.unwrap(),
        Some(CaptureState::Captured { transaction: None })
    );
    assert_eq!(find("02000", [10_580, 0, 0]).await.unwrap(), None);
    assert_eq!(find("09034", [10_580, 0, 0]).await.unwrap(), None);
    for code in ["15777", "19000", "05006", "04006", "97000"] {
        let found = find(code, [10_580, 0, 0]).await.unwrap();
        assert_eq!(found, Some(CaptureState::Pending), "{code}");
    }
    for code in ["03006", "13006", "20064", "40090", "09006", "08006", "07006"] {
        let found = find(code, [10_580, 0, 0]).await.unwrap();
        assert_eq!(found, None, "{code} is another operation's");
    }
    for code in ["05666", "05042", "08000"] {
        let found = find(code, [10_580, 0, 0]).await.unwrap();
        assert!(matches!(found, Some(CaptureState::Rejected { .. })), "{code}: {found:?}");
    }
    let taken = Money::sar(5_000).into();
    let part = find("04000", [10_580, 5_000, 0]).await.unwrap();
    assert_eq!(part, Some(CaptureState::Otherwise { taken }));
    let none = server(200, answer("11036", json!({})));
    assert_eq!(payfort(&none).find_capture(&capture_order(), WITHIN).await.unwrap(), None);
}

#[tokio::test]
async fn what_was_reserved_is_let_go_without_an_amount() {
    let vendor = server(200, answer("08000", json!({"fort_id": FORT_ID})));
    let state = payfort(&vendor).refund(&refund_order(true), WITHIN).await.unwrap();
    assert_eq!(state, RefundState::Refunded { transaction: FORT_ID.to_owned() });
    let [Asked { body, .. }] = vendor.asked().try_into().unwrap();
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["command"], "VOID_AUTHORIZATION");
    assert_eq!((body.get("amount"), body.get("maintenance_reference")), (None, None));
    let result =
        payfort(&server(200, follow_up("15777"))).refund(&refund_order(true), WITHIN).await;
    assert!(is_unknown(&result), "{result:?}");
}

#[tokio::test]
async fn a_void_that_the_order_does_not_allow_is_what_the_order_shows() {
    for code in ["09034", "00034", "09773", "00047"] {
        let void = async |shown: Value| {
            payfort(&showing(shown, follow_up(code))).refund(&refund_order(true), WITHIN).await
        };
        let done = RefundState::Refunded { transaction: FORT_ID.to_owned() };
        assert_eq!(void(status("08000", [10_580, 0, 0])).await.unwrap(), done, "{code}");
        for (last, totals) in [("02000", [10_580, 0, 0]), ("04000", [10_580, 10_580, 0])] {
            let state = void(status(last, totals)).await.unwrap();
            assert!(matches!(state, RefundState::Rejected { .. }), "{code} {last}: {state:?}");
        }
        let result = void(json!({})).await;
        assert!(is_unknown(&result), "{code}: {result:?}");
    }
}

#[tokio::test]
async fn a_void_is_found_as_the_last_operation() {
    let find = async |code, totals| {
        let vendor = server(200, status(code, totals));
        payfort(&vendor).find_refund(&refund_order(true), WITHIN).await.unwrap()
    };
    let done = RefundState::Refunded { transaction: FORT_ID.to_owned() };
    assert_eq!(find("08000", [10_580, 0, 0]).await, Some(done));
    assert_eq!(find("02000", [10_580, 0, 0]).await, None);
    for code in ["05042", "05006", "03006"] {
        assert_eq!(find(code, [10_580, 0, 0]).await, None, "{code}");
    }
    let pending = RefundState::Pending { transaction: FORT_ID.to_owned() };
    assert_eq!(find("09006", [10_580, 0, 0]).await, Some(pending));
    for (code, totals) in [("04000", [10_580, 10_580, 0]), ("09034", [10_580, 0, 0])] {
        let found = find(code, totals).await;
        assert!(matches!(found, Some(RefundState::Rejected { .. })), "{code}: {found:?}");
    }
}

#[tokio::test]
async fn a_refund_is_sent_under_its_own_reference() {
    let vendor = paid(follow_up("06000"));
    let state = payfort(&vendor).refund(&refund_order(false), WITHIN).await.unwrap();
    assert_eq!(state, RefundState::Refunded { transaction: FORT_ID.to_owned() });
    let [_, Asked { body, .. }] = vendor.asked().try_into().unwrap();
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["command"], "REFUND");
    assert_eq!(body["maintenance_reference"], refund_id().bare());
    assert_eq!((body["amount"].as_str(), body["fort_id"].as_str()), (Some("10580"), Some(FORT_ID)));
    let refund =
        async |code| payfort(&paid(follow_up(code))).refund(&refund_order(false), WITHIN).await;
    assert!(matches!(refund("19000").await, Ok(RefundState::Pending { .. })));
    assert!(matches!(refund("07666").await, Ok(RefundState::Rejected { .. })));
    for code in ["15777", "07006", "97000"] {
        let result = refund(code).await;
        assert!(is_unknown(&result), "{code}: {result:?}");
    }
}

#[tokio::test]
async fn a_refund_that_the_order_does_not_allow_is_what_the_order_shows() {
    for code in ["00048", "07048", "00047", "00034", "00662"] {
        let nothing_back = paid(follow_up(code));
        let state = payfort(&nothing_back).refund(&refund_order(false), WITHIN).await.unwrap();
        assert!(
            matches!(&state, RefundState::Rejected { code: said, .. } if said == code),
            "{code}: {state:?}"
        );
        // Somebody sends it back between our look and our call.
        let looks = std::sync::atomic::AtomicUsize::new(0);
        let vendor = Scripted::new(move |asked| {
            let looked = asked.json()["query_command"] == "CHECK_STATUS";
            let before = looked.then(|| looks.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
            let body = match before {
                None => follow_up(code),
                Some(0) => status("14000", [10_580, 10_580, 0]),
                Some(_) => status("06000", [10_580; 3]),
            };
            (200, body.to_string())
        });
        let state = payfort(&vendor).refund(&refund_order(false), WITHIN).await.unwrap();
        assert_eq!(state, RefundState::Refunded { transaction: FORT_ID.to_owned() }, "{code}");
    }
}

#[tokio::test]
async fn nothing_is_sent_back_twice() {
    let refunds = |asked: &Asked| asked.json()["command"] == "REFUND";
    for totals in [[10_580, 10_580, 10_580], [10_580, 10_580, 1]] {
        let vendor = server(200, status("06000", totals));
        let result = payfort(&vendor).refund(&refund_order(false), WITHIN).await;
        assert!(is_unknown(&result), "{result:?}");
        assert!(!vendor.asked().iter().any(refunds));
    }
    let vendor = server(500, "<html>");
    let result = payfort(&vendor).refund(&refund_order(false), WITHIN).await;
    assert!(matches!(result, Err(Error::Unavailable { .. })), "nothing was sent: {result:?}");
}

#[tokio::test]
async fn a_refund_is_found_in_the_totals_or_not_at_all() {
    let find = async |code, totals| {
        let vendor = server(200, status(code, totals));
        payfort(&vendor).find_refund(&refund_order(false), WITHIN).await
    };
    let transaction = || FORT_ID.to_owned();
    let done = RefundState::Refunded { transaction: transaction() };
    let pending = RefundState::Pending { transaction: transaction() };
    assert_eq!(find("06000", [10_580; 3]).await.unwrap(), Some(done.clone()));
    assert_eq!(find("07048", [10_580; 3]).await.unwrap(), Some(done));
    for code in ["14000", "04000", "40090", "13006", "05006"] {
        assert_eq!(find(code, [10_580, 10_580, 0]).await.unwrap(), None, "{code}");
    }
    for code in ["19000", "15777", "07006", "97000"] {
        assert_eq!(find(code, [10_580, 10_580, 0]).await.unwrap(), Some(pending.clone()), "{code}");
    }
    // What failed has not gone back, whether the vendor counts the purchase as captured or only as authorised.
    for totals in [[10_580, 10_580, 0], [10_580, 0, 0]] {
        for code in ["07666", "07034"] {
            let rejected = find(code, totals).await.unwrap();
            assert!(matches!(rejected, Some(RefundState::Rejected { .. })), "{code} {totals:?}");
        }
    }
    assert!(is_unknown(&find("06000", [10_580, 10_580, 5_000]).await));
    let mut elsewhere = status("06000", [10_580; 3]);
    elsewhere["fort_id"] = OTHER_FORT_ID.into();
    let vendor = server(200, signed(elsewhere, CARDS));
    assert!(is_unknown(&payfort(&vendor).find_refund(&refund_order(false), WITHIN).await));
}
