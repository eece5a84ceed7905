//! Base64 that arrives in pieces: characters of RFC 4648 §4 in, bytes out, in bounded memory.
//!
//! Strict: the standard alphabet, padding where it belongs and nowhere else, no spaces, no bits
//! left over. What two decoders could read differently is refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Characters decoded at once: a multiple of four.
const BLOCK_CHARACTERS: usize = 32 * 1024;
/// Bytes that a block decodes to at most.
const BLOCK_BYTES: usize = BLOCK_CHARACTERS / 4 * 3;

/// The text is not base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadBase64;

/// Decodes one base64 text.
#[derive(Debug, Default)]
pub struct Decoder {
    /// A group of four that is not complete.
    group: [u8; 4],
    group_filled: usize,
    /// Padding was seen: nothing may follow.
    ended: bool,
    block: Box<[u8]>,
}

impl Decoder {
    /// Takes characters: how many were taken (at least one, of a text that has any), and the bytes
    /// they decode to.
    pub fn decode(&mut self, text: &[u8]) -> Result<(usize, &[u8]), BadBase64> {
        if self.block.is_empty() {
            self.block = vec![0; BLOCK_BYTES].into_boxed_slice();
        }
        if self.group_filled > 0 || text.len() < 4 {
            return self.fill_group(text);
        }
        let used = text.len().min(BLOCK_CHARACTERS) / 4 * 4;
        let count = self.decode_block(&text[..used])?;
        Ok((used, &self.block[..count]))
    }

    fn fill_group(&mut self, text: &[u8]) -> Result<(usize, &[u8]), BadBase64> {
        let used = text.len().min(4 - self.group_filled);
        self.group[self.group_filled..self.group_filled + used].copy_from_slice(&text[..used]);
        self.group_filled += used;
        if self.group_filled < 4 {
            return Ok((used, &[]));
        }
        self.group_filled = 0;
        let group = self.group;
        let count = self.decode_block(&group)?;
        Ok((used, &self.block[..count]))
    }

    fn decode_block(&mut self, text: &[u8]) -> Result<usize, BadBase64> {
        if self.ended {
            return Err(BadBase64);
        }
        self.ended = text.last() == Some(&b'=');
        STANDARD.decode_slice(text, &mut self.block).map_err(|_| BadBase64)
    }

    /// The text has ended.
    pub fn finish(&self) -> Result<(), BadBase64> {
        match self.group_filled {
            0 => Ok(()),
            _ => Err(BadBase64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(pieces: &[&[u8]]) -> Result<Vec<u8>, BadBase64> {
        let mut decoder = Decoder::default();
        let mut all = Vec::new();
        for piece in pieces {
            let mut rest = *piece;
            while !rest.is_empty() {
                let (used, bytes) = decoder.decode(rest)?;
                assert!(used > 0);
                all.extend_from_slice(bytes);
                rest = &rest[used..];
            }
        }
        decoder.finish().map(|()| all)
    }

    #[test]
    fn a_text_decodes_the_same_wherever_it_is_cut() {
        for length in 0..20usize {
            let bytes: Vec<u8> = (0..length).map(|n| (n * 37 + 250) as u8).collect();
            let text = STANDARD.encode(&bytes);
            for cut in 0..=text.len() {
                let (left, right) = text.as_bytes().split_at(cut);
                assert_eq!(decode(&[left, right]).as_ref(), Ok(&bytes), "{length} bytes, cut at {cut}");
            }
            let single: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            assert_eq!(decode(&single), Ok(bytes));
        }
    }

    #[test]
    fn a_text_longer_than_a_block_is_decoded_whole() {
        for length in [BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES + 2] {
            let bytes: Vec<u8> = (0..length).map(|n| (n >> 3) as u8).collect();
            let text = STANDARD.encode(&bytes);
            assert_eq!(decode(&[text.as_bytes()]).as_ref(), Ok(&bytes));
            assert_eq!(decode(&[&text.as_bytes()[..5], &text.as_bytes()[5..]]), Ok(bytes));
        }
    }

    #[test]
    fn base64_with_junk_is_refused() {
        let bad = [
            "A", "AA", "AAA", "AA=", "AAAAA", "====", "A===", "AA=A", "AA==AAAA", "AAA=AAAA", "AAA-", "AAA_", "AA A",
            "AAA\n", " AAA", "AB==", "AAB=", "AAAA=", "AA\0A", "é===",
        ];
        for bad in bad {
            assert_eq!(decode(&[bad.as_bytes()]), Err(BadBase64), "{bad:?}");
            let single: Vec<&[u8]> = bad.as_bytes().chunks(1).collect();
            assert_eq!(decode(&single), Err(BadBase64), "{bad:?} byte by byte");
        }
    }
}
