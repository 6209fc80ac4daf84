//! Every way to pay, as a customer goes it: what is asked of Usher, and what is done at the vendor's.

use crate::{Booking, Payment, Visit, until};
use sandbox::CheckoutAccount;
use serde_json::{Value, json};

/// A way to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    HyperPayPage,
    HyperPayCard,
    PayFortMada,
    PayFortCard,
    CheckoutCard,
    StcPay,
    Tabby,
    /// Only at a kiosk that has one.
    Terminal,
}

/// So often a customer has something to do until a payment is made.
const ACTS_MAX: usize = 4;

impl Way {
    pub const ALL: [Self; 8] = [
        Self::HyperPayPage,
        Self::HyperPayCard,
        Self::PayFortMada,
        Self::PayFortCard,
        Self::CheckoutCard,
        Self::StcPay,
        Self::Tabby,
        Self::Terminal,
    ];

    pub const fn vendor(self) -> &'static str {
        match self {
            Self::HyperPayPage | Self::HyperPayCard => "hyperpay",
            Self::PayFortMada | Self::PayFortCard => "payfort",
            Self::CheckoutCard | Self::StcPay => "checkout",
            Self::Tabby => "tabby",
            Self::Terminal => "nearpay",
        }
    }

    /// The money is reserved first, and taken once Vista has the booking.
    pub const fn reserves(self) -> bool {
        match self {
            Self::HyperPayCard | Self::PayFortCard | Self::CheckoutCard | Self::Tabby => true,
            Self::HyperPayPage | Self::PayFortMada | Self::StcPay | Self::Terminal => false,
        }
    }

    /// What is asked of Usher.
    pub async fn body(self, visit: &Visit) -> Value {
        let pay = match self {
            Self::HyperPayPage | Self::Tabby => json!({ "with": "page" }),
            Self::HyperPayCard | Self::PayFortCard => json!({ "with": "credit_card" }),
            Self::PayFortMada => json!({ "with": "mada" }),
            Self::CheckoutCard => json!({ "with": "token", "token": card_token(visit).await }),
            Self::StcPay => json!({ "with": "stc_pay", "phone": "+966501234567" }),
            Self::Terminal => json!({ "with": "terminal" }),
        };
        let buyer = json!({ "name": "Noura Saleh", "email": "otp.success@tabby.ai",
            "phone": "+966500000001", "language": "en" });
        json!({ "provider": self.vendor(), "pay": pay, "buyer": buyer })
    }
}

/// What the vendor's own fields in the app do.
pub async fn card_token(visit: &Visit) -> String {
    let card = json!({ "type": "card", "number": "4242424242424242", "expiry_month": 5,
        "expiry_year": 2030, "cvv": "100" });
    let url = format!("{}/checkout/tokens", visit.system.sandbox);
    let request = visit.http.post(url).bearer_auth(CheckoutAccount::default().public_key);
    let answer: Value = request.json(&card).send().await.unwrap().json().await.unwrap();
    answer["token"].as_str().unwrap().to_owned()
}

impl Payment {
    /// Does whatever there is for the customer to do, until there is nothing left.
    pub async fn is_made(&self) {
        let mut done = Value::Null;
        for _ in 0..ACTS_MAX {
            let next = self.until_next(&done).await;
            match next["is"].as_str() {
                Some("widget" | "redirect") => drop(self.at_vendor("approve").await),
                Some("form") => self.fills_in(&next).await,
                Some("otp") => self.types("123456").await,
                Some("terminal") => self.taps(&next, "approve").await,
                _ => return,
            }
            if next["is"] == "terminal" || next["is"] == "widget" {
                return;
            }
            done = next;
        }
    }

    /// What the customer does next, once it is something else than what is done; null when there is nothing.
    async fn until_next(&self, done: &Value) -> Value {
        let look = || async {
            let now = self.looks().await;
            let open = now["status"] == "OPEN" || now["status"] == "FAILED";
            let next = now["next"].clone();
            (!open || (!next.is_null() && next != *done)).then_some(next)
        };
        until(&format!("the next act of {}", self.id), look).await
    }

    /// On the vendor's page. What the vendor sends the browser back with.
    async fn at_vendor(&self, outcome: &str) -> Value {
        let visit = &self.booking.customer.visit;
        let (vendor, session) = (&self.vendor, &self.session);
        let url = format!("{}/_sim/{vendor}/pay/{session}", visit.system.sandbox);
        let request = visit.http.post(url).json(&json!({ "outcome": outcome }));
        request.send().await.unwrap().json().await.unwrap()
    }

    /// The vendor's form, and back to us with what it has given.
    async fn fills_in(&self, next: &Value) {
        let http = &self.booking.customer.visit.http;
        let fields: Vec<(String, String)> = serde_json::from_value(next["fields"].clone()).unwrap();
        let page = http.post(next["action"].as_str().unwrap()).form(&fields).send().await.unwrap();
        assert_eq!(page.status(), 200, "{:?}", page.text().await);
        let back = self.at_vendor("approve").await;
        let fields = back["fields"].as_object().unwrap().iter();
        let fields: Vec<(String, String)> = fields
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        let url = back["redirect"].as_str().unwrap();
        let answer = http.post(url).form(&fields).send().await.unwrap();
        assert!(answer.status().is_success() || answer.status().is_redirection(), "{answer:?}");
    }

    async fn types(&self, password: &str) {
        let path = format!("/api/v1/orders/{}/payments/{}/otp", self.booking.id, self.id);
        let customer = &self.booking.customer;
        let answer = customer.posts(&path, &self.id, &json!({ "otp": password })).await;
        assert_eq!(answer.status, 202, "{answer:?}");
    }

    async fn taps(&self, next: &Value, outcome: &str) {
        let visit = &self.booking.customer.visit;
        let amount = &self.looks().await["amount"]["amount_minor"];
        let tap = json!({ "terminal": next["terminal"], "reference": next["reference"],
            "amount_minor": amount, "outcome": outcome });
        let url = format!("{}/_sim/nearpay/terminal/purchase", visit.system.sandbox);
        let answer = visit.http.post(url).json(&tap).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
    }
}

impl Booking {
    /// Opens a payment this way.
    pub async fn opens(&self, way: Way) -> Payment {
        self.opens_as(&way.body(&self.customer.visit).await).await
    }

    /// Opens a payment as this says.
    pub async fn opens_as(&self, body: &Value) -> Payment {
        let answer = self.tries_to_pay_with(&crate::Customer::key(), body).await;
        assert_eq!(answer.status, 202, "{body}: {answer:?}");
        self.page(answer.body["id"].as_str().unwrap()).await.unwrap()
    }
}
