//! Bodies of requests: whether one is wanted, where it ends, what is in it.

use crate::naive::Rules;
use crate::naive::head::{Request, is_token};
use crate::naive::refusal::Refusal;
use crate::naive::site::{Wants, wants};

/// What became of a body.
pub(crate) enum Incoming {
    /// All of it, and its bytes with their framing.
    Whole { content: Vec<u8>, length: usize },
    /// The bytes end first.
    Incomplete,
    /// Not read at all: the head says enough.
    Refused(Refusal),
    /// Broken somewhere.
    Broken(Refusal),
    /// Nobody wants it: so many bytes are passed over, if they are there.
    Unwanted { body: usize, closes: bool },
}

/// Largest body that is read for a route that has no use for it.
const DROPPED_BYTES_MAX: u64 = 64 * 1024;

pub(crate) fn incoming(request: &Request, bytes: &[u8], rules: &Rules) -> Incoming {
    let max = match wants(request) {
        Wants::Nothing => return unwanted(request, bytes),
        Wants::Dropped => DROPPED_BYTES_MAX,
        Wants::Whole => rules.body_bytes,
        Wants::Streamed(_) if !request.is_chunked() && request.length().is_none() => {
            return Incoming::Unwanted { body: 0, closes: false };
        }
        Wants::Streamed(max) => max,
    };
    if request.is_chunked() {
        return chunked(bytes, max);
    }
    let length = request.length().unwrap_or(0);
    if length > max {
        return Incoming::Refused(Refusal::TooLarge(max));
    }
    match bytes.get(..length as usize) {
        Some(content) => Incoming::Whole { content: content.to_vec(), length: content.len() },
        None => Incoming::Incomplete,
    }
}

/// The answer does not wait for it. Where it ends is known only when its length was said.
fn unwanted(request: &Request, bytes: &[u8]) -> Incoming {
    let length = request.length().unwrap_or(0) as usize;
    let closes = request.is_chunked() || length > bytes.len();
    Incoming::Unwanted { body: if closes { bytes.len() } else { length }, closes }
}

/// RFC 9112 §7.1.
fn chunked(bytes: &[u8], max: u64) -> Incoming {
    let mut left = bytes;
    let (mut content, mut framing) = (Vec::new(), 0);
    loop {
        let (size, length) = match size_line(left) {
            Ok(Some(line)) => line,
            Ok(None) => return Incoming::Incomplete,
            Err(refusal) => return Incoming::Broken(refusal),
        };
        framing += length;
        if framing as u64 > 16 * 1024 + 8 * content.len() as u64 {
            return Incoming::Broken(Refusal::ChunkOverhead);
        }
        left = &left[length..];
        if size == 0 {
            break;
        }
        if content.len() as u64 + size > max {
            return Incoming::Broken(Refusal::TooLarge(max));
        }
        let size = size as usize;
        match left.get(size..).unwrap_or_default() {
            [b'\r', b'\n', ..] => {}
            [] | [b'\r'] => return Incoming::Incomplete,
            [b'\n', ..] | [b'\r', ..] => return Incoming::Broken(Refusal::BareLineEnd),
            _ => return Incoming::Broken(Refusal::BadChunk),
        }
        content.extend_from_slice(&left[..size]);
        left = &left[size + 2..];
        framing += 2;
    }
    match trailers(left) {
        Ok(Some(length)) => Incoming::Whole { content, length: bytes.len() - left.len() + length },
        Ok(None) => Incoming::Incomplete,
        Err(refusal) => Incoming::Broken(refusal),
    }
}

/// A line without its end, and its bytes.
fn line(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, Refusal> {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
    let line = bytes[..end].strip_suffix(b"\r").filter(|line| !line.contains(&b'\r'));
    line.map(|line| Some((line, end + 1))).ok_or(Refusal::BareLineEnd)
}

/// The size of a chunk and the bytes of its line.
fn size_line(bytes: &[u8]) -> Result<Option<(u64, usize)>, Refusal> {
    let Some((line, length)) = line(bytes)? else { return Ok(None) };
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let rest = String::from_utf8_lossy(&line[digits..]).into_owned();
    let rest = rest.trim_start_matches([' ', '\t']);
    let ends = digits == line.len() || rest.starts_with(';');
    let printable = |char: char| !char.is_control() || char == '\t';
    if !(1..=15).contains(&digits) || !ends || line.len() > 256 || !rest.chars().all(printable) {
        return Err(Refusal::BadChunk);
    }
    let text = std::str::from_utf8(&line[..digits]).expect("digits");
    Ok(Some((u64::from_str_radix(text, 16).expect("few hexadecimal digits"), length)))
}

/// The bytes of the fields after the last chunk, with the empty line.
fn trailers(bytes: &[u8]) -> Result<Option<usize>, Refusal> {
    let mut at = 0;
    loop {
        let Some((line, length)) = line(&bytes[at..])? else { return Ok(None) };
        at += length;
        match line.iter().position(|byte| *byte == b':') {
            _ if line.is_empty() => return Ok(Some(at)),
            _ if line.starts_with(b" ") || line.starts_with(b"\t") => return Err(Refusal::ObsoleteFold),
            Some(colon) if is_token(&line[..colon]) => {}
            _ => return Err(Refusal::BadByte),
        }
    }
}
