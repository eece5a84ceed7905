//! What holds for any bytes in front of a connection. Panics where it does not.

use alloc::format;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::{Error, Origin, parse, v2};
use crate::limits::PROXY_HEADER_BYTES_MAX;

/// A header means the same however it is cut, is never longer than it may be, does not depend on what
/// follows it, and means the same again when it is written out in either version and read back.
pub fn header(data: &[u8]) {
    let whole = parse(data);
    assert!(data.len() < PROXY_HEADER_BYTES_MAX || whole != Ok(None), "nothing is waited for without end");
    for cut in 0..data.len().min(PROXY_HEADER_BYTES_MAX) {
        let part = parse(&data[..cut]);
        match whole {
            Ok(Some((_, length))) if cut < length => assert_eq!(part, Ok(None), "cut at {cut}"),
            Ok(_) => assert_eq!(part, if matches!(whole, Ok(None)) { Ok(None) } else { whole }, "cut at {cut}"),
            // A mistake shows at some byte and stays.
            Err(error) => assert!(part == Ok(None) || part == Err(error), "cut at {cut}"),
        }
    }
    if let Ok(Some((origin, length))) = whole {
        assert!(length <= PROXY_HEADER_BYTES_MAX);
        assert_eq!(parse(&data[..length]), whole);
        for written in [emit_v1(&origin), emit_v2(&origin)].into_iter().flatten() {
            assert_eq!(parse(&written), Ok(Some((origin, written.len()))));
        }
        check_checksum(&emit_v2(&origin).unwrap_or_default());
    }
}

/// A header that ends in a checksum is taken, and one with any other bit is not taken as the same.
fn check_checksum(header: &[u8]) {
    if header[12] == v2::VERSION_LOCAL {
        return; // nothing after it is looked at
    }
    let mut header = header.to_vec();
    let length = u16::from_be_bytes([header[14], header[15]]) + 7;
    header[14..16].copy_from_slice(&length.to_be_bytes());
    header.extend([v2::TYPE_CRC32C, 0, 4, 0, 0, 0, 0]);
    let start = header.len() - 4;
    let checksum = v2::crc_of(&header, start);
    header[start..].copy_from_slice(&checksum.to_be_bytes());
    assert!(parse(&header).is_ok_and(|parsed| parsed.is_some()));
    let last = header.len() - 1;
    header[last] ^= 1;
    assert_eq!(parse(&header), Err(Error::WrongChecksum));
}

/// The line of version 1, which cannot tell of a Unix socket.
pub(super) fn emit_v1(origin: &Origin) -> Option<Vec<u8>> {
    let line = match origin {
        Origin::Own => "PROXY UNKNOWN\r\n".into(),
        Origin::Unix => return None,
        Origin::Inet { source, destination } => {
            let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
            let (from, to) = (source.ip(), destination.ip());
            format!("PROXY {family} {from} {to} {} {}\r\n", source.port(), destination.port())
        }
    };
    Some(line.into_bytes())
}

/// The header of version 2.
pub(super) fn emit_v2(origin: &Origin) -> Option<Vec<u8>> {
    let (command, family, addresses) = match origin {
        Origin::Own => (0x20, 0x00, Vec::new()),
        Origin::Unix => (0x21, 0x31, alloc::vec![b'u'; v2::UNIX_BYTES]),
        Origin::Inet { source, destination } => {
            let family = if source.is_ipv4() { 0x11 } else { 0x21 };
            (0x21, family, ends(source, destination))
        }
    };
    let length = u16::try_from(addresses.len()).ok()?.to_be_bytes();
    Some([v2::SIGNATURE, &[command, family], &length, &addresses].concat())
}

fn ends(source: &SocketAddr, destination: &SocketAddr) -> Vec<u8> {
    let octets = |address: IpAddr| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let ports = [source.port().to_be_bytes(), destination.port().to_be_bytes()].concat();
    [octets(source.ip()), octets(destination.ip()), ports].concat()
}
