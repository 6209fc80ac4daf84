//! A vendor's own description of its interface (`OpenAPI`), put between adapter and stand-in: Prism reads every request and
//! every answer, and says which of them is not as described.
//!
//! The descriptions are the vendors' and not in this repository. Where they are not beside it, or where `USHER_SHARED`
//! says, these tests are skipped and say so.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, mpsc},
    time::Duration,
};

const PACKAGE: &str = include_str!("package.json");
const LOCK: &str = include_str!("package-lock.json");
/// Ninety megabytes, once; and Node on a busy machine.
const PATIENCE: Duration = Duration::from_mins(5);
/// One fetches, the others wait for it.
static FETCHING: Mutex<()> = Mutex::new(());

/// The vendor's description of this name; None, and a word about it, where there is none.
pub(crate) fn description(name: &str) -> Option<PathBuf> {
    let beside = || root().join("../shared");
    let shared = std::env::var_os("USHER_SHARED").map_or_else(beside, PathBuf::from);
    let path = shared.join("contracts").join(name);
    if !path.is_file() {
        println!("skipped: there is no {name} here");
        return None;
    }
    Some(path)
}

/// Prism, before a stand-in.
pub(crate) struct Prism {
    pub(crate) url: String,
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Prism {
    /// Between whoever asks at `url` and the server at `upstream`.
    pub(crate) fn before(upstream: &str, description: &Path) -> Self {
        let program = fetched().join("node_modules/@stoplight/prism-cli/dist/index.js");
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut command = Command::new("node");
        command.arg(program).arg("proxy").arg(description).arg(upstream);
        command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (said, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = said.send(line);
            }
        });
        loop {
            let line = lines.recv_timeout(PATIENCE).unwrap();
            if line.contains("Prism is listening") {
                break;
            }
        }
        Self { url: format!("http://127.0.0.1:{port}"), child, lines }
    }

    /// Ends it: how many requests it has seen, and everything that was not as described.
    pub(crate) fn seen(mut self) -> (usize, Vec<String>) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let lines: Vec<String> = self.lines.iter().collect();
        let requests = lines.iter().filter(|line| line.contains("Request received")).count();
        let violation = |line: &String| {
            let (_, text) = line.split_once("Violation: ")?;
            Some(text.trim().to_owned())
        };
        (requests, lines.iter().filter_map(violation).collect())
    }
}

/// Where Prism is; fetched by npm at the first time, exactly as the lock file says.
fn fetched() -> PathBuf {
    let _one = FETCHING.lock().unwrap();
    let place = root().join(".usher/prism");
    let current = |file: &str, text: &str| {
        fs::read_to_string(place.join(file)).is_ok_and(|have| have == text)
    };
    if current("package-lock.json", LOCK) && place.join("fetched").is_file() {
        return place;
    }
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("package.json"), PACKAGE).unwrap();
    fs::write(place.join("package-lock.json"), LOCK).unwrap();
    let log = File::create(place.join("npm.log")).unwrap();
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&place);
    npm.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    let done = npm.status().unwrap();
    assert!(done.success(), "npm could not fetch Prism: see {}", place.join("npm.log").display());
    fs::write(place.join("fetched"), "").unwrap();
    place
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
