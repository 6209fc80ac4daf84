//! A disk that is soon full: memory with a limit, mounted for as long as a process of ours lives. Who may mount does it
//! for everybody; anybody else in a namespace of that process, whose files are reached through `/proc`.

use harness::until;
use stack::{Engine, Launch, Supervised};
use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// `$1` the bytes, `$2` where. It goes when this ends, even if somebody still has a file of it open.
const MOUNT: &str = r#"
trap 'umount -l "$2"; exit' TERM
mount -t tmpfs -o "size=$1" tmpfs "$2" && touch "$2/mounted" || exit
while sleep 1; do :; done
"#;

/// What an engine can write beyond what it has.
const ROOM: u64 = 64 << 20;

pub(super) struct SmallDisk {
    path: PathBuf,
    /// Held only so that it stays mounted.
    _mounted: Supervised,
}

impl SmallDisk {
    /// Moves an engine's data onto a disk of its own, and starts it there; or says why nobody lets us.
    pub(super) async fn under(engine: &Engine) -> Result<Self, String> {
        let data = engine.data();
        let at = data.with_extension("disk");
        fs::create_dir(&at).unwrap();
        let disk = Self::mount(&at, size(data) + ROOM).await?;
        engine.stop().await;
        let moved = disk.path.join("data");
        let copied = Command::new("cp").arg("-a").arg(data).arg(&moved).status().unwrap();
        assert!(copied.success());
        fs::remove_dir_all(data).unwrap();
        symlink(&moved, data).unwrap();
        engine.start().await.unwrap();
        Ok(disk)
    }

    async fn mount(at: &Path, bytes: u64) -> Result<Self, String> {
        let log = at.with_extension("log");
        for (program, args) in [("sh", &[][..]), ("unshare", &["-Urm", "sh"])] {
            let launch = Launch::new("a small disk", program, &log).args(args);
            let launch = launch.args(["-c", MOUNT, "sh", &bytes.to_string()]).args([at]);
            let mut mounted = Supervised::spawn(&launch).unwrap();
            let inside = PathBuf::from(format!("/proc/{}/root{}", mounted.pid(), at.display()));
            let path = if program == "sh" { at.to_owned() } else { inside };
            let look = || {
                let ready = path.join("mounted").exists();
                let decided = ready || !mounted.is_alive();
                async move { decided.then_some(ready) }
            };
            if until("a small disk, or the reason why not", look).await {
                return Ok(Self { path, _mounted: mounted });
            }
        }
        Err(fs::read_to_string(log).unwrap())
    }

    /// Leaves no room at all.
    pub(super) fn fill(&self) {
        let ballast = OpenOptions::new().create(true).append(true).open(self.ballast());
        let (mut ballast, mut bytes) = (ballast.unwrap(), vec![0; 1 << 20]);
        while !bytes.is_empty() {
            // Down to the last byte.
            if ballast.write_all(&bytes).is_err() {
                bytes.truncate(bytes.len() / 2);
            }
        }
    }

    /// Makes room again.
    pub(super) fn empty(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

/// At once, and not only when the process that holds it has noticed.
impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Where it is in a namespace, it goes with its process.
        drop(Command::new("umount").arg("-l").arg(&self.path).stderr(Stdio::null()).status());
    }
}

/// The bytes in a folder.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(about) if about.is_dir() => size(&entry.path()),
        Ok(about) => about.len(),
        Err(_) => 0,
    };
    entries.map(of).sum()
}
