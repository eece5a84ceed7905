//! Who asked, when a request came through proxies: `Forwarded` (RFC 7239), or `X-Forwarded-For` with
//! `-Proto` and `-Host`.
//!
//! Anybody may send these fields, so they are believed only as far as they were written by somebody
//! who is trusted: from the right, each proxy's word names whom it spoke to, until that is nobody
//! trusted. Lists are read from the right too, so that nothing a client wrote in front, not even a
//! quote that never ends, changes what a trusted proxy added behind it.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};
use core::str::FromStr;

use super::fields::{Fields, is_token, trim};
use crate::limits::FORWARDED_HOPS_MAX;

/// Which fields the proxies write. Never both: a proxy passes on the one it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `Forwarded`
    Standard,
    /// `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host`
    Legacy,
}

/// Who asked, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The last address that is not that of a trusted proxy, or the first of all when all are.
    pub address: IpAddr,
    /// The scheme the client used, in lower case, if a trusted proxy said so.
    pub proto: Option<Vec<u8>>,
    /// The host the client named, if a trusted proxy said so.
    pub host: Option<Vec<u8>>,
}

/// What one proxy says.
#[derive(Debug, Default)]
struct Hop {
    /// `None` for `unknown`, for a made-up name, and for what is malformed.
    node: Option<IpAddr>,
    proto: Option<Vec<u8>>,
    host: Option<Vec<u8>>,
}

/// Finds who asked through `peer`, the other end of the connection.
pub fn client<'b>(fields: impl Fields<'b>, peer: IpAddr, style: Style, is_trusted: impl Fn(IpAddr) -> bool) -> Client {
    let mut client = Client { address: peer.to_canonical(), proto: None, host: None };
    if !is_trusted(client.address) {
        return client;
    }
    match style {
        Style::Standard => follow(&mut client, members(fields, "Forwarded").map(standard_hop), is_trusted),
        Style::Legacy => {
            let mut protos = members(fields, "X-Forwarded-Proto");
            let mut hosts = members(fields, "X-Forwarded-Host");
            let hops = members(fields, "X-Forwarded-For").map(|node| Hop {
                node: address(node),
                proto: protos.next().and_then(scheme),
                host: hosts.next().and_then(host),
            });
            follow(&mut client, hops, is_trusted);
        }
    }
    client
}

/// Follows the word of each trusted proxy to the one before it.
fn follow(client: &mut Client, hops: impl Iterator<Item = Hop>, is_trusted: impl Fn(IpAddr) -> bool) {
    for hop in hops.take(FORWARDED_HOPS_MAX) {
        // A proxy that leaves out what the one before it said leaves it as it was.
        client.proto = hop.proto.or(client.proto.take());
        client.host = hop.host.or(client.host.take());
        let Some(address) = hop.node else { return };
        client.address = address;
        if !is_trusted(address) {
            return;
        }
    }
}

/// The members of a list over all fields of its name, from the last to the first.
fn members<'b>(fields: impl Fields<'b>, name: &str) -> impl Iterator<Item = &'b [u8]> {
    fields.named(name).rev().flat_map(|value| {
        let mut rest = Some(value);
        core::iter::from_fn(move || {
            let (before, last) = rsplit_unquoted(rest?, b',');
            rest = before;
            Some(trim(last))
        })
        .filter(|member| !member.is_empty())
    })
}

/// What stands before the last separator outside of quotes, if there is one, and what after it.
fn rsplit_unquoted(text: &[u8], separator: u8) -> (Option<&[u8]>, &[u8]) {
    let mut quoted = false;
    let mut end = text.len();
    while let Some(at) = memchr::memrchr2(separator, b'"', &text[..end]) {
        if text[at] == b'"' {
            // The quote that opens a string stands for itself; inside, one after an odd number of
            // backslashes is a character.
            let escapes = text[..at].iter().rev().take_while(|&&byte| byte == b'\\').count();
            quoted ^= !quoted || escapes % 2 == 0;
            end = at;
        } else if quoted {
            end = at;
        } else {
            return (Some(&text[..at]), &text[at + 1..]);
        }
    }
    (None, text)
}

/// `for=192.0.2.43;proto=https;host=example.com`
fn standard_hop(member: &[u8]) -> Hop {
    let mut hop = Hop::default();
    let mut rest = Some(member);
    while let Some(text) = rest {
        let (before, pair) = rsplit_unquoted(text, b';');
        rest = before;
        let Some(equals) = memchr::memchr(b'=', pair) else { continue };
        let name = trim(&pair[..equals]);
        let Some(value) = unquote(trim(&pair[equals + 1..])) else { continue };
        match () {
            () if name.eq_ignore_ascii_case(b"for") => hop.node = address(&value),
            () if name.eq_ignore_ascii_case(b"proto") => hop.proto = scheme(&value),
            () if name.eq_ignore_ascii_case(b"host") => hop.host = host(&value),
            () => {}
        }
    }
    hop
}

/// A token or a quoted string; `None` for anything else.
fn unquote(value: &[u8]) -> Option<Vec<u8>> {
    let [b'"', inside @ .., b'"'] = value else {
        // Some proxies forget the quotes that a port or an IPv6 address needs.
        let plain = |byte: &u8| is_token(&[*byte]) || b":[]/".contains(byte);
        return (!value.is_empty() && value.iter().all(plain)).then(|| value.to_vec());
    };
    let mut text = Vec::with_capacity(inside.len());
    let mut bytes = inside.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'"' => return None,
            b'\\' => text.push(*bytes.next()?),
            _ => text.push(byte),
        }
    }
    Some(text)
}

/// `192.0.2.43`, `192.0.2.43:47011`, `[2001:db8::1]`, `[2001:db8::1]:4711` or `2001:db8::1`.
fn address(node: &[u8]) -> Option<IpAddr> {
    let text = core::str::from_utf8(node).ok()?;
    let address = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            is_port(port).then_some(())?;
            IpAddr::V6(Ipv6Addr::from_str(address).ok()?)
        }
        None => match text.split_once(':') {
            Some((address, port)) if !port.contains(':') => {
                is_port(&text[address.len()..]).then_some(())?;
                IpAddr::V4(address.parse().ok()?)
            }
            _ => IpAddr::from_str(text).ok()?,
        },
    };
    Some(address.to_canonical())
}

/// Nothing, or a colon and a port, which may be a made-up name (RFC 7239 §6).
fn is_port(text: &str) -> bool {
    let is_number = |port: &str| (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| is_number(port) || port.starts_with('_'))
}

fn scheme(text: &[u8]) -> Option<Vec<u8>> {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let good = text.first().is_some_and(u8::is_ascii_alphabetic) && text.iter().all(allowed);
    good.then(|| text.to_ascii_lowercase())
}

/// A host and perhaps a port; nothing that could end a URL's authority.
fn host(text: &[u8]) -> Option<Vec<u8>> {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:[]".contains(byte);
    (!text.is_empty() && text.len() <= 261 && text.iter().all(allowed)).then(|| text.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http::fields::Field;
    use alloc::string::String;
    use alloc::vec;

    fn trusts(address: IpAddr) -> bool {
        address.is_loopback() || matches!(address, IpAddr::V4(v4) if v4.octets()[0] == 10)
    }

    fn ask(style: Style, peer: &str, fields: &[(&'static str, &str)]) -> (String, String, String) {
        let fields: Vec<Field<'_>> = fields.iter().map(|&(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        let found = client(&fields[..], peer.parse().unwrap(), style, trusts);
        let text = |value: Option<Vec<u8>>| String::from_utf8(value.unwrap_or_default()).unwrap();
        (alloc::format!("{}", found.address), text(found.proto), text(found.host))
    }

    fn standard(value: &str) -> String {
        ask(Style::Standard, "10.0.0.1", &[("Forwarded", value)]).0
    }

    #[test]
    fn the_last_address_that_is_not_trusted_is_the_client() {
        for (value, expected) in [
            ("for=192.0.2.43", "192.0.2.43"),
            ("For=192.0.2.43;proto=http;by=203.0.113.43", "192.0.2.43"),
            ("for=192.0.2.43, for=198.51.100.17", "198.51.100.17"),
            ("for=198.51.100.17, for=10.0.0.2, for=10.0.0.3", "198.51.100.17"),
            ("for=10.0.0.9, for=10.0.0.2", "10.0.0.9"),
            (r#"For="[2001:db8:cafe::17]:4711""#, "2001:db8:cafe::17"),
            (r#"for="192.0.2.43:47011""#, "192.0.2.43"),
            (r#"for="192.0.2.43:_port""#, "192.0.2.43"),
            (r#"for="::ffff:192.0.2.1""#, "192.0.2.1"),
            ("for=unknown", "10.0.0.1"),
            ("for=_SEVKISEK", "10.0.0.1"),
            ("for=192.0.2.43, for=unknown", "10.0.0.1"),
            ("for=192.0.2.43, for=_gazonk, for=10.0.0.2", "10.0.0.2"),
            ("for=192.0.2.43:99999x", "10.0.0.1"),
            ("proto=https", "10.0.0.1"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(standard(value), expected, "{value}");
        }
    }

    #[test]
    fn nothing_written_in_front_changes_what_a_proxy_added() {
        for front in ["for=\"", "for=\"a", "\\", "for=\"\\", ",,,\"\"", "for=1.2.3.4;\"", "for=\"a,b\"", ";;;=,="] {
            for joined in [alloc::format!("{front}, for=192.0.2.1"), alloc::format!("{front},for=\"192.0.2.1:80\"")] {
                assert_eq!(standard(&joined), "192.0.2.1", "{joined}");
            }
        }
    }

    #[test]
    fn who_is_not_trusted_is_not_believed() {
        let fields = [("Forwarded", "for=192.0.2.1;host=evil.example"), ("X-Forwarded-For", "192.0.2.2")];
        for style in [Style::Standard, Style::Legacy] {
            let expected = (String::from("203.0.113.7"), String::new(), String::new());
            assert_eq!(ask(style, "203.0.113.7", &fields), expected);
        }
        assert_eq!(ask(Style::Standard, "::ffff:10.0.0.1", &fields).0, "192.0.2.1", "a mapped peer is that peer");
    }

    #[test]
    fn scheme_and_host_come_from_the_proxy_that_met_the_client() {
        let chain = "for=6.6.6.6;proto=gopher;host=evil.example, for=192.0.2.1;proto=HTTPS;host=\"reg.example:8443\", \
                     for=10.0.0.2;proto=http";
        let expected = ("192.0.2.1".into(), "https".into(), "reg.example:8443".into());
        assert_eq!(ask(Style::Standard, "127.0.0.1", &[("forwarded", chain)]), expected);
        let legacy = [
            ("X-Forwarded-For", "6.6.6.6, 192.0.2.1"),
            ("X-Forwarded-For", "10.0.0.2"),
            ("X-Forwarded-Proto", "https, http"),
            ("X-Forwarded-Host", "reg.example"),
        ];
        let expected = ("192.0.2.1".into(), "https".into(), "reg.example".into());
        assert_eq!(ask(Style::Legacy, "10.0.0.1", &legacy), expected);
        for bad in ["a/b", "a b", "", "a@b", "a,b", "a?b#c"] {
            let value = alloc::format!("for=192.0.2.1;host=\"{bad}\"");
            assert_eq!(ask(Style::Standard, "10.0.0.1", &[("Forwarded", &value)]).2, "", "{bad}");
        }
    }

    #[test]
    fn a_chain_is_followed_up_to_its_bound() {
        for (proxies, expected) in [
            (FORWARDED_HOPS_MAX - 1, "192.0.2.1"),
            (FORWARDED_HOPS_MAX, "10.0.0.9"),
            (FORWARDED_HOPS_MAX + 1, "10.0.0.9"),
        ] {
            let chain = [vec!["192.0.2.1"], vec!["10.0.0.9"; proxies]].concat().join(", ");
            assert_eq!(ask(Style::Legacy, "10.0.0.1", &[("X-Forwarded-For", &chain)]).0, expected, "{proxies}");
        }
    }
}
