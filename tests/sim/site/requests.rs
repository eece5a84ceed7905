//! Requests of every kind: plain ones, odd ones that are right, and wrong ones with one mistake each,
//! for which of two mistakes is named may depend on which arrives first.

use crate::rng::Rng;
use crate::site::content::{DATES, DOCUMENTS, FILES, HOWS, LANES, SINK_BYTES_MAX};
use crate::site::{BODY_BYTES, FIELDS, HEAD_BYTES, Session};

const HOST: &str = "Host: sim\r\n";

/// All requests of one connection.
pub(crate) fn session(rng: &mut Rng) -> Session {
    let count = if rng.once_in(4) { rng.between(1, 20) } else { rng.between(1, 6) };
    // Some ask for one thing again and again, as browsers do.
    let favourite = rng.once_in(3).then(|| target(rng));
    (0..count).map(|_| request(rng, favourite.as_deref())).collect()
}

/// One that needs nothing from outside, so that it ends by itself.
pub(crate) fn calm_session(rng: &mut Rng) -> Session {
    let is_calm = |request: &Vec<u8>| {
        let text = String::from_utf8_lossy(request);
        request.len() < 900 && !text.contains("-feed-") && !text.contains("-forever-")
    };
    let count = rng.between(1, 4);
    (0..count).map(|_| (0..20).map(|_| request(rng, None)).find(is_calm).unwrap_or_default()).collect()
}

fn request(rng: &mut Rng, favourite: Option<&str>) -> Vec<u8> {
    if let Some(target) = favourite
        && !rng.once_in(3)
    {
        return read(rng, target);
    }
    match rng.below(40) {
        0..=23 => {
            let target = target(rng);
            read(rng, &target)
        }
        24..=26 => change(rng),
        27..=30 => with_body(rng, "POST", "/-/echo", BODY_BYTES),
        31..=33 => {
            let most = if rng.once_in(12) { SINK_BYTES_MAX } else { 3000 };
            with_body(rng, "PUT", "/sink", most)
        }
        34..=36 => missed(rng),
        37 => too_large(rng),
        38 => broken_body(rng),
        _ => malformed(rng),
    }
}

/// What GET and HEAD are asked for.
fn target(rng: &mut Rng) -> String {
    match rng.below(20) {
        0..=6 => format!("/doc/{}", rng.pick(&DOCUMENTS).name),
        7..=9 => format!("/files/{}", file(rng)),
        10..=11 => format!("/live/{}", rng.pick(&["text", "text", "short", "image", "nothing"])),
        12..=15 => stream(rng),
        16..=17 => {
            rng.pick(&["/say", "/say?a=b&c", "/say?", "/say?x=%20?/", "http://sim/say?q", "HTTP://SIM/say"]).to_string()
        }
        18 => rng.pick(&["/-/ping", "/healthz", "/-/ping/"]).to_string(),
        _ => rng.pick(&["/doc/nothing", "/doc/text/", "/doc/%74ext", "/stream/pool-x-1-1"]).to_string(),
    }
}

fn file(rng: &mut Rng) -> String {
    match rng.below(3) {
        0 => rng.pick(&FILES).path.into(),
        1 => "app.js".into(),
        _ => {
            let odd = [
                "",
                "sub",
                "sub/",
                "sub?x=1",
                "%61pp.js",
                "app%2ejs",
                "nothing",
                ".hidden",
                "%2ehidden",
                "sub%2findex.html",
                "a%zzb",
                "//app.js",
                "sub//index.html",
                "app.js/",
                "index.html?a=b",
            ];
            rng.pick(&odd).to_string()
        }
    }
}

fn stream(rng: &mut Rng) -> String {
    let (lane, how) = (*rng.pick(&LANES), *rng.pick(&HOWS));
    let lane = if lane == "slow" && rng.once_in(2) { "pool" } else { lane };
    // Those that break off and those without an end are the last of their connection.
    let how = if matches!(how, "short" | "beyond" | "broken" | "forever") && !rng.once_in(4) { "chunked" } else { how };
    let (pieces, bytes) = match rng.below(12) {
        0 => (rng.below(3), 0),
        1 => (rng.between(10, 20), 60_000),
        2..=3 => (rng.between(1, 30), rng.between(1, 5000)),
        _ => (rng.between(1, 6), rng.between(1, 400)),
    };
    // One that gives a byte too many after all that it promised is whole for whoever reads it.
    let bytes = if how == "beyond" { bytes.max(2) } else { bytes };
    format!("/stream/{lane}-{how}-{pieces}-{bytes}")
}

/// A GET or HEAD with all that may be said with one.
fn read(rng: &mut Rng, target: &str) -> Vec<u8> {
    let method = if rng.once_in(6) { "HEAD" } else { "GET" };
    let mut fields = String::new();
    if rng.once_in(2) {
        fields.push_str(&accept_encoding(rng));
    }
    if rng.once_in(3) {
        fields.push_str(&condition(rng));
    }
    if rng.once_in(3) {
        fields.push_str(&range(rng));
        if rng.once_in(3) {
            fields.push_str(&format!("If-Range: {}\r\n", validator(rng)));
        }
    }
    fields.push_str(&odd_fields(rng));
    let body = if rng.once_in(25) { Some(rng.below(600)) } else { None };
    whole(rng, method, target, &fields, body)
}

fn accept_encoding(rng: &mut Rng) -> String {
    let values = [
        "gzip",
        "br",
        "zstd",
        "gzip, br",
        "gzip, deflate, br, zstd",
        "*",
        "identity",
        "",
        "gzip;q=0.5, br;q=0.8",
        "br;q=0, gzip",
        "*;q=0",
        "identity;q=0",
        "identity;q=0, gzip;q=0, br;q=0, zstd;q=0",
        "*;q=0, identity",
        "GZIP",
        "x-gzip",
        "gzip; q=0.001",
        "identity;q=0.9, gzip;q=0.1",
        "gzip;q=1.0, *;q=0.5",
        "br;q=0.999,zstd;q=1",
        ", ,gzip",
        "deflate",
        "gzip;q=0",
        "identity;q=0, *;q=0",
        "*;q=0.1, br;q=0.1",
    ];
    format!("{}: {}\r\n", rng.pick(&["Accept-Encoding", "accept-encoding"]), rng.pick(&values))
}

/// A tag of something, or a date.
fn validator(rng: &mut Rng) -> String {
    let document = rng.pick(&DOCUMENTS);
    match rng.below(4) {
        0 => rng.pick(DATES).0.into(),
        1 => rng.pick(&["\"other\"", "W/\"text-1\"", "\"text-1", "text-1", "\"\"", "*"]).to_string(),
        _ => rng.pick(&document.variants).etag.clone().unwrap_or_else(|| "\"none\"".into()),
    }
}

fn condition(rng: &mut Rng) -> String {
    let one = |rng: &mut Rng| {
        let name =
            *rng.pick(&["If-Match", "If-None-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"]);
        if name.ends_with("Since") {
            return format!("{name}: {}\r\n", rng.pick(DATES).0);
        }
        let list: Vec<String> = (0..rng.between(1, 3)).map(|_| tag(rng)).collect();
        let value = if rng.once_in(6) { "*".into() } else { list.join(*rng.pick(&[", ", ",", " , ,"])) };
        format!("{name}: {value}\r\n")
    };
    let first = one(rng);
    if rng.once_in(3) { first + &one(rng) } else { first }
}

fn tag(rng: &mut Rng) -> String {
    let document = rng.pick(&DOCUMENTS);
    let tag = rng.pick(&document.variants).etag.clone().unwrap_or_else(|| "\"none\"".into());
    match rng.below(6) {
        0 => "\"other\"".into(),
        1 if !tag.starts_with("W/") => format!("W/{tag}"),
        2 if rng.once_in(4) => "junk".into(),
        _ => tag,
    }
}

fn range(rng: &mut Rng) -> String {
    let one = |rng: &mut Rng| {
        let start = *rng.pick(&[0, 1, 5, 100, 900, 4000, 150_000]);
        match rng.below(8) {
            0 => format!("-{}", rng.pick(&[0u64, 1, 200, 1_000_000])),
            1 => format!("{start}-"),
            2 => format!("{start}-{}", start + 10_000_000),
            _ => format!("{start}-{}", start + rng.below(400)),
        }
    };
    let count = if rng.once_in(3) { rng.between(2, 5) } else { 1 };
    let mut specs: Vec<String> = (0..count).map(|_| one(rng)).collect();
    if rng.once_in(20) {
        specs = (0..rng.between(15, 18)).map(|index| format!("{}-{}", index * 300, index * 300 + 9)).collect();
    }
    let set = specs.join(*rng.pick(&[",", ", ", " ,"]));
    match rng.below(14) {
        0 => format!(
            "Range: {}\r\n",
            rng.pick(&["bytes=", "bytes=5-1", "bytes=a-b", "lines=0-1", "bytes", "bytes=--5", "bytes=1-2,x"])
        ),
        1 => format!("Range: Bytes={set}\r\n"),
        2 => format!("Range: bytes={set}\r\nRange: bytes=0-1\r\n"),
        _ => format!("Range: bytes={set}\r\n"),
    }
}

/// Fields that change nothing, or nothing but the connection.
fn odd_fields(rng: &mut Rng) -> String {
    let mut fields = String::new();
    if rng.once_in(4) {
        fields += *rng.pick(&["TE: trailers\r\n", "TE: gzip, Trailers\r\n"]);
    }
    if rng.once_in(4) {
        let odd = [
            "X-Empty:\r\n",
            "X-Blanks: \t a  b \t \r\n",
            "x-lower: y\r\n",
            "X: \"quoted, \\\" value\"\r\n",
            "A.b-c'd: e\r\n",
        ];
        fields += *rng.pick(&odd);
    }
    if rng.once_in(3) {
        // As long as one another, and different.
        fields.push_str(&format!("User-Agent: browser/{}\r\n", rng.below(10)));
    }
    if rng.once_in(20) {
        fields += *rng.pick(&[
            "Connection: close\r\n",
            "Connection: x, CLOSE\r\n",
            "connection: keep-alive\r\n",
            "Connection: x\r\n",
        ]);
    }
    fields
}

/// A request with its body, counted or in chunks.
fn whole(rng: &mut Rng, method: &str, target: &str, fields: &str, body: Option<u64>) -> Vec<u8> {
    let old = rng.once_in(12);
    let mut head = String::new();
    if rng.once_in(20) {
        head.push_str("\r\n"); // RFC 9112 §2.2
    }
    head.push_str(&format!("{method} {target} HTTP/1.{}\r\n", u8::from(!old)));
    let absolute = !target.starts_with('/');
    match rng.below(8) {
        0 if old && !absolute => {}
        1 if !absolute => head += *rng.pick(&["host: sim:8080\r\n", "Host: 127.0.0.1\r\n", "Host: [::1]:80\r\n"]),
        _ => head.push_str(HOST),
    }
    if old && rng.once_in(2) {
        head.push_str("Connection: keep-alive\r\n");
    }
    head.push_str(fields);
    if body.is_some_and(|length| length > 0) && rng.once_in(5) {
        head.push_str("Expect: 100-continue\r\n");
    }
    let tail = match body {
        None => Vec::new(),
        Some(length) if old || rng.once_in(2) => {
            head.push_str(&format!("Content-Length: {length}\r\n"));
            rng.bytes(length as usize)
        }
        Some(length) => {
            head += *rng.pick(&["Transfer-Encoding: chunked\r\n", "transfer-encoding: Chunked\r\n"]);
            chunked(rng, length as usize)
        }
    };
    head.push_str("\r\n");
    [head.into_bytes(), tail].concat()
}

fn chunked(rng: &mut Rng, mut left: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let most = (left as u64 / 3).max(20);
    while left > 0 {
        let count = (rng.between(1, most) as usize).min(left);
        let extension = *rng.pick(&["", "", "", ";a=b", " ;a=\"x y\"", ";"]);
        let size = if rng.once_in(2) { format!("{count:x}") } else { format!("0{count:X}") };
        bytes.extend_from_slice(format!("{size}{extension}\r\n").as_bytes());
        bytes.extend_from_slice(&rng.bytes(count));
        bytes.extend_from_slice(b"\r\n");
        left -= count;
    }
    bytes.extend(*rng.pick(&[&b"0\r\n\r\n"[..], b"0\r\n\r\n", b"000;x\r\n\r\n", b"0\r\nTrailer: t\r\nx:\r\n\r\n"]));
    bytes
}

fn with_body(rng: &mut Rng, method: &str, target: &str, most: u64) -> Vec<u8> {
    let length = match rng.below(8) {
        0 => 0,
        1 => most,
        2 => rng.between(1, 9),
        _ => rng.below(most.min(2000)),
    };
    let kind = *rng.pick(&["", "Content-Type: text/plain\r\n", "content-type: application/json\r\n"]);
    let body = if rng.once_in(15) { None } else { Some(length) };
    whole(rng, method, target, kind, body)
}

fn change(rng: &mut Rng) -> Vec<u8> {
    let name = if rng.once_in(4) { "nothing" } else { rng.pick(&DOCUMENTS).name };
    let fields = if rng.once_in(5) { String::new() } else { condition(rng) };
    let length = rng.below(300);
    whole(rng, "PUT", &format!("/doc/{name}"), &fields, Some(length))
}

/// No such path, no such method, or only what there is.
fn missed(rng: &mut Rng) -> Vec<u8> {
    let (method, target) = *rng.pick(&[
        ("GET", "/nothing"),
        ("GET", "/"),
        ("GET", "//doc/text"),
        ("HEAD", "/doc"),
        ("DELETE", "/doc/text"),
        ("POST", "/doc/text"),
        ("PATCH", "/say"),
        ("TRACE", "/say"),
        ("PUT", "/files/app.js"),
        ("GET", "/sink"),
        ("HEAD", "/-/echo"),
        ("OPTIONS", "/doc/text"),
        ("OPTIONS", "*"),
        ("OPTIONS", "/nothing"),
        ("OPTIONS", "/sink"),
        ("PUT", "/sink"),
    ]);
    let body = if rng.once_in(3) && (method, target) != ("PUT", "/sink") { Some(rng.below(400)) } else { None };
    let fields = odd_fields(rng);
    whole(rng, method, target, &fields, body)
}

/// More than the route takes: said in advance, or found out on the way.
fn too_large(rng: &mut Rng) -> Vec<u8> {
    let (method, target, most) =
        *rng.pick(&[("POST", "/-/echo", BODY_BYTES), ("PUT", "/sink", SINK_BYTES_MAX), ("GET", "/say", 64 * 1024)]);
    let expect = *rng.pick(&["", "Expect: 100-continue\r\n"]);
    if rng.once_in(2) {
        let length = *rng.pick(&[most + 1, u64::MAX >> 1]);
        return format!("{method} {target} HTTP/1.1\r\n{HOST}{expect}Content-Length: {length}\r\n\r\nxyz").into_bytes();
    }
    let head = format!("{method} {target} HTTP/1.1\r\n{HOST}{expect}Transfer-Encoding: chunked\r\n\r\n");
    let tail = match (most, rng.once_in(2)) {
        (BODY_BYTES, true) => chunked(rng, BODY_BYTES as usize + 1),
        (most, _) => format!("{:x}\r\nabc", most + 1).into_bytes(),
    };
    [head.into_bytes(), tail].concat()
}

/// A chunked body with one mistake.
fn broken_body(rng: &mut Rng) -> Vec<u8> {
    let (method, target) = *rng.pick(&[("POST", "/-/echo"), ("PUT", "/sink"), ("GET", "/doc/text"), ("HEAD", "/say")]);
    let long = format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(300));
    let thin: String = (0..90).map(|_| format!("1;{}\r\nx\r\n", "x".repeat(240))).collect();
    let mistakes: [&str; 17] = [
        "5\r\nhello\r\nxyz\r\n",
        "5\r\nhelloworld\r\n",
        "0x5\r\nhello\r\n",
        "-5\r\nhello\r\n",
        "\r\nhello",
        "5 \r\nhello\r\n",
        "5\nhello\r\n",
        "5\r\nhello\n0\r\n",
        "5\r\nhello\rx",
        "1111111111111111\r\n",
        "0\r\n x: y\r\n\r\n",
        "0\r\nx y: z\r\n\r\n",
        "0\r\nx: y\n\r\n",
        "0\r\nnothing\r\n\r\n",
        "5;\u{1}\r\nhello",
        &long,
        &thin,
    ];
    let body = *rng.pick(&mistakes);
    format!("{method} {target} HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n{body}").into_bytes()
}

/// A head with one mistake.
fn malformed(rng: &mut Rng) -> Vec<u8> {
    let long = "x".repeat(HEAD_BYTES);
    let many: String = (0..FIELDS + 1).map(|index| format!("f{index}: v\r\n")).collect();
    let request = |line: &str, fields: &str| format!("{line}\r\n{fields}\r\n");
    let get = |fields: &str| request("GET /say HTTP/1.1", &format!("{HOST}{fields}"));
    let post = |fields: &str| format!("POST /-/echo HTTP/1.1\r\n{HOST}{fields}\r\nabc");
    let heads = [
        request("BREW /say HTTP/1.1", HOST),
        request("get /say HTTP/1.1", HOST),
        request("GET /say HTTP/2.0", HOST),
        request("GET /say HTTP/1.2", HOST),
        request("GET /say http/1.1", HOST),
        request("GET /say", HOST),
        request("GET  /say HTTP/1.1", HOST),
        request("GET /say x HTTP/1.1", HOST),
        request("GET /say\u{e9} HTTP/1.1", HOST),
        request("GET /say#part HTTP/1.1", HOST),
        request("GET say HTTP/1.1", HOST),
        request("GET * HTTP/1.1", HOST),
        request("GET http://other/say HTTP/1.1", HOST),
        request("CONNECT sim:80 HTTP/1.1", HOST),
        request("G@T /say HTTP/1.1", HOST),
        request("\r\n\r\nGET /say HTTP/1.1", HOST),
        request("GET /say HTTP/1.1", ""),
        request("GET /say HTTP/1.1", "Host: a b\r\n"),
        request("GET /say HTTP/1.1", "Host: sim:port\r\n"),
        request("GET /say HTTP/1.1", "Host:\r\n"),
        format!("GET /say HTTP/1.1\n{HOST}\r\n"),
        format!("GET /say HTTP/1.1\r\n{HOST}\n"),
        get("Host: sim\r\n"),
        get("no colon\r\n"),
        get("x : y\r\n"),
        get(": y\r\n"),
        get(" folded\r\n"),
        get("x: a\r\n\tfolded\r\n"),
        get("x: a\rb\r\n"),
        get("x: \u{0}\r\n"),
        get("x: \u{7f}\r\n"),
        get(&format!("x: {long}\r\n")),
        request(&format!("GET /{long} HTTP/1.1"), HOST),
        get(&many),
        post("Content-Length: 3\r\nContent-Length: 3\r\n"),
        post("Content-Length: +3\r\n"),
        post("Content-Length: 3, 3\r\n"),
        post("Content-Length: \r\n"),
        post("Content-Length: 99999999999999999999\r\n"),
        post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
        post("Transfer-Encoding: gzip, chunked\r\n"),
        post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
        post("Transfer-Encoding: xchunked\r\n"),
        post("Expect: wonders\r\nContent-Length: 3\r\n"),
        "POST /-/echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into(),
        // Not wrong: at the limits.
        get(&many.replace("f0: v\r\nf1: v\r\n", "")),
        get(&format!("x: {}\r\n", &long[..HEAD_BYTES - get("x: \r\n").len()])),
        get(&format!("x: {}\r\n", &long[..HEAD_BYTES + 1 - get("x: \r\n").len()])),
        "GET /say HTTP/1.0\r\nExpect: wonders\r\n\r\n".into(),
        "GET /say HTTP/1.1\r\nHost: sim\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n".into(),
    ];
    rng.pick(&heads).clone().into_bytes()
}
