//! Headers as proxies write them, and as nobody should.

use alloc::vec::Vec;
use alloc::{format, vec};
use core::net::SocketAddr;

use super::fuzz::{emit_v1, emit_v2, header};
use super::{Error, Origin, parse, v2};
use crate::limits::PROXY_HEADER_BYTES_MAX;

fn inet(source: &str, destination: &str) -> Origin {
    let end = |text: &str| text.parse::<SocketAddr>().expect("an address");
    Origin::Inet { source: end(source), destination: end(destination) }
}

fn origins() -> Vec<Origin> {
    vec![
        Origin::Own,
        Origin::Unix,
        inet("192.0.2.1:56324", "192.0.2.2:443"),
        inet("255.255.255.255:65535", "0.0.0.0:0"),
        inet("[2001:db8::1]:1", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"),
    ]
}

/// A header of version 2 for two IPv4 ends, with these fields behind them.
fn with_fields(fields: &[u8]) -> Vec<u8> {
    let mut bytes = emit_v2(&origins()[2]).expect("a header");
    bytes.extend_from_slice(fields);
    let length = (bytes.len() - v2::FIXED_BYTES) as u16;
    bytes[14..16].copy_from_slice(&length.to_be_bytes());
    bytes
}

fn with_checksum(fields: &[u8]) -> Vec<u8> {
    let mut bytes = with_fields(&[fields, &[v2::TYPE_CRC32C, 0, 4, 0, 0, 0, 0]].concat());
    let start = bytes.len() - 4;
    let checksum = v2::crc_of(&bytes, start).to_be_bytes();
    bytes[start..].copy_from_slice(&checksum);
    bytes
}

#[test]
fn both_versions_say_whose_connection_it_is_wherever_they_are_cut() {
    for origin in origins() {
        for bytes in [emit_v1(&origin), emit_v2(&origin)].into_iter().flatten() {
            for cut in 0..bytes.len() {
                assert_eq!(parse(&bytes[..cut]), Ok(None), "{origin:?} cut at {cut}");
            }
            let expected = Ok(Some((origin, bytes.len())));
            assert_eq!(parse(&bytes), expected);
            assert_eq!(parse(&[&bytes, &b"GET / HTTP/1.1\r\n"[..]].concat()), expected);
            header(&bytes);
        }
    }
}

#[test]
fn the_examples_of_the_specification_are_read() {
    let longest4 = b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n";
    assert!(matches!(parse(longest4), Ok(Some((Origin::Inet { .. }, 56)))));
    let all = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    let longest6 = format!("PROXY TCP6 {all} {all} 65535 65535\r\n");
    assert!(matches!(parse(longest6.as_bytes()), Ok(Some((Origin::Inet { .. }, 104)))));
    let worst = format!("PROXY UNKNOWN {all} {all} 65535 65535\r\n");
    assert_eq!((worst.len(), parse(worst.as_bytes())), (107, Ok(Some((Origin::Own, 107)))));
    assert_eq!(parse(b"PROXY UNKNOWN\r\n"), Ok(Some((Origin::Own, 15))));
}

#[test]
fn a_line_has_107_bytes_and_no_more() {
    let line = |bytes: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(bytes - 16));
    for (bytes, taken) in [(106, true), (107, true), (108, false)] {
        let parsed = parse(line(bytes).as_bytes());
        assert_eq!(parsed, if taken { Ok(Some((Origin::Own, bytes))) } else { Err(Error::TooLong) });
    }
    assert_eq!(parse(&line(200).as_bytes()[..106]), Ok(None));
    assert_eq!(parse(&line(200).as_bytes()[..107]), Err(Error::TooLong));
}

#[test]
fn lines_are_written_in_one_way() {
    for bad in [
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
        "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2  2\r\n",
        "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        "PROXY \r\n",
    ] {
        assert_eq!(parse(bad.as_bytes()), Err(Error::Malformed), "{bad}");
    }
    assert_eq!(parse(b"PROXY TCP5 ::1 ::1 1 2\r\n"), Err(Error::Unknown));
    assert_eq!(parse(b"PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n"), Err(Error::Unknown));
    assert_eq!(parse(b"PROXY TCP4 \xff\xff 192.0.2.2 1 2\r\n"), Err(Error::Malformed));
}

#[test]
fn what_begins_otherwise_has_no_header() {
    for bytes in
        [&b"GET / HTTP/1.1\r\n"[..], b"PROXZ", b"PROXY\t", b"proxy TCP4", b"\r\nGET", b"\r\n\r\n\0\r\nQUIT\r", b"\x16"]
    {
        assert_eq!(parse(bytes), Err(Error::Missing), "{bytes:?}");
    }
    assert_eq!(parse(b""), Ok(None));
}

#[test]
fn versions_commands_families_and_transports_are_those_there_are() {
    let own = emit_v2(&Origin::Own).expect("a header");
    for (index, byte) in (0..=255u8).flat_map(|byte| [(12, byte), (13, byte)]) {
        let mut bytes = own.clone();
        bytes[12] = 0x21;
        bytes[index] = byte;
        let known = if index == 12 { matches!(byte, 0x20 | 0x21) } else { byte >> 4 <= 3 && byte & 0xf <= 2 };
        assert_eq!(parse(&bytes) == Err(Error::Unknown), !known, "{byte:#x} at {index}");
    }
    assert_eq!(parse(&own[..13]), Ok(None));
    assert_eq!(parse(&[v2::SIGNATURE, &[0x11]].concat()), Err(Error::Unknown), "before the rest has come");
}

#[test]
fn a_local_connection_is_the_proxys_own_whatever_addresses_it_has() {
    let mut bytes = emit_v2(&origins()[2]).expect("a header");
    bytes[12] = 0x20;
    assert_eq!(parse(&bytes), Ok(Some((Origin::Own, bytes.len()))));
    // Health checks say so: LOCAL over TCP, and not one byte of addresses.
    let bare = [v2::SIGNATURE, &[0x20, 0x11, 0, 0]].concat();
    assert_eq!(parse(&bare), Ok(Some((Origin::Own, bare.len()))));
}

#[test]
fn datagrams_do_not_come_by_a_stream() {
    for transport in [0, 2] {
        let mut bytes = emit_v2(&origins()[2]).expect("a header");
        bytes[13] = 0x10 | transport;
        assert_eq!(parse(&bytes), Err(Error::Unknown));
    }
}

#[test]
fn addresses_that_are_cut_short_are_malformed() {
    for origin in &origins()[1..] {
        let mut bytes = emit_v2(origin).expect("a header");
        let length = u16::from_be_bytes([bytes[14], bytes[15]]) - 1;
        bytes[14..16].copy_from_slice(&length.to_be_bytes());
        assert_eq!(parse(&bytes), Err(Error::Malformed), "{origin:?}");
    }
}

#[test]
fn fields_fill_the_header_exactly() {
    for (fields, is_whole) in [
        (&[][..], true),
        (&[4, 0, 0], true),
        (&[4, 0, 2, 1, 2, 0xe0, 0, 0], true),
        (&[4], false),
        (&[4, 0], false),
        (&[4, 0, 1], false),
        (&[4, 0xff, 0xff, 0], false),
    ] {
        let parsed = parse(&with_fields(fields));
        assert_eq!(parsed.is_ok(), is_whole, "{fields:?}");
        assert!(is_whole || parsed == Err(Error::Malformed));
    }
}

#[test]
fn a_checksum_is_held_to() {
    let bytes = with_checksum(&[4, 0, 1, 9]);
    assert!(matches!(parse(&bytes), Ok(Some((Origin::Inet { .. }, length))) if length == bytes.len()));
    // With another type the last field would be no checksum.
    for index in (v2::FIXED_BYTES..bytes.len()).filter(|index| *index != bytes.len() - 7) {
        for bit in 0..8 {
            let mut wrong = bytes.clone();
            wrong[index] ^= 1 << bit;
            assert_ne!(parse(&wrong), parse(&bytes), "bit {bit} of byte {index}");
        }
    }
    let last = bytes.len() - 1;
    let wrong = [&bytes[..last], &[bytes[last] ^ 1]].concat();
    assert_eq!(parse(&wrong), Err(Error::WrongChecksum));
    let twice = [&[v2::TYPE_CRC32C, 0, 4, 0, 0, 0, 0][..]; 2].concat();
    assert_eq!(parse(&with_fields(&twice)), Err(Error::Malformed));
    assert_eq!(parse(&with_fields(&[v2::TYPE_CRC32C, 0, 3, 0, 0, 0])), Err(Error::Malformed));
}

#[test]
fn the_checksum_is_crc_32c() {
    // The check value of the catalogue of parametrised CRC algorithms.
    assert_eq!(v2::CRC.checksum(b"123456789"), 0xe306_9283);
}

#[test]
fn a_header_is_as_long_as_it_may_be_and_no_longer() {
    let field_of = |bytes: usize| {
        let value = bytes - 3;
        [&[4, (value >> 8) as u8, value as u8][..], &vec![0; value]].concat()
    };
    let base = with_fields(&[]).len();
    for (length, taken) in
        [(PROXY_HEADER_BYTES_MAX - 1, true), (PROXY_HEADER_BYTES_MAX, true), (PROXY_HEADER_BYTES_MAX + 1, false)]
    {
        let bytes = with_fields(&field_of(length - base));
        assert_eq!(bytes.len(), length);
        assert_eq!(parse(&bytes).is_ok(), taken, "{length}");
        assert_eq!(parse(&bytes[..20]).is_ok(), taken, "it is not waited for: {length}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_hold(mut bytes: Vec<u8>, begin in 0usize..4, command in 0x20u8..0x22, family in 0u8..0x33) {
        let prefix = match begin {
            0 => Vec::new(),
            1 => b"PROXY ".to_vec(),
            2 => [v2::SIGNATURE, &[command, family, 0, bytes.len().min(255) as u8]].concat(),
            _ => b"PROXY TCP4 1.2.3.4 5.6.7.8 ".to_vec(),
        };
        bytes.splice(0..0, prefix);
        header(&bytes);
    }
}
