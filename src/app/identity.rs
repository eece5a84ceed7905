//! Who asks.

use std::ops::Deref;
use std::sync::Arc;

/// Who asks, as the credentials of the request say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user, or why there is none.
    pub standing: Standing,
    /// May read only.
    pub read_only: bool,
    /// May do everything.
    pub admin: bool,
    /// Public id of the token that was shown, if it was one; never the token.
    pub token: Option<i64>,
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
        Self { standing: Standing::Anonymous, read_only: true, admin: false, token: None }
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
}
