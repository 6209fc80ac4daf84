//! A vendor's stand-in on a port of its own, its control plane, and what its ledger says has moved.

use adapters::provider::{CaptureOrder, Charge, PaymentProvider, RefundOrder, Session};
use async_trait::async_trait;
use reqwest::{Client, Method};
use sandbox::{Config, serve};
use schema::{
    ids::{BookingId, IdKey, PaymentId, RefundId},
    money::Money,
};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tokio::{net::TcpListener, sync::oneshot};

/// Time enough for every answer that comes.
pub(crate) const WITHIN: Duration = Duration::from_secs(5);
/// Time enough for none.
pub(crate) const BRIEFLY: Duration = Duration::from_millis(400);
/// How much faster the vendors' time passes.
const FACTOR: u32 = 20;
pub(crate) const PRICE: Money = Money::sar(6_450);

/// A vendor whose money is reserved first, and its stand-in.
#[async_trait]
pub(crate) trait Standin: Send + Sync {
    /// What the control plane calls the vendor, and its operations that charge, capture, void and refund.
    const NAME: &'static str;
    const CHARGE: &'static str;
    const CAPTURE: &'static str;
    const VOID: &'static str;
    const REFUND: &'static str;

    async fn start() -> Self
    where
        Self: Sized;
    fn sandbox(&self) -> &Sandbox;
    fn vendor(&self) -> &dyn PaymentProvider;
    /// Something new to pay, with all that the customer gives.
    async fn charge(&self) -> Charge;
    /// The customer does what is left to do.
    async fn approve(&self, session: &Session);
}

pub(crate) struct Sandbox {
    pub(crate) base: String,
    pub(crate) client: Client,
    /// Dropped, it stops.
    _stop: oneshot::Sender<()>,
}

/// Minor units, by what was done with them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) reserved: i64,
    pub(crate) taken: i64,
    pub(crate) let_go: i64,
    pub(crate) sent_back: i64,
}

impl Sandbox {
    pub(crate) async fn start(change: impl FnOnce(&mut Config)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let mut config = Config::new(listener);
        config.factor = FACTOR;
        change(&mut config);
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(serve(config, async move {
            let _ = stopped.await;
        }));
        let client = Client::builder().no_proxy().timeout(WITHIN).build().unwrap();
        Self { base, client, _stop: stop }
    }

    pub(crate) async fn sim(&self, method: Method, path: &str, body: Value) -> Value {
        let request = self.client.request(method, format!("{}/_sim/{path}", self.base));
        let request = if body.is_null() { request } else { request.json(&body) };
        request.send().await.unwrap().json().await.unwrap()
    }

    /// The next call of this operation goes wrong like this.
    pub(crate) async fn fails(&self, vendor: &str, op: &str, fault: &str) {
        let rule = json!({"match": {"op": op}, "fault": fault, "delay_ms": 2_000});
        let added = self.sim(Method::POST, &format!("{vendor}/faults"), rule).await;
        assert_eq!(added["added"], true, "{added}");
    }

    pub(crate) async fn switch(&self, vendor: &str, name: &str, position: &str) {
        let path = format!("{vendor}/switches");
        let now = self.sim(Method::POST, &path, json!({ name: position })).await;
        assert_eq!(now[name], position, "{now}");
    }

    pub(crate) async fn entries(&self, vendor: &str, reference: &str) -> Vec<Value> {
        let path = format!("{vendor}/ledger?reference={reference}");
        self.sim(Method::GET, &path, Value::Null).await.as_array().unwrap().clone()
    }

    /// Everything that was ever moved for a payment and what it was refunded under.
    pub(crate) async fn moved(&self, vendor: &str, references: &[&str]) -> Moved {
        let mut moved = Moved::default();
        for reference in references {
            for entry in self.entries(vendor, reference).await {
                let amount = entry["amount_minor"].as_i64().unwrap();
                match entry["kind"].as_str().unwrap() {
                    "authorize" => moved.reserved += amount,
                    "capture" => moved.taken += amount,
                    "void" | "reversal" => moved.let_go += amount,
                    "refund" => moved.sent_back += amount,
                    _ => {}
                }
            }
        }
        moved
    }
}

/// A payment and a refund that nobody else has.
pub(crate) fn new_ids() -> (BookingId, PaymentId) {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let key = IdKey::new(vec![7; 32]);
    let booking = key.booking("contract", &MADE.fetch_add(1, Ordering::Relaxed).to_string());
    (booking, key.payment(booking, "1"))
}

pub(crate) fn capture_of(charge: &Charge, transaction: &str, session: &Session) -> CaptureOrder {
    CaptureOrder {
        payment: charge.payment,
        transaction: transaction.to_owned(),
        account: session.account.clone(),
        amount: charge.amount,
    }
}

pub(crate) fn refund_of(order: &CaptureOrder, reserved: bool) -> RefundOrder {
    RefundOrder {
        refund: RefundId::automatic(order.payment, &order.transaction),
        payment: order.payment,
        transaction: order.transaction.clone(),
        account: order.account.clone(),
        amount: order.amount,
        reserved,
    }
}

/// Asks until there is an answer.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..400 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{what} did not happen within ten seconds");
}
