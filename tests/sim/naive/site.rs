//! What the site answers.

use crate::naive::choose::choose;
use crate::naive::condition::{Current, Outcome, decide, range_applies};
use crate::naive::head::Request;
use crate::naive::ranges::{Asked, asked};
use crate::naive::{Answer, Body};
use crate::site::content::{
    DATES, DOCUMENTS, Document, FILES, FILES_MODIFIED_NS, File, Modified, SINK_BYTES_MAX, Stream, Variant, live,
};
use crate::wanted::{BOUNDARY, End};

/// What a route does with a body.
pub(crate) enum Wants {
    /// There is no such route.
    Nothing,
    Dropped,
    Whole,
    Streamed(u64),
}

/// The methods of a path, `None` for a path that is not there.
fn methods(path: &str) -> Option<&'static str> {
    let rest = path.strip_prefix('/').filter(|rest| *rest != "/")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest == "files" || rest.starts_with("files/") && rest.len() > "files/".len() {
        return Some("GET, HEAD, OPTIONS");
    }
    match rest.split('/').collect::<Vec<_>>().as_slice() {
        ["doc", name] if !name.is_empty() => Some("GET, HEAD, PUT, OPTIONS"),
        ["live" | "stream", name] if !name.is_empty() => Some("GET, HEAD, OPTIONS"),
        ["say"] | ["-", "ping"] | ["healthz"] => Some("GET, HEAD, OPTIONS"),
        ["sink"] => Some("PUT, OPTIONS"),
        ["-", "echo"] => Some("POST, OPTIONS"),
        _ => None,
    }
}

pub(crate) fn wants(request: &Request) -> Wants {
    let known = methods(&request.path).is_some_and(|methods| methods.split(", ").any(|one| one == request.method));
    let path = request.path.trim_end_matches('/');
    match request.method.as_str() {
        _ if !known => Wants::Nothing,
        "OPTIONS" => Wants::Nothing,
        "PUT" if path == "/sink" => Wants::Streamed(SINK_BYTES_MAX),
        "PUT" | "POST" => Wants::Whole,
        _ => Wants::Dropped,
    }
}

/// The answer to a request whose body nobody wants.
pub(crate) fn missed(request: &Request) -> Answer {
    let known = methods(&request.path);
    match (request.method.as_str(), known) {
        ("PUT", Some(_)) if matches!(wants(request), Wants::Streamed(_)) => {
            Answer::error(411, "length required", Some("send Content-Length or Transfer-Encoding: chunked")).json()
        }
        ("OPTIONS", None) if request.path == "*" => Answer::new(204, Body::None),
        ("OPTIONS", Some(known)) => Answer::new(204, Body::None).with("Allow", known),
        (_, None) => Answer::error(404, "not found", None).json(),
        (_, Some(known)) => {
            let reason = format!("allowed here: {known}");
            Answer::error(405, "method not allowed", Some(&reason)).with("Allow", known).json()
        }
    }
}

/// The answer to a request that is all there.
pub(crate) fn answer(request: &Request, content: &[u8]) -> Answer {
    let path = request.path.strip_suffix('/').unwrap_or(&request.path);
    let (first, name) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    match (request.method.as_str(), first) {
        ("PUT", "doc") => change(request, name),
        (_, "doc") => match DOCUMENTS.iter().find(|document| document.name == name) {
            Some(document) => represent(request, document),
            None => Answer::error(404, "no such document", None).json(),
        },
        (_, "live") => compressed(request, name),
        (_, "stream") => stream(name),
        (_, "sink") => Answer::new(200, Body::Bytes(sum(content).into_bytes())),
        (_, "say") => say(request),
        (_, "files") => file(request),
        ("POST", "-") => {
            let types = request.all("Content-Type");
            let kind = types.first().copied().unwrap_or(b"application/octet-stream");
            let answer = Answer::new(200, Body::Bytes(content.to_vec())).with("Content-Type", kind);
            answer.with("X-Content-Type-Options", "nosniff")
        }
        (_, "-") => fixed("{}"),
        _ => fixed("{\"status\":\"live\"}"),
    }
}

fn fixed(json: &str) -> Answer {
    Answer::new(200, Body::Bytes(json.into())).json().with("Cache-Control", "no-store")
}

fn say(request: &Request) -> Answer {
    let mut said = format!("{} {}\n", request.path, request.query.as_deref().unwrap_or("-")).into_bytes();
    for (name, value) in &request.fields {
        said.extend_from_slice(&[name.as_bytes(), b"=", value, b"\n"].concat());
    }
    Answer::new(200, Body::Bytes(said)).with("Content-Type", "text/plain")
}

fn sum(content: &[u8]) -> String {
    let sum = content
        .iter()
        .zip(1u64..)
        .fold(0u64, |sum, (byte, place)| sum.wrapping_add(place.wrapping_mul(u64::from(*byte) + 1)));
    format!("{} {sum}", content.len())
}

fn change(request: &Request, name: &str) -> Answer {
    let document = DOCUMENTS.iter().find(|document| document.name == name);
    let current =
        document.map(|document| Current { etag: document.variants[0].etag.as_deref(), modified: document.modified });
    match (decide(request, current.as_ref()), document) {
        (Outcome::Proceed, Some(_)) => Answer::new(204, Body::None),
        (Outcome::Proceed, None) => Answer::new(201, Body::Bytes(Vec::new())),
        _ => failed(),
    }
}

fn failed() -> Answer {
    let reason = "it is not what the request takes it for; read it again";
    Answer::error(412, "precondition failed", Some(reason)).json()
}

fn represent(request: &Request, document: &Document) -> Answer {
    let [plain, coded @ ..] = document.variants.as_slice() else { panic!("every document has a variant") };
    let codings: Vec<&'static str> = coded.iter().filter_map(|variant| variant.coding).collect();
    let chosen = if codings.is_empty() { Some(None) } else { choose(&request.all("Accept-Encoding"), &codings) };
    let Some(chosen) = chosen else {
        let reason = "every coding there is was ruled out, and so was sending it as it is";
        return Answer::error(406, "no acceptable coding", Some(reason)).with("Vary", "Accept-Encoding").json();
    };
    let variant = document.variants.iter().find(|variant| variant.coding == chosen).unwrap_or(plain);
    // RFC 9110 §8.8.1: a date that several variants share does not tell their bytes apart.
    let is_alone = document.variants.len() == 1;
    let modified = document.modified.map(|known| Modified { is_strong: known.is_strong && is_alone, ..known });
    let current = Current { etag: variant.etag.as_deref(), modified };
    match decide(request, Some(&current)) {
        Outcome::Failed => failed(),
        Outcome::NotModified => about(document, variant, 304, Body::None),
        Outcome::Proceed => {
            let applies = request.method == "GET" && range_applies(request, &current);
            let range = request.one("Range").filter(|_| applies);
            match (asked(range, variant.bytes.len()), variant.coding) {
                (Asked::NothingThere, _) => {
                    let length = format!("bytes */{}", variant.bytes.len());
                    let answer = Answer::error(416, "the range is not within the content", None);
                    answer.with("Content-Range", length).with("Accept-Ranges", "bytes").json()
                }
                (Asked::Parts(parts), _) if parts.len() == 1 => {
                    let part = variant.bytes[parts[0].clone()].to_vec();
                    let content_range = content_range(&parts[0], variant.bytes.len());
                    let answer = about(document, variant, 206, Body::Bytes(part));
                    contents(answer, document, variant, document.content_type).with("Content-Range", content_range)
                }
                (Asked::Parts(parts), None) => several(document, variant, &parts),
                _ => {
                    let answer = about(document, variant, 200, Body::Bytes(variant.bytes.clone()));
                    contents(answer, document, variant, document.content_type)
                }
            }
        }
    }
}

fn content_range(part: &std::ops::Range<usize>, length: usize) -> String {
    format!("bytes {}-{}/{length}", part.start, part.end - 1)
}

/// RFC 9110 §14.6.
fn several(document: &Document, variant: &Variant, parts: &[std::ops::Range<usize>]) -> Answer {
    let mut body = Vec::new();
    for part in parts {
        let start = if body.is_empty() { "" } else { "\r\n" };
        let head = format!(
            "{start}--{BOUNDARY}\r\nContent-Type: {}\r\nContent-Range: {}\r\n\r\n",
            document.content_type,
            content_range(part, variant.bytes.len())
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&variant.bytes[part.clone()]);
    }
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let content_type = format!("multipart/byteranges; boundary=\"{BOUNDARY}\"");
    contents(about(document, variant, 206, Body::Parts(body)), document, variant, &content_type)
}

/// What a 304 says as well.
fn about(document: &Document, variant: &Variant, status: u16, body: Body) -> Answer {
    let mut answer = Answer::new(status, body);
    if let Some(etag) = &variant.etag {
        answer = answer.with("ETag", etag.as_str());
    }
    if let Some(modified) = document.modified {
        answer = answer.with("Last-Modified", modified.text);
    }
    if let Some(cache_control) = document.cache_control {
        answer = answer.with("Cache-Control", cache_control);
    }
    if document.variants.len() > 1 {
        answer = answer.with("Vary", "Accept-Encoding");
    }
    answer
}

fn contents(answer: Answer, document: &Document, variant: &Variant, content_type: &str) -> Answer {
    let mut answer = answer.with("Content-Type", content_type).with("Accept-Ranges", "bytes");
    if let Some(coding) = variant.coding {
        answer = answer.with("Content-Encoding", coding);
    }
    if document.no_sniff {
        answer = answer.with("X-Content-Type-Options", "nosniff");
    }
    answer
}

fn compressed(request: &Request, name: &str) -> Answer {
    let Some((content_type, content)) = live(name) else {
        return Answer::error(404, "no such text", None).json();
    };
    let varies = !content_type.starts_with("image/");
    let codings = if varies { &["br", "zstd", "gzip"][..] } else { &[] };
    let Some(coding) = choose(&request.all("Accept-Encoding"), codings).or((!varies).then_some(None)) else {
        return Answer::error(406, "no acceptable coding", None).with("Vary", "Accept-Encoding").json();
    };
    let body = Body::Stream { length: None, content, coding, pieces: None, end: End::Whole };
    let mut answer = Answer::new(200, body).with("Content-Type", content_type);
    if varies {
        answer = answer.with("Vary", "Accept-Encoding");
    }
    match coding {
        Some(coding) => answer.with("Content-Encoding", coding),
        None => answer,
    }
}

fn stream(name: &str) -> Answer {
    let Some(stream) = Stream::parse(name) else { return Answer::error(404, "no such stream", None).json() };
    let content = (0..stream.pieces).flat_map(|index| stream.piece(index)).collect();
    let end = match stream.how {
        "feed" => End::Drained,
        "forever" => End::Never,
        "short" | "beyond" | "broken" => End::Cut,
        _ => End::Whole,
    };
    let body = Body::Stream { length: stream.promised(), content, coding: None, pieces: Some(stream.pieces), end };
    Answer::new(200, body).with("Content-Type", "application/octet-stream")
}

/// A file of the directory, or why there is none.
fn file(request: &Request) -> Answer {
    let missing = || Answer::error(404, "not found", None).with("Cache-Control", "no-store").json();
    let below = request.path.strip_prefix("/files").unwrap_or_default();
    let Some(decoded) = decode(below) else {
        let reason = "a percent sign begins two hexadecimal digits";
        return Answer::error(400, "malformed path", Some(reason)).json();
    };
    if below.to_ascii_lowercase().contains("%2f") {
        return missing();
    }
    let (path, slash) = match decoded.strip_suffix('/') {
        Some(path) => (path.strip_prefix('/').unwrap_or(path), true),
        None => (decoded.strip_prefix('/').unwrap_or(&decoded), false),
    };
    if !path.is_empty() && path.split('/').any(|name| name.is_empty() || name.starts_with('.')) {
        return missing();
    }
    let is_directory = path.is_empty() || path == "sub";
    let index = if path.is_empty() { "index.html".into() } else { format!("{path}/index.html") };
    let wanted = if slash { index.as_str() } else { path };
    match FILES.iter().find(|file| file.path == wanted) {
        _ if is_directory && !slash => {
            let query = request.query.as_ref().map_or(String::new(), |query| format!("?{query}"));
            let location = format!("{}/{query}", request.path);
            Answer::new(301, Body::Bytes(Vec::new())).with("Location", location).with("Cache-Control", "no-cache")
        }
        Some(file) => represent(request, &document(file)),
        None => missing(),
    }
}

fn document(file: &File) -> Document {
    let etag = |file: &File, coding: &str| {
        Some(format!("\"{:x}-{:x}-{FILES_MODIFIED_NS:x}{coding}\"", file.inode, file.bytes.len()))
    };
    let mut variants = vec![Variant { coding: None, etag: etag(file, ""), bytes: file.bytes.clone() }];
    for (coding, extension) in [("br", "br"), ("zstd", "zst"), ("gzip", "gz")] {
        let path = format!("{}.{extension}", file.path);
        if let Some(sibling) = FILES.iter().find(|sibling| sibling.path == path) {
            let etag = etag(sibling, &format!("-{coding}"));
            variants.push(Variant { coding: Some(coding), etag, bytes: sibling.bytes.clone() });
        }
    }
    let modified = Modified { text: DATES[0].0, unix_s: FILES_MODIFIED_NS / 1_000_000_000, is_strong: true };
    Document {
        name: file.path,
        content_type: file.content_type,
        cache_control: Some("no-cache"),
        modified: Some(modified),
        no_sniff: true,
        variants,
    }
}

/// `None` for a percent sign without two hexadecimal digits.
fn decode(path: &str) -> Option<String> {
    let mut parts = path.split('%');
    let mut decoded = parts.next()?.to_owned();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.chars().all(|digit| digit.is_ascii_hexdigit()))?;
        let code = u8::from_str_radix(digits, 16).ok().filter(|code| *code != 0)?;
        decoded.push(code as char);
        decoded.push_str(&part[2..]);
    }
    Some(decoded)
}
