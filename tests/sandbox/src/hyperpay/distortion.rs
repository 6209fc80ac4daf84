//! Genuine messages that do not fit what was asked, or say less than they might.

use crate::money::{decimal, parse_decimal};
use crate::vendor::Moment;
use serde_json::{Map, Number, Value, json};

/// What a transaction is never shown without, unless it is bare.
const ALWAYS: &[&str] = &[
    "id",
    "paymentType",
    "amount",
    "currency",
    "merchantTransactionId",
    "referencedId",
    "result",
    "timestamp",
];

/// A transaction as a fault shows it.
pub(super) fn distorted(body: Value, moment: &Moment) -> Value {
    distorted_by(body, moment.fault_name())
}

pub(super) fn distorted_by(mut body: Value, fault: &str) -> Value {
    let amount = || body["amount"].as_str().and_then(parse_decimal).unwrap_or_default();
    match fault {
        "amount_mismatch" => body["amount"] = json!(decimal(amount() + 100)),
        "amount_hundredth" => body["amount"] = json!(decimal(amount() / 100)),
        "amount_as_number" => {
            let number: Option<Number> = decimal(amount()).parse().ok();
            body["amount"] = json!(number);
        }
        "currency_mismatch" => body["currency"] = json!("AED"),
        "reference_mismatch" => body["merchantTransactionId"] = json!("BK-someone-else"),
        "entity_mismatch" => {
            body["authentication"] = json!({"entityId": "8ac7a4c790000000019000000000ffff"});
        }
        "missing_fields" => keep_only(&mut body, ALWAYS),
        "bare_result" => keep_only(&mut body, &["result"]),
        _ => {}
    }
    body
}

fn keep_only(body: &mut Value, names: &[&str]) {
    if let Some(fields) = body.as_object_mut() {
        let kept: Map<String, Value> = std::mem::take(fields)
            .into_iter()
            .filter(|(name, _)| names.contains(&name.as_str()))
            .collect();
        *fields = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_told_in_every_wrong_form() {
        let shown = |fault| distorted_by(json!({"amount": "105.80"}), fault)["amount"].to_string();
        assert_eq!(shown("amount_mismatch"), "\"106.80\"");
        assert_eq!(shown("amount_hundredth"), "\"1.05\"");
        assert_eq!(shown("amount_as_number"), "105.8");
        assert_eq!(shown("currency_mismatch"), "\"105.80\"");
    }

    #[test]
    fn what_is_optional_may_be_missing() {
        let body = json!({"id": "1", "result": {"code": "x"}, "card": {}});
        let body = distorted_by(body, "missing_fields");
        assert_eq!(body, json!({"id": "1", "result": {"code": "x"}}));
        assert_eq!(distorted_by(body, "bare_result"), json!({"result": {"code": "x"}}));
    }
}
