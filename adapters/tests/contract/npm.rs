//! Other people's programs, from npm: fetched at the first time, exactly as a lock file beside the test says.

use std::{
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
};

/// One fetches, the others wait for it.
static FETCHING: Mutex<()> = Mutex::new(());

/// A `package.json` and its lock.
pub(crate) struct Package {
    /// Where it is kept, below `.usher`.
    pub(crate) place: &'static str,
    pub(crate) json: &'static str,
    pub(crate) lock: &'static str,
}

impl Package {
    /// Where `node_modules` is. None, and a word about it: there is no npm, or it reaches no registry.
    pub(crate) fn fetched(&self) -> Option<PathBuf> {
        let _one = FETCHING.lock().unwrap();
        let place = root().join(".usher").join(self.place);
        let current =
            fs::read_to_string(place.join("package-lock.json")).is_ok_and(|have| have == self.lock);
        if current && place.join("fetched").is_file() {
            return Some(place);
        }
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("package.json"), self.json).unwrap();
        fs::write(place.join("package-lock.json"), self.lock).unwrap();
        let log = place.join("npm.log");
        if !npm(&["ci", "--ignore-scripts", "--no-audit", "--no-fund"], &log)? {
            assert!(!npm(&["ping"], &log)?, "npm could not fetch it: see {}", log.display());
            println!("skipped: npm reaches no registry");
            return None;
        }
        fs::write(place.join("fetched"), "").unwrap();
        Some(place)
    }
}

/// Whether it succeeded. None, and a word about it: there is no npm.
fn npm(arguments: &[&str], log: &Path) -> Option<bool> {
    let file = File::options().create(true).append(true).open(log).unwrap();
    let mut npm = Command::new("npm");
    npm.args(arguments).current_dir(log.parent().unwrap());
    npm.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
    match npm.status() {
        Ok(status) => Some(status.success()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("skipped: there is no npm here");
            None
        }
        Err(error) => panic!("npm: {error}"),
    }
}

/// Where the project is.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
