//! A card that a customer saves at a vendor: typed into its form, or made a token in the app; paid with, deleted.

use crate::{Answer, Customer, Shopper, Visit, card_token, may_come, until};
use reqwest::Method;
use serde_json::{Value, json};

pub const CARDS: &str = "/api/v1/cards";

/// A vendor with a form that cards are typed into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    pub vendor: &'static str,
    /// What charging and deleting are called there.
    pub charges: &'static str,
    pub deletes: &'static str,
    /// What it writes down of a card, from its form to its end.
    pub story: [&'static str; 3],
    /// Whether the customer's bank asks, and does not.
    bank: [(&'static str, &'static str); 2],
}

pub const FORMS: [Form; 2] = [HYPERPAY, PAYFORT];
pub const HYPERPAY: Form = Form {
    vendor: "hyperpay",
    charges: "charge_registration",
    deletes: "deregister",
    story: ["card_form", "registration", "deregistration"],
    bank: [("one_click_challenge", "true"), ("one_click_challenge", "false")],
};
pub const PAYFORT: Form = Form {
    vendor: "payfort",
    charges: "purchase",
    deletes: "update_token",
    story: ["page", "token", "deactivation"],
    bank: [("three_ds", "challenge"), ("three_ds", "frictionless")],
};

/// A customer's card.
#[derive(Clone)]
pub struct Card {
    pub customer: Customer,
    /// `card_…`
    pub id: String,
    pub vendor: &'static str,
}

impl Card {
    /// Asks for the vendor's form.
    pub async fn begun(form: Form, customer: &Customer) -> Self {
        Self::asked(customer, form.vendor, &json!({ "provider": form.vendor })).await
    }

    /// Typed into the vendor's form, and saved.
    pub async fn saved(form: Form, customer: &Customer) -> Self {
        let card = Self::begun(form, customer).await;
        card.is_typed(Shopper::Approves).await;
        card.until("SAVED").await;
        card
    }

    /// Made a token in the app, and saved.
    pub async fn at_checkout(customer: &Customer) -> Self {
        let token = card_token(&customer.visit).await;
        let body = json!({ "provider": "checkout", "token": token });
        let card = Self::asked(customer, "checkout", &body).await;
        card.until("SAVED").await;
        card
    }

    async fn asked(customer: &Customer, vendor: &'static str, body: &Value) -> Self {
        let answer = customer.posts(CARDS, &Customer::key(), body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let id = answer.body["id"].as_str().unwrap().to_owned();
        Self { customer: customer.clone(), id, vendor }
    }

    /// Saved at this vendor under this key. None: it was not saved.
    pub async fn may_be_saved(
        customer: &Customer,
        vendor: &'static str,
        key: &str,
    ) -> Option<Self> {
        let mut body = json!({ "provider": vendor });
        if vendor == "checkout" {
            body["token"] = json!(card_token(&customer.visit).await);
        }
        let answer = customer.posts(CARDS, key, &body).await;
        assert!([202, 409].contains(&answer.status), "{answer:?}");
        let id = answer.body["id"].as_str()?.to_owned();
        let card = Self { customer: customer.clone(), id, vendor };
        let ready = |view: &Value| view["next"].is_object() || was_saved(view).is_some();
        if was_saved(&card.until_so("a form, or an end", ready).await).is_none() {
            card.is_typed(Shopper::Approves).await;
        }
        let ended = |view: &Value| was_saved(view).is_some();
        was_saved(&card.until_so("an end", ended).await)?.then_some(card)
    }

    pub fn bare(&self) -> &str {
        self.id.trim_start_matches("card_")
    }

    pub fn path(&self) -> String {
        format!("{CARDS}/{}", self.id)
    }

    pub async fn until_so(&self, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        let (path, so) = (self.path(), &so);
        let look = || async {
            let view = self.customer.gets(&path).await.body;
            so(&view).then_some(view)
        };
        until(&format!("{what} of {}", self.id), look).await
    }

    pub async fn until(&self, status: &str) -> Value {
        self.until_so(status, |view| view["status"] == status).await
    }

    /// What the customer does in the vendor's form; then the browser comes back, with what the vendor gives it.
    pub async fn is_typed(&self, shopper: Shopper) {
        let visit = &self.customer.visit;
        let typed = self.is_filled_in(shopper).await;
        if visit.way_back(&typed).is_some() {
            let back = || async {
                let back = visit.way_back(&typed)?.send().await.ok()?;
                back.status().is_success().then_some(())
            };
            may_come(back).await;
        }
    }

    /// The same, but the browser does not come back: where to it would, and with what.
    pub async fn is_filled_in(&self, shopper: Shopper) -> Value {
        let visit = &self.customer.visit;
        let view = self.until_so("a form", |view| view["next"].is_object()).await;
        let page = || async {
            let page = visit.http.get(view["form_url"].as_str()?).send().await.ok()?;
            Some(Answer::read(page).await).filter(|page| page.status == 200)
        };
        let page = until(&format!("the page of {}", self.id), page).await;
        let next = &view["next"];
        let session = if next["is"] == "widget" {
            assert!(page.text.contains("paymentWidgets"), "{page:?}");
            let script = next["script"].as_str().unwrap();
            script.split_once("checkoutId=").unwrap().1.trim_end_matches("/registration")
        } else {
            let action = next["action"].as_str().unwrap();
            assert!(page.text.contains(&format!("action=\"{action}\"")), "{page:?}");
            let policy = page.header("content-security-policy");
            assert!(policy.contains(&format!("form-action {}", visit.system.sandbox)), "{policy}");
            let fields: Vec<(String, String)> =
                serde_json::from_value(next["fields"].clone()).unwrap();
            let theirs = || async {
                let theirs = visit.http.post(action).form(&fields).send().await.ok()?;
                (theirs.status() == 200).then_some(())
            };
            until(&format!("the vendor's page of {}", self.id), theirs).await;
            self.bare()
        };
        let typed = visit.at_vendor(self.vendor, session, shopper).await;
        assert_eq!(typed.status, 200, "{typed:?}");
        typed.body
    }

    pub async fn deletes(&self) -> u16 {
        let request = self.customer.request(Method::DELETE, &self.path());
        request.send().await.unwrap().status().as_u16()
    }

    /// The same, asked for until it is done.
    pub async fn is_deleted(&self) {
        let delete = || async {
            let request = self.customer.request(Method::DELETE, &self.path());
            (request.send().await.ok()?.status() == 204).then_some(())
        };
        until(&format!("the end of {}", self.id), delete).await;
    }

    pub fn pays(&self) -> Value {
        json!({ "pay": { "with": "saved_card", "card": self.id } })
    }

    /// Until the vendor has deleted it, too; and nobody here has its token any more.
    pub async fn until_forgotten(&self) {
        let query = "SELECT count(*) FROM saved_cards
                     WHERE card_id = $1 AND forgotten_at IS NOT NULL AND token IS NULL";
        let look = || async {
            let query = sqlx::query_scalar::<_, i64>(query).bind(self.bare());
            (query.fetch_one(&self.customer.visit.db).await.ok()? == 1).then_some(())
        };
        until(&format!("the vendor forgetting {}", self.id), look).await;
    }

    /// What the vendor has written down about it.
    pub async fn at_the_vendor(&self) -> Vec<String> {
        self.customer.visit.done_at(self.vendor, self.bare()).await
    }
}

/// What a card is saved at: the vendors with a form, and the one that wants a token.
pub async fn saved_everywhere(customer: &Customer) -> [Card; 3] {
    [
        Card::saved(HYPERPAY, customer).await,
        Card::saved(PAYFORT, customer).await,
        Card::at_checkout(customer).await,
    ]
}

impl Form {
    /// One call goes wrong: one about this reference, or the next.
    pub async fn fails(self, visit: &Visit, op: &str, about: Option<&str>, fault: &str) {
        let matching = json!({ "op": op, "reference": about });
        visit.misbehaves(self.vendor, &json!({ "match": matching, "fault": fault })).await;
    }

    /// Whether the bank of whoever pays with a saved card wants to see them.
    pub async fn bank_asks(self, visit: &Visit, asks: bool) {
        let (switch, position) = self.bank[usize::from(!asks)];
        visit.switches(self.vendor, &json!({ switch: position })).await;
    }
}

/// None: that is not decided yet.
fn was_saved(view: &Value) -> Option<bool> {
    match view["status"].as_str() {
        Some("SAVED") => Some(true),
        Some("FAILED") => Some(false),
        _ => None,
    }
}
