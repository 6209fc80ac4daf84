//! `usher maintenance`: close the house for works, open it again, and see what is closed.

use crate::{
    Error, Outcome,
    api::text,
    staff::{Access, EXIT_CODES, Table, when},
    timeline::say,
};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::process::ExitCode;

const PATH: &str = "/api/v1/cms/maintenance";

#[derive(Subcommand)]
pub(crate) enum Maintenance {
    /// Nothing new is begun: no orders, no payments. Webhooks, paid bookings and staff go on.
    #[command(after_help = EXIT_CODES)]
    On(On),
    /// Open again.
    #[command(after_help = EXIT_CODES)]
    Off(Off),
    /// What is closed now, until when, who said so and why.
    #[command(after_help = EXIT_CODES)]
    Show {
        #[command(flatten)]
        access: Access,
    },
}

#[derive(Args)]
pub(crate) struct On {
    #[command(flatten)]
    decision: Decision,
    /// It opens by itself then, RFC 3339. Not said: until `off`.
    #[arg(long, value_name = "TIME")]
    until: Option<DateTime<Utc>>,
}

#[derive(Args)]
pub(crate) struct Off {
    #[command(flatten)]
    decision: Decision,
}

#[derive(Args)]
struct Decision {
    /// ios, android, website, huawei, kiosk; or all of them.
    #[arg(long, value_name = "NAME", default_value = "all")]
    platform: String,
    /// It is kept.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    access: Access,
}

pub(crate) async fn run(asked: &Maintenance) -> Outcome {
    match asked {
        Maintenance::On(On { decision, until }) => decide(decision, true, *until).await?,
        Maintenance::Off(Off { decision }) => decide(decision, false, None).await?,
        Maintenance::Show { access } => access.tell(&access.api()?.get(PATH).await?, people)?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn decide(
    decision: &Decision,
    closed: bool,
    until: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    let Decision { platform, reason, access } = decision;
    let body = json!({ "platform": platform, "closed": closed, "until": until, "reason": reason });
    access.tell(&access.api()?.post(PATH, &body).await?, people)
}

fn people(answer: &Value) {
    let closed = answer["closed"].as_array().map_or(&[][..], Vec::as_slice);
    if closed.is_empty() {
        say("Open: nothing is closed.");
        return;
    }
    let mut table = Table::new(&["CLOSED", "UNTIL", "BY", "SINCE"]);
    for works in closed {
        let cells = [
            text(works, "platform").to_owned(),
            when(&works["until"]),
            text(works, "decided_by").to_owned(),
            when(&works["decided_at"]),
        ];
        table.row(cells.to_vec(), text(works, "reason").to_owned());
    }
    table.say();
}
