//! One scrape of `/metrics`, taken apart.

use harness::System;
use std::collections::BTreeSet;

pub(super) struct Scrape(Vec<Series>);

struct Series {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

impl Scrape {
    /// None: nobody answers.
    pub(super) async fn of(system: &System) -> Option<Self> {
        let answer = reqwest::get(&system.metrics).await.ok()?;
        assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        let text = answer.text().await.ok()?;
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Some(Self(lines.map(series).collect()))
    }

    /// The sum of all series with this name and these labels.
    pub(super) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |series: &&Series| {
            let all = |(name, value): &(&str, &str)| {
                series.labels.iter().any(|(known, said)| known == name && said == value)
            };
            series.name == name && labels.iter().all(all)
        };
        let values: Vec<f64> = self.0.iter().filter(has).map(|series| series.value).collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }

    pub(super) fn names(&self) -> BTreeSet<&str> {
        self.0.iter().map(|series| &*series.name).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// No label is an id, a number of somebody, or anything else that there is one of for each booking or caller.
    pub(super) fn assert_names_nobody(&self) {
        for Series { name, labels, .. } in &self.0 {
            for (label, value) in
                labels.iter().filter(|(label, _)| label != "le" && label != "version")
            {
                let digits = value.bytes().filter(u8::is_ascii_digit).count();
                // A route is one of a few, however long.
                let long = value.len() > 48 && label != "route";
                let id = value.contains("bk_") || long || digits > 4;
                assert!(!id, "{name} has {label}={value:?}");
            }
        }
    }
}

/// `name{label="value",…} number`. None of our values has a quote, a comma or a brace but routes' `{id}`.
fn series(line: &str) -> Series {
    let (what, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = what.split_once('{').unwrap_or((what, "}"));
    let labels = labels.strip_suffix('}').unwrap();
    let label = |pair: &str| {
        let (label, value) = pair.split_once("=\"").unwrap();
        (label.to_owned(), value.trim_end_matches('"').to_owned())
    };
    let labels = labels.split("\",").filter(|pair| !pair.is_empty()).map(label).collect();
    Series { name: name.to_owned(), labels, value: value.parse().unwrap() }
}
