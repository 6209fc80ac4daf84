//! The real engines Usher runs on, Restate and `PostgreSQL`: fetched, started, and never left running.

mod engine;
mod error;
mod folder;
mod home;
mod identity;
mod install;
mod ports;
mod postgres;
mod restate;
mod signal;
mod supervised;
mod user;

pub use engine::Engine;
pub use error::Error;
pub use identity::Identity;
pub use ports::Ports;
pub use restate::CLUSTER;
pub use signal::{Signal, command_line};
pub use supervised::{Launch, Supervised};

use folder::Folder;
use home::Home;
use install::Installed;
use ports::{Chosen, NodePorts};
use postgres::Database;
use std::path::PathBuf;
use tokio::task::JoinSet;

/// How often an engine may lose the race for its port, and be given another.
const PORT_RACES_MAX: usize = 5;

#[derive(Debug, Clone)]
pub struct Options {
    /// Where the data stays; `None` for data that goes away with the engines.
    pub data: Option<PathBuf>,
    /// Where the fetched engines are kept: the checkout's `.usher`, for all runs alike.
    pub cache: PathBuf,
    pub ports: Ports,
    /// How many nodes of Restate: one, or [`CLUSTER`]. `None`: as many as the data has; one, if it is new.
    pub nodes: Option<usize>,
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
            nodes: None,
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
    /// The only node, or the one that founded its cluster.
    pub restate: Engine,
    /// The other nodes of a cluster.
    pub peers: Vec<Engine>,
    database: Database,
    ports: Chosen,
    identity_key: String,
    folder: Folder,
}

impl Engines {
    pub async fn start(options: &Options) -> Result<Self, Error> {
        let prepared = Prepared::new(options).await?;
        let (postgres, restate) =
            tokio::try_join!(prepared.start_postgres(options), prepared.start_restate(options))?;
        let (postgres, database) = postgres;
        let (mut nodes, nodes_ports) = restate;
        let ports = Chosen { postgres: database.port, nodes: nodes_ports };
        prepared.folder.remember_ports(&ports)?;
        let peers = nodes.split_off(1);
        let restate = nodes.pop().ok_or(Error::Interrupted)?;
        let (identity_key, folder) = (prepared.identity_key, prepared.folder);
        Ok(Self { postgres, restate, peers, database, ports, identity_key, folder })
    }

    /// Stops all of them cleanly; data that was not to stay is removed.
    pub async fn stop(self) -> Result<(), Error> {
        let Self { postgres, mut peers, restate, folder, .. } = self;
        peers.push(restate);
        // All at once: a cluster that has lost its majority waits for it.
        let mut stopping = JoinSet::new();
        for engine in peers.into_iter().chain([postgres]) {
            stopping.spawn(async move { engine.stop().await });
        }
        stopping.join_all().await;
        folder.close()
    }

    /// Of the database `usher`.
    pub fn database_url(&self) -> String {
        self.database.url(postgres::DATABASE)
    }

    /// Creates a database if it is missing, and returns its URL.
    pub async fn create_database(&self, name: &str) -> Result<String, Error> {
        self.database.create(name).await
    }

    /// Every node of Restate.
    pub fn restate_nodes(&self) -> impl Iterator<Item = &Engine> {
        [&self.restate].into_iter().chain(&self.peers)
    }

    /// Of the first node.
    pub fn restate_ingress_url(&self) -> String {
        self.ports.nodes.first().copied().map(restate::ingress_url).unwrap_or_default()
    }

    /// Of the first node.
    pub fn restate_admin_url(&self) -> String {
        self.ports.nodes.first().copied().map(restate::admin_url).unwrap_or_default()
    }

    /// Of every node, with commas between them.
    pub fn restate_ingress_urls(&self) -> String {
        self.urls(restate::ingress_url)
    }

    /// Of every node, with commas between them.
    pub fn restate_admin_urls(&self) -> String {
        self.urls(restate::admin_url)
    }

    /// By which those whom the engine calls know it: `publickeyv1_…`.
    pub fn identity_key(&self) -> &str {
        &self.identity_key
    }

    fn urls(&self, url: fn(NodePorts) -> String) -> String {
        self.ports.nodes.iter().copied().map(url).collect::<Vec<_>>().join(",")
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
    /// Where the engine's private key is, and its public half.
    identity: PathBuf,
    identity_key: String,
}

impl Prepared {
    async fn new(options: &Options) -> Result<Self, Error> {
        let folder = options.folder().await?;
        let (cache, progress, wished) = (options.cache.clone(), options.progress, options.ports);
        let nodes = options.nodes;
        let blocking = move || {
            let installed = install::install(&cache, progress)?;
            let home = Home::open(&folder.path, &installed)?;
            let password = postgres::prepare(&folder.path, &home, progress)?;
            let mut ports = folder.remembered_ports();
            ports.choose_postgres(wished)?;
            let nodes = as_founded(&ports, nodes, &folder)?;
            ports.choose_restate(wished, nodes)?;
            let (identity, identity_key) = Identity::kept(folder.file("restate.pem"))?;
            Ok(Self { folder, installed, home, password, ports, identity, identity_key })
        };
        tokio::task::spawn_blocking(blocking).await.map_err(|_| Error::Interrupted)?
    }

    async fn start_postgres(&self, options: &Options) -> Result<(Engine, Database), Error> {
        let mut ports = self.ports.clone();
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

    async fn start_restate(
        &self,
        options: &Options,
    ) -> Result<(Vec<Engine>, Vec<NodePorts>), Error> {
        let (mut ports, env) = (self.ports.clone(), &options.restate_env);
        for _ in 0..PORT_RACES_MAX {
            let nodes =
                restate::nodes(&self.folder, &self.installed, &ports.nodes, &self.identity, env)?;
            match start_all(nodes).await {
                Err(Error::PortTaken { .. }) => {
                    let count = ports.nodes.len();
                    ports.choose_restate(options.ports, count)?;
                }
                started => return Ok((started?, ports.nodes)),
            }
        }
        Err(Error::PortTaken { engine: "Restate" })
    }
}

/// How many nodes this data has, or shall have. A cluster keeps the number it was founded with.
fn as_founded(ports: &Chosen, wished: Option<usize>, folder: &Folder) -> Result<usize, Error> {
    match (ports.nodes.len(), wished) {
        (0, wished) => Ok(wished.unwrap_or(1)),
        (has, Some(wished)) if has != wished => {
            Err(Error::Nodes { has, wished, data: folder.path.clone() })
        }
        (has, _) => Ok(has),
    }
}

/// All at once, since none of a cluster is ready before most of them are there. All of them run afterwards, or none.
async fn start_all(nodes: Vec<Engine>) -> Result<Vec<Engine>, Error> {
    let start = |node: Engine| async move { node.start().await.map(|()| node) };
    let starting: Vec<_> = nodes.into_iter().map(|node| tokio::spawn(start(node))).collect();
    let (mut started, mut failed) = (Vec::new(), None);
    for node in starting {
        match node.await.map_err(|_| Error::Interrupted)? {
            Ok(node) => started.push(node),
            Err(error) => failed = Some(error),
        }
    }
    let Some(error) = failed else { return Ok(started) };
    for node in &started {
        node.stop().await;
    }
    Err(error)
}
