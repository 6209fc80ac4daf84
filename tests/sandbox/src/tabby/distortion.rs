//! Genuine payments that do not fit what was asked, or are told oddly.

use super::amounts;
use crate::money::decimal;
use serde_json::{Number, Value, json};

/// A payment as a fault shows it.
pub(super) fn distorted(mut body: Value, fault: &str) -> Value {
    match fault {
        "amount_mismatch" => each_amount(&mut body, &|minor| json!(decimal(minor + 100))),
        "amount_hundredth" => each_amount(&mut body, &|minor| json!(decimal(minor / 100))),
        "amount_as_number" => each_amount(&mut body, &|minor| {
            let number: Option<Number> = decimal(minor).parse().ok();
            json!(number)
        }),
        "short_amounts" => each_amount(&mut body, &|minor| json!(amounts::short(minor))),
        "currency_mismatch" => body["currency"] = json!("AED"),
        "reference_mismatch" => body["order"]["reference_id"] = json!("BK-someone-else"),
        "other_system" => body["is_test"] = json!(false),
        "other_case" => body["status"] = json!(swapped(&body["status"])),
        "unknown_status" => body["status"] = json!("REFUNDED"),
        "null_lists" => {
            for list in ["captures", "refunds"] {
                if body[list].as_array().is_some_and(Vec::is_empty) {
                    body[list] = Value::Null;
                }
            }
        }
        "missing_fields" => {
            if let Some(fields) = body.as_object_mut() {
                for list in ["captures", "refunds", "order"] {
                    fields.remove(list);
                }
            }
        }
        _ => {}
    }
    body
}

/// The payment's amount, and those of what moved.
fn each_amount(body: &mut Value, told: &dyn Fn(i64) -> Value) {
    let tell = |amount: &mut Value| {
        if let Some(minor) = amount.as_str().and_then(amounts::parse) {
            *amount = told(minor);
        }
    };
    tell(&mut body["amount"]);
    for list in ["captures", "refunds"] {
        let moved = body.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        moved.for_each(|movement| tell(&mut movement["amount"]));
    }
}

/// In the letters that it is not documented in: small in the API, capital in webhooks.
fn swapped(status: &Value) -> String {
    let text = status.as_str().unwrap_or_default();
    let small = text.to_ascii_lowercase();
    if small == text { text.to_ascii_uppercase() } else { small }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_told_in_every_wrong_form_wherever_they_stand() {
        let payment = json!({"amount": "92.00", "captures": [{"amount": "92.00"}], "refunds": []});
        let shown = |fault| {
            let body = distorted(payment.clone(), fault);
            assert_eq!(body["amount"], body["captures"][0]["amount"]);
            body["amount"].to_string()
        };
        assert_eq!(shown("amount_mismatch"), "\"93.00\"");
        assert_eq!(shown("amount_hundredth"), "\"0.92\"");
        assert_eq!(shown("short_amounts"), "\"92\"");
        assert_eq!(shown("nothing"), "\"92.00\"");
    }

    #[test]
    fn only_empty_lists_become_null() {
        let body = distorted(json!({"captures": [1], "refunds": []}), "null_lists");
        assert_eq!(body, json!({"captures": [1], "refunds": null}));
    }
}
