//! Charging a card, exchanging Apple's data, and STC Pay's password.

use super::*;

async fn open(server: &Scripted, charge: &Charge) -> Result<Opened, Error> {
    checkout(server).open(charge, WITHIN).await
}

/// The charge is refused with these codes; the reference shows these payments.
fn refuses(refusal: &[&str], shown: &[Value]) -> Scripted {
    let (refusal, shown) = (codes(refusal).to_string(), page(shown).to_string());
    Scripted::new(move |asked| {
        if asked.is("GET /payments?") { (200, shown.clone()) } else { (422, refusal.clone()) }
    })
}

#[tokio::test]
async fn a_token_is_reserved_under_our_reference_and_key() {
    let server = answers(201, &payment("Authorized"));
    assert_eq!(open(&server, &by_token()).await.unwrap(), decided());
    let [Asked { line, head, body }] = server.asked().try_into().unwrap();
    assert_eq!(line, "POST /payments");
    assert!(head.contains("authorization: Bearer sk_sbox_secret\r\n"), "{head}");
    assert!(head.contains(&format!("cko-idempotency-key: {REFERENCE}-pay\r\n")), "{head}");
    let body: Value = serde_json::from_str(&body).unwrap();
    let expected = json!({
        "source": {"type": "token", "token": TOKEN}, "amount": 6_450, "currency": "SAR",
        "capture": false, "reference": REFERENCE, "processing_channel_id": CHANNEL,
        "3ds": {"enabled": true}, "customer": {"email": "sara@example.com"},
        "success_url": "https://cinema.example/return?a=b",
        "failure_url": "https://cinema.example/return?a=b",
        "metadata": {"booking": "01K9BBBBBBBBBBBBBBBBBBBBBB"},
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn the_same_charge_is_the_same_bytes() {
    let server = answers(201, &payment("Authorized"));
    for _ in 0..2 {
        open(&server, &by_token()).await.unwrap();
    }
    let [first, second] = server.asked().try_into().unwrap();
    assert_eq!((first.head, first.body), (second.head, second.body));
}

#[tokio::test]
async fn a_saved_card_is_charged_by_its_id() {
    let server = answers(201, &payment("Authorized"));
    let saved = |id: &str| charge(PayWith::SavedCard { card: "card_1".to_owned() }, id);
    let source = "src_gggggggggggggggggggggggggg";
    assert_eq!(open(&server, &saved(source)).await.unwrap(), decided());
    assert_eq!(server.asked()[0].json()["source"], json!({"type": "id", "id": source}));
    let unknown = Opened::Rejected { code: "card_unknown".to_owned() };
    assert_eq!(open(&server, &saved("cus_1")).await.unwrap(), unknown);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn the_customer_is_sent_to_the_issuer_and_nowhere_odd() {
    let sent = open(&answers(202, &waiting()), &by_token()).await.unwrap();
    let next = NextAct::Redirect { url: "https://3ds.example/pay".to_owned() };
    assert_eq!(sent, Opened::Open(session(PAY, 900_000, next)));
    let quiet = with(waiting(), "_links", json!({}));
    assert_eq!(open(&answers(202, &quiet), &by_token()).await.unwrap(), decided());
    for odd in ["javascript:alert(1)", "ftp://x/", "not a url", "/3ds", &"x".repeat(3_000)] {
        let odd = with(waiting(), "_links", json!({"redirect": {"href": odd}}));
        assert!(is_unknown(&open(&answers(202, &odd), &by_token()).await), "{odd}");
    }
}

#[tokio::test]
async fn a_decline_is_a_session_with_nothing_left_to_do() {
    let declined = with(payment("Declined"), "approved", false);
    let over = Opened::Open(session(PAY, 0, NextAct::Nothing));
    assert_eq!(open(&answers(201, &declined), &by_token()).await.unwrap(), over);
    for status in ["Declined", "Canceled", "Expired"] {
        let found = refuses(&["token_used"], &[payment(status)]);
        assert_eq!(open(&found, &by_token()).await.unwrap(), over, "{status}");
    }
}

#[tokio::test]
async fn an_answer_about_something_else_is_no_answer() {
    for odd in [
        with(payment("Authorized"), "amount", 6_451),
        with(payment("Authorized"), "amount", Value::Null),
        with(payment("Authorized"), "amount", "6450"),
        with(payment("Authorized"), "currency", "USD"),
        with(payment("Authorized"), "reference", "another"),
        with(payment("Authorized"), "id", "pay_1"),
    ] {
        assert!(is_unknown(&open(&answers(201, &odd), &by_token()).await), "{odd}");
    }
    let odd = with(waiting(), "reference", "another");
    assert!(is_unknown(&open(&answers(202, &odd), &by_token()).await));
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_a_refusal_is_none_of_the_customers() {
    for server in lost() {
        assert!(is_unknown(&open(&server, &by_token()).await));
    }
    for (status, body) in [
        (401, Value::Null),
        (403, codes(&["action_not_allowed"])),
        (404, Value::Null),
        (422, codes(&["processing_channel_id_required"])),
        (422, json!({"error_codes": ["<b>"]})),
    ] {
        let error = open(&answers(status, &body), &by_token()).await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error}");
        assert!(!error.to_string().contains('<'), "{error}");
    }
    let busy = answers(429, &codes(&["api_calls_quota_exceeded"]));
    let error = open(&busy, &by_token()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert!(is_unknown(&open(&answers(429, &Value::Null), &by_token()).await));
}

#[tokio::test]
async fn a_used_token_is_looked_up_before_anything_is_said() {
    for code in ["token_used", "token_in_use"] {
        let found = open(&refuses(&[code], &[payment("Authorized")]), &by_token()).await;
        assert_eq!(found.unwrap(), decided());
        assert!(is_unknown(&open(&refuses(&[code], &[]), &by_token()).await), "{code}");
    }
    let throttled = Scripted::new(|asked| {
        if asked.is("GET /payments?") {
            (429, codes(&["api_calls_quota_exceeded"]).to_string())
        } else {
            (422, codes(&["token_used"]).to_string())
        }
    });
    assert!(
        is_unknown(&open(&throttled, &by_token()).await),
        "it was the look-up that was not done"
    );
}

#[tokio::test]
async fn what_the_customer_gave_is_refused_in_a_word_they_can_be_told() {
    for (code, word) in [
        ("token_expired", "card_token_expired"),
        ("token_invalid", "card_token_invalid"),
        ("source_id_unknown", "card_unknown"),
        ("card_expired", "card_not_accepted"),
    ] {
        let rejected = Opened::Rejected { code: word.to_owned() };
        assert_eq!(open(&refuses(&[code], &[]), &by_token()).await.unwrap(), rejected);
        let found = open(&refuses(&[code], &[payment("Authorized")]), &by_token()).await;
        assert_eq!(found.unwrap(), decided(), "the first attempt came through");
    }
    let odd = charge(PayWith::Token { token: sealed() }, "4111 1111 1111 1111");
    let server = answers(500, &Value::Null);
    let rejected = Opened::Rejected { code: "card_token_invalid".to_owned() };
    assert_eq!(open(&server, &odd).await.unwrap(), rejected);
    assert_eq!(server.asked().len(), 0);
}

#[tokio::test]
async fn nothing_to_pay_is_no_check_of_a_card() {
    let server = answers(201, &payment("Card Verified"));
    let nothing = Charge { amount: Money::sar(0), ..by_token() };
    assert!(matches!(open(&server, &nothing).await, Err(Error::Refused { .. })));
    assert_eq!(server.asked().len(), 0);
}

const APPLE: &str =
    r#"{"version":"EC_v1","data":"AAAA","signature":"BBBB","header":{"transactionId":"00"}}"#;

fn by_apple() -> Charge {
    charge(PayWith::ApplePay { payment: sealed() }, APPLE)
}

/// Exchanges Apple's data like this; charges whatever it is asked to.
fn exchanges(status: u16, body: &Value) -> Scripted {
    let body = body.to_string();
    Scripted::new(move |asked| {
        if asked.is("POST /tokens") {
            (status, body.clone())
        } else {
            (201, payment("Authorized").to_string())
        }
    })
}

#[tokio::test]
async fn apples_data_becomes_a_token_that_is_charged() {
    let server = exchanges(201, &json!({"type": "applepay", "token": TOKEN}));
    let whole = format!(r#"{{"paymentData":{APPLE},"paymentMethod":{{"network":"Visa"}}}}"#);
    let whole = Charge { secret: Some(whole.into()), ..by_apple() };
    assert_eq!(open(&server, &whole).await.unwrap(), decided());
    let [exchange, _] = server.asked().try_into().unwrap();
    let data: Value = serde_json::from_str(APPLE).unwrap();
    assert_eq!(exchange.json(), json!({"type": "applepay", "token_data": data}));
    let server = exchanges(201, &json!({"type": "applepay", "token": TOKEN}));
    assert_eq!(open(&server, &by_apple()).await.unwrap(), decided());
    let [exchange, pay] = server.asked().try_into().unwrap();
    assert!(exchange.head.contains("authorization: Bearer pk_sbox_public\r\n"));
    let data: Value = serde_json::from_str(APPLE).unwrap();
    assert_eq!(exchange.json(), json!({"type": "applepay", "token_data": data}));
    assert!(pay.head.contains("authorization: Bearer sk_sbox_secret\r\n"));
    assert_eq!(pay.json()["source"], json!({"type": "token", "token": TOKEN}));
    assert_eq!(pay.json().get("3ds"), None);
}

#[tokio::test]
async fn a_lost_exchange_has_charged_nobody() {
    for (status, body) in [
        (500, json!({})),
        (201, json!({"token": "../x"})),
        (201, json!("torn")),
        (429, codes(&["duplicate_request"])),
    ] {
        let server = exchanges(status, &body);
        let error = open(&server, &by_apple()).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error}");
        assert_eq!(server.count("POST /payments"), 0);
    }
    let refused = exchanges(422, &codes(&["token_data_invalid"]));
    let rejected = Opened::Rejected { code: "apple_pay_not_accepted".to_owned() };
    assert_eq!(open(&refused, &by_apple()).await.unwrap(), rejected);
    let wrong_key = open(&exchanges(401, &Value::Null), &by_apple()).await;
    assert!(matches!(wrong_key, Err(Error::Refused { .. })));
    for odd in ["", "[]", "\"x\"", "{"] {
        let odd = charge(PayWith::ApplePay { payment: sealed() }, odd);
        let rejected = Opened::Rejected { code: "apple_pay_unreadable".to_owned() };
        assert_eq!(open(&refused, &odd).await.unwrap(), rejected);
    }
}

#[tokio::test]
async fn a_password_is_sent_and_pays() {
    let server = Scripted::new(|asked| {
        if asked.is("POST /payment-contexts") {
            (201, json!({"id": CONTEXT, "partner_metadata": {}}).to_string())
        } else {
            (202, with(waiting(), "_links", json!({})).to_string())
        }
    });
    let sent = session(CONTEXT, 120_000, NextAct::Otp);
    assert_eq!(open(&server, &by_stc_pay()).await.unwrap(), Opened::Open(sent.clone()));
    let given = "123456".into();
    let paid = checkout(&server).proceed(&by_stc_pay(), &sent, &given, WITHIN).await.unwrap();
    assert_eq!(paid, decided());
    let [context, pay] = server.asked().try_into().unwrap();
    assert!(context.head.contains(&format!("cko-idempotency-key: {REFERENCE}-context\r\n")));
    let phone = json!({"country_code": "+966", "number": "501234567"});
    assert_eq!(context.json()["customer"]["phone"], phone);
    assert_eq!(context.json()["source"], json!({"type": "stcpay"}));
    assert_eq!(context.json()["capture"], json!(true));
    assert!(pay.head.contains(&format!("cko-idempotency-key: {REFERENCE}-pay\r\n")));
    let expected = json!({"payment_context_id": CONTEXT, "processing": {"otp_value": "123456"},
        "processing_channel_id": CHANNEL, "amount": 6_450, "currency": "SAR",
        "reference": REFERENCE});
    assert_eq!(pay.json(), expected);
}

#[tokio::test]
async fn a_password_that_cannot_be_one_is_not_sent() {
    let server = answers(500, &Value::Null);
    let sent = session(CONTEXT, 120_000, NextAct::Otp);
    for odd in ["", "123", "12345678901", "12 456", "١٢٣٤٥٦"] {
        let answer = checkout(&server).proceed(&by_stc_pay(), &sent, &odd.into(), WITHIN).await;
        let rejected = Opened::Rejected { code: "one_time_password_malformed".to_owned() };
        assert_eq!(answer.unwrap(), rejected);
    }
    assert_eq!(server.asked().len(), 0);
    let lost = checkout(&server).proceed(&by_stc_pay(), &sent, &"123456".into(), WITHIN).await;
    assert!(is_unknown(&lost));
}

#[tokio::test]
async fn a_phone_without_stc_pay_is_the_customers_and_a_channel_without_it_is_ours() {
    let elsewhere = charge(PayWith::StcPay { phone: "+971501234567".to_owned() }, "");
    let server = answers(422, &codes(&["apm_service_unavailable"]));
    let rejected = Opened::Rejected { code: "phone_not_accepted".to_owned() };
    assert_eq!(open(&server, &elsewhere).await.unwrap(), rejected);
    assert!(matches!(open(&server, &by_stc_pay()).await, Err(Error::Refused { .. })));
    for server in lost() {
        assert!(is_unknown(&open(&server, &by_stc_pay()).await));
    }
}
