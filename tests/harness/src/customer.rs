//! A customer: somebody with a token, who knows nothing but HTTP.

use super::{
    order::{Booking, Order},
    until,
    visit::Visit,
};
use gateway::{Claims, Kind, Status, sign};
use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::Value;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// When a token ends that is made now: later than any test.
pub fn in_a_day() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    (now + Duration::from_hours(24)).as_secs()
}

static NEXT_KEY: AtomicU32 = AtomicU32::new(1);

#[derive(Clone)]
pub struct Customer {
    pub visit: Arc<Visit>,
    /// `customer:…`, as Usher knows them.
    pub id: String,
    token: String,
    /// Sends a request again, with the same key, until somebody has answered it.
    stubborn: bool,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    /// Null when it is no JSON.
    pub body: Value,
}

impl Answer {
    pub async fn read(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap_or_default();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Self { status, headers, text, body }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Its text without its trace, which every answer has one of.
    pub fn but_for_its_trace(&self) -> String {
        assert!(!self.header("x-trace-id").is_empty(), "{self:?}");
        self.text.replace(self.header("x-trace-id"), "")
    }

    /// A problem document with this status and code.
    pub fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, &self.body["code"]), (status, &Value::from(code)), "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert!(gateway::CODES.contains(&code), "{code} is not documented");
    }
}

impl Customer {
    pub(crate) fn new(visit: &Arc<Visit>, id: &str) -> Self {
        Self::of_kind(visit, (Kind::Customer, "customer"), id)
    }

    pub(crate) fn of_kind(visit: &Arc<Visit>, kind: (Kind, &str), id: &str) -> Self {
        let (kind, prefix) = kind;
        let claims = Claims {
            sub: id.to_owned(),
            kind,
            status: Status::Active,
            permissions: Vec::new(),
            exp: in_a_day(),
        };
        let token = sign(&claims, &visit.system.keys.jwt.clone().into()).unwrap();
        let id = format!("{prefix}:{id}");
        Self { visit: Arc::clone(visit), id, token, stubborn: false }
    }

    /// What it is known by, for whoever speaks for it over connections of its own.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The same customer, with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// The same customer, who does not take a silent server for an answer.
    #[must_use]
    pub fn stubborn(&self) -> Self {
        Self { stubborn: true, ..self.clone() }
    }

    pub fn key() -> String {
        format!("key-{}", NEXT_KEY.fetch_add(1, Ordering::Relaxed))
    }

    pub async fn gets(&self, path: &str) -> Answer {
        self.sends(|| self.request(Method::GET, path)).await
    }

    pub async fn posts(&self, path: &str, key: &str, body: &Value) -> Answer {
        let request = || self.request(Method::POST, path).header("idempotency-key", key).json(body);
        self.sends(request).await
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let Visit { http, system, .. } = &*self.visit;
        http.request(method, format!("{}{path}", system.gateway)).bearer_auth(&self.token)
    }

    async fn sends(&self, request: impl Fn() -> RequestBuilder) -> Answer {
        if !self.stubborn {
            return Answer::read(request().send().await.unwrap()).await;
        }
        let once = || async {
            let answer = Answer::read(request().send().await.ok()?).await;
            (answer.status < 500 && !answer.text.is_empty()).then_some(answer)
        };
        until("an answer from Usher", once).await
    }

    /// Orders, and does not look what becomes of it.
    pub async fn orders(&self, order: &Order, key: &str) -> Answer {
        let answer = self.posts("/api/v1/orders", key, &order.body()).await;
        if let Some(id) = answer.body["id"].as_str() {
            self.visit.remember(id.trim_start_matches("bk_"));
        }
        self.keeps(&answer);
        answer
    }

    /// What was promised with a 202 must be there in the end.
    pub(crate) fn keeps(&self, answer: &Answer) {
        if let Some(id) = answer.body["id"].as_str().filter(|_| answer.status == 202) {
            self.visit.promise(id);
        }
    }

    /// Orders, and waits until the seats are held, or are not.
    pub async fn books(&self, order: Order) -> Booking {
        self.books_as(order, &Self::key()).await
    }

    /// The same, with this key.
    pub async fn books_as(&self, order: Order, key: &str) -> Booking {
        let answer = self.orders(&order, key).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let id = answer.body["id"].as_str().unwrap().to_owned();
        let booking = Booking { customer: self.clone(), id, order };
        booking.until_so("an end of REQUESTED", |view| view["status"] != "REQUESTED").await;
        booking
    }
}
