//! Where `PostgreSQL` lives. For a normal user: in the data folder. For root: `PostgreSQL` refuses to run as root, and the
//! user it runs as cannot enter, say, root's home; so its programs and its data are kept under `/var/tmp`,
//! and the data folder remembers where.
//!
//! `/var/tmp` is open to everybody: what we make there has a random name, belongs to root, and is believed only if it does.

use crate::error::Error;
use crate::folder::{is_throwaway, write_private};
use crate::install::Installed;
use crate::signal;
use crate::user::User;
use data_encoding::HEXLOWER;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The first of these from which programs may be run.
const PLACES: [&str; 3] = ["/var/tmp", "/var/lib", "/opt"];
const PREFIX: &str = "usher-postgres-";
/// In the data folder: the path of the home.
const RECORD: &str = "postgres.home";
/// In the home: the path of the data folder.
const OWNER: &str = "owner";

/// `path` holds the database in `db`; `PostgreSQL`'s user may write to `path/db` and nowhere else.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    pub(crate) path: PathBuf,
    /// With `bin`, `lib` and `share`.
    pub(crate) programs: PathBuf,
    pub(crate) user: Option<User>,
}

impl Home {
    pub(crate) fn open(data: &Path, installed: &Installed) -> Result<Self, Error> {
        let Some(user) = User::unprivileged()? else {
            let path = data.join("postgres");
            make_dir(&path, 0o700)?;
            return Ok(Self { path, programs: installed.postgres.clone(), user: None });
        };
        let (place, programs) = share_programs(installed, user)?;
        let path = match read_path(&data.join(RECORD)) {
            Some(home) => adopt(data, home)?,
            None => found(data, &place)?,
        };
        Ok(Self { path, programs, user: Some(user) })
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("db")
    }

    /// Makes a folder in the home that `PostgreSQL` may write to, or hands it a file there.
    pub(crate) fn hand_over(&self, path: &Path) -> Result<(), Error> {
        match self.user {
            Some(user) => chown(path, Some(user.uid), Some(user.gid)).map_err(Error::at(path)),
            None => Ok(()),
        }
    }
}

/// The home outside of the data folder, when there is one.
pub(crate) fn recorded(data: &Path) -> Option<PathBuf> {
    read_path(&data.join(RECORD)).filter(|home| is_ours(home))
}

/// Removes the home of a data folder whose engines have stopped.
pub(crate) fn remove(data: &Path) -> Result<(), Error> {
    match recorded(data) {
        Some(home) if owner(&home).as_deref() == Some(data) => remove_all(&home),
        _ => Ok(()),
    }
}

/// Removes homes of throwaway folders that are gone themselves, with the checkout they were in. No other: a kept folder
/// may be on a disk that is only not there right now.
pub(crate) fn remove_orphans(at_most: usize) {
    let entries = PLACES.iter().filter_map(|place| fs::read_dir(place).ok()).flatten().flatten();
    let orphaned = |home: &PathBuf| {
        let named = home.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        let owner = owner(home).filter(|_| named && is_ours(home));
        owner.is_some_and(|owner| is_throwaway(&owner) && !owner.exists())
            && signal::recorded(&home.join("db/postmaster.pid"), home).is_none()
    };
    for home in entries.map(|entry| entry.path()).filter(orphaned).take(at_most) {
        // Tidying: what cannot be removed stays.
        drop(remove_all(&home));
    }
}

/// The home of a data folder that may have been moved since.
fn adopt(data: &Path, home: PathBuf) -> Result<PathBuf, Error> {
    let Some(owner) = owner(&home).filter(|_| is_ours(&home)) else {
        return Err(Error::HomeMissing { data: data.to_owned(), home });
    };
    if owner != data {
        if read_path(&owner.join(RECORD)).as_ref() == Some(&home) {
            return Err(Error::Copied { data: data.to_owned(), original: owner });
        }
        write_private(&home.join(OWNER), &data.display().to_string())?;
    }
    Ok(home)
}

/// A new home. One that says it is for this same folder was left behind when somebody deleted the folder.
fn found(data: &Path, place: &Path) -> Result<PathBuf, Error> {
    for entry in fs::read_dir(place).map_err(Error::at(place))?.flatten() {
        let path = entry.path();
        let named = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if named && is_ours(&path) && owner(&path).as_deref() == Some(data) {
            remove_all(&path)?;
        }
    }
    let home = place.join(format!("{PREFIX}{}", random_name()));
    make_dir(&home, 0o755)?;
    write_private(&home.join(OWNER), &data.display().to_string())?;
    write_private(&data.join(RECORD), &home.display().to_string())?;
    Ok(home)
}

/// Copies the programs to where the unprivileged user can run them, once per version and machine.
fn share_programs(installed: &Installed, user: User) -> Result<(PathBuf, PathBuf), Error> {
    let mut refused = Error::Interrupted;
    for place in PLACES.map(PathBuf::from) {
        match share_programs_in(&place, installed, user) {
            Ok(programs) => return Ok((place, programs)),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

fn share_programs_in(place: &Path, installed: &Installed, user: User) -> Result<PathBuf, Error> {
    let shared = place.join(format!("{PREFIX}programs-{}", installed.version));
    if is_ours(&shared) {
        return Ok(shared);
    }
    let copy = place.join(format!("{PREFIX}copy-{}", random_name()));
    let copied = copy_tree(&installed.postgres, &copy)
        .and_then(|()| check_runs(&copy.join("bin/postgres"), user));
    if let Err(error) = copied {
        // Half a copy on a full disk must not stay.
        drop(fs::remove_dir_all(&copy));
        return Err(error);
    }
    match fs::rename(&copy, &shared) {
        Ok(()) => Ok(shared),
        Err(_) if is_ours(&shared) => {
            remove_all(&copy)?;
            Ok(shared)
        }
        // Somebody else sits on the name: ours is as good.
        Err(_) => Ok(copy),
    }
}

fn check_runs(program: &Path, user: User) -> Result<(), Error> {
    let mut command = Command::new(program);
    command.arg("--version").uid(user.uid).gid(user.gid).current_dir("/").stdin(Stdio::null());
    let output = command.output().map_err(|error| Error::run(program, &error))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(Error::run(program, String::from_utf8_lossy(&output.stderr).trim()))
    }
}

/// Readable by everybody, whatever our umask and npm's.
fn copy_tree(from: &Path, to: &Path) -> Result<(), Error> {
    make_dir(to, 0o755)?;
    for entry in fs::read_dir(from).map_err(Error::at(from))? {
        let entry = entry.map_err(Error::at(from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(Error::at(&source))?;
        if kind.is_dir() {
            copy_tree(&source, &target)?;
        } else if kind.is_symlink() {
            let link = fs::read_link(&source).map_err(Error::at(&source))?;
            symlink(link, &target).map_err(Error::at(&target))?;
        } else {
            fs::copy(&source, &target).map_err(Error::at(&target))?;
            set_mode(&target, 0o755)?;
        }
    }
    Ok(())
}

fn make_dir(path: &Path, mode: u32) -> Result<(), Error> {
    match DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(Error::at(path)(error)),
        _ => set_mode(path, mode),
    }
}

fn set_mode(path: &Path, mode: u32) -> Result<(), Error> {
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(Error::at(path))
}

/// A real folder of root's that nobody else may write to.
fn is_ours(path: &Path) -> bool {
    fs::symlink_metadata(path)
        .is_ok_and(|found| found.is_dir() && found.uid() == 0 && found.mode() & 0o022 == 0)
}

fn owner(home: &Path) -> Option<PathBuf> {
    read_path(&home.join(OWNER))
}

fn read_path(record: &Path) -> Option<PathBuf> {
    fs::read_to_string(record).ok().map(PathBuf::from)
}

fn remove_all(path: &Path) -> Result<(), Error> {
    fs::remove_dir_all(path).map_err(Error::at(path))
}

fn random_name() -> String {
    HEXLOWER.encode(&rand::random::<[u8; 8]>())
}
