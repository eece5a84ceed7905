//! A field that a slice writes, and one of the same name that was added before it: which of them leaves.
//!
//! | field | leaves |
//! |---|---|
//! | a list, such as `Vary` or `Set-Cookie` | both |
//! | any, of an error or a 101 | the slice's |
//! | what tells what the bytes are, such as `ETag`, or what a page may do | the slice's |
//! | any other, such as `Cache-Control` or `Content-Type` | the one that was added |
//!
//! Who adds a field comes before there is an answer: what it says is meant for one that goes well. Only
//! answers to which something was added are looked at.

/// Lists whose lines stand beside each other (RFC 9110 §5.3), and `Set-Cookie`, which is no list.
const LISTS: [&str; 5] = ["Link", "Server-Timing", "Set-Cookie", "Vary", "WWW-Authenticate"];

/// What only who has the content knows: what its bytes are, and what a page made of them may do.
const KNOWN: [&str; 10] = [
    "Accept-Ranges",
    "Content-Encoding",
    "Content-Range",
    "Content-Security-Policy",
    "ETag",
    "Last-Modified",
    "Referrer-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
];

/// Which of two fields of one name leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaves {
    Added,
    Both,
    Own,
}

/// Which leaves of an answer of this status; `value` is the slice's.
pub(super) fn leaves(status: u16, name: &str, value: &[u8]) -> Leaves {
    let is_among = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    // The boundary in it is that of the body.
    let has_boundary = || name.eq_ignore_ascii_case("Content-Type") && value.starts_with(b"multipart/");
    match status {
        _ if is_among(&LISTS) => Leaves::Both,
        101 | 400.. => Leaves::Own,
        _ if is_among(&KNOWN) || has_boundary() => Leaves::Own,
        _ => Leaves::Added,
    }
}

/// Whether a line is a field of this name, in any case.
pub(super) fn is_named(line: &[u8], name: &str) -> bool {
    let (start, rest) = line.split_at_checked(name.len()).unwrap_or_default();
    start.eq_ignore_ascii_case(name.as_bytes()) && rest.starts_with(b":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_knows_best_is_heard() {
        for (status, name, value, expected) in [
            (200, "Vary", "Accept", Leaves::Both),
            (404, "set-cookie", "a=1", Leaves::Both),
            (200, "cache-control", "no-cache", Leaves::Added),
            (304, "Cache-Control", "no-cache", Leaves::Added),
            (399, "Cache-Control", "no-cache", Leaves::Added),
            (400, "Cache-Control", "no-store", Leaves::Own),
            (101, "Upgrade", "websocket", Leaves::Own),
            (200, "Content-Type", "text/html", Leaves::Added),
            (206, "content-type", "multipart/byteranges; boundary=b", Leaves::Own),
            (500, "Content-Type", "application/json", Leaves::Own),
            (200, "etag", "\"a\"", Leaves::Own),
            (200, "content-security-policy", "default-src 'none'", Leaves::Own),
        ] {
            assert_eq!(leaves(status, name, value.as_bytes()), expected, "{status} {name}: {value}");
        }
    }
}
