//! What becomes of an answer that a fault spoils: lost, cut, replaced, slowed down, or told oddly.

use crate::catalogue::Spoil;
use crate::socket::Line;
use crate::wire::Answer;
use crate::world::World;
use serde_json::{Value, json};
use std::time::Duration;

const HOLD_MS: u64 = 60_000;
const SLOW_MS: u64 = 2_000;
const RETRY_AFTER: &str = "retry-after";

/// Where an answer is spoiled.
pub(crate) struct Spoiler<'a> {
    pub world: &'a World,
    pub vendor: &'static str,
    pub line: &'a Line,
}

impl Spoiler<'_> {
    pub(crate) async fn spoil(
        &self,
        spoil: Spoil,
        delay_ms: Option<u64>,
        mut answer: Answer,
    ) -> Answer {
        let wait = |default| Duration::from_millis(delay_ms.unwrap_or(default));
        match spoil {
            Spoil::Hold => {
                self.pause(wait(HOLD_MS)).await;
                self.line.hang_up();
            }
            Spoil::Reset => self.line.reset(),
            Spoil::Truncate => self.line.truncate(),
            Spoil::Stall => self.line.stall(wait(HOLD_MS)),
            Spoil::Slow => self.pause(wait(SLOW_MS)).await,
            Spoil::Drip => self.line.drip(wait(SLOW_MS)),
            Spoil::Status(status) => return unavailable(self.world, self.vendor, status),
            Spoil::SignIn => {
                return Answer::html(200, "<html><body><h1>Please sign in</h1></body></html>");
            }
            Spoil::Body(text) => return json_text(text.to_owned()),
            Spoil::Half => return json_text(half(answer.body)),
            Spoil::Bom => answer.body.insert(0, '\u{feff}'),
            Spoil::WrongType => answer.kind = "text/html; charset=utf-8",
            Spoil::UnknownFields => {
                if let Ok(mut body) = serde_json::from_str(&answer.body) {
                    add_fields(&mut body);
                    answer.body = body.to_string();
                }
            }
        }
        answer
    }

    /// Ends early when the sandbox stops.
    async fn pause(&self, wait: Duration) {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.world.stop() => {}
        }
    }
}

fn json_text(text: String) -> Answer {
    Answer::of(200, "application/json; charset=utf-8", text)
}

/// The first half, to the nearest character.
fn half(mut text: String) -> String {
    let middle = text.len() / 2;
    text.truncate((middle..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0));
    text
}

fn add_fields(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(add_fields);
            fields.insert("randomField".to_owned(), json!({"nobody": ["knows", 1, null]}));
        }
        Value::Array(items) => items.iter_mut().for_each(add_fields),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What stands in front of a vendor answers when the vendor cannot.
pub(crate) fn unavailable(world: &World, vendor: &str, status: u16) -> Answer {
    let switch = |name: &str| {
        let vendor = world.vendor(vendor);
        vendor.map(|vendor| vendor.desk().switches.get(name).to_owned()).unwrap_or_default()
    };
    let answer = match switch("error_page").as_str() {
        "empty" => Answer::text(status, ""),
        "json" => Answer::json(status, &json!({"message": "the service is not available"})),
        _ => {
            let head = "<html><head><title>Request Error</title></head>";
            Answer::html(status, format!("{head}<body>{status}</body></html>"))
        }
    };
    let wait = switch("retry_after");
    let asks = matches!(status, 429 | 503) && !wait.is_empty() && wait != "none";
    if asks { answer.with(RETRY_AFTER, wait) } else { answer }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_text_ends_at_a_character() {
        assert_eq!(half("abcdef".to_owned()), "abc");
        assert_eq!(half("سلا".to_owned()), "سل");
        assert_eq!(half(String::new()), "");
    }

    #[test]
    fn unknown_fields_are_added_to_every_object() {
        let mut body = json!({"payments": [{"id": "1"}]});
        add_fields(&mut body);
        assert!(body["randomField"].is_object());
        assert!(body["payments"][0]["randomField"].is_object());
        assert_eq!(body["payments"][0]["id"], "1");
    }
}
