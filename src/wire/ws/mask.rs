//! The mask of a payload (RFC 6455 §5.3): xor with four bytes over and over, which undoes itself.
//!
//! In blocks that the compiler turns into vector instructions. [`unmask_down`] moves the payload while it
//! unmasks: a block is loaded whole before it is stored at or below where it came from, so what is
//! overwritten has been read.

/// Xors `bytes` with `key` over and over.
pub fn mask(bytes: &mut [u8], key: [u8; 4]) {
    let len = bytes.len();
    unmask_down(bytes, 0, len, key);
}

/// Unmasks the `len` bytes at `shift` and puts them at the start of `window`.
#[inline]
pub(super) fn unmask_down(window: &mut [u8], shift: usize, len: usize, key: [u8; 4]) {
    let window = &mut window[..shift + len];
    let mut done = 0;
    while len - done >= 32 {
        block::<32>(window, done, shift, key);
        done += 32;
    }
    if len & 16 != 0 {
        block::<16>(window, done, shift, key);
        done += 16;
    }
    if len & 8 != 0 {
        block::<8>(window, done, shift, key);
        done += 8;
    }
    if len & 4 != 0 {
        block::<4>(window, done, shift, key);
        done += 4;
    }
    for index in 0..len & 3 {
        window[done + index] = window[done + index + shift] ^ key[index];
    }
}

/// One block of `N` bytes, a multiple of the key's.
#[inline(always)]
fn block<const N: usize>(window: &mut [u8], at: usize, shift: usize, key: [u8; 4]) {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&window[at + shift..at + shift + N]);
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte ^= key[index % 4];
    }
    window[at..at + N].copy_from_slice(&bytes);
}

/// The same byte by byte, to compare with.
#[cfg(test)]
fn unmask_down_plainly(window: &mut [u8], shift: usize, len: usize, key: [u8; 4]) {
    for index in 0..len {
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
                unmask_down(&mut fast, shift, len, [1, 2, 0xff, 0x80]);
                unmask_down_plainly(&mut plain, shift, len, [1, 2, 0xff, 0x80]);
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
            unmask_down(&mut fast, shift, len, key);
            unmask_down_plainly(&mut plain, shift, len, key);
            prop_assert_eq!(&fast[..len], &plain[..len]);
        }
    }
}
