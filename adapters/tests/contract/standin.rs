//! A vendor's stand-in on a port of its own, and what the suite asks of its control plane and of its ledger.

use crate::vendor::{Vendor, WITHIN};
use adapters::{
    Error,
    provider::{Opened, Session},
};
use reqwest::{Client, Method, redirect};
use sandbox::{Config, serve};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{net::TcpListener, sync::oneshot};

/// How long an answer is held back that a fault holds back, in milliseconds: longer than anybody waits for a lost one.
const HELD_BACK_MS: u32 = 700;

/// One vendor, running; it stops when this is dropped.
pub(crate) struct Standin<V: Vendor> {
    pub(crate) vendor: V::Adapter,
    /// `http://127.0.0.1:…`, without the vendor's name.
    pub(crate) base: String,
    pub(crate) client: Client,
    _stop: oneshot::Sender<()>,
}

impl<V: Vendor> Standin<V> {
    pub(crate) async fn start() -> Self {
        let at = Self::with(V::FACTOR, |_| {}).await;
        for (name, position) in V::SWITCHED {
            at.switch(name, position).await;
        }
        at
    }

    /// `factor`: how many times faster the vendor's time passes.
    pub(crate) async fn with(factor: u32, change: impl FnOnce(&mut Config)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let mut config = Config::new(listener);
        config.factor = factor;
        change(&mut config);
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(serve(config, async {
            let _ = stopped.await;
        }));
        let client = Client::builder().no_proxy().redirect(redirect::Policy::none());
        let client = client.timeout(WITHIN).build().unwrap();
        Self { vendor: V::adapter(&base, factor), base, client, _stop: stop }
    }

    /// `path` is below the vendor's own: `faults`, `ledger?reference=…`.
    pub(crate) async fn control(&self, method: Method, path: &str, body: Value) -> Value {
        self.sim(method, &format!("{}/{path}", V::NAME), body).await
    }

    async fn sim(&self, method: Method, path: &str, body: Value) -> Value {
        let request = self.client.request(method, format!("{}/_sim/{path}", self.base));
        let request = if body.is_null() { request } else { request.json(&body) };
        request.send().await.unwrap().json().await.unwrap()
    }

    /// From now on the vendor's time passes so many times faster.
    pub(crate) async fn clock(&self, factor: u32) {
        let clock = self.sim(Method::POST, "clock", json!({ "factor": factor })).await;
        assert_eq!(clock["factor"], factor);
    }

    /// The next call of this operation goes wrong like this.
    pub(crate) async fn fault(&self, operation: &str, fault: &str) {
        let rule = json!({"match": {"op": operation}, "fault": fault, "delay_ms": HELD_BACK_MS});
        let answer = self.control(Method::POST, "faults", rule).await;
        assert_eq!(answer["added"], true, "{answer}");
    }

    /// Whatever was to go wrong has gone wrong.
    pub(crate) async fn has_gone_wrong(&self) {
        let left = self.control(Method::GET, "faults", Value::Null).await;
        assert_eq!(left, json!([]), "a fault never fired");
    }

    /// The faults that the stand-in knows for an operation on this side of its effect: `before`, `after`, `late`, `inside`.
    pub(crate) async fn faults(&self, operation: &str, when: &str) -> Vec<String> {
        let about = self.control(Method::GET, "", Value::Null).await;
        let fits = |fault: &&Value| {
            let operations = fault["operations"].as_array().unwrap();
            fault["when"] == when && operations.iter().any(|it| it == operation)
        };
        let fitting = about["faults"].as_array().unwrap().iter().filter(fits);
        let names = fitting.flat_map(|fault| fault["examples"].as_array().unwrap());
        names.map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn switch(&self, name: &str, position: &str) {
        let now = self.control(Method::POST, "switches", json!({ name: position })).await;
        assert_eq!(now[name], position, "{now}");
    }

    /// Everything that nobody knows about the vendor, in every position.
    pub(crate) async fn positions(&self) -> Vec<(String, String)> {
        let about = self.control(Method::GET, "", Value::Null).await;
        let mut all = Vec::new();
        for (name, switch) in about["switches"].as_object().unwrap() {
            let positions = switch["positions"].as_array().unwrap().iter();
            all.extend(positions.map(|it| (name.clone(), it.as_str().unwrap().to_owned())));
        }
        all
    }

    /// What the customer does on the vendor's page: `approve`, `decline` or `abandon`; and where that leads.
    pub(crate) async fn shopper(&self, session: &str, outcome: &str) -> Value {
        let path = format!("pay/{session}");
        let answer = self.control(Method::POST, &path, json!({ "outcome": outcome })).await;
        assert!(answer["error"].is_null(), "{answer}");
        answer
    }

    /// What the vendor has done under a reference of ours, oldest first.
    pub(crate) async fn entries(&self, reference: &str) -> Vec<Value> {
        let path = format!("ledger?reference={reference}");
        self.control(Method::GET, &path, Value::Null).await.as_array().unwrap().clone()
    }

    /// The kinds of these.
    pub(crate) async fn did(&self, reference: &str) -> Vec<String> {
        let kind = |entry: Value| entry["kind"].as_str().unwrap().to_owned();
        self.entries(reference).await.into_iter().map(kind).collect()
    }

    /// What the vendor has told its merchant, oldest first.
    pub(crate) async fn told(&self) -> Vec<String> {
        let letters = self.control(Method::GET, "outbox", Value::Null).await;
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

pub(crate) fn is_unknown<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::Unknown { .. }))
}

/// Asks until there is an answer.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..400 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{what}: not within ten seconds");
}
