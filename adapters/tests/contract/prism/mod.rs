//! A vendor's own description of its interface (`OpenAPI`), put between adapter and stand-in: Prism reads every request and
//! every answer, and says which of them is not as described.
//!
//! The descriptions are the vendors' and not in this repository. Where they are not beside it, or where `USHER_SHARED`
//! says, these tests are skipped and say so.

use crate::npm::{Package, root};
use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

const PACKAGE: Package = Package {
    place: "prism",
    json: include_str!("package.json"),
    lock: include_str!("package-lock.json"),
};
/// Ninety megabytes, once; and Node on a busy machine.
const PATIENCE: Duration = Duration::from_mins(5);

/// The vendor's description of this name; None, and a word about it, where there is none.
fn description(name: &str) -> Option<PathBuf> {
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
    /// Between whoever asks at `url` and the server at `upstream`, by the description of this name. None, and a word about
    /// it: there is no such description, or no Prism.
    pub(crate) async fn before(upstream: String, name: &'static str) -> Option<Self> {
        let description = description(name)?;
        let begun = tokio::task::spawn_blocking(move || Self::begun(&upstream, &description));
        begun.await.unwrap()
    }

    fn begun(upstream: &str, description: &Path) -> Option<Self> {
        let program = PACKAGE.fetched()?.join("node_modules/@stoplight/prism-cli/dist/index.js");
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
        let prism = Self { url: format!("http://127.0.0.1:{port}"), child, lines };
        loop {
            let line = prism.lines.recv_timeout(PATIENCE).unwrap();
            if line.contains("Prism is listening") {
                return Some(prism);
            }
        }
    }

    /// Ends it: nothing that was seen is against the description but for these, each of which was seen; and so many
    /// requests came through. An exception is a part of the violation's text.
    pub(crate) fn saw_nothing_but(self, excepted: &[&str], at_least: usize) {
        let (requests, violations) = self.seen();
        assert!(requests >= at_least, "only {requests} requests came through");
        let known = |violation: &&String| excepted.iter().any(|part| violation.contains(part));
        let (known, others): (Vec<_>, Vec<_>) = violations.iter().partition(known);
        assert!(others.is_empty(), "{others:#?}");
        for part in excepted {
            let seen = known.iter().any(|violation| violation.contains(part));
            assert!(seen, "no exception any more: {part}");
        }
    }

    /// Ends it: how many requests it has seen, and everything that was not as described.
    pub(crate) fn seen(mut self) -> (usize, Vec<String>) {
        self.end();
        let lines: Vec<String> = self.lines.iter().collect();
        let requests = lines.iter().filter(|line| line.contains("Request received")).count();
        let violation = |line: &String| {
            let (_, text) = line.split_once("Violation: ")?;
            Some(text.trim().to_owned())
        };
        (requests, lines.iter().filter_map(violation).collect())
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A test that fails leaves nothing behind.
impl Drop for Prism {
    fn drop(&mut self) {
        self.end();
    }
}
