//! What the vendor says: everything back that was sent, the result, and the signature; or, by a fault, something else.

use super::PayFort;
use super::signature::{Fields, sign, texts_of};
use crate::vendor::Moment;
use crate::wire::Answer;
use serde_json::{Map, Value, json};

const AMOUNTS: &[&str] = &["amount", "authorized_amount", "captured_amount"];
/// What a message is never without, unless it is bare.
const ALWAYS: &[&str] = &[
    "access_code",
    "merchant_identifier",
    "merchant_reference",
    "command",
    "query_command",
    "amount",
    "currency",
    "fort_id",
    "maintenance_reference",
    "response_code",
    "status",
    "3ds_url",
    "transaction_code",
    "authorized_amount",
    "captured_amount",
    "refunded_amount",
];
const RESULT: &[&str] = &["response_code", "response_message", "status"];

impl PayFort {
    /// The result of a charge, with everything that was sent.
    pub(super) fn show_order(&self, reference: &str, moment: &Moment) -> Answer {
        let Some(order) = self.orders.get(reference) else {
            return self.refuse(&Fields::default(), "00036");
        };
        let shown = self.order_fields(reference);
        self.say(&order.access_code, (&order.code, shown), moment.fault_name())
    }

    pub(super) fn order_fields(&self, reference: &str) -> Map<String, Value> {
        let Some(order) = self.orders.get(reference) else { return Map::new() };
        let mut shown = order.echo.clone();
        shown.insert("fort_id".to_owned(), json!(order.fort_id));
        shown.insert("amount".to_owned(), json!(order.amount.to_string()));
        shown.insert("currency".to_owned(), json!(order.currency));
        if order.code == super::orders::codes(&order.op).0 {
            shown.insert("authorization_code".to_owned(), json!("636973"));
        }
        shown
    }

    /// An answer of status 00 or 11, without any effect.
    pub(super) fn refuse(&self, fields: &Fields, code: &str) -> Answer {
        self.say(fields.get("access_code"), (code, fields.echo(false)), "")
    }

    pub(super) fn say(
        &self,
        access_code: &str,
        (code, fields): (&str, Map<String, Value>),
        fault: &str,
    ) -> Answer {
        let failed = code.starts_with("00") || code.starts_with("11");
        let fields = self.message(access_code, (code, fields), fault);
        let bad = failed && self.desk.switches.get("http_status_on_error") == "400";
        Answer::json(if bad { 400 } else { 200 }, &fields)
    }

    /// A message with its result, as a fault distorts it, and signed.
    pub(super) fn message(
        &self,
        access_code: &str,
        (code, mut fields): (&str, Map<String, Value>),
        fault: &str,
    ) -> Map<String, Value> {
        fields.insert("response_code".to_owned(), json!(code));
        fields.insert("status".to_owned(), json!(code.get(..2)));
        let arabic = fields.get("language").and_then(Value::as_str) == Some("ar");
        let message = if arabic { "نص الرسالة" } else { text(code) };
        fields.insert("response_message".to_owned(), json!(message));
        distort(&mut fields, fault);
        let failed = code.starts_with("00") || code.starts_with("11");
        let signs = fault != "unsigned" && (!failed || self.desk.switches.on("sign_errors"));
        if signs && let Some(signature) = self.signature(access_code, &fields, fault) {
            fields.insert("signature".to_owned(), json!(signature));
        }
        fields
    }

    fn signature(
        &self,
        access_code: &str,
        fields: &Map<String, Value>,
        fault: &str,
    ) -> Option<String> {
        let own = self.channel(access_code)?;
        let other = self.settings.channels.iter().find(|it| it.access_code != access_code)?;
        let phrase = match fault {
            "signed_by_request_phrase" => &own.request_phrase,
            "signed_by_other_channel" => &other.response_phrase,
            _ => &own.response_phrase,
        };
        sign(&own.sha_type, phrase, &texts_of(fields))
    }
}

/// A genuine message that does not fit what was asked, or says less than it might, or more.
pub(super) fn distort(fields: &mut Map<String, Value>, fault: &str) {
    let change = |fields: &mut Map<String, Value>, by: &dyn Fn(i64) -> Value| {
        for name in AMOUNTS {
            let minor = fields.get(*name).and_then(Value::as_str).and_then(|it| it.parse().ok());
            if let Some(minor) = minor.filter(|minor| *minor > 0) {
                fields.insert((*name).to_owned(), by(minor));
            }
        }
    };
    match fault {
        "amount_mismatch" => change(fields, &|minor| json!((minor + 100).to_string())),
        "amount_hundredth" => change(fields, &|minor| json!((minor / 100).to_string())),
        "amount_as_number" => change(fields, &|minor| json!(minor)),
        "currency_mismatch" => put(fields, "currency", "AED"),
        "reference_mismatch" => put(fields, "merchant_reference", "BK-someone-else"),
        "fort_id_mismatch" => put(fields, "fort_id", "169900000000000000"),
        "missing_fields" => fields.retain(|name, _| ALWAYS.contains(&name.as_str())),
        "bare_result" => fields.retain(|name, _| RESULT.contains(&name.as_str())),
        "new_fields" => {
            fields.insert("new_param".to_owned(), json!({"nobody": ["knows", 1, null]}));
        }
        _ => {}
    }
}

fn put(fields: &mut Map<String, Value>, name: &str, value: &str) {
    fields.insert(name.to_owned(), json!(value));
}

pub(super) fn text(code: &str) -> &'static str {
    match code.get(2..).unwrap_or_default() {
        "000" => "Success",
        "001" => "Missing parameter",
        "002" => "Invalid parameter format",
        "004" => "Invalid command",
        "005" => "Invalid amount",
        "006" => "Technical problem",
        "007" => "Duplicate order number",
        "008" => "Signature mismatch",
        "009" => "Invalid merchant identifier",
        "010" => "Invalid access code",
        "012" => "Card expired",
        "029" => "Insufficient funds",
        "030" => "Authentication failed",
        "034" => "Operation not allowed",
        "036" => "Order not found",
        "042" => "Amount exceeds the authorized amount",
        "044" => "Token name does not exist",
        "047" => "Order already processed",
        "048" => "Amount exceeds the captured amount",
        "064" => "3-D Secure check requested",
        "066" => "Merchant reference already exists",
        "073" => "Invalid request format",
        "090" => "Transaction in review",
        "662" => "Order not confirmed yet",
        "666" => "Transaction declined",
        "773" => "Transaction closed",
        "777" => "Processed, but no confirmation was received",
        _ => "See the documentation",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_told_in_every_wrong_form() {
        for (fault, expected) in [
            ("amount_mismatch", json!({"amount": "10680", "captured_amount": "0"})),
            ("amount_hundredth", json!({"amount": "105", "captured_amount": "0"})),
            ("amount_as_number", json!({"amount": 10_580, "captured_amount": "0"})),
            ("bare_result", json!({})),
        ] {
            let mut fields = Map::new();
            put(&mut fields, "amount", "10580");
            put(&mut fields, "captured_amount", "0");
            distort(&mut fields, fault);
            assert_eq!(Value::Object(fields), expected, "{fault}");
        }
    }
}
