//! What nobody could verify about a vendor is a switch here, so that every way can be tried.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A name, and what it is about. The first position is the default.
#[derive(Debug)]
pub(crate) struct Switch {
    pub name: &'static str,
    pub about: &'static str,
    /// All there are; of a free one a few that are worth trying; none of a setting.
    pub positions: &'static [&'static str],
    default: &'static str,
    /// Takes any text.
    free: bool,
}

impl Switch {
    pub(crate) const fn of(
        name: &'static str,
        positions: &'static [&'static str],
        about: &'static str,
    ) -> Self {
        Self { name, about, positions, default: first(positions), free: false }
    }

    /// Takes any text; these positions are worth trying.
    pub(crate) const fn free(
        name: &'static str,
        positions: &'static [&'static str],
        about: &'static str,
    ) -> Self {
        Self { name, about, positions, default: first(positions), free: true }
    }

    /// Where to send to and with what: nothing about the vendor is unknown here.
    pub(crate) const fn setting(
        name: &'static str,
        default: &'static str,
        about: &'static str,
    ) -> Self {
        Self { name, about, positions: &[], default, free: true }
    }

    pub(crate) fn json(&self, value: &str) -> Value {
        json!({"value": value, "default": self.default, "positions": self.positions,
            "free": self.free, "about": self.about})
    }
}

const fn first(positions: &'static [&'static str]) -> &'static str {
    match positions {
        [first, ..] => first,
        [] => "",
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Switches(BTreeMap<String, String>);

impl Switches {
    pub(crate) fn new(known: &[Switch]) -> Self {
        let default = |switch: &Switch| (switch.name.to_owned(), switch.default.to_owned());
        Self(known.iter().map(default).collect())
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    pub(crate) fn on(&self, name: &str) -> bool {
        self.get(name) == "true"
    }

    pub(crate) fn number(&self, name: &str) -> i64 {
        self.get(name).parse().unwrap_or_default()
    }

    pub(crate) fn all(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    pub(crate) fn put(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// Takes text, numbers and booleans; says what is wrong otherwise.
    pub(crate) fn set(
        &mut self,
        known: &[Switch],
        name: &str,
        value: &Value,
    ) -> Result<(), String> {
        let Some(switch) = known.iter().find(|switch| switch.name == name) else {
            let names: Vec<&str> = known.iter().map(|switch| switch.name).collect();
            return Err(format!("no switch is called {name}; there are {}", names.join(", ")));
        };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if !switch.free && !switch.positions.contains(&text.as_str()) {
            return Err(format!("{name} takes {}", switch.positions.join(" or ")));
        }
        self.0.insert(name.to_owned(), text);
        Ok(())
    }

    /// What was saved, wherever it is still a switch.
    pub(crate) fn restore(&mut self, saved: &Self) {
        for (name, value) in &saved.0 {
            if let Some(current) = self.0.get_mut(name) {
                current.clone_from(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Switch] = &[
        Switch::of("list_key", &["payments", "records"], "a list's name"),
        Switch::free("lag_ms", &["0", "5000"], "how late it shows"),
        Switch::setting("url", "here", "where to"),
    ];

    #[test]
    fn a_switch_takes_its_own_positions_only_and_a_free_one_anything() {
        let mut switches = Switches::new(KNOWN);
        assert_eq!((switches.get("list_key"), switches.get("url")), ("payments", "here"));
        assert!(switches.set(KNOWN, "list_key", &Value::from("records")).is_ok());
        assert_eq!(switches.get("list_key"), "records");
        assert!(switches.set(KNOWN, "list_key", &Value::from("rows")).is_err());
        assert!(switches.set(KNOWN, "nothing", &Value::from("x")).is_err());
        assert!(switches.set(KNOWN, "lag_ms", &Value::from(17)).is_ok());
        assert_eq!(switches.number("lag_ms"), 17);
    }
}
