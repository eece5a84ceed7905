//! UTF-8 as it comes (RFC 3629): refused at the first byte that cannot go on.

use super::Error;

/// How many bytes of `text` are whole characters: all but the beginning of one at the end.
pub(crate) fn whole_characters(text: &[u8]) -> Result<usize, Error> {
    match core::str::from_utf8(text) {
        Ok(_) => Ok(text.len()),
        Err(error) if error.error_len().is_none() => Ok(error.valid_up_to()),
        Err(_) => Err(Error::Utf8),
    }
}

/// `text`, all of it whole characters.
#[inline]
pub(super) fn check(text: &[u8]) -> Result<&str, Error> {
    core::str::from_utf8(text).map_err(|_| Error::Utf8)
}
