//! Tokens: `lattice_`, 40 random characters, 6 of checksum.
//!
//! The prefix lets secret scanners recognise one and the checksum lets them tell, offline, a token
//! from something that looks alike. All after the prefix is base62.

use aws_lc_rs::digest::{SHA256, digest};
use crc::{CRC_32_ISO_HDLC, Crc};

use crate::app::store::Result;
use crate::store::error::broken;

const PREFIX: &str = "lattice_";
/// 40 × log2(62) is 238 bits.
const RANDOM_CHARS: usize = 40;
/// 62^6 is more than 2^32.
const CHECK_CHARS: usize = 6;
const TOKEN_CHARS: usize = PREFIX.len() + RANDOM_CHARS + CHECK_CHARS;
/// Characters that lists show of a token.
const TAIL_CHARS: usize = 4;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The largest multiple of 62 in a byte: below it each character is as likely as another.
const FAIR_MAX: u8 = 248;
/// Random bytes asked for at once; three in a hundred are thrown away.
const DRAW_BYTES: usize = 64;
/// More draws than a working generator ever needs.
const DRAWS_MAX: usize = 64;

const CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// A new token.
pub(crate) fn create() -> Result<String> {
    let mut token = String::with_capacity(TOKEN_CHARS);
    token.push_str(PREFIX);
    for _ in 0..DRAWS_MAX {
        let mut bytes = [0; DRAW_BYTES];
        getrandom::fill(&mut bytes).map_err(|_| broken("no randomness"))?;
        let missing = PREFIX.len() + RANDOM_CHARS - token.len();
        let fair = bytes.iter().filter(|&&byte| byte < FAIR_MAX).take(missing);
        token.extend(fair.map(|&byte| character(u32::from(byte))));
    }
    if token.len() != PREFIX.len() + RANDOM_CHARS {
        return Err(broken("no randomness"));
    }
    let check = check(&token[PREFIX.len()..]);
    Ok(token + &check)
}

/// Has it the form and the checksum of a token?
pub(crate) fn is_well_formed(token: &str) -> bool {
    let Some(rest) = token.strip_prefix(PREFIX) else { return false };
    let base62 = rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !base62 || rest.len() != RANDOM_CHARS + CHECK_CHARS {
        return false;
    }
    check(&rest[..RANDOM_CHARS]) == rest[RANDOM_CHARS..]
}

/// What is stored of it: with 238 bits of entropy, one plain hash cannot be searched backwards.
pub(crate) fn digest_of(token: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    bytes
}

/// What lists show of it besides the prefix: part of the checksum.
pub(crate) fn tail(token: &str) -> &str {
    token.get(token.len().saturating_sub(TAIL_CHARS)..).unwrap_or_default()
}

/// How a list shows a token by its tail.
pub(crate) fn shown(tail: &str) -> String {
    format!("{PREFIX}…{tail}")
}

fn check(random: &str) -> String {
    let mut rest = CHECKSUM.checksum(random.as_bytes());
    let mut check = [0; CHECK_CHARS];
    for place in check.iter_mut().rev() {
        *place = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    check.iter().map(|&byte| char::from(byte)).collect()
}

fn character(number: u32) -> char {
    char::from(ALPHABET[(number % 62) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_recognised_and_a_typo_is_not() {
        let token = create().unwrap();
        assert_eq!(token.len(), 54);
        assert!(is_well_formed(&token));
        for index in 0..token.len() {
            let mut typo = token.clone().into_bytes();
            typo[index] = if typo[index] == b'x' { b'y' } else { b'x' };
            assert!(!is_well_formed(std::str::from_utf8(&typo).unwrap()), "at {index}");
            assert!(!is_well_formed(&token[..index]), "cut at {index}");
        }
        assert!(!is_well_formed(&format!("{token}x")));
        assert!(!is_well_formed("lattice_ööööööööööööööööööööööö"));
    }

    #[test]
    fn no_two_are_alike_and_no_character_is_missing() {
        let tokens: Vec<String> = (0..200).map(|_| create().unwrap()).collect();
        let random: std::collections::BTreeSet<&str> = tokens.iter().map(|token| &token[8..48]).collect();
        assert_eq!(random.len(), 200);
        let seen: std::collections::BTreeSet<u8> = random.iter().flat_map(|token| token.bytes()).collect();
        assert_eq!(seen.len(), 62);
    }

    #[test]
    fn what_is_shown_is_the_end_of_it() {
        assert_eq!(shown(tail("lattice_abcdefgh")), "lattice_…efgh");
        assert_eq!(tail("abc"), "abc");
    }
}
