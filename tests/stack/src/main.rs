//! The engines from the command line: a throwaway `PostgreSQL` around a command, or both engines until Ctrl-C.

use clap::{Parser, Subcommand};
use sqlx::migrate::Migrator;
use sqlx::{Connection, PgConnection};
use stack::{Engines, Options, Postgres};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Parser)]
#[command(about = "Starts the engines Usher runs on")]
struct Cli {
    /// Where the fetched engines are kept.
    #[arg(long, global = true, default_value = ".usher")]
    cache: PathBuf,
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs a command with `DATABASE_URL` set to an empty, migrated database that goes away afterwards.
    WithPostgres {
        /// A folder of SQL migrations.
        #[arg(long)]
        migrations: Option<PathBuf>,
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    /// Starts both engines and prints where they are, until Ctrl-C.
    Up {
        #[arg(long)]
        data: PathBuf,
        /// Any free ports instead of the usual ones.
        #[arg(long)]
        any_ports: bool,
    },
}

type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Task::WithPostgres { migrations, command } => {
            with_postgres(&cli.cache, migrations.as_deref(), &command).await
        }
        Task::Up { data, any_ports } => up(&cli.cache, data, any_ports).await,
    };
    outcome.unwrap_or_else(|error| {
        tell(&format!("stack: {error}"));
        ExitCode::FAILURE
    })
}

async fn with_postgres(cache: &Path, migrations: Option<&Path>, command: &[OsString]) -> Outcome {
    let options = Options { progress: tell, ..Options::throwaway(cache) };
    let postgres = Postgres::start(&options).await?;
    let outcome = run(&postgres.database_url(), migrations, command).await;
    postgres.stop().await?;
    outcome
}

async fn run(url: &str, migrations: Option<&Path>, command: &[OsString]) -> Outcome {
    if let Some(folder) = migrations {
        let mut connection = PgConnection::connect(url).await?;
        Migrator::new(folder).await?.run(&mut connection).await?;
        connection.close().await?;
    }
    let (program, args) = command.split_first().ok_or("there is no command")?;
    let mut command = Command::new(program);
    command.args(args).env("DATABASE_URL", url);
    let status = tokio::task::spawn_blocking(move || command.status()).await??;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

async fn up(cache: &Path, data: PathBuf, any_ports: bool) -> Outcome {
    let mut options = Options { progress: tell, ..Options::kept(data, cache) };
    if any_ports {
        options.ports = stack::Ports::default();
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let engines = Engines::start(&options).await?;
    say(&format!("DATABASE_URL={}", engines.database_url()));
    say(&format!("RESTATE_INGRESS_URL={}", engines.restate_ingress_urls()));
    say(&format!("RESTATE_ADMIN_URL={}", engines.restate_admin_urls()));
    say(&format!("USHER_ENGINE_IDENTITY_KEYS={}", engines.identity_key()));
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    engines.stop().await?;
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the command's result")]
fn say(line: &str) {
    println!("{line}");
}

#[expect(clippy::print_stderr, reason = "the command's progress and errors, beside its result")]
fn tell(line: &str) {
    eprintln!("{line}");
}
