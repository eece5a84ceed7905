//! Which pages may open a WebSocket.
//!
//! Browsers let any page open one to any host, with the cookies of that host, and say in `Origin` whose page it
//! is (RFC 6455 §10.2). Comparing it with `Host` is not enough: a name that was made to point here (DNS
//! rebinding) stands in both. So a page's own host counts only if it cannot be such a name: an address, or
//! `localhost`. All others have to be listed. Clients without `Origin` are no browsers.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::wire::http1::Head;

/// The pages that may.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    /// Scheme, host and port as browsers send them: `https://example.org`.
    listed: Vec<String>,
    any: bool,
    own: bool,
}

impl Origins {
    /// Those of this node as it is addressed, and these: `https://example.org`, `http://example.org:8080`.
    pub fn listed(origins: impl IntoIterator<Item = String>) -> Self {
        Self { listed: origins.into_iter().map(|origin| origin.to_ascii_lowercase()).collect(), any: false, own: false }
    }

    /// All pages, for what is public anyhow.
    pub fn any() -> Self {
        Self { any: true, ..Self::default() }
    }

    /// The same, and pages of whatever host the request is for: for servers in front of which somebody checks
    /// `Host`.
    pub fn or_own_host(self) -> Self {
        Self { own: true, ..self }
    }

    /// Whether the page that asks may.
    pub fn admit(&self, head: &Head<'_, '_>) -> bool {
        let mut origins = head.headers("Origin");
        let Some(origin) = origins.next() else { return true };
        self.any || origins.next().is_none() && self.names(origin, head)
    }

    /// The same, but that all pages may does not count: for what a browser adds to a request whoever asks.
    pub fn admit_by_name(&self, head: &Head<'_, '_>) -> bool {
        let mut origins = head.headers("Origin");
        let Some(origin) = origins.next() else { return true };
        origins.next().is_none() && self.names(origin, head)
    }

    fn names(&self, origin: &[u8], head: &Head<'_, '_>) -> bool {
        let is_listed = self.listed.iter().any(|listed| listed.as_bytes().eq_ignore_ascii_case(origin));
        is_listed || self.is_own(origin, head.header("Host"))
    }

    fn is_own(&self, origin: &[u8], host: Option<&[u8]>) -> bool {
        let authority = origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://"));
        match (authority, host) {
            (Some(authority), Some(host)) => authority.eq_ignore_ascii_case(host) && (self.own || is_no_name(host)),
            _ => false,
        }
    }
}

/// Whether nobody can make this authority point elsewhere: an address, or `localhost`.
fn is_no_name(authority: &[u8]) -> bool {
    let Ok(authority) = std::str::from_utf8(authority) else { return false };
    if let Some((address, port)) = authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address.parse::<Ipv6Addr>().is_ok() && (port.is_empty() || port.starts_with(':'));
    }
    let host = authority.split_once(':').map_or(authority, |(host, _)| host);
    host.eq_ignore_ascii_case("localhost") || host.parse::<Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http1::{Limits, parse_head, slots};

    fn admits(origins: &Origins, host: &str, fields: &str) -> bool {
        let bytes = format!("GET / HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n");
        let slots = slots();
        let (head, _) = parse_head(bytes.as_bytes(), &slots, &Limits::default()).expect("a head").expect("whole");
        origins.admit(&head)
    }

    #[test]
    fn who_is_no_browser_may() {
        assert!(admits(&Origins::default(), "registry.example", ""));
    }

    #[test]
    fn pages_of_an_address_or_localhost_may_open_it_there() {
        for host in ["127.0.0.1:4873", "127.0.0.1", "localhost:4873", "LOCALHOST", "[::1]:4873", "[::1]", "10.0.0.7"] {
            for scheme in ["http", "https"] {
                let origin = format!("Origin: {scheme}://{}\r\n", host.to_lowercase());
                assert!(admits(&Origins::default(), host, &origin), "{origin}");
            }
        }
    }

    #[test]
    fn other_pages_may_only_if_they_are_listed() {
        let foreign = [
            ("127.0.0.1:4873", "http://127.0.0.1:4874"),
            ("127.0.0.1:4873", "http://127.0.0.1"),
            ("127.0.0.1:4873", "http://127.0.0.1:48731"),
            ("127.0.0.1:4873", "null"),
            ("127.0.0.1:4873", ""),
            ("127.0.0.1:4873", "ftp://127.0.0.1:4873"),
            ("rebound.example:4873", "http://rebound.example:4873"),
            ("127.0.0.1.example", "http://127.0.0.1.example"),
            ("localhost.example", "http://localhost.example"),
        ];
        for (host, origin) in foreign {
            let field = format!("Origin: {origin}\r\n");
            assert!(!admits(&Origins::default(), host, &field), "{origin} at {host}");
            assert!(admits(&Origins::any(), host, &field), "{origin} at {host}");
        }
        assert!(!is_no_name(b"[::1].example") && !is_no_name(b"[::1"), "nor what is no host at all");
        let listed = Origins::listed(["https://Good.example".to_owned()]);
        assert!(admits(&listed, "h", "Origin: https://good.example\r\n"));
        for origin in
            ["https://good.example.evil", "https://good.exampl", "http://good.example", "https://good.example:8443"]
        {
            assert!(!admits(&listed, "h", &format!("Origin: {origin}\r\n")), "{origin}");
        }
        let twice = "Origin: https://good.example\r\nOrigin: https://good.example\r\n";
        assert!(!admits(&listed, "h", twice));
    }

    #[test]
    fn that_all_pages_may_names_none() {
        let by_name = |origins: &Origins, field: &str| {
            let text = format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n{field}\r\n");
            let slots = slots();
            let (head, _) = parse_head(text.as_bytes(), &slots, &Limits::default()).unwrap().unwrap();
            origins.admit_by_name(&head)
        };
        let listed = Origins::listed(["https://good.example".to_owned()]);
        for (field, by_any, by_list) in [
            ("", true, true),
            ("Origin: http://127.0.0.1:1\r\n", true, true),
            ("Origin: https://good.example\r\n", false, true),
            ("Origin: https://evil.example\r\n", false, false),
            ("Origin: http://127.0.0.1:1\r\nOrigin: http://127.0.0.1:1\r\n", false, false),
        ] {
            let found = (by_name(&Origins::any(), field), by_name(&listed, field));
            assert_eq!(found, (by_any, by_list), "{field}");
        }
    }

    #[test]
    fn a_page_of_any_host_may_open_it_there_where_that_is_said() {
        let own = Origins::default().or_own_host();
        assert!(admits(&own, "shop.example", "Origin: https://shop.example\r\n"));
        assert!(!admits(&own, "shop.example", "Origin: https://evil.example\r\n"));
    }
}
