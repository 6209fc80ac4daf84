//! Which ports the engines listen on: the wished ones or the next free, and the same again after a restart.

use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

/// Below the range from which systems take ports for outgoing connections: one of those would sit on an engine's
/// port just when a test starts it again.
const QUIET: std::ops::Range<u16> = 15_000..32_000;
const NEIGHBOURS: u16 = 100;
const DRAWS: usize = 300;

/// The wished ports; `None` takes any free one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ports {
    pub postgres: Option<u16>,
    pub ingress: Option<u16>,
    pub admin: Option<u16>,
    pub node: Option<u16>,
}

impl Ports {
    /// Where people look for `PostgreSQL` and Restate.
    pub const USUAL: Self =
        Self { postgres: Some(5432), ingress: Some(8080), admin: Some(9070), node: Some(5122) };
}

/// The ports in use; remembered in the data folder.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Chosen {
    pub(crate) postgres: u16,
    /// One for each node of Restate.
    pub(crate) nodes: Vec<NodePorts>,
}

/// The ports of one node of Restate.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct NodePorts {
    pub(crate) ingress: u16,
    pub(crate) admin: u16,
    pub(crate) node: u16,
}

impl Chosen {
    pub(crate) fn choose_postgres(&mut self, wished: Ports) -> Result<(), Error> {
        self.postgres = choose("PostgreSQL", self.postgres, wished.postgres, &[])?;
        Ok(())
    }

    /// For so many nodes.
    pub(crate) fn choose_restate(&mut self, wished: Ports, nodes: usize) -> Result<(), Error> {
        let name = "Restate";
        let mut taken = vec![self.postgres];
        self.nodes.resize(nodes, NodePorts::default());
        for node in &mut self.nodes {
            let ports = [
                (&mut node.ingress, wished.ingress),
                (&mut node.admin, wished.admin),
                (&mut node.node, wished.node),
            ];
            for (port, wished) in ports {
                *port = choose(name, *port, wished, &taken)?;
                taken.push(*port);
            }
        }
        Ok(())
    }
}

/// The remembered port, else the wished one or a neighbour above it, else any. Zero remembers nothing.
fn choose(
    engine: &'static str,
    remembered: u16,
    wished: Option<u16>,
    taken: &[u16],
) -> Result<u16, Error> {
    let neighbours = wished.map(|port| port..=port.saturating_add(NEIGHBOURS));
    let draws = std::iter::repeat_with(|| rand::random_range(QUIET)).take(DRAWS);
    let mut candidates = (remembered > 0)
        .then_some(remembered)
        .into_iter()
        .chain(neighbours.into_iter().flatten())
        .chain(draws);
    candidates.find(|port| !taken.contains(port) && is_free(*port)).ok_or(Error::NoPort { engine })
}

/// Some systems let us bind beside a listener on all addresses, so we also try to call.
fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
        && TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_makes_room_for_the_next_one() {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        let chosen = choose("an engine", 0, Some(port), &[]).unwrap();
        assert_ne!(chosen, port);
    }

    #[test]
    fn a_remembered_port_is_used_again() {
        let port = choose("an engine", 0, None, &[]).unwrap();
        assert_eq!(choose("an engine", port, Some(5432), &[]).unwrap(), port);
        assert_ne!(choose("an engine", port, None, &[port]).unwrap(), port);
    }
}
