//! The public URL: what clients call the node, and so what tarball URLs begin with.
//!
//! Plain on purpose: http or https, a host, maybe a port, maybe a path of unreserved characters
//! (RFC 3986 §2.3), so that it can be put in front of any path without escaping anything.

/// Longest public URL.
const BYTES_MAX: usize = 512;

/// What is allowed, for people.
pub(crate) const ALLOWED: &str = "an http:// or https:// URL with a host, and no user, query or fragment; \
     its path is where the registry is served: \"https://npm.example.com\", \"https://example.com/npm\"";

/// The URL without slashes at its end, or what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<String, String> {
    let scheme = ["http://", "https://"].into_iter().find(|scheme| text.starts_with(scheme));
    let scheme = scheme.ok_or("does not begin with http:// or https://")?;
    if text.len() > BYTES_MAX {
        return Err(format!("is longer than {BYTES_MAX} bytes"));
    }
    let url = text.trim_end_matches('/');
    let rest = url.get(scheme.len()..).ok_or("has no host")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    check_authority(authority)?;
    check_path(path)?;
    Ok(url.to_string())
}

fn check_authority(authority: &str) -> Result<(), String> {
    if authority.contains('@') {
        return Err("carries a user, which every client would be shown".into());
    }
    let (host, port) = split_port(authority);
    if let Some(port) = port
        && port.parse::<u16>().map_or(true, |number| number == 0 || !port.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return Err(format!("has the port \"{port}\", which is not from 1 to 65535"));
    }
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) if address.parse::<std::net::Ipv6Addr>().is_ok() => Ok(()),
        Some(address) => Err(format!("has the host \"{address}\", which is no IPv6 address")),
        None => check_host(host),
    }
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    let after_address = authority.rfind(']').map_or(0, |index| index + 1);
    match authority[after_address..].find(':') {
        Some(colon) => (&authority[..after_address + colon], Some(&authority[after_address + colon + 1..])),
        None => (authority, None),
    }
}

fn check_host(host: &str) -> Result<(), String> {
    if host.is_empty() {
        return Err("has no host".into());
    }
    match host.chars().find(|character| !(character.is_ascii_alphanumeric() || "-._".contains(*character))) {
        Some(bad) => Err(format!("has {bad:?} in its host")),
        None => Ok(()),
    }
}

fn check_path(path: &str) -> Result<(), String> {
    let reserved = |character: &char| !(character.is_ascii_alphanumeric() || "-._~/".contains(*character));
    if let Some(bad) = path.chars().find(reserved) {
        return Err(format!("has {bad:?} in its path"));
    }
    match path.split('/').skip(1).find(|segment| matches!(*segment, "" | "." | ".." | "-")) {
        Some(segment) => Err(format!("has the segment \"{segment}\" in its path")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_urls_are_taken_without_their_last_slash() {
        for (text, url) in [
            ("http://localhost:4873", "http://localhost:4873"),
            ("https://npm.example.com/", "https://npm.example.com"),
            ("https://example.com/npm//", "https://example.com/npm"),
            ("https://example.com:8443/a/b-c", "https://example.com:8443/a/b-c"),
            ("http://[::1]:80/x", "http://[::1]:80/x"),
            ("http://[::1]", "http://[::1]"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(url), "{text}");
        }
    }

    #[test]
    fn whatever_could_not_be_put_in_front_of_a_path_is_refused() {
        for bad in [
            "",
            "example.com",
            "ftp://example.com",
            "http://",
            "http:///npm",
            "https://",
            "http://:80",
            "http://user:secret@example.com",
            "http://example.com?x=1",
            "http://example.com/npm?x",
            "http://example.com/#x",
            "http://example.com/a b",
            "http://exa mple.com",
            "http://example.com/%2f",
            "http://example.com:",
            "http://example.com:0",
            "http://example.com:65536",
            "http://example.com:+80",
            "http://[::1",
            "http://[1.2.3.4]",
            "http://::1",
            "http://example.com/../x",
            "http://example.com/a//b",
            "http://example.com/-/x",
            "http://example.com/\n",
            "http://bücher.example",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_length_is_bounded() {
        let url = |bytes: usize| format!("http://h/{}", "x".repeat(bytes - "http://h/".len()));
        assert!(parse(&url(BYTES_MAX)).is_ok());
        assert!(parse(&url(BYTES_MAX + 1)).is_err());
    }
}
