//! Request heads (RFC 9112 §2 to §5), line by line.

use crate::naive::Rules;
use crate::naive::refusal::Refusal;

/// A request without its body.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// As sent, without the query.
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) http10: bool,
    /// Names as sent; values without blanks around them.
    pub(crate) fields: Vec<(String, Vec<u8>)>,
}

/// What the bytes begin with.
pub(crate) enum Read {
    Incomplete,
    Refused(Refusal),
    /// A request, and the bytes of its head.
    Request(Request, usize),
}

const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

pub(crate) fn read(bytes: &[u8], rules: &Rules) -> Read {
    match lines(bytes, rules) {
        Ok(None) => Read::Incomplete,
        Err(refusal) => Read::Refused(refusal),
        Ok(Some((lines, length))) => match request(&lines, rules) {
            Ok(request) => Read::Request(request, length),
            Err(refusal) => Read::Refused(refusal),
        },
    }
}

/// The lines of a head without their ends, each looked at as it comes, and the bytes of all.
#[allow(clippy::type_complexity, reason = "lines and a length")]
fn lines<'a>(bytes: &'a [u8], rules: &Rules) -> Result<Option<(Vec<&'a [u8]>, usize)>, Refusal> {
    let mut at = if bytes.starts_with(b"\r\n") { 2 } else { 0 };
    let mut lines = Vec::new();
    loop {
        let Some(length) = bytes[at..].iter().position(|byte| *byte == b'\n') else {
            let begun = if lines.is_empty() { Refusal::TargetTooLong } else { Refusal::HeadTooLarge };
            return if bytes.len() >= rules.head_bytes { Err(begun) } else { Ok(None) };
        };
        if at + length + 1 > rules.head_bytes {
            return Err(if lines.is_empty() { Refusal::TargetTooLong } else { Refusal::HeadTooLarge });
        }
        let line = bytes[at..at + length].strip_suffix(b"\r").ok_or(Refusal::BareLineEnd)?;
        at += length + 1;
        if line.contains(&b'\r') {
            return Err(Refusal::BareLineEnd);
        }
        if line.iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f) {
            return Err(Refusal::BadByte);
        }
        match (lines.is_empty(), line.is_empty()) {
            (true, true) => return Err(Refusal::BadRequestLine),
            (false, true) => return Ok(Some((lines, at))),
            (true, false) => check_request_line(line)?,
            (false, false) => check_field(line)?,
        }
        lines.push(line);
    }
}

fn check_request_line(line: &[u8]) -> Result<(), Refusal> {
    let parts: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let &[method, target, version] = parts.as_slice() else { return Err(Refusal::BadRequestLine) };
    if !is_token(method) || target.is_empty() || target.contains(&b'\t') {
        return Err(Refusal::BadRequestLine);
    }
    if target.iter().any(|byte| *byte >= 0x80) {
        return Err(Refusal::BadTarget);
    }
    match version {
        b"HTTP/1.1" | b"HTTP/1.0" => Ok(()),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => Err(Refusal::Version),
        _ => Err(Refusal::BadRequestLine),
    }
}

fn check_field(line: &[u8]) -> Result<(), Refusal> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return Err(Refusal::ObsoleteFold);
    }
    let colon = line.iter().position(|byte| *byte == b':').ok_or(Refusal::BadByte)?;
    if is_token(&line[..colon]) { Ok(()) } else { Err(Refusal::BadByte) }
}

/// RFC 9110 §5.6.2.
pub(crate) fn is_token(text: &[u8]) -> bool {
    let known = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(known)
}

pub(crate) fn trim(text: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let Some(start) = text.iter().position(|byte| !is_blank(byte)) else { return b"" };
    let end = text.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &text[start..end]
}

/// What the lines mean.
fn request(lines: &[&[u8]], rules: &Rules) -> Result<Request, Refusal> {
    let text = std::str::from_utf8(lines[0]).map_err(|_| Refusal::BadTarget)?;
    let parts: Vec<&str> = text.split(' ').collect();
    if lines.len() - 1 > rules.fields {
        return Err(Refusal::TooManyFields);
    }
    if !METHODS.contains(&parts[0]) && parts[0] != "CONNECT" {
        return Err(Refusal::Method);
    }
    let field = |line: &&[u8]| {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(0);
        (String::from_utf8_lossy(&line[..colon]).into_owned(), trim(&line[colon + 1..]).to_vec())
    };
    let mut request = Request {
        method: parts[0].into(),
        path: String::new(),
        query: None,
        http10: parts[2] == "HTTP/1.0",
        fields: lines[1..].iter().map(field).collect(),
    };
    request.check_length()?;
    request.check_framing()?;
    request.check_host()?;
    (request.path, request.query) = request.target(parts[1])?;
    request.check_expectation()?;
    Ok(request)
}

impl Request {
    /// The values of all fields of this name.
    pub(crate) fn all(&self, name: &str) -> Vec<&[u8]> {
        let named = |(known, _): &&(String, Vec<u8>)| known.eq_ignore_ascii_case(name);
        self.fields.iter().filter(named).map(|(_, value)| value.as_slice()).collect()
    }

    /// The value of a field that may be there once, if it is.
    pub(crate) fn one(&self, name: &str) -> Option<&[u8]> {
        match self.all(name).as_slice() {
            [value] => Some(value),
            _ => None,
        }
    }

    /// The members of a list, in lower case.
    fn list(&self, name: &str) -> Vec<String> {
        let values = self.all(name).into_iter().map(|value| String::from_utf8_lossy(value).to_ascii_lowercase());
        let all: Vec<String> = values.collect();
        all.iter().flat_map(|value| value.split(',')).map(|member| member.trim().to_owned()).collect()
    }

    fn check_length(&self) -> Result<(), Refusal> {
        let good = |value: &[u8]| !value.is_empty() && value.len() < 20 && value.iter().all(u8::is_ascii_digit);
        match self.all("Content-Length").as_slice() {
            [] => Ok(()),
            [value] if good(value) => Ok(()),
            _ => Err(Refusal::BadLength),
        }
    }

    /// RFC 9112 §6.3; two lengths of any kind are refused.
    fn check_framing(&self) -> Result<(), Refusal> {
        let codings = self.all("Transfer-Encoding");
        match codings.as_slice() {
            [] => Ok(()),
            _ if self.http10 => Err(Refusal::CodingInHttp10),
            _ if self.length().is_some() => Err(Refusal::LengthAndChunked),
            [coding] if coding.eq_ignore_ascii_case(b"chunked") => Ok(()),
            _ => Err(Refusal::TransferCoding),
        }
    }

    /// RFC 9112 §3.2.
    fn check_host(&self) -> Result<(), Refusal> {
        match self.all("Host").as_slice() {
            [] if self.http10 => Ok(()),
            [host] if is_host(&String::from_utf8_lossy(host)) => Ok(()),
            _ => Err(Refusal::Host),
        }
    }

    fn check_expectation(&self) -> Result<(), Refusal> {
        let known = |value: &&[u8]| value.eq_ignore_ascii_case(b"100-continue");
        if self.http10 || self.all("Expect").iter().all(known) { Ok(()) } else { Err(Refusal::Expectation) }
    }

    /// Path and query.
    fn target(&self, target: &str) -> Result<(String, Option<String>), Refusal> {
        if self.method == "CONNECT" || target.contains('#') {
            return Err(Refusal::BadTarget);
        }
        if target == "*" && self.method == "OPTIONS" {
            return Ok(("*".into(), None));
        }
        let rest = match target.starts_with('/') {
            true => target,
            false => self.after_authority(target).ok_or(Refusal::BadTarget)?,
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (rest, None),
        };
        Ok((if path.is_empty() { "/".into() } else { path.into() }, query))
    }

    /// What follows `http://` and the very host that was named.
    fn after_authority<'t>(&self, target: &'t str) -> Option<&'t str> {
        let lower = target.to_ascii_lowercase();
        let scheme = ["http://", "https://"].into_iter().find(|scheme| lower.starts_with(scheme))?;
        let rest = &target[scheme.len()..];
        let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let host = String::from_utf8_lossy(self.one("Host")?).into_owned();
        host.eq_ignore_ascii_case(authority).then_some(rest)
    }

    pub(crate) fn length(&self) -> Option<u64> {
        self.one("Content-Length").map(|value| String::from_utf8_lossy(value).parse().expect("digits, checked"))
    }

    pub(crate) fn is_chunked(&self) -> bool {
        !self.all("Transfer-Encoding").is_empty()
    }

    /// RFC 9112 §9.3.
    pub(crate) fn keeps_alive(&self) -> bool {
        let options = self.list("Connection");
        let has = |option: &str| options.iter().any(|known| known == option);
        !has("close") && (!self.http10 || has("keep-alive"))
    }

    pub(crate) fn expects_continue(&self) -> bool {
        let has_body = self.is_chunked() || self.length().is_some_and(|length| length > 0);
        has_body && !self.http10 && !self.all("Expect").is_empty()
    }

    /// RFC 9110 §10.1.4.
    pub(crate) fn wants_trailers(&self) -> bool {
        self.list("TE").iter().any(|coding| coding == "trailers")
    }
}

fn is_host(value: &str) -> bool {
    let (host, port) = match value.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            let good =
                !address.is_empty() && address.chars().all(|char| char.is_ascii_hexdigit() || ":.".contains(char));
            (if good { "address" } else { "" }, port)
        }
        None => value.split_at(value.find(':').unwrap_or(value.len())),
    };
    let is_port = |port: &str| {
        let digits = port.strip_prefix(':').unwrap_or("no digits");
        port.is_empty() || ((1..=5).contains(&digits.len()) && digits.chars().all(|digit| digit.is_ascii_digit()))
    };
    !host.is_empty() && host.chars().all(|char| char.is_ascii_alphanumeric() || "-._~".contains(char)) && is_port(port)
}
