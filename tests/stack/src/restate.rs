//! Restate, the durable engine: one node, or a cluster of three on this machine, configured by the repository's
//! `restate.toml`, with the ports, the folder and the identity of this run.

use crate::engine::{Engine, Probe};
use crate::error::Error;
use crate::folder::{Folder, write_private};
use crate::install::Installed;
use crate::ports::NodePorts;
use crate::supervised::Launch;
use data_encoding::HEXLOWER;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;
use std::{fs, io};

/// Inside the binary, so that it works away from its checkout.
const CONFIG: &str = include_str!("../../../restate.toml");

/// How many nodes a cluster has here: the fewest that go on when any one of them is lost.
pub const CLUSTER: usize = 3;

/// Every entry of a log is on two nodes before it counts.
const CLUSTER_REPLICATION: usize = 2;

pub(crate) fn ingress_url(ports: NodePorts) -> String {
    format!("http://127.0.0.1:{}", ports.ingress)
}

pub(crate) fn admin_url(ports: NodePorts) -> String {
    format!("http://127.0.0.1:{}", ports.admin)
}

fn node_url(ports: NodePorts) -> String {
    format!("http://127.0.0.1:{}", ports.node)
}

/// What nodes are called, in their logs' and pids' file names: a lone one, and those of a cluster.
pub(crate) fn all_names() -> impl Iterator<Item = String> {
    ["restate".to_owned()].into_iter().chain((0..CLUSTER).map(name_in_cluster))
}

fn name_in_cluster(index: usize) -> String {
    format!("restate-{}", index + 1)
}

/// Every node, in the order of their ports. `env` comes last and wins: a test may want, say,
/// `RESTATE_WORKER__INVOKER__INACTIVITY_TIMEOUT`.
pub(crate) fn nodes(
    folder: &Folder,
    installed: &Installed,
    ports: &[NodePorts],
    identity: &Path,
    env: &[(String, String)],
) -> Result<Vec<Engine>, Error> {
    let alone = ports.len() == 1;
    let nodes = ports.iter().enumerate().map(|(index, at)| {
        let name = if alone { "restate".to_owned() } else { name_in_cluster(index) };
        let member = if alone { Vec::new() } else { membership(index, ports) };
        let identity = ("RESTATE_WORKER__INVOKER__REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE", identity);
        let mut own = vec![(OsString::from(identity.0), identity.1.as_os_str().to_owned())];
        own.extend(member.into_iter().map(|(key, value)| (key.into(), value.into())));
        own.extend(env.iter().map(|(key, value)| (key.into(), value.into())));
        engine(folder, installed, *at, &name, own)
    });
    nodes.collect()
}

/// What makes a node one of a cluster: its name, who the others are, and that only the first one founds it.
fn membership(index: usize, ports: &[NodePorts]) -> Vec<(&'static str, String)> {
    let addresses: Vec<String> = ports.iter().map(|at| format!("\"{}\"", node_url(*at))).collect();
    vec![
        ("RESTATE_NODE_NAME", format!("usher-{}", index + 1)),
        ("RESTATE_AUTO_PROVISION", (index == 0).to_string()),
        ("RESTATE_DEFAULT_REPLICATION", CLUSTER_REPLICATION.to_string()),
        ("RESTATE_METADATA_CLIENT__ADDRESSES", format!("[{}]", addresses.join(","))),
    ]
}

fn engine(
    folder: &Folder,
    installed: &Installed,
    ports: NodePorts,
    name: &str,
    env: Vec<(OsString, OsString)>,
) -> Result<Engine, Error> {
    let config = folder.file("restate.toml");
    write_private(&config, CONFIG)?;
    let cluster = cluster_name(folder)?;
    // It spills to temporary files, and one that is killed leaves them behind: here the next life clears them away.
    let spills = folder.file(&format!("{name}.tmp"));
    make_empty(&spills)?;
    let mut launch = Launch::new("Restate", &installed.restate, folder.log(name))
        .args(["--no-logo".into(), "--config-file".into(), config.into_os_string()])
        .env("TMPDIR", &spills)
        .env("RESTATE_BASE_DIR", folder.file("restate"))
        .env("RESTATE_CLUSTER_NAME", &cluster)
        .env("RESTATE_BIND_PORT", ports.node.to_string())
        .env("RESTATE_ADVERTISED_ADDRESS", node_url(ports))
        .env("RESTATE_INGRESS__BIND_PORT", ports.ingress.to_string())
        .env("RESTATE_ADMIN__BIND_PORT", ports.admin.to_string());
    launch.env.extend(env);
    // A proxy of the machine's must not come between the engine and our services.
    launch.clean_env = true;
    launch.dir = Some("/".into());
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build();
    let http = http.map_err(|error| Error::run(&installed.restate, &error))?;
    let probe =
        Probe::Restate { cluster, ingress: ingress_url(ports), admin: admin_url(ports), http };
    Ok(Engine::new(launch, folder.file("restate"), probe, folder.pid(name)))
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
