//! `usher stuck`: everything that waits or backs off, the oldest first.

use crate::{
    Outcome,
    api::text,
    staff::{Access, EXIT_CODES, Table, money, when},
    timeline::say,
};
use clap::Args;
use serde_json::Value;
use std::process::ExitCode;

#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Stuck {
    #[command(flatten)]
    access: Access,
}

pub(crate) async fn run(stuck: &Stuck) -> Outcome {
    let answer = stuck.access.api()?.get("/api/v1/cms/stuck").await?;
    stuck.access.tell(&answer, tell)?;
    Ok(ExitCode::SUCCESS)
}

fn tell(stuck: &Value) {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (waiting, failing) = (list(&stuck["waiting"]), list(&stuck["engine"]["failing"]));
    if stuck["engine"]["answers"] == false {
        say("The engine does not answer: nothing moves on until it does.");
    } else if waiting.is_empty() && failing.is_empty() {
        say("Nothing waits.");
    }
    if !waiting.is_empty() {
        let columns = ["WHERE", "WAITS FOR", "SINCE", "NEXT TRY", "SENT", "AT RISK"];
        let mut table = Table::new(&columns);
        for entry in &waiting {
            table.row(waits(entry), about(entry));
        }
        table.say();
    }
    if !failing.is_empty() {
        let columns = ["AT THE ENGINE", "STATUS", "SINCE", "NEXT TRY", "TRIES"];
        let mut table = Table::new(&columns);
        for entry in &failing {
            table.row(fails(entry), text(entry, "why").to_owned());
        }
        table.say();
    }
    if stuck["more"] == true {
        say("There are more than these.");
    }
}

fn waits(entry: &Value) -> Vec<String> {
    let person = text(entry, "waits_for") == "person";
    let next = if person { "when decided".to_owned() } else { when(&entry["next_try_at"]) };
    let sent = if person { "-".to_owned() } else { entry["attempts"].to_string() };
    vec![
        format!("{} {}", text(entry, "workflow"), text(entry, "step")),
        text(entry, "waits_for").to_owned(),
        when(&entry["since"]),
        next,
        sent,
        money(&entry["at_risk"]),
    ]
}

/// Ids first, so that they can be copied; where the booking stands; the reason may be long.
fn about(entry: &Value) -> String {
    let ids = ["booking", "standing", "case"].map(|field| text(entry, field));
    let parts = ids.into_iter().chain([text(entry, "why")]);
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
}

fn fails(entry: &Value) -> Vec<String> {
    let target = format!(
        "{}/{}/{}",
        text(entry, "workflow"),
        text(entry, "workflow_key"),
        text(entry, "handler")
    );
    let tries = entry["attempts"].as_u64().map_or_else(|| "-".to_owned(), |it| it.to_string());
    vec![
        target,
        text(entry, "status").to_owned(),
        when(&entry["since"]),
        when(&entry["next_try_at"]),
        tries,
    ]
}
