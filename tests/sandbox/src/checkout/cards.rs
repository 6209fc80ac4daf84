//! Cards, as far as a gateway shows them: tokens that can be used once and not for long, and saved cards.

use super::payments::Source;
use super::refusals::{bare, refused};
use super::requests::{body, text};
use super::{Checkout, new_id};
use crate::clock::{self, MINUTE};
use crate::ledger::Entry;
use crate::vendor::Moment;
use crate::wire::{Answer, Wire};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const TOKEN_LIFE_MS: i64 = 15 * MINUTE;

/// The first six and the last four digits are all there is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Card {
    pub id: String,
    pub bin: String,
    pub last4: String,
    pub scheme: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Token {
    card: Card,
    used: bool,
    expires_at: i64,
}

impl Card {
    fn of(number: &str) -> Option<Self> {
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || !(13..=19).contains(&number.len()) {
            return None;
        }
        let scheme = match number.as_bytes() {
            _ if ["446404", "588845", "968201"].iter().any(|bin| number.starts_with(bin)) => "Mada",
            [b'3', b'4' | b'7', ..] => "American Express",
            [b'5', ..] => "Mastercard",
            _ => "Visa",
        };
        Some(Self {
            id: new_id("src"),
            bin: number.get(..6)?.to_owned(),
            last4: number.get(number.len() - 4..)?.to_owned(),
            scheme: scheme.to_owned(),
        })
    }

    /// Apple gives a number of the device's own, with the card's last digits.
    fn of_apple() -> Self {
        let (bin, last4) = ("454347".to_owned(), "0492".to_owned());
        Self { id: new_id("src"), bin, last4, scheme: "Visa".to_owned() }
    }

    /// As far as a gateway shows, it is the same card.
    fn is_like(&self, other: &Self) -> bool {
        (&self.bin, &self.last4) == (&other.bin, &other.last4)
    }

    pub(super) fn json(&self) -> Value {
        json!({"expiry_month": 5, "expiry_year": 2030, "scheme": self.scheme, "last4": self.last4,
            "bin": self.bin, "card_type": "Credit", "card_category": "Consumer",
            "issuer": "Sandbox Bank", "issuer_country": "SA", "product_id": "F",
            "product_type": "Visa Classic"})
    }
}

impl Checkout {
    /// `POST tokens`
    pub(super) fn exchange(&mut self, wire: &Wire, moment: &Moment) -> Answer {
        let body = match body(wire) {
            Ok(body) => body,
            Err(code) => return refused(422, code),
        };
        let kind = text(&body, "type").unwrap_or_default();
        let card = match kind.as_str() {
            "card" => {
                text(&body, "number").as_deref().and_then(Card::of).ok_or("card_number_invalid")
            }
            "applepay" if is_apples(&body) => Ok(Card::of_apple()),
            "applepay" => Err("token_data_invalid"),
            _ => Err("token_type_invalid"),
        };
        let card = match card {
            Ok(card) => card,
            Err(code) => return refused(422, code),
        };
        let (id, expires_at) = (new_id("tok"), moment.now + moment.clock.shortened(TOKEN_LIFE_MS));
        let mut answer = card.json();
        answer["type"] = json!(kind);
        answer["token"] = json!(id);
        answer["expires_on"] = json!(clock::rfc3339(expires_at));
        self.desk.ledger.write(Entry::new(moment.now, "token", "").vendor_id(&id));
        self.tokens.insert(id, Token { card, used: false, expires_at });
        Answer::json(201, &answer)
    }

    /// The card behind a payment's source; a token is used up by it.
    pub(super) fn source(&mut self, source: &Value, now: i64) -> Result<Source, &'static str> {
        let kind = text(source, "type").ok_or("source_type_required")?;
        match kind.as_str() {
            "token" => {
                let token = text(source, "token").ok_or("token_required")?;
                self.use_token(&token, now).map(Source::Card)
            }
            "id" => {
                let id = text(source, "id").ok_or("source_id_invalid")?;
                self.cards.get(&id).cloned().map(Source::Card).ok_or("source_id_unknown")
            }
            // Only with a context.
            "stcpay" => Err("merchant_data_delegated_authentication_failed"),
            _ => Err("payment_method_not_supported"),
        }
    }

    fn use_token(&mut self, id: &str, now: i64) -> Result<Card, &'static str> {
        let token = self.tokens.get_mut(id).ok_or("token_invalid")?;
        if token.used {
            return Err("token_used");
        }
        if token.expires_at <= now {
            return Err("token_expired");
        }
        token.used = true;
        Ok(token.card.clone())
    }

    /// `POST instruments`: a token becomes a saved card.
    pub(super) fn create_instrument(&mut self, wire: &Wire, moment: &Moment) -> Answer {
        let body = match body(wire) {
            Ok(body) => body,
            Err(code) => return refused(422, code),
        };
        let token = text(&body, "token").unwrap_or_default();
        match self.use_token(&token, moment.now) {
            Ok(card) => {
                let again = self.desk.switches.get("instrument_again") == "same";
                if let Some(kept) = self.cards.values().find(|kept| again && kept.is_like(&card)) {
                    return Answer::json(201, &instrument(kept));
                }
                self.desk
                    .ledger
                    .write(Entry::new(moment.now, "instrument", "").vendor_id(&card.id));
                let shown = instrument(&card);
                self.cards.insert(card.id.clone(), card);
                Answer::json(201, &shown)
            }
            Err(code) => refused(422, code),
        }
    }

    pub(super) fn get_instrument(&self, id: &str) -> Answer {
        self.cards.get(id).map_or_else(|| bare(404), |card| Answer::json(200, &instrument(card)))
    }

    pub(super) fn delete_instrument(&mut self, id: &str, moment: &Moment) -> Answer {
        if self.cards.remove(id).is_none() {
            return bare(404);
        }
        let entry = Entry::new(moment.now, "instrument_deleted", "").vendor_id(id);
        self.desk.ledger.write(entry);
        bare(204)
    }
}

fn instrument(card: &Card) -> Value {
    let mut shown = card.json();
    shown["id"] = json!(card.id);
    shown["type"] = json!("card");
    shown["fingerprint"] = json!("a".repeat(26));
    shown
}

/// Apple's `paymentData`, unchanged.
fn is_apples(body: &Value) -> bool {
    let field = |place: &str| body.pointer(place).and_then(Value::as_str).is_some();
    ["/token_data/version", "/token_data/data", "/token_data/signature"].into_iter().all(field)
        && field("/token_data/header/transactionId")
}
