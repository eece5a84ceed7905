//! Version 1: one line of text, `PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n`.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::str::FromStr;

use super::{Error, Origin};

pub(super) const PREFIX: &[u8] = b"PROXY ";
/// Longest line, with its end.
const LINE_BYTES_MAX: usize = 107;

pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Origin, usize)>, Error> {
    let line = &bytes[..bytes.len().min(LINE_BYTES_MAX)];
    let Some(end) = line.iter().position(|&byte| byte == b'\n') else {
        return if bytes.len() < LINE_BYTES_MAX { Ok(None) } else { Err(Error::TooLong) };
    };
    let text = line[..end].strip_suffix(b"\r").and_then(|line| line.get(PREFIX.len()..)).ok_or(Error::Malformed)?;
    let text = core::str::from_utf8(text).map_err(|_| Error::Malformed)?;
    Ok(Some((origin(text)?, end + 1)))
}

fn origin(text: &str) -> Result<Origin, Error> {
    let mut words = text.split(' ');
    let family = words.next().unwrap_or("");
    if family == "UNKNOWN" {
        return Ok(Origin::Own); // whatever follows is to be ignored
    }
    let mut next = || words.next().ok_or(Error::Malformed);
    let (source, destination, source_port, destination_port) = (next()?, next()?, next()?, next()?);
    if words.next().is_some() {
        return Err(Error::Malformed);
    }
    let address = match family {
        "TCP4" => address::<Ipv4Addr>,
        "TCP6" => address::<Ipv6Addr>,
        _ => return Err(Error::Unknown),
    };
    Ok(Origin::Inet {
        source: SocketAddr::new(address(source)?, port(source_port)?),
        destination: SocketAddr::new(address(destination)?, port(destination_port)?),
    })
}

fn address<A: FromStr + Into<IpAddr>>(text: &str) -> Result<IpAddr, Error> {
    text.parse::<A>().map(Into::into).map_err(|_| Error::Malformed)
}

fn port(text: &str) -> Result<u16, Error> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain).ok_or(Error::Malformed)
}
