//! A card that a customer saves at a vendor: typed into its form, or made a token in the app; paid with, deleted.

use crate::{Customer, Shopper, card_token, may_come, until};
use reqwest::Method;
use serde_json::{Value, json};

pub const CARDS: &str = "/api/v1/cards";

/// A customer's card.
#[derive(Clone)]
pub struct Card {
    pub customer: Customer,
    /// `card_…`
    pub id: String,
}

impl Card {
    /// Asks for the vendor's form.
    pub async fn begun(customer: &Customer) -> Self {
        Self::asked(customer, &Customer::key(), &json!({ "provider": "hyperpay" })).await
    }

    /// Typed into the vendor's form, and saved.
    pub async fn at_hyperpay(customer: &Customer) -> Self {
        let card = Self::begun(customer).await;
        card.is_typed(Shopper::Approves).await;
        card.until("SAVED").await;
        card
    }

    /// Made a token in the app, and saved.
    pub async fn at_checkout(customer: &Customer) -> Self {
        let token = card_token(&customer.visit).await;
        let body = json!({ "provider": "checkout", "token": token });
        let card = Self::asked(customer, &Customer::key(), &body).await;
        card.until("SAVED").await;
        card
    }

    async fn asked(customer: &Customer, key: &str, body: &Value) -> Self {
        let answer = customer.posts(CARDS, key, body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let id = answer.body["id"].as_str().unwrap().to_owned();
        Self { customer: customer.clone(), id }
    }

    /// Saved at this vendor under this key. None: it was not saved.
    pub async fn may_be_saved(customer: &Customer, vendor: &str, key: &str) -> Option<Self> {
        let mut body = json!({ "provider": vendor });
        if vendor == "checkout" {
            body["token"] = json!(card_token(&customer.visit).await);
        }
        let answer = customer.posts(CARDS, key, &body).await;
        assert!([202, 409].contains(&answer.status), "{answer:?}");
        let id = answer.body["id"].as_str()?.to_owned();
        let card = Self { customer: customer.clone(), id };
        let ready = |view: &Value| view["next"]["is"] == "widget" || was_saved(view).is_some();
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

    /// What the customer does in the vendor's form; then the browser comes back.
    pub async fn is_typed(&self, shopper: Shopper) {
        let visit = &self.customer.visit;
        let view = self.until_so("a form", |view| view["next"]["is"] == "widget").await;
        let page = || async {
            let page = visit.http.get(view["form_url"].as_str()?).send().await.ok()?;
            page.text().await.ok().filter(|page| page.contains("paymentWidgets"))
        };
        until(&format!("the page of {}", self.id), page).await;
        let script = view["next"]["script"].as_str().unwrap();
        let checkout = script.split_once("checkoutId=").unwrap().1;
        let typed =
            visit.hyperpay().page(checkout.trim_end_matches("/registration"), shopper).await;
        assert_eq!(typed.status, 200, "{typed:?}");
        if let Some(back) = typed.body["redirect"].as_str() {
            let back = || async {
                visit.http.get(back).send().await.ok()?.status().is_success().then_some(())
            };
            may_come(back).await;
        }
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

    /// What the card gateway has written down about it.
    pub async fn at_the_vendor(&self) -> Vec<String> {
        let entries = self.customer.visit.hyperpay().about(self.bare()).await;
        entries.iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect()
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
