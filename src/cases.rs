//! `usher cases`, `usher case show`, `usher case decide`: what people have to decide.

use crate::{
    Outcome,
    api::text,
    staff::{Access, EXIT_CODES, Table, money, when},
    timeline::say,
};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::process::ExitCode;

/// Which cases.
#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct List {
    /// Those that are decided, too.
    #[arg(long)]
    all: bool,
    /// Only those of this cause.
    #[arg(long, value_name = "CAUSE")]
    cause: Option<String>,
    /// Only those of this booking.
    #[arg(long, value_name = "BOOKING")]
    booking: Option<String>,
    /// Only about the money that a customer with this code wants back at the counter.
    #[arg(long, value_name = "CODE")]
    receipt: Option<String>,
    /// The next page: those opened before this one.
    #[arg(long, value_name = "CASE")]
    before: Option<String>,
    #[command(flatten)]
    access: Access,
}

#[derive(Subcommand)]
#[command(after_help = EXIT_CODES)]
pub(crate) enum Case {
    /// Everything about one case.
    #[command(after_help = EXIT_CODES)]
    Show {
        /// `case_…`
        id: String,
        #[command(flatten)]
        access: Access,
    },
    /// Decide a case. Who, when and why is kept, and never altered.
    #[command(after_help = EXIT_CODES)]
    Decide {
        /// `case_…`
        id: String,
        decision: Decision,
        /// Why.
        #[arg(long)]
        reason: String,
        /// What you have seen, as JSON. *settled* needs it; `usher case show` says what it must be.
        #[arg(long, value_name = "JSON")]
        evidence: Option<String>,
        #[command(flatten)]
        access: Access,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Decision {
    /// Try the step again: it looks first whether it has happened.
    Retry,
    /// It is done, by hand: the evidence is the step's outcome.
    Settled,
    /// It is not to be done any more; what was done is taken back.
    GiveUp,
}

impl Decision {
    const fn name(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Settled => "settled",
            Self::GiveUp => "give-up",
        }
    }
}

pub(crate) async fn list(list: &List) -> Outcome {
    let mut query = vec![("state", if list.all { "all" } else { "open" })];
    let filters = [
        ("cause", &list.cause),
        ("booking", &list.booking),
        ("receipt", &list.receipt),
        ("before", &list.before),
    ];
    query.extend(filters.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))));
    let page = list.access.api()?.ask("/api/v1/cms/cases", &query).await?;
    list.access.tell(&page, tell_page)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn one(case: &Case) -> Outcome {
    match case {
        Case::Show { id, access } => {
            let case = access.api()?.get(&path(id)?).await?;
            access.tell(&case, tell_case)?;
        }
        Case::Decide { id, decision, reason, evidence, access } => {
            let evidence = evidence.as_deref().map(serde_json::from_str::<Value>).transpose();
            let evidence = evidence.map_err(|error| format!("--evidence is not JSON: {error}."))?;
            let body =
                json!({ "decision": decision.name(), "reason": reason, "evidence": evidence });
            let path = format!("{}/decision", path(id)?);
            let case = access.api()?.post(&path, &body).await?;
            access.tell(&case, tell_decision)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// An id stands in a path as it is, so it is looked at first.
fn path(id: &str) -> Result<String, String> {
    let sound = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if sound && id.starts_with("case_") {
        return Ok(format!("/api/v1/cms/cases/{id}"));
    }
    Err(format!("{id:?} is not the id of a case; `usher cases` lists them."))
}

fn tell_page(page: &Value) {
    let cases = page["cases"].as_array().map_or(&[][..], Vec::as_slice);
    if cases.is_empty() {
        say("No cases.");
        return;
    }
    let mut table = Table::new(&["CASE", "OPENED", "AT RISK", "WHERE", "DECISION"]);
    for case in cases {
        let decision = match text(&case["decided"], "decision") {
            "" => possible(case),
            decided => format!("{decided}, by {}", text(&case["decided"], "by")),
        };
        let place = format!("{} {}", text(case, "workflow"), text(case, "step"));
        let cells = vec![
            text(case, "id").to_owned(),
            when(&case["opened_at"]),
            money(&case["at_risk"]),
            place,
            decision,
        ];
        let booking = case["booking"].as_str().map(|id| format!(", {id}")).unwrap_or_default();
        table.row(cells, format!("{}{booking}", text(case, "cause")));
    }
    table.say();
    if let Some(next) = page["next"].as_str() {
        say(&format!("There are more: --before {next}"));
    }
}

fn possible(case: &Value) -> String {
    let offered = case["decisions"].as_array().map_or(&[][..], Vec::as_slice);
    format!("{}?", offered.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
}

fn tell_case(case: &Value) {
    let line = |name: &str, value: &str| say(&format!("  {name:<9} {value}"));
    say(text(case, "id"));
    line("where", &format!("{} {}", text(case, "workflow"), text(case, "step")));
    if let Some(booking) = case["booking"].as_str() {
        line("booking", booking);
    }
    line("cause", text(case, "cause"));
    line("detail", text(case, "detail"));
    line("at risk", &money(&case["at_risk"]));
    line("opened", &when(&case["opened_at"]));
    let decided = &case["decided"];
    if decided.is_object() {
        line("decided", &format!("{}, by {}", text(decided, "decision"), text(decided, "by")));
        line("when", &when(&decided["at"]));
        line("why", text(decided, "reason"));
        if !decided["evidence"].is_null() {
            line("evidence", &decided["evidence"].to_string());
        }
        return;
    }
    if case["waits"] == false {
        line("waits", "nothing waits for it: deciding it only says that it was looked at");
    }
    line("decide", &possible(case));
    if let Some(needs) = case["settled_needs"].as_str() {
        line("", &format!("settled needs --evidence: {needs}"));
    }
}

fn tell_decision(case: &Value) {
    let told = match case["told"].as_bool() {
        Some(true) => "Its workflow has been told.",
        Some(false) => {
            "The engine is away: once it is back, its workflow is told within the hour; or now, if you repeat this."
        }
        None => "Nothing waits for it.",
    };
    let decided = &case["decided"];
    let (decision, by) = (text(decided, "decision"), text(decided, "by"));
    say(&format!("{} is decided: {decision}, by {by}. {told}", text(case, "id")));
}
