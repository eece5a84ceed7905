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
    /// A transfer coding in HTTP/1.0, which has none.
    CodingInHttp10,
    /// An expectation other than `100-continue`.
    Expectation,
    /// The head, or the trailer section, is longer than it may be.
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

impl Error {
    /// Every error, for tables and tests.
    pub const ALL: [Error; 18] = [
        Error::BadByte,
        Error::BadChunk,
        Error::BadLength,
        Error::BadRequestLine,
        Error::BadTarget,
        Error::BareLineEnd,
        Error::ChunkOverhead,
        Error::CodingInHttp10,
        Error::Expectation,
        Error::HeadTooLarge,
        Error::Host,
        Error::LengthAndChunked,
        Error::Method,
        Error::ObsoleteFold,
        Error::TargetTooLong,
        Error::TooManyFields,
        Error::TransferCoding,
        Error::Version,
    ];

    /// For programs that tell errors apart by text.
    pub fn name(self) -> &'static str {
        match self {
            Error::BadByte => "bad_byte",
            Error::BadChunk => "bad_chunk",
            Error::BadLength => "bad_length",
            Error::BadRequestLine => "bad_request_line",
            Error::BadTarget => "bad_target",
            Error::BareLineEnd => "bare_line_end",
            Error::ChunkOverhead => "chunk_overhead",
            Error::CodingInHttp10 => "coding_in_http10",
            Error::Expectation => "unknown_expectation",
            Error::HeadTooLarge => "head_too_large",
            Error::Host => "bad_host",
            Error::LengthAndChunked => "length_and_chunked",
            Error::Method => "unknown_method",
            Error::ObsoleteFold => "obsolete_fold",
            Error::TargetTooLong => "target_too_long",
            Error::TooManyFields => "too_many_fields",
            Error::TransferCoding => "unknown_transfer_coding",
            Error::Version => "unknown_version",
        }
    }

    /// The status its sender is answered with.
    pub fn status(self) -> u16 {
        match self {
            Error::TargetTooLong => 414,
            Error::Expectation => 417,
            Error::HeadTooLarge | Error::TooManyFields => 431,
            Error::Method | Error::TransferCoding => 501,
            Error::Version => 505,
            _ => 400,
        }
    }

    /// One sentence for its sender: what is wrong, and what is allowed.
    pub fn explain(self) -> &'static str {
        match self {
            Error::BadByte => {
                "the request head holds a byte that may not stand there: a field is `Name: value`, its name a token \
                 with the colon right after it, its value free of control characters"
            }
            Error::BadChunk => {
                "the chunked framing is broken: each chunk is its size in plain hexadecimal, CRLF, that many bytes, CRLF"
            }
            Error::BadLength => "Content-Length must be there at most once, as one plain decimal number",
            Error::BadRequestLine => {
                "the request line must be `METHOD target HTTP/1.1`, with one space between each of the three"
            }
            Error::BadTarget => {
                "the request target must be a path such as `/name?query`, in printable ASCII without a fragment, or an \
                 absolute URL whose authority equals Host; `*` is for OPTIONS only"
            }
            Error::BareLineEnd => "every line of the request must end in CRLF; neither CR nor LF may stand alone",
            Error::ChunkOverhead => "the chunked framing outweighs the data it carries: send larger chunks",
            Error::CodingInHttp10 => "HTTP/1.0 has no Transfer-Encoding: send Content-Length, or speak HTTP/1.1",
            Error::Expectation => "the only expectation this server can meet is `Expect: 100-continue`",
            Error::HeadTooLarge => "the request head or trailer section is too large: send fewer or shorter fields",
            Error::Host => "an HTTP/1.1 request needs exactly one Host field, holding `host` or `host:port`",
            Error::LengthAndChunked => "Content-Length and Transfer-Encoding exclude each other: send only one of them",
            Error::Method => {
                "this server knows the methods GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS and TRACE, in upper case"
            }
            Error::ObsoleteFold => "a field must be on one line: a line must not begin with a space or a tab",
            Error::TargetTooLong => "the request target is too long: put long input into the body",
            Error::TooManyFields => "the request head has too many fields: send fewer",
            Error::TransferCoding => "the only transfer coding this server knows is `chunked`, sent once",
            Error::Version => "this server speaks HTTP/1.1 and HTTP/1.0",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_a_status_and_a_sentence_of_its_own() {
        for (index, error) in Error::ALL.into_iter().enumerate() {
            assert!((400..=599).contains(&error.status()), "{error:?}");
            assert!(error.explain().len() > 20, "{error:?}");
            assert!(error.explain().bytes().all(|byte| (b' '..0x7f).contains(&byte)), "{error:?}");
            assert!(!error.explain().contains("  "), "{error:?}");
            for other in &Error::ALL[..index] {
                assert_ne!(error, *other);
                assert_ne!(error.explain(), other.explain());
            }
        }
    }

    #[test]
    fn what_is_no_plain_mistake_has_its_own_status() {
        let special: [(Error, u16); 7] = [
            (Error::TargetTooLong, 414),
            (Error::Expectation, 417),
            (Error::HeadTooLarge, 431),
            (Error::TooManyFields, 431),
            (Error::Method, 501),
            (Error::TransferCoding, 501),
            (Error::Version, 505),
        ];
        for error in Error::ALL {
            let expected = special.iter().find(|(known, _)| *known == error).map_or(400, |(_, status)| *status);
            assert_eq!(error.status(), expected, "{error:?}");
        }
    }
}
