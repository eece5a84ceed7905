//! Which proxies are believed, and who a request comes from through them.

use std::net::{IpAddr, Ipv4Addr};

use crate::wire::http::fields::Fields;
use crate::wire::http::forwarded::{Style, client};
use crate::wire::http::network::Network;

/// The proxies that are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trusted {
    /// Those at these addresses.
    pub networks: Vec<Network>,
    /// Those that come through a Unix socket.
    pub unix: bool,
}

impl Trusted {
    /// Whether this peer is one; a Unix socket has no address.
    pub fn contains(&self, peer: Option<IpAddr>) -> bool {
        peer.map_or(self.unix, |address| self.has(address))
    }

    /// Whether there is any.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty() && !self.unix
    }

    fn has(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }
}

/// Who asks, and whether by TLS as far as a proxy that is believed says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asker {
    pub(crate) peer: Option<IpAddr>,
    pub(crate) secure: bool,
}

/// Follows what proxies say, in the fields of a request that came from `peer`.
pub(crate) fn asker<'b>(fields: impl Fields<'b>, peer: Option<IpAddr>, style: Style, trusted: &Trusted) -> Asker {
    if !trusted.contains(peer) {
        return Asker { peer, secure: false };
    }
    // Stands for the proxy at the Unix socket: no client has this address.
    let nobody = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let near = peer.unwrap_or(nobody);
    let client = client(fields, near, style, |address| address == near || trusted.has(address));
    let peer = if client.address == nobody { peer } else { Some(client.address) };
    Asker { peer, secure: client.proto.is_some_and(|proto| proto == b"https") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(value: &'static str, proto: &'static str) -> [(&'static [u8], &'static [u8]); 2] {
        [(b"X-Forwarded-For", value.as_bytes()), (b"X-Forwarded-Proto", proto.as_bytes())]
    }

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    fn trusted(unix: bool) -> Trusted {
        Trusted { networks: vec!["10.0.0.0/8".parse().expect("a network")], unix }
    }

    #[test]
    fn only_who_is_trusted_is_believed() {
        let fields = fields("203.0.113.9, 198.51.100.7, 10.0.0.2", "https");
        for (peer, unix, expected, secure) in [
            (ip("10.0.0.1"), false, ip("198.51.100.7"), true),
            (ip("192.0.2.1"), true, ip("192.0.2.1"), false),
            (None, true, ip("198.51.100.7"), true),
            (None, false, None, false),
        ] {
            let asker = asker(&fields[..], peer, Style::Legacy, &trusted(unix));
            assert_eq!(asker, Asker { peer: expected, secure }, "{peer:?} unix={unix}");
        }
    }

    #[test]
    fn a_proxy_that_says_nothing_is_who_asks() {
        for peer in [ip("10.0.0.1"), None] {
            let asker = asker(&[][..], peer, Style::Standard, &trusted(true));
            assert_eq!(asker, Asker { peer, secure: false });
        }
        let claimed = asker(&fields("0.0.0.0", "http")[..], ip("10.0.0.1"), Style::Legacy, &trusted(true));
        assert!(!claimed.secure);
    }

    #[test]
    fn nobody_is_trusted_unless_named() {
        let none = Trusted::default();
        assert!(none.is_empty() && !none.contains(None) && !none.contains(ip("127.0.0.1")));
        let some = trusted(false);
        assert!(!some.is_empty() && some.contains(ip("10.1.2.3")) && some.contains(ip("::ffff:10.1.2.3")));
    }
}
