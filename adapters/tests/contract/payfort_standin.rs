//! A vendor's stand-in beside its adapter, and short words for what tests ask of both.

use adapters::provider::{Charge, PaymentProvider, Session};
use async_trait::async_trait;
use reqwest::{Client, redirect};
use sandbox::{Config, serve};
use schema::{
    ids::{IdKey, PaymentId},
    money::Money,
    paying::{Buyer, PayWith},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{net::TcpListener, sync::oneshot};

/// Longer than anything takes that is not meant to be lost.
pub(crate) const WITHIN: Duration = Duration::from_secs(10);
/// What a lost answer is waited for.
pub(crate) const IMPATIENT: Duration = Duration::from_millis(400);

/// A vendor under test. A new one says these, and is held to every promise.
#[async_trait]
pub(crate) trait Standin: Sync {
    /// The stand-in's name in the control plane.
    const NAME: &'static str;
    /// Its operations that charge at once, and that reserve.
    const CHARGES: [&'static str; 2];

    fn sandbox(&self) -> &Sandbox;
    fn provider(&self) -> &dyn PaymentProvider;

    /// What is paid with to be taken at once, and to be reserved.
    fn pay_with(&self) -> [PayWith; 2];

    /// The customer does all there is to do until we charge: the session, and what they have given for it.
    async fn gives(&self, charge: &Charge) -> (Session, secrecy::SecretString);

    /// The customer does what is left to do once we have charged.
    async fn approves(&self, session: &Session);
}

/// The stand-ins in this process.
pub(crate) struct Sandbox {
    pub base: String,
    pub client: Client,
    _stop: oneshot::Sender<()>,
}

impl Sandbox {
    pub(crate) async fn start(change: impl FnOnce(&mut Config)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let mut config = Config::new(listener);
        change(&mut config);
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(serve(config, async move {
            let _ = stopped.await;
        }));
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        Self { base, client, _stop: stop }
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/_sim/{path}", self.base);
        let answer = self.client.post(url).json(body).send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{path}: {body}");
        body
    }

    pub(crate) async fn fault(&self, vendor: &str, op: &str, fault: &str) {
        let rule = json!({"match": {"op": op}, "fault": fault, "delay_ms": 2_000});
        self.post(&format!("{vendor}/faults"), &rule).await;
    }

    pub(crate) async fn switch(&self, vendor: &str, name: &str, position: &str) {
        self.post(&format!("{vendor}/switches"), &json!({ name: position })).await;
    }

    /// How often the vendor has done this, and for how much in all, under a reference.
    pub(crate) async fn ledger(&self, vendor: &str, reference: &str, kind: &str) -> (usize, i64) {
        let query = format!("reference={reference}&kind={kind}");
        let url = format!("{}/_sim/{vendor}/ledger?{query}", self.base);
        let entries: Value = self.client.get(url).send().await.unwrap().json().await.unwrap();
        let entries = entries.as_array().unwrap();
        let amounts = entries.iter().map(|entry| entry["amount_minor"].as_i64().unwrap());
        (entries.len(), amounts.sum())
    }
}

/// A payment of 105.80 SAR that nobody has made before.
pub(crate) fn charge(vendor: &dyn PaymentProvider, pay_with: PayWith, name: &str) -> Charge {
    let ids = IdKey::new(vec![7; 32]);
    let booking = ids.booking("customer", name);
    Charge {
        payment: payment(name),
        booking,
        amount: Money::sar(10_580),
        taking: vendor.taking(&pay_with).unwrap(),
        pay_with,
        secret: None,
        buyer: Buyer { email: Some("sara@example.com".to_owned()), ..Buyer::default() },
        purchases: Vec::new(),
        return_url: "https://cinema.example/return".to_owned(),
    }
}

pub(crate) fn payment(name: &str) -> PaymentId {
    let ids = IdKey::new(vec![7; 32]);
    ids.payment(ids.booking("customer", name), name)
}
