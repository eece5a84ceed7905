//! Answers, read without any of the node's own code.

/// One whole answer at the start of some bytes.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    /// It says `Connection: close`.
    pub(crate) closes: bool,
    pub(crate) body: &'a [u8],
    /// Bytes, with its head.
    pub(crate) length: usize,
}

/// `None` while it is not whole. `head_only`: it answers HEAD, unless it says that the request's
/// head did not arrive, when nobody can know that.
pub(crate) fn parse(bytes: &[u8], head_only: bool) -> Option<Answer<'_>> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..end]).expect("our heads are ASCII");
    let status: u16 = head.get(9..12)?.parse().expect("a status line");
    let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
    let declared = value("Content-Length: ").map_or(0, |text| text.parse().expect("a number"));
    let length = if (head_only && status != 408) || matches!(status, 100 | 204 | 304) { 0 } else { declared };
    let body = bytes.get(end..end + length)?;
    Some(Answer { status, closes: value("Connection: ") == Some("close"), body, length: end + length })
}
