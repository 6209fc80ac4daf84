//! Checkout.com's operations, each about something new.

use super::{Everything, Prepared};
use crate::checkout::{Shop, by_stc_pay, card};
use reqwest::Method;
use serde_json::{Value, json};

impl Everything {
    pub(super) async fn of_checkout(&mut self, op: &str) -> Prepared {
        let reference = format!("EVERY-{:08}", self.next());
        let follow_up = json!({ "reference": format!("{reference}-F") });
        let shop = Shop(&self.sandbox);
        let (method, path, body, effect) = match op {
            "exchange" => (Method::POST, "tokens".to_owned(), card(), Some("token")),
            "create_instrument" => {
                let body = json!({"type": "token", "token": shop.token().await});
                (Method::POST, "instruments".to_owned(), body, Some("instrument"))
            }
            "get_instrument" | "delete_instrument" => {
                let path = format!("instruments/{}", shop.instrument().await);
                match op {
                    "get_instrument" => (Method::GET, path, Value::Null, None),
                    _ => (Method::DELETE, path, Value::Null, Some("instrument_deleted")),
                }
            }
            "open_context" => {
                let path = "payment-contexts".to_owned();
                (Method::POST, path, by_stc_pay(&reference), Some("password_sent"))
            }
            "get_context" => {
                let made = shop.post("payment-contexts", &by_stc_pay(&reference)).await;
                let id = made["id"].as_str().unwrap();
                (Method::GET, format!("payment-contexts/{id}"), Value::Null, None)
            }
            "create_payment" => {
                let body = shop.by_token(&reference).await;
                (Method::POST, "payments".to_owned(), body, Some("payment"))
            }
            "find_payments" => {
                shop.reserved(&reference).await;
                (Method::GET, format!("payments?reference={reference}"), Value::Null, None)
            }
            "page" => {
                (Method::GET, format!("3ds/{}", shop.asked(&reference).await), Value::Null, None)
            }
            "get_payment" => {
                let id = shop.reserved(&reference).await;
                (Method::GET, format!("payments/{id}"), Value::Null, None)
            }
            "get_actions" => {
                let id = shop.reserved(&reference).await;
                (Method::GET, format!("payments/{id}/actions"), Value::Null, None)
            }
            "capture" | "void" => {
                let path = format!("payments/{}/{op}s", shop.reserved(&reference).await);
                let effect = if op == "capture" { "capture_accepted" } else { "void_accepted" };
                (Method::POST, path, follow_up.clone(), Some(effect))
            }
            "refund" => {
                let path = format!("payments/{}/refunds", shop.captured(&reference).await);
                (Method::POST, path, follow_up.clone(), Some("refund_accepted"))
            }
            new => panic!("{new} is not prepared here"),
        };
        let request = shop.request(op, method, &path).header("cko-idempotency-key", &reference);
        let request = if body.is_null() { request } else { request.json(&body) };
        let reference = match op {
            "open_context" | "create_payment" => Some(reference),
            "capture" | "void" | "refund" => Some(format!("{reference}-F")),
            _ => None,
        };
        Prepared { request, effect, reference }
    }
}
