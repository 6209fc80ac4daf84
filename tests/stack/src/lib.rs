//! The real engines Usher runs on, Restate and `PostgreSQL`: fetched, started, and never left running.

mod engine;
mod error;
mod folder;
mod home;
mod install;
mod ports;
mod postgres;
mod restate;
mod signal;
mod supervised;
mod user;

pub use engine::Engine;
pub use error::Error;
pub use ports::Ports;
pub use signal::{Signal, command_line};
pub use supervised::{Launch, Supervised};

use folder::Folder;
use home::Home;
use install::Installed;
use ports::Chosen;
use postgres::Database;
use std::path::PathBuf;

/// How often an engine may lose the race for its port, and be given another.
const PORT_RACES_MAX: usize = 5;

#[derive(Debug, Clone)]
pub struct Options {
    /// Where the data stays; `None` for data that goes away with the engines.
    pub data: Option<PathBuf>,
    /// Where the fetched engines are kept: the checkout's `.usher`, for all runs alike.
    pub cache: PathBuf,
    pub ports: Ports,
    /// Told what takes long.
    pub progress: fn(&str),
    /// Overrides of `restate.toml`, as `RESTATE_…` variables.
    pub restate_env: Vec<(String, String)>,
}

impl Options {
    /// The usual ports, and data that stays: for `cargo run`.
    pub fn kept(data: impl Into<PathBuf>, cache: impl Into<PathBuf>) -> Self {
        Self { data: Some(data.into()), ports: Ports::USUAL, ..Self::throwaway(cache) }
    }

    /// Any ports, and data that goes away: for tests.
    pub fn throwaway(cache: impl Into<PathBuf>) -> Self {
        Self {
            data: None,
            cache: cache.into(),
            ports: Ports::default(),
            progress: |_| {},
            restate_env: Vec::new(),
        }
    }

    async fn folder(&self) -> Result<Folder, Error> {
        match &self.data {
            Some(data) => Folder::kept(data).await,
            None => Folder::throwaway(&self.cache).await,
        }
    }
}

/// Both engines, running. They end with this process, however it ends.
#[derive(Debug)]
pub struct Engines {
    pub postgres: Engine,
    pub restate: Engine,
    database: Database,
    ports: Chosen,
    folder: Folder,
}

impl Engines {
    pub async fn start(options: &Options) -> Result<Self, Error> {
        let prepared = Prepared::new(options).await?;
        let (postgres, restate) =
            tokio::try_join!(prepared.start_postgres(options), prepared.start_restate(options))?;
        let (postgres, database) = postgres;
        let (restate, restate_ports) = restate;
        let ports = Chosen { postgres: database.port, ..restate_ports };
        prepared.folder.remember_ports(ports)?;
        Ok(Self { postgres, restate, database, ports, folder: prepared.folder })
    }

    /// Stops both cleanly; data that was not to stay is removed.
    pub async fn stop(self) -> Result<(), Error> {
        tokio::join!(self.restate.stop(), self.postgres.stop());
        self.folder.close()
    }

    /// Of the database `usher`.
    pub fn database_url(&self) -> String {
        self.database.url(postgres::DATABASE)
    }

    /// Creates a database if it is missing, and returns its URL.
    pub async fn create_database(&self, name: &str) -> Result<String, Error> {
        self.database.create(name).await
    }

    pub fn restate_ingress_url(&self) -> String {
        restate::ingress_url(self.ports)
    }

    pub fn restate_admin_url(&self) -> String {
        restate::admin_url(self.ports)
    }
}

/// `PostgreSQL` alone.
#[derive(Debug)]
pub struct Postgres {
    pub engine: Engine,
    database: Database,
    folder: Folder,
}

impl Postgres {
    pub async fn start(options: &Options) -> Result<Self, Error> {
        let prepared = Prepared::new(options).await?;
        let (engine, database) = prepared.start_postgres(options).await?;
        Ok(Self { engine, database, folder: prepared.folder })
    }

    pub async fn stop(self) -> Result<(), Error> {
        self.engine.stop().await;
        self.folder.close()
    }

    /// Of the database `usher`.
    pub fn database_url(&self) -> String {
        self.database.url(postgres::DATABASE)
    }
}

/// Everything is there but the running processes.
struct Prepared {
    folder: Folder,
    installed: Installed,
    home: Home,
    password: String,
    /// Both engines' ports are chosen here, so that they do not choose the same.
    ports: Chosen,
}

impl Prepared {
    async fn new(options: &Options) -> Result<Self, Error> {
        let folder = options.folder().await?;
        let (cache, progress, wished) = (options.cache.clone(), options.progress, options.ports);
        let blocking = move || {
            let installed = install::install(&cache, progress)?;
            let home = Home::open(&folder.path, &installed)?;
            let password = postgres::prepare(&folder.path, &home, progress)?;
            let mut ports = folder.remembered_ports();
            ports.choose_postgres(wished)?;
            ports.choose_restate(wished)?;
            Ok(Self { folder, installed, home, password, ports })
        };
        tokio::task::spawn_blocking(blocking).await.map_err(|_| Error::Interrupted)?
    }

    async fn start_postgres(&self, options: &Options) -> Result<(Engine, Database), Error> {
        let mut ports = self.ports;
        for _ in 0..PORT_RACES_MAX {
            let database = Database { port: ports.postgres, password: self.password.clone() };
            let engine = postgres::engine(&self.folder, &self.home, &database);
            match engine.start().await {
                Err(Error::PortTaken { .. }) => ports.choose_postgres(options.ports)?,
                started => {
                    started?;
                    database.create(postgres::DATABASE).await?;
                    return Ok((engine, database));
                }
            }
        }
        Err(Error::PortTaken { engine: "PostgreSQL" })
    }

    async fn start_restate(&self, options: &Options) -> Result<(Engine, Chosen), Error> {
        let mut ports = self.ports;
        for _ in 0..PORT_RACES_MAX {
            let engine =
                restate::engine(&self.folder, &self.installed, ports, &options.restate_env)?;
            match engine.start().await {
                Err(Error::PortTaken { .. }) => ports.choose_restate(options.ports)?,
                started => {
                    started?;
                    return Ok((engine, ports));
                }
            }
        }
        Err(Error::PortTaken { engine: "Restate" })
    }
}
