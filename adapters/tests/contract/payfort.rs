//! `PayFort`: a token from the hosted form, then 3-D Secure, with every signature it has.

use crate::{
    payfort_promises,
    payfort_standin::{Sandbox, Standin, WITHIN, charge},
};
use adapters::{
    payfort::{Channel, Config, PayFort, ShaType},
    provider::{Charge, Opened, PaymentProvider, Session, TransactionState},
};
use async_trait::async_trait;
use sandbox::{
    PAYFORT_ACCESS_CODE, PAYFORT_APPLE_ACCESS_CODE, PAYFORT_MERCHANT, PAYFORT_PHRASE,
    payfort_phrase,
};
use schema::{
    ids::IdKey,
    paying::{NextAct, PayWith},
};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::time::Duration;

struct OfPayFort {
    sandbox: Sandbox,
    vendor: PayFort,
}

impl OfPayFort {
    async fn start(sha_type: &str) -> Self {
        let sandbox =
            Sandbox::start(|config| sha_type.clone_into(&mut config.payfort_sha_type)).await;
        let channel = |access_code: &str, asks, answers| Channel {
            access_code: access_code.to_owned(),
            sha_type: ShaType::named(sha_type).unwrap(),
            request_phrase: payfort_phrase(PAYFORT_PHRASE, asks).into(),
            response_phrases: vec![payfort_phrase(PAYFORT_PHRASE, answers).into()],
        };
        let vendor = PayFort::new(Config {
            base_url: format!("{}/payfort", sandbox.base),
            page_url: format!("{}/payfort", sandbox.base),
            merchant_identifier: PAYFORT_MERCHANT.to_owned(),
            cards: channel(PAYFORT_ACCESS_CODE, "request", "response"),
            apple: Some(channel(PAYFORT_APPLE_ACCESS_CODE, "apple-request", "apple-response")),
            guest_email: "guest@cinema.example".to_owned(),
            customer_ip: "192.0.2.1".to_owned(),
            live: false,
            session_life: Duration::from_mins(30),
        });
        Self { sandbox, vendor: vendor.unwrap() }
    }

    async fn shopper(&self, session: &str) -> Value {
        let path = format!("payfort/pay/{session}");
        self.sandbox.post(&path, &json!({"outcome": "approve"})).await
    }
}

#[async_trait]
impl Standin for OfPayFort {
    const NAME: &'static str = "payfort";
    const CHARGES: [&'static str; 2] = ["purchase", "authorize"];

    fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    fn provider(&self) -> &dyn PaymentProvider {
        &self.vendor
    }

    fn pay_with(&self) -> [PayWith; 2] {
        [PayWith::Mada, PayWith::CreditCard]
    }

    async fn gives(&self, charge: &Charge) -> (Session, SecretString) {
        let Opened::Open(session) = self.vendor.open(charge, WITHIN).await.unwrap() else {
            panic!("a form is always there");
        };
        let NextAct::Form { action, fields } = &session.next else { panic!("{:?}", session.next) };
        let page = self.sandbox.client.post(action).form(fields).send().await.unwrap();
        assert_eq!(page.status(), 200, "{}", page.text().await.unwrap());
        let back = self.shopper(&session.id).await;
        let fields = back["fields"].as_object().unwrap().iter();
        let fields: Vec<(String, String)> = fields
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        let given = self.vendor.read_return(charge.payment, &fields).unwrap().unwrap();
        (session, given)
    }

    async fn approves(&self, session: &Session) {
        let NextAct::Redirect { url } = &session.next else { return };
        let page = self.sandbox.client.get(url).send().await.unwrap();
        assert_eq!(page.status(), 200, "{url}");
        let back = self.shopper(&session.id).await;
        assert_eq!(back["redirect"], "https://cinema.example/return");
    }
}

#[tokio::test]
async fn every_signature_there_is_carries_a_payment_to_its_end() {
    for sha_type in ["SHA-256", "SHA-512", "HMAC-256", "HMAC-512"] {
        let vendor = OfPayFort::start(sha_type).await;
        payfort_promises::a_payment_is_taken_once(&vendor).await;
        payfort_promises::what_is_reserved_is_taken_once(&vendor).await;
    }
}

#[tokio::test]
async fn money_moves_once() {
    let vendor = OfPayFort::start("SHA-256").await;
    payfort_promises::what_is_reserved_is_let_go_once(&vendor).await;
    payfort_promises::money_goes_back_once(&vendor).await;
    payfort_promises::a_decline_takes_nothing(&vendor).await;
}

/// What nobody knows of the vendor changes none of it.
#[tokio::test]
async fn money_moves_once_in_every_position_of_every_switch() {
    for (name, position) in [
        ("three_ds", "frictionless"),
        ("dup_policy", "00047"),
        ("dup_policy", "00007"),
        ("refund_exceeds", "07048"),
        ("maintenance_reference", "ignored"),
        ("http_status_on_error", "400"),
        ("sign_errors", "false"),
        ("order_not_found", "00036"),
        ("order_not_found", "12000"),
        ("status_shows_token", "true"),
        ("captured_of_purchase", "authorized_only"),
        ("return_method", "get"),
        ("customer_ip", "optional"),
    ] {
        let vendor = OfPayFort::start("HMAC-256").await;
        vendor.sandbox.switch("payfort", name, position).await;
        payfort_promises::a_payment_is_taken_once(&vendor).await;
        payfort_promises::what_is_reserved_is_taken_once(&vendor).await;
        payfort_promises::what_is_reserved_is_let_go_once(&vendor).await;
        payfort_promises::money_goes_back_once(&vendor).await;
    }
}

#[tokio::test]
async fn what_is_lost_is_looked_up() {
    let vendor = OfPayFort::start("SHA-512").await;
    payfort_promises::a_lost_charge_is_found(&vendor).await;
    payfort_promises::a_charge_that_never_happened_is_not_found(&vendor).await;
    payfort_promises::a_lost_follow_up_is_found(&vendor).await;
}

/// Genuine or not, an answer that is not about this charge or not signed for it is unknown; the look-up tells the truth.
#[tokio::test]
async fn an_odd_answer_to_a_charge_is_never_believed() {
    let vendor = OfPayFort::start("SHA-256").await;
    vendor.sandbox.switch("payfort", "three_ds", "frictionless").await;
    for fault in [
        "amount_mismatch",
        "amount_hundredth",
        "currency_mismatch",
        "reference_mismatch",
        "bare_result",
        "unsigned",
        "signed_by_request_phrase",
        "signed_by_other_channel",
        "commit_00066",
        "commit_15777",
        "commit_97000",
        "uncertain",
    ] {
        let charge = charge(&vendor.vendor, PayWith::Mada, fault);
        let (session, given) = vendor.gives(&charge).await;
        vendor.sandbox.fault("payfort", "purchase", fault).await;
        let odd = vendor.vendor.proceed(&charge, &session, &given, WITHIN).await;
        assert!(matches!(odd, Err(adapters::Error::Unknown { .. })), "{fault}: {odd:?}");
        let found = vendor.vendor.find_opened(&charge, WITHIN).await.unwrap();
        assert!(found.is_some(), "{fault}");
    }
    for fault in ["amount_as_number", "missing_fields", "new_fields"] {
        let charge = charge(&vendor.vendor, PayWith::Mada, fault);
        let (session, given) = vendor.gives(&charge).await;
        vendor.sandbox.fault("payfort", "purchase", fault).await;
        vendor.vendor.proceed(&charge, &session, &given, WITHIN).await.unwrap();
    }
}

#[tokio::test]
async fn apple_pay_goes_by_its_own_channel() {
    for echo in ["false", "true"] {
        let vendor = OfPayFort::start("HMAC-512").await;
        vendor.sandbox.switch("payfort", "echo_nested", echo).await;
        let sealed = IdKey::new(vec![7; 32]).seal("x").unwrap();
        let mut charge = charge(&vendor.vendor, PayWith::ApplePay { payment: sealed }, "apple");
        let header = json!({"ephemeralPublicKey": "MFkw", "publicKeyHash": "bVTU=",
            "transactionId": "93eec76c"});
        let given = json!({"paymentData": {"data": "C0Qc", "signature": "MIAG", "header": header},
            "paymentMethod": {"displayName": "mada 0007", "network": "mada", "type": "debit"}});
        charge.secret = Some(given.to_string().into());
        let Opened::Open(session) = vendor.vendor.open(&charge, WITHIN).await.unwrap() else {
            panic!("a decline is a session, too");
        };
        assert_eq!(session.account, PAYFORT_APPLE_ACCESS_CODE);
        let question = adapters::provider::Question {
            payment: charge.payment,
            session: None,
            account: None,
            transaction: None,
        };
        let [found] = vendor.vendor.ask(&question, WITHIN).await.unwrap().try_into().unwrap();
        assert_eq!(found.state, TransactionState::Captured { review: false });
        let booked = vendor.sandbox.ledger("payfort", &charge.payment.bare(), "capture").await;
        assert_eq!(booked, (1, 10_580));
    }
}
