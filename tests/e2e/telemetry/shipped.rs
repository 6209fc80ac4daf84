//! What is shipped in `operations/`: a dashboard and alerts that ask for nothing that there is not.

use super::scrape::Scrape;
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path};

/// Not ours: whether a scrape succeeded, and what `node_exporter` says of a disk.
const NOT_OURS: [&str; 3] = ["up", "node_filesystem_avail_bytes", "node_filesystem_size_bytes"];

/// Every metric that the dashboard or an alert asks for is in this scrape.
pub(super) fn assert_all_there(scrape: &Scrape) {
    let there = scrape.names();
    let asked: BTreeSet<String> =
        [dashboard_queries(), alert_queries()].iter().flat_map(|text| metrics(text)).collect();
    assert!(asked.len() > 20, "{asked:?}");
    let missing: Vec<&String> = asked.iter().filter(|name| !there.contains(&***name)).collect();
    assert!(missing.is_empty(), "asked for, and not there: {missing:?}");
}

#[test]
fn every_alert_says_what_it_means_what_to_do_and_whom_it_wakes_and_is_tried_and_explained() {
    let (rules, tests) = (shipped("prometheus/alerts.yml"), shipped("prometheus/alerts_test.yml"));
    let page = shipped("README.md");
    let alerts: Vec<&str> = rules.split("- alert: ").skip(1).collect();
    assert!(alerts.len() >= 11, "{}", alerts.len());
    for alert in alerts {
        let name = alert.lines().next().unwrap();
        for part in ["expr: ", "severity: ", "summary: ", "action: "] {
            assert!(alert.contains(part), "{name} has no {part}");
        }
        let tried = format!("alertname: {name}\n        exp_alerts:\n          - ");
        assert!(tests.contains(&tried), "{name} was never seen to fire");
        assert!(page.contains(&format!("| {name} |")), "{name} is not explained");
    }
}

#[test]
fn every_panel_of_the_dashboard_has_a_title_a_unit_and_a_question() {
    let dashboard: Value = serde_json::from_str(&shipped("grafana/usher.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let (rows, panels): (Vec<&Value>, Vec<&Value>) =
        panels.iter().partition(|panel| panel["type"] == "row");
    let titles: Vec<&Value> = rows.iter().map(|row| &row["title"]).collect();
    assert_eq!(
        titles,
        ["Customers", "Money", "Sagas", "Vendors", "Engine and database", "Processes"]
    );
    for panel in panels {
        let said = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        assert!(
            said(&panel["title"]) && said(&panel["fieldConfig"]["defaults"]["unit"]),
            "{panel}"
        );
        let targets = panel["targets"].as_array().unwrap();
        assert!(
            !targets.is_empty() && targets.iter().all(|target| said(&target["expr"])),
            "{panel}"
        );
    }
}

fn shipped(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("operations").join(file)).unwrap()
}

fn dashboard_queries() -> String {
    let dashboard: Value = serde_json::from_str(&shipped("grafana/usher.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().unwrap().to_owned() + "\n").collect()
}

/// From each `expr:` to the next key.
fn alert_queries() -> String {
    let rules = shipped("prometheus/alerts.yml");
    let queries = rules.split("expr: ").skip(1);
    queries.map(|rest| rest.split("labels: {").next().unwrap().to_owned() + "\n").collect()
}

/// The names of metrics in a query: words of ours.
fn metrics(queries: &str) -> BTreeSet<String> {
    let words = queries.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
    let ours = ["usher_", "process_", "node_"];
    let words = words.filter(|word| ours.iter().any(|start| word.starts_with(start)));
    words.filter(|word| !NOT_OURS.contains(word)).map(str::to_owned).collect()
}
