//! Every way to pay, as a customer goes it: what is asked of Usher, and what is done at the vendor's.

use crate::{Booking, Card, Customer, Payment, Shopper, Visit, may_come, until};
use data_encoding::HEXLOWER;
use sandbox::CheckoutAccount;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// A way to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    HyperPayPage,
    HyperPayCard,
    PayFortMada,
    PayFortCard,
    PayFortApple,
    CheckoutCard,
    CheckoutApple,
    StcPay,
    Tabby,
    /// Only at a kiosk that has one.
    Terminal,
    /// A card of the customer's own, saved at the vendor before.
    HyperPaySaved,
    PayFortSaved,
    CheckoutSaved,
}

impl Way {
    /// All that begin with the payment itself.
    pub const ALL: [Self; 10] = [
        Self::HyperPayPage,
        Self::HyperPayCard,
        Self::PayFortMada,
        Self::PayFortCard,
        Self::PayFortApple,
        Self::CheckoutCard,
        Self::CheckoutApple,
        Self::StcPay,
        Self::Tabby,
        Self::Terminal,
    ];

    /// All that begin with saving a card.
    pub const BY_SAVED_CARD: [Self; 3] =
        [Self::HyperPaySaved, Self::PayFortSaved, Self::CheckoutSaved];

    /// Those with a last act of the customer's, which takes the money whenever they do it: on a page of the vendor's, or
    /// at a terminal. (A sheet pays at once, and a password is good for two minutes.)
    pub const BY_AN_ACT: [Self; 7] = [
        Self::HyperPayPage,
        Self::HyperPayCard,
        Self::PayFortMada,
        Self::PayFortCard,
        Self::CheckoutCard,
        Self::Tabby,
        Self::Terminal,
    ];

    pub const fn vendor(self) -> &'static str {
        match self {
            Self::HyperPayPage | Self::HyperPayCard | Self::HyperPaySaved => "hyperpay",
            Self::PayFortMada | Self::PayFortCard | Self::PayFortApple | Self::PayFortSaved => {
                "payfort"
            }
            Self::CheckoutCard | Self::CheckoutApple | Self::StcPay | Self::CheckoutSaved => {
                "checkout"
            }
            Self::Tabby => "tabby",
            Self::Terminal => "nearpay",
        }
    }

    /// The money is reserved first, and taken once Vista has the booking.
    pub const fn reserves(self) -> bool {
        match self {
            Self::HyperPayCard
            | Self::PayFortCard
            | Self::CheckoutCard
            | Self::CheckoutApple
            | Self::CheckoutSaved
            | Self::Tabby => true,
            Self::HyperPayPage
            | Self::PayFortMada
            | Self::PayFortApple
            | Self::StcPay
            | Self::HyperPaySaved
            | Self::PayFortSaved
            | Self::Terminal => false,
        }
    }

    /// Whoever is declined tries another card in the same payment.
    pub const fn takes_another_card(self) -> bool {
        matches!(self, Self::HyperPayPage | Self::HyperPayCard)
    }

    /// Another way, at another vendor, that any customer can go.
    #[must_use]
    pub fn elsewhere(self) -> Self {
        if self.vendor() == Self::HyperPayPage.vendor() { Self::Tabby } else { Self::HyperPayPage }
    }

    /// What is asked of Usher under this key, of a way that begins with the payment itself.
    pub async fn body(self, visit: &Visit, key: &str) -> Value {
        let pay = match self {
            Self::HyperPayPage | Self::Tabby => json!({ "with": "page" }),
            Self::HyperPayCard | Self::PayFortCard => json!({ "with": "credit_card" }),
            Self::PayFortMada => json!({ "with": "mada" }),
            Self::CheckoutCard => json!({ "with": "token", "token": card_token(visit).await }),
            Self::PayFortApple => json!({ "with": "apple_pay", "payment": apple_token(key) }),
            Self::CheckoutApple => {
                json!({ "with": "apple_pay", "payment": apple_token(key)["paymentData"] })
            }
            Self::StcPay => json!({ "with": "stc_pay", "phone": "+966501234567" }),
            Self::Terminal => json!({ "with": "terminal" }),
            Self::HyperPaySaved | Self::PayFortSaved | Self::CheckoutSaved => {
                panic!("{self:?} needs a card")
            }
        };
        let buyer = json!({ "name": "Noura Saleh", "email": "otp.success@tabby.ai",
            "phone": "+966500000001", "language": "en" });
        json!({ "provider": self.vendor(), "pay": pay, "buyer": buyer })
    }
}

/// What the vendor's own fields in the app do, again if need be.
pub async fn card_token(visit: &Visit) -> String {
    let card = json!({ "type": "card", "number": "4242424242424242", "expiry_month": 5,
        "expiry_year": 2030, "cvv": "100" });
    let url = format!("{}/checkout/tokens", visit.system.sandbox);
    let exchange = || async {
        let request = visit.http.post(&url).bearer_auth(CheckoutAccount::default().public_key);
        let answer: Value = request.json(&card).send().await.ok()?.json().await.ok()?;
        answer["token"].as_str().map(str::to_owned)
    };
    until("the token of a card", exchange).await
}

/// What Apple's sheet gives the app. Its transaction's id is the key's, so that a test knows it beforehand.
fn apple_token(key: &str) -> Value {
    let header = json!({ "ephemeralPublicKey": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE",
        "publicKeyHash": "l0CnXdMv38W5L7ncTrTLUYGLoRZbVWBnHXdDZZfN8lA=",
        "transactionId": apple_transaction(key) });
    json!({
        "paymentData": { "version": "EC_v1", "data": "c2VhbGVkIGJ5IHRoZSBwaG9uZQ==",
            "signature": "c2lnbmVkIGJ5IHRoZSBwaG9uZQ==", "header": header },
        "paymentMethod": { "displayName": "Visa 0492", "network": "Visa", "type": "credit" },
        "transactionIdentifier": apple_transaction(key),
    })
}

/// What Apple's sheet calls the payment under this key: 64 hex digits.
pub fn apple_transaction(key: &str) -> String {
    format!("{:f<64.64}", HEXLOWER.encode(key.as_bytes()))
}

impl Visit {
    /// Whoever can go this way.
    pub fn customer_for(self: &Arc<Self>, way: Way) -> Customer {
        if way == Way::Terminal { self.kiosk_with_terminal() } else { self.customer() }
    }
}

impl Payment {
    /// Does whatever there is for the customer to do, and approves.
    pub async fn is_made(&self) {
        self.ends_with(Shopper::Approves).await;
    }

    /// The same; what the customer does last is this.
    pub async fn ends_with(&self, shopper: Shopper) {
        if let Some(act) = self.last_act().await {
            self.does(&act, shopper).await;
        }
    }

    /// What is left for the customer to do, once they have done what comes before it. None: nothing, or not any more.
    pub async fn last_act(&self) -> Option<Value> {
        let next = self.next(&Value::Null).await?;
        if next["is"] != "form" {
            return Some(next);
        }
        let visit = &self.booking.customer.visit;
        if visit.fills_in(&self.vendor, &self.session, &next).await {
            self.next(&next).await
        } else {
            None
        }
    }

    pub async fn does(&self, act: &Value, shopper: Shopper) {
        let visit = &self.booking.customer.visit;
        match act["is"].as_str() {
            Some("otp") => self.types(shopper).await,
            Some("terminal") => {
                let amount = &self.looks().await["amount"]["amount_minor"];
                visit.taps(act, amount, shopper).await;
            }
            _ => drop(visit.at_vendor(&self.vendor, &self.session, shopper).await),
        }
    }

    /// What the customer does next, once it is something else than what is done. None: nothing, or not any more.
    async fn next(&self, done: &Value) -> Option<Value> {
        let look = || async {
            let (waits, next) = self.waits_for().await;
            if !waits || next["is"] == "nothing" {
                return Some(None);
            }
            (!next.is_null() && next != *done).then_some(Some(next))
        };
        may_come(look).await.flatten()
    }

    /// The password, or another one; nothing from who has left. Too late, it is told so.
    async fn types(&self, shopper: Shopper) {
        let customer = &self.booking.customer;
        let password = match shopper {
            Shopper::Approves => customer.visit.password().await,
            Shopper::Declined => "999999".to_owned(),
            Shopper::Leaves => return,
        };
        let path = format!("/api/v1/orders/{}/payments/{}/otp", self.booking.id, self.id);
        let answer = customer.posts(&path, &self.id, &json!({ "otp": password })).await;
        assert!([202, 409].contains(&answer.status), "{answer:?}");
    }

    /// Money of a terminal goes back there: the kiosk's app reverses it, or the counter refunds it once a person is asked.
    /// (Elsewhere the vendor does it.) Waits until it is back, unless nothing is owed.
    pub async fn goes_back(&self) {
        if self.vendor != Way::Terminal.vendor() {
            return;
        }
        let visit = &self.booking.customer.visit;
        let query = "SELECT vendor_transaction, status::text FROM refunds WHERE payment_id = $1";
        let owed = || async {
            let row = sqlx::query_as::<_, (String, String)>(query).bind(self.reference());
            row.fetch_optional(&visit.db).await.ok().flatten()
        };
        let Some((transaction, _)) = may_come(&owed).await else { return };
        visit.reverses(&transaction).await;
        let is_back = || async {
            let (_, status) = owed().await?;
            if status == "REFUNDED" {
                return Some(());
            }
            visit.counter_refunds().await;
            None
        };
        may_come(is_back).await;
    }
}

impl Booking {
    /// Opens a payment this way.
    pub async fn opens(&self, way: Way) -> Payment {
        let payment = self.may_open(way, &Customer::key()).await;
        payment.unwrap_or_else(|| panic!("{way:?} could not be opened for {self:?}"))
    }

    /// The same with this key, unless it is too late for that, or the vendor will not. A card to pay with is saved before.
    pub async fn may_open(&self, way: Way, key: &str) -> Option<Payment> {
        let body = if Way::BY_SAVED_CARD.contains(&way) {
            Card::may_be_saved(&self.customer, way.vendor(), key).await?.pays()
        } else {
            way.body(&self.customer.visit, key).await
        };
        self.may_open_as(&body, key).await
    }

    /// The same, as this says.
    pub async fn may_open_as(&self, body: &Value, key: &str) -> Option<Payment> {
        let answer = self.tries_to_pay_with(key, body).await;
        assert!([202, 409].contains(&answer.status), "{body}: {answer:?}");
        self.page(answer.body["id"].as_str()?).await
    }

    /// Opens a payment as this says.
    pub async fn opens_as(&self, body: &Value) -> Payment {
        let answer = self.tries_to_pay_with(&Customer::key(), body).await;
        assert_eq!(answer.status, 202, "{body}: {answer:?}");
        self.page(answer.body["id"].as_str().unwrap()).await.unwrap()
    }
}
