//! Eight octets at once, in a plain 64-bit word.
//!
//! A class answers with the high bit of each octet that may lie outside of it; the first one marked
//! is exact, and is then looked at alone. Arithmetic on octets below 0x80 carries into no neighbour.

const ONES: u64 = u64::MAX / 0xff;
const HIGHS: u64 = ONES * 0x80;

/// Where the octets of a class that begin at `at` end. `outside` may mark octets of the class, which
/// then cost a closer look, but must mark all others.
#[inline(always)]
pub(super) fn run(
    bytes: &[u8],
    mut at: usize,
    outside: impl Fn(u64) -> u64,
    is_class: impl Fn(u8) -> bool,
) -> Option<usize> {
    while let Some(word) = bytes.get(at..)?.first_chunk() {
        let marked = outside(u64::from_le_bytes(*word));
        if marked == 0 {
            at += word.len();
            continue;
        }
        at += marked.trailing_zeros() as usize / 8;
        if !is_class(bytes[at]) {
            return Some(at);
        }
        at += 1;
    }
    Some(at + bytes[at..].iter().position(|&octet| !is_class(octet))?)
}

/// Marks what is neither a letter nor a hyphen: names of fields are made of little else.
#[inline(always)]
pub(super) fn outside_name(word: u64) -> u64 {
    let low = word & !HIGHS;
    !(within(low | (ONES * 0x20), b'a', b'z') | within(low, b'-', b'-')) & HIGHS | word & HIGHS
}

/// Marks what is no letter, digit, hyphen or dot.
#[inline(always)]
pub(super) fn outside_host(word: u64) -> u64 {
    let low = word & !HIGHS;
    let letters = within(low | (ONES * 0x20), b'a', b'z');
    !(letters | within(low, b'0', b'9') | within(low, b'-', b'.')) & HIGHS | word & HIGHS
}

/// Marks what is not printable, and what ends a path.
#[inline(always)]
pub(super) fn outside_target(word: u64) -> u64 {
    let low = word & !HIGHS;
    let special = within(low, b'?', b'?') | within(low, b'#', b'#');
    (!within(low, b'!', b'~') | special | word) & HIGHS
}

/// Marks controls. Octets from 0x80 on stand in values as they are.
#[inline(always)]
pub(super) fn controls(word: u64) -> u64 {
    let low = word & !HIGHS;
    !within(low, b' ', b'~') & !word & HIGHS
}

/// The high bits of the octets from `first` to `last`, all below 0x80; other bits mean nothing.
#[inline(always)]
fn within(low: u64, first: u8, last: u8) -> u64 {
    let at_least = low + ONES * u64::from(0x80 - first);
    let above = low + ONES * u64::from(0x7f - last);
    at_least & !above
}

#[cfg(test)]
mod tests {
    use super::super::octets::{is_control, is_host, is_plain_target, is_token};
    use super::*;

    type Class = (fn(u64) -> u64, fn(u8) -> bool);

    const CLASSES: [Class; 4] = [
        (outside_name, is_token),
        (outside_host, is_host),
        (outside_target, is_plain_target),
        (controls, |octet| !is_control(octet)),
    ];

    #[test]
    fn every_octet_outside_a_class_is_marked_wherever_it_stands() {
        for (outside, is_class) in CLASSES {
            for octet in 0..=255u8 {
                for at in 0..8 {
                    for neighbour in [b'a', octet] {
                        let mut word = [neighbour; 8];
                        word[at] = octet;
                        let marked = outside(u64::from_le_bytes(word));
                        assert_eq!(marked & !HIGHS, 0);
                        assert!(is_class(octet) || marked >> (8 * at) & 0x80 != 0, "{octet} at {at}");
                        assert!(octet == neighbour || marked & !(0x80 << (8 * at)) == 0, "{octet} marks others");
                    }
                }
            }
        }
    }

    #[test]
    fn what_clients_send_is_not_marked() {
        let word = |text: &[u8; 8]| u64::from_le_bytes(*text);
        assert_eq!(outside_name(word(b"Accept-E")), 0);
        assert_eq!(outside_host(word(b"Npm-1.eu")), 0);
        assert_eq!(outside_target(word(b"/@a%2fb-")), 0);
        assert_eq!(controls(word(b"a/1 \xc3\xa4;~")), 0);
    }

    #[test]
    fn a_run_ends_at_the_first_octet_outside_whatever_its_length() {
        for (outside, is_class) in CLASSES {
            let members: alloc::vec::Vec<u8> = (0..=255u8).filter(|&octet| is_class(octet)).cycle().take(600).collect();
            for length in (0..40).chain([255, 256, 599]) {
                for tail in [b"\0".as_slice(), b"\0abcdefghijklmnopq"] {
                    let bytes = [&members[..length], tail].concat();
                    assert_eq!(run(&bytes, 0, outside, is_class), Some(length));
                }
                assert_eq!(run(&members[..length], 0, outside, is_class), None, "no end in sight");
            }
        }
    }
}
