//! UTF-8 as it comes (RFC 3629): refused at the first byte that cannot go on.

use super::Error;

/// Bytes looked at at once.
const BLOCK: usize = 64;
const WORD: usize = size_of::<u64>();
/// What no byte of ASCII has.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// How many bytes of `text` are whole characters: all but the beginning of one at the end.
pub(crate) fn whole_characters(text: &[u8]) -> Result<usize, Error> {
    if is_ascii(text) {
        return Ok(text.len());
    }
    match core::str::from_utf8(text) {
        Ok(_) => Ok(text.len()),
        Err(error) if error.error_len().is_none() => Ok(error.valid_up_to()),
        Err(_) => Err(Error::Utf8),
    }
}

/// Whether `text` is whole characters. Most is ASCII, which costs a sixth.
#[inline]
pub(super) fn is_whole(text: &[u8]) -> bool {
    is_ascii(text) || core::str::from_utf8(text).is_ok()
}

/// `text`, if it is whole characters.
pub(super) fn check(text: &[u8]) -> Result<&str, Error> {
    core::str::from_utf8(text).map_err(|_| Error::Utf8)
}

/// Whether all is ASCII. That of the standard library looks at the bytes behind its last block one by one.
#[inline]
fn is_ascii(text: &[u8]) -> bool {
    let Some(last) = text.last_chunk() else { return text.iter().all(u8::is_ascii) };
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    let is_plain =
        |block: &[u8; BLOCK]| block.as_chunks().0.iter().fold(0, |bits, word| bits | word_of(word)) & HIGH_BITS == 0;
    if !blocks.iter().all(is_plain) {
        return false;
    }
    let bits = rest.as_chunks().0.iter().fold(word_of(last), |bits, word| bits | word_of(word));
    bits & HIGH_BITS == 0
}

#[inline]
fn word_of(bytes: &[u8; WORD]) -> u64 {
    u64::from_ne_bytes(*bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn a_byte_that_is_not_ascii_is_found_wherever_it_stands() {
        for len in 0..200 {
            let mut text = vec![b'~'; len];
            assert!(is_ascii(&text));
            for at in 0..len {
                text[at] = 0x80;
                assert!(!is_ascii(&text), "byte {at} of {len}");
                text[at] = 0x7f;
            }
        }
    }
}
