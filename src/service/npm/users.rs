//! Accounts as npm's legacy protocol has them: login, sign-up, logout, whoami, stars.
//!
//! Without a password in `Authorization` an existing user is answered 409 even when the body has the
//! right one: that is how clients learn to come back with it. A bearer token that is no longer valid
//! is what most logins begin with, so these routes do not mind it; a wrong password they do.

use std::sync::Arc;

use serde::Deserialize;

use crate::app::identity::{Shown, Standing, is_user_name};
use crate::app::reply::push_json_string;
use crate::app::router::decode;
use crate::app::store::{Joined, Result, User, Users};
use crate::app::{Change, Identity, Outcome, Request};
use crate::limits::{EMAIL_BYTES_MAX, PASSWORD_BYTES_MAX, TOKEN_BYTES_MAX, USER_NAME_BYTES_MAX};
use crate::service::npm::access::{Action, Decision};
use crate::service::npm::answer::{Answer, json_string};
use crate::service::npm::packument::push_list;
use crate::service::npm::shared::Shared;

/// What the ids of users begin with.
const ID_PREFIX: &str = "org.couchdb.user:";
/// Shortest password of a new user (NIST SP 800-63B §5.1.1.2).
const PASSWORD_BYTES_MIN: usize = 8;

/// How somebody came to a route about accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// With a password that is right.
    Password(Arc<str>),
    /// With a password that is wrong, or of nobody.
    WrongPassword,
    /// With a token, valid or not, or with nothing.
    Other,
}

impl Credentials {
    /// Told from what the guard found out and what was sent.
    pub(crate) fn of(request: &Request<'_>) -> Self {
        match &request.identity.standing {
            Standing::User(name) if matches!(request.identity.shown, Shown::Password(_)) => {
                Self::Password(Arc::clone(name))
            }
            Standing::Invalid if is_basic(request.header("Authorization")) => Self::WrongPassword,
            _ => Self::Other,
        }
    }
}

fn is_basic(authorization: Option<&[u8]>) -> bool {
    authorization.is_some_and(|value| value.len() >= 5 && value[..5].eq_ignore_ascii_case(b"basic"))
}

/// The user in a path: `org.couchdb.user:NAME`, decoded once.
pub(crate) fn user_in_path(raw: &[u8]) -> Option<String> {
    let decoded = decode(raw)?;
    let name = decoded.strip_prefix(ID_PREFIX)?;
    (!name.is_empty() && name.len() <= USER_NAME_BYTES_MAX).then(|| name.to_owned())
}

/// 401 with what to do about it.
pub(crate) fn unauthorized(error: &str) -> Answer {
    Answer::error(401, error, None).with("WWW-Authenticate", "Bearer")
}

/// What a login sends.
#[derive(Deserialize)]
struct Login {
    name: String,
    password: String,
    #[serde(default)]
    email: Option<String>,
}

/// `PUT /-/user/org.couchdb.user:NAME`: login with a password in `Authorization`, else sign-up. Slow.
pub(crate) fn login(shared: &Shared, name: &str, credentials: &Credentials, body: &[u8]) -> Outcome {
    if let Credentials::Password(user) = credentials {
        return Outcome::value(relogin(shared, name, user));
    }
    let user = match shared.users.user(name) {
        Ok(user) => user,
        Err(error) => return Outcome::value(Answer::store_failed(&error)),
    };
    let is_wrong = *credentials == Credentials::WrongPassword;
    match user {
        _ if is_wrong && !shared.settings.allow_signup => Outcome::value(wrong_password()),
        Some(_) if is_wrong => Outcome::value(wrong_password()),
        Some(_) => Outcome::value(Answer::error(
            409,
            "conflict",
            Some("this user exists: log in with the password in Authorization: Basic"),
        )),
        None if !shared.settings.allow_signup => Outcome::value(Answer::error(
            403,
            "there is no such user, and this registry does not let anybody sign up",
            Some("ask its operator for an account"),
        )),
        None => sign_up(shared, name, body),
    }
}

fn wrong_password() -> Answer {
    unauthorized("wrong user name or password")
}

/// A token for `user`, whose password was right, if that is who the path names. Blocks.
pub(crate) fn relogin(shared: &Shared, name: &str, user: &str) -> Answer {
    if name != user {
        return Answer::error(403, "the password is of another user than the path names", None);
    }
    logged_in(&*shared.users, user)
}

fn sign_up(shared: &Shared, name: &str, body: &[u8]) -> Outcome {
    let login: Login = match serde_json::from_slice(body) {
        Ok(login) => login,
        Err(_) => return Outcome::value(Answer::error(400, "expected a JSON object with name and password", None)),
    };
    if let Some(answer) = refuse_login(name, &login) {
        return Outcome::value(answer);
    }
    match shared.users.join(name, &login.password, login.email.as_deref().unwrap_or_default()) {
        Err(error) => Outcome::value(Answer::store_failed(&error)),
        Ok(Joined::Exists) => Outcome::value(Answer::error(409, "conflict", Some("this user exists"))),
        Ok(Joined::Done) => Outcome::changed(logged_in(&*shared.users, name), vec![Change::Identity(Arc::from(name))]),
    }
}

fn refuse_login(name: &str, login: &Login) -> Option<Answer> {
    let refuse = |error: &str| Some(Answer::error(400, error, None));
    let password = login.password.len();
    let email = login.email.as_deref().unwrap_or_default();
    match () {
        () if login.name != name => refuse("the document is of another user than the path names"),
        // What the store takes; told here, where there is somebody to tell.
        () if !is_user_name(name) => {
            refuse("a user name is 1 to 64 of a-z, 0-9, '.', '_' and '-', not beginning with '.' or '-'")
        }
        () if password < PASSWORD_BYTES_MIN => refuse("a password has at least 8 characters"),
        () if password > PASSWORD_BYTES_MAX => refuse("a password has at most 1024 bytes"),
        () if email.len() > EMAIL_BYTES_MAX || email.chars().any(char::is_control) => {
            refuse("an email address has at most 254 bytes and no control characters")
        }
        () => None,
    }
}

fn logged_in(users: &dyn Users, user: &str) -> Answer {
    let token = match users.issue_token(user, false) {
        Ok(Some(token)) => token,
        Ok(None) => return wrong_password(),
        Err(error) => return Answer::store_failed(&error),
    };
    let mut json = String::from("{\"ok\":");
    push_json_string(&mut json, &format!("you are logged in as {user}"));
    json.push_str(",\"id\":");
    push_json_string(&mut json, &format!("{ID_PREFIX}{user}"));
    json.push_str(",\"rev\":\"1\",\"token\":");
    push_json_string(&mut json, &token);
    json.push('}');
    Answer::json(201, json).with("Cache-Control", "no-store")
}

/// `GET /-/user/org.couchdb.user:NAME`. The address is for the user and administrators. Blocks.
pub(crate) fn show(shared: &Shared, name: &str, identity: &Identity) -> Answer {
    let user = match shared.users.user(name) {
        Ok(Some(user)) => user,
        Ok(None) => return Answer::error(404, "there is no such user", None),
        Err(error) => return Answer::store_failed(&error),
    };
    let may_see = identity.admin || identity.user().is_some_and(|asker| **asker == *user.name);
    Answer::json(200, user_json(&user, may_see)).with("Cache-Control", "private, no-cache")
}

fn user_json(user: &User, with_email: bool) -> String {
    let mut json = String::from("{\"_id\":");
    push_json_string(&mut json, &format!("{ID_PREFIX}{}", user.name));
    json.push_str(",\"_rev\":\"1\",\"name\":");
    push_json_string(&mut json, &user.name);
    json.push_str(",\"email\":");
    push_json_string(&mut json, if with_email { &user.email } else { "" });
    json.push_str(",\"type\":\"user\",\"roles\":[]}");
    json
}

/// `GET /-/whoami`
pub(crate) fn whoami(identity: &Identity) -> Answer {
    match identity.user() {
        Some(user) => Answer::json(200, format!("{{\"username\":{}}}", json_string(user))),
        None => unauthorized("you are not logged in"),
    }
}

/// `DELETE /-/user/token/TOKEN`: ends a token of `user`. What was sent is never repeated. Blocks.
pub(crate) fn logout(shared: &Shared, user: &Arc<str>, raw_token: &[u8]) -> Outcome {
    let revoked = match decode(raw_token).filter(|token| token.len() <= TOKEN_BYTES_MAX) {
        Some(token) => shared.users.revoke_token(user, &token),
        None => Ok(false),
    };
    match revoked {
        Ok(true) => Outcome::changed(Answer::ok(200), vec![Change::Identity(Arc::clone(user))]),
        Ok(false) => Outcome::value(Answer::error(404, "you have no such token", None)),
        Err(error) => Outcome::value(Answer::store_failed(&error)),
    }
}

/// `GET /-/_view/starredByUser?key="u"`: what a user starred, as far as the asker may see it. Blocks.
pub(crate) fn starred(shared: &Shared, user: &str, identity: &Identity) -> Answer {
    let names: Result<Vec<String>> = shared.packages.starred(user);
    let mut names = match names {
        Ok(names) => names,
        Err(error) => return Answer::store_failed(&error),
    };
    names.retain(|name| shared.access.decide_name(name, identity, Action::Read) == Decision::Allow);
    let mut json = String::from("{\"rows\":[");
    push_list(&mut json, &names, |json, name| {
        json.push_str("{\"value\":");
        push_json_string(json, name);
        json.push('}');
    });
    json.push_str("]}");
    Answer::json(200, json).with("Cache-Control", "private, no-cache")
}

/// The user in `?key=`, a JSON string; bare names are taken too.
pub(crate) fn user_in_key(raw: Option<&[u8]>) -> Option<String> {
    let key = decode(raw?)?;
    let name = serde_json::from_str::<String>(&key).unwrap_or_else(|_| key.into_owned());
    (!name.is_empty() && name.len() <= USER_NAME_BYTES_MAX).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_read_from_a_path_and_decoded_once() {
        for (raw, expected) in [
            ("org.couchdb.user:ann", Some("ann")),
            ("org.couchdb.user%3Aann", Some("ann")),
            ("org.couchdb.user:a%252fb", Some("a%2fb")),
            ("org.couchdb.user:", None),
            ("ann", None),
            ("org.couchdb.user:%00", None),
        ] {
            assert_eq!(user_in_path(raw.as_bytes()).as_deref(), expected, "{raw}");
        }
        let path = |length: usize| user_in_path(format!("{ID_PREFIX}{}", "a".repeat(length)).as_bytes());
        assert!(path(USER_NAME_BYTES_MAX).is_some() && path(USER_NAME_BYTES_MAX + 1).is_none());
    }

    #[test]
    fn a_new_user_has_a_plain_name_and_a_password_of_some_length() {
        let refused = |name: &str, password: usize, email: usize| {
            let login = Login { name: name.into(), password: "p".repeat(password), email: Some("e".repeat(email)) };
            refuse_login(name, &login).is_some()
        };
        for name in ["ann", "ann-2.x_", "0", "_a", &"a".repeat(USER_NAME_BYTES_MAX)] {
            assert!(!refused(name, PASSWORD_BYTES_MIN, 0), "{name}");
        }
        for name in
            ["", "Ann", "$all", ".a", "a b", "a:b", "a/b", "ä", "-a", "a\n", &"a".repeat(USER_NAME_BYTES_MAX + 1)]
        {
            assert!(refused(name, PASSWORD_BYTES_MIN, 0), "{name}");
        }
        for (password, email, expected) in [
            (PASSWORD_BYTES_MIN - 1, 0, true),
            (PASSWORD_BYTES_MIN, 0, false),
            (PASSWORD_BYTES_MAX, EMAIL_BYTES_MAX, false),
            (PASSWORD_BYTES_MAX + 1, 0, true),
            (PASSWORD_BYTES_MIN, EMAIL_BYTES_MAX + 1, true),
        ] {
            assert_eq!(refused("ann", password, email), expected, "{password} {email}");
        }
    }

    #[test]
    fn a_key_is_a_json_string_or_a_bare_name() {
        assert_eq!(user_in_key(Some(b"%22ann%22")).as_deref(), Some("ann"));
        assert_eq!(user_in_key(Some(b"ann")).as_deref(), Some("ann"));
        assert_eq!(user_in_key(Some(b"%22%22")), None);
        assert_eq!(user_in_key(None), None);
    }
}
