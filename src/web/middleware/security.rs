//! Fields that tell a browser what it must not do with an answer.

use super::Middleware;
use crate::web::request::Request;
use crate::web::response::Response;

/// Adds, where the handler or the mounted service has not set them: `X-Content-Type-Options: nosniff`,
/// `Referrer-Policy: strict-origin-when-cross-origin`, and on HTML `Content-Security-Policy`
/// (`default-src 'self'; frame-ancestors 'none'; base-uri 'self'; object-src 'none'`) and
/// `X-Frame-Options: DENY`. `Strict-Transport-Security` only when told, for it binds the host to TLS,
/// and only to who came by TLS ([`Request::is_secure`]).
#[derive(Debug, Clone)]
pub struct SecurityHeaders {
    policy: String,
    referrer: String,
    transport: Option<String>,
    frames: bool,
}

impl SecurityHeaders {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            policy: "default-src 'self'; frame-ancestors 'none'; base-uri 'self'; object-src 'none'".into(),
            referrer: "strict-origin-when-cross-origin".into(),
            transport: None,
            frames: false,
        }
    }

    /// Another `Content-Security-Policy` for HTML. It decides alone who may frame it: then
    /// `X-Frame-Options` is left out.
    pub fn content_security_policy(mut self, policy: impl Into<String>) -> Self {
        (self.policy, self.frames) = (policy.into(), true);
        self
    }

    /// Another `Referrer-Policy`.
    pub fn referrer_policy(mut self, policy: impl Into<String>) -> Self {
        self.referrer = policy.into();
        self
    }

    /// `Strict-Transport-Security` for so many seconds, subdomains included. Only for hosts that
    /// are reached over TLS.
    pub fn strict_transport(mut self, seconds: u64) -> Self {
        self.transport = Some(format!("max-age={seconds}; includeSubDomains"));
        self
    }
}

impl Default for SecurityHeaders {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for SecurityHeaders {
    fn after(&self, request: &Request<'_>, response: &mut Response) {
        let mut default = |name: &str, value: &str| {
            if response.header(name).is_none() {
                response.add_header(name, value);
            }
        };
        default("X-Content-Type-Options", "nosniff");
        default("Referrer-Policy", &self.referrer);
        // Over plain HTTP anybody on the way could have written it (RFC 6797 §7.2).
        if let Some(transport) = self.transport.as_ref().filter(|_| request.is_secure()) {
            default("Strict-Transport-Security", transport);
        }
        if may_be_html(response) {
            let has_policy = response.header("Content-Security-Policy").is_some();
            if !has_policy {
                response.add_header("Content-Security-Policy", &self.policy);
            }
            if !has_policy && !self.frames && response.header("X-Frame-Options").is_none() {
                response.add_header("X-Frame-Options", "DENY");
            }
        }
    }
}

/// An answer whose type is not known here is that of a mounted service, such as files.
fn may_be_html(response: &Response) -> bool {
    let html = b"text/html";
    match response.header("Content-Type") {
        Some(value) => value.get(..html.len()).is_some_and(|value| value.eq_ignore_ascii_case(html)),
        None => response.status() == 200,
    }
}
