//! What a customer does to pay, at the vendor's: on its page, in its form, at the terminal, with the password it sends.
//!
//! As far as the vendor lets them: a page may be over, an answer lost. What has come of it the books say.

use super::{
    customer::Answer,
    may_come,
    vendors::{Shopper, get, post},
    visit::Visit,
};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

/// Who sees no page loads it once more.
const LOADS: usize = 2;

impl Visit {
    /// On the page of this session of the vendor's.
    pub async fn at_vendor(&self, vendor: &str, session: &str, shopper: Shopper) -> Answer {
        let url = format!("{}/_sim/{vendor}/pay/{session}", self.system.sandbox);
        let request = self.http.post(url).json(&json!({ "outcome": shopper.outcome() }));
        Answer::read(request.send().await.unwrap()).await
    }

    /// The vendor's form (`next`), filled in, and back to Usher with what it has given. Whether it came to that.
    pub async fn fills_in(&self, vendor: &str, session: &str, next: &Value) -> bool {
        let asked: Vec<(String, String)> = serde_json::from_value(next["fields"].clone()).unwrap();
        for _ in 0..LOADS {
            let page = self.http.post(next["action"].as_str().unwrap()).form(&asked).send().await;
            if page.is_ok_and(|page| page.status() == 200) {
                break;
            }
        }
        let back = self.at_vendor(vendor, session, Shopper::Approves).await.body;
        let comes_back = || async {
            let status = self.way_back(&back)?.send().await.ok()?.status();
            (!status.is_server_error()).then_some(())
        };
        self.way_back(&back).is_some() && may_come(comes_back).await.is_some()
    }

    /// The browser's way back to Usher, with what the vendor has given it. None: the vendor keeps it.
    pub fn way_back(&self, back: &Value) -> Option<RequestBuilder> {
        let url = back["redirect"].as_str()?;
        let Some(given) = back["fields"].as_object() else { return Some(self.http.get(url)) };
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let given: Vec<(String, String)> =
            given.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        Some(if back["method"] == "get" {
            self.http.get(url).query(&given)
        } else {
            self.http.post(url).form(&given)
        })
    }

    /// A card is held to the terminal, which was told the reference in `next`.
    pub async fn taps(&self, next: &Value, amount_minor: &Value, shopper: Shopper) {
        let tap = json!({ "terminal": next["terminal"], "reference": next["reference"],
            "amount_minor": amount_minor, "outcome": shopper.outcome() });
        post(self, "/_sim/nearpay/terminal/purchase", &tap).await;
    }

    /// The one-time password that has gone to every phone.
    pub async fn password(&self) -> String {
        let switches = get(self, "/_sim/checkout/switches").await;
        switches["password"].as_str().unwrap().to_owned()
    }

    /// The kiosk's app reverses what its terminal has taken. The terminal may not be able to any more.
    pub async fn reverses(&self, transaction: &str) -> Answer {
        let url = format!("{}/_sim/nearpay/terminal/reverse", self.system.sandbox);
        let request = self.http.post(url).json(&json!({ "transaction": transaction }));
        Answer::read(request.send().await.unwrap()).await
    }

    /// Refunds at the counter whatever a person there is asked to; how many that were. What was refunded already the
    /// terminal refuses.
    pub async fn counter_refunds(&self) -> usize {
        let query = "SELECT refund_id::text, vendor_transaction, amount_minor FROM refunds
                     WHERE status <> 'REFUNDED' AND refund_id IN (
                         SELECT workflow_key FROM cases WHERE cause = $1 AND decision IS NULL)";
        let asked = sqlx::query_as(query).bind(AT_THE_COUNTER).fetch_all(&self.db).await;
        let asked: Vec<(String, String, i64)> = asked.unwrap_or_default();
        for (reference, transaction, amount_minor) in &asked {
            let order = json!({ "transaction": transaction, "reference": reference,
                "amount_minor": amount_minor });
            let url = format!("{}/_sim/nearpay/terminal/refund", self.system.sandbox);
            self.http.post(url).json(&order).send().await.unwrap();
        }
        asked.len()
    }
}

/// Why a person at the counter is asked: the terminal can reverse it no more.
pub const AT_THE_COUNTER: &str = "payment_refused_refund_at_the_counter";
