//! What may be kept of a delivery that nobody believes: what its fields are called, as far as they are called anything.

use axum::http::HeaderMap;
use serde_json::{Map, Value};

const FIELDS_MAX: usize = 64;
const DEPTH_MAX: usize = 8;
const HEADERS_MAX: usize = 32;
const NAME_CHARS: usize = 40;
/// More digits than this are somebody's number, and no name.
const DIGITS_MAX: usize = 4;
const STAR: &str = "*";

/// Of JSON or a form, the names of its fields, with a star for each value. None: it is neither.
pub(super) fn of(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?.trim();
    match serde_json::from_str(text) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => {
            Some(starred(&value, 0, &mut { FIELDS_MAX }).to_string())
        }
        Ok(_) => None,
        Err(_) => form(text),
    }
}

/// The names of headers, in the order they came.
pub(super) fn header_names(headers: &HeaderMap) -> Vec<String> {
    headers.keys().take(HEADERS_MAX).map(|header| name(header.as_str(), "_-")).collect()
}

/// `left`: how many more fields there may be.
fn starred(value: &Value, depth: usize, left: &mut usize) -> Value {
    match value {
        _ if depth >= DEPTH_MAX => STAR.into(),
        Value::Object(fields) => {
            let mut kept = Map::new();
            for (field, value) in fields {
                if !take(left) {
                    break;
                }
                kept.insert(name(field, "_."), starred(value, depth + 1, left));
            }
            Value::Object(kept)
        }
        Value::Array(list) => {
            let mut kept = Vec::new();
            for value in list {
                if !take(left) {
                    break;
                }
                kept.push(starred(value, depth + 1, left));
            }
            Value::Array(kept)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => STAR.into(),
    }
}

/// Whether there may be one more.
const fn take(left: &mut usize) -> bool {
    *left = left.saturating_sub(1);
    *left > 0
}

/// `a=*&b=*`
fn form(text: &str) -> Option<String> {
    let names: Option<Vec<String>> = text
        .split('&')
        .take(FIELDS_MAX)
        .map(|pair| pair.split_once('=').map(|(field, _)| format!("{}={STAR}", name(field, "_."))))
        .collect();
    names.map(|names| names.join("&"))
}

/// A name as programmers give them: letters, a few digits, and these. Anything else in its place could be anything.
fn name(said: &str, between: &str) -> String {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || between.as_bytes().contains(&byte);
    let digits = said.bytes().filter(u8::is_ascii_digit).count();
    let sound =
        (1..=NAME_CHARS).contains(&said.len()) && said.bytes().all(part) && digits <= DIGITS_MAX;
    if sound { said.to_owned() } else { STAR.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(body: &str) -> Option<String> {
        of(body.as_bytes())
    }

    #[test]
    fn names_stay_and_values_do_not() {
        let json = r#"{"type":"payment_captured","data":{"id":"pay_1","card":{"last4":"0007"},"n":[null,true]}}"#;
        let kept = r#"{"data":{"card":{"last4":"*"},"id":"*","n":["*","*"]},"type":"*"}"#;
        assert_eq!(excerpt(json).as_deref(), Some(kept));
        let form = "amount=10580&card_holder_name=Sara+Ali&%D8%B3=x&3ds=1";
        assert_eq!(excerpt(form).as_deref(), Some("amount=*&card_holder_name=*&*=*&3ds=*"));
        for neither in ["", "0A3471C72D9B", "\"text\"", "4111111111111111", "<html>", "a=1&b"] {
            assert_eq!(excerpt(neither), None, "{neither}");
        }
        assert_eq!(of(b"\xff\xfe"), None);
    }

    #[test]
    fn what_is_called_like_a_number_or_a_sentence_has_no_name() {
        for odd in
            ["4111111111111111", "+966501234567", "Sara Ali", "سارة", "", "a\nb", "user_12345"]
        {
            assert_eq!(name(odd, "_."), STAR, "{odd}");
        }
        assert_eq!(name(&"a".repeat(NAME_CHARS + 1), "_."), STAR);
    }

    #[test]
    fn it_is_short_however_long_the_body_is() {
        let wide = format!("[{}]", vec!["{\"name\":0}"; 6_000].join(","));
        let many: Vec<String> =
            (0..6_000).map(|n| format!("\"{}\":0", "n".repeat(n % 40 + 1))).collect();
        let many = format!("{{{}}}", many.join(","));
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        let form = "name=1&".repeat(9_000) + "name=1";
        for body in [wide, many, deep, form] {
            let kept = excerpt(&body).unwrap();
            assert!(kept.len() < FIELDS_MAX * (NAME_CHARS + 8), "{} bytes", kept.len());
        }
    }
}
