//! Which steps are to fail, when and how: a folder that the product's test build reads (`tests/sabotage`).

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// An error of our own ground, a bug, a power cut: before the step has done anything, and after it is done.
pub(super) const KINDS: [&str; 3] = ["error", "panic", "crash"];
pub(super) const MOMENTS: [&str; 2] = ["before", "after"];

pub(crate) struct Plan(PathBuf);

impl Plan {
    pub(crate) fn new() -> Self {
        let name = format!("sweep-{:08x}", rand::random::<u32>());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn folder(&self) -> String {
        self.0.to_str().unwrap().to_owned()
    }

    /// Each of these steps is to fail in every way; how many failures that makes.
    pub(super) fn add(&self, steps: &BTreeSet<String>) -> usize {
        let mut planned = 0;
        for step in steps {
            for moment in MOMENTS {
                for kind in KINDS {
                    self.add_one(&format!("{step}.{moment}.{kind}"));
                    planned += 1;
                }
            }
        }
        planned
    }

    /// `{step}.{moment}.{kind}`
    pub(crate) fn add_one(&self, failure: &str) {
        fs::write(self.0.join(failure), "").unwrap();
    }

    /// The failures that nobody has had yet.
    pub(crate) fn left(&self) -> Vec<String> {
        self.names().into_iter().filter(|name| !name.contains('@')).collect()
    }

    /// The keys of the workflows that had one.
    pub(crate) fn struck(&self) -> BTreeSet<String> {
        let names = self.names();
        names
            .iter()
            .filter_map(|name| name.split_once('@'))
            .map(|(_, key)| key.to_owned())
            .collect()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

impl Drop for Plan {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
