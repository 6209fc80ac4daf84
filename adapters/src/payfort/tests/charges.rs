//! Opening and charging: the form, the token, Apple's sheet, and every answer to them.

use super::*;

fn approved(code: &str) -> Value {
    answer(
        code,
        json!({"amount": "10580", "currency": "SAR", "fort_id": FORT_ID,
        "card_number": "400555******0001", "payment_option": "VISA"}),
    )
}

fn given() -> SecretString {
    charging::given(&payment().bare(), "Op9Vmp")
}

async fn proceed_with(server: &Scripted, charge: &Charge) -> Result<Opened, Error> {
    let vendor = payfort(server);
    let Opened::Open(session) = vendor.open(charge, WITHIN).await? else { panic!("a form") };
    vendor.proceed(charge, &session, &given(), WITHIN).await
}

async fn proceed(server: &Scripted) -> Result<Opened, Error> {
    proceed_with(server, &charge(PayWith::Mada)).await
}

#[tokio::test]
async fn a_card_is_asked_for_by_a_signed_form_and_nothing_is_sent() {
    let vendor = server(200, "");
    for pay_with in [PayWith::Page, PayWith::CreditCard, PayWith::Mada] {
        let opened = payfort(&vendor).open(&charge(pay_with), WITHIN).await.unwrap();
        let (NextAct::Form { action, fields }, lives_ms) = session_next(opened) else {
            panic!("a form");
        };
        assert_eq!(action, "https://checkout.example/FortAPI/paymentPage");
        assert_eq!(lives_ms, 1_800_000);
        let texts: signing::Texts = fields.into_iter().collect();
        let names: Vec<&str> = texts.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "access_code",
                "language",
                "merchant_identifier",
                "merchant_reference",
                "return_url",
                "service_command",
                "signature"
            ]
        );
        assert_eq!(texts["service_command"], "TOKENIZATION");
        assert_eq!(texts["merchant_reference"], payment().bare());
        assert_eq!(texts["signature"], channel(CARDS).sign(&texts));
    }
    assert!(vendor.asked().is_empty());
}

#[tokio::test]
async fn a_credit_card_is_authorised_and_every_other_purchased() {
    for (pay_with, command, code) in [
        (PayWith::CreditCard, "AUTHORIZATION", "02000"),
        (PayWith::Mada, "PURCHASE", "14000"),
        (PayWith::Page, "PURCHASE", "14000"),
    ] {
        let vendor = server(200, approved(code));
        let opened = proceed_with(&vendor, &charge(pay_with)).await.unwrap();
        assert_eq!(session_next(opened), (NextAct::Nothing, 1_800_000));
        let [asked] = vendor.asked().try_into().unwrap();
        assert_eq!(asked.line, "POST /FortAPI/paymentApi");
        let body = asked.json();
        for (field, value) in [
            ("command", command),
            ("merchant_reference", &payment().bare()),
            ("amount", "10580"),
            ("currency", "SAR"),
            ("token_name", "Op9Vmp"),
            ("customer_email", "guest@cinema.example"),
            ("customer_ip", "192.0.2.1"),
            ("language", "ar"),
            ("eci", "ECOMMERCE"),
        ] {
            assert_eq!(body[field], value, "{field}");
        }
        let sent = Message::read(asked.body.as_bytes()).unwrap();
        assert_eq!(body["signature"], channel(CARDS).sign(sent.texts()));
    }
    let vendor = payfort(&server(200, ""));
    assert_eq!(vendor.taking(&PayWith::CreditCard), Some(Taking::OnceConfirmed));
    for at_once in [PayWith::Page, PayWith::Mada, PayWith::SavedCard { card: String::new() }] {
        assert_eq!(vendor.taking(&at_once), Some(Taking::AtOnce));
    }
    assert_eq!(vendor.taking(&PayWith::StcPay { phone: String::new() }), None);
}

#[tokio::test]
async fn the_buyers_address_goes_with_the_charge() {
    let vendor = server(200, approved("14000"));
    let mut charge = charge(PayWith::Mada);
    charge.buyer.address = Some("2001:db8::7".parse().unwrap());
    proceed_with(&vendor, &charge).await.unwrap();
    assert_eq!(vendor.asked()[0].json()["customer_ip"], "2001:db8::7");
    assert!(payfort(&vendor).wants_address());
    // Neither a journal nor a row has it.
    let written = serde_json::to_string(&charge.buyer).unwrap();
    assert!(!written.contains("2001"), "{written}");
}

#[tokio::test]
async fn three_d_secure_sends_the_browser_to_the_vendors_page() {
    let page = "https://checkout.example/secure3ds?id=1";
    let vendor = server(200, answer("20064", json!({"3ds_url": page, "amount": 10_580})));
    let (next, _) = session_next(proceed(&vendor).await.unwrap());
    assert_eq!(next, NextAct::Redirect { url: page.to_owned() });
    for url in [json!(null), json!("javascript:alert(1)"), json!("https://a b"), json!("//x")] {
        let vendor = server(200, answer("20064", json!({"3ds_url": url})));
        assert!(is_unknown(&proceed(&vendor).await), "{url}");
    }
}

#[tokio::test]
async fn a_decline_is_a_session_that_is_over() {
    for code in ["13666", "13029", "13030", "00072", "00044", "23102"] {
        let (next, lives_ms) =
            session_next(proceed(&server(200, answer(code, json!({})))).await.unwrap());
        assert_eq!((next, lives_ms), (NextAct::Nothing, 0), "{code}");
    }
    let pending = session_next(proceed(&server(200, answer("19000", json!({})))).await.unwrap());
    assert_eq!(pending, (NextAct::Nothing, 1_800_000));
}

#[tokio::test]
async fn what_is_uncertain_or_used_before_is_unknown_and_our_mistakes_are_refused() {
    for code in
        ["15777", "15781", "00006", "13006", "00007", "00047", "00066", "97000", "12000", "xx"]
    {
        let result = proceed(&server(200, answer(code, json!({})))).await;
        assert!(is_unknown(&result), "{code}: {result:?}");
    }
    for code in ["00001", "00002", "00008", "00009", "00010", "00015", "00003"] {
        let result = proceed(&server(400, answer(code, json!({})))).await;
        assert!(matches!(result, Err(Error::Refused { .. })), "{code}: {result:?}");
    }
}

#[tokio::test]
async fn what_the_order_does_not_allow_is_unknown_unless_the_order_shows_what_became_of_it() {
    for code in ["00034", "00042", "13773", "00662", "00048"] {
        let no = async |shown| proceed(&showing(shown, answer(code, json!({})))).await;
        let declined = session_next(no(status(code, [0; 3])).await.unwrap());
        assert_eq!(declined, (NextAct::Nothing, 0), "{code}");
        // It knows the order well enough to refuse, and shows none: one of the two is late.
        let not_shown = no(answer("11036", json!({}))).await;
        assert!(is_unknown(&not_shown), "{code}: {not_shown:?}");
        let taken = session_next(no(status("14000", [10_580, 10_580, 0])).await.unwrap());
        assert_eq!(taken, (NextAct::Nothing, 1_800_000), "{code}");
        for unreadable in [json!({}), answer("00010", json!({})), answer("11006", json!({}))] {
            let result = no(unreadable).await;
            assert!(is_unknown(&result), "{code}: {result:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_about_anything_else_is_unknown() {
    for (field, value) in [
        ("amount", json!("1058")),
        ("amount", json!(105_800)),
        ("amount", json!("105.80")),
        ("amount", json!(null)),
        ("currency", json!("USD")),
        ("merchant_reference", json!("01K9000000000000000000000X")),
        ("merchant_reference", json!(null)),
    ] {
        let mut body = approved("14000");
        body[field] = value.clone();
        body.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let result = proceed(&server(200, signed(body, CARDS))).await;
        assert!(is_unknown(&result), "{field} {value}: {result:?}");
    }
    let result = proceed(&server(200, signed(approved("14000"), APPLE))).await;
    assert!(is_unknown(&result), "the other channel's: {result:?}");
}

#[tokio::test]
async fn an_answer_that_is_not_signed_or_not_readable_is_unknown() {
    let mut unsigned = approved("14000");
    unsigned.as_object_mut().unwrap().remove("signature");
    let mut altered = approved("14000");
    altered["fort_id"] = OTHER_FORT_ID.into();
    let mut not_found = answer("00036", json!({}));
    not_found.as_object_mut().unwrap().remove("signature");
    let whole = approved("14000").to_string();
    for body in [
        unsigned.to_string(),
        altered.to_string(),
        not_found.to_string(),
        whole[..whole.len() / 2].to_owned(),
        String::new(),
        "<html>".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "null".to_owned(),
    ] {
        for status in [200, 429, 500, 503] {
            assert!(is_unknown(&proceed(&server(status, &body)).await), "{status} {body}");
        }
    }
}

#[tokio::test]
async fn a_refusal_at_the_door_is_believed_without_a_signature() {
    let mut refusal = answer("00008", json!({}));
    refusal.as_object_mut().unwrap().remove("signature");
    let result = proceed(&server(200, refusal)).await;
    assert!(matches!(result, Err(Error::Refused { code, .. }) if code == "00008"));
}

#[tokio::test]
async fn a_token_of_another_payment_or_none_is_not_charged() {
    let vendor = server(200, approved("14000"));
    let charge = charge(PayWith::Mada);
    let payfort = payfort(&vendor);
    let Opened::Open(session) = payfort.open(&charge, WITHIN).await.unwrap() else { panic!() };
    for given in ["01K9000000000000000000000X:Op9Vmp", "Op9Vmp", "", ":"] {
        let result = payfort.proceed(&charge, &session, &given.into(), WITHIN).await;
        assert!(matches!(result, Err(Error::Refused { .. })), "{given}: {result:?}");
    }
    for token in ["", "a b", "4005550000000001"] {
        let given = charging::given(&payment().bare(), token);
        let result = payfort.proceed(&charge, &session, &given, WITHIN).await;
        assert!(matches!(result, Err(Error::Refused { .. })), "{token}: {result:?}");
    }
    assert!(vendor.asked().is_empty());
}

#[tokio::test]
async fn a_saved_card_is_charged_at_once() {
    let vendor = server(200, approved("14000"));
    let saved = charge(PayWith::SavedCard { card: "card_1".to_owned() });
    let opened = payfort(&vendor).open(&saved, WITHIN).await.unwrap();
    assert_eq!(session_next(opened).0, NextAct::Nothing);
    assert_eq!(vendor.asked()[0].json()["token_name"], "Op9Vmp");
}

#[tokio::test]
async fn apple_pay_has_a_channel_of_its_own() {
    let token = json!({"paymentData": {"version": "EC_v1", "data": "C0Qc==", "signature": "MIAG",
            "header": {"transactionId": "93ee", "ephemeralPublicKey": "MFkw", "publicKeyHash": "bVTU="}},
        "paymentMethod": {"displayName": "Visa 0492", "network": "Visa", "type": "debit"}});
    let echo = json!({"amount": 10_580, "currency": "SAR", "digital_wallet": "APPLE_PAY",
        "response_code": "14000", "merchant_reference": payment().bare(),
        "apple_header": {"apple_transactionId": "93ee", "apple_ephemeralPublicKey": "MFkw"}});
    let vendor = server(200, signed(echo, APPLE));
    let mut apple = charge(PayWith::CreditCard);
    apple.taking = Taking::AtOnce;
    let sealed = schema::ids::IdKey::new(vec![1; 32]).seal("x").unwrap();
    apple.pay_with = PayWith::ApplePay { payment: sealed };
    apple.secret = Some(token.to_string().into());
    let Opened::Open(session) = payfort(&vendor).open(&apple, WITHIN).await.unwrap() else {
        panic!("a session");
    };
    assert_eq!((session.account.as_str(), session.next), (APPLE, NextAct::Nothing));
    let asked = vendor.asked();
    let body = asked[0].json();
    assert_eq!(body["apple_header"]["apple_publicKeyHash"], "bVTU=");
    assert_eq!(body["apple_paymentMethod"]["apple_displayName"], "Visa 0492");
    assert_eq!((body["access_code"].as_str(), body.get("return_url")), (Some(APPLE), None));
    let sent = Message::read(asked[0].body.as_bytes()).unwrap();
    assert_eq!(body["signature"], channel(APPLE).sign(sent.texts()));
    let data = token["paymentData"].to_string();
    let unreadable = Opened::Rejected { code: "apple_pay_unreadable".to_owned() };
    for secret in ["", "{}", "[1]", "{\"paymentData\": {\"data\": \"x\"}}", &data] {
        apple.secret = Some(secret.into());
        let opened = payfort(&vendor).open(&apple, WITHIN).await.unwrap();
        assert_eq!(opened, unreadable, "{secret}");
    }
    assert_eq!(vendor.asked().len(), 1);
}

#[test]
fn the_live_system_wants_https_and_each_channel_its_own_code() {
    let refused = |config: Config| matches!(PayFort::new(config), Err(Error::Refused { .. }));
    assert!(refused(Config { live: true, ..config("http://127.0.0.1:1") }));
    assert!(refused(Config { apple: Some(channel(CARDS)), ..config("http://127.0.0.1:1") }));
    assert!(refused(Config {
        merchant_identifier: "a b".to_owned(),
        ..config("http://127.0.0.1:1")
    }));
    assert!(!refused(Config { live: true, ..config("https://pay.example") }));
}
