//! Tokens of cards: how long one is there, and `UPDATE_TOKEN`, which makes it inactive.

use super::PayFort;
use super::signature::Fields;
use crate::clock::DAY;
use crate::ledger::Entry;
use crate::vendor::Moment;
use crate::wire::Answer;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A card, by what the merchant knows of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Token {
    pub brand: String,
    pub masked: String,
    /// The bank will refuse what is charged to it.
    pub refused: bool,
    /// Of the page that it was made on.
    pub reference: String,
    pub made_at: i64,
    pub keeping: Keeping,
    pub inactive: bool,
}

/// What the charges that went through have made of a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Keeping {
    #[default]
    Uncharged,
    /// The customer has agreed: it is permanent.
    Kept,
    /// Nobody has: it was for one charge, and is gone.
    Spent,
}

impl PayFort {
    /// The token of this name, unless it is gone.
    fn token(&self, name: &str, moment: &Moment) -> Option<&Token> {
        let drops = self.desk.switches.get("uncharged_token") == "dropped";
        let over = |token: &Token| token.made_at + moment.clock.shortened(DAY) <= moment.now;
        self.tokens.get(name).filter(|token| match token.keeping {
            Keeping::Uncharged => !drops || !over(token),
            Keeping::Kept => true,
            Keeping::Spent => false,
        })
    }

    /// The token of this name, if it can be charged.
    pub(super) fn active_token(&self, name: &str, moment: &Moment) -> Option<&Token> {
        self.token(name, moment).filter(|token| !token.inactive)
    }

    /// A charge that went through keeps its token if the merchant says that the customer has agreed, or ends it.
    pub(super) fn keep_token(&mut self, reference: &str) {
        let Some(order) = self.orders.get(reference) else { return };
        let said = |name: &str| order.echo.get(name).and_then(Value::as_str).unwrap_or_default();
        let keeps = match said("remember_me") {
            "YES" => true,
            "NO" => false,
            _ => self.desk.switches.get("remember_me") == "unless_no",
        };
        if let Some(token) = self.tokens.get_mut(said("token_name")) {
            let kept = keeps || token.keeping == Keeping::Kept;
            token.keeping = if kept { Keeping::Kept } else { Keeping::Spent };
        }
    }

    pub(super) fn update_token(&mut self, fields: &Fields, moment: &Moment) -> Answer {
        let (name, status) = (fields.get("token_name"), fields.get("token_status"));
        if let Some(code) = self.wrong_update(fields, moment) {
            return self.refuse(fields, &code);
        }
        let Some(token) = self.tokens.get_mut(name) else { return self.refuse(fields, "00044") };
        let ends = status == "INACTIVE" && !token.inactive;
        token.inactive = status == "INACTIVE" || status.is_empty() && token.inactive;
        let token = token.clone();
        self.updates.insert(fields.get("merchant_reference").to_owned());
        if ends {
            let entry = Entry::new(moment.now, "deactivation", &token.reference).vendor_id(name);
            self.desk.ledger.write(entry);
        }
        let mut shown = fields.echo(false);
        for (field, value) in [
            ("token_status", if token.inactive { "INACTIVE" } else { "ACTIVE" }),
            ("card_brand", token.brand.as_str()),
            ("card_number", token.masked.as_str()),
            ("expiry_date", "3005"),
        ] {
            shown.insert(field.to_owned(), json!(value));
        }
        let code = self.desk.switches.get("token_updated");
        self.say(fields.get("access_code"), (code, shown), moment.fault_name())
    }

    fn wrong_update(&self, fields: &Fields, moment: &Moment) -> Option<String> {
        let (name, status) = (fields.get("token_name"), fields.get("token_status"));
        let switches = &self.desk.switches;
        let reference = fields.get("merchant_reference");
        let used = self.orders.contains_key(reference) || self.updates.contains(reference);
        let unique = switches.get("update_reference") == "unique";
        let again = |inactive| inactive && switches.get("token_again") == "00044";
        let code = if name.is_empty() {
            "00001"
        } else if !["", "ACTIVE", "INACTIVE"].contains(&status) {
            "00033"
        } else if used && unique {
            switches.get("dup_policy")
        } else if self.token(name, moment).is_none_or(|token| again(token.inactive)) {
            "00044"
        } else {
            return None;
        };
        Some(code.to_owned())
    }
}
