//! The shape of the house, checked: who may know whom, who owns which tool, and how large a room may get.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its subject fails")]

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The one line: a crate may use anything to its right and nothing to its left.
const LINE: [&str; 6] = ["usher", "gateway", "workflows", "activities", "adapters", "schema"];

/// Who may use a heavy tool. `gateway` speaks to the engine by the typed clients of restate-sdk, which run on reqwest;
/// the binary's `book` is a customer. `schema` knows what a trace is; the binary alone sends anything anywhere. What
/// callers see of a type is documented (utoipa) where the type is. The bench plays the engine's ceiling itself.
const TOOLS: [(&str, &[&str]); 21] = [
    ("sqlx", &["schema", "bench", "harness", "stack"]),
    ("axum", &["gateway", "sandbox"]),
    ("hyper", &["gateway"]),
    ("hyper-util", &["gateway"]),
    ("governor", &["gateway"]),
    ("restate-sdk", &["workflows", "gateway", "bench"]),
    ("reqwest", &["adapters", "gateway", "usher", "bench", "harness", "sandbox", "stack"]),
    ("aes-gcm", &["schema", "adapters", "harness", "sandbox"]),
    ("backoff", &["usher"]),
    ("cms", &["activities"]),
    ("metrics-exporter-prometheus", &["usher"]),
    ("object_store", &["adapters"]),
    ("opentelemetry", &["schema", "usher"]),
    ("opentelemetry_sdk", &["usher"]),
    ("rcgen", &["sandbox"]),
    ("resvg", &["activities"]),
    ("sentry", &["usher"]),
    ("tracing-opentelemetry", &["schema", "usher"]),
    ("utoipa", &["schema", "adapters", "gateway"]),
    ("utoipa-axum", &["gateway"]),
    ("utoipa-swagger-ui", &["gateway"]),
];

const FILE_LINES_MAX: usize = 400;
const ROOT_ENTRIES_MAX: usize = 15;

#[test]
fn no_crate_looks_back_up_the_line() {
    let members = members();
    for (depth, member) in LINE.iter().enumerate() {
        for above in &LINE[..depth] {
            assert!(!members[*member].contains(*above), "{member} must not know about {above}");
        }
    }
}

#[test]
fn the_stand_ins_share_nothing_with_us() {
    let members = members();
    for alone in ["sandbox", "stack"] {
        let ours: Vec<_> = LINE.iter().filter(|ours| members[alone].contains(**ours)).collect();
        assert!(ours.is_empty(), "{alone} must not know about {ours:?}");
    }
}

#[test]
fn nothing_of_the_tests_is_in_the_product_but_where_it_may_be_sabotaged() {
    let members = members();
    for ours in LINE {
        for tests in ["bench", "harness", "chaos"] {
            assert!(!members[ours].contains(tests), "{ours} must not know about {tests}");
        }
    }
    assert!(members["sabotage"].is_empty(), "sabotage is a leaf");
}

#[test]
fn each_heavy_tool_has_its_owners() {
    for (member, uses) in members() {
        for (tool, owners) in TOOLS {
            let allowed = owners.contains(&member.as_str());
            assert!(allowed || !uses.contains(tool), "{member} must not use {tool}");
        }
    }
}

#[test]
fn every_file_says_what_it_is_for_and_stays_readable() {
    for file in sources(Path::new(env!("CARGO_MANIFEST_DIR"))) {
        let text = fs::read_to_string(&file).unwrap();
        let (name, lines) = (file.display(), text.lines().count());
        assert!(text.starts_with("//! "), "{name} does not open with a //! sentence");
        assert!(lines <= FILE_LINES_MAX, "{name} has {lines} lines: split it where the seam is");
    }
}

#[test]
fn the_root_can_be_seen_at_a_glance() {
    let output = Command::new("git").args(["ls-tree", "--name-only", "HEAD"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let visible = text.lines().filter(|name| !name.starts_with('.')).count();
    assert!(visible <= ROOT_ENTRIES_MAX, "the root has {visible} visible entries");
}

/// Each member of the workspace with what it is built from (not its tests).
fn members() -> BTreeMap<String, BTreeSet<String>> {
    let args = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let output = Command::new(env!("CARGO")).args(args).output().unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let built = |package: &Value| {
        let dependencies = package["dependencies"].as_array().unwrap();
        dependencies.iter().filter(|needed| needed["kind"].is_null()).map(name).collect()
    };
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(|package| (name(package), built(package))).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
    found
}
