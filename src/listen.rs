//! Listening sockets. Small answers leave at once: without it each hop to the engine waits 40 ms for an
//! acknowledgement (measured: paid to CONFIRMED 151 ms with, 30 ms without).

use std::{io, net::SocketAddr};
use tokio::net::{TcpListener, TcpSocket, lookup_host};

/// How many ports are tried after the wanted one.
const PORTS: u16 = 100;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Listens on `host:port`. Accepted connections inherit the listener's `TCP_NODELAY`.
pub(crate) async fn on(address: &str) -> io::Result<TcpListener> {
    let address = lookup_host(address).await?.next();
    bind(address.ok_or_else(|| io::Error::other("the address to listen on names no host"))?)
}

/// Listens on loopback, on this port or the next free one.
pub(crate) fn from_port(first: u16) -> io::Result<TcpListener> {
    for port in first..first.saturating_add(PORTS) {
        match bind(SocketAddr::from(([127, 0, 0, 1], port))) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            bound => return bound,
        }
    }
    Err(io::Error::other(format!("No free port from {first} on; end what occupies them.")))
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_nodelay(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
