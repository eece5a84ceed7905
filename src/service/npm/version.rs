//! Versions and dist-tags.
//!
//! A version that is kept is exactly as semver writes it: `1.2.3` or `1.2.3-rc.1`, no `v`, no
//! spaces, no build metadata (two versions that differ only there are one to every client).
//! Input is cut at a length before it reaches any parser.

use std::fmt;

use nodejs_semver::{Range, Version};

use crate::limits::{TAG_BYTES_MAX, VERSION_BYTES_MAX};

/// Keys that mean something to every JavaScript object.
const POISON: [&str; 3] = ["__proto__", "constructor", "prototype"];

/// A version as semver cleans it: without `v`, spaces and build metadata; `None` if it is none.
pub fn clean(text: &str) -> Option<String> {
    let mut parsed = parse(text.trim().trim_start_matches(['=', 'v', 'V']).trim_start())?.into_parts();
    parsed.build.clear();
    let clean = Version::new(parsed.major, parsed.minor, parsed.patch, parsed.pre_release, parsed.build).to_string();
    // The parser is lenient about what follows a version; what it wrote must be what was there.
    let core = text.trim().trim_start_matches(['=', 'v', 'V']).trim_start();
    let core = core.split_once('+').map_or(core, |(before, _)| before);
    (core == clean).then_some(clean)
}

/// Whether `text` is a version exactly as it is kept.
pub fn is_exact(text: &str) -> bool {
    parse(text).is_some() && clean(text).is_some_and(|clean| clean == text)
}

/// Whether a client could take `text` for a version or a range of versions.
pub fn is_range(text: &str) -> bool {
    text.len() > VERSION_BYTES_MAX || Range::parse(text).is_ok() || Version::parse(text).is_ok()
}

/// The highest of `versions`, a release before any pre-release; what is no version is passed over.
pub fn highest<'v>(versions: impl IntoIterator<Item = &'v str>) -> Option<&'v str> {
    versions
        .into_iter()
        .filter_map(|text| parse(text).map(|version| (!version.is_prerelease(), version, text)))
        .max_by(|left, right| (left.0, &left.1).cmp(&(right.0, &right.1)))
        .map(|(_, _, text)| text)
}

/// Whether a key would reach into a JavaScript object's insides.
pub fn is_poison(key: &str) -> bool {
    POISON.contains(&key)
}

fn parse(text: &str) -> Option<Version> {
    if text.is_empty() || text.len() > VERSION_BYTES_MAX {
        return None;
    }
    Version::parse(text).ok()
}

/// Why a dist-tag may not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagError {
    /// A byte that a URL would need to escape.
    BadByte,
    /// Nothing.
    Empty,
    /// A version or a range: clients could not tell them apart.
    Range,
    /// A word of JavaScript's objects.
    Reserved,
    /// More than 214 bytes.
    TooLong,
}

impl TagError {
    /// What is wrong and what is allowed.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::BadByte => "invalid tag: only ASCII letters, digits and - . _ ~ ! ' ( ) * may stand in a tag",
            Self::Empty => "invalid tag: it is empty",
            Self::Range => "invalid tag: a tag may not be a version or a range of versions such as 1.0.0, v1 or >=2",
            Self::Reserved => "invalid tag: this word is reserved",
            Self::TooLong => "invalid tag: it may have at most 214 bytes",
        }
    }
}

impl fmt::Display for TagError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.sentence())
    }
}

impl std::error::Error for TagError {}

/// Checks a dist-tag, decoded.
pub fn check_tag(tag: &str) -> Result<(), TagError> {
    if tag.is_empty() {
        return Err(TagError::Empty);
    }
    if tag.len() > TAG_BYTES_MAX {
        return Err(TagError::TooLong);
    }
    if is_poison(tag) {
        return Err(TagError::Reserved);
    }
    if is_range(tag) {
        return Err(TagError::Range);
    }
    match tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!'()*".contains(&byte))
        && tag != "."
        && tag != ".."
    {
        true => Ok(()),
        false => Err(TagError::BadByte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_exactly_as_semver_writes_it() {
        for good in ["0.0.0", "1.2.3", "1.2.3-rc.1", "1.0.0--", "10.20.30-0a.x-y", "1.0.0-alpha.beta"] {
            assert!(is_exact(good), "{good}");
        }
        let bad = [
            "",
            "1",
            "1.2",
            "v1.2.3",
            "=1.2.3",
            " 1.2.3",
            "1.2.3 ",
            "1.2.3+build",
            "1.2.3-rc.1+5",
            "01.2.3",
            "1.2.3-01",
            "1.2.3-",
            "1.2.3.4",
            "1.2.3beta",
            "1.2.x",
            "latest",
            "1.2.3\n",
            "1.2.3/../x",
            "__proto__",
            "99999999999999999999.0.0",
            "1.0.0 junk",
        ];
        for bad in bad {
            assert!(!is_exact(bad), "{bad:?}");
        }
    }

    #[test]
    fn cleaning_takes_away_what_clients_add() {
        for (from, to) in
            [("v1.2.3", "1.2.3"), (" =v1.2.3 ", "1.2.3"), ("1.2.3+b.5", "1.2.3"), ("1.2.3-a+b", "1.2.3-a")]
        {
            assert_eq!(clean(from).as_deref(), Some(to), "{from}");
        }
        for bad in ["", "v", "1.2", "x", "1.2.3 || 2"] {
            assert_eq!(clean(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_version_has_at_most_256_bytes() {
        let of = |length: usize| format!("1.0.0-{}", "a".repeat(length - 6));
        assert!(is_exact(&of(255)) && is_exact(&of(256)));
        assert!(!is_exact(&of(257)));
        assert_eq!(clean(&of(257)), None);
        assert!(is_range(&"|}".repeat(1_000_000)));
    }

    #[test]
    fn the_highest_is_a_release_if_there_is_one() {
        assert_eq!(highest(["1.0.0", "1.10.0", "1.9.0", "2.0.0-rc.1"]), Some("1.10.0"));
        assert_eq!(highest(["2.0.0-rc.1", "2.0.0-rc.11", "2.0.0-rc.2", "junk"]), Some("2.0.0-rc.11"));
        assert_eq!(highest(["junk"]), None);
    }

    #[test]
    fn a_tag_that_is_a_semver_range_is_refused() {
        for range in ["1.0.0", "v1", "1", "1.x", "x", "*", "^1.2", "~1", ">=2", "1 - 2", "1 || 2", "<3", "v1.0.0-rc"] {
            assert_eq!(check_tag(range), Err(TagError::Range), "{range}");
        }
    }

    #[test]
    fn a_tag_is_a_plain_word() {
        for good in ["latest", "next", "aux", "con", "beta-1", "v1-lts", "release.2", "JSON"] {
            assert_eq!(check_tag(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("", TagError::Empty),
            ("__proto__", TagError::Reserved),
            ("constructor", TagError::Reserved),
            ("prototype", TagError::Reserved),
            ("a/b", TagError::BadByte),
            ("a b", TagError::BadByte),
            ("..", TagError::BadByte),
            ("a\0", TagError::BadByte),
            ("é", TagError::BadByte),
            ("a%2f", TagError::BadByte),
            ("a\\b", TagError::BadByte),
        ] {
            assert_eq!(check_tag(bad), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn a_tag_has_at_most_214_bytes() {
        assert_eq!(check_tag(&"a".repeat(213)), Ok(()));
        assert_eq!(check_tag(&"a".repeat(214)), Ok(()));
        assert_eq!(check_tag(&"a".repeat(215)), Err(TagError::TooLong));
    }
}
