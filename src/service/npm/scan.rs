//! JSON syntax, byte by byte: a body in any cuts in, the places where its structure changes out.
//!
//! Strict RFC 8259: what passes here is one whole JSON value in valid UTF-8, and no deeper, no
//! richer in nodes and with no longer numbers than allowed. Nothing is kept but the key being read
//! and one bit for each level, so a bomb is found where it begins.
//! Refused too: keys by which the parser that reads the text afterwards hands its own types to
//! itself. It would take the string under one for JSON, and nothing in there was counted here.
//! Not checked here: that `\u` escapes form pairs; whoever decodes a string finds out.

use std::borrow::Cow;

use crate::limits::{JSON_DEPTH_MAX, JSON_NUMBER_BYTES_MAX};

/// What those keys begin with.
const RESERVED_KEYS: &str = "$serde_json::private::";

/// What is wrong with a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// Nested deeper than allowed.
    Depth,
    /// It ends before its value does.
    Incomplete,
    /// More keys and elements than allowed.
    Nodes,
    /// A number longer than allowed.
    Number,
    /// A key that means something to our parser and nothing to anybody else.
    ReservedKey,
    /// A byte that may not stand where it stands.
    Syntax,
    /// Bytes that are no UTF-8.
    Utf8,
}

/// A place where the structure changes; the bytes up to it are consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// `]` was read.
    ArrayEnd,
    /// `[` was read.
    ArrayStart,
    /// A key and its quotes were read: see [`Scanner::key`].
    Key,
    /// A number or a literal begins; its first byte was read.
    Scalar,
    /// The quote that ends a value was read.
    StringEnd,
    /// The quote that begins a value was read.
    StringStart,
    /// `}` was read.
    ObjectEnd,
    /// `{` was read.
    ObjectStart,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Value,
    /// After `[`.
    ValueOrEnd,
    /// After a comma in an object.
    KeyStart,
    /// After `{`.
    KeyOrEnd,
    Colon,
    CommaOrEnd,
    Text,
    Escape,
    /// Hexadecimal digits of `\u` still to come.
    Hex(u8),
    Number(Number),
    /// What is left of `true`, `false` or `null`.
    Literal(&'static [u8]),
    Done,
}

/// How far a number has come (RFC 8259 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

/// The rest of a UTF-8 sequence: bytes to come, and the range of the next one.
#[derive(Debug, Clone, Copy)]
struct Utf8 {
    left: u8,
    low: u8,
    high: u8,
}

const ASCII: Utf8 = Utf8 { left: 0, low: 0, high: 0 };

/// Reads one JSON value.
#[derive(Debug)]
pub struct Scanner {
    state: State,
    /// One entry for each level: whether it is an object.
    levels: Vec<bool>,
    nodes: usize,
    nodes_max: usize,
    number_bytes: usize,
    utf8: Utf8,
    in_key: bool,
    key: Vec<u8>,
}

impl Scanner {
    /// A scanner that allows `nodes_max` values in all.
    pub fn new(nodes_max: usize) -> Self {
        Self {
            state: State::Value,
            levels: Vec::new(),
            nodes: 0,
            nodes_max,
            number_bytes: 0,
            utf8: ASCII,
            in_key: false,
            key: Vec::new(),
        }
    }

    /// Lowers the number of values allowed.
    pub fn limit_nodes(&mut self, nodes_max: usize) {
        self.nodes_max = self.nodes_max.min(nodes_max);
    }

    /// Consumes bytes up to and with the next token; without one, all of them.
    pub fn step(&mut self, bytes: &[u8]) -> Result<(usize, Option<Token>), Error> {
        let mut used = 0;
        while used < bytes.len() {
            let rest = &bytes[used..];
            let (count, token) = match self.state {
                State::Text => self.text(rest)?,
                State::Escape | State::Hex(_) => self.escape(rest[0])?,
                State::Number(number) => self.number(number, rest)?,
                State::Literal(left) => self.literal(left, rest[0])?,
                _ => self.structure(rest[0])?,
            };
            used += count;
            if token.is_some() {
                return Ok((used, token));
            }
        }
        Ok((used, None))
    }

    /// The key that was just read, between its quotes, escapes as written; valid UTF-8.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The text has ended.
    pub fn finish(&self) -> Result<(), Error> {
        match self.state {
            State::Done => Ok(()),
            _ => Err(Error::Incomplete),
        }
    }

    fn structure(&mut self, byte: u8) -> Result<(usize, Option<Token>), Error> {
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            return Ok((1, None));
        }
        let token = match (self.state, byte) {
            (State::ValueOrEnd, b']') | (State::KeyOrEnd, b'}') => self.close(byte)?,
            (State::Value | State::ValueOrEnd, _) => self.begin(byte)?,
            (State::KeyStart | State::KeyOrEnd, b'"') => {
                self.in_key = true;
                self.key.clear();
                self.state = State::Text;
                return Ok((1, None));
            }
            (State::Colon, b':') => {
                self.state = State::Value;
                return Ok((1, None));
            }
            (State::CommaOrEnd, b',') => {
                self.state = if self.levels.last() == Some(&true) { State::KeyStart } else { State::Value };
                return Ok((1, None));
            }
            (State::CommaOrEnd, b'}' | b']') => self.close(byte)?,
            _ => return Err(Error::Syntax),
        };
        Ok((1, Some(token)))
    }

    /// The first byte of a value.
    fn begin(&mut self, byte: u8) -> Result<Token, Error> {
        self.nodes += 1;
        if self.nodes > self.nodes_max {
            return Err(Error::Nodes);
        }
        let (state, token) = match byte {
            b'{' => return self.open(true),
            b'[' => return self.open(false),
            b'"' => (State::Text, Token::StringStart),
            b'-' => (State::Number(Number::Minus), Token::Scalar),
            b'0' => (State::Number(Number::Zero), Token::Scalar),
            b'1'..=b'9' => (State::Number(Number::Integer), Token::Scalar),
            b't' => (State::Literal(b"rue"), Token::Scalar),
            b'f' => (State::Literal(b"alse"), Token::Scalar),
            b'n' => (State::Literal(b"ull"), Token::Scalar),
            _ => return Err(Error::Syntax),
        };
        self.in_key = false;
        self.number_bytes = 1;
        self.state = state;
        Ok(token)
    }

    fn open(&mut self, object: bool) -> Result<Token, Error> {
        if self.levels.len() == JSON_DEPTH_MAX {
            return Err(Error::Depth);
        }
        self.levels.push(object);
        self.state = if object { State::KeyOrEnd } else { State::ValueOrEnd };
        Ok(if object { Token::ObjectStart } else { Token::ArrayStart })
    }

    fn close(&mut self, byte: u8) -> Result<Token, Error> {
        let object = byte == b'}';
        if self.levels.pop() != Some(object) {
            return Err(Error::Syntax);
        }
        self.end_value();
        Ok(if object { Token::ObjectEnd } else { Token::ArrayEnd })
    }

    fn end_value(&mut self) {
        self.state = if self.levels.is_empty() { State::Done } else { State::CommaOrEnd };
    }

    /// Bytes of a string, up to its quote or the next escape.
    fn text(&mut self, bytes: &[u8]) -> Result<(usize, Option<Token>), Error> {
        let mut used = 0;
        while used < bytes.len() {
            let byte = bytes[used];
            if self.utf8.left > 0 {
                self.continue_utf8(byte)?;
            } else if byte == b'"' || byte == b'\\' {
                break;
            } else if byte < 0x20 {
                return Err(Error::Syntax);
            } else if byte >= 0x80 {
                self.utf8 = begin_utf8(byte)?;
            }
            used += 1;
        }
        if self.in_key {
            self.key.extend_from_slice(&bytes[..used]);
        }
        match bytes.get(used) {
            None => Ok((used, None)),
            Some(b'"') => Ok((used + 1, Some(self.end_text()?))),
            Some(_) => {
                self.keep(b'\\');
                self.state = State::Escape;
                Ok((used + 1, None))
            }
        }
    }

    fn end_text(&mut self) -> Result<Token, Error> {
        if self.in_key {
            if is_reserved(&self.key) {
                return Err(Error::ReservedKey);
            }
            self.state = State::Colon;
            return Ok(Token::Key);
        }
        self.end_value();
        Ok(Token::StringEnd)
    }

    fn continue_utf8(&mut self, byte: u8) -> Result<(), Error> {
        if !(self.utf8.low..=self.utf8.high).contains(&byte) {
            return Err(Error::Utf8);
        }
        self.utf8 = Utf8 { left: self.utf8.left - 1, low: 0x80, high: 0xbf };
        Ok(())
    }

    /// A byte after a backslash.
    fn escape(&mut self, byte: u8) -> Result<(usize, Option<Token>), Error> {
        self.state = match (self.state, byte) {
            (State::Escape, b'u') => State::Hex(4),
            (State::Escape, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => State::Text,
            (State::Hex(1), _) if byte.is_ascii_hexdigit() => State::Text,
            (State::Hex(left), _) if byte.is_ascii_hexdigit() => State::Hex(left - 1),
            _ => return Err(Error::Syntax),
        };
        self.keep(byte);
        Ok((1, None))
    }

    fn keep(&mut self, byte: u8) {
        if self.in_key {
            self.key.push(byte);
        }
    }

    /// Bytes of a number; the byte after it is left for the structure around.
    fn number(&mut self, mut number: Number, bytes: &[u8]) -> Result<(usize, Option<Token>), Error> {
        for (index, &byte) in bytes.iter().enumerate() {
            match next_number(number, byte) {
                Some(next) => number = next,
                None if may_end(number) => {
                    self.end_value();
                    return Ok((index, None));
                }
                None => return Err(Error::Syntax),
            }
            self.number_bytes += 1;
            if self.number_bytes > JSON_NUMBER_BYTES_MAX {
                return Err(Error::Number);
            }
        }
        self.state = State::Number(number);
        Ok((bytes.len(), None))
    }

    fn literal(&mut self, left: &'static [u8], byte: u8) -> Result<(usize, Option<Token>), Error> {
        match left.split_first() {
            Some((&expected, [])) if expected == byte => self.end_value(),
            Some((&expected, rest)) if expected == byte => self.state = State::Literal(rest),
            _ => return Err(Error::Syntax),
        }
        Ok((1, None))
    }
}

fn next_number(number: Number, byte: u8) -> Option<Number> {
    Some(match (number, byte) {
        (Number::Minus, b'0') => Number::Zero,
        (Number::Minus, b'1'..=b'9') | (Number::Integer, b'0'..=b'9') => Number::Integer,
        (Number::Zero | Number::Integer, b'.') => Number::Point,
        (Number::Point | Number::Fraction, b'0'..=b'9') => Number::Fraction,
        (Number::Zero | Number::Integer | Number::Fraction, b'e' | b'E') => Number::Exponent,
        (Number::Exponent, b'+' | b'-') => Number::ExponentSign,
        (Number::Exponent | Number::ExponentSign | Number::ExponentDigits, b'0'..=b'9') => Number::ExponentDigits,
        _ => return None,
    })
}

fn may_end(number: Number) -> bool {
    matches!(number, Number::Zero | Number::Integer | Number::Fraction | Number::ExponentDigits)
}

/// The first byte of a sequence decides how it goes on (RFC 3629 §4): no overlong form, no surrogate.
fn begin_utf8(byte: u8) -> Result<Utf8, Error> {
    let (left, low, high) = match byte {
        0xc2..=0xdf => (1, 0x80, 0xbf),
        0xe0 => (2, 0xa0, 0xbf),
        0xed => (2, 0x80, 0x9f),
        0xe1..=0xef => (2, 0x80, 0xbf),
        0xf0 => (3, 0x90, 0xbf),
        0xf1..=0xf3 => (3, 0x80, 0xbf),
        0xf4 => (3, 0x80, 0x8f),
        _ => return Err(Error::Utf8),
    };
    Ok(Utf8 { left, low, high })
}

/// A key as it is meant: `"\u005f"` is an underscore.
pub(crate) fn decode_key(raw: &[u8]) -> Result<Cow<'_, str>, Error> {
    let text = std::str::from_utf8(raw).map_err(|_| Error::Utf8)?;
    if !text.contains('\\') {
        return Ok(Cow::Borrowed(text));
    }
    let decoded = serde_json::from_str::<String>(&format!("\"{text}\""));
    decoded.map(Cow::Owned).map_err(|_| Error::Syntax)
}

/// Keys that cannot be decoded are left to whoever reads the text: no parser takes them for these.
fn is_reserved(raw: &[u8]) -> bool {
    matches!(raw.first(), Some(b'$' | b'\\')) && decode_key(raw).is_ok_and(|key| key.starts_with(RESERVED_KEYS))
}

/// Checks a whole text at once.
pub fn check(bytes: &[u8], nodes_max: usize) -> Result<(), Error> {
    let mut scanner = Scanner::new(nodes_max);
    let mut rest = bytes;
    while !rest.is_empty() {
        let (used, _) = scanner.step(rest)?;
        rest = &rest[used..];
    }
    scanner.finish()
}

#[cfg(test)]
mod tests;
