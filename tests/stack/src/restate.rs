//! Restate, the durable engine: configured by the repository's `restate.toml`, with the ports and the folder of this run.

use crate::engine::{Engine, Probe};
use crate::error::Error;
use crate::folder::{Folder, write_private};
use crate::install::Installed;
use crate::ports::Chosen;
use crate::supervised::Launch;
use data_encoding::HEXLOWER;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;
use std::{fs, io};

/// Inside the binary, so that it works away from its checkout.
const CONFIG: &str = include_str!("../../../restate.toml");

pub(crate) fn ingress_url(ports: Chosen) -> String {
    format!("http://127.0.0.1:{}", ports.ingress)
}

pub(crate) fn admin_url(ports: Chosen) -> String {
    format!("http://127.0.0.1:{}", ports.admin)
}

/// `env` comes last and wins: a test may want, say, `RESTATE_WORKER__INVOKER__INACTIVITY_TIMEOUT`.
pub(crate) fn engine(
    folder: &Folder,
    installed: &Installed,
    ports: Chosen,
    env: &[(String, String)],
) -> Result<Engine, Error> {
    let config = folder.file("restate.toml");
    write_private(&config, CONFIG)?;
    let cluster = cluster_name(folder)?;
    // It spills to temporary files, and one that is killed leaves them behind: here the next life clears them away.
    let spills = folder.file("restate.tmp");
    make_empty(&spills)?;
    let mut launch = Launch::new("Restate", &installed.restate, folder.log("restate"))
        .args(["--no-logo".into(), "--config-file".into(), config.into_os_string()])
        .env("TMPDIR", &spills)
        .env("RESTATE_BASE_DIR", folder.file("restate"))
        .env("RESTATE_CLUSTER_NAME", &cluster)
        .env("RESTATE_BIND_PORT", ports.node.to_string())
        .env("RESTATE_ADVERTISED_ADDRESS", format!("http://127.0.0.1:{}", ports.node))
        .env("RESTATE_INGRESS__BIND_PORT", ports.ingress.to_string())
        .env("RESTATE_ADMIN__BIND_PORT", ports.admin.to_string());
    launch.env.extend(env.iter().map(|(key, value)| (OsString::from(key), OsString::from(value))));
    // A proxy of the machine's must not come between the engine and our services.
    launch.clean_env = true;
    launch.dir = Some("/".into());
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build();
    let http = http.map_err(|error| Error::run(&installed.restate, &error))?;
    let probe =
        Probe::Restate { cluster, ingress: ingress_url(ports), admin: admin_url(ports), http };
    Ok(Engine::new(launch, folder.file("restate"), probe, folder.pid("restate")))
}

fn make_empty(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Error::at(path)(error));
        }
        _ => {}
    }
    fs::create_dir(path).map_err(Error::at(path))
}

/// One of its own for every data folder: by it we know our Restate from another on the same port.
fn cluster_name(folder: &Folder) -> Result<String, Error> {
    let path = folder.file("restate.cluster");
    if !path.exists() {
        let name = HEXLOWER.encode(&rand::random::<[u8; 6]>());
        write_private(&path, &format!("usher-{name}"))?;
    }
    fs::read_to_string(&path).map_err(Error::at(&path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::process::Command;

    /// `section.key` of every setting.
    fn keys(text: &str) -> BTreeSet<String> {
        let mut section = String::new();
        let mut keys = BTreeSet::new();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']').to_owned();
            } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#'))
            {
                keys.insert(format!("{section}.{key}"));
            }
        }
        keys
    }

    #[test]
    fn restate_knows_every_key_of_its_configuration() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let installed = crate::install::install(&root.join(".usher"), |_| {}).unwrap();
        let mut restate = Command::new(installed.restate);
        restate.arg("--dump-config").arg("--config-file").arg(root.join("restate.toml"));
        let dump = String::from_utf8(restate.output().unwrap().stdout).unwrap();
        let (ours, known) = (keys(CONFIG), keys(&dump));
        assert_eq!(ours.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new());
    }
}
