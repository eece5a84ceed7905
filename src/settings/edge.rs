//! What every answer of the node carries: the keys of it, and what they come to.
#![allow(clippy::disallowed_methods, reason = "answers are timed by a clock of their own")]

use std::sync::Arc;
use std::time::Instant;

use super::{Http, Settings};
use crate::app::Edge;
use crate::app::edge::Ids;
use crate::limits::CORS_ORIGINS_MAX;
use crate::wire::http::cors::{Names, Origins, Policy};
use crate::wire::http1::{Method, emit};

pub(super) const ORIGINS_ALLOWED: &str = "\"*\" alone, or a list of origins such as \"https://app.example.com\"";

/// How long a browser may remember what it was allowed, in seconds.
const PREFLIGHT_S: u32 = 600;

pub(super) fn read_origins(settings: &Settings) -> Vec<String> {
    show_origins(settings.http.cors_origins.as_ref())
}

pub(super) fn write_origins(settings: &mut Settings, texts: &[&str]) -> Result<(), String> {
    settings.http.cors_origins = parse_origins(texts)?;
    Ok(())
}

/// As they are written.
pub(super) fn show_origins(origins: Option<&Origins>) -> Vec<String> {
    match origins {
        None => Vec::new(),
        Some(Origins::Any) => vec!["*".to_owned()],
        Some(Origins::These(origins)) => origins.iter().map(ToString::to_string).collect(),
    }
}

/// Those that these texts name, `None` for none; or why they do not.
pub(super) fn parse_origins(texts: &[&str]) -> Result<Option<Origins>, String> {
    let origins = match texts {
        [] => None,
        ["*"] => Some(Origins::Any),
        texts if texts.len() > CORS_ORIGINS_MAX => return Err(format!("names more than {CORS_ORIGINS_MAX} origins")),
        texts => Some(Origins::These(texts.iter().map(|text| (*text).into()).collect())),
    };
    if origins.clone().is_some_and(|origins| policy(origins).check().is_err()) {
        return Err("has something that is no origin: scheme://host or scheme://host:port, in lower case".into());
    }
    Ok(origins)
}

/// No credentials: what a page may do, it does with a token it holds, never with one the browser adds.
fn policy(origins: Origins) -> Policy {
    Policy {
        origins,
        methods: vec![Method::Put, Method::Patch, Method::Delete],
        headers: Names::Any,
        exposed: ["ETag", "Retry-After", "Server-Timing", "X-Request-Id"].map(Into::into).into(),
        credentials: false,
        max_age_s: PREFLIGHT_S,
    }
}

/// The edge of one thread; `seed` is what its request ids begin with.
pub fn edge(http: &Http, seed: u64) -> Edge {
    // Over plain HTTP anybody on the way could have written it (RFC 6797 §7.2).
    let mut secure = Vec::new();
    if http.hsts_s > 0 {
        emit::field(&mut secure, "Strict-Transport-Security", format!("max-age={}", http.hsts_s).as_bytes());
    }
    let start = Instant::now();
    Edge {
        cors: http.cors_origins.clone().map(|origins| Arc::new(policy(origins))),
        ids: http.request_ids.then(|| Ids::new(seed)),
        stopwatch: http.server_timing.then(|| Arc::new(move || start.elapsed().as_nanos() as u64) as _),
        fixed: Vec::new(),
        secure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(texts: &[&str]) -> Result<Vec<String>, String> {
        let mut settings = Settings::default();
        write_origins(&mut settings, texts).map(|()| read_origins(&settings))
    }

    #[test]
    fn origins_are_read_as_they_were_written() {
        for texts in [&[][..], &["*"], &["https://a.example", "http://localhost:3000"]] {
            assert_eq!(written(texts).expect("they are sound"), texts);
        }
        for bad in ["null", "https://a.example/", "a.example", "https://*.a.example", "HTTPS://A.example"] {
            assert!(written(&[bad]).is_err(), "{bad}");
            assert!(written(&["https://a.example", "*"]).is_err(), "everybody and one more");
        }
    }

    #[test]
    fn as_many_origins_as_there_may_be_and_no_more() {
        let origins: Vec<String> = (0..=CORS_ORIGINS_MAX).map(|n| format!("https://a{n}.example")).collect();
        let texts: Vec<&str> = origins.iter().map(String::as_str).collect();
        assert!(written(&texts[..CORS_ORIGINS_MAX - 1]).is_ok() && written(&texts[..CORS_ORIGINS_MAX]).is_ok());
        assert!(written(&texts).is_err());
    }

    #[test]
    fn nothing_is_added_unless_it_was_asked_for() {
        assert!(edge(&Settings::default().http, 1).is_empty());
        let http = Http { hsts_s: 60, ..Settings::default().http };
        assert_eq!(edge(&http, 1).secure, b"Strict-Transport-Security: max-age=60\r\n");
    }
}
