//! A child process that never outlives the one that started it, however that one ends.
//!
//! The child's shell first leaves a watcher behind, which reads from a pipe that only we can write to, and then
//! becomes the program itself. When we die, even by `kill -9`, the watcher reads the end of the pipe and stops the
//! program. The child is in a process group of its own, so Ctrl-C in a terminal reaches only us.

use crate::error::Error;
use crate::signal::{Signal, children, command_line};
use crate::user::User;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// `$1` the polite signal, `$2` the seconds it is given, `$3` the signal after that; then the program.
/// A line in the pipe says that the program has ended already: its pid may by now be somebody else's.
const SUPERVISOR: &str = r#"
stop=$1 grace=$2 last=$3 pid=$$
shift 3
exec 3<&0 </dev/null
(
    {
        read -r ended <&3 && exit
        kill "-$stop" "$pid"
        while [ "$grace" -gt 0 ] && kill -0 "$pid"; do sleep 1; grace=$((grace - 1)); done
        kill "-$last" "$pid"
    } >/dev/null 2>&1 &
)
exec "$@" 3<&-
"#;

const PAUSE: Duration = Duration::from_millis(10);

/// What to start, and how to stop it.
#[derive(Debug, Clone)]
pub struct Launch {
    pub name: &'static str,
    pub program: PathBuf,
    pub args: Vec<OsString>,
    /// Added to our own environment, or all there is when `clean_env` is set.
    pub env: Vec<(OsString, OsString)>,
    pub clean_env: bool,
    /// Our own when `None`.
    pub dir: Option<PathBuf>,
    /// Both outputs are appended here.
    pub log: PathBuf,
    pub stop: Signal,
    pub grace: Duration,
    /// Sent when the grace is over.
    pub last: Signal,
    pub(crate) user: Option<User>,
}

impl Launch {
    /// Stopped by SIGTERM, and by SIGKILL ten seconds later.
    pub fn new(name: &'static str, program: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Self {
        Self {
            name,
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            clean_env: false,
            dir: None,
            log: log.into(),
            stop: Signal::Term,
            grace: Duration::from_secs(10),
            last: Signal::Kill,
            user: None,
        }
    }

    #[must_use]
    pub fn args<I: IntoIterator<Item = S>, S: Into<OsString>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    #[must_use]
    pub fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((key.into(), value.into()));
        self
    }

    fn command(&self) -> Result<Command, Error> {
        let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.log);
        let log = log.map_err(Error::at(&self.log))?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SUPERVISOR, "sh", self.stop.name()]);
        command.arg(self.grace.as_secs().to_string()).arg(self.last.name());
        command.arg(&self.program).args(&self.args);
        if self.clean_env {
            command.env_clear();
            command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        }
        command.envs(self.env.iter().map(|(key, value)| (key, value)));
        command.current_dir(self.dir.as_deref().unwrap_or(".".as_ref()));
        command.process_group(0).stdin(Stdio::piped());
        command.stdout(log.try_clone().map_err(Error::at(&self.log))?).stderr(log);
        if let Some(user) = self.user {
            command.uid(user.uid).gid(user.gid);
        }
        Ok(command)
    }
}

/// A running program. Dropped, it is stopped politely in the background.
#[derive(Debug)]
pub struct Supervised {
    name: &'static str,
    pid: u32,
    /// `None` once it has ended and we know how.
    child: Option<Child>,
    status: Option<ExitStatus>,
    /// Open as long as we live: its end is what stops the program.
    lifeline: Option<ChildStdin>,
    patience: Duration,
}

impl Supervised {
    pub fn spawn(launch: &Launch) -> Result<Self, Error> {
        let spawned = launch.command()?.spawn();
        let mut child = spawned.map_err(|error| Error::run(&launch.program, &error))?;
        let lifeline = child.stdin.take();
        let patience = launch.grace * 2 + Duration::from_secs(2);
        let pid = child.id();
        Ok(Self { name: launch.name, pid, child: Some(child), status: None, lifeline, patience })
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The program's own pid: the shell has become the program.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    pub fn is_alive(&mut self) -> bool {
        self.exit_status().is_none()
    }

    /// How the program ended; `None` while it runs.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        let Some(child) = &mut self.child else { return self.status };
        let status = child.try_wait().ok().flatten()?;
        self.child = None;
        self.status = Some(status);
        if let Some(mut lifeline) = self.lifeline.take() {
            // Nobody reads this if the watcher is gone as well, which is just as good.
            drop(lifeline.write_all(b"ended\n"));
        }
        Some(status)
    }

    /// Stops the program politely, in the end by force, and waits until it is gone.
    pub async fn stop(&mut self) {
        if self.is_alive() {
            drop(self.lifeline.take());
            if !self.ended_within(self.patience).await {
                self.kill_9().await;
            }
        }
    }

    /// Ends the program and the processes it has started as a power cut would, all at one moment, and waits until
    /// they are gone.
    pub async fn kill_9(&mut self) {
        if !self.is_alive() {
            return;
        }
        // Stopped first, so that it neither starts another nor sees one of them die.
        Signal::Stop.send(self.pid);
        let children = children(self.pid);
        if !children.is_empty() {
            Signal::Kill.send_all(&children);
        }
        // An error means that it ended by itself in between.
        drop(self.child.as_mut().map(Child::kill));
        let deadline = Instant::now() + self.patience;
        self.ended_within(self.patience).await;
        while children.iter().any(|child| command_line(*child).is_some())
            && Instant::now() < deadline
        {
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Asks again and again, because a child of tokio's belongs to one runtime, and every test has its own.
    pub async fn ended_within(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while self.is_alive() {
            if Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(PAUSE).await;
        }
        true
    }
}

/// Somebody must still ask how the program ended, or its pid stays taken and the watcher takes it for alive.
impl Drop for Supervised {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        if let Some(mut child) = self.child.take() {
            std::thread::spawn(move || child.wait());
        }
    }
}
