//! Where a request comes from: the connection's other end, or what our own proxies have written down.

use crate::app::App;
use axum::{
    extract::FromRequestParts,
    http::{Extensions, HeaderMap, request::Parts},
};
use std::{
    convert::Infallible,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

/// The other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub SocketAddr);

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub IpAddr);

impl FromRequestParts<App> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self::of(parts, app))
    }
}

impl Client {
    pub(super) fn of(parts: &Parts, app: &App) -> Self {
        Self(client(&parts.extensions, &parts.headers, app.settings.limits.trusted_hops))
    }

    /// The address as it is counted, and kept.
    pub(crate) fn counted(self) -> IpAddr {
        counted(self.0)
    }
}

/// The client's address. Each proxy of ours appends whom it has heard, so the entry that the outermost
/// one has written is counted from the right; everything before it is the client's own invention.
pub(super) fn client(extensions: &Extensions, headers: &HeaderMap, hops: usize) -> IpAddr {
    let peer = extensions.get::<Peer>().map(|Peer(peer)| peer.ip());
    let peer = peer.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    if hops == 0 {
        return peer.to_canonical();
    }
    let forwarded: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(','))
        .collect();
    // With fewer entries than proxies it did not come through them: then the connection is all we know.
    let written = forwarded.len().checked_sub(hops).and_then(|at| forwarded.get(at));
    written.and_then(|text| parsed(text.trim())).unwrap_or(peer).to_canonical()
}

/// An address, with or without a port.
fn parsed(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

/// The address as it is counted: whoever has one of the sixth version has all of its /64.
pub(super) fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(four) => IpAddr::V4(four),
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str], hops: usize) -> String {
        let mut extensions = Extensions::new();
        extensions.insert(Peer(SocketAddr::new(peer.parse().unwrap(), 1)));
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        client(&extensions, &headers, hops).to_string()
    }

    fn is_counted_as(address: &str) -> String {
        counted(address.parse().unwrap()).to_string()
    }

    #[test]
    fn only_what_our_own_proxies_have_written_counts() {
        assert_eq!(seen("9.9.9.9", &["1.1.1.1"], 0), "9.9.9.9");
        assert_eq!(seen("9.9.9.9", &["6.6.6.6, 1.1.1.1"], 1), "1.1.1.1");
        assert_eq!(seen("9.9.9.9", &["6.6.6.6, 1.1.1.1, 2.2.2.2"], 2), "1.1.1.1");
        assert_eq!(seen("9.9.9.9", &["6.6.6.6", "1.1.1.1:4711"], 1), "1.1.1.1");
        assert_eq!(seen("9.9.9.9", &["1.1.1.1"], 2), "9.9.9.9", "it did not come through both");
        assert_eq!(seen("9.9.9.9", &["nonsense"], 1), "9.9.9.9");
    }

    #[test]
    fn a_network_of_the_sixth_version_is_one_address() {
        assert_eq!(is_counted_as("2001:db8:1:2:3::4"), "2001:db8:1:2::");
        assert_eq!(is_counted_as("::ffff:1.2.3.4"), "1.2.3.4");
    }

    #[test]
    fn the_address_itself_is_whole() {
        assert_eq!(seen("2001:db8:1:2:3::4", &[], 0), "2001:db8:1:2:3::4");
        assert_eq!(seen("::ffff:1.2.3.4", &[], 0), "1.2.3.4");
        assert_eq!(seen("::1", &["[2001:db8:1:2::9]:443"], 1), "2001:db8:1:2::9");
    }
}
