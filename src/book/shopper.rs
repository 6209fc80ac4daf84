//! What the customer does at the vendor's stand-in: on its page, in its form, at the terminal, with a password.

use super::{
    Pay,
    ways::{Vendor, Way, With},
};
use crate::{Error, api::text, home::random_hex};
use reqwest::Client;
use serde_json::{Value, json};

/// A number that vendors give out for trying.
const TEST_CARD: &str = "4242424242424242";
const PHONE: &str = "+966501234567";

/// A customer, at the vendors.
pub(super) struct Shopper<'a> {
    pub http: &'a Client,
    pub sandbox: &'a str,
}

impl Shopper<'_> {
    /// What Usher is asked for; what the app has been given before that is in it, and the card that was saved.
    pub(super) async fn asks_for(&self, way: Way, card: Option<String>) -> Result<Value, Error> {
        let mut pay = json!({ "with": way.with.name() });
        match way.with {
            With::Page | With::CreditCard | With::Mada | With::Terminal => {}
            With::Token => pay["token"] = json!(self.card_token().await?),
            With::SavedCard => pay["card"] = json!(card),
            With::StcPay => pay["phone"] = json!(PHONE),
            With::ApplePay => {
                let token = apple_token();
                let whole = way.vendor == Some(Vendor::PayFort);
                pay["payment"] = if whole { token } else { token["paymentData"].clone() };
            }
        }
        let buyer = json!({ "name": "Noura Saleh", "email": "otp.success@tabby.ai",
            "phone": PHONE, "language": "en" });
        Ok(json!({ "provider": way.vendor.map(Vendor::name), "pay": pay, "buyer": buyer }))
    }

    /// What Checkout.com's own fields in the app give.
    pub(super) async fn card_token(&self) -> Result<String, Error> {
        let card = json!({ "type": "card", "number": TEST_CARD, "expiry_month": 5,
            "expiry_year": 2030, "cvv": "100" });
        let key = sandbox::CheckoutAccount::default().public_key;
        let request = self.http.post(format!("{}/checkout/tokens", self.sandbox)).bearer_auth(key);
        let answer: Value = request.json(&card).send().await?.error_for_status()?.json().await?;
        Ok(text(&answer, "token").to_owned())
    }

    /// On the page of a payment. What the vendor sends the browser back with.
    pub(super) async fn on_the_page(&self, payment: &Value, pay: Pay) -> Result<Value, Error> {
        let (vendor, session) = (text(payment, "provider"), text(payment, "vendor_session"));
        let path = format!("/_sim/{vendor}/pay/{session}");
        self.tells(&path, &json!({ "outcome": pay.name() })).await
    }

    /// Fills the vendor's form in; the browser takes the card's token back to Usher.
    pub(super) async fn fills_in(&self, payment: &Value) -> Result<(), Error> {
        let next = &payment["next"];
        let fields: Vec<(String, String)> = serde_json::from_value(next["fields"].clone())?;
        let form = self.http.post(text(next, "action")).form(&fields);
        form.send().await?.error_for_status()?;
        let back = self.on_the_page(payment, Pay::Approve).await?;
        let given: Vec<(&String, &str)> = back["fields"]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name, value.as_str()?)))
            .collect();
        let returns = self.http.post(text(&back, "redirect")).form(&given);
        returns.send().await?.error_for_status()?;
        Ok(())
    }

    /// Holds a card to the terminal, or leaves it.
    pub(super) async fn taps(&self, payment: &Value, pay: Pay) -> Result<(), Error> {
        let next = &payment["next"];
        let tap = json!({ "terminal": next["terminal"], "reference": next["reference"],
            "amount_minor": payment["amount"]["amount_minor"], "outcome": pay.name() });
        self.tells("/_sim/nearpay/terminal/purchase", &tap).await.map(|_| ())
    }

    /// The one-time password that has gone to the phone; or another one, which is declined.
    pub(super) async fn password(&self, pay: Pay) -> Result<String, Error> {
        let url = format!("{}/_sim/checkout/switches", self.sandbox);
        let told: Value = self.http.get(url).send().await?.error_for_status()?.json().await?;
        let right = text(&told, "password");
        let wrong = if right == "999999" { "111111" } else { "999999" };
        Ok(if pay == Pay::Approve { right } else { wrong }.to_owned())
    }

    async fn tells(&self, path: &str, what: &Value) -> Result<Value, Error> {
        let request = self.http.post(format!("{}{path}", self.sandbox)).json(what);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }
}

/// What Apple's sheet gives the app. Only Apple could open it, and the stand-ins do not try.
fn apple_token() -> Value {
    let transaction = random_hex();
    let header = json!({ "ephemeralPublicKey": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE",
        "publicKeyHash": "l0CnXdMv38W5L7ncTrTLUYGLoRZbVWBnHXdDZZfN8lA=",
        "transactionId": transaction });
    json!({
        "paymentData": { "version": "EC_v1", "data": "c2VhbGVkIGJ5IHRoZSBwaG9uZQ==",
            "signature": "c2lnbmVkIGJ5IHRoZSBwaG9uZQ==", "header": header },
        "paymentMethod": { "displayName": "Visa 0492", "network": "Visa", "type": "credit" },
        "transactionIdentifier": transaction,
    })
}
