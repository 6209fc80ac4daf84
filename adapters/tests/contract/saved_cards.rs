//! Saved cards at the vendors that keep them: saved, charged once however often it is asked for, forgotten once and for all.

use adapters::{
    Error,
    card_keeper::{CardKeeper, Ended, KeptCard, NewCard, Saving},
    checkout::{self, Checkout},
    hyperpay::{self, HyperPay},
    payfort::PayFort,
    provider::{Charge, Opened, PaymentProvider, Question, Session, TransactionState},
};
use reqwest::{Client, Method};
use sandbox::{CheckoutAccount, Config, serve};
use schema::{
    ids::{IdKey, PaymentId},
    money::Money,
    paying::{Buyer, NextAct, PayWith},
};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tokio::{net::TcpListener, sync::oneshot};

/// Time enough for every answer that comes, and for none that is lost.
const WITHIN: Duration = Duration::from_millis(1_500);
const PRICE: Money = Money::sar(9_200);
static MADE: AtomicU32 = AtomicU32::new(0);

/// The vendors, and their stand-ins.
struct Vendors {
    base: String,
    client: Client,
    hyperpay: HyperPay,
    payfort: PayFort,
    checkout: Checkout,
    _stop: oneshot::Sender<()>,
}

impl Vendors {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(serve(Config::new(listener), async move {
            let _ = stopped.await;
        }));
        let hyperpay = HyperPay::new(hyperpay::Config {
            base_url: format!("{base}/hyperpay"),
            token: sandbox::DEFAULT_TOKEN.into(),
            entity_id: sandbox::CARD_ENTITY.to_owned(),
            webhook_keys: Vec::new(),
            live: false,
            test_mode: None,
            read_window: Duration::ZERO,
            session_life: Duration::from_mins(30),
        });
        let account = CheckoutAccount::default();
        let checkout = Checkout::new(checkout::Config {
            base_url: format!("{base}/checkout"),
            secret_key: account.secret_key.into(),
            public_key: account.public_key.into(),
            processing_channel: account.processing_channel,
            webhook_keys: Vec::new(),
            webhook_authorizations: Vec::new(),
            challenge_life: Duration::from_mins(15),
            password_life: Duration::from_mins(2),
        });
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        let (hyperpay, checkout) = (hyperpay.unwrap(), checkout.unwrap());
        let payfort = crate::payfort::adapter(&base, 1, "SHA-256");
        let vendors = Self { base, client, hyperpay, payfort, checkout, _stop: stop };
        vendors.sim("hyperpay/switches", json!({ "throttle_per_minute": "0" })).await;
        vendors
    }

    async fn sim(&self, path: &str, body: Value) -> Value {
        let method = if body.is_null() { Method::GET } else { Method::POST };
        let request = self.client.request(method, format!("{}/_sim/{path}", self.base));
        let request = if body.is_null() { request } else { request.json(&body) };
        request.send().await.unwrap().json().await.unwrap()
    }

    /// The next call of this operation goes wrong like this; what is lost is lost for longer than we wait.
    async fn fails(&self, vendor: &str, op: &str, fault: &str) {
        let rule = json!({"match": {"op": op}, "fault": fault, "delay_ms": 3_000});
        let added = self.sim(&format!("{vendor}/faults"), rule).await;
        assert_eq!(added["added"], true, "{added}");
    }

    /// How often the vendor has done this.
    async fn count(&self, vendor: &str, kind: &str) -> usize {
        let path = format!("{vendor}/ledger?kind={kind}");
        self.sim(&path, Value::Null).await.as_array().unwrap().len()
    }

    async fn form(&self) -> Session {
        form(&self.hyperpay, &card(None)).await
    }

    async fn types(&self, form: &Session, outcome: &str) {
        self.sim(&format!("hyperpay/pay/{}", form.id), json!({ "outcome": outcome })).await;
    }

    async fn saved_at_hyperpay(&self) -> KeptCard {
        let form = self.form().await;
        self.types(&form, "approve").await;
        kept(self.hyperpay.ask_saved(&form, WITHIN).await.unwrap())
    }

    /// The browser posts the vendor's form, and brings back what the vendor has signed.
    async fn saved_at_payfort(&self) -> KeptCard {
        let card = card(None);
        let form = form(&self.payfort, &card).await;
        let NextAct::Form { action, fields } = &form.next else { panic!("{:?}", form.next) };
        let page = self.client.post(action).form(fields).send().await.unwrap();
        assert_eq!(page.status(), 200);
        let path = format!("payfort/pay/{}", form.id);
        let back = self.sim(&path, json!({ "outcome": "approve" })).await;
        let back = back["fields"].as_object().unwrap().iter();
        let back: Vec<(String, String)> =
            back.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
        let given = self.payfort.read_back(card.card, &back).unwrap().unwrap();
        kept(Some(self.payfort.finish(&form, &given, WITHIN).await.unwrap()))
    }

    async fn saved_at_checkout(&self) -> KeptCard {
        match self.checkout.save(&card(Some(self.token().await)), WITHIN).await.unwrap() {
            Saving::Ended(ended) => kept(Some(ended)),
            Saving::Form(form) => panic!("a form: {form:?}"),
        }
    }

    /// What the vendor's own fields in the app do.
    async fn token(&self) -> String {
        let card = json!({"type": "card", "number": "4242424242424242", "expiry_month": 5,
            "expiry_year": 2030, "cvv": "100"});
        let url = format!("{}/checkout/tokens", self.base);
        let key = CheckoutAccount::default().public_key;
        let answer = self.client.post(url).bearer_auth(key).json(&card).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["token"].as_str().unwrap().to_owned()
    }
}

async fn form(keeper: &dyn CardKeeper, card: &NewCard) -> Session {
    match keeper.save(card, WITHIN).await.unwrap() {
        Saving::Form(form) => form,
        Saving::Ended(ended) => panic!("no form: {ended:?}"),
    }
}

fn kept(ended: Option<Ended>) -> KeptCard {
    match ended {
        Some(Ended::Kept(card)) => card,
        other => panic!("not kept: {other:?}"),
    }
}

fn number() -> String {
    MADE.fetch_add(1, Ordering::Relaxed).to_string()
}

fn card(token: Option<String>) -> NewCard {
    let card = IdKey::new(vec![7; 32]).card("customer:1", &number());
    let return_url = "https://cinema.example/back".to_owned();
    NewCard { card, token: token.map(SecretString::from), return_url }
}

fn charge(vendor: &dyn PaymentProvider, token: &SecretString) -> Charge {
    let key = IdKey::new(vec![7; 32]);
    let booking = key.booking("customer:1", &number());
    let pay_with = PayWith::SavedCard { card: "card_1".to_owned() };
    Charge {
        payment: key.payment(booking, "1"),
        booking,
        amount: PRICE,
        taking: vendor.taking(&pay_with).unwrap(),
        pay_with,
        secret: Some(token.clone()),
        buyer: Buyer::default(),
        purchases: Vec::new(),
        return_url: "https://cinema.example/back".to_owned(),
    }
}

async fn states(vendor: &HyperPay, payment: PaymentId) -> Vec<TransactionState> {
    let question =
        Question { payment, session: None, account: None, transaction: None, known: Vec::new() };
    let shown = vendor.ask(&question, WITHIN).await.unwrap();
    shown.into_iter().map(|transaction| transaction.state).collect()
}

fn session(opened: Opened) -> Session {
    match opened {
        Opened::Open(session) => session,
        Opened::Rejected { code } => panic!("rejected: {code}"),
    }
}

const CAPTURED: TransactionState = TransactionState::Captured { review: false };
/// Faults after which the effect is there, and the answer is not.
const LOST: [&str; 3] = ["timeout_after", "reset_after", "http_500_after"];

#[tokio::test]
async fn a_card_is_typed_into_the_vendors_form_and_never_shown_to_us() {
    let vendors = Vendors::start().await;
    let form = vendors.form().await;
    assert!(vendors.hyperpay.ask_saved(&form, WITHIN).await.unwrap().is_none());
    vendors.types(&form, "approve").await;
    let card = kept(vendors.hyperpay.ask_saved(&form, WITHIN).await.unwrap());
    assert_eq!(card.brand.as_deref().zip(card.last4.as_deref()), Some(("VISA", "0000")));
    let declined = vendors.form().await;
    vendors.types(&declined, "decline").await;
    let refused = vendors.hyperpay.ask_saved(&declined, WITHIN).await.unwrap();
    assert!(matches!(refused, Some(Ended::Refused { .. })), "{refused:?}");
    assert_eq!(vendors.count("hyperpay", "capture").await, 0);
}

#[tokio::test]
async fn a_registration_whose_answer_was_lost_is_read_again_or_given_up() {
    let vendors = Vendors::start().await;
    for (reads, found) in [("many", true), ("one", false)] {
        vendors.sim("hyperpay/switches", json!({ "registration_reads": reads })).await;
        let form = vendors.form().await;
        vendors.types(&form, "approve").await;
        vendors.fails("hyperpay", "status_registration", "reset_after").await;
        let lost = vendors.hyperpay.ask_saved(&form, WITHIN).await;
        assert!(matches!(lost, Err(Error::Unknown { .. })), "{lost:?}");
        let again = vendors.hyperpay.ask_saved(&form, WITHIN).await.unwrap();
        assert_eq!(again.is_some(), found, "{reads}");
    }
}

#[tokio::test]
async fn a_registration_is_charged_once_and_found_when_its_answer_was_lost() {
    let vendors = Vendors::start().await;
    let (card, hyperpay) = (vendors.saved_at_hyperpay().await, &vendors.hyperpay);
    for (times, fault) in LOST.into_iter().enumerate() {
        let charge = charge(hyperpay, &card.token);
        assert_eq!(hyperpay.find_opened(&charge, WITHIN).await.unwrap(), None);
        vendors.fails("hyperpay", "charge_registration", fault).await;
        let lost = hyperpay.open(&charge, WITHIN).await;
        assert!(matches!(lost, Err(Error::Unknown { .. })), "{fault}: {lost:?}");
        let found = hyperpay.find_opened(&charge, WITHIN).await.unwrap().unwrap();
        assert_eq!(session(found).next, NextAct::Nothing);
        assert_eq!(states(hyperpay, charge.payment).await, [CAPTURED], "{fault}");
        assert_eq!(vendors.count("hyperpay", "capture").await, times + 1, "{fault}");
    }
}

#[tokio::test]
async fn a_reference_that_was_used_is_no_refusal() {
    let vendors = Vendors::start().await;
    let (card, hyperpay) = (vendors.saved_at_hyperpay().await, &vendors.hyperpay);
    for policy in ["reject_200.300.404", "reject_800.110.100"] {
        vendors.sim("hyperpay/switches", json!({ "dup_policy": policy })).await;
        let charge = charge(hyperpay, &card.token);
        hyperpay.open(&charge, WITHIN).await.unwrap();
        let again = hyperpay.open(&charge, WITHIN).await;
        assert!(matches!(again, Err(Error::Unknown { .. })), "{policy}: {again:?}");
        assert_eq!(states(hyperpay, charge.payment).await, [CAPTURED], "{policy}");
    }
}

#[tokio::test]
async fn a_decline_is_a_value_and_the_bank_may_ask() {
    let vendors = Vendors::start().await;
    let (card, hyperpay) = (vendors.saved_at_hyperpay().await, &vendors.hyperpay);
    let declined = charge(hyperpay, &card.token);
    vendors.fails("hyperpay", "charge_registration", "decline").await;
    let over = session(hyperpay.open(&declined, WITHIN).await.unwrap());
    assert_eq!((over.lives_ms, over.next), (0, NextAct::Nothing));

    vendors.sim("hyperpay/switches", json!({ "one_click_challenge": "true" })).await;
    let asked = charge(hyperpay, &card.token);
    let at_the_bank = session(hyperpay.open(&asked, WITHIN).await.unwrap());
    assert!(matches!(at_the_bank.next, NextAct::Redirect { .. }), "{at_the_bank:?}");
    assert_eq!(states(hyperpay, asked.payment).await, [TransactionState::Pending]);
    vendors.types(&at_the_bank, "approve").await;
    assert_eq!(states(hyperpay, asked.payment).await, [CAPTURED]);
}

#[tokio::test]
async fn a_deleted_card_is_charged_by_nobody() {
    let vendors = Vendors::start().await;
    let keepers: [(&dyn PaymentProvider, KeptCard); 3] = [
        (&vendors.hyperpay, vendors.saved_at_hyperpay().await),
        (&vendors.payfort, vendors.saved_at_payfort().await),
        (&vendors.checkout, vendors.saved_at_checkout().await),
    ];
    for (vendor, KeptCard { token, account, .. }) in keepers {
        let keeper = vendor.cards().unwrap();
        keeper.forget(&token, &account, WITHIN).await.unwrap();
        keeper.forget(&token, &account, WITHIN).await.unwrap();
        let opened = vendor.open(&charge(vendor, &token), WITHIN).await.unwrap();
        assert_eq!(opened, Opened::Rejected { code: "card_unknown".to_owned() });
    }
}

#[tokio::test]
async fn a_deletion_whose_answer_was_lost_is_done_when_it_is_asked_for_again() {
    let vendors = Vendors::start().await;
    for fault in LOST {
        let keepers: [(&dyn CardKeeper, KeptCard, [&str; 2]); 3] = [
            (&vendors.hyperpay, vendors.saved_at_hyperpay().await, ["hyperpay", "deregister"]),
            (&vendors.payfort, vendors.saved_at_payfort().await, ["payfort", "update_token"]),
            (
                &vendors.checkout,
                vendors.saved_at_checkout().await,
                ["checkout", "delete_instrument"],
            ),
        ];
        for (keeper, KeptCard { token, account, .. }, [vendor, operation]) in keepers {
            vendors.fails(vendor, operation, fault).await;
            let lost = keeper.forget(&token, &account, WITHIN).await;
            assert!(lost.is_err(), "{vendor} {fault}");
            keeper.forget(&token, &account, WITHIN).await.unwrap();
        }
    }
    for (vendor, deletion) in [
        ("hyperpay", "deregistration"),
        ("payfort", "deactivation"),
        ("checkout", "instrument_deleted"),
    ] {
        assert_eq!(vendors.count(vendor, deletion).await, LOST.len(), "{vendor}");
    }
}

#[tokio::test]
async fn a_token_whose_answer_was_lost_is_asked_for_again() {
    let vendors = Vendors::start().await;
    let card = card(Some(vendors.token().await));
    vendors.fails("checkout", "create_instrument", "reset_after").await;
    let lost = vendors.checkout.save(&card, WITHIN).await;
    assert!(matches!(lost, Err(Error::Unknown { .. })), "{lost:?}");
    let again = vendors.checkout.save(&card, WITHIN).await.unwrap();
    let Saving::Ended(Ended::Refused { code }) = again else { panic!("{again:?}") };
    assert_eq!(code, "card_token_used");
}
