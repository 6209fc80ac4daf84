//! Fetches the pinned engines from npm, once per lock file, into a cache that all runs of this checkout share.

use crate::error::Error;
use crate::folder::tail;
use data_encoding::HEXLOWER;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Inside the binary, so that it works away from its checkout.
const PACKAGE: &str = include_str!("../package.json");
const LOCK: &str = include_str!("../package-lock.json");
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Where the engines' programs are.
#[derive(Debug, Clone)]
pub(crate) struct Installed {
    pub(crate) restate: PathBuf,
    /// The folder with `PostgreSQL`'s `bin`, `lib` and `share`.
    pub(crate) postgres: PathBuf,
    /// Names this set of versions.
    pub(crate) version: String,
}

/// Blocks: call it off the async threads.
pub(crate) fn install(cache: &Path, progress: fn(&str)) -> Result<Installed, Error> {
    let version = HEXLOWER.encode(&Sha256::digest(LOCK)).chars().take(12).collect::<String>();
    fs::create_dir_all(cache).map_err(Error::at(cache))?;
    let cache = &fs::canonicalize(cache).map_err(Error::at(cache))?;
    let target = cache.join(format!("engines-{version}"));
    if !target.exists() {
        let _guard = wait_for_lock(&cache.join("engines.lock"), progress)?;
        if !target.exists() {
            fetch(cache, &target, progress)?;
        }
    }
    let (os, arch) = platform()?;
    let modules = target.join("node_modules");
    let restate =
        modules.join(format!("@restatedev/restate-server-{os}-{arch}/bin/restate-server"));
    let postgres = modules.join(format!("@embedded-postgres/{os}-{arch}/native"));
    Ok(Installed { restate, postgres, version })
}

/// npm's names for what Rust calls this machine.
fn platform() -> Result<(&'static str, &'static str), Error> {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    match (os, arch) {
        ("linux", "x86_64") => Ok(("linux", "x64")),
        ("linux", "aarch64") => Ok(("linux", "arm64")),
        ("macos", "x86_64") => Ok(("darwin", "x64")),
        ("macos", "aarch64") => Ok(("darwin", "arm64")),
        _ => Err(Error::Platform { os, arch }),
    }
}

fn wait_for_lock(path: &Path, progress: fn(&str)) -> Result<File, Error> {
    let file = File::create(path).map_err(Error::at(path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress("Another Usher is fetching the engines; waiting for it.");
            file.lock().map_err(Error::at(path))?;
        }
        Err(TryLockError::Error(error)) => return Err(Error::at(path)(error)),
    }
    Ok(file)
}

/// Everything happens in a folder beside the target, which appears whole or not at all.
fn fetch(cache: &Path, target: &Path, progress: fn(&str)) -> Result<(), Error> {
    let (os, arch) = platform()?;
    progress("Fetching Restate and PostgreSQL with npm (about 100 MB, once)…");
    let started = Instant::now();
    let partial = cache.join("engines.partial");
    match fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Error::at(&partial)(error));
        }
        _ => fs::create_dir(&partial).map_err(Error::at(&partial))?,
    }
    for (name, text) in [("package.json", PACKAGE), ("package-lock.json", LOCK)] {
        let path = partial.join(name);
        fs::write(&path, text).map_err(Error::at(&path))?;
    }
    npm_ci(&partial, &cache.join("npm.log"), progress)?;
    let modules = partial.join("node_modules");
    let postgres = modules.join(format!("@embedded-postgres/{os}-{arch}"));
    let restate = modules.join(format!("@restatedev/restate-server-{os}-{arch}/bin"));
    // npm leaves out optional packages that it could not fetch, and says nothing.
    if !postgres.exists() || !restate.exists() {
        let tail = "npm ended well but left an engine out".to_owned();
        return Err(Error::NpmFailed { log: cache.join("npm.log"), tail });
    }
    link_libraries(&postgres)?;
    make_executable(&postgres.join("native/bin"))?;
    make_executable(&restate)?;
    fs::rename(&partial, target).map_err(Error::at(target))?;
    progress(&format!("Fetched the engines in {} s.", started.elapsed().as_secs()));
    Ok(())
}

fn npm_ci(dir: &Path, log: &Path, progress: fn(&str)) -> Result<(), Error> {
    let output = File::create(log).map_err(Error::at(log))?;
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--include=optional"]);
    npm.current_dir(dir).stdin(Stdio::null());
    npm.stdout(output.try_clone().map_err(Error::at(log))?).stderr(output);
    let mut child = npm.spawn().map_err(|error| {
        let missing = error.kind() == io::ErrorKind::NotFound;
        if missing { Error::NpmMissing } else { Error::run(Path::new("npm"), &error) }
    })?;
    let (started, mut said) = (Instant::now(), Instant::now());
    let status = loop {
        if let Some(status) =
            child.try_wait().map_err(|error| Error::run(Path::new("npm"), &error))?
        {
            break status;
        }
        if said.elapsed() > HEARTBEAT {
            said = Instant::now();
            progress(&format!("… still fetching, {} s so far.", started.elapsed().as_secs()));
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let tail = tail(log, 0);
    match status.success() {
        true => Ok(()),
        false if tail.contains("ENOSPC") => Err(Error::DiskFull { path: dir.to_owned() }),
        false => Err(Error::NpmFailed { log: log.to_owned(), tail }),
    }
}

#[derive(Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

/// What the package's own script would do: npm packages cannot carry symbolic links.
fn link_libraries(package: &Path) -> Result<(), Error> {
    let list = package.join("native/pg-symlinks.json");
    if !list.exists() {
        return Ok(());
    }
    let text = fs::read(&list).map_err(Error::at(&list))?;
    let links: Vec<Link> =
        serde_json::from_slice(&text).map_err(|error| Error::at(&list)(error.into()))?;
    for Link { source, target } in links {
        let link = package.join(&target);
        let relative = relative(&source, &target);
        match symlink(relative, &link) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(Error::at(&link)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The way from a link to what it points to: it survives a move of the folder both are in.
fn relative(source: &Path, link: &Path) -> PathBuf {
    let same = source.components().zip(link.components()).take_while(|(a, b)| a == b).count();
    let up = link.components().count().saturating_sub(same + 1);
    let way = std::iter::repeat_n("..", up).collect::<PathBuf>();
    way.join(source.components().skip(same).collect::<PathBuf>())
}

fn make_executable(bin: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(bin).map_err(Error::at(bin))? {
        let path = entry.map_err(Error::at(bin))?.path();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).map_err(Error::at(&path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_trusts_contents_and_names_no_registry() {
        assert!(!LOCK.contains("http") && !LOCK.contains("resolved"));
        assert_eq!(LOCK.matches("\"integrity\": \"sha512-").count(), 8);
    }

    #[test]
    fn a_link_says_the_shortest_way() {
        let way = |source: &str, link: &str| relative(Path::new(source), Path::new(link));
        assert_eq!(way("native/lib/a.so.1", "native/lib/a.so"), PathBuf::from("a.so.1"));
        assert_eq!(way("native/lib/a.so", "native/bin/a.so"), PathBuf::from("../lib/a.so"));
    }
}
