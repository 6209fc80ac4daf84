//! The vendors from outside: their ledgers, what shoppers do on their pages, and misbehaviour on demand.

use super::{customer::Answer, visit::Visit};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, aead::Aead};
use data_encoding::HEXUPPER;
use reqwest::RequestBuilder;
use serde::Serialize;
use serde_json::{Value, json};

/// What a customer does in the end: on the vendor's page, at the terminal, with the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shopper {
    Approves,
    Declined,
    Leaves,
}

impl Shopper {
    /// As the control plane calls it.
    pub(crate) const fn outcome(self) -> &'static str {
        match self {
            Self::Approves => "approve",
            Self::Declined => "decline",
            Self::Leaves => "abandon",
        }
    }
}

/// A call that shall go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Mishap<'a> {
    /// `vista`, or who takes the money.
    pub vendor: &'a str,
    pub op: &'a str,
    pub fault: &'a str,
    pub delay_ms: Option<u64>,
}

impl Visit {
    /// One call goes wrong: one about this reference, or the next, whatever it is about.
    pub async fn goes_wrong(&self, mishap: &Mishap<'_>, reference: Option<&str>) {
        let Mishap { vendor, op, fault, delay_ms } = mishap;
        let matching = json!({ "op": op, "reference": reference });
        let rule = json!({ "match": matching, "fault": fault, "delay_ms": delay_ms });
        post(self, &format!("/_sim/{vendor}/faults"), &rule).await;
    }

    /// From now on nothing goes wrong any more at any vendor.
    pub async fn all_goes_well(&self) {
        for vendor in VENDORS {
            let url = format!("{}/_sim/{vendor}/faults", self.system.sandbox);
            self.http.delete(url).send().await.unwrap();
        }
    }
}

/// The cinema system.
pub struct Vista<'a>(pub(crate) &'a Visit);

/// The card gateway.
pub struct HyperPay<'a>(pub(crate) &'a Visit);

impl Vista<'_> {
    /// One call of `op` that is about `reference` (a session will do) goes wrong.
    pub async fn fails(&self, op: &str, reference: &str, fault: &str) {
        let rule = json!({ "match": { "op": op, "reference": reference }, "fault": fault });
        post(self.0, "/_sim/vista/faults", &rule).await;
    }

    /// The same, with a time.
    pub async fn fails_for(&self, op: &str, reference: &str, fault: (&str, u64)) {
        let (fault, delay_ms) = fault;
        let matching = json!({ "op": op, "reference": reference });
        let rule = json!({ "match": matching, "fault": fault, "delay_ms": delay_ms });
        post(self.0, "/_sim/vista/faults", &rule).await;
    }

    /// No call of `op` about `reference` is answered until it `heals`.
    pub async fn is_away(&self, op: &str, reference: &str) {
        let matching = json!({ "op": op, "reference": reference });
        let rule = json!({ "match": matching, "fault": "http_503_before", "times": 0 });
        post(self.0, "/_sim/vista/faults", &rule).await;
    }

    pub async fn heals(&self) {
        let url = format!("{}/_sim/vista/faults", self.0.system.sandbox);
        self.0.http.delete(url).send().await.unwrap();
    }

    pub async fn switch(&self, name: &str, value: &str) {
        post(self.0, "/_sim/vista/switches", &json!({ name: value })).await;
    }

    /// The next call of `op`, whatever it is about.
    pub async fn fails_next(&self, op: &str, fault: &str) {
        post(self.0, "/_sim/vista/faults", &json!({ "match": { "op": op }, "fault": fault })).await;
    }

    /// Speaks to it as Usher does, behind Usher's back.
    pub async fn asked(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/vista/WSVistaWebClient/{path}", self.0.system.sandbox);
        let request = self.0.http.post(url).header("connectapitoken", "vista-website").json(body);
        Answer::read(request.send().await.unwrap()).await.body
    }

    /// Everything it has ever written down.
    pub async fn ledger(&self) -> Vec<Value> {
        list(get(self.0, "/_sim/vista/ledger").await)
    }

    /// Everything it has written down about a booking of ours.
    pub async fn about(&self, booking: &str) -> Vec<Value> {
        let path = format!("/_sim/vista/ledger?reference=usher:{booking}");
        list(get(self.0, &path).await)
    }

    /// Everything it has written down about a session.
    pub async fn about_session(&self, session: &str) -> Vec<Value> {
        self.ledger().await.into_iter().filter(|entry| entry["session"] == session).collect()
    }

    /// Everything it has written down about one of its orders.
    pub async fn about_order(&self, order: &str) -> Vec<Value> {
        list(get(self.0, &format!("/_sim/vista/ledger?reference={order}")).await)
    }
}

impl HyperPay<'_> {
    /// One call of `op` about `reference` goes wrong; `webhook` is its own call.
    pub async fn fails(&self, op: &str, reference: &str, fault: &str) {
        let rule = json!({ "match": { "op": op, "reference": reference }, "fault": fault });
        post(self.0, "/_sim/hyperpay/faults", &rule).await;
    }

    /// The same, with a time; 0 is the fault's own.
    pub async fn fails_for(&self, op: &str, reference: &str, fault: (&str, u64)) {
        let (fault, delay_ms) = (fault.0, Some(fault.1).filter(|ms| *ms > 0));
        let matching = json!({ "op": op, "reference": reference });
        let rule = json!({ "match": matching, "fault": fault, "delay_ms": delay_ms });
        post(self.0, "/_sim/hyperpay/faults", &rule).await;
    }

    /// No call of `op` about `reference` is answered.
    pub async fn is_away(&self, op: &str, reference: &str) {
        let matching = json!({ "op": op, "reference": reference });
        let rule = json!({ "match": matching, "fault": "http_503_before", "times": 0 });
        post(self.0, "/_sim/hyperpay/faults", &rule).await;
    }

    pub async fn heals(&self) {
        let url = format!("{}/_sim/hyperpay/faults", self.0.system.sandbox);
        self.0.http.delete(url).send().await.unwrap();
    }

    /// What a shopper does on the page of this session of the vendor's.
    pub async fn page(&self, session: &str, shopper: Shopper) -> Answer {
        let url = format!("{}/_sim/hyperpay/pay/{session}", self.0.system.sandbox);
        let request = self.0.http.post(url).json(&json!({ "outcome": shopper.outcome() }));
        Answer::read(request.send().await.unwrap()).await
    }

    /// What is paid under this reference is decided only after this time, however often one looks.
    pub async fn stays_pending(&self, reference: &str, delay_ms: u64) {
        let matching = json!({ "op": "pay", "reference": reference });
        let rule = json!({ "match": matching, "fault": "pending_10000", "delay_ms": delay_ms });
        post(self.0, "/_sim/hyperpay/faults", &rule).await;
    }

    /// The next call of `op`, whatever it is about.
    pub async fn fails_next(&self, op: &str, fault: &str) {
        let rule = json!({ "match": { "op": op }, "fault": fault });
        post(self.0, "/_sim/hyperpay/faults", &rule).await;
    }

    /// Gives back a transaction as Usher does, behind Usher's back.
    pub async fn gives_back(&self, transaction: &str, amount: &str) -> Answer {
        let url = format!("{}/hyperpay/v1/payments/{transaction}", self.0.system.sandbox);
        let form = [
            ("entityId", sandbox::CARD_ENTITY),
            ("amount", amount),
            ("currency", "SAR"),
            ("paymentType", "RF"),
            ("merchantTransactionId", "BEHIND0USHERS0BACK"),
        ];
        let request = self.0.http.post(url).bearer_auth(sandbox::DEFAULT_TOKEN).form(&form);
        Answer::read(request.send().await.unwrap()).await
    }

    /// Everything it has written down under a reference of ours.
    pub async fn about(&self, reference: &str) -> Vec<Value> {
        list(get(self.0, &format!("/_sim/hyperpay/ledger?reference={reference}")).await)
    }

    /// Everything it has ever written down.
    pub async fn ledger(&self) -> Vec<Value> {
        list(get(self.0, "/_sim/hyperpay/ledger").await)
    }

    /// Every webhook it has sent, or owes.
    pub async fn letters(&self) -> Vec<Value> {
        list(get(self.0, "/_sim/hyperpay/outbox").await)
    }

    /// Every refund there ever was.
    pub async fn refunds(&self) -> Vec<Value> {
        list(get(self.0, "/_sim/hyperpay/ledger?kind=refund").await)
    }

    /// Delivers the latest webhook about a payment again; what each delivery was answered.
    pub async fn redelivers(&self, order: &Value) -> Vec<Value> {
        let answer = post(self.0, "/_sim/hyperpay/webhooks/redeliver", order).await;
        list(answer["statuses"].clone())
    }

    /// Every webhook it owes, and how delivering it went.
    pub async fn outbox(&self, reference: &str) -> Vec<Value> {
        list(get(self.0, &format!("/_sim/hyperpay/outbox?reference={reference}")).await)
    }

    pub async fn switch(&self, name: &str, value: &str) {
        post(self.0, "/_sim/hyperpay/switches", &json!({ name: value })).await;
    }

    /// Delivers a webhook as anybody could.
    pub async fn delivers(&self, sealed: &Sealed) -> Answer {
        Answer::read(self.delivery(sealed).send().await.unwrap()).await
    }

    /// The same to a server that may be down: the status of its answer, if there is one.
    pub async fn may_deliver(&self, sealed: &Sealed) -> Option<u16> {
        Some(self.delivery(sealed).send().await.ok()?.status().as_u16())
    }

    fn delivery(&self, sealed: &Sealed) -> RequestBuilder {
        let url = format!("{}/webhooks/hyperpay", self.0.system.gateway);
        let request = self.0.http.post(url).body(sealed.body.clone());
        let request = request.header("x-initialization-vector", &sealed.vector);
        request.header("x-authentication-tag", &sealed.tag)
    }
}

/// Everybody who has a stand-in that keeps a ledger.
pub const VENDORS: [&str; 6] = ["vista", "hyperpay", "payfort", "checkout", "tabby", "nearpay"];

/// Who takes the money.
pub(crate) const PAYMENT_VENDORS: [&str; 5] =
    ["hyperpay", "payfort", "checkout", "tabby", "nearpay"];

impl Visit {
    /// Everything that a vendor has ever written down.
    pub async fn ledger_of(&self, vendor: &str) -> Vec<Value> {
        list(get(self, &format!("/_sim/{vendor}/ledger")).await)
    }

    /// The kinds of what a vendor has written down under a reference of ours, oldest first.
    pub async fn done_at(&self, vendor: &str, reference: &str) -> Vec<String> {
        let entries = self.written_at(vendor, reference).await;
        entries.iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// Everything that a vendor has written down under a reference of ours.
    pub async fn written_at(&self, vendor: &str, reference: &str) -> Vec<Value> {
        list(get(self, &format!("/_sim/{vendor}/ledger?reference={reference}")).await)
    }

    /// Every webhook that a vendor owes or has delivered about a reference of ours.
    pub async fn letters_of(&self, vendor: &str, reference: &str) -> Vec<Value> {
        list(get(self, &format!("/_sim/{vendor}/outbox?reference={reference}")).await)
    }

    /// A vendor delivers a letter of its again, as it was or forged; what each delivery was answered.
    pub async fn redelivers(&self, vendor: &str, order: &Value) -> Vec<Value> {
        let answer = post(self, &format!("/_sim/{vendor}/webhooks/redeliver"), order).await;
        list(answer["statuses"].clone())
    }

    /// What a stand-in can do: its operations, faults and switches.
    pub async fn catalogue(&self, vendor: &str) -> Value {
        get(self, &format!("/_sim/{vendor}")).await
    }

    /// Turns these switches.
    pub async fn switches(&self, vendor: &str, to: &Value) {
        post(self, &format!("/_sim/{vendor}/switches"), to).await;
    }

    /// Installs these rules of misbehaviour.
    pub async fn misbehaves(&self, vendor: &str, rules: &Value) {
        post(self, &format!("/_sim/{vendor}/faults"), rules).await;
    }

    /// Rules that no call has met.
    pub async fn unfired(&self, vendor: &str) -> Vec<Value> {
        list(get(self, &format!("/_sim/{vendor}/faults/unfired")).await)
    }
}

/// A webhook as the card gateway encrypts it.
pub struct Sealed {
    pub body: String,
    pub vector: String,
    pub tag: String,
}

pub fn seal(key: &str, text: &str) -> Sealed {
    let key = data_encoding::HEXLOWER.decode(key.as_bytes()).unwrap();
    let vector: [u8; 12] = rand::random();
    let cipher = Aes256Gcm::new_from_slice(&key).unwrap();
    let sealed = cipher.encrypt(&Nonce::from(vector), text.as_bytes()).unwrap();
    let (body, tag) = sealed.split_at(sealed.len() - 16);
    let hex = |bytes: &[u8]| HEXUPPER.encode(bytes);
    Sealed { body: hex(body), vector: hex(&vector), tag: hex(tag) }
}

pub(crate) async fn get(visit: &Visit, path: &str) -> Value {
    let url = format!("{}{path}", visit.system.sandbox);
    let answer = Answer::read(visit.http.get(url).send().await.unwrap()).await;
    assert!(answer.status < 300, "{path}: {answer:?}");
    answer.body
}

pub(crate) async fn post(visit: &Visit, path: &str, body: &Value) -> Value {
    let url = format!("{}{path}", visit.system.sandbox);
    let answer = Answer::read(visit.http.post(url).json(body).send().await.unwrap()).await;
    assert!(answer.status < 300, "{path}: {answer:?}");
    answer.body
}

fn list(value: Value) -> Vec<Value> {
    let Value::Array(values) = value else { panic!("not a list: {value}") };
    values
}
