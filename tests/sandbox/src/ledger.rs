//! What a vendor did, written once and never changed: the truth every check is made against.

use crate::clock;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub at: String,
    pub kind: String,
    pub reference: String,
    pub vendor_id: Option<String>,
    pub parent: Option<String>,
    pub amount_minor: i64,
    pub currency: String,
    #[serde(flatten)]
    pub extras: Map<String, Value>,
}

impl Entry {
    pub(crate) fn new(now: i64, kind: &str, reference: &str) -> Self {
        Self {
            at: clock::rfc3339(now),
            kind: kind.to_owned(),
            reference: reference.to_owned(),
            vendor_id: None,
            parent: None,
            amount_minor: 0,
            currency: "SAR".to_owned(),
            extras: Map::new(),
        }
    }

    pub(crate) fn amount(mut self, amount_minor: i64) -> Self {
        self.amount_minor = amount_minor;
        self
    }

    pub(crate) fn currency(mut self, currency: &str) -> Self {
        currency.clone_into(&mut self.currency);
        self
    }

    pub(crate) fn vendor_id(mut self, id: &str) -> Self {
        self.vendor_id = Some(id.to_owned());
        self
    }

    pub(crate) fn parent(mut self, id: &str) -> Self {
        self.parent = Some(id.to_owned());
        self
    }

    pub(crate) fn extra(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extras.insert(name.to_owned(), value.into());
        self
    }
}

/// Append-only, found by reference without a scan. A copy shares its entries.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Entry>", into = "Vec<Entry>")]
pub(crate) struct Ledger {
    entries: Vec<Arc<Entry>>,
    by_reference: HashMap<String, Vec<usize>>,
}

impl Ledger {
    pub(crate) fn write(&mut self, entry: Entry) {
        let at = self.entries.len();
        self.by_reference.entry(entry.reference.clone()).or_default().push(at);
        // The merchant's own mark on an entry finds it too.
        for name in ["note", "bank_reference"] {
            if let Some(alias) = entry.extras.get(name).and_then(Value::as_str)
                && !alias.is_empty()
                && alias != entry.reference
            {
                let indexes = self.by_reference.entry(alias.to_owned()).or_default();
                if indexes.last() != Some(&at) {
                    indexes.push(at);
                }
            }
        }
        self.entries.push(Arc::new(entry));
    }

    pub(crate) fn of(&self, reference: &str) -> Vec<Arc<Entry>> {
        let indexes = self.by_reference.get(reference).map(Vec::as_slice).unwrap_or_default();
        indexes.iter().filter_map(|at| self.entries.get(*at)).cloned().collect()
    }

    /// Everything but the oldest `from` entries, oldest first.
    pub(crate) fn since(&self, from: usize) -> Vec<Arc<Entry>> {
        self.entries.get(from..).unwrap_or_default().to_vec()
    }
}

impl From<Vec<Entry>> for Ledger {
    fn from(entries: Vec<Entry>) -> Self {
        let mut ledger = Self::default();
        for entry in entries {
            ledger.write(entry);
        }
        ledger
    }
}

impl From<Ledger> for Vec<Entry> {
    fn from(ledger: Ledger) -> Self {
        ledger.entries.into_iter().map(Arc::unwrap_or_clone).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_by_its_reference_and_by_the_merchants_note() {
        let mut ledger = Ledger::default();
        ledger.write(Entry::new(0, "order", "abc"));
        ledger.write(Entry::new(0, "booking", "abc").extra("note", "BK-1"));
        assert_eq!(ledger.of("abc").len(), 2);
        assert_eq!(ledger.of("BK-1").len(), 1);
        let again = Ledger::from(Vec::from(ledger));
        assert_eq!(again.of("BK-1").len(), 1);
        assert_eq!((again.since(0).len(), again.since(1).len(), again.since(9).len()), (2, 1, 0));
    }
}
