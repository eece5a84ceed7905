//! Requests that parsers disagree on, with what they would smuggle.
//!
//! `@A` is the id of the attack, `@P` the id of its prey: a whole request where somebody may see a body.
//! Each stands for eight bytes. `@Q` is the prey itself, of `PREY_BYTES`.

/// The prey, as `@Q`.
const PREY: &str = "POST /-/echo?id=@P HTTP/1.1\r\nHost: front\r\nContent-Length: 8\r\n\r\n@P";
/// Its length once the ids are in.
const PREY_BYTES: usize = PREY.len() + 2 * 6;

/// What the node does if nobody stands in front of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direct {
    /// It answers this once, and closes.
    Refused(u16),
    /// It answers these, and the request after it.
    Served(&'static [u16]),
}

/// One attack.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) what: &'static str,
    text: &'static str,
    pub(crate) direct: Direct,
    /// The prey is a request in everybody's eyes, also the node's.
    pub(crate) prey: bool,
    /// Nothing is wrong with it: every front goes on after it.
    pub(crate) plain: bool,
}

impl Case {
    pub(crate) fn is_head(&self) -> bool {
        self.text.starts_with("HEAD ")
    }

    /// Its bytes. `@L` stands for the length of the prey.
    pub(crate) fn bytes(&self, attack: &str, prey: &str) -> Vec<u8> {
        let text = self.text.replace("@Q", PREY).replace("@L", &PREY_BYTES.to_string());
        text.replace("@A", attack).replace("@P", prey).into_bytes()
    }
}

const fn refused(what: &'static str, status: u16, text: &'static str) -> Case {
    Case { what, text, direct: Direct::Refused(status), prey: false, plain: false }
}

const fn served(what: &'static str, statuses: &'static [u16], text: &'static str) -> Case {
    Case { what, text, direct: Direct::Served(statuses), prey: false, plain: false }
}

const fn with_prey(what: &'static str, statuses: &'static [u16], text: &'static str) -> Case {
    Case { what, text, direct: Direct::Served(statuses), prey: true, plain: false }
}

const fn plain(what: &'static str, statuses: &'static [u16], text: &'static str) -> Case {
    Case { what, text, direct: Direct::Served(statuses), prey: false, plain: true }
}

/// A POST for the echo with these lines behind its Host.
macro_rules! post {
    ($rest:literal) => {
        concat!("POST /-/echo?id=@A HTTP/1.1\r\nHost: front\r\n", $rest)
    };
}

/// The same in chunks; what is given begins with the first size.
macro_rules! chunks {
    ($rest:literal) => {
        concat!("POST /-/echo?id=@A HTTP/1.1\r\nHost: front\r\nTransfer-Encoding: chunked\r\n\r\n", $rest)
    };
}

/// A GET with these lines behind its Host.
macro_rules! get {
    ($rest:literal) => {
        concat!("GET /-/ping?id=@A HTTP/1.1\r\nHost: front\r\n", $rest)
    };
}

pub(crate) const ALL: &[Case] = &[
    // Two lengths.
    refused("two lengths", 400, post!("Content-Length: @L\r\nContent-Length: 0\r\n\r\n@Q")),
    refused("two lengths, the other way", 400, post!("Content-Length: 0\r\nContent-Length: @L\r\n\r\n@Q")),
    refused("the same length twice", 400, post!("Content-Length: 8\r\nContent-Length: 8\r\n\r\n@A")),
    refused("a list of lengths", 400, post!("Content-Length: 0, @L\r\n\r\n@Q")),
    refused("a list of equal lengths", 400, post!("Content-Length: 8, 8\r\n\r\n@A")),
    refused("a signed length", 400, post!("Content-Length: +@L\r\n\r\n@Q")),
    refused("a length in hexadecimal", 400, post!("Content-Length: 0x3f\r\n\r\n@Q")),
    refused("a length that overflows", 400, post!("Content-Length: 18446744073709551616\r\n\r\n@Q")),
    refused("an empty length", 400, post!("Content-Length:\r\n\r\n@Q")),
    refused("a length and a word", 400, post!("Content-Length: 8 chunked\r\n\r\n@A")),
    plain("a length with zeros in front", &[200], post!("Content-Length: 00008\r\n\r\n@A")),
    plain("a length amid spaces", &[200], post!("Content-Length:   8  \r\n\r\n@A")),
    served("a length amid tabs", &[200], post!("Content-Length: \t 8 \t\r\n\r\n@A")),
    // A length and a coding.
    refused("length, then chunked", 400, post!("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n@Q")),
    refused("chunked, then length", 400, post!("Transfer-Encoding: chunked\r\nContent-Length: @L\r\n\r\n0\r\n\r\n@Q")),
    refused(
        "length, then chunked hidden by a space",
        400,
        post!("Content-Length: 5\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n@Q"),
    ),
    refused(
        "length, then chunked on a folded line",
        400,
        post!("Content-Length: 5\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n@Q"),
    ),
    refused(
        "length, then chunked after a bare LF",
        400,
        post!("Content-Length: 5\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n@Q"),
    ),
    refused(
        "length, then chunked after a bare CR",
        400,
        post!("Content-Length: 5\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n@Q"),
    ),
    served(
        "a coding that is none: an underscore",
        &[200],
        post!("Content-Length: 8\r\nTransfer_Encoding: chunked\r\n\r\n@A"),
    ),
    served("a length that is none: an underscore", &[200], post!("Content_Length: @L\r\nContent-Length: 8\r\n\r\n@A")),
    // Codings.
    plain("chunked in capitals", &[200], post!("TRANSFER-ENCODING: CHUNKED\r\n\r\n8\r\n@A\r\n0\r\n\r\n")),
    refused("chunked twice", 501, post!("Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n@Q")),
    refused(
        "chunked on two lines",
        501,
        post!("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n@Q"),
    ),
    refused("chunked and identity", 501, post!("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n@Q")),
    refused("identity", 501, post!("Transfer-Encoding: identity\r\n\r\n@Q")),
    refused("identity and a length", 400, post!("Transfer-Encoding: identity\r\nContent-Length: @L\r\n\r\n@Q")),
    refused("gzip, chunked", 501, post!("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n@Q")),
    refused("xchunked", 501, post!("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n@Q")),
    refused("chunked with a parameter", 501, post!("Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n@Q")),
    refused("chunked in quotes", 501, post!("Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n@Q")),
    refused("chunked after a vertical tab", 400, post!("Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n@Q")),
    refused("an empty coding", 501, post!("Transfer-Encoding:\r\n\r\n0\r\n\r\n@Q")),
    refused(
        "chunked in HTTP/1.0",
        400,
        "POST /-/echo?id=@A HTTP/1.0\r\nHost: front\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n@Q",
    ),
    // Chunks.
    plain("a chunk with an extension", &[200], chunks!("8;a=b\r\n@A\r\n0\r\n\r\n")),
    refused("an extension with a lone LF", 400, chunks!("8;a\nb\r\n@A\r\n0\r\n\r\n")),
    refused("an extension that ends in LF", 400, chunks!("8;\n@A\r\n0\r\n\r\n")),
    refused("an extension with a lone CR", 400, chunks!("8;a\rb\r\n@A\r\n0\r\n\r\n")),
    refused("a size that ends in LF", 400, chunks!("8\n@A\r\n0\r\n\r\n")),
    refused("data that end in LF", 400, chunks!("8\r\n@A\n0\r\n\r\n")),
    refused("data that end in two other bytes", 400, chunks!("8\r\n@Axx0\r\n\r\n")),
    refused("data that end in nothing", 400, chunks!("8\r\n@A0\r\n\r\n")),
    refused("a last chunk that ends in LF", 400, chunks!("8\r\n@A\r\n0\n\r\n")),
    refused("a body that ends in LF", 400, chunks!("8\r\n@A\r\n0\r\n\n")),
    refused("a size with 0x", 400, chunks!("0x8\r\n@A\r\n0\r\n\r\n")),
    refused("a signed size", 400, chunks!("+8\r\n@A\r\n0\r\n\r\n")),
    refused("a size with a space", 400, chunks!("8 \r\n@A\r\n0\r\n\r\n")),
    refused("a size of 2^64 and eight", 400, chunks!("10000000000000008\r\n@A\r\n0\r\n\r\n")),
    refused("a size of 2^32 and eight, cut", 400, chunks!("0000000100000008x\r\n@A\r\n0\r\n\r\n")),
    refused("no size", 400, chunks!("\r\n@A\r\n0\r\n\r\n")),
    plain("trailers that look like framing", &[200], chunks!("8\r\n@A\r\n0\r\nX: y\r\nX-Length: 5\r\n\r\n")),
    served(
        "trailers that are framing",
        &[200],
        chunks!("8\r\n@A\r\n0\r\nContent-Length: @L\r\nTransfer-Encoding: chunked\r\nHost: b\r\n\r\n"),
    ),
    refused("a folded trailer", 400, chunks!("8\r\n@A\r\n0\r\nX: y\r\n z\r\n\r\n")),
    with_prey("a request behind the last chunk", &[200, 200], chunks!("8\r\n@A\r\n0\r\n\r\n@Q")),
    // Lines.
    refused("a bare LF after a field", 400, get!("X: y\nZ: w\r\n\r\n")),
    refused("a head in bare LF", 400, "GET /-/ping?id=@A HTTP/1.1\nHost: front\n\n"),
    refused("a bare CR in a value", 400, get!("X: y\rZ: w\r\n\r\n")),
    refused("CR CR LF", 400, get!("X: y\r\r\n\r\n")),
    refused("NUL in a value", 400, get!("X: y\0z\r\n\r\n")),
    refused("a folded line", 400, get!("X: y\r\n z\r\n\r\n")),
    refused("a folded first line", 400, "GET /-/ping?id=@A HTTP/1.1\r\n X: y\r\nHost: front\r\n\r\n"),
    refused("a space before the colon", 400, get!("X : y\r\n\r\n")),
    refused("a length with a space before its colon", 400, post!("Content-Length : @L\r\n\r\n@Q")),
    refused("a field without a colon", 400, get!("X\r\n\r\n")),
    refused("a field without a name", 400, get!(": y\r\n\r\n")),
    // Targets and hosts.
    refused("a target of another host", 400, "GET http://other/-/ping?id=@A HTTP/1.1\r\nHost: front\r\n\r\n"),
    plain("a target of this host", &[200], "GET http://front/-/ping?id=@A HTTP/1.1\r\nHost: front\r\n\r\n"),
    refused("two hosts", 400, "GET /-/ping?id=@A HTTP/1.1\r\nHost: front\r\nHost: other\r\n\r\n"),
    refused("no host", 400, "GET /-/ping?id=@A HTTP/1.1\r\n\r\n"),
    refused("a host with a path", 400, "GET /-/ping?id=@A HTTP/1.1\r\nHost: front/x\r\n\r\n"),
    refused("CONNECT", 400, "CONNECT front:80 HTTP/1.1\r\nHost: front:80\r\n\r\n@Q"),
    refused("a space in the target", 400, "GET /-/ping?id=@A x HTTP/1.1\r\nHost: front\r\n\r\n"),
    refused("HTTP/2 by prior knowledge", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    refused("HTTP/1.1 with more digits", 400, "GET /-/ping?id=@A HTTP/1.10\r\nHost: front\r\n\r\n"),
    refused("HTTP/1.9", 505, "GET /-/ping?id=@A HTTP/1.9\r\nHost: front\r\n\r\n"),
    // Expectations.
    with_prey(
        "an expectation without a body",
        &[200, 200],
        post!("Expect: 100-continue\r\nContent-Length: 0\r\n\r\n@Q"),
    ),
    plain("an expectation whose body is there", &[200], post!("Expect: 100-continue\r\nContent-Length: @L\r\n\r\n@Q")),
    served("an expectation of a GET", &[200], get!("Expect: 100-continue\r\nContent-Length: @L\r\n\r\n@Q")),
    refused("another expectation", 417, post!("Expect: y 100-continue\r\nContent-Length: @L\r\n\r\n@Q")),
    served(
        "an expectation of what is not there",
        &[404],
        "PUT /-/no/such/path?id=@A HTTP/1.1\r\nHost: front\r\nExpect: 100-continue\r\nContent-Length: @L\r\n\r\n@Q",
    ),
    refused(
        "an expectation of too large a body",
        413,
        post!("Expect: 100-continue\r\nContent-Length: 2000000\r\n\r\n@Q"),
    ),
    // Answers that do not wait for a body.
    served("a GET with a body", &[200], get!("Content-Length: @L\r\n\r\n@Q")),
    served("a GET with a body in chunks", &[200], get!("Transfer-Encoding: chunked\r\n\r\n8\r\n@P\r\n0\r\n\r\n")),
    served("a HEAD with a body", &[200], "HEAD /-/ping?id=@A HTTP/1.1\r\nHost: front\r\nContent-Length: @L\r\n\r\n@Q"),
    served(
        "404 for a body",
        &[404],
        "POST /-/no/such/path?id=@A HTTP/1.1\r\nHost: front\r\nContent-Length: @L\r\n\r\n@Q",
    ),
    served("405 for a body", &[405], "POST /-/ping?id=@A HTTP/1.1\r\nHost: front\r\nContent-Length: @L\r\n\r\n@Q"),
    refused(
        "404 for chunks",
        404,
        "POST /-/no/such/path?id=@A HTTP/1.1\r\nHost: front\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n@P\r\n0\r\n\r\n",
    ),
    refused("401 for a body", 401, "PUT /behind?id=@A HTTP/1.1\r\nHost: front\r\nContent-Length: @L\r\n\r\n@Q"),
    refused("413 for part of a body", 413, post!("Content-Length: 2000000\r\n\r\n@Q")),
    served("HEAD of what is not there", &[404], "HEAD /-/no/such/path?id=@A HTTP/1.1\r\nHost: front\r\n\r\n"),
    // Options of a connection.
    served(
        "an upgrade with a body",
        &[200],
        post!("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: @L\r\n\r\n@Q"),
    ),
    with_prey(
        "an upgrade and a request behind it",
        &[200, 200],
        get!("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n@Q"),
    ),
    with_prey(
        "an upgrade to h2c",
        &[200, 200],
        get!("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n@Q"),
    ),
    served(
        "a connection that drops the length",
        &[200],
        post!("Connection: Content-Length\r\nContent-Length: @L\r\n\r\n@Q"),
    ),
    served(
        "a connection that drops the coding",
        &[200],
        post!("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n@A\r\n0\r\n\r\n"),
    ),
    with_prey("a request behind a request", &[200, 200], get!("\r\n@Q")),
    served(
        "OPTIONS with a body",
        &[204],
        "OPTIONS /-/ping?id=@A HTTP/1.1\r\nHost: front\r\nContent-Length: @L\r\n\r\n@Q",
    ),
    served("TRACE with a body", &[405], "TRACE /-/ping?id=@A HTTP/1.1\r\nHost: front\r\nContent-Length: @L\r\n\r\n@Q"),
    served(
        "a version of its own",
        &[200],
        "POST /-/echo?id=@A HTTP/1.0\r\nHost: front\r\nConnection: keep-alive\r\nContent-Length: @L\r\n\r\n@Q",
    ),
];
