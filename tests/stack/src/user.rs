//! Who we are, and whom `PostgreSQL` runs as when we are root, which it refuses to be.

use crate::error::Error;
use std::path::Path;
use std::process::Command;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct User {
    pub uid: u32,
    pub gid: u32,
}

impl User {
    /// `nobody` when we are root; `None` when we are somebody already.
    pub(crate) fn unprivileged() -> Result<Option<Self>, Error> {
        if id(&["-u"])? != 0 {
            return Ok(None);
        }
        Ok(Some(Self { uid: id(&["-u", "nobody"])?, gid: id(&["-g", "nobody"])? }))
    }
}

/// Asked of the command, because the system call behind it is unsafe in Rust.
fn id(args: &[&str]) -> Result<u32, Error> {
    let program = Path::new("id");
    let output = Command::new(program).args(args).output();
    let output = output.map_err(|error| Error::run(program, &error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| {
        Error::run(
            program,
            &format!("it does not know {args:?}, and PostgreSQL may not run as root"),
        )
    })
}
