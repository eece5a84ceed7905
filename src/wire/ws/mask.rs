//! The mask of a payload (RFC 6455 §5.3): xor with four bytes over and over, which undoes itself.
//!
//! In blocks that the compiler turns into vector instructions; the last one overlaps the one before it, so that
//! no single bytes are left over. `unmask_down` moves the payload while it unmasks: blocks are loaded before
//! anything is stored over them.

/// Xors `bytes` with `key` over and over.
pub fn mask(bytes: &mut [u8], key: [u8; 4]) {
    unmask_down(bytes, 0, key);
}

/// Unmasks what stands in `window` from `shift` on and puts it at the start.
#[inline(always)]
pub(super) fn unmask_down(window: &mut [u8], shift: usize, key: [u8; 4]) {
    match window.len() - shift {
        0..4 => bytes_down(window, shift, key),
        4..8 => blocks_down::<4>(window, shift, key),
        8..16 => blocks_down::<8>(window, shift, key),
        16..32 => blocks_down::<16>(window, shift, key),
        _ => many_down(window, shift, key),
    }
}

/// Apart, so that the way of a short payload has the registers for itself.
#[inline(never)]
fn many_down(window: &mut [u8], shift: usize, key: [u8; 4]) {
    if window.len() - shift < 64 {
        blocks_down::<32>(window, shift, key);
    } else {
        blocks_down::<64>(window, shift, key);
    }
}

/// In blocks of `N` bytes, a multiple of the key's; there must be bytes for one at least.
///
/// The last block is loaded first, for those before it are stored over it.
#[inline(always)]
fn blocks_down<const N: usize>(window: &mut [u8], shift: usize, key: [u8; 4]) {
    let key = u32::from_le_bytes(key);
    let last = window.len() - shift - N;
    let last_block = xored::<N>(&window[last + shift..last + shift + N], key.rotate_right(last as u32 % 4 * 8));
    let mut at = 0;
    while at < last {
        let window = &mut window[at..at + shift + N];
        let block = xored::<N>(&window[shift..], key);
        window[..N].copy_from_slice(&block);
        at += N;
    }
    window[last..last + N].copy_from_slice(&last_block);
}

/// `N` bytes, xored with a key.
#[inline(always)]
fn xored<const N: usize>(bytes: &[u8], key: u32) -> [u8; N] {
    let mut block = [0; N];
    block.copy_from_slice(bytes);
    for word in block.as_chunks_mut().0 {
        *word = (u32::from_le_bytes(*word) ^ key).to_le_bytes();
    }
    block
}

/// Byte by byte: less than a key's, and what the blocks are compared with.
#[inline]
fn bytes_down(window: &mut [u8], shift: usize, key: [u8; 4]) {
    for index in 0..window.len() - shift {
        window[index] = window[index + shift] ^ key[index % 4];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn bytes(count: usize) -> Vec<u8> {
        (0..count).map(|index| (index * 7 + index / 251) as u8).collect()
    }

    #[test]
    fn blocks_do_what_single_bytes_do_for_every_shift_and_length() {
        for shift in 0..=14 {
            for len in 0..=140 {
                let mut fast = bytes(shift + len + 9);
                let mut plain = fast.clone();
                unmask_down(&mut fast[..shift + len], shift, [1, 2, 0xff, 0x80]);
                bytes_down(&mut plain[..shift + len], shift, [1, 2, 0xff, 0x80]);
                assert_eq!(fast[..len], plain[..len], "shift {shift}, length {len}");
                let rest = len + shift;
                assert_eq!(fast[rest..], bytes(shift + len + 9)[rest..], "bytes behind it change");
            }
        }
    }

    proptest! {
        #[test]
        fn masked_twice_is_as_it_was(mut payload in prop::collection::vec(any::<u8>(), 0..300), key: [u8; 4]) {
            let before = payload.clone();
            mask(&mut payload, key);
            mask(&mut payload, key);
            prop_assert_eq!(payload, before);
        }

        #[test]
        fn any_bytes_and_key_come_out_as_byte_by_byte(
            bytes in prop::collection::vec(any::<u8>(), 0..600), shift in 0usize..8, key: [u8; 4],
        ) {
            let shift = shift.min(bytes.len());
            let len = bytes.len() - shift;
            let (mut fast, mut plain) = (bytes.clone(), bytes);
            unmask_down(&mut fast, shift, key);
            bytes_down(&mut plain, shift, key);
            prop_assert_eq!(&fast[..len], &plain[..len]);
        }
    }
}
