//! Texts as JSON strings.

/// Texts up to this length are copied in place.
const COPIED_BYTES_MAX: usize = 32;

/// Appends `text` as a JSON string (RFC 8259 §7).
#[inline]
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    match is_plain(bytes) {
        true => copy(out, bytes),
        false => copy_escaped(out, bytes),
    }
    out.push(b'"');
}

/// Most texts are short: a few words in place beat a call that can copy anything.
#[inline]
fn copy(out: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.len() > COPIED_BYTES_MAX {
        return out.extend_from_slice(bytes);
    }
    let (words, mut rest) = bytes.as_chunks::<8>();
    words.iter().for_each(|word| out.extend_from_slice(word));
    if let Some((four, after)) = rest.split_first_chunk::<4>() {
        out.extend_from_slice(four);
        rest = after;
    }
    if let Some((two, after)) = rest.split_first_chunk::<2>() {
        out.extend_from_slice(two);
        rest = after;
    }
    if let [one] = rest {
        out.push(*one);
    }
}

#[cold]
fn copy_escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    for &octet in bytes {
        match is_special(octet) {
            true => escape(out, octet),
            false => out.push(octet),
        }
    }
}

fn escape(out: &mut Vec<u8>, octet: u8) {
    let short = match octet {
        b'"' | b'\\' => octet,
        0x08 => b'b',
        0x09 => b't',
        0x0a => b'n',
        0x0c => b'f',
        0x0d => b'r',
        _ => {
            let hex = b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            return out.extend([hex[usize::from(octet >> 4)], hex[usize::from(octet & 15)]]);
        }
    };
    out.extend([b'\\', short]);
}

/// An octet that may not stand in a string as it is.
fn is_special(octet: u8) -> bool {
    octet < 0x20 || matches!(octet, b'"' | b'\\')
}

/// Whether all octets may stand in a string as they are: eight at a time, the last ones twice if need
/// be.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    const FILL: u64 = 0x7878_7878_7800_0000;
    let (words, _) = bytes.as_chunks::<8>();
    let marked = words.iter().fold(0, |marked, word| marked | special(u64::from_le_bytes(*word)));
    let last = match (bytes.last_chunk::<8>(), bytes.first_chunk::<4>(), bytes.last_chunk::<4>(), bytes) {
        (Some(last), ..) => u64::from_le_bytes(*last),
        (None, Some(first), Some(last), _) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        (.., [first, .., last]) => {
            let middle = bytes[bytes.len() / 2];
            FILL | u64::from(*first) << 16 | u64::from(middle) << 8 | u64::from(*last)
        }
        (.., [one]) => return !is_special(*one),
        (.., []) => return true,
    };
    marked | special(last) == 0
}

/// Not zero if one of the octets is below a space, a quote or a backslash.
#[inline]
fn special(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (control | zero(word ^ (ONES * b'"' as u64)) | zero(word ^ (ONES * b'\\' as u64))) & (ONES * 0x80)
}
