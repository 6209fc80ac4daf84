//! The engines come up on a bare machine, survive a crash with their data, and never outlive their owner.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail like the test")]

use sqlx::{Connection, Executor, PgConnection};
use stack::{Engines, Error, Launch, Options, Ports, Supervised, command_line};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn cache() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.usher")
}

/// A folder that only we can enter: the database's user cannot, when we are root.
fn private_folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if !path.exists() {
        DirBuilder::new().mode(0o700).create(&path).unwrap();
    }
    path
}

fn stack(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stack"));
    command.arg("--cache").arg(cache()).args(args).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

async fn within(seconds: u64, what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while !is_so() {
        assert!(Instant::now() < deadline, "not within {seconds} s: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn assert_both_answer(engines: &Engines) {
    let mut connection = PgConnection::connect(&engines.database_url()).await.unwrap();
    let one: i32 = sqlx::query_scalar("SELECT 1").fetch_one(&mut connection).await.unwrap();
    assert_eq!(one, 1);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let (ingress, admin) = (engines.restate_ingress_url(), engines.restate_admin_url());
    for url in [format!("{ingress}/restate/health"), format!("{admin}/health")] {
        assert!(http.get(url).send().await.unwrap().status().is_success());
    }
}

#[tokio::test]
async fn both_engines_come_back_from_a_kill_with_their_data() {
    let engines = Engines::start(&Options::throwaway(cache())).await.unwrap();
    assert_both_answer(&engines).await;
    let url = engines.create_database("crash").await.unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    connection.execute("CREATE TABLE kept (id int)").await.unwrap();
    for engine in [&engines.restate, &engines.postgres] {
        let before = engine.pid().await.unwrap();
        engine.kill_9().await;
        assert!(!engine.is_alive().await);
        engine.start().await.unwrap();
        assert_ne!(engine.pid().await.unwrap(), before);
    }
    assert_both_answer(&engines).await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    connection.execute("INSERT INTO kept VALUES (1)").await.unwrap();
    engines.stop().await.unwrap();
}

/// As a power cut: not even a statement that is under way is finished.
#[tokio::test]
async fn a_killed_database_takes_its_sessions_with_it() {
    let engines = Engines::start(&Options::throwaway(cache())).await.unwrap();
    let url = engines.create_database("sessions").await.unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let session = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection);
    let session: i32 = session.await.unwrap();
    let session = u32::try_from(session).unwrap();
    assert!(command_line(session).is_some());
    engines.postgres.kill_9().await;
    assert!(command_line(session).is_none());
    engines.postgres.start().await.unwrap();
    assert_both_answer(&engines).await;
    engines.stop().await.unwrap();
}

#[tokio::test]
async fn two_stacks_run_side_by_side() {
    // Both wish for the same ports, at the same time.
    let ports = Ports {
        ingress: Some(14_080),
        admin: Some(14_070),
        node: Some(14_122),
        postgres: Some(14_432),
    };
    let options = Options { ports, ..Options::throwaway(cache()) };
    let (left, right) = (options.clone(), options);
    let (left, right) = tokio::join!(Engines::start(&left), Engines::start(&right));
    let (left, right) = (left.unwrap(), right.unwrap());
    assert_both_answer(&left).await;
    assert_both_answer(&right).await;
    assert_ne!(left.database_url(), right.database_url());
    assert_ne!(left.restate_ingress_url(), right.restate_ingress_url());
    assert_ne!(left.restate_admin_url(), right.restate_admin_url());
    let (left, right) = tokio::join!(left.stop(), right.stop());
    assert!(left.is_ok() && right.is_ok());
}

#[tokio::test]
async fn engines_end_with_a_killed_owner_and_the_next_start_finds_their_data() {
    let data = private_folder("killed-owner").join("data");
    let _ = fs::remove_dir_all(&data);
    let mut owner = stack(&["up", "--any-ports", "--data"]).arg(&data).spawn().unwrap();
    within(60, "both engines run", || data.join("ports.json").exists()).await;
    let pid = |name: &str| fs::read_to_string(data.join(name)).unwrap().trim().parse().unwrap();
    let pids: [u32; 2] = [pid("postgres.pid"), pid("restate.pid")];
    assert!(pids.iter().all(|pid| command_line(*pid).is_some()));
    let ports = fs::read(data.join("ports.json")).unwrap();
    owner.kill().unwrap();
    owner.wait().unwrap();
    within(15, "both engines end", || pids.iter().all(|pid| command_line(*pid).is_none())).await;
    let options = Options { ports: Ports::default(), ..Options::kept(&data, cache()) };
    let engines = Engines::start(&options).await.unwrap();
    assert_eq!(fs::read(data.join("ports.json")).unwrap(), ports);
    let second = Engines::start(&options).await.unwrap_err();
    assert!(matches!(second, Error::AlreadyRunning { .. }), "{second}");
    engines.stop().await.unwrap();
}

#[tokio::test]
async fn what_outlived_its_owner_is_stopped_first() {
    let data = private_folder("leftovers").join("data");
    let _ = fs::remove_dir_all(&data);
    let options = Options { ports: Ports::default(), ..Options::kept(&data, cache()) };
    let engines = Engines::start(&options).await.unwrap();
    let before = engines.restate.pid().await.unwrap();
    // Its engines stop in the background while the next start is already under way.
    drop(engines);
    let engines = Engines::start(&options).await.unwrap();
    assert!(command_line(before).is_none());
    assert_both_answer(&engines).await;
    engines.stop().await.unwrap();
}

#[tokio::test]
async fn a_program_deaf_to_signals_is_ended_all_the_same() {
    let log = private_folder("deaf").join("log");
    let mut launch = Launch::new("deaf", "/bin/sh", log);
    launch = launch.args(["-c", "trap '' TERM; while :; do sleep 1; done"]);
    launch.grace = Duration::from_secs(1);
    let mut deaf = Supervised::spawn(&launch).unwrap();
    within(5, "it runs", || deaf.is_alive()).await;
    deaf.stop().await;
    assert!(!deaf.is_alive());
}

#[tokio::test]
async fn a_dropped_program_ends() {
    let log = private_folder("dropped").join("log");
    let sleeper = Supervised::spawn(&Launch::new("sleeper", "sleep", log).args(["600"])).unwrap();
    let pid = sleeper.pid();
    within(5, "it runs", || command_line(pid).is_some()).await;
    drop(sleeper);
    within(5, "it ends", || command_line(pid).is_none()).await;
}

#[test]
fn a_command_gets_a_migrated_database_and_its_own_exit_code() {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/migrations");
    let check = r#"case "$DATABASE_URL" in postgres://usher:*@127.0.0.1:*/usher) exit 7 ;; esac"#;
    let mut command = stack(&["with-postgres", "--migrations"]);
    let status = command.arg(migrations).args(["--", "sh", "-c", check]).status().unwrap();
    assert_eq!(status.code(), Some(7));
}

#[test]
fn a_machine_without_npm_is_told_to_install_it() {
    let empty = private_folder("no-npm");
    let mut command = Command::new(env!("CARGO_BIN_EXE_stack"));
    command.env("PATH", &empty).arg("--cache").arg(empty.join("cache"));
    let output = command.arg("up").arg("--data").arg(empty.join("data")).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("npm was not found: install Node.js"));
}
