//! What is wrong with a request, and what its sender is told. The sentences are the program's: they
//! are part of what has to come out.

/// Why a request is refused and its connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    BadByte,
    BadChunk,
    BadLength,
    BadRequestLine,
    BadTarget,
    BareLineEnd,
    ChunkOverhead,
    CodingInHttp10,
    Expectation,
    HeadTooLarge,
    Host,
    LengthAndChunked,
    Method,
    ObsoleteFold,
    TargetTooLong,
    TooLarge(u64),
    TooManyFields,
    TransferCoding,
    Version,
}

impl Refusal {
    /// Status, error, reason.
    pub(crate) fn say(&self) -> (u16, String, Option<String>) {
        let (status, error) = match self {
            Refusal::BadByte => (
                400,
                "the request head holds a byte that may not stand there: a field is `Name: value`, its name a token with the colon right after it, its value free of control characters",
            ),
            Refusal::BadChunk => (
                400,
                "the chunked framing is broken: each chunk is its size in plain hexadecimal, CRLF, that many bytes, CRLF",
            ),
            Refusal::BadLength => (400, "Content-Length must be there at most once, as one plain decimal number"),
            Refusal::BadRequestLine => {
                (400, "the request line must be `METHOD target HTTP/1.1`, with one space between each of the three")
            }
            Refusal::BadTarget => (
                400,
                "the request target must be a path such as `/name?query`, in printable ASCII without a fragment, or an absolute URL whose authority equals Host; `*` is for OPTIONS only",
            ),
            Refusal::BareLineEnd => {
                (400, "every line of the request must end in CRLF; neither CR nor LF may stand alone")
            }
            Refusal::ChunkOverhead => (400, "the chunked framing outweighs the data it carries: send larger chunks"),
            Refusal::CodingInHttp10 => {
                (400, "HTTP/1.0 has no Transfer-Encoding: send Content-Length, or speak HTTP/1.1")
            }
            Refusal::Expectation => (417, "the only expectation this server can meet is `Expect: 100-continue`"),
            Refusal::HeadTooLarge => (
                431,
                "the request head or trailer section is too large: send fewer or shorter fields, or ask the operator to raise `[http] head_bytes`",
            ),
            Refusal::Host => (400, "an HTTP/1.1 request needs exactly one Host field, holding `host` or `host:port`"),
            Refusal::LengthAndChunked => {
                (400, "Content-Length and Transfer-Encoding exclude each other: send only one of them")
            }
            Refusal::Method => (
                501,
                "this server knows the methods GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS and TRACE, in upper case",
            ),
            Refusal::ObsoleteFold => (400, "a field must be on one line: a line must not begin with a space or a tab"),
            Refusal::TargetTooLong => (414, "the request target is too long: put long input into the body"),
            Refusal::TooLarge(max) => {
                let reason = format!(
                    "at most {max} bytes are taken here; the keys [http] body_bytes and [npm] tarball_bytes set it"
                );
                return (413, "request body too large".into(), Some(reason));
            }
            Refusal::TooManyFields => {
                (431, "the request head has too many fields: send fewer, or ask the operator to raise `[http] headers`")
            }
            Refusal::TransferCoding => (501, "the only transfer coding this server knows is `chunked`, sent once"),
            Refusal::Version => (505, "this server speaks HTTP/1.1 and HTTP/1.0"),
        };
        (status, error.into(), None)
    }
}

/// The phrase of RFC 9110 §15 for a status.
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        304 => "Not Modified",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        505 => "HTTP Version Not Supported",
        _ => panic!("the site has no {status}"),
    }
}
