//! A card that the customer saves first, to pay with it: typed into the vendor's form, or made a token in the app.

use super::{Customer, PATIENCE, Pay, shopper::Shopper, ways::Vendor};
use crate::{Error, api::text};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

impl Customer {
    /// Saves a card at this vendor. Its id, once it can be paid with.
    pub(super) async fn saves_a_card(&self, vendor: Vendor) -> Result<String, Error> {
        let shopper = self.shopper();
        let mut wanted = json!({ "provider": vendor.name() });
        if vendor == Vendor::Checkout {
            wanted["token"] = json!(shopper.card_token().await?);
        }
        let card = self.api.post("/api/v1/cards", &wanted).await?;
        let id = text(&card, "id").to_owned();
        let card = self.until_card(&id, |card| card["next"].is_object()).await?;
        shopper.types_a_card(&id, &card).await?;
        let card = self.until_card(&id, |_| false).await?;
        if text(&card, "status") == "SAVED" {
            return Ok(id);
        }
        Err(format!("{id} is not saved: {}.", text(&card, "reason")).into())
    }

    /// Looks at the card until it is so, or saving it has ended.
    async fn until_card(&self, id: &str, so: impl Fn(&Value) -> bool) -> Result<Value, Error> {
        let patience = Instant::now();
        loop {
            let card = self.api.get(&format!("/api/v1/cards/{id}")).await?;
            if so(&card) || text(&card, "status") != "ADDING" {
                return Ok(card);
            }
            if patience.elapsed() > PATIENCE {
                return Err(format!("{id} does not move on.").into());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}

impl Shopper<'_> {
    /// Types a card into the vendor's form, if one is open; the browser comes back to Usher.
    async fn types_a_card(&self, id: &str, card: &Value) -> Result<(), Error> {
        let next = &card["next"];
        let at = |session: &str| json!({ "provider": card["provider"], "vendor_session": session, "next": next });
        match text(next, "is") {
            "form" => self.fills_in(&at(id.trim_start_matches("card_"))).await,
            "widget" => {
                let script = text(next, "script").trim_end_matches("/registration");
                let session = script.rsplit_once('=').map_or("", |(_, session)| session);
                let back = self.on_the_page(&at(session), Pay::Approve).await?;
                if let Some(url) = back["redirect"].as_str() {
                    self.http.get(url).send().await?.error_for_status()?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
