//! The fields that decide about framing, connection and host, picked out in one pass.

use super::octets::trim;
use super::target::is_host_port;
use super::{Error, Framing, Version};

/// Most digits of a Content-Length: any number of that many fits 64 bits.
const LENGTH_DIGITS_MAX: usize = 19;
const _: () = assert!(10u64.checked_pow(LENGTH_DIGITS_MAX as u32).is_some());

/// What the fields of one head say.
#[derive(Default)]
pub(super) struct Fields<'b> {
    host: Option<&'b [u8]>,
    length: Option<u64>,
    coding: Option<Coding>,
    expectation: Option<Expectation>,
    close: bool,
    keep_alive: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Coding {
    Chunked,
    Other,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expectation {
    Continue,
    Other,
}

impl<'b> Fields<'b> {
    pub(super) fn read(fields: impl Iterator<Item = (&'b [u8], &'b [u8])>) -> Result<Self, Error> {
        let mut all = Self::default();
        for (name, value) in fields {
            all.note(name, value)?;
        }
        Ok(all)
    }

    /// Length and first letter tell most fields apart, so that few names are compared.
    #[inline]
    pub(super) fn note(&mut self, name: &[u8], value: &'b [u8]) -> Result<(), Error> {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        match (name.len(), name.first().map(|letter| letter | 0x20)) {
            (4, Some(b'h')) if is(b"host") => self.note_host(value),
            (6, Some(b'e')) if is(b"expect") => self.note_expectation(value),
            (10, Some(b'c')) if is(b"connection") => self.note_connection(value),
            (14, Some(b'c')) if is(b"content-length") => self.note_length(value),
            (17, Some(b't')) if is(b"transfer-encoding") => self.note_coding(value),
            _ => Ok(()),
        }
    }

    /// A Host that is one for sure; `None` if there was one before.
    #[inline]
    pub(super) fn note_checked_host(&mut self, value: &'b [u8]) -> Option<()> {
        self.host.replace(value).is_none().then_some(())
    }

    fn note_host(&mut self, value: &'b [u8]) -> Result<(), Error> {
        if self.host.is_some() || !is_host_port(value) {
            return Err(Error::Host);
        }
        self.host = Some(value);
        Ok(())
    }

    fn note_expectation(&mut self, value: &[u8]) -> Result<(), Error> {
        let known = value.eq_ignore_ascii_case(b"100-continue") && self.expectation != Some(Expectation::Other);
        self.expectation = Some(if known { Expectation::Continue } else { Expectation::Other });
        Ok(())
    }

    fn note_connection(&mut self, value: &[u8]) -> Result<(), Error> {
        for option in value.split(|&byte| byte == b',').map(trim) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
        Ok(())
    }

    /// A repeated length is refused even if it is the same: nobody sends it but to find out who
    /// reads which.
    fn note_length(&mut self, value: &[u8]) -> Result<(), Error> {
        if self.length.is_some() {
            return Err(Error::BadLength);
        }
        self.length = Some(parse_length(value)?);
        Ok(())
    }

    fn note_coding(&mut self, value: &[u8]) -> Result<(), Error> {
        let plain = self.coding.is_none() && value.eq_ignore_ascii_case(b"chunked");
        self.coding = Some(if plain { Coding::Chunked } else { Coding::Other });
        Ok(())
    }

    pub(super) fn framing(&self, version: Version) -> Result<Framing, Error> {
        match (self.coding, self.length) {
            (None, None) => Ok(Framing::None),
            (None, Some(length)) => Ok(Framing::Length(length)),
            (Some(_), _) if version == Version::Http10 => Err(Error::CodingInHttp10),
            (Some(_), Some(_)) => Err(Error::LengthAndChunked),
            (Some(Coding::Other), None) => Err(Error::TransferCoding),
            (Some(Coding::Chunked), None) => Ok(Framing::Chunked),
        }
    }

    pub(super) fn host(&self, version: Version) -> Result<Option<&'b [u8]>, Error> {
        match (self.host, version) {
            (None, Version::Http11) => Err(Error::Host),
            (host, _) => Ok(host),
        }
    }

    pub(super) fn keep_alive(&self, version: Version) -> bool {
        !self.close && (version == Version::Http11 || self.keep_alive)
    }

    /// HTTP/1.0 knows no expectations: there they mean nothing (RFC 9110 §10.1.1).
    pub(super) fn expects_continue(&self, version: Version, framing: Framing) -> Result<bool, Error> {
        let has_body = !matches!(framing, Framing::None | Framing::Length(0));
        match self.expectation {
            Some(Expectation::Other) if version == Version::Http11 => Err(Error::Expectation),
            Some(Expectation::Continue) => Ok(version == Version::Http11 && has_body),
            Some(Expectation::Other) | None => Ok(false),
        }
    }
}

/// Digits and nothing else (RFC 9110 §8.6), few enough never to overflow.
fn parse_length(value: &[u8]) -> Result<u64, Error> {
    if value.is_empty() || value.len() > LENGTH_DIGITS_MAX || !value.iter().all(u8::is_ascii_digit) {
        return Err(Error::BadLength);
    }
    Ok(value.iter().fold(0, |length, digit| length * 10 + u64::from(digit - b'0')))
}
