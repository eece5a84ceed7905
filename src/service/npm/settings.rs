//! What `[npm]` of `registry.toml` decides.

use crate::limits::TARBALL_BYTES;

/// The registry's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What tarball URLs begin with, as clients reach the node: `http://127.0.0.1:4873`, or
    /// `https://host/npm`. No slash at the end.
    pub public_url: String,
    /// Anybody may make an account with `npm adduser`.
    pub allow_signup: bool,
    /// Only maintainers (and administrators) may change a package that exists.
    pub check_owners: bool,
    /// Largest tarball, in bytes.
    pub tarball_bytes: u64,
    /// Rendered documents kept, in bytes over all packages.
    pub cache_bytes: usize,
    /// The first rule whose pattern fits a package decides; a package that fits none is closed.
    pub rules: Vec<Rule>,
}

/// Who may do what with the packages of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// A package name in which `*` stands for any characters but a slash, and `**` for any:
    /// `@team/*`, `lodash`, `**`.
    pub pattern: String,
    /// Who may read.
    pub access: Vec<Party>,
    /// Who may publish, tag and deprecate.
    pub publish: Vec<Party>,
    /// Who may unpublish.
    pub unpublish: Vec<Party>,
}

/// Whom a rule admits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Party {
    /// `$all`: everybody.
    All,
    /// `$anonymous`: only who is not logged in.
    Anonymous,
    /// `$authenticated`: every user.
    Authenticated,
    /// One user, by name.
    User(String),
}

impl Default for Settings {
    /// Anybody may read, users may publish and unpublish what they maintain.
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:4873".into(),
            allow_signup: false,
            check_owners: true,
            tarball_bytes: TARBALL_BYTES,
            cache_bytes: 64 * 1024 * 1024,
            rules: vec![Rule {
                pattern: "**".into(),
                access: vec![Party::All],
                publish: vec![Party::Authenticated],
                unpublish: vec![Party::Authenticated],
            }],
        }
    }
}
