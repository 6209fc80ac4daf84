//! What can happen to an honest text on its way: fields left out, said twice, of another type, huge, deep; cut off, in
//! another encoding, in bad company. Nothing of it ever writes a code, a status or a reference that means something.

use crate::draws::Draws;
use serde_json::{Value, json};

/// So many changes of one text at most.
const CHANGES_MAX: usize = 3;
const LONG: usize = 64 * 1024;
const LONGER: usize = 1024 * 1024;
/// No honest text has one in it, so it marks what `text` writes otherwise than JSON would.
const MARK: char = '~';

/// `genuine` with something wrong; `seal` signs it as its vendor does, where that is done within the text.
pub(crate) fn damaged(
    genuine: &Value,
    draws: &mut Draws<'_>,
    seal: &dyn Fn(Value) -> Value,
) -> Vec<u8> {
    let mut value = seal(genuine.clone());
    for _ in 0..draws.below(CHANGES_MAX + 1) {
        change(&mut value, draws);
    }
    if !draws.byte().is_multiple_of(4) {
        value = seal(value);
    }
    let text = text(&value);
    match draws.below(10) {
        0 => text[..draws.below(text.len() + 1)].to_vec(),
        1 => litter(text, draws),
        2 => in_bad_company(text, draws),
        3 => draws.rest().to_vec(),
        _ => text,
    }
}

fn change(value: &mut Value, draws: &mut Draws<'_>) {
    let all = count(value);
    let spare = nth(value, &mut draws.below(all)).cloned().unwrap_or_default();
    let Some(node) = nth(value, &mut draws.below(all)) else { return };
    match draws.below(6) {
        0 => drop_one(node, draws),
        1 => say_twice(node, spare, draws),
        2 => *node = spare,
        3 => *node = json!(format!("{MARK}{}", draws.byte())),
        _ => *node = retyped(node, draws),
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Object(fields) => 1 + fields.values().map(count).sum::<usize>(),
        Value::Array(list) => 1 + list.iter().map(count).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}

fn nth<'v>(value: &'v mut Value, n: &mut usize) -> Option<&'v mut Value> {
    if *n == 0 {
        return Some(value);
    }
    *n -= 1;
    match value {
        Value::Object(fields) => fields.values_mut().find_map(|value| nth(value, n)),
        Value::Array(list) => list.iter_mut().find_map(|value| nth(value, n)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn drop_one(node: &mut Value, draws: &mut Draws<'_>) {
    if let Value::Object(fields) = node
        && !fields.is_empty()
    {
        let names: Vec<String> = fields.keys().cloned().collect();
        fields.remove(draws.one(&names));
    } else if let Value::Array(list) = node
        && !list.is_empty()
    {
        list.remove(draws.below(list.len()));
    }
}

fn say_twice(node: &mut Value, spare: Value, draws: &mut Draws<'_>) {
    if let Value::Object(fields) = node
        && !fields.is_empty()
    {
        let names: Vec<String> = fields.keys().cloned().collect();
        let name = draws.one(&names);
        let again = if draws.byte().is_multiple_of(2) { fields[name].clone() } else { spare };
        fields.insert(format!("{MARK}{name}"), again);
    } else if let Value::Array(list) = node {
        list.push(spare);
    }
}

fn retyped(node: &Value, draws: &mut Draws<'_>) -> Value {
    match draws.below(14) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(false),
        3 => json!(0),
        4 => json!(-1),
        5 => json!(i64::MAX),
        6 => json!(1.5),
        7 => json!(""),
        8 => json!([]),
        9 => json!({}),
        10 => json!([node]),
        11 => json!({ "a": node }),
        12 => json!(node.to_string()),
        // Text as the number it spells.
        _ => match node.as_str().map(serde_json::from_str::<Value>) {
            Some(Ok(number)) => number,
            Some(Err(_)) | None => Value::Null,
        },
    }
}

/// As JSON, with what is marked written as it is.
fn text(value: &Value) -> Vec<u8> {
    let text = value.to_string();
    let mark = format!("\"{MARK}");
    let mut parts = text.split(&mark);
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.split_once('"') {
            Some((number, rest)) if number.parse::<u8>().is_ok() => {
                bytes.extend(odd(number.parse().unwrap_or_default()));
                bytes.extend(rest.as_bytes());
            }
            // A field that is there already.
            _ => bytes.extend([b"\"", part.as_bytes()].concat()),
        }
    }
    bytes
}

/// What no honest value is.
fn odd(which: u8) -> Vec<u8> {
    match which % 20 {
        0 => b"18446744073709551616".to_vec(),
        1 => b"-9223372036854775809".to_vec(),
        2 => b"1e400".to_vec(),
        3 => b"-0".to_vec(),
        4 => b"0.1000000000000000000001".to_vec(),
        5 => b"9".repeat(400),
        6 => b"NaN".to_vec(),
        7 => [b"[".repeat(100), b"]".repeat(100)].concat(),
        8 => [b"[".repeat(200), b"]".repeat(200)].concat(),
        9 => b"[".repeat(LONG),
        10 => b"{\"a\":".repeat(LONG / 8),
        11 => b"\"\\ud800\"".to_vec(),
        12 => b"\"\xff\xfe\"".to_vec(),
        13 => b"\"\\u0034\\u0031\"".to_vec(),
        14 => b"\"\0\"".to_vec(),
        15 => quoted(b"5105105105105100 ".repeat(LONG / 64)),
        16 => quoted(b"1 ".repeat(LONG / 8)),
        17 => quoted(b"a".repeat(LONG)),
        18 if which == 18 => quoted(b"a".repeat(LONGER)),
        _ => b"\"\"".to_vec(),
    }
}

fn quoted(text: Vec<u8>) -> Vec<u8> {
    [b"\"".to_vec(), text, b"\"".to_vec()].concat()
}

/// Bytes that mean something to a parser, here and there.
fn litter(mut text: Vec<u8>, draws: &mut Draws<'_>) -> Vec<u8> {
    const LITTER: [u8; 14] = *b"\"\\{}[]:,\n\0\x7f\x80\xc0\xff";
    for _ in 0..=draws.below(4) {
        if !text.is_empty() {
            let at = draws.below(text.len());
            text[at] = *draws.one(&LITTER);
        }
    }
    text
}

fn in_bad_company(text: Vec<u8>, draws: &mut Draws<'_>) -> Vec<u8> {
    match draws.below(7) {
        0 => [b"\xef\xbb\xbf".to_vec(), text].concat(),
        1 => [text.clone(), text].concat(),
        2 => [b"<html>".to_vec(), text].concat(),
        3 => String::from_utf8_lossy(&text).encode_utf16().flat_map(u16::to_le_bytes).collect(),
        4 => [b"[".to_vec(), text, b"]".to_vec()].concat(),
        5 => quoted(text),
        _ => [text, b" ".repeat(LONGER)].concat(),
    }
}
