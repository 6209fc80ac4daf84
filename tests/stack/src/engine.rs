//! One engine: started until it answers, killed as by a crash, started again on the same port and data, stopped.

use crate::error::Error;
use crate::folder::{tail, write_private};
use crate::supervised::{Launch, Supervised};
use sqlx::{Connection, PgConnection};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

const READY_WITHIN: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(20);
/// How long an engine's earlier life may hold on to the port or the data.
const HELD_UP: Duration = Duration::from_secs(10);
const PORT_HELD: Duration = Duration::from_secs(2);

const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// How an engine shows that it is ready.
#[derive(Debug)]
pub(crate) enum Probe {
    Postgres { url: String },
    Restate { cluster: String, ingress: String, admin: String, http: reqwest::Client },
}

#[derive(Debug)]
pub struct Engine {
    launch: Launch,
    data: PathBuf,
    probe: Probe,
    pid_file: PathBuf,
    running: Mutex<Option<Supervised>>,
}

impl Engine {
    pub(crate) fn new(launch: Launch, data: PathBuf, probe: Probe, pid_file: PathBuf) -> Self {
        Self { launch, data, probe, pid_file, running: Mutex::new(None) }
    }

    /// Starts the engine on its port and data and waits until it answers; does nothing when it runs.
    pub async fn start(&self) -> Result<(), Error> {
        let mut running = self.running.lock().await;
        if running.as_mut().is_some_and(Supervised::is_alive) {
            return Ok(());
        }
        let started = Instant::now();
        loop {
            match self.start_once().await {
                Ok(engine) => {
                    *running = Some(engine);
                    return Ok(());
                }
                Err(Error::Busy { .. }) if started.elapsed() < HELD_UP => {}
                Err(Error::PortTaken { .. }) if started.elapsed() < PORT_HELD => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep(PAUSE * 10).await;
        }
    }

    /// Ends the engine as a crash would.
    pub async fn kill_9(&self) {
        if let Some(engine) = self.running.lock().await.as_mut() {
            engine.kill_9().await;
        }
    }

    pub async fn stop(&self) {
        if let Some(mut engine) = self.running.lock().await.take() {
            engine.stop().await;
        }
    }

    pub async fn pid(&self) -> Option<u32> {
        let mut running = self.running.lock().await;
        running.as_mut().and_then(|engine| engine.is_alive().then(|| engine.pid()))
    }

    pub async fn is_alive(&self) -> bool {
        self.pid().await.is_some()
    }

    pub fn log(&self) -> &Path {
        &self.launch.log
    }

    /// The folder it keeps its data in.
    pub fn data(&self) -> &Path {
        &self.data
    }

    async fn start_once(&self) -> Result<Supervised, Error> {
        let log_start = std::fs::metadata(&self.launch.log).map_or(0, |log| log.len());
        let mut engine = Supervised::spawn(&self.launch)?;
        write_private(&self.pid_file, &format!("{}\n", engine.pid()))?;
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let answers = self.probe.answers().await;
            // Asked in this order: an answer on our port may come from somebody else while ours is failing.
            if !engine.is_alive() {
                return Err(self.why_it_ended(log_start));
            }
            if answers {
                return Ok(engine);
            }
            if Instant::now() > deadline {
                engine.stop().await;
                let (engine, log, tail) = self.last_words(log_start);
                return Err(Error::NotReady { engine, seconds: READY_WITHIN.as_secs(), log, tail });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Engines say why they end only in their log.
    fn why_it_ended(&self, log_start: u64) -> Error {
        let (engine, log, tail) = self.last_words(log_start);
        let says = |words: &[&str]| words.iter().any(|word| tail.contains(word));
        if says(&["ddress already in use", "ddress in use"]) {
            return Error::PortTaken { engine };
        }
        if says(&["still in use", "already exists", "LOCK: Resource temporarily unavailable"]) {
            return Error::Busy { engine, log, tail };
        }
        Error::Exited { engine, log, tail }
    }

    fn last_words(&self, log_start: u64) -> (&'static str, PathBuf, String) {
        (self.launch.name, self.launch.log.clone(), tail(&self.launch.log, log_start))
    }
}

impl Probe {
    async fn answers(&self) -> bool {
        let asked = async {
            match self {
                Self::Postgres { url } => PgConnection::connect(url).await?.close().await?,
                Self::Restate { cluster, ingress, admin, http } => {
                    // Another Restate may have won our port a moment before ours gives up.
                    let health = http.get(format!("{admin}/cluster-health")).send().await?;
                    let health: serde_json::Value = health.error_for_status()?.json().await?;
                    if health["cluster_name"] != cluster.as_str() {
                        return Ok(false);
                    }
                    let health = http.get(format!("{ingress}/restate/health"));
                    health.send().await?.error_for_status()?;
                    // Its health is fine long before its partitions have leaders: a query needs them all.
                    let body =
                        serde_json::json!({ "query": "SELECT count(*) FROM sys_invocation" });
                    let query = http.post(format!("{admin}/query")).json(&body);
                    query.send().await?.error_for_status()?;
                }
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(true)
        };
        matches!(tokio::time::timeout(ANSWER_WITHIN, asked).await, Ok(Ok(true)))
    }
}
