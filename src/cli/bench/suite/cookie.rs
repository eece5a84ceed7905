//! The Cookie field: one of a few, and all of many.

use std::hint::black_box;

use super::{Batch, Bench, Category, Subject, TargetKey, mix};
use crate::wire::http::cookie;

const EIGHT: &[u8] = b"_ga=GA1.2.1047352411.1729000000; _gid=GA1.2.55012.1729000000; theme=dark; lang=en-US; \
    consent=%7B%22a%22%3Atrue%7D; session=6f1c2b1e9d8a4c7fb0a3e5d2; csrf=\"c2Fs\"; last=/packages";
const TIMES: u64 = 16;
const OF_PARSE: TargetKey = TargetKey::Nanoseconds(|targets| targets.cookie_parse_ns);
/// As many cookies as a user agent keeps for a domain (RFC 6265 §6.1).
const MANY: usize = 50;

pub(super) fn benches() -> Vec<Bench> {
    let bench = |name, about, target, operations, make| Bench {
        category: Category::Cookie,
        name,
        about,
        target,
        subject: Subject::Code { operations, make },
    };
    vec![
        bench("cookie_parse", "one of eight cookies", Some(OF_PARSE), TIMES, one),
        bench("cookie_all", "all of 50 cookies, 1.6 KB", None, 1, all),
    ]
}

fn one() -> Batch {
    Box::new(|| {
        (0..TIMES).fold(0, |sum, time| {
            let found = cookie::find([black_box(EIGHT)].into_iter(), b"session");
            mix(sum, time + found.ok().flatten().map_or(0, |value| value.len() as u64))
        })
    })
}

fn all() -> Batch {
    let field: Vec<String> = (0..MANY).map(|number| format!("cookie-{number:02}=0123456789abcdefghij")).collect();
    let field = field.join("; ").into_bytes();
    Box::new(move || {
        let length = |cookie: cookie::Cookie<'_>| (cookie.name.len() * cookie.value.len()) as u64;
        cookie::pairs(black_box(&field)).flatten().map(length).fold(0, mix)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cookie_of_the_eight_is_one() {
        let cookies: Vec<_> = cookie::pairs(EIGHT).collect();
        assert_eq!((cookies.len(), cookies.iter().filter(|cookie| cookie.is_ok()).count()), (8, 8));
        let found = cookie::find([EIGHT].into_iter(), b"session");
        assert_eq!(found, Ok(Some(&b"6f1c2b1e9d8a4c7fb0a3e5d2"[..])));
    }
}
