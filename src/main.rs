//! Usher: books cinema tickets. The one binary: it reads the command line, puts the parts together, and runs them.

mod api;
mod book;
mod cases;
mod config;
mod healthy;
mod home;
mod keys;
mod listen;
mod local;
mod maintenance;
mod server;
mod staff;
mod stuck;
mod telemetry;
mod timeline;
mod token;
mod wait;
mod webhooks;

use clap::{Parser, Subcommand};
use config::{Config, Role, Values};
use std::process::ExitCode;
use telemetry::{Lines, Telemetry};

const EXAMPLES: &str = "\
Examples:
  usher                              start everything here, book a ticket, stay up
  usher up                           start everything here
  usher book --pay decline           one booking against the running system, as a customer
  usher book --provider checkout --with stc_pay
                                     … paid otherwise; --help lists the ways
  usher book --seats C5,C6 --json    … for these seats, told as JSON
  usher cases                        what a person has to decide
  usher case decide case_01… retry --reason \"the token is mended\"
  usher stuck                        everything that waits, for whom, and until when
  usher webhooks --verdict FORGED    what vendors have told, or somebody in their name
  usher token --customer 42          a development token, for your own requests
  usher up --nodes 3                 … with a cluster of three nodes of Restate
  usher serve                        production: everything from the environment and AWS
  usher config                       where each value of it comes from";

/// Books cinema tickets, durably.
#[derive(Parser)]
#[command(version, before_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Start everything here: engines, stand-ins of the vendors, Usher.
    Up {
        /// Of Restate: 1, or 3 for a cluster of which any one may be lost. A folder keeps what it was started with.
        #[arg(long, value_parser = local::nodes)]
        nodes: Option<usize>,
    },
    /// Make one booking as a customer. Exit code 0 only if it ended as asked.
    Book(book::Order),
    /// What a person has to decide.
    Cases(cases::List),
    /// One case: show it, or decide it.
    #[command(subcommand)]
    Case(cases::Case),
    /// Everything that waits or backs off: where, for whom, why, since when, next try.
    Stuck(stuck::Stuck),
    /// What vendors have told: what became of each delivery, and what was refused.
    Webhooks(webhooks::Webhooks),
    /// Close for works, for one platform or for all; open again; see what is closed.
    #[command(subcommand)]
    Maintenance(maintenance::Maintenance),
    /// Serve in production; everything comes from the environment.
    Serve {
        /// Only one half: the HTTP front door, or the workflows.
        #[arg(long, value_enum)]
        role: Option<Role>,
    },
    /// Where each value of the configuration comes from; never the value. Exit code 0 only if nothing is missing.
    Config {
        /// Of one half: the HTTP front door, or the workflows.
        #[arg(long, value_enum)]
        role: Option<Role>,
    },
    /// Bring the database's tables to what this build expects.
    Migrate,
    /// Make the keys that compose.yaml needs, once.
    Keys,
    /// Exit code 0 only if this URL says that all is well: a container's health check.
    Healthy { url: String },
    /// Only the stand-ins of the vendors.
    Sandbox(Box<sandbox::Options>),
    /// Sign a token with this folder's development key.
    Token(token::Bearer),
}

/// Whatever ended the program early, as a sentence.
type Error = Box<dyn std::error::Error + Send + Sync>;
type Outcome = Result<ExitCode, Error>;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Option<Command>) -> Outcome {
    match command {
        None => local::up(true, None).await,
        Some(Command::Up { nodes }) => local::up(false, nodes).await,
        Some(Command::Book(order)) => book::run(&order).await,
        Some(Command::Cases(list)) => cases::list(&list).await,
        Some(Command::Case(case)) => cases::one(&case).await,
        Some(Command::Stuck(asked)) => stuck::run(&asked).await,
        Some(Command::Webhooks(asked)) => webhooks::run(&asked).await,
        Some(Command::Maintenance(asked)) => maintenance::run(&asked).await,
        Some(Command::Serve { role }) => serve(role).await,
        Some(Command::Config { role }) => told(role).await,
        Some(Command::Migrate) => migrate().await,
        Some(Command::Sandbox(options)) => {
            sandbox::run(*options).await?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Keys) => keys::run(),
        Some(Command::Healthy { url }) => healthy::run(&url).await,
        Some(Command::Token(bearer)) => token::run(&bearer),
    }
}

async fn serve(role: Option<Role>) -> Outcome {
    let (config, sources) = configured(role).await?;
    let gateway = match role {
        Some(Role::Workflows) => None,
        Some(Role::Gateway) | None => Some(listen::on(&config.gateway_addr).await?),
    };
    let workflows = match role {
        Some(Role::Gateway) => None,
        Some(Role::Workflows) | None => Some(listen::on(&config.workflows_addr).await?),
    };
    let metrics_addr = &config.telemetry.metrics_addr;
    let metrics = listen::on(metrics_addr).await.map_err(|error| {
        format!("Nobody could read the metrics on {metrics_addr}: {error}. Set USHER_METRICS_ADDR to a free address.")
    })?;
    let telemetry = Telemetry::start(&config.telemetry, Lines::Json)?;
    sources.log();
    let listeners = server::Listeners { gateway, workflows, metrics };
    let served =
        server::run(config, listeners, telemetry.metrics.clone(), wait::stop_signal()).await;
    telemetry.stop().await;
    served?;
    Ok(ExitCode::SUCCESS)
}

/// The configuration, and where it comes from: the values themselves are kept no longer than they are read.
async fn configured(role: Option<Role>) -> Result<(Config, config::Sources), Error> {
    let values = Values::load().await?;
    Ok((Config::read(role, &values)?, config::Sources::of(&values)))
}

async fn told(role: Option<Role>) -> Outcome {
    let values = Values::load().await?;
    let config = Config::read(role, &values);
    for line in config::lines(&values) {
        timeline::say(&line);
    }
    config?;
    Ok(ExitCode::SUCCESS)
}

async fn migrate() -> Outcome {
    let values = Values::load().await?;
    let url = config::database_url(&values)?;
    schema::Db::connect(&url, 1).await?.migrate().await?;
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stderr, reason = "the last words of the program go to the terminal")]
fn complain(sentence: &str) {
    eprintln!("{sentence}");
}
