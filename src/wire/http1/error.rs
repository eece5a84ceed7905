//! What may be wrong with a request, and what its sender is told.

/// What is wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Error {
    /// A field line or request line holds a byte that may not be there.
    BadByte,
    /// The chunked framing is not as RFC 9112 §7.1 has it.
    BadChunk,
    /// Content-Length is not one plain decimal number.
    BadLength,
    /// The request line is not `method target version`.
    BadRequestLine,
    /// The target is not in origin-form, nor in absolute-form for this host, nor `*` for OPTIONS.
    BadTarget,
    /// A line does not end in CRLF.
    BareLineEnd,
    /// Framing bytes outweigh the data.
    ChunkOverhead,
    /// An expectation other than `100-continue`.
    Expectation,
    /// The head is longer than it may be.
    HeadTooLarge,
    /// Host is missing, repeated or malformed (RFC 9112 §3.2).
    Host,
    /// Content-Length with Transfer-Encoding.
    LengthAndChunked,
    /// The method is not one this server knows.
    Method,
    /// A field line that continues the one before.
    ObsoleteFold,
    /// The target is longer than it may be.
    TargetTooLong,
    /// More fields than there may be.
    TooManyFields,
    /// A transfer coding other than `chunked`.
    TransferCoding,
    /// A protocol version other than HTTP/1.0 and HTTP/1.1.
    Version,
}
