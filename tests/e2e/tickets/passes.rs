//! Passes for a wallet: as their owner gets them, and as a phone asks about them.

use super::{path, sold};
use harness::{Booking, PASS_TYPE, SIGNER, Visit, until, visit};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::{
    io::{Cursor, Read},
    sync::Arc,
};

/// A phone with a pass in its wallet.
struct Phone {
    visit: Arc<Visit>,
    device: String,
    serial: String,
    token: String,
}

impl Phone {
    async fn with_the_pass_of(visit: &Arc<Visit>, booking: &Booking) -> Self {
        let request = booking.customer.request(Method::GET, &path(booking, "pkpass"));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/vnd.apple.pkpass");
        let pass = pass_json(&answer.bytes().await.unwrap());
        let text = |field: &str| pass[field].as_str().unwrap().to_owned();
        let (serial, token) = (text("serialNumber"), text("authenticationToken"));
        assert_eq!(text("webServiceURL"), visit.system.gateway);
        let device = format!("device{:016x}", rand::random::<u64>());
        Self { visit: Arc::clone(visit), device, serial, token }
    }

    async fn asks(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Response {
        let url = format!("{}/v1/{path}", self.visit.system.gateway);
        let request = self.visit.http.request(method, url);
        let request = request.header("authorization", format!("ApplePass {token}"));
        let request = if let Some(body) = body { request.json(&body) } else { request };
        request.send().await.unwrap()
    }

    fn registration(&self) -> String {
        format!("devices/{}/registrations/{PASS_TYPE}/{}", self.device, self.serial)
    }

    async fn registers(&self) -> u16 {
        let body = json!({ "pushToken": "0a1b2c" });
        let answer = self.asks(Method::POST, &self.registration(), &self.token, Some(body)).await;
        answer.status().as_u16()
    }

    async fn changed(&self, since: &str) -> Response {
        let path = format!("devices/{}/registrations/{PASS_TYPE}{since}", self.device);
        self.asks(Method::GET, &path, "", None).await
    }
}

fn pass_json(pass: &[u8]) -> Value {
    let mut zip = zip::ZipArchive::new(Cursor::new(pass)).unwrap();
    let mut json = String::new();
    zip.by_name("pass.json").unwrap().read_to_string(&mut json).unwrap();
    serde_json::from_str(&json).unwrap()
}

#[tokio::test]
async fn a_phone_registers_hears_what_changed_and_gets_the_newest_pass() {
    let visit = visit().await;
    let booking = sold(&visit).await;
    let phone = Phone::with_the_pass_of(&visit, &booking).await;
    assert_eq!([phone.registers().await, phone.registers().await], [201, 200]);

    let changed: Value = phone.changed("").await.json().await.unwrap();
    assert_eq!(changed["serialNumbers"], json!([phone.serial]));
    let since = format!("?passesUpdatedSince={}", changed["lastUpdated"].as_str().unwrap());
    assert_eq!(phone.changed(&since).await.status(), 204);

    let path = format!("passes/{PASS_TYPE}/{}", phone.serial);
    let newest = phone.asks(Method::GET, &path, &phone.token, None).await;
    assert_eq!(newest.status(), 200);
    let pass = pass_json(&newest.bytes().await.unwrap());
    assert_eq!(pass["authenticationToken"], phone.token.as_str());
    let url = format!("{}/v1/{path}", visit.system.gateway);
    let asks =
        || visit.http.get(&url).header("authorization", format!("ApplePass {}", phone.token));
    // As long as it may change again in the second it was changed in, it is sent again.
    let has_it = || async {
        let modified = asks().send().await.unwrap().headers()["last-modified"].clone();
        let again = asks().header("if-modified-since", modified).send().await.unwrap();
        (again.status() == 304).then_some(())
    };
    until("a pass that the phone has already", has_it).await;

    let gone = phone.asks(Method::DELETE, &phone.registration(), &phone.token, None).await;
    assert_eq!(gone.status(), 200);
    assert_eq!(phone.changed("").await.status(), 204);
}

#[tokio::test]
async fn without_the_passs_own_token_a_phone_learns_nothing() {
    let visit = visit().await;
    let (booking, other) = tokio::join!(sold(&visit), sold(&visit));
    let phone = Phone::with_the_pass_of(&visit, &booking).await;
    let others = Phone::with_the_pass_of(&visit, &other).await;
    let pass = format!("passes/{PASS_TYPE}/{}", phone.serial);
    for token in [&*others.token, "", "0123456789abcdef"] {
        for (method, path) in [(Method::GET, &pass), (Method::DELETE, &phone.registration())] {
            let answer = phone.asks(method, path, token, None).await;
            assert_eq!(answer.status(), 401);
        }
    }
    let elsewhere = format!("passes/pass.other/{}", phone.serial);
    assert_eq!(phone.asks(Method::GET, &elsewhere, &phone.token, None).await.status(), 401);
    assert!(!std::fs::read_to_string(visit.system.log()).unwrap().contains(&phone.token));
    assert!(SIGNER.key.contains("PRIVATE KEY"));
}
