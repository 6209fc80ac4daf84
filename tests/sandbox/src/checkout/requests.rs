//! What a request asks for, checked as strictly as the vendor does.

use crate::wire::Wire;
use serde_json::Value;

const AMOUNT_MAX: i64 = 9_999_999_999;
const REFERENCE_CHARS: usize = 50;
const URL_CHARS: usize = 1_024;

/// A payment as it is asked for, but for its source.
pub(super) struct Asked {
    pub amount: i64,
    pub currency: String,
    pub reference: String,
    pub capture: bool,
    /// The issuer is to ask the customer.
    pub challenge: bool,
    pub success_url: Option<String>,
    pub failure_url: Option<String>,
    pub metadata: Value,
    pub customer: Value,
}

/// The merchant's reference of whatever is asked.
pub(super) fn reference_of(wire: &Wire) -> Option<String> {
    text(&wire.json()?, "reference")
}

/// What Apple calls the payment whose data is exchanged for a token.
pub(super) fn apples_transaction_of(wire: &Wire) -> Option<String> {
    let body = wire.json()?;
    body.pointer("/token_data/header/transactionId")?.as_str().map(str::to_owned)
}

pub(super) fn context_of(wire: &Wire) -> Option<String> {
    text(&wire.json()?, "payment_context_id")
}

/// A JSON object, or the code that says that it is none.
pub(super) fn body(wire: &Wire) -> Result<Value, &'static str> {
    match wire.json() {
        Some(body @ Value::Object(_)) => Ok(body),
        Some(_) => Err("request_json_invalid"),
        // A follow-up may come without any body.
        None if wire.body.is_empty() => Ok(Value::Object(serde_json::Map::new())),
        None => Err("request_malformed"),
    }
}

pub(super) fn text(body: &Value, name: &str) -> Option<String> {
    body.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// A whole number of minor units, when one is given.
pub(super) fn amount(body: &Value) -> Result<Option<i64>, &'static str> {
    match body.get("amount") {
        None => Ok(None),
        Some(amount) => {
            let amount = amount.as_i64().filter(|amount| (0..=AMOUNT_MAX).contains(amount));
            amount.map(Some).ok_or("amount_invalid")
        }
    }
}

pub(super) fn reference(body: &Value) -> Result<String, &'static str> {
    let reference = text(body, "reference").unwrap_or_default();
    let short = reference.chars().count() <= REFERENCE_CHARS;
    short.then_some(reference).ok_or("reference_invalid")
}

pub(super) fn payment(body: &Value, channel: &str) -> Result<Asked, &'static str> {
    let currency = text(body, "currency").ok_or("currency_required")?;
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err("currency_invalid");
    }
    match text(body, "processing_channel_id") {
        None => return Err("processing_channel_id_required"),
        Some(shown) if shown != channel => return Err("cko_processing_channel_id_invalid"),
        Some(_) => {}
    }
    let url = |name: &str, wrong| match text(body, name) {
        Some(url) if url.len() > URL_CHARS || !url.starts_with("http") => Err(wrong),
        url => Ok(url),
    };
    Ok(Asked {
        amount: amount(body)?.unwrap_or_default(),
        currency,
        reference: reference(body)?,
        capture: body.get("capture").and_then(Value::as_bool).unwrap_or(true),
        challenge: body.pointer("/3ds/enabled").and_then(Value::as_bool).unwrap_or_default(),
        success_url: url("success_url", "success_url_invalid")?,
        failure_url: url("failure_url", "fail_url_invalid")?,
        metadata: body.get("metadata").cloned().unwrap_or_default(),
        customer: body.get("customer").cloned().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_mistake_has_its_code() {
        let good = json!({"currency": "SAR", "amount": 6_450, "reference": "BK-1",
            "processing_channel_id": "pc_1", "success_url": "https://x/"});
        let code = |name: &str, value: Value| {
            let mut body = good.clone();
            body[name] = value;
            payment(&body, "pc_1").err()
        };
        assert!(payment(&good, "pc_1").is_ok());
        for amount in [json!("6450"), json!(64.5), json!(-1), json!(null)] {
            assert_eq!(code("amount", amount), Some("amount_invalid"));
        }
        assert_eq!(code("currency", json!("sar")), Some("currency_invalid"));
        assert_eq!(code("reference", json!("x".repeat(51))), Some("reference_invalid"));
        assert_eq!(
            code("processing_channel_id", json!("pc_2")),
            Some("cko_processing_channel_id_invalid")
        );
        assert_eq!(code("success_url", json!("javascript:1")), Some("success_url_invalid"));
    }
}
