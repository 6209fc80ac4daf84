//! `PostgreSQL`, the system of record: a cluster with a password of its own, open to this machine only.

use crate::engine::{Engine, Probe};
use crate::error::Error;
use crate::folder::{Folder, write_private};
use crate::home::Home;
use crate::signal::Signal;
use crate::supervised::Launch;
use data_encoding::HEXLOWER;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const ROLE: &str = "usher";
pub(crate) const DATABASE: &str = "usher";

const SETTINGS: [&str; 13] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=", // none: their paths are too short for deep folders
    "max_connections=200",
    "shared_buffers=128MB",
    "fsync=on", // this is money; the tests run with what production runs with
    "full_page_writes=on",
    "max_wal_size=512MB",
    "jit=off", // short queries only
    "timezone=UTC",
    "log_timezone=UTC",
    "log_min_messages=warning",
    "log_error_verbosity=terse", // the details of an error repeat the row: whose, and what
    "log_line_prefix=%m [%p] %d ",
];

/// How to reach the databases of a cluster.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) port: u16,
    pub(crate) password: String,
}

impl Database {
    pub(crate) fn url(&self, name: &str) -> String {
        format!("postgres://{ROLE}:{}@127.0.0.1:{}/{name}", self.password, self.port)
    }

    /// Creates the database if it is missing, and returns its URL.
    pub(crate) async fn create(&self, name: &str) -> Result<String, Error> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || name.len() > 63 || !name.chars().all(plain) {
            return Err(Error::Name(name.to_owned()));
        }
        let created = async {
            let mut connection = PgConnection::connect(&self.url("postgres")).await?;
            let exists = "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)";
            if !sqlx::query_scalar(exists).bind(name).fetch_one(&mut connection).await? {
                // The name was checked above; a database's name cannot be a parameter.
                let create = AssertSqlSafe(format!("CREATE DATABASE \"{name}\""));
                connection.execute(create).await?;
            }
            connection.close().await
        };
        let refused =
            |source| Error::Sql { what: format!("to create the database {name}"), source };
        created.await.map_err(refused)?;
        Ok(self.url(name))
    }
}

/// Makes the cluster if there is none, and returns its password. Blocks: call it off the async threads.
pub(crate) fn prepare(data: &Path, home: &Home, progress: fn(&str)) -> Result<String, Error> {
    let password_file = data.join("postgres.password");
    if home.database().join("PG_VERSION").exists() {
        return fs::read_to_string(&password_file).map_err(Error::at(&password_file));
    }
    progress("Making a new database…");
    // The password is on the disk before there is a cluster that needs it.
    let password = HEXLOWER.encode(&rand::random::<[u8; 16]>());
    write_private(&password_file, &password)?;
    make_cluster(home, &password)?;
    Ok(password)
}

/// In a folder beside the real one, which appears whole or not at all.
fn make_cluster(home: &Home, password: &str) -> Result<(), Error> {
    let partial = home.path.join("db.partial");
    let secret = home.path.join("password.partial");
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(Error::at(&partial))?;
    }
    fs::create_dir(&partial).map_err(Error::at(&partial))?;
    home.hand_over(&partial)?;
    write_private(&secret, password)?;
    home.hand_over(&secret)?;
    let program = home.programs.join("bin/initdb");
    let mut initdb = Command::new(&program);
    initdb.arg("-D").arg(&partial).arg("--pwfile").arg(&secret).args(["-U", ROLE]);
    // The built-in locale: the same order of letters on every machine.
    initdb.args(["--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]);
    initdb.args(["--builtin-locale=C.UTF-8", "--auth=scram-sha-256", "--no-instructions"]);
    initdb.env_clear().current_dir("/").stdin(Stdio::null());
    if let Some(user) = home.user {
        initdb.uid(user.uid).gid(user.gid);
    }
    let output = initdb.output().map_err(|error| Error::run(&program, &error))?;
    fs::remove_file(&secret).map_err(Error::at(&secret))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return if words.contains("No space left") {
            Err(Error::DiskFull { path: partial })
        } else {
            Err(Error::run(&program, words.trim()))
        };
    }
    let database = home.database();
    fs::rename(&partial, &database).map_err(Error::at(&database))
}

pub(crate) fn engine(folder: &Folder, home: &Home, database: &Database) -> Engine {
    let settings = SETTINGS.iter().flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()]);
    let mut launch =
        Launch::new("PostgreSQL", home.programs.join("bin/postgres"), folder.log("postgres"))
            .args(["-D".into(), home.database().into_os_string()])
            .args(settings)
            .args(["-c".to_owned(), format!("port={}", database.port)]);
    launch.clean_env = true;
    launch.dir = Some("/".into());
    // SIGINT ends sessions and stops cleanly; SIGQUIT leaves the rest to recovery.
    launch.stop = Signal::Int;
    launch.grace = Duration::from_secs(5);
    launch.last = Signal::Quit;
    launch.user = home.user;
    let probe = Probe::Postgres { url: database.url("postgres") };
    Engine::new(launch, home.database(), probe, folder.pid("postgres"))
}
