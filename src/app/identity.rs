//! Who asks.

use std::ops::Deref;
use std::sync::Arc;

use crate::limits::USER_NAME_BYTES_MAX;

/// Who asks, as the credentials of the request say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user, or why there is none.
    pub standing: Standing,
    /// May read only.
    pub read_only: bool,
    /// May do everything.
    pub admin: bool,
    /// What they are.
    pub shown: Shown,
}

/// What credentials are; never themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shown {
    /// There are none, or none that are known.
    Nothing,
    /// A token, by its public id.
    Token(i64),
    /// A password, by a number that changes whenever one is set. Nothing of the password can be told from it.
    Password(u64),
}

/// What credentials amount to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// None were shown.
    Anonymous,
    /// Some were shown and are not valid (any more).
    Invalid,
    /// They belong to this user.
    User(Arc<str>),
}

impl Identity {
    /// Nobody in particular.
    pub const fn anonymous() -> Self {
        Self { standing: Standing::Anonymous, read_only: true, admin: false, shown: Shown::Nothing }
    }

    /// Somebody with credentials that are worth nothing.
    pub fn invalid() -> Self {
        Self { standing: Standing::Invalid, ..Self::anonymous() }
    }

    /// The user's name, if there is one.
    pub fn user(&self) -> Option<&Arc<str>> {
        match &self.standing {
            Standing::User(name) => Some(name),
            Standing::Anonymous | Standing::Invalid => None,
        }
    }
}

/// The identity of a request: shared when somebody is known, and free to hand around when nobody
/// is, so that an anonymous request counts no references.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller(Option<Arc<Identity>>);

impl Caller {
    /// The identity, where credentials were shown.
    pub fn shown(&self) -> Option<&Arc<Identity>> {
        self.0.as_ref()
    }
}

static ANONYMOUS: Identity = Identity::anonymous();

impl Deref for Caller {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        self.0.as_deref().unwrap_or(&ANONYMOUS)
    }
}

impl From<Arc<Identity>> for Caller {
    fn from(identity: Arc<Identity>) -> Self {
        Self(Some(identity))
    }
}

/// Whether a user may be called so: 1 to 64 of a-z, 0-9, `.`, `_` and `-`, not beginning with `.` or
/// `-`. Nothing in such a name means anything in a path, a pattern or a shell.
pub fn is_user_name(name: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    (1..=USER_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(allowed) && !name.starts_with(['.', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_anonymous_until_it_is_known() {
        assert_eq!(*Caller::default(), Identity::anonymous());
        let known = Arc::new(Identity { standing: Standing::User("ann".into()), ..Identity::anonymous() });
        let caller = Caller::from(Arc::clone(&known));
        assert_eq!(*caller, *known);
        assert_eq!(caller.clone().user().map(|name| &**name), Some("ann"));
        assert_eq!(Arc::strong_count(&known), 2, "the clone has gone");
    }

    #[test]
    fn a_user_name_is_short_lower_case_and_no_path() {
        for good in ["a", "0", "_x", "a.b-c_d", &"n".repeat(USER_NAME_BYTES_MAX)] {
            assert!(is_user_name(good), "{good}");
        }
        let longer = "n".repeat(USER_NAME_BYTES_MAX + 1);
        for bad in ["", ".", "..", "-x", ".x", "A", "a/b", "a b", "a:b", "a\0", "a\n", "ä", "$all", &longer] {
            assert!(!is_user_name(bad), "{bad:?}");
        }
    }
}
