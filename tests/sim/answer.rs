//! Answers, read without any of the node's own code.

/// One whole answer at the start of some bytes.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    /// It says `Connection: close`.
    pub(crate) closes: bool,
    /// With its blank line.
    pub(crate) head: &'a [u8],
    pub(crate) body: Body<'a>,
    /// Bytes, with its head.
    pub(crate) length: usize,
}

/// What follows a head.
#[derive(Debug)]
pub(crate) enum Body<'a> {
    /// So many bytes, as the head says.
    Counted(&'a [u8]),
    /// In chunks; the field lines after them.
    Chunked(Vec<u8>, &'a [u8]),
}

impl Body<'_> {
    pub(crate) fn content(&self) -> &[u8] {
        match self {
            Body::Counted(bytes) => bytes,
            Body::Chunked(bytes, _) => bytes,
        }
    }
}

/// How the head of an answer says that its body ends.
pub(crate) enum Ends {
    After(usize),
    WithLastChunk,
    WithConnection,
}

/// The head at the start of some bytes.
pub(crate) struct Head<'a> {
    pub(crate) status: u16,
    pub(crate) closes: bool,
    pub(crate) bytes: &'a [u8],
    pub(crate) ends: Ends,
}

/// `None` while it is not whole. `head_only`: it answers HEAD.
pub(crate) fn parse_head(bytes: &[u8], head_only: bool) -> Option<Head<'_>> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..end]).expect("our heads are ASCII");
    let status: u16 = head.get(9..12)?.parse().expect("a status line");
    let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
    let declared = value("Content-Length: ").map(|text| text.parse().expect("a number"));
    let ends = match (value("Transfer-Encoding: "), declared) {
        _ if head_only || matches!(status, 100 | 204 | 304) => Ends::After(0),
        (Some("chunked"), None) => Ends::WithLastChunk,
        (None, Some(length)) => Ends::After(length),
        (None, None) => Ends::WithConnection,
        (Some(_), _) => panic!("a body with two ends: {head}"),
    };
    Some(Head { status, closes: value("Connection: ") == Some("close"), bytes: &bytes[..end], ends })
}

/// `None` while it is not whole, which an answer that ends with its connection never is.
pub(crate) fn parse(bytes: &[u8], head_only: bool) -> Result<Option<Answer<'_>>, String> {
    let Some(head) = parse_head(bytes, head_only) else { return Ok(None) };
    let rest = &bytes[head.bytes.len()..];
    let found = match head.ends {
        Ends::After(length) => rest.get(..length).map(|body| (Body::Counted(body), length)),
        Ends::WithLastChunk => chunked(rest)?.map(|(body, trailers, used)| (Body::Chunked(body, trailers), used)),
        Ends::WithConnection => None,
    };
    Ok(found.map(|(body, used)| Answer {
        status: head.status,
        closes: head.closes,
        head: head.bytes,
        body,
        length: head.bytes.len() + used,
    }))
}

/// The content of whole chunks, the lines after the last, and the bytes of all.
type Chunks<'a> = (Vec<u8>, &'a [u8], usize);

/// `None` while the last one is not there.
pub(crate) fn chunked(bytes: &[u8]) -> Result<Option<Chunks<'_>>, String> {
    let (content, end) = begun_chunks(bytes)?;
    let Some(end) = end else { return Ok(None) };
    let rest = &bytes[end..];
    let length = match rest {
        [b'\r', b'\n', ..] => 0,
        _ => match rest.windows(4).position(|window| window == b"\r\n\r\n") {
            Some(at) => at + 2,
            None => return Ok(None),
        },
    };
    Ok(Some((content, &rest[..length], end + length + 2)))
}

/// The content of the chunks that have come, also of one that is not whole; and where the lines after
/// the last begin, if it has come.
pub(crate) fn begun_chunks(bytes: &[u8]) -> Result<(Vec<u8>, Option<usize>), String> {
    let (mut content, mut at) = (Vec::new(), 0);
    loop {
        let Some(digits) = bytes[at..].windows(2).position(|window| window == b"\r\n") else {
            return if bytes.len() - at > 20 { Err("no end of a chunk's size".into()) } else { Ok((content, None)) };
        };
        let text = std::str::from_utf8(&bytes[at..at + digits]).unwrap_or("not even text");
        let size = usize::from_str_radix(text, 16).map_err(|_| format!("not a chunk's size: {text:?}"))?;
        at += digits + 2;
        if size == 0 {
            return Ok((content, Some(at)));
        }
        let end = at + size;
        content.extend_from_slice(&bytes[at..end.min(bytes.len())]);
        if bytes.len() < end + 2 {
            return Ok((content, None));
        }
        if &bytes[end..end + 2] != b"\r\n" {
            return Err("no line end after a chunk".into());
        }
        at = end + 2;
    }
}
