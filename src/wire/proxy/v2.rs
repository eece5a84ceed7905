//! Version 2: a signature, a fixed part, the addresses, and fields of type, length and value.
//!
//! ```text
//! 0            12      13      14        16
//! │ signature   │ 2│cmd │ fam│tr │ length  │ addresses │ fields …
//! ```

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Error, Origin};
use crate::limits::PROXY_HEADER_BYTES_MAX;

pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The signature and what tells the rest.
pub(super) const FIXED_BYTES: usize = 16;
/// Two paths of a Unix socket.
pub(super) const UNIX_BYTES: usize = 216;
/// The type of the field that holds a CRC-32C of the whole header.
pub(super) const TYPE_CRC32C: u8 = 0x03;

pub(super) const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);

const LOCAL: u8 = 0;
/// The octet that says version 2 and [`LOCAL`].
pub(super) const VERSION_LOCAL: u8 = 0x20;
const PROXY: u8 = 1;

#[derive(PartialEq, Eq)]
enum Family {
    Unspecified,
    Inet,
    Inet6,
    Unix,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Origin, usize)>, Error> {
    let Some(&[version_command, family_transport, high, low]) = bytes.get(SIGNATURE.len()..FIXED_BYTES) else {
        // What is wrong already is not waited for.
        return bytes.get(SIGNATURE.len()).map_or(Ok(None), |byte| command(*byte).map(|_| None));
    };
    let command = command(version_command)?;
    let length = FIXED_BYTES + usize::from(u16::from_be_bytes([high, low]));
    if length > PROXY_HEADER_BYTES_MAX {
        return Err(Error::TooLong);
    }
    let Some(header) = bytes.get(..length) else { return Ok(None) };
    if command == LOCAL {
        // The proxy speaks for itself; whatever else it says is skipped.
        return Ok(Some((Origin::Own, length)));
    }
    let (family, is_stream) = family(family_transport)?;
    let (origin, address_bytes) = addresses(&family, &header[FIXED_BYTES..])?;
    check_fields(header, FIXED_BYTES + address_bytes)?;
    if !is_stream && family != Family::Unspecified {
        return Err(Error::Unknown); // a datagram, here?
    }
    Ok(Some((origin, length)))
}

fn command(byte: u8) -> Result<u8, Error> {
    match (byte >> 4, byte & 0xf) {
        (2, command @ (LOCAL | PROXY)) => Ok(command),
        _ => Err(Error::Unknown),
    }
}

/// The family, and whether the transport is a stream.
fn family(byte: u8) -> Result<(Family, bool), Error> {
    let family = match byte >> 4 {
        0 => Family::Unspecified,
        1 => Family::Inet,
        2 => Family::Inet6,
        3 => Family::Unix,
        _ => return Err(Error::Unknown),
    };
    match byte & 0xf {
        transport @ 0..=2 => Ok((family, transport == 1)),
        _ => Err(Error::Unknown),
    }
}

/// The ends of the connection and how many bytes they take.
fn addresses(family: &Family, bytes: &[u8]) -> Result<(Origin, usize), Error> {
    match family {
        Family::Unspecified => Ok((Origin::Own, 0)),
        Family::Inet => inet::<4, 12>(bytes, |octets| Ipv4Addr::from(octets).into()),
        Family::Inet6 => inet::<16, 36>(bytes, |octets| Ipv6Addr::from(octets).into()),
        Family::Unix if bytes.len() < UNIX_BYTES => Err(Error::Malformed),
        Family::Unix => Ok((Origin::Unix, UNIX_BYTES)),
    }
}

fn inet<const N: usize, const ALL: usize>(
    bytes: &[u8],
    address: fn([u8; N]) -> IpAddr,
) -> Result<(Origin, usize), Error> {
    let Some((source, rest)) = bytes.split_first_chunk::<N>() else { return Err(Error::Malformed) };
    let Some((destination, rest)) = rest.split_first_chunk::<N>() else { return Err(Error::Malformed) };
    let Some(&[a, b, c, d]) = rest.first_chunk::<4>() else { return Err(Error::Malformed) };
    let source = SocketAddr::new(address(*source), u16::from_be_bytes([a, b]));
    let destination = SocketAddr::new(address(*destination), u16::from_be_bytes([c, d]));
    Ok((Origin::Inet { source, destination }, ALL))
}

/// Checks that the fields fill the header exactly, and the checksum if there is one.
fn check_fields(header: &[u8], mut index: usize) -> Result<(), Error> {
    let mut checksum = None;
    while index < header.len() {
        let Some(&[kind, high, low]) = header[index..].first_chunk::<3>() else { return Err(Error::Malformed) };
        let start = index + 3;
        index = start + usize::from(u16::from_be_bytes([high, low]));
        let Some(value) = header.get(start..index) else { return Err(Error::Malformed) };
        if kind == TYPE_CRC32C {
            let value = value.try_into().map_err(|_| Error::Malformed)?;
            if checksum.replace((start, u32::from_be_bytes(value))).is_some() {
                return Err(Error::Malformed);
            }
        }
    }
    match checksum {
        Some((start, told)) if crc_of(header, start) != told => Err(Error::WrongChecksum),
        _ => Ok(()),
    }
}

/// The checksum of the header, in which it counts as zeros itself.
pub(super) fn crc_of(header: &[u8], start: usize) -> u32 {
    let mut digest = CRC.digest();
    digest.update(&header[..start]);
    digest.update(&[0; 4]);
    digest.update(&header[start + 4..]);
    digest.finalize()
}
