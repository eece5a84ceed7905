//! Who may do what with a package: the rules of the configuration, compiled.
//!
//! The first rule whose pattern fits the name decides; a name that fits none is closed to all but
//! administrators. A package that may not be read is answered without a look whether it exists.

use crate::app::Identity;
use crate::app::identity::Standing;
use crate::service::npm::settings::{Party, Rule};

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// See documents and tarballs.
    Read,
    /// Publish, tag, deprecate, change owners.
    Publish,
    /// Remove versions.
    Unpublish,
}

/// Whether they may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// They may.
    Allow,
    /// They must say who they are, or say it better: 401.
    Unauthorized,
    /// They are known and may not: 403.
    Forbidden,
}

/// Which rule decides about a name; `None`: no rule does.
pub type RuleIndex = Option<usize>;

/// All rules, in their order.
#[derive(Debug)]
pub struct AccessRules {
    rules: Vec<Compiled>,
}

#[derive(Debug)]
struct Compiled {
    pattern: Pattern,
    access: Admitted,
    publish: Admitted,
    unpublish: Admitted,
}

impl AccessRules {
    /// Compiles the rules.
    pub fn new(rules: &[Rule]) -> Self {
        let compile = |rule: &Rule| Compiled {
            pattern: Pattern::new(&rule.pattern),
            access: Admitted::new(&rule.access),
            publish: Admitted::new(&rule.publish),
            unpublish: Admitted::new(&rule.unpublish),
        };
        Self { rules: rules.iter().map(compile).collect() }
    }

    /// The rule that decides about this package.
    pub fn find(&self, name: &str) -> RuleIndex {
        self.rules.iter().position(|rule| rule.pattern.fits(name))
    }

    /// Whether everybody may read: then answers may be kept by caches that many share.
    pub fn is_public(&self, rule: RuleIndex) -> bool {
        rule.is_some_and(|index| {
            let access = &self.rules[index].access;
            access.anonymous && access.authenticated
        })
    }

    /// Whether `identity` may do this under the rule that [`Self::find`] found.
    pub fn decide(&self, rule: RuleIndex, identity: &Identity, action: Action) -> Decision {
        let admitted = rule.map(|index| &self.rules[index]).map(|rule| match action {
            Action::Read => &rule.access,
            Action::Publish => &rule.publish,
            Action::Unpublish => &rule.unpublish,
        });
        let writes = action != Action::Read;
        match &identity.standing {
            Standing::Invalid => Decision::Unauthorized,
            // A change is made by somebody, whatever the rule says.
            Standing::Anonymous if writes => Decision::Unauthorized,
            Standing::Anonymous if admitted.is_some_and(|admitted| admitted.anonymous) => Decision::Allow,
            Standing::Anonymous => Decision::Unauthorized,
            Standing::User(_) if writes && identity.read_only => Decision::Forbidden,
            Standing::User(_) if identity.admin => Decision::Allow,
            Standing::User(name) if admitted.is_some_and(|admitted| admitted.admits(name)) => Decision::Allow,
            Standing::User(_) => Decision::Forbidden,
        }
    }

    /// Both at once, for a name whose rule is not known yet.
    pub fn decide_name(&self, name: &str, identity: &Identity, action: Action) -> Decision {
        self.decide(self.find(name), identity, action)
    }
}

/// Whom a rule admits to one action.
#[derive(Debug, Default)]
struct Admitted {
    anonymous: bool,
    authenticated: bool,
    users: Vec<String>,
}

impl Admitted {
    fn new(parties: &[Party]) -> Self {
        let mut admitted = Self::default();
        for party in parties {
            match party {
                Party::All => (admitted.anonymous, admitted.authenticated) = (true, true),
                Party::Anonymous => admitted.anonymous = true,
                Party::Authenticated => admitted.authenticated = true,
                Party::User(name) => admitted.users.push(name.clone()),
            }
        }
        admitted
    }

    fn admits(&self, user: &str) -> bool {
        self.authenticated || self.users.iter().any(|name| name == user)
    }
}

/// A package name with stars in it.
#[derive(Debug)]
struct Pattern(Vec<Token>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// Any bytes but a slash.
    Segment,
    /// Any bytes.
    Everything,
}

impl Pattern {
    fn new(pattern: &str) -> Self {
        let mut tokens: Vec<Token> = Vec::with_capacity(pattern.len());
        for byte in pattern.bytes() {
            match (byte, tokens.last_mut()) {
                (b'*', Some(last @ (Token::Segment | Token::Everything))) => *last = Token::Everything,
                (b'*', _) => tokens.push(Token::Segment),
                (byte, _) => tokens.push(Token::Byte(byte)),
            }
        }
        Self(tokens)
    }

    /// Follows every way the stars may go at once, so that no pattern and name take longer than
    /// their lengths multiplied.
    fn fits(&self, name: &str) -> bool {
        let tokens = &self.0;
        // `reached[n]`: the first n tokens fit what was read so far.
        let mut reached = vec![false; tokens.len() + 1];
        reached[0] = true;
        skip_empty_stars(tokens, &mut reached);
        for byte in name.bytes() {
            for index in (0..tokens.len()).rev() {
                let from_before = reached[index] && tokens[index] == Token::Byte(byte);
                let stays = match tokens[index] {
                    Token::Byte(_) => false,
                    Token::Segment => byte != b'/' && reached[index + 1],
                    Token::Everything => reached[index + 1],
                };
                reached[index + 1] = from_before || stays;
            }
            reached[0] = false;
            skip_empty_stars(tokens, &mut reached);
        }
        reached[tokens.len()]
    }
}

/// A star may stand for nothing.
fn skip_empty_stars(tokens: &[Token], reached: &mut [bool]) {
    for (index, token) in tokens.iter().enumerate() {
        if reached[index] && !matches!(token, Token::Byte(_)) {
            reached[index + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::app::identity::Shown;

    fn fits(pattern: &str, name: &str) -> bool {
        Pattern::new(pattern).fits(name)
    }

    #[test]
    fn one_star_stops_at_a_slash_and_two_do_not() {
        for (pattern, name, expected) in [
            ("lodash", "lodash", true),
            ("lodash", "lodash2", false),
            ("lodash", "Lodash", false),
            ("@team/*", "@Team/tool", false),
            ("lodash", "lodas", false),
            ("*", "lodash", true),
            ("*", "@a/b", false),
            ("**", "@a/b", true),
            ("**", "lodash", true),
            ("@team/*", "@team/x", true),
            ("@team/*", "@team/", true),
            ("@team/*", "@teams/x", false),
            ("@team/*", "@team/x/y", false),
            ("@*/core", "@any/core", true),
            ("@*/core", "@any/x/core", false),
            ("@**core", "@any/x/core", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a***", "a/b", true),
            ("", "a", false),
            ("", "", true),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} and {name}");
        }
    }

    #[test]
    fn stars_upon_stars_take_no_longer_than_their_lengths_multiplied() {
        let pattern = "a*".repeat(500) + "b";
        assert!(!fits(&pattern, &"a".repeat(214)));
        assert!(!fits(&"**a".repeat(300), &"a".repeat(214)));
        assert!(fits(&"**a".repeat(214), &"a".repeat(214)));
    }

    fn user(name: &str) -> Identity {
        Identity { standing: Standing::User(Arc::from(name)), read_only: false, admin: false, shown: Shown::Nothing }
    }

    fn rules() -> AccessRules {
        let rule = |pattern: &str, access: Vec<Party>, publish: Vec<Party>, unpublish: Vec<Party>| Rule {
            pattern: pattern.into(),
            access,
            publish,
            unpublish,
        };
        AccessRules::new(&[
            rule("@open/*", vec![Party::All], vec![Party::Authenticated], vec![Party::User("ann".into())]),
            rule("@team/*", vec![Party::Authenticated], vec![Party::User("ann".into())], vec![]),
            rule("@odd/*", vec![Party::Anonymous], vec![Party::All], vec![Party::Anonymous]),
        ])
    }

    #[test]
    fn everybody_gets_what_the_first_rule_that_fits_gives_them() {
        use Action::{Publish, Read, Unpublish};
        use Decision::{Allow, Forbidden, Unauthorized};
        let rules = rules();
        let admin = Identity { admin: true, ..user("root") };
        let read_only = Identity { read_only: true, ..user("ann") };
        for (name, action, expected) in [
            //                        anonymous     invalid       ann        bob        ann read-only  admin
            ("@open/x", Read, [Allow, Unauthorized, Allow, Allow, Allow, Allow]),
            ("@open/x", Publish, [Unauthorized, Unauthorized, Allow, Allow, Forbidden, Allow]),
            ("@open/x", Unpublish, [Unauthorized, Unauthorized, Allow, Forbidden, Forbidden, Allow]),
            ("@team/x", Read, [Unauthorized, Unauthorized, Allow, Allow, Allow, Allow]),
            ("@team/x", Publish, [Unauthorized, Unauthorized, Allow, Forbidden, Forbidden, Allow]),
            ("@team/x", Unpublish, [Unauthorized, Unauthorized, Forbidden, Forbidden, Forbidden, Allow]),
            ("@odd/x", Read, [Allow, Unauthorized, Forbidden, Forbidden, Forbidden, Allow]),
            ("@odd/x", Publish, [Unauthorized, Unauthorized, Allow, Allow, Forbidden, Allow]),
            ("@odd/x", Unpublish, [Unauthorized, Unauthorized, Forbidden, Forbidden, Forbidden, Allow]),
            ("other", Read, [Unauthorized, Unauthorized, Forbidden, Forbidden, Forbidden, Allow]),
            ("other", Publish, [Unauthorized, Unauthorized, Forbidden, Forbidden, Forbidden, Allow]),
        ] {
            let everybody =
                [&Identity::anonymous(), &Identity::invalid(), &user("ann"), &user("bob"), &read_only, &admin];
            let decisions = everybody.map(|identity| rules.decide_name(name, identity, action));
            assert_eq!(decisions, expected, "{action:?} {name}");
        }
        let admin_read_only = Identity { read_only: true, ..admin };
        assert_eq!(rules.decide_name("other", &admin_read_only, Publish), Forbidden);
    }

    #[test]
    fn only_what_everybody_may_read_is_public() {
        let rules = rules();
        for (name, expected) in [("@open/x", true), ("@team/x", false), ("@odd/x", false), ("other", false)] {
            assert_eq!(rules.is_public(rules.find(name)), expected, "{name}");
        }
    }
}
