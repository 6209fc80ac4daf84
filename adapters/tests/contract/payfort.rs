//! `PayFort` signs the contract: a token from the hosted form, then 3-D Secure; and its signatures and channels.

use crate::{
    paying::Paying,
    standin::{Standin, is_unknown, session},
    vendor::{Effect, Vendor, Verb, WITHIN, charge},
};
use adapters::{
    payfort::{Channel, Config, PayFort as Adapter, ShaType},
    provider::{Charge, PaymentProvider, Question, Session, TransactionState},
};
use sandbox::{
    PAYFORT_ACCESS_CODE, PAYFORT_APPLE_ACCESS_CODE, PAYFORT_MERCHANT, PAYFORT_PHRASE,
    payfort_phrase,
};
use schema::paying::{NextAct, PayWith, Taking};
use secrecy::SecretString;
use serde_json::json;
use std::time::Duration;

pub(crate) struct PayFort;

/// The adapter, signing like this.
pub(crate) fn adapter(base: &str, factor: u32, sha_type: &str) -> Adapter {
    let channel = |access_code: &str, asks, answers| Channel {
        access_code: access_code.to_owned(),
        sha_type: ShaType::named(sha_type).unwrap(),
        request_phrase: payfort_phrase(PAYFORT_PHRASE, asks).into(),
        response_phrases: vec![payfort_phrase(PAYFORT_PHRASE, answers).into()],
    };
    Adapter::new(Config {
        base_url: format!("{base}/payfort"),
        page_url: format!("{base}/payfort"),
        merchant_identifier: PAYFORT_MERCHANT.to_owned(),
        cards: channel(PAYFORT_ACCESS_CODE, "request", "response"),
        apple: Some(channel(PAYFORT_APPLE_ACCESS_CODE, "apple-request", "apple-response")),
        guest_email: "guest@cinema.example".to_owned(),
        customer_ip: "192.0.2.1".to_owned(),
        live: false,
        session_life: Duration::from_mins(30) / factor,
    })
    .unwrap()
}

impl Vendor for PayFort {
    const NAME: &'static str = "payfort";
    type Adapter = Adapter;

    const ASKS: &'static str = "status";
    const FINDS: &'static str = "status";
    const SAYS_NONE: &'static [&'static str] = &["lookup_lag", "code_00036", "code_11036"];
    /// A void is asked without an amount, and answered without one. Who asks by reference knows no other id of the order.
    const UNSEEN: &'static [(&'static str, &'static str)] = &[
        ("void", "amount_mismatch"),
        ("void", "amount_hundredth"),
        ("status", "fort_id_mismatch"),
    ];

    fn adapter(base: &str, factor: u32) -> Adapter {
        adapter(base, factor, "SHA-256")
    }

    fn ways() -> Vec<PayWith> {
        vec![PayWith::Mada, PayWith::CreditCard]
    }

    fn effect(verb: Verb, taking: Taking) -> Option<Effect> {
        Some(match (verb, taking) {
            (Verb::Charge, Taking::AtOnce) => {
                Effect { operation: "purchase", begun: &["challenge", "capture"], done: "capture" }
            }
            (Verb::Charge, Taking::OnceConfirmed) => Effect {
                operation: "authorize",
                begun: &["challenge", "authorize"],
                done: "authorize",
            },
            (Verb::Capture, _) => Effect::at_once("capture", &["capture"]),
            (Verb::Refund, _) => Effect::at_once("refund", &["refund"]),
            (Verb::LetGo, _) => Effect::at_once("void", &["void"]),
        })
    }

    async fn fills_in(at: &Standin<Self>, charge: &Charge, session: &Session) -> SecretString {
        let fields = typed(at, session, "approve").await;
        at.vendor.read_return(charge.payment, &fields).unwrap().unwrap()
    }
}

/// The customer types a card into the vendor's page: what the browser brings back.
pub(crate) async fn typed(
    at: &Standin<PayFort>,
    session: &Session,
    outcome: &str,
) -> Vec<(String, String)> {
    let NextAct::Form { action, fields } = &session.next else { panic!("{:?}", session.next) };
    let page = at.client.post(action).form(fields).send().await.unwrap();
    assert_eq!(page.status(), 200, "{}", page.text().await.unwrap());
    let back = at.shopper(&session.id, outcome).await;
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let fields = back["fields"].as_object().unwrap().iter();
    fields.map(|(name, value)| (name.clone(), text(value))).collect()
}

#[tokio::test]
async fn every_signature_there_is_carries_a_payment_to_its_end() {
    for sha_type in ["SHA-256", "SHA-512", "HMAC-256", "HMAC-512"] {
        let set_up = |config: &mut sandbox::Config| {
            sha_type.clone_into(&mut config.payfort_sha_type);
        };
        let mut at = Standin::<PayFort>::with(PayFort::FACTOR, set_up).await;
        at.vendor = adapter(&at.base, PayFort::FACTOR, sha_type);
        for verb in [Verb::Capture, Verb::Refund, Verb::LetGo] {
            let mut paying = Paying::ready(&at, verb, PayWith::CreditCard).await;
            let said = paying.say(verb, WITHIN).await.unwrap();
            assert_eq!(paying.found(verb).await, said, "{sha_type}");
        }
    }
}

#[tokio::test]
async fn the_bank_asks_on_a_page_that_is_there() {
    let at = Standin::<PayFort>::start().await;
    let mut paying = Paying::begun(&at, PayWith::Mada).await;
    paying.say(Verb::Charge, WITHIN).await.unwrap();
    let NextAct::Redirect { url } = &paying.session().next else { panic!("nobody asks") };
    let page = at.client.get(url).send().await.unwrap();
    assert_eq!(page.status(), 200, "{url}");
    let back = at.shopper(&paying.session().id, "approve").await;
    assert_eq!(back["redirect"], "https://cinema.example/return");
}

/// Genuine or not, an answer that is not about this charge or not signed for it is unknown, also where nothing is left for
/// the customer to do; the look-up tells the truth.
#[tokio::test]
async fn an_odd_answer_to_a_charge_is_never_believed() {
    let at = Standin::<PayFort>::start().await;
    at.switch("three_ds", "frictionless").await;
    for (fault, is_believed) in [
        ("bare_result", false),
        ("unsigned", false),
        ("signed_by_request_phrase", false),
        ("signed_by_other_channel", false),
        ("amount_mismatch", false),
        ("amount_hundredth", false),
        ("currency_mismatch", false),
        ("reference_mismatch", false),
        ("commit_00066", false),
        ("commit_15777", false),
        ("commit_97000", false),
        ("uncertain", false),
        ("amount_as_number", true),
        ("missing_fields", true),
        ("new_fields", true),
    ] {
        let mut paying = Paying::begun(&at, PayWith::Mada).await;
        at.fault("purchase", fault).await;
        let said = paying.say(Verb::Charge, WITHIN).await;
        assert!(if is_believed { said.is_ok() } else { is_unknown(&said) }, "{fault}: {said:?}");
        paying.found(Verb::Charge).await;
        at.has_gone_wrong().await;
    }
}

#[tokio::test]
async fn apple_pay_goes_by_its_own_channel() {
    for echo in ["false", "true"] {
        let at = Standin::<PayFort>::start().await;
        at.switch("echo_nested", echo).await;
        let sealed = crate::vendor::ids().seal("x").unwrap();
        let mut charge = charge(&at, PayWith::ApplePay { payment: sealed }).await;
        let header = json!({"ephemeralPublicKey": "MFkw", "publicKeyHash": "bVTU=",
            "transactionId": "93eec76c"});
        let given = json!({"paymentData": {"data": "C0Qc", "signature": "MIAG", "header": header},
            "paymentMethod": {"displayName": "mada 0007", "network": "mada", "type": "debit"}});
        charge.secret = Some(given.to_string().into());
        let session = session(at.vendor.open(&charge, WITHIN).await.unwrap());
        assert_eq!(session.account, PAYFORT_APPLE_ACCESS_CODE);
        let question = Question {
            payment: charge.payment,
            session: None,
            account: None,
            transaction: None,
            known: Vec::new(),
        };
        let [found] = at.vendor.ask(&question, WITHIN).await.unwrap().try_into().unwrap();
        assert_eq!(found.state, TransactionState::Captured { review: false });
        let [booked] = at.entries(&charge.payment.bare()).await.try_into().unwrap();
        let booked = (&booked["kind"], &booked["amount_minor"]);
        assert_eq!(booked, (&json!("capture"), &json!(charge.amount.amount_minor)));
    }
}
