//! Package names: what a client sent, decoded once, in; a name that may be kept, out.
//!
//! A name is `name` or `@scope/name`, at most 214 bytes of URL-safe ASCII. Upper case is legal: old
//! packages have it. Whatever could climb out of a path, mean something to JavaScript's objects or
//! read differently in two decoders is refused here: `..`, NUL, `\`, `%`, a second slash, a leading
//! dot or underscore, reserved words.

use std::fmt;
use std::sync::Arc;

use crate::app::router::decode;
use crate::limits::PACKAGE_NAME_BYTES_MAX;
use crate::service::npm::version;

/// Names nobody may have: the segment that separates a package from what is the registry's in every
/// path, files that other tools look for, and members of every JavaScript object.
const RESERVED: [&str; 6] = ["-", "__proto__", "constructor", "favicon.ico", "node_modules", "prototype"];

/// A package name that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PackageName(Arc<str>);

impl PackageName {
    /// The name in a path capture: percent-decoded exactly once, then checked.
    pub fn from_path(raw: &[u8]) -> Result<Self, NameError> {
        if raw.len() > 3 * PACKAGE_NAME_BYTES_MAX {
            return Err(NameError::TooLong);
        }
        Self::parse(&decode(raw).ok_or(NameError::Encoding)?)
    }

    /// Checks a name that is decoded already.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if name.len() > PACKAGE_NAME_BYTES_MAX {
            return Err(NameError::TooLong);
        }
        match name.strip_prefix('@') {
            None => check_plain(name)?,
            Some(rest) => {
                let (scope, base) = rest.split_once('/').ok_or(NameError::ScopeAlone)?;
                check_scope(scope)?;
                check_base(base)?;
            }
        }
        Ok(Self(name.into()))
    }

    /// The full name, with scope.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The full name, shared.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// The scope without its `@`, if there is one.
    pub fn scope(&self) -> Option<&str> {
        Some(self.0.strip_prefix('@')?.split_once('/')?.0)
    }

    /// The name without its scope.
    pub fn base(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(_, base)| base)
    }

    /// As clients write it into a URL: the slash of a scope is `%2f`.
    pub fn escaped(&self) -> String {
        self.0.replacen('/', "%2f", 1)
    }

    /// The file name of a version's tarball: `name-1.0.0.tgz`, without the scope.
    pub fn file_name(&self, version: &str) -> String {
        format!("{}-{version}.tgz", self.base())
    }

    /// The version in a tarball's file name, if it is one of this package.
    pub fn version_of_file<'f>(&self, file: &'f str) -> Option<&'f str> {
        let text = file.strip_prefix(self.base())?.strip_prefix('-')?.strip_suffix(".tgz")?;
        version::is_exact(text).then_some(text)
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Why a name may not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameError {
    /// A byte that is not a letter, a digit or one of a few signs.
    BadByte,
    /// Nothing, or nothing before or after the slash.
    Empty,
    /// Not percent-encoded UTF-8, or a NUL.
    Encoding,
    /// Begins with a dot or, without a scope, with an underscore.
    LeadingSign,
    /// Two dots in a row.
    ParentPath,
    /// A word that stands for something else.
    Reserved,
    /// `@scope` without a name.
    ScopeAlone,
    /// More than 214 bytes.
    TooLong,
}

impl NameError {
    /// What is wrong and what is allowed.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::BadByte => {
                "invalid package name: only ASCII letters, digits and - . _ ~ ! ' ( ) * may stand in a name, and one slash after a scope"
            }
            Self::Empty => "invalid package name: it is empty; allowed are name and @scope/name",
            Self::Encoding => "invalid package name: it is not percent-encoded UTF-8",
            Self::LeadingSign => {
                "invalid package name: it may not begin with a dot, nor without a scope with an underscore"
            }
            Self::ParentPath => "invalid package name: it may not contain two dots in a row",
            Self::Reserved => "invalid package name: this word is reserved",
            Self::ScopeAlone => "invalid package name: after a scope comes a slash and a name: @scope/name",
            Self::TooLong => "invalid package name: it may have at most 214 bytes, its scope included",
        }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.sentence())
    }
}

impl std::error::Error for NameError {}

fn check_plain(name: &str) -> Result<(), NameError> {
    check_bytes(name)?;
    if name.starts_with(['.', '_']) && !RESERVED.contains(&name) {
        return Err(NameError::LeadingSign);
    }
    check_word(name)
}

/// A scope is a user or a team: the signs that old names have are not for it.
fn check_scope(scope: &str) -> Result<(), NameError> {
    check_bytes(scope)?;
    if scope.starts_with('.') {
        return Err(NameError::LeadingSign);
    }
    check_word(scope)
}

/// In a scope an underscore may lead: `@scope/_x`.
fn check_base(base: &str) -> Result<(), NameError> {
    check_bytes(base)?;
    if base.starts_with('.') {
        return Err(NameError::LeadingSign);
    }
    check_word(base)
}

fn check_word(word: &str) -> Result<(), NameError> {
    match RESERVED.iter().any(|reserved| word.eq_ignore_ascii_case(reserved)) {
        true => Err(NameError::Reserved),
        false => Ok(()),
    }
}

fn check_bytes(part: &str) -> Result<(), NameError> {
    if part.is_empty() {
        return Err(NameError::Empty);
    }
    if part.contains("..") {
        return Err(NameError::ParentPath);
    }
    match part.bytes().all(is_name_byte) {
        true => Ok(()),
        false => Err(NameError::BadByte),
    }
}

/// The characters that `encodeURIComponent` leaves alone, which is npm's rule for old names.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!'()*".contains(&byte)
}

/// The property that fuzzing checks: a name that is accepted stays itself through a URL, and can
/// hurt no path.
pub fn fuzz(data: &[u8]) {
    let Ok(name) = PackageName::from_path(data) else { return };
    assert!(name.as_str().len() <= PACKAGE_NAME_BYTES_MAX);
    assert!(!name.as_str().contains("..") && name.as_str().matches('/').count() <= 1);
    assert!(name.as_str().bytes().all(|byte| byte == b'@' || byte == b'/' || is_name_byte(byte)));
    assert_eq!(PackageName::from_path(name.escaped().as_bytes()).as_ref(), Ok(&name));
    assert_eq!(PackageName::from_path(name.as_str().as_bytes()).as_ref(), Ok(&name));
    assert_eq!(name.version_of_file(&name.file_name("1.2.3-a.1")), Some("1.2.3-a.1"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_and_odd_names_are_names() {
        let odd =
            ["JSONStream-x", "-x", "@scope/_x", "@con/x", "nul.js", "aux", "a.b_c~d", "left-pad", "x", "@a/b", "@_s/x"];
        for name in odd {
            assert_eq!(PackageName::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn a_scoped_name_has_parts() {
        let name = PackageName::parse("@scope/name").unwrap();
        assert_eq!((name.scope(), name.base()), (Some("scope"), "name"));
        assert_eq!(name.escaped(), "@scope%2fname");
        assert_eq!(name.file_name("1.0.0"), "name-1.0.0.tgz");
        assert_eq!(PackageName::parse("plain").unwrap().scope(), None);
    }

    #[test]
    fn an_escape_is_decoded_once_however_it_is_written() {
        for raw in ["@s%2fn", "@s%2Fn", "@s/n", "%40s%2fn"] {
            assert_eq!(PackageName::from_path(raw.as_bytes()).unwrap().as_str(), "@s/n");
        }
        assert_eq!(PackageName::from_path(b"@s%252fn"), Err(NameError::ScopeAlone));
        assert_eq!(PackageName::from_path(b"a%252fb"), Err(NameError::BadByte));
    }

    #[test]
    fn path_traversal_and_nul_in_any_encoding_are_no_names() {
        let bad = [
            "..",
            "../x",
            "%2e%2e",
            "%2e%2e%2fx",
            "..%5cx",
            "a..b",
            "@a/..",
            "@../b",
            "a/b",
            "@a/b/c",
            "a\\b",
            "a%5cb",
            "a%00",
            "%00",
            "a\0b",
            ".hidden",
            "@a/.b",
            "@.a/b",
            "a%2f..%2fb",
            "%c0%ae%c0%ae",
            "%2d",
            "@a%2f%2d",
            "%",
            "%zz",
            "/",
            "@/",
            "@a/",
            "@/a",
        ];
        for raw in bad {
            assert!(PackageName::from_path(raw.as_bytes()).is_err(), "{raw:?}");
        }
    }

    #[test]
    fn signs_that_mean_something_elsewhere_are_no_names() {
        for raw in [
            "_x", "@x", "x@y", "a b", " a", "a ", "a%20b", "é", "a?b", "a#b", "a:b", "a+b", "a,b", "\u{7f}", "a\n",
            "<a>", "\"a",
        ] {
            assert!(PackageName::parse(raw).is_err(), "{raw:?}");
        }
    }

    #[test]
    fn reserved_words_are_no_names() {
        for word in ["-", "node_modules", "favicon.ico", "__proto__", "constructor", "prototype", "Node_Modules"] {
            assert_eq!(PackageName::parse(word), Err(NameError::Reserved), "{word}");
            assert_eq!(PackageName::parse(&format!("@a/{word}")), Err(NameError::Reserved));
            assert_eq!(PackageName::parse(&format!("@{word}/a")), Err(NameError::Reserved));
        }
    }

    #[test]
    fn a_name_has_at_most_214_bytes_with_its_scope() {
        assert!(PackageName::parse(&"a".repeat(213)).is_ok());
        assert!(PackageName::parse(&"a".repeat(214)).is_ok());
        assert_eq!(PackageName::parse(&"a".repeat(215)), Err(NameError::TooLong));
        assert!(PackageName::parse(&format!("@s/{}", "a".repeat(211))).is_ok());
        assert_eq!(PackageName::parse(&format!("@s/{}", "a".repeat(212))), Err(NameError::TooLong));
        assert_eq!(PackageName::from_path(&[b'%'; 8000]), Err(NameError::TooLong));
    }

    #[test]
    fn a_file_name_gives_its_version_back_and_nothing_else() {
        let name = PackageName::parse("@s/n").unwrap();
        assert_eq!(name.version_of_file("n-1.0.0.tgz"), Some("1.0.0"));
        assert_eq!(name.version_of_file("n-1.0.0-rc.1.tgz"), Some("1.0.0-rc.1"));
        for file in [
            "n-1.0.tgz",
            "m-1.0.0.tgz",
            "n-1.0.0.tar",
            "n-.tgz",
            "n-../1.0.0.tgz",
            "@s/n-1.0.0.tgz",
            "n-1.0.0.tgz.tgz",
            "n-v1.0.0.tgz",
        ] {
            assert_eq!(name.version_of_file(file), None, "{file}");
        }
    }

    #[test]
    fn the_fuzz_property_holds_for_a_few_names() {
        for data in [b"@s%2fn".as_slice(), b"a", b"%2e%2e", b"", b"\xff", b"@a/b/c"] {
            fuzz(data);
        }
    }
}
