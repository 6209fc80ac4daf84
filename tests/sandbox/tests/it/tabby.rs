//! Tabby: sessions, what a payment allows, what it tells its merchant, and what time does.

use crate::harness::{Sandbox, eventually};
use crate::hooks::Hooks;
use reqwest::header::LOCATION;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use sandbox::{TABBY_KEY, TABBY_MERCHANT, TABBY_WEBHOOK_SECRET};
use serde_json::{Value, json};

/// A session of 115.00 riyals under this reference, as a merchant asks for it.
pub(crate) fn order(reference: &str) -> Value {
    let buyer =
        json!({"name": "Sara Ali", "email": "otp.success@tabby.ai", "phone": "+966500000001"});
    let address = json!({"city": "Riyadh", "address": "1 Road", "zip": "11564"});
    let item =
        json!({"title": "Ticket", "quantity": 2, "unit_price": "57.50", "category": "Cinema"});
    json!({"payment": {"amount": "115.00", "currency": "SAR", "buyer": buyer,
            "shipping_address": address, "order": {"reference_id": reference, "items": [item]},
            "buyer_history": {"registered_since": "2024-01-01T00:00:00Z", "loyalty_level": 0},
            "order_history": []},
        "lang": "ar", "merchant_code": TABBY_MERCHANT,
        "merchant_urls": {"success": "http://127.0.0.1:1/yes", "cancel": "http://127.0.0.1:1/back",
            "failure": "http://127.0.0.1:1/no"}})
}

impl Sandbox {
    pub(crate) fn tabby(&self, method: Method, path: &str, body: Option<Value>) -> RequestBuilder {
        let url = format!("{}/tabby/api/v2/{path}", self.base);
        let request = self.client.request(method, url).bearer_auth(TABBY_KEY);
        match body {
            Some(body) => request.json(&body),
            None => request,
        }
    }

    async fn tabby_post(&self, path: &str, body: Value) -> Response {
        self.tabby(Method::POST, path, Some(body)).send().await.unwrap()
    }

    /// The answer to a new session.
    async fn tabby_session(&self, reference: &str) -> Value {
        self.tabby_post("checkout", order(reference)).await.json().await.unwrap()
    }

    async fn tabby_payment(&self, id: &str) -> Value {
        let request = self.tabby(Method::GET, &format!("payments/{id}"), None);
        request.send().await.unwrap().json().await.unwrap()
    }

    /// The id of a new payment that the shopper has approved.
    pub(crate) async fn tabby_approved(&self, reference: &str) -> String {
        let session = self.tabby_session(reference).await;
        let path = format!("tabby/pay/{}", session["id"].as_str().unwrap());
        let paid = self.sim(Method::POST, &path, json!({"outcome": "approve"})).await;
        assert_eq!(paid["status"], "AUTHORIZED", "{paid}");
        paid["payment_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn tabby_captured(&self, reference: &str) -> String {
        let id = self.tabby_approved(reference).await;
        let capture = json!({"amount": "115.00", "reference_id": format!("{reference}-c")});
        let answer = self.tabby_post(&format!("payments/{id}/captures"), capture).await;
        assert_eq!(answer.status(), 200);
        id
    }

    /// An operation about to be asked for, the effect it has, and what that goes by.
    pub(crate) async fn tabby_prepared(
        &self,
        op: &str,
        reference: &str,
    ) -> (RequestBuilder, Option<&'static str>, String) {
        let own = format!("{reference}-own");
        let money = json!({"amount": "115.00", "reference_id": own});
        match op {
            "create_session" => {
                let request = self.tabby(Method::POST, "checkout", Some(order(reference)));
                (request, Some("checkout"), reference.to_owned())
            }
            "capture" => {
                let id = self.tabby_approved(reference).await;
                let path = format!("payments/{id}/captures");
                (self.tabby(Method::POST, &path, Some(money)), Some("capture"), own)
            }
            "refund" => {
                let id = self.tabby_captured(reference).await;
                let path = format!("payments/{id}/refunds");
                (self.tabby(Method::POST, &path, Some(money)), Some("refund"), own)
            }
            "close" => {
                let id = self.tabby_approved(reference).await;
                let path = format!("payments/{id}/close");
                (self.tabby(Method::POST, &path, None), Some("void"), reference.to_owned())
            }
            _ => {
                let session = self.tabby_session(reference).await;
                let id = session["payment"]["id"].as_str().unwrap();
                let request = match op {
                    "payment" => self.tabby(Method::GET, &format!("payments/{id}"), None),
                    "payments" => self.tabby(Method::GET, "payments?limit=5", None),
                    "session" => {
                        let id = session["id"].as_str().unwrap();
                        self.tabby(Method::GET, &format!("checkout/{id}"), None)
                    }
                    "page" => {
                        let page = &session["configuration"]["available_products"]["installments"];
                        self.client.get(page[0]["web_url"].as_str().unwrap())
                    }
                    new => panic!("{new} is not prepared here"),
                };
                (request, None, reference.to_owned())
            }
        }
    }
}

async fn problem(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    (status, body["error"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_payment_is_approved_taken_and_refunded_once_by_reference() {
    let sandbox = Sandbox::start().await;
    let id = sandbox.tabby_approved("BK-1").await;
    let capture = json!({"amount": "115", "reference_id": "BK-1-c"});
    for _ in 0..2 {
        let answer = sandbox.tabby_post(&format!("payments/{id}/captures"), capture.clone()).await;
        let payment: Value = answer.json().await.unwrap();
        assert_eq!(payment["status"], "CLOSED");
        assert_eq!(payment["captures"].as_array().unwrap().len(), 1);
    }
    let refund = json!({"amount": "15.00", "reference_id": "BK-1-r"});
    for _ in 0..2 {
        let answer = sandbox.tabby_post(&format!("payments/{id}/refunds"), refund.clone()).await;
        let payment: Value = answer.json().await.unwrap();
        assert_eq!(payment["refunds"][0]["amount"], "15.00");
        assert_eq!(payment["refunds"].as_array().unwrap().len(), 1);
    }
    let too_much = json!({"amount": "100.01", "reference_id": "BK-1-r2"});
    let refused = sandbox.tabby_post(&format!("payments/{id}/refunds"), too_much).await;
    assert_eq!(refused.status(), 400);
    assert_eq!(sandbox.kinds("tabby", "BK-1").await, ["checkout", "authorize"]);
    assert_eq!(sandbox.kinds("tabby", "BK-1-c").await, ["capture"]);
    assert_eq!(sandbox.kinds("tabby", "BK-1-r").await, ["refund"]);
}

#[tokio::test]
async fn what_a_payment_does_not_allow_is_refused_in_tabbys_words() {
    let sandbox = Sandbox::start().await;
    let session = sandbox.tabby_session("BK-2").await;
    let id = session["payment"]["id"].as_str().unwrap();
    let money = json!({"amount": "115.00", "reference_id": "x"});
    let said = async |path: &str, body: Value| {
        problem(sandbox.tabby_post(&format!("payments/{id}/{path}"), body).await).await
    };
    let early = "could not capture not authorized payments".to_owned();
    assert_eq!(said("captures", money.clone()).await, (400, early));
    let nothing = "can not refund payment that has no captures and not closed".to_owned();
    assert_eq!(said("refunds", money.clone()).await, (400, nothing));
    let unreadable = (400, "could not decode request".to_owned());
    assert_eq!(said("captures", json!({"amount": "1.005", "reference_id": "x"})).await, unreadable);
    assert_eq!(said("captures", json!({"amount": "115.00"})).await, unreadable);
    let other = sandbox.tabby_approved("BK-3").await;
    let close = format!("payments/{other}/close");
    assert_eq!(sandbox.tabby_post(&close, json!({})).await.status(), 200);
    let again = problem(sandbox.tabby_post(&close, json!({})).await).await;
    assert_eq!(again, (400, "already closed".to_owned()));
    assert_eq!(sandbox.kinds("tabby", "BK-3").await, ["checkout", "authorize", "void"]);
    let unknown = sandbox.tabby(Method::GET, "payments/00000000-0000-4000-8000-000000000000", None);
    let unknown = problem(unknown.send().await.unwrap()).await;
    assert_eq!(unknown, (404, "no such payment".to_owned()));
}

#[tokio::test]
async fn a_session_needs_a_key_a_shop_and_everything_that_is_required() {
    let sandbox = Sandbox::start().await;
    let url = format!("{}/tabby/api/v2/checkout", sandbox.base);
    let bare = || sandbox.client.post(&url).json(&order("BK-4"));
    for (request, why) in [
        (bare(), "authorization"),
        (bare().header("authorization", TABBY_KEY), "missing Bearer scheme"),
        (bare().bearer_auth("sk_test_other"), "auth: provided key doesn't exist"),
    ] {
        let said = problem(request.send().await.unwrap()).await;
        assert_eq!(said, (401, why.to_owned()));
    }
    let mut shop = order("BK-4");
    shop["merchant_code"] = json!("another");
    assert_eq!(sandbox.tabby_post("checkout", shop).await.status(), 401);
    let mut currency = order("BK-4");
    currency["payment"]["currency"] = json!("AED");
    let (status, why) = problem(sandbox.tabby_post("checkout", currency).await).await;
    assert_eq!((status, why.contains("only 'SAR'")), (400, true));
    for field in ["/lang", "/payment/buyer/phone", "/payment/order/items/0/quantity"] {
        let mut body = order("BK-4");
        *body.pointer_mut(field).unwrap() = Value::Null;
        assert_eq!(sandbox.tabby_post("checkout", body).await.status(), 400, "{field}");
    }
    assert!(sandbox.kinds("tabby", "BK-4").await.is_empty());
}

#[tokio::test]
async fn the_test_systems_people_are_approved_rejected_or_declined() {
    let sandbox = Sandbox::start().await;
    let mut unwanted = order("BK-5");
    unwanted["payment"]["buyer"]["phone"] = json!("0500000002");
    let answer: Value = sandbox.tabby_post("checkout", unwanted).await.json().await.unwrap();
    assert_eq!(answer["status"], "rejected");
    let product = &answer["configuration"]["products"]["installments"];
    assert_eq!(product["rejection_reason"], "not_available");
    let mut declined = order("BK-6");
    declined["payment"]["buyer"]["email"] = json!("otp.rejected@tabby.ai");
    let answer: Value = sandbox.tabby_post("checkout", declined).await.json().await.unwrap();
    let path = format!("tabby/pay/{}", answer["payment"]["id"].as_str().unwrap());
    let paid = sandbox.sim(Method::POST, &path, json!({"outcome": "approve"})).await;
    assert_eq!(paid["status"], "REJECTED");
    assert!(paid["redirect"].as_str().unwrap().starts_with("http://127.0.0.1:1/no?payment_id="));
}

#[tokio::test]
async fn the_page_sends_the_shopper_back_and_a_click_on_cancel_ends_it() {
    let sandbox = Sandbox::start().await;
    for (click, status, back) in [
        ("approve", "AUTHORIZED", "yes"),
        ("decline", "REJECTED", "no"),
        ("cancel", "EXPIRED", "back"),
        ("abandon", "CREATED", "back"),
    ] {
        let session = sandbox.tabby_session(&format!("BK-{click}")).await;
        let page = &session["configuration"]["available_products"]["installments"][0]["web_url"];
        let page = page.as_str().unwrap();
        let shown = sandbox.client.get(page).send().await.unwrap().text().await.unwrap();
        assert!(shown.contains("115.00"), "{shown}");
        let clicked = sandbox.client.post(page).form(&[("outcome", click)]).send().await.unwrap();
        assert_eq!(clicked.status(), StatusCode::SEE_OTHER);
        let location = clicked.headers()[LOCATION].to_str().unwrap();
        assert!(location.contains(&format!("/{back}?payment_id=")), "{location}");
        let payment = sandbox.tabby_payment(session["payment"]["id"].as_str().unwrap()).await;
        assert_eq!(payment["status"], status);
    }
}

#[tokio::test]
async fn only_successful_payments_are_listed_unless_others_are_asked_for() {
    let sandbox = Sandbox::start().await;
    let first = sandbox.tabby_approved("BK-7").await;
    sandbox.tabby_session("BK-8").await;
    let second = sandbox.tabby_captured("BK-9").await;
    let listed = sandbox.tabby(Method::GET, "payments", None).send().await.unwrap();
    let listed: Value = listed.json().await.unwrap();
    let ids: Vec<&Value> =
        listed["payments"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&&json!(first)) && ids.contains(&&json!(second)), "{listed}");
    let closed = sandbox.tabby(Method::GET, "payments?status=closed", None).send().await.unwrap();
    let closed: Value = closed.json().await.unwrap();
    assert_eq!(closed["pagination"]["total_count"], 1);
}

#[tokio::test]
async fn a_page_that_nobody_pays_on_expires_and_reserved_money_may_be_taken_by_tabby() {
    let sandbox = Sandbox::with(|config| config.factor = 3_600).await;
    sandbox.tabby_session("BK-10").await;
    eventually(async || sandbox.kinds("tabby", "BK-10").await == ["checkout", "expire"]).await;
    let sandbox = Sandbox::start().await;
    sandbox.switch("tabby", "untouched", "captured").await;
    let session = sandbox.tabby_session("BK-11").await;
    // From here on three weeks are half a second.
    sandbox.sim(Method::POST, "clock", json!({"factor": 3_600_000})).await;
    let path = format!("tabby/pay/{}", session["id"].as_str().unwrap());
    sandbox.sim(Method::POST, &path, json!({"outcome": "approve"})).await;
    let all = ["checkout", "authorize", "capture"];
    eventually(async || sandbox.kinds("tabby", "BK-11").await == all).await;
}

#[tokio::test]
async fn each_change_is_told_behind_the_registered_header() {
    let (hooks, url) = Hooks::open().await;
    let sandbox = Sandbox::with(|config| config.tabby_webhook_url = Some(url)).await;
    let id = sandbox.tabby_captured("BK-12").await;
    let refund = json!({"amount": "115.00", "reference_id": "BK-12-r"});
    sandbox.tabby_post(&format!("payments/{id}/refunds"), refund).await;
    eventually(async || hooks.received().len() == 3).await;
    let mut told: Vec<(String, usize, usize)> = hooks
        .received()
        .iter()
        .map(|(secret, body)| {
            assert_eq!(secret.as_deref(), Some(TABBY_WEBHOOK_SECRET));
            assert_eq!(body["order"]["reference_id"], "BK-12");
            let count = |list: &str| body[list].as_array().unwrap().len();
            (body["status"].as_str().unwrap().to_owned(), count("captures"), count("refunds"))
        })
        .collect();
    told.sort();
    let closed = |refunds| ("closed".to_owned(), 1, refunds);
    assert_eq!(told, [("authorized".to_owned(), 0, 0), closed(0), closed(1)]);
}

#[tokio::test]
async fn an_event_is_tried_five_times_and_then_gone() {
    let (hooks, url) = Hooks::open().await;
    hooks.answers(StatusCode::SERVICE_UNAVAILABLE);
    let sandbox = Sandbox::with(|config| {
        config.tabby_webhook_url = Some(url);
        config.factor = 6_000;
    })
    .await;
    sandbox.tabby_approved("BK-13").await;
    let path = "tabby/outbox?reference=BK-13";
    eventually(async || sandbox.sim(Method::GET, path, Value::Null).await[0]["fate"] == "given_up")
        .await;
    assert_eq!(hooks.received().len(), 5);
}

#[tokio::test]
async fn a_forged_word_comes_before_the_true_one() {
    for (fault, secret) in [("forged_key", true), ("forged_tag", true), ("forged_vector", false)] {
        let (hooks, url) = Hooks::open().await;
        let sandbox = Sandbox::with(|config| config.tabby_webhook_url = Some(url)).await;
        sandbox.fault("tabby", "webhook", fault, 0).await;
        sandbox.tabby_approved("BK-14").await;
        eventually(async || hooks.received().len() == 2).await;
        let secrets: Vec<Option<String>> =
            hooks.received().into_iter().map(|(secret, _)| secret).collect();
        let genuine = Some(TABBY_WEBHOOK_SECRET.to_owned());
        let forged = secrets.iter().find(|offered| **offered != genuine).unwrap();
        assert!(secrets.contains(&genuine));
        assert_eq!(forged.is_some(), secret, "{fault}");
    }
}
