//! Reads variables and remembers what was wrong with them.

/// Where a value comes from, by its name.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads names; what is missing or makes no sense is kept, so that all of it is said at once.
pub(super) struct Reader<'a> {
    lookup: Lookup<'a>,
    complaints: Vec<String>,
}

/// Names that are missing or make no sense, all of them.
#[derive(Debug, thiserror::Error)]
#[error("Usher cannot start. In the environment:\n  {}", .0.join("\n  "))]
pub(crate) struct Incomplete(Vec<String>);

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: Lookup<'a>) -> Self {
        Self { lookup, complaints: Vec::new() }
    }

    pub(super) fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    pub(super) fn required(&mut self, name: &str, meaning: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
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
        self.complaints.push(sentence.into());
    }

    /// What was read, unless anything was wrong with it.
    pub(super) fn finish<T>(self, read: T) -> Result<T, Incomplete> {
        if self.complaints.is_empty() { Ok(read) } else { Err(Incomplete(self.complaints)) }
    }
}
