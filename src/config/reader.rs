//! Reads values by their names, and remembers what was wrong with them.

use super::values::Values;
use std::cell::RefCell;

/// Reads names; what is missing or makes no sense is kept, so that all of it is said at once.
pub(super) struct Reader<'a> {
    values: &'a Values,
    complaints: RefCell<Vec<String>>,
}

/// Names that are missing or make no sense, all of them.
#[derive(Debug, thiserror::Error)]
#[error("Usher cannot start. In the configuration:\n  {}", .0.join("\n  "))]
pub(crate) struct Incomplete(Vec<String>);

impl<'a> Reader<'a> {
    pub(super) fn new(values: &'a Values) -> Self {
        Self { values, complaints: RefCell::default() }
    }

    pub(super) fn optional(&self, name: &str) -> Option<String> {
        self.values.get(name).unwrap_or_else(|conflict| {
            self.note(conflict);
            // Something is there: it is not missing as well.
            Some(String::new())
        })
    }

    pub(super) fn required(&mut self, name: &str, meaning: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.values.is_missing(name);
            self.complain(format!("{name} is missing: {meaning}"));
            String::new()
        })
    }

    pub(super) fn number(&mut self, name: &str, usual: u32) -> u32 {
        let Some(text) = self.optional(name) else { return usual };
        text.parse().ok().filter(|number| *number > 0).unwrap_or_else(|| {
            self.complain(format!("{name} is {text:?}: a whole number from 1 is needed"));
            usual
        })
    }

    pub(super) fn complain(&mut self, sentence: impl Into<String>) {
        self.note(sentence.into());
    }

    /// What was read, unless anything was wrong with it.
    pub(super) fn finish<T>(self, read: T) -> Result<T, Incomplete> {
        let complaints = self.complaints.into_inner();
        if complaints.is_empty() { Ok(read) } else { Err(Incomplete(complaints)) }
    }

    /// Once, however often it is found.
    fn note(&self, sentence: String) {
        let mut complaints = self.complaints.borrow_mut();
        if !complaints.contains(&sentence) {
            complaints.push(sentence);
        }
    }
}
