//! The data folder: one Usher at a time works in it, and finds there what the last one left.

use crate::error::Error;
use crate::home;
use crate::ports::Chosen;
use crate::restate;
use crate::signal::{Signal, stop_recorded};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const LOCK: &str = "lock";
const THROWAWAY: &str = "throwaway-";
/// What killed runs have left is tidied a few at a time, so that no start takes long.
const TIDIED_MAX: usize = 4;
const LOG_BYTES_MAX: u64 = 32 * 1024 * 1024;
const TAIL_BYTES: u64 = 64 * 1024;
const TAIL_LINES: usize = 12;

/// A data folder that is ours until this is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    throwaway: bool,
    _lock: File,
}

impl Folder {
    pub(crate) async fn kept(path: &Path) -> Result<Self, Error> {
        let path = create(path)?;
        let Some(lock) = lock(&path)? else {
            let pid = fs::read_to_string(path.join(LOCK)).unwrap_or_default();
            return Err(Error::AlreadyRunning { pid: pid.trim().to_owned(), data: path });
        };
        let folder = Self { path, throwaway: false, _lock: lock };
        folder.stop_leftovers().await;
        folder.shorten_logs()?;
        Ok(folder)
    }

    /// An empty folder that goes away again. They are numbered, so that the next run finds and empties
    /// what killed ones have left.
    pub(crate) async fn throwaway(cache: &Path) -> Result<Self, Error> {
        let mut number = 0_u32;
        let folder = loop {
            let path = create(&cache.join(format!("{THROWAWAY}{number}")))?;
            if let Some(lock) = lock(&path)? {
                break Self { path, throwaway: true, _lock: lock };
            }
            number += 1;
        };
        folder.stop_leftovers().await;
        folder.empty()?;
        folder.empty_abandoned().await;
        Ok(folder)
    }

    /// Others that nobody holds any more: they would keep a killed run's data until as many runs are under way again.
    /// This is tidying, so what cannot be tidied stays.
    async fn empty_abandoned(&self) {
        // By the cache's real path, as each folder is known to its own home.
        let Some(Ok(entries)) = self.path.parent().map(fs::read_dir) else { return };
        let others = entries.flatten().map(|entry| entry.path());
        let others = others.filter(|path| is_throwaway(path) && !is_bare(path));
        let abandoned = others.filter_map(|path| {
            let lock = lock(&path).ok().flatten()?;
            Some(Self { path, throwaway: true, _lock: lock })
        });
        for folder in abandoned.take(TIDIED_MAX) {
            folder.stop_leftovers().await;
            drop(folder.empty());
        }
        home::remove_orphans(TIDIED_MAX);
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn log(&self, engine: &str) -> PathBuf {
        self.file(&format!("{engine}.log"))
    }

    pub(crate) fn pid(&self, engine: &str) -> PathBuf {
        self.file(&format!("{engine}.pid"))
    }

    pub(crate) fn remembered_ports(&self) -> Chosen {
        let text = fs::read(self.file("ports.json")).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    pub(crate) fn remember_ports(&self, ports: &Chosen) -> Result<(), Error> {
        let path = self.file("ports.json");
        let text =
            serde_json::to_vec_pretty(ports).map_err(|error| Error::at(&path)(error.into()))?;
        fs::write(&path, text).map_err(Error::at(&path))
    }

    /// After the engines have stopped: a throwaway folder takes its contents with it.
    pub(crate) fn close(self) -> Result<(), Error> {
        if self.throwaway { self.empty() } else { Ok(()) }
    }

    /// Engines that outlived their Usher, if only because it ended a second ago.
    async fn stop_leftovers(&self) {
        for node in restate::all_names() {
            stop_recorded(&self.pid(&node), &self.path, Signal::Term).await;
        }
        for home in home::recorded(&self.path).into_iter().chain([self.path.clone()]) {
            stop_recorded(&self.pid("postgres"), &home, Signal::Int).await;
            stop_recorded(&home.join("db/postmaster.pid"), &home, Signal::Int).await;
        }
    }

    fn empty(&self) -> Result<(), Error> {
        home::remove(&self.path)?;
        for entry in fs::read_dir(&self.path).map_err(Error::at(&self.path))? {
            let path = entry.map_err(Error::at(&self.path))?.path();
            if path.ends_with(LOCK) {
                continue;
            }
            let removed =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(Error::at(&path))?;
        }
        Ok(())
    }

    fn shorten_logs(&self) -> Result<(), Error> {
        for engine in restate::all_names().chain(["postgres".to_owned()]) {
            let path = self.log(&engine);
            if fs::metadata(&path).is_ok_and(|log| log.len() > LOG_BYTES_MAX) {
                fs::rename(&path, path.with_extension("log.old")).map_err(Error::at(&path))?;
            }
        }
        Ok(())
    }
}

/// A folder whose data goes away with its engines.
pub(crate) fn is_throwaway(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(THROWAWAY))
}

/// Nothing but its lock is in it.
fn is_bare(path: &Path) -> bool {
    let mut entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.all(|entry| entry.file_name() == LOCK)
}

/// For us alone: passwords and bookings are in it. The path is made absolute.
fn create(path: &Path) -> Result<PathBuf, Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(Error::at(path))?;
    fs::canonicalize(path).map_err(Error::at(path))
}

/// `None` when somebody else holds it. The kernel lets go of it when its holder ends, however that ends.
fn lock(dir: &Path) -> Result<Option<File>, Error> {
    let path = dir.join(LOCK);
    let opened = OpenOptions::new().create(true).read(true).write(true).truncate(false).open(&path);
    let mut file = opened.map_err(Error::at(&path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(Error::at(&path)(error)),
    }
    let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(Error::at(&path))?;
    Ok(Some(file))
}

/// Writes a file that only we may read.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    let opened = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path);
    opened.and_then(|mut file| file.write_all(text.as_bytes())).map_err(Error::at(path))
}

/// The last lines of a log, not going back beyond `from` bytes.
pub(crate) fn tail(log: &Path, from: u64) -> String {
    let mut text = Vec::new();
    if let Ok(mut file) = File::open(log) {
        let length = file.metadata().map_or(0, |log| log.len());
        let start = SeekFrom::Start(from.max(length.saturating_sub(TAIL_BYTES)));
        // A log that cannot be read leaves the error without its tail, no more.
        drop(file.seek(start).and_then(|_| file.read_to_end(&mut text)));
    }
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_killed_runs_have_left_is_emptied_and_what_lives_is_left_alone() {
        let cache = std::env::temp_dir().join(format!("usher-folders-{}", std::process::id()));
        let other = |number| cache.join(format!("{THROWAWAY}{number}"));
        for path in [other(6), other(7)] {
            create(&path).unwrap();
            fs::write(path.join("data"), "of a run").unwrap();
        }
        let living = lock(&other(6)).unwrap();
        let folder = Folder::throwaway(&cache).await.unwrap();
        assert_eq!(folder.path, fs::canonicalize(other(0)).unwrap());
        assert!(living.is_some() && other(6).join("data").exists());
        assert!(!other(7).join("data").exists());
        drop(folder);
        fs::remove_dir_all(cache).unwrap();
    }
}
