//! Every place that something could have been written to, searched for what must be nowhere.

use super::overheard::Overheard;
use harness::Visit;
use regex::bytes::Regex;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Each place with everything that is written there.
pub(super) struct Places(BTreeMap<String, Vec<u8>>);

/// Where there is always something: nothing planted in an empty place is no good news.
const WRITTEN: [&str; 5] =
    ["table vendor_calls", "engine sys_journal", "restate's", "postgres's", "usher's"];

/// The same, and other houses read it: of what is planted, not even what is kept may be there.
pub(super) const TOLD: [&str; 4] =
    ["the metrics", "told at /v1/traces", "told at /v1/logs", "told at /api/7/envelope/"];

impl Places {
    pub(super) async fn read(overheard: &Overheard) -> Self {
        // The metrics are counted up to this moment, and everything else is written by then.
        let mut places = Self(overheard.told().await.into_iter().collect());
        let visit = &overheard.visit;
        places.read_tables(visit).await;
        places.read_journal(visit).await;
        let engines = &visit.system.engines;
        for (name, engine) in [("postgres", &engines.postgres), ("restate", &engines.restate)] {
            places.read_files(name, engine.data());
            places.read_file(name, engine.log());
        }
        places.read_file("usher", visit.system.log());
        // What is stored is pictures: their bytes are searched, and so is whatever their makers have written beside.
        places.read_files("the store", visit.system.store.as_ref().unwrap());
        for place in WRITTEN.into_iter().chain(TOLD) {
            places.assert_searched(place);
        }
        places
    }

    /// Everything of this shape that is written anywhere, with its places.
    pub(super) fn find(&self, shape: &Regex) -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (place, written) in &self.0 {
            for one in shape.find_iter(written) {
                let text = String::from_utf8_lossy(one.as_bytes()).into_owned();
                found.entry(text).or_default().insert(place.clone());
            }
        }
        found
    }

    /// Whether anything was written to a place whose name begins like this: an empty search finds nothing.
    pub(super) fn assert_searched(&self, place: &str) {
        let written =
            |(name, written): (&String, &Vec<u8>)| name.contains(place) && !written.is_empty();
        assert!(self.0.iter().any(written), "nothing is written in {place}");
    }

    async fn read_tables(&mut self, visit: &Visit) {
        let tables = "SELECT table_name::text FROM information_schema.tables
                      WHERE table_schema = 'public'";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&visit.db).await.unwrap();
        for table in tables {
            // The tables' names are ours.
            let query = AssertSqlSafe(format!("SELECT r::text FROM {table} r"));
            let rows: Vec<String> = sqlx::query_scalar(query).fetch_all(&visit.db).await.unwrap();
            self.0.insert(format!("table {table}"), rows.join("\n").into_bytes());
        }
    }

    /// What the engine shows of its journals; payloads are base64 there.
    async fn read_journal(&mut self, visit: &Visit) {
        let url = format!("{}/query", visit.system.engines.restate_admin_url());
        for table in ["sys_journal", "sys_journal_events", "sys_invocation", "sys_promise", "state"]
        {
            let query = json!({ "query": format!("SELECT * FROM {table}") });
            let asked = visit.http.post(&url).header("accept", "application/json").json(&query);
            let answer: Value = asked.send().await.unwrap().json().await.unwrap();
            let mut written = Vec::new();
            plain(&answer, &mut written);
            self.0.insert(format!("engine {table}"), written);
        }
    }

    fn read_files(&mut self, of: &str, folder: &Path) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            if entry.path().is_dir() {
                self.read_files(of, &entry.path());
            } else {
                self.read_file(of, &entry.path());
            }
        }
    }

    /// A file may go away while it is being looked for.
    fn read_file(&mut self, of: &str, file: &Path) {
        let written = fs::read(file).unwrap_or_default();
        self.0.insert(format!("{of}'s file {}", file.display()), written);
    }
}

/// Every text in it, texts in texts included: JSON in JSON, bytes as lists of numbers, base64.
fn plain(value: &Value, into: &mut Vec<u8>) {
    match value {
        Value::String(text) => {
            into.extend_from_slice(text.as_bytes());
            into.push(b'\n');
            if let Ok(inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text) {
                plain(&inner, into);
            }
            if let Ok(bytes) = data_encoding::BASE64.decode(text.as_bytes()) {
                into.extend(bytes);
                into.push(b'\n');
            }
        }
        Value::Array(list) => {
            let byte = |value: &Value| value.as_u64().and_then(|number| u8::try_from(number).ok());
            match list.iter().map(byte).collect::<Option<Vec<u8>>>() {
                Some(bytes) => into.extend(bytes),
                None => list.iter().for_each(|element| plain(element, into)),
            }
            into.push(b'\n');
        }
        Value::Object(fields) => fields.values().for_each(|field| plain(field, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
