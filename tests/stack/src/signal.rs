//! Signals to processes that are not our children: the engines an earlier Usher has left behind.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Stop,
    Term,
    Int,
    Quit,
    Kill,
}

impl Signal {
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop => "STOP",
            Self::Term => "TERM",
            Self::Int => "INT",
            Self::Quit => "QUIT",
            Self::Kill => "KILL",
        }
    }

    pub fn send(self, pid: u32) {
        self.send_all(&[pid]);
    }

    /// The shell's own `kill`: the command is missing on slim systems.
    pub(crate) fn send_all(self, pids: &[u32]) {
        let mut kill = Command::new("/bin/sh");
        kill.args(["-c", r#"signal=$1; shift; kill "-$signal" "$@""#, "sh", self.name()]);
        kill.args(pids.iter().map(u32::to_string));
        // That the process has just ended by itself is no error.
        drop(kill.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status());
    }
}

/// The command line of a running process; `None` when it is gone, or dead and only not yet buried.
pub fn command_line(pid: u32) -> Option<String> {
    let line = if Path::new("/proc/self/cmdline").exists() {
        let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        String::from_utf8_lossy(&bytes).replace('\0', " ")
    } else {
        let ps =
            Command::new("ps").args(["-ww", "-o", "command=", "-p", &pid.to_string()]).output();
        String::from_utf8_lossy(&ps.ok()?.stdout).into_owned()
    };
    let line = line.trim();
    (!line.is_empty() && !line.ends_with("<defunct>")).then(|| line.to_owned())
}

/// The processes that this one has started and not yet buried.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let tasks = format!("/proc/{pid}/task/{pid}/children");
    let listed = std::fs::read_to_string(tasks).ok().or_else(|| {
        let found = Command::new("pgrep").args(["-P", &pid.to_string()]).output().ok()?;
        String::from_utf8(found.stdout).ok()
    });
    let listed = listed.unwrap_or_default();
    listed.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// The pid on the first line of `record`, if that process lives and was started for `folder`:
/// after a reboot the number may be anybody's.
pub(crate) fn recorded(record: &Path, folder: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(record).ok()?;
    let pid = text.lines().next()?.trim().parse().ok()?;
    let line = command_line(pid)?;
    line.contains(&folder.display().to_string()).then_some(pid)
}

/// Stops what `record` names, politely for ten seconds, then by force.
pub(crate) async fn stop_recorded(record: &Path, folder: &Path, polite: Signal) {
    for (signal, seconds) in [(polite, 10), (Signal::Kill, 5)] {
        let Some(pid) = recorded(record, folder) else { return };
        signal.send(pid);
        let deadline = Instant::now() + Duration::from_secs(seconds);
        while recorded(record, folder) == Some(pid) && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
