//! `usher webhooks`: what vendors have told us, what became of it, and what was refused.

use crate::{
    Outcome,
    api::text,
    staff::{Access, EXIT_CODES, Table, when},
    timeline::say,
};
use clap::Args;
use serde_json::Value;
use std::process::ExitCode;

/// Which deliveries.
#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Webhooks {
    /// Only those of this vendor.
    #[arg(long, value_name = "VENDOR")]
    vendor: Option<String>,
    /// Only those that this became of: APPLIED, FORGED, …
    #[arg(long, value_name = "VERDICT")]
    verdict: Option<String>,
    /// The next page: as the page before says.
    #[arg(long, value_name = "PLACE")]
    before: Option<String>,
    #[command(flatten)]
    access: Access,
}

pub(crate) async fn run(asked: &Webhooks) -> Outcome {
    let filters =
        [("vendor", &asked.vendor), ("verdict", &asked.verdict), ("before", &asked.before)];
    let query: Vec<(&str, &str)> =
        filters.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
    let page = asked.access.api()?.ask("/api/v1/cms/webhooks", &query).await?;
    asked.access.tell(&page, tell)?;
    Ok(ExitCode::SUCCESS)
}

fn tell(page: &Value) {
    let deliveries = page["deliveries"].as_array().map_or(&[][..], Vec::as_slice);
    if deliveries.is_empty() {
        say("No deliveries.");
        return;
    }
    let mut table = Table::new(&["RECEIVED", "VENDOR", "VERDICT"]);
    for delivery in deliveries {
        let cells = vec![
            when(&delivery["received_at"]),
            text(delivery, "vendor").to_owned(),
            text(delivery, "verdict").to_owned(),
        ];
        table.row(cells, about(delivery));
    }
    table.say();
    if let Some(next) = page["next"].as_str() {
        say(&format!("There are more: --before {next}"));
    }
}

/// What it was about; or why it was refused, and what it looked like.
fn about(delivery: &Value) -> String {
    let refused = &delivery["refused"];
    if !refused.is_object() {
        let claim = &delivery["claim"];
        let parts = [text(delivery, "booking"), text(claim, "is"), text(claim, "reference")];
        return filled(&parts);
    }
    let bytes = refused["body_bytes"].as_i64().map(|bytes| format!("{bytes} bytes"));
    filled(&[
        text(refused, "reason"),
        text(refused, "address"),
        bytes.as_deref().unwrap_or_default(),
        text(refused, "excerpt"),
    ])
}

fn filled(parts: &[&str]) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("  ")
}
