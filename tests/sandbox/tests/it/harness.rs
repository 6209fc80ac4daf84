//! A sandbox on a free port, and short words for what clients do with it.

use reqwest::{Client, Method, RequestBuilder, Response};
use sandbox::{Config, DEFAULT_TOKEN, MADA_ENTITY, serve};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) struct Sandbox {
    pub base: String,
    pub client: Client,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Sandbox {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let mut config = Config::new(listener);
        change(&mut config);
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(serve(config, async move {
            let _ = stopped.await;
        }));
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(10))
            .build()
            .unwrap();
        Self { base, client, stop: Some(stop), serving }
    }

    pub(crate) async fn stop(mut self) {
        let _ = self.stop.take().unwrap().send(());
        self.serving.await.unwrap().unwrap();
    }

    pub(crate) async fn sim(&self, method: Method, path: &str, body: Value) -> Value {
        let url = format!("{}/_sim/{path}", self.base);
        let request = self.client.request(method, url);
        let request = if body.is_null() { request } else { request.json(&body) };
        request.send().await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn fault(&self, vendor: &str, op: &str, fault: &str, delay_ms: u64) {
        let rule = json!({"match": {"op": op}, "fault": fault, "delay_ms": delay_ms});
        let answer = self.sim(Method::POST, &format!("{vendor}/faults"), rule).await;
        assert_eq!(answer["added"], true, "{answer}");
    }

    pub(crate) async fn switch(&self, vendor: &str, name: &str, value: &str) {
        let path = format!("{vendor}/switches");
        let answer = self.sim(Method::POST, &path, json!({name: value})).await;
        assert_eq!(answer[name], value, "{answer}");
    }

    /// The kinds of what the vendor did under a reference.
    pub(crate) async fn kinds(&self, vendor: &str, reference: &str) -> Vec<String> {
        let path = format!("{vendor}/ledger?reference={reference}");
        let entries = self.sim(Method::GET, &path, Value::Null).await;
        let kind = |entry: &Value| entry["kind"].as_str().unwrap().to_owned();
        entries.as_array().unwrap().iter().map(kind).collect()
    }

    pub(crate) async fn vista_post(&self, path: &str, body: &Value) -> Response {
        let url = format!("{}/vista/WSVistaWebClient/{path}", self.base);
        let request = self.client.post(url).header("connectapitoken", "vista-website");
        request.json(body).send().await.unwrap()
    }

    pub(crate) async fn vista_get(&self, path: &str) -> Response {
        let url = format!("{}/vista/WSVistaWebClient/{path}", self.base);
        self.client.get(url).header("connectapitoken", "vista-website").send().await.unwrap()
    }

    pub(crate) async fn vista(&self, path: &str, body: Value) -> Value {
        self.vista_post(path, &body).await.json().await.unwrap()
    }

    pub(crate) async fn order(&self) -> String {
        let answer = self.vista("orders", json!({"cinemaId": "0001"})).await;
        answer["order"]["userSessionId"].as_str().unwrap().to_owned()
    }

    /// Two adults on A1 and A2, unless other columns are named.
    pub(crate) async fn hold(&self, usid: &str, session: &str, columns: &[u32]) -> Response {
        let seats: Vec<Value> = columns
            .iter()
            .map(|column| json!({"areaNumber": 1, "rowIndex": 0, "columnIndex": column}))
            .collect();
        let details = json!({"ticketTypeCode": "0001"});
        let body = json!({"tickets": [{"ticketDetails": details, "seats": seats}]});
        self.vista_post(&format!("orders/{usid}/sessions/{session}/set-tickets"), &body).await
    }

    pub(crate) async fn complete(&self, usid: &str, cents: i64) -> Value {
        self.vista("RESTTicketing.svc/order/payment", completion(usid, cents)).await
    }

    /// A held and completed order: its id and the answer.
    pub(crate) async fn booking(&self) -> (String, Value) {
        let usid = self.order().await;
        assert_eq!(self.hold(&usid, "1001", &[0, 1]).await.status(), 200);
        let done = self.complete(&usid, 11_500).await;
        assert_eq!(done["Result"], 0, "{done}");
        (usid, done)
    }

    pub(crate) async fn hyperpay_post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        let url = format!("{}/hyperpay/v1/{path}", self.base);
        let mut fields = vec![("entityId", MADA_ENTITY)];
        fields.extend_from_slice(form);
        self.client.post(url).bearer_auth(DEFAULT_TOKEN).form(&fields).send().await.unwrap()
    }

    pub(crate) async fn hyperpay_get(&self, path: &str) -> Response {
        let joint = if path.contains('?') { '&' } else { '?' };
        let url = format!("{}/hyperpay/v1/{path}{joint}entityId={MADA_ENTITY}", self.base);
        self.client.get(url).bearer_auth(DEFAULT_TOKEN).send().await.unwrap()
    }

    pub(crate) async fn checkout(&self, reference: &str, kind: &str) -> String {
        let form = [
            ("amount", "115.00"),
            ("currency", "SAR"),
            ("paymentType", kind),
            ("merchantTransactionId", reference),
            ("shopperResultUrl", "http://127.0.0.1:1/back"),
        ];
        let answer: Value = self.hyperpay_post("checkouts", &form).await.json().await.unwrap();
        answer["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn pay(&self, checkout: &str, outcome: &str) -> Value {
        let path = format!("hyperpay/pay/{checkout}");
        self.sim(Method::POST, &path, json!({"outcome": outcome})).await
    }

    /// An approved payment: the checkout's id and the transaction's.
    pub(crate) async fn paid(&self, reference: &str, kind: &str) -> (String, String) {
        let checkout = self.checkout(reference, kind).await;
        let paid = self.pay(&checkout, "approve").await;
        (checkout, paid["payment_id"].as_str().unwrap().to_owned())
    }

    /// A saved card: the form's checkout, and the registration.
    pub(crate) async fn registered(&self, reference: &str) -> (String, String) {
        let form = [
            ("createRegistration", "true"),
            ("merchantTransactionId", reference),
            ("shopperResultUrl", "http://127.0.0.1:1/back"),
        ];
        let answer: Value = self.hyperpay_post("checkouts", &form).await.json().await.unwrap();
        let checkout = answer["id"].as_str().unwrap().to_owned();
        let typed = self.pay(&checkout, "approve").await;
        (checkout, typed["payment_id"].as_str().unwrap().to_owned())
    }

    pub(crate) fn hyperpay_delete(&self, path: &str) -> RequestBuilder {
        let url = format!("{}/hyperpay/v1/{path}", self.base);
        self.client.delete(url).query(&[("entityId", MADA_ENTITY)]).bearer_auth(DEFAULT_TOKEN)
    }

    /// A follow-up's result code.
    pub(crate) async fn follow_up(&self, id: &str, kind: &str, amount: &str) -> String {
        let form = [("paymentType", kind), ("amount", amount), ("currency", "SAR")];
        code(self.hyperpay_post(&format!("payments/{id}"), &form).await).await
    }
}

pub(crate) fn completion(usid: &str, cents: i64) -> Value {
    json!({"UserSessionId": usid, "PerformPayment": false, "BookingMode": 0,
        "PaymentInfo": {"CardNumber": "446404******0007", "CardType": "MADA",
            "PaymentValueCents": cents, "PaymentTenderCategory": "CREDIT",
            "BankReference": "BK-20261121-0001-p1"},
        "CustomerEmail": "a@example.com", "BookingNotes": format!("saga:{usid}")})
}

pub(crate) async fn code(response: Response) -> String {
    let body: Value = response.json().await.unwrap();
    body["result"]["code"].as_str().unwrap().to_owned()
}

/// Asks until the answer is yes.
pub(crate) async fn eventually(mut ask: impl AsyncFnMut() -> bool) {
    for _ in 0..200 {
        if ask().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("it did not happen within five seconds");
}
