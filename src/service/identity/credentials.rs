//! The `Authorization` field (RFC 9110 §11.6.2): bytes in, credentials out.
//!
//! Refused: other schemes, tokens with characters that none has, base64 that is not exactly that,
//! passwords that are not UTF-8, and anything longer than its bound.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::limits::{PASSWORD_BYTES_MAX, TOKEN_BYTES_MAX, USER_NAME_BYTES_MAX};

/// Longest base64 text of a name, a colon and a password.
const BASIC_BYTES_MAX: usize = (USER_NAME_BYTES_MAX + 1 + PASSWORD_BYTES_MAX).div_ceil(3) * 4;

/// What somebody shows for oneself.
#[derive(PartialEq, Eq)]
pub(crate) enum Credentials {
    /// `Bearer`
    Token(String),
    /// `Basic`
    Password {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
}

/// Reads the field; `None` when it is not understood.
pub(crate) fn parse(field: &[u8]) -> Option<Credentials> {
    let cut = memchr::memchr(b' ', field)?;
    let (scheme, value) = (&field[..cut], field[cut..].trim_ascii());
    match scheme {
        scheme if scheme.eq_ignore_ascii_case(b"bearer") => parse_token(value),
        scheme if scheme.eq_ignore_ascii_case(b"basic") => parse_basic(value),
        _ => None,
    }
}

/// A token68 (RFC 6750 §2.1).
pub(crate) fn parse_token(value: &[u8]) -> Option<Credentials> {
    let plain = value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte));
    if value.is_empty() || value.len() > TOKEN_BYTES_MAX || !plain {
        return None;
    }
    std::str::from_utf8(value).ok().map(|token| Credentials::Token(token.to_owned()))
}

/// RFC 7617 §2; the password may have colons, the name may not.
fn parse_basic(value: &[u8]) -> Option<Credentials> {
    if value.len() > BASIC_BYTES_MAX {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    let fits = (1..=USER_NAME_BYTES_MAX).contains(&user.len()) && password.len() <= PASSWORD_BYTES_MAX;
    fits.then(|| Credentials::Password { user: user.to_owned(), password: password.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(field: &str) -> Option<String> {
        Some(match parse(field.as_bytes())? {
            Credentials::Token(token) => format!("token {token}"),
            Credentials::Password { user, password } => format!("{user} with {password}"),
        })
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn tokens_and_passwords_are_read() {
        assert_eq!(told("Bearer lat_aB-._~+/=").as_deref(), Some("token lat_aB-._~+/="));
        assert_eq!(told("bEARER   x ").as_deref(), Some("token x"));
        assert_eq!(told(&basic("ann:p:w")).as_deref(), Some("ann with p:w"));
        assert_eq!(told(&basic("ann:")).as_deref(), Some("ann with "));
        assert_eq!(told(&basic("änn:pässword")).as_deref(), Some("änn with pässword"));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for field in ["", "Bearer", "Bearer ", "Bearer a b", "Bearer a\"b", "Digest x", "Basic", "Basic !", "Basic YQ"]
        {
            assert_eq!(told(field), None, "{field}");
        }
        for text in ["ann", ":pw", ""] {
            assert_eq!(told(&basic(text)), None, "{text}");
        }
        assert_eq!(told(&format!("Basic {}", STANDARD.encode([b'a', b':', 0xff]))), None);
    }

    #[test]
    fn each_bound_is_where_it_says() {
        let token = |length: usize| told(&format!("Bearer {}", "t".repeat(length))).is_some();
        assert!(token(TOKEN_BYTES_MAX) && !token(TOKEN_BYTES_MAX + 1));
        let password = |user: usize, password: usize| {
            told(&basic(&format!("{}:{}", "u".repeat(user), "p".repeat(password)))).is_some()
        };
        assert!(password(USER_NAME_BYTES_MAX, PASSWORD_BYTES_MAX));
        assert!(!password(USER_NAME_BYTES_MAX + 1, 1));
        assert!(!password(1, PASSWORD_BYTES_MAX + 1));
    }
}
