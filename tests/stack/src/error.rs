//! What can go wrong with the engines: each variant is one sentence that says what to do about it.

use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "npm was not found: install Node.js (https://nodejs.org), which brings it, or set DATABASE_URL, \
         RESTATE_INGRESS_URL and RESTATE_ADMIN_URL to engines that already run"
    )]
    NpmMissing,
    #[error(
        "npm could not fetch the engines: check the network and npm's registry setting, then start again; \
         {log} ends with:\n{tail}"
    )]
    NpmFailed { log: PathBuf, tail: String },
    #[error(
        "the engines are not packaged for this machine ({os}, {arch}): set DATABASE_URL, \
         RESTATE_INGRESS_URL and RESTATE_ADMIN_URL to engines that run elsewhere"
    )]
    Platform { os: &'static str, arch: &'static str },
    #[error("the disk is full: free about 1 GB for {path} and start again")]
    DiskFull { path: PathBuf },
    #[error("Usher already runs here (pid {pid}): stop it, or use another folder than {data}")]
    AlreadyRunning { pid: String, data: PathBuf },
    #[error(
        "{data} is a copy of {original}, and both would write to one database: delete {data} to start afresh"
    )]
    Copied { data: PathBuf, original: PathBuf },
    #[error(
        "the database of {data} is gone from {home}: delete {data} to start afresh, or put the database back"
    )]
    HomeMissing { data: PathBuf, home: PathBuf },
    #[error(
        "{engine} found its port taken again and again: stop what listens there, then start again"
    )]
    PortTaken { engine: &'static str },
    #[error("no free port was found for {engine}: close some programs and start again")]
    NoPort { engine: &'static str },
    #[error(
        "{engine} is held up by an earlier life of its own: wait a moment and start again; {log} ends with:\n{tail}"
    )]
    Busy { engine: &'static str, log: PathBuf, tail: String },
    #[error("{engine} ended instead of starting; {log} ends with:\n{tail}")]
    Exited { engine: &'static str, log: PathBuf, tail: String },
    #[error("{engine} was not ready after {seconds} s; {log} ends with:\n{tail}")]
    NotReady { engine: &'static str, seconds: u64, log: PathBuf, tail: String },
    #[error("cannot run {program}: {reason}")]
    Run { program: String, reason: String },
    #[error("cannot use {path}: {source}; check who owns it and that it may be written")]
    File { path: PathBuf, source: io::Error },
    #[error("PostgreSQL refused {what}: {source}")]
    Sql { what: String, source: sqlx::Error },
    #[error("{0:?} is no database name: use lower-case letters, digits and underscores")]
    Name(String),
    #[error(
        "the key that the engine signs its calls with cannot be made or read: delete it, and it is made anew"
    )]
    Identity,
    #[error(
        "{data} was founded with {has} node(s) of Restate, which cannot become {wished}: use another folder, or \
         delete {data} to start afresh"
    )]
    Nodes { has: usize, wished: usize, data: PathBuf },
    #[error("the work of starting the engines was interrupted: start again")]
    Interrupted,
}

impl Error {
    /// For `map_err`: a failed file operation, with the path it was about.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| {
            let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
            if full.contains(&source.kind()) {
                Self::DiskFull { path }
            } else {
                Self::File { path, source }
            }
        }
    }

    pub(crate) fn run(program: &Path, reason: &(impl ToString + ?Sized)) -> Self {
        Self::Run { program: program.display().to_string(), reason: reason.to_string() }
    }
}
