//! What nobody could verify about a vendor is a switch here, so that both ways can be tried.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A name, its default, and the values it takes; an empty list takes any text.
pub(crate) struct Switch(pub &'static str, pub &'static str, pub &'static [&'static str]);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Switches(BTreeMap<String, String>);

impl Switches {
    pub(crate) fn new(known: &[Switch]) -> Self {
        Self(known.iter().map(|switch| (switch.0.to_owned(), switch.1.to_owned())).collect())
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
        let Some(switch) = known.iter().find(|switch| switch.0 == name) else {
            let names: Vec<&str> = known.iter().map(|switch| switch.0).collect();
            return Err(format!("no switch is called {name}; there are {}", names.join(", ")));
        };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if !switch.2.is_empty() && !switch.2.contains(&text.as_str()) {
            return Err(format!("{name} takes {}", switch.2.join(" or ")));
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

    const KNOWN: &[Switch] = &[Switch("list_key", "payments", &["payments", "records"])];

    #[test]
    fn a_switch_takes_its_own_values_only() {
        let mut switches = Switches::new(KNOWN);
        assert!(switches.set(KNOWN, "list_key", &Value::from("records")).is_ok());
        assert_eq!(switches.get("list_key"), "records");
        assert!(switches.set(KNOWN, "list_key", &Value::from("rows")).is_err());
        assert!(switches.set(KNOWN, "nothing", &Value::from("x")).is_err());
    }
}
