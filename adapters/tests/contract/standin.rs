//! A vendor's stand-in on a free port, and what the suite asks of it beside the verbs.

use adapters::provider::{Charge, Opened, PaymentProvider, Session};
use reqwest::{Client, Method};
use sandbox::{Config, serve};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{net::TcpListener, sync::oneshot};

/// A verb that changes something at the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Capture,
    Refund,
    LetGo,
}

/// What differs from vendor to vendor.
pub(crate) trait Vendor {
    /// What the control plane calls it.
    const NAME: &'static str;
    type Adapter: PaymentProvider;

    /// Its adapter, with the stand-in's own credentials.
    fn adapter(base_url: &str) -> Self::Adapter;
    /// Something to pay that this vendor takes.
    fn charge() -> Charge;
    fn set_up(config: &mut Config);
    /// The stand-in's operation behind a verb, and the effect it leaves in the ledger.
    fn effect(verb: Verb) -> (&'static str, &'static str);
    /// The stand-in's operation that tells how a payment stands.
    const LOOK_UP: &'static str;
}

/// One vendor, running.
pub(crate) struct Standin<V: Vendor> {
    pub(crate) vendor: V::Adapter,
    pub(crate) base_url: String,
    client: Client,
    _stop: oneshot::Sender<()>,
}

impl<V: Vendor> Standin<V> {
    /// `factor`: how many times faster the vendor's time passes.
    pub(crate) async fn start(factor: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let mut config = Config::new(listener);
        config.factor = factor;
        V::set_up(&mut config);
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(serve(config, async {
            let _ = stopped.await;
        }));
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        Self { vendor: V::adapter(&base_url), base_url, client, _stop: stop }
    }

    pub(crate) async fn control(&self, method: Method, path: &str, body: &Value) -> Value {
        let url = format!("{}/_sim/{}/{path}", self.base_url, V::NAME);
        let request = self.client.request(method, url);
        let request = if body.is_null() { request } else { request.json(body) };
        request.send().await.unwrap().json().await.unwrap()
    }

    /// The next call of this operation goes wrong like this.
    pub(crate) async fn fault(&self, op: &str, fault: &str) {
        let rule = json!({"match": {"op": op}, "fault": fault});
        let answer = self.control(Method::POST, "faults", &rule).await;
        assert_eq!(answer["added"], true, "{answer}");
    }

    /// Which faults the stand-in knows for an operation, on this side of its effect.
    pub(crate) async fn faults(&self, op: &str, when: &str) -> Vec<String> {
        let about = self.control(Method::GET, "", &Value::Null).await;
        let fits = |fault: &&Value| {
            let operations = fault["operations"].as_array().unwrap();
            fault["when"] == when && operations.iter().any(|operation| operation == op)
        };
        let found = about["faults"].as_array().unwrap().iter().filter(fits);
        let examples = found.flat_map(|fault| fault["examples"].as_array().unwrap());
        examples.map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn shopper(&self, session: &Session, outcome: &str) {
        let path = format!("pay/{}", session.id);
        let answer = self.control(Method::POST, &path, &json!({"outcome": outcome})).await;
        assert!(answer["error"].is_null(), "{answer}");
    }

    /// How often the vendor has done this, whatever the reference: each stand-in has one payment in it.
    pub(crate) async fn count(&self, kind: &str) -> usize {
        let path = format!("ledger?kind={kind}");
        self.control(Method::GET, &path, &Value::Null).await.as_array().unwrap().len()
    }

    /// What the vendor has told its merchant, oldest first.
    pub(crate) async fn told(&self) -> Vec<String> {
        let letters = self.control(Method::GET, "outbox", &Value::Null).await;
        let text = |letter: &Value| letter["body"].as_str().unwrap().to_owned();
        letters.as_array().unwrap().iter().map(text).collect()
    }
}

/// The session of a payment that could be opened.
pub(crate) fn session(opened: Opened) -> Session {
    match opened {
        Opened::Open(session) => session,
        Opened::Rejected { code } => panic!("rejected: {code}"),
    }
}
