//! What came back on a connection, taken apart with what the front says each answer is for.

/// One answer. Interim ones are left out.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The id of the request that the front believes to be answered here.
    pub(crate) id: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Its body is the echo of the id.
    pub(crate) fn echoes(&self, id: &str) -> bool {
        self.status == 200 && self.body == id.as_bytes()
    }
}

/// All answers in `bytes`, and what is left behind them. An answer to HEAD has no body: a front names the
/// method of each (`X-Front-Method`); without one, `begins_with_head` says it of the first.
pub(crate) fn split(bytes: &[u8], begins_with_head: bool) -> (Vec<Answer>, &[u8]) {
    let (mut answers, mut rest): (Vec<Answer>, _) = (Vec::new(), bytes);
    while let Some((answer, used)) = take(rest, begins_with_head && answers.is_empty()) {
        rest = &rest[used..];
        if answer.status >= 200 {
            answers.push(answer);
        }
    }
    (answers, rest)
}

fn take(bytes: &[u8], is_head: bool) -> Option<(Answer, usize)> {
    let head_bytes = find(bytes, b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..head_bytes]).ok()?;
    let status: u16 = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let is_head = is_head || field(head, "x-front-method") == Some("HEAD");
    let bodiless = is_head || status < 200 || matches!(status, 204 | 304);
    let rest = &bytes[head_bytes..];
    let (body, body_bytes) = if bodiless {
        (Vec::new(), 0)
    } else if field(head, "transfer-encoding") == Some("chunked") {
        take_chunks(rest)?
    } else {
        let count: usize = field(head, "content-length")?.parse().ok()?;
        (rest.get(..count)?.to_vec(), count)
    };
    let id = field(head, "x-front-id").filter(|id| !id.is_empty()).map(str::to_owned);
    Some((Answer { status, id, body }, head_bytes + body_bytes))
}

fn take_chunks(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let line_bytes = find(&bytes[at..], b"\r\n")?;
        let line = std::str::from_utf8(&bytes[at..at + line_bytes]).ok()?;
        let count = usize::from_str_radix(line, 16).ok()?;
        at += line_bytes + 2;
        body.extend_from_slice(bytes.get(at..at + count)?);
        at += count + 2;
        bytes.get(..at)?;
        if count == 0 {
            return Some((body, at));
        }
    }
}

fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut fields = head.split("\r\n").filter_map(|line| line.split_once(": "));
    fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}
