//! Who asks.

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
    pub fn anonymous() -> Self {
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
