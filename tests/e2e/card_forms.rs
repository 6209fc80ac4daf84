//! A card that a customer saves: typed into its vendor's form or made a token in the app, and what one can do with it.

use harness::{Answer, Customer, Shopper, Visit, card_token, until};
use reqwest::Method;
use serde_json::{Value, json};

pub(crate) const CARDS: &str = "/api/v1/cards";

/// A vendor with a form that cards are typed into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) vendor: &'static str,
    /// What charging and deleting are called there.
    pub(crate) charges: &'static str,
    pub(crate) deletes: &'static str,
    /// What it writes down of a card, from its form to its end.
    pub(crate) story: [&'static str; 3],
    /// Whether the customer's bank asks, and does not.
    bank: [(&'static str, &'static str); 2],
}

pub(crate) const FORMS: [Form; 2] = [HYPERPAY, PAYFORT];
pub(crate) const HYPERPAY: Form = Form {
    vendor: "hyperpay",
    charges: "charge_registration",
    deletes: "deregister",
    story: ["card_form", "registration", "deregistration"],
    bank: [("one_click_challenge", "true"), ("one_click_challenge", "false")],
};
pub(crate) const PAYFORT: Form = Form {
    vendor: "payfort",
    charges: "purchase",
    deletes: "update_token",
    story: ["page", "token", "deactivation"],
    bank: [("three_ds", "challenge"), ("three_ds", "frictionless")],
};

/// A customer's card.
pub(crate) struct Card {
    pub(crate) customer: Customer,
    /// `card_…`
    pub(crate) id: String,
    pub(crate) vendor: &'static str,
}

impl Card {
    /// Asks for the vendor's form.
    pub(crate) async fn begun(form: Form, customer: &Customer) -> Self {
        let body = json!({ "provider": form.vendor });
        let answer = customer.posts(CARDS, &Customer::key(), &body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let id = answer.body["id"].as_str().unwrap().to_owned();
        Self { customer: customer.clone(), id, vendor: form.vendor }
    }

    /// Typed into the vendor's form, and saved.
    pub(crate) async fn saved(form: Form, customer: &Customer) -> Self {
        let card = Self::begun(form, customer).await;
        card.is_typed(Shopper::Approves).await;
        card.until("SAVED").await;
        card
    }

    /// Made a token in the app, and saved.
    pub(crate) async fn at_checkout(customer: &Customer) -> Self {
        let token = card_token(&customer.visit).await;
        let body = json!({ "provider": "checkout", "token": token });
        let answer = customer.posts(CARDS, &Customer::key(), &body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let id = answer.body["id"].as_str().unwrap().to_owned();
        let card = Self { customer: customer.clone(), id, vendor: "checkout" };
        card.until("SAVED").await;
        card
    }

    pub(crate) fn bare(&self) -> &str {
        self.id.trim_start_matches("card_")
    }

    pub(crate) fn path(&self) -> String {
        format!("{CARDS}/{}", self.id)
    }

    pub(crate) async fn until_so(&self, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        let (path, so) = (self.path(), &so);
        let look = || async {
            let view = self.customer.gets(&path).await.body;
            so(&view).then_some(view)
        };
        until(&format!("{what} of {}", self.id), look).await
    }

    pub(crate) async fn until(&self, status: &str) -> Value {
        self.until_so(status, |view| view["status"] == status).await
    }

    /// What the customer does in the vendor's form; then the browser comes back, with what the vendor gives it.
    pub(crate) async fn is_typed(&self, shopper: Shopper) {
        let visit = &self.customer.visit;
        let typed = self.is_filled_in(shopper).await;
        if let Some(back) = typed["redirect"].as_str() {
            let back = match typed["fields"].as_object() {
                Some(given) => visit.http.post(back).form(given),
                None => visit.http.get(back),
            };
            let back = back.send().await.unwrap();
            assert!(back.status().is_success(), "{back:?}");
        }
    }

    /// The same, but the browser does not come back: where to it would, and with what.
    pub(crate) async fn is_filled_in(&self, shopper: Shopper) -> Value {
        let visit = &self.customer.visit;
        let view = self.until_so("a form", |view| view["next"].is_object()).await;
        let page = visit.http.get(view["form_url"].as_str().unwrap()).send().await.unwrap();
        let page = Answer::read(page).await;
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
            let theirs = visit.http.post(action).form(&fields).send().await.unwrap();
            assert_eq!(theirs.status(), 200, "{theirs:?}");
            self.bare()
        };
        let typed = visit.at_vendor(self.vendor, session, shopper).await;
        assert_eq!(typed.status, 200, "{typed:?}");
        typed.body
    }

    pub(crate) async fn deletes(&self) -> u16 {
        let request = self.customer.request(Method::DELETE, &self.path());
        request.send().await.unwrap().status().as_u16()
    }

    pub(crate) fn pays(&self) -> Value {
        json!({ "pay": { "with": "saved_card", "card": self.id } })
    }

    /// Until the vendor has deleted it, too; and nobody here has its token any more.
    pub(crate) async fn until_forgotten(&self) {
        let query = "SELECT count(*) FROM saved_cards
                     WHERE card_id = $1 AND forgotten_at IS NOT NULL AND token IS NULL";
        let look = || async {
            let query = sqlx::query_scalar::<_, i64>(query).bind(self.bare());
            (query.fetch_one(&self.customer.visit.db).await.ok()? == 1).then_some(())
        };
        until(&format!("the vendor forgetting {}", self.id), look).await;
    }

    /// What the vendor has written down about it.
    pub(crate) async fn at_the_vendor(&self) -> Vec<String> {
        self.customer.visit.done_at(self.vendor, self.bare()).await
    }
}

/// What a card is saved at: the vendors with a form, and the one that wants a token.
pub(crate) async fn saved_everywhere(customer: &Customer) -> [Card; 3] {
    [
        Card::saved(HYPERPAY, customer).await,
        Card::saved(PAYFORT, customer).await,
        Card::at_checkout(customer).await,
    ]
}

impl Form {
    /// One call goes wrong: one about this reference, or the next.
    pub(crate) async fn fails(self, visit: &Visit, op: &str, about: Option<&str>, fault: &str) {
        let matching = json!({ "op": op, "reference": about });
        visit.misbehaves(self.vendor, &json!({ "match": matching, "fault": fault })).await;
    }

    /// Whether the bank of whoever pays with a saved card wants to see them.
    pub(crate) async fn bank_asks(self, visit: &Visit, asks: bool) {
        let (switch, position) = self.bank[usize::from(!asks)];
        visit.switches(self.vendor, &json!({ switch: position })).await;
    }
}
