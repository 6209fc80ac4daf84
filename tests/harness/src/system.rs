//! The whole system: engines, stand-ins and Usher as processes, set up by nothing but their environment.

use super::{PAUSE, environment, until};
use data_encoding::HEXLOWER;
use sandbox::{
    apple::{PassCertificate, pass_certificate},
    nearpay::{LoginKey, login_key},
};
use schema::ids::IdKey;
use stack::{Engines, Launch, Options, Supervised};
use std::{
    env, fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};
use tokio::{process::Command, sync::Mutex};

/// Longer than 127 bytes: where other makers of tax QRs go wrong.
pub const SELLER: &str =
    "شركة السينما السعودية للترفيه والعروض السينمائية المحدودة وشركاؤها في المملكة";
pub const PASS_TYPE: &str = "pass.sa.example.ticket";
const TEAM: &str = "A1B2C3D4E5";

/// Who signs the passes of every system of this process.
pub static SIGNER: LazyLock<PassCertificate> =
    LazyLock::new(|| pass_certificate(PASS_TYPE, TEAM, (2026, 2099)).unwrap());

/// What the kiosks' terminals of every system of this process sign in by.
pub(crate) static TERMINALS: LazyLock<LoginKey> = LazyLock::new(|| login_key().unwrap());

/// How long the logs of a run may be read.
const KEPT: Duration = Duration::from_hours(24);

/// The binary that was built beside this one.
pub fn usher() -> PathBuf {
    let ours = env::current_exe().unwrap();
    let built = ours.parent().unwrap();
    let built = if built.ends_with("deps") { built.parent().unwrap() } else { built };
    built.join("usher")
}

/// Builds Usher as this program was built. It is a process of its own, found beside this one, with nothing armed in it.
pub fn build_usher() -> Result<(), Box<dyn std::error::Error>> {
    let ours = env::current_exe()?;
    let profile = ours.parent().and_then(Path::file_name).ok_or("this is run by cargo")?;
    let profile = if profile == "debug" { "dev".as_ref() } else { profile };
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut cargo = std::process::Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["build", "--package", "usher", "--bin", "usher", "--profile"]).arg(profile);
    let built = cargo.current_dir(checkout).status()?;
    if built.success() { Ok(()) } else { Err("Usher does not build".into()) }
}

/// What is different about a system.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Every wait of ours and of the vendors is this many times shorter.
    pub factor: u32,
    /// Names that are left out of Usher's environment. Without `SANDBOX_STATE` the stand-ins keep nothing on the disk.
    pub without: Vec<&'static str>,
    /// Names that are put into it.
    pub with: Vec<(&'static str, String)>,
    /// Of Restate.
    pub nodes: usize,
}

impl Default for Setup {
    fn default() -> Self {
        Self { factor: 60, without: Vec::new(), with: Vec::new(), nodes: 1 }
    }
}

/// Everything, running. It ends with the test process, however that ends.
pub struct System {
    pub engines: Engines,
    pub database: String,
    pub gateway: String,
    /// Which answers the engine alone.
    pub workflows: String,
    pub sandbox: String,
    /// Where its metrics are read.
    pub metrics: String,
    pub keys: Keys,
    /// Where the tickets' pictures are, unless the setup has put them elsewhere.
    pub store: Option<PathBuf>,
    usher: Program,
    /// They live as long as the system does.
    stand_ins: Supervised,
}

pub struct Keys {
    pub jwt: String,
    pub webhook: String,
    pub checkout_webhook: String,
    pub checkout_authorization: String,
    pub(crate) id: String,
    pub(crate) passes: String,
    /// The last part of the address that the terminals' vendor tells us at.
    pub nearpay: String,
}

impl Keys {
    fn random() -> Self {
        Self {
            jwt: random(),
            webhook: random(),
            checkout_webhook: random(),
            checkout_authorization: random(),
            id: random(),
            passes: random(),
            nearpay: random(),
        }
    }
}

/// A process that can be killed and started again as it was.
struct Program {
    launch: Launch,
    running: Mutex<Supervised>,
}

impl Program {
    fn start(launch: Launch) -> Self {
        let running = Mutex::new(Supervised::spawn(&launch).unwrap());
        Self { launch, running }
    }

    async fn kill_9(&self) {
        self.running.lock().await.kill_9().await;
    }

    async fn start_again(&self) {
        *self.running.lock().await = Supervised::spawn(&self.launch).unwrap();
    }
}

impl System {
    pub async fn start(setup: &Setup) -> Self {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut options = Options::throwaway(checkout.join(".usher"));
        // The engine's longest wait is a minute, too.
        let longest = format!("{}ms", 60_000 / setup.factor);
        options
            .restate_env
            .push(("RESTATE_DEFAULT_RETRY_POLICY__MAX_INTERVAL".to_owned(), longest));
        options.nodes = Some(setup.nodes);
        let engines = Engines::start(&options).await.unwrap();
        let database = engines.create_database("e2e").await.unwrap();
        migrate(&database).await;

        let address = || format!("127.0.0.1:{}", free_port());
        let (gateway, workflows, sandbox, metrics) = (address(), address(), address(), address());
        let keys = Keys::random();
        let logs = folder_for_logs(&keys.id[..8]);
        let stand_ins =
            Supervised::spawn(&environment::stand_ins(&logs, &keys, &gateway, &sandbox, setup))
                .unwrap();
        let mut launch = Launch::new("Usher", usher(), logs.join("usher.log")).args(["serve"]);
        launch.clean_env = true;
        let store = logs.join("store");
        let urls = [
            ("USHER_STORE_URL", format!("file://{}", store.display())),
            ("ZATCA_SELLER_NAME", SELLER.to_owned()),
            ("ZATCA_VAT_NUMBER", "300000000000003".to_owned()),
            ("APPLE_WALLET_PASS_TYPE_IDENTIFIER", PASS_TYPE.to_owned()),
            ("APPLE_WALLET_TEAM_IDENTIFIER", TEAM.to_owned()),
            ("APPLE_WALLET_CER_FILE_NAME", SIGNER.certificate.clone()),
            ("APPLE_WALLET_WWDR_FILE_NAME", SIGNER.intermediate.clone()),
            ("DATABASE_URL", database.clone()),
            ("RESTATE_INGRESS_URL", engines.restate_ingress_urls()),
            ("RESTATE_ADMIN_URL", engines.restate_admin_urls()),
            ("USHER_ENGINE_IDENTITY_KEYS", engines.identity_key().to_owned()),
            ("USHER_GATEWAY_ADDR", gateway.clone()),
            ("USHER_WORKFLOWS_ADDR", workflows.clone()),
            ("USHER_METRICS_ADDR", metrics.clone()),
            ("USHER_PUBLIC_URL", format!("http://{gateway}")),
            ("USHER_TIME_FACTOR", setup.factor.to_string()),
        ];
        let environment = urls.into_iter().chain(environment::of_usher(&sandbox, &keys));
        for (name, value) in environment.filter(|(name, _)| !setup.without.contains(name)) {
            launch = launch.env(name, value);
        }
        for (name, value) in &setup.with {
            launch = launch.env(*name, value);
        }
        let usher = Program::start(launch);
        let (gateway, sandbox) = (format!("http://{gateway}"), format!("http://{sandbox}"));
        let (workflows, metrics) =
            (format!("http://{workflows}"), format!("http://{metrics}/metrics"));
        let elsewhere = setup.with.iter().any(|(name, _)| *name == "USHER_STORE_URL");
        let store = (!elsewhere).then_some(store);
        let system = Self {
            engines,
            database,
            gateway,
            workflows,
            sandbox,
            metrics,
            keys,
            store,
            usher,
            stand_ins,
        };
        system.until_ready().await;
        system
    }

    /// Ends Usher as a power cut would.
    pub async fn kill_usher_9(&self) {
        self.usher.kill_9().await;
    }

    /// Starts Usher again whenever it has ended: what an operating system's supervisor does.
    pub async fn keep_usher_running(&self) {
        loop {
            if !self.usher.running.lock().await.is_alive() {
                self.usher.start_again().await;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The key that ids are derived with: a test knows a booking's id before anybody has asked for it.
    pub fn id_key(&self) -> IdKey {
        IdKey::new(HEXLOWER.decode(self.keys.id.as_bytes()).unwrap())
    }

    /// Ends Usher as a power cut would, and starts it with this in its environment, on the same ports.
    pub async fn restart_usher_with(&self, name: &str, value: &str) {
        self.kill_usher_9().await;
        let launch = self.usher.launch.clone().env(name, value);
        *self.usher.running.lock().await = Supervised::spawn(&launch).unwrap();
        self.until_ready().await;
    }

    /// Starts Usher as it was, on the same ports.
    pub async fn start_usher(&self) {
        self.usher.start_again().await;
        self.until_ready().await;
    }

    /// What nobody may find anywhere: the keys, the vendors' tokens, and a card's holder and first six digits.
    pub fn secrets(&self) -> Vec<String> {
        let given = environment::secrets(&self.keys).into_iter();
        let given = given.filter(|(name, _)| {
            !matches!(*name, "HYPER_PAY_ENTITY_ID" | "CHECKOUT_PROCESSING_CHANNEL_ID")
        });
        let password = self.database.split(&[':', '@']).nth(2).unwrap().to_owned();
        let card = ["Sara Ali", "420000"].map(str::to_owned);
        given.map(|(_, value)| value).chain([password]).chain(card).collect()
    }

    /// Everything that runs, by name and pid: for whoever measures what it costs.
    pub async fn processes(&self) -> Vec<(&'static str, u32)> {
        let engines = [
            ("restate", self.engines.restate.pid().await),
            ("postgres", self.engines.postgres.pid().await),
        ];
        let engines = engines.into_iter().filter_map(|(name, pid)| Some((name, pid?)));
        let ours =
            [("usher", self.usher.running.lock().await.pid()), ("stand-ins", self.stand_ins.pid())];
        ours.into_iter().chain(engines).collect()
    }

    /// What Usher has written, in all its lives.
    pub fn log(&self) -> &Path {
        &self.usher.launch.log
    }

    async fn until_ready(&self) {
        for url in [format!("{}/_sim/health", self.sandbox), format!("{}/readyz", self.gateway)] {
            until(&url, || async { answers(&url).await.then_some(()) }).await;
        }
    }
}

async fn migrate(database: &str) {
    let mut migrate = Command::new(usher());
    let done = migrate.arg("migrate").env_clear().env("DATABASE_URL", database).output().await;
    let done = done.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

async fn answers(url: &str) -> bool {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    http.get(url).send().await.is_ok_and(|answer| answer.status().is_success())
}

/// A new folder; those of earlier days go.
fn folder_for_logs(name: &str) -> PathBuf {
    let all = usher().with_file_name("e2e");
    let folder = all.join(name);
    fs::create_dir_all(&folder).unwrap();
    for old in fs::read_dir(all).unwrap().flatten() {
        let made = old.metadata().and_then(|about| about.modified()).ok();
        if made.and_then(|made| made.elapsed().ok()).is_some_and(|age| age > KEPT) {
            // Another test may have been quicker.
            drop(fs::remove_dir_all(old.path()));
        }
    }
    folder
}

/// Below the range from which systems take ports for outgoing connections, so that it is still ours after a restart.
fn free_port() -> u16 {
    let mut draws = std::iter::repeat_with(|| rand::random_range(15_000..32_000_u16));
    draws.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()).unwrap()
}

/// 32 random bytes as hex.
fn random() -> String {
    HEXLOWER.encode(&rand::random::<[u8; 32]>())
}

/// The last lines of a file that say one of these.
pub(crate) fn lines_about(file: &Path, names: &[String], most: usize) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let about = |line: &&str| names.is_empty() || names.iter().any(|name| line.contains(name));
    let mut found: Vec<String> =
        text.lines().rev().filter(about).take(most).map(str::to_owned).collect();
    found.reverse();
    found
}
