//! `cargo run --release -p chaos -- --seed N --rounds 30`: kill it and see.
//!
//! Exit code 0 only if nothing was lost and nothing double; else the first broken round ends the run, and its evidence
//! is kept in a folder that is named.

use chaos::{Crowd, Outcome, Plan, Round, Summary, close, headline, keep, play, summary};
use clap::Parser;
use harness::{Visit, build_usher};
use serde::Serialize;
use std::{process::ExitCode, sync::Arc};

#[derive(Parser)]
#[command(
    about = "Kills Usher and its engines in the middle of everything, and asks the checker what is left"
)]
struct Cli {
    /// The same seed makes the same plan.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value_t = 30)]
    rounds: usize,
    /// Customers of a round.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=200))]
    bookings: u16,
    /// Tell it as JSON: a line for each round, and one for each kind of kill.
    #[arg(long)]
    json: bool,
    /// Print the plan, as JSON, and do nothing.
    #[arg(long)]
    plan: bool,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let cli = Cli::parse();
    let visitors = usize::from(cli.bookings);
    let plan = Plan::new(cli.seed, cli.rounds, Crowd { visitors, latecomers: true });
    if cli.plan {
        say(&serde_json::to_string_pretty(&plan)?);
        return Ok(ExitCode::SUCCESS);
    }
    build_usher()?;
    Ok(run(&plan, &Teller { json: cli.json }).await)
}

/// The rounds, one after the other on one system, until one is not clean.
async fn run(plan: &Plan, teller: &Teller) -> ExitCode {
    let visit = harness::visit_alone().await;
    let mut outcomes = Vec::new();
    teller.text(&headline());
    for round in &plan.rounds {
        let outcome = judged(&visit, plan, round).await;
        teller.tells(&outcome.line(), &outcome);
        for complaint in outcome.complaints() {
            teller.text(&format!("  {complaint}"));
        }
        if let Some(folder) = &outcome.evidence {
            let (seed, number, folder) = (plan.seed, round.number, folder.display());
            teller.text(&format!("Seed {seed} broke in round {number}; evidence: {folder}"));
        }
        let clean = outcome.is_clean();
        outcomes.push(outcome);
        if !clean {
            break;
        }
    }
    teller.text("");
    teller.text(&Summary::headline());
    for kind in summary(&outcomes) {
        teller.tells(&kind.line(), &kind);
    }
    let clean = outcomes.iter().all(Outcome::is_clean);
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One round; after the last, also that nothing at all is left. What is not clean leaves its evidence.
async fn judged(visit: &Arc<Visit>, plan: &Plan, round: &Round) -> Outcome {
    let mut outcome = play(visit, round).await;
    if outcome.is_clean() && round.number == plan.rounds.len() {
        outcome.violations = close(visit).await;
    }
    if !outcome.is_clean() {
        outcome.evidence = Some(keep(visit, plan.seed, round, &outcome).await);
    }
    outcome
}

/// Says everything as text, or all that matters as JSON.
struct Teller {
    json: bool,
}

impl Teller {
    fn text(&self, line: &str) {
        if !self.json {
            say(line);
        }
    }

    fn tells(&self, line: &str, what: &impl Serialize) {
        match serde_json::to_string(what) {
            Ok(json) if self.json => say(&json),
            _ => say(line),
        }
    }
}

#[expect(clippy::print_stdout, reason = "it is what the command is for")]
fn say(line: &str) {
    println!("{line}");
}
