//! The tests' build: what the environment of this process says.

#[cfg(not(debug_assertions))]
compile_error!("what is built for release is never armed");

use super::{Moment, Rule};
use std::{env, ffi::OsString, fs, path::Path, process, sync::LazyLock};

static RULE: LazyLock<Option<String>> = LazyLock::new(|| env::var("SABOTAGE_RULE").ok());
static PLAN: LazyLock<Option<OsString>> = LazyLock::new(|| env::var_os("SABOTAGE_PLAN"));

pub(super) fn is_out(rule: Rule) -> bool {
    RULE.as_deref().is_some_and(|out| out == format!("{rule:?}"))
}

pub(super) fn strike(step: &str, key: &str, moment: Moment) -> Result<(), String> {
    let Some(plan) = PLAN.as_deref() else { return Ok(()) };
    let moment = match moment {
        Moment::Before => "before",
        Moment::After => "after",
    };
    let Some(name) = claim(Path::new(plan), &format!("{step}.{moment}."), key) else {
        return Ok(());
    };
    match name.rsplit('.').next() {
        Some("panic") => {
            #[expect(clippy::panic, reason = "that is what was ordered")]
            {
                panic!("sabotage: {name}")
            }
        }
        // As a power cut: nothing is flushed, nothing is said.
        Some("crash") => process::abort(),
        _ => Err(format!("sabotage: {name}")),
    }
}

/// The first planned failure of this step and moment that is still to be had, unless the key has had its own.
fn claim(plan: &Path, wanted: &str, key: &str) -> Option<String> {
    let key = key.replace('/', "_");
    let names: Vec<String> = fs::read_dir(plan)
        .ok()?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    if names.iter().any(|name| name.rsplit('@').next() == Some(&key)) {
        return None;
    }
    let mut planned: Vec<_> =
        names.into_iter().filter(|name| name.starts_with(wanted) && !name.contains('@')).collect();
    planned.sort_unstable();
    let had =
        |name: &String| fs::rename(plan.join(name), plan.join(format!("{name}@{key}"))).is_ok();
    planned.into_iter().find(had)
}
