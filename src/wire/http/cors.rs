//! Cross-origin requests (the CORS protocol of the Fetch standard): an `Origin` and a policy in,
//! fields out.
//!
//! Origins are compared byte by byte: no pattern, no suffix, no case folding, so that no origin is
//! another one's neighbour. Answers that depend on the origin say so with `Vary`, whether it was
//! allowed or not, so that no cache hands one origin's answer to another.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::fields::{Fields, is_token, split_member};
use crate::wire::http1::Method;

/// Names requested by one preflight that are looked at; a browser asks for a few.
const NAMES_MAX: usize = 64;

/// Who may read answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// Everybody; never together with credentials.
    Any,
    /// These, as browsers send them: `https://app.example`, with a port unless it is the scheme's own.
    These(Vec<Box<str>>),
}

/// Which request fields may be sent beside those that always may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// All that are asked for.
    Any,
    /// These.
    These(Vec<Box<str>>),
}

/// A policy; see [`Policy::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Who may read answers.
    pub origins: Origins,
    /// With which methods, beside GET, HEAD and POST, which always may.
    pub methods: Vec<Method>,
    /// With which fields.
    pub headers: Names,
    /// Which answer fields may be read beside those that always may.
    pub exposed: Vec<Box<str>>,
    /// With cookies and the like.
    pub credentials: bool,
    /// How long a preflight's answer holds, in seconds.
    pub max_age_s: u32,
}

/// Why a policy cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyError {
    /// Everybody with credentials: every site could act in the name of every visitor.
    AnyWithCredentials,
    /// A name of a field is none.
    BadName,
    /// An origin is none: `scheme://host` or `scheme://host:port`, in lower case.
    BadOrigin,
}

/// The fields to add to an answer.
pub type AnswerFields = Vec<(&'static str, Cow<'static, str>)>;

impl Policy {
    /// Whether the policy can be held; for when it is read from settings.
    pub fn check(&self) -> Result<(), PolicyError> {
        let names = match &self.headers {
            Names::Any => &[],
            Names::These(names) => &names[..],
        };
        if names.iter().chain(&self.exposed).any(|name| !is_token(name.as_bytes())) {
            return Err(PolicyError::BadName);
        }
        match &self.origins {
            Origins::Any if self.credentials => Err(PolicyError::AnyWithCredentials),
            Origins::These(origins) if !origins.iter().all(|origin| is_origin(origin)) => Err(PolicyError::BadOrigin),
            _ => Ok(()),
        }
    }

    /// The fields of an answer to a request with these fields that is no preflight.
    pub fn answer<'b>(&self, fields: impl Fields<'b>) -> AnswerFields {
        let mut answer = AnswerFields::new();
        if let Some(origin) = self.allow(fields) {
            self.say_origin(origin, &mut answer);
            if !self.exposed.is_empty() {
                answer.push(("Access-Control-Expose-Headers", self.exposed.join(", ").into()));
            }
        }
        if self.depends_on_origin() {
            answer.push(("Vary", "Origin".into()));
        }
        answer
    }

    /// The fields of the answer (204, without a body) to an OPTIONS request that is a preflight;
    /// `None` when it is none. A preflight that is refused gets no allowance, which tells the browser.
    pub fn preflight<'b>(&self, fields: impl Fields<'b>) -> Option<AnswerFields> {
        let wanted = fields.single("Access-Control-Request-Method")?;
        fields.single("Origin")?;
        let mut answer = AnswerFields::new();
        let names = fields.single("Access-Control-Request-Headers").unwrap_or_default();
        if let (Some(origin), Some(method), Some(names)) =
            (self.allow(fields), self.allow_method(wanted), self.allow_names(names))
        {
            self.say_origin(origin, &mut answer);
            answer.push(("Access-Control-Allow-Methods", method.as_str().into()));
            if !names.is_empty() {
                answer.push(("Access-Control-Allow-Headers", names.into()));
            }
            answer.push(("Access-Control-Max-Age", alloc::format!("{}", self.max_age_s).into()));
        }
        let vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
        answer.push(("Vary", vary.into()));
        Some(answer)
    }

    /// What `Access-Control-Allow-Origin` says, if the origin may read the answer. Where everybody may,
    /// it is said to everybody: an answer to a request without an origin may be kept and used for one
    /// with it.
    fn allow<'b>(&self, fields: impl Fields<'b>) -> Option<String> {
        match &self.origins {
            Origins::Any if self.credentials => None,
            Origins::Any => Some("*".into()),
            Origins::These(known) => {
                let origin = fields.single("Origin")?;
                known.iter().find(|known| known.as_bytes() == origin).map(|it| it[..].into())
            }
        }
    }

    fn allow_method(&self, wanted: &[u8]) -> Option<Method> {
        let method = Method::parse(wanted)?;
        let always = matches!(method, Method::Get | Method::Head | Method::Post);
        (always || self.methods.contains(&method)).then_some(method)
    }

    /// The names that were asked for, if all of them may be sent.
    fn allow_names(&self, mut asked: &[u8]) -> Option<String> {
        let mut names = String::new();
        for _ in 0..=NAMES_MAX {
            let Some((name, rest)) = split_member(asked) else { return Some(names) };
            if !is_token(name) || !self.allows_name(name) {
                return None;
            }
            names.push_str(if names.is_empty() { "" } else { ", " });
            names.extend(name.iter().map(|&byte| char::from(byte)));
            asked = rest;
        }
        None
    }

    fn allows_name(&self, name: &[u8]) -> bool {
        match &self.headers {
            Names::Any => true,
            Names::These(known) => known.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name)),
        }
    }

    fn say_origin(&self, origin: String, answer: &mut AnswerFields) {
        answer.push(("Access-Control-Allow-Origin", origin.into()));
        if self.credentials {
            answer.push(("Access-Control-Allow-Credentials", "true".into()));
        }
    }

    fn depends_on_origin(&self) -> bool {
        matches!(self.origins, Origins::These(_))
    }
}

/// As a browser writes one. `null` is none: every sandboxed page has it.
fn is_origin(origin: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let good_scheme = !scheme.is_empty() && scheme.bytes().all(|byte| is_lower(byte) || b"+-.".contains(&byte));
    let good_host = !host.is_empty() && host.bytes().all(|byte| is_lower(byte) || b"-._[]:".contains(&byte));
    let is_number = |port: &str| (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    good_scheme && good_host && port.is_none_or(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http::fields::Field;
    use alloc::vec;

    fn policy() -> Policy {
        Policy {
            origins: Origins::These(vec!["https://app.example".into(), "http://localhost:3000".into()]),
            methods: vec![Method::Put],
            headers: Names::These(vec!["Authorization".into(), "Content-Type".into()]),
            exposed: vec!["ETag".into()],
            credentials: true,
            max_age_s: 600,
        }
    }

    fn open() -> Policy {
        Policy { origins: Origins::Any, headers: Names::Any, credentials: false, ..policy() }
    }

    fn fields<'a>(lines: &[(&'a str, &'a str)]) -> Vec<Field<'a>> {
        lines.iter().map(|&(name, value)| (name.as_bytes(), value.as_bytes())).collect()
    }

    fn find<'a>(fields: &'a AnswerFields, name: &str) -> Option<&'a str> {
        fields.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value)
    }

    #[test]
    fn an_answer_is_for_the_origins_of_the_policy_alone() {
        for (origin, allowed) in [
            ("https://app.example", true),
            ("http://localhost:3000", true),
            ("http://app.example", false),
            ("https://app.example:443", false),
            ("https://APP.example", false),
            ("https://app.example.evil.example", false),
            ("https://evilapp.example", false),
            ("null", false),
            ("", false),
        ] {
            let answer = policy().answer(&*fields(&[("Origin", origin)]));
            let expected = allowed.then_some(origin);
            assert_eq!(find(&answer, "Access-Control-Allow-Origin"), expected, "{origin}");
            assert_eq!(find(&answer, "Access-Control-Allow-Credentials"), allowed.then_some("true"));
            assert_eq!(find(&answer, "Access-Control-Expose-Headers"), allowed.then_some("ETag"));
            assert_eq!(find(&answer, "Vary"), Some("Origin"), "{origin}");
        }
        assert_eq!(policy().answer(&[][..]), [("Vary", Cow::from("Origin"))]);
        let twice = fields(&[("Origin", "https://app.example"), ("Origin", "https://app.example")]);
        assert_eq!(policy().answer(&twice[..]).len(), 1);
    }

    #[test]
    fn an_open_answer_is_the_same_for_all() {
        let answer = open().answer(&*fields(&[("Origin", "https://any.example")]));
        assert_eq!(find(&answer, "Access-Control-Allow-Origin"), Some("*"));
        assert_eq!((find(&answer, "Vary"), find(&answer, "Access-Control-Allow-Credentials")), (None, None));
        assert_eq!(open().answer(&[][..]), answer, "a cache may use it for those that have an origin");
    }

    fn preflight(policy: &Policy, method: &str, names: &str) -> Option<AnswerFields> {
        policy.preflight(&*fields(&[
            ("Origin", "https://app.example"),
            ("Access-Control-Request-Method", method),
            ("Access-Control-Request-Headers", names),
        ]))
    }

    #[test]
    fn a_preflight_is_answered_for_what_it_asks() {
        for (method, names, allowed) in [
            ("PUT", "authorization", true),
            ("PUT", "authorization, content-type", true),
            ("GET", "", true),
            ("POST", "", true),
            ("DELETE", "", false),
            ("put", "", false),
            ("PUT", "x-other", false),
            ("PUT", "authorization, x-other", false),
            ("PUT", "not a token", false),
            ("BREW", "", false),
        ] {
            let answer = preflight(&policy(), method, names).expect("it is one");
            let expected = allowed.then_some("https://app.example");
            assert_eq!(find(&answer, "Access-Control-Allow-Origin"), expected, "{method} {names}");
            assert_eq!(find(&answer, "Access-Control-Max-Age"), allowed.then_some("600"));
            assert_eq!(find(&answer, "Access-Control-Allow-Methods"), allowed.then_some(method));
            assert!(find(&answer, "Vary").is_some_and(|vary| vary.starts_with("Origin, ")));
        }
        let answer = preflight(&open(), "GET", "x-a,x-b").expect("it is one");
        assert_eq!(find(&answer, "Access-Control-Allow-Headers"), Some("x-a, x-b"));
    }

    #[test]
    fn names_are_read_up_to_their_bound() {
        for (count, allowed) in [(NAMES_MAX - 1, true), (NAMES_MAX, true), (NAMES_MAX + 1, false)] {
            let answer = preflight(&open(), "GET", &"x-a,".repeat(count)).expect("it is one");
            assert_eq!(find(&answer, "Access-Control-Allow-Origin").is_some(), allowed, "{count}");
        }
    }

    #[test]
    fn an_options_request_without_its_fields_is_no_preflight() {
        for lines in [&[("Origin", "https://app.example")][..], &[("Access-Control-Request-Method", "GET")], &[]] {
            assert_eq!(policy().preflight(&*fields(lines)), None);
        }
    }

    #[test]
    fn a_policy_that_cannot_be_held_is_told() {
        assert_eq!((policy().check(), open().check()), (Ok(()), Ok(())));
        let any = Policy { credentials: true, ..open() };
        assert_eq!(any.check(), Err(PolicyError::AnyWithCredentials));
        assert_eq!(
            find(&any.answer(&*fields(&[("Origin", "https://a.example")])), "Access-Control-Allow-Origin"),
            None
        );
        for bad in
            ["null", "*", "app.example", "https://", "https://app.example/", "https://App.example", "https://a:x"]
        {
            let policy = Policy { origins: Origins::These(vec![bad.into()]), ..policy() };
            assert_eq!(policy.check(), Err(PolicyError::BadOrigin), "{bad}");
        }
        for good in ["https://[::1]:8080", "https://[::1]", "moz-extension://0a-b"] {
            let policy = Policy { origins: Origins::These(vec![good.into()]), ..policy() };
            assert_eq!(policy.check(), Ok(()), "{good}");
        }
        let policy = Policy { exposed: vec!["a b".into()], ..policy() };
        assert_eq!(policy.check(), Err(PolicyError::BadName));
    }
}
