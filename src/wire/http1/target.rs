//! Request targets (RFC 9112 §3.2) and the host they are for.

use super::octets::{is_host, is_plain_target};
use super::{Error, Method};

/// Most digits of a port.
pub(super) const PORT_DIGITS_MAX: usize = 5;

/// The parts of a target that say what is asked for.
pub(super) struct Target<'b> {
    pub(super) path: &'b [u8],
    pub(super) query: Option<&'b [u8]>,
}

/// `target` has no control character and no space: the parser saw to that.
pub(super) fn parse_target<'b>(target: &'b [u8], method: Method, host: Option<&[u8]>) -> Result<Target<'b>, Error> {
    if method == Method::Connect {
        return Err(Error::BadTarget);
    }
    match target {
        [b'/', ..] => split_query(target),
        b"*" if method == Method::Options => Ok(Target { path: target, query: None }),
        _ => parse_absolute(target, host),
    }
}

/// `http://authority/path?query`, for the very host that Host names.
fn parse_absolute<'b>(target: &'b [u8], host: Option<&[u8]>) -> Result<Target<'b>, Error> {
    let rest = strip_scheme(target).ok_or(Error::BadTarget)?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    // Host is ASCII, so what equals it is.
    if !host.is_some_and(|host| host.eq_ignore_ascii_case(authority)) {
        return Err(Error::BadTarget);
    }
    let target = split_query(rest)?;
    let path = if target.path.is_empty() { b"/" } else { target.path };
    Ok(Target { path, ..target })
}

fn strip_scheme(target: &[u8]) -> Option<&[u8]> {
    [b"http://".as_slice(), b"https://"].into_iter().find_map(|scheme| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    })
}

/// Targets are short: a table beats the set-up of a vectorised search.
fn split_query(target: &[u8]) -> Result<Target<'_>, Error> {
    let is_special = |octet: &u8| !is_plain_target(*octet);
    let Some(at) = target.iter().position(is_special) else {
        return Ok(Target { path: target, query: None });
    };
    let (path, query) = (&target[..at], &target[at + 1..]);
    if target[at] != b'?' || query.iter().any(|octet| *octet != b'?' && is_special(octet)) {
        return Err(Error::BadTarget);
    }
    Ok(Target { path, query: Some(query) })
}

/// Whether `value` is `host` or `host:port`, the host being a name, an IPv4 address or an IPv6
/// address in brackets.
pub(super) fn is_host_port(value: &[u8]) -> bool {
    let (host, port) = match value {
        [b'[', rest @ ..] => {
            let end = rest.iter().position(|&byte| byte == b']').unwrap_or(0);
            if end == 0 || !rest[..end].iter().all(|byte| matches!(byte, b':' | b'.') || byte.is_ascii_hexdigit()) {
                return false;
            }
            return is_port(&rest[end + 1..]);
        }
        _ => value.split_at(value.iter().position(|&byte| !is_host(byte)).unwrap_or(value.len())),
    };
    !host.is_empty() && is_port(port)
}

/// Nothing, or a colon and one to five digits.
fn is_port(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b':', digits @ ..] => (1..=PORT_DIGITS_MAX).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}
