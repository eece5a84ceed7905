//! The parts of a packument that clients send back to have something changed.
//!
//! JSON text in, borrowed parts out. Everything else in the document is skipped without being kept;
//! `users` and `maintainers` stay text until it is clear that they are what the client meant.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Most versions a document may list.
const VERSIONS_MAX: usize = 100_000;
/// Most maintainers a package may have.
const MAINTAINERS_MAX: usize = 1000;

/// What is looked at.
#[derive(Deserialize)]
pub(crate) struct Document<'a> {
    #[serde(borrow, default, rename = "_id")]
    pub(crate) id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow, default, rename = "_rev")]
    pub(crate) rev: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) versions: Option<Versions<'a>>,
    #[serde(borrow, default)]
    pub(crate) maintainers: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) users: Option<&'a RawValue>,
    #[serde(default, rename = "_attachments")]
    pub(crate) attachments: Option<Present>,
}

impl<'a> Document<'a> {
    /// Reads an object; an array would be taken for its fields in their order.
    pub(crate) fn parse(json: &'a [u8]) -> serde_json::Result<Self> {
        match json.trim_ascii_start().first() {
            Some(b'{') => serde_json::from_slice(json),
            _ => Err(serde_json::Error::custom("expected an object")),
        }
    }
}

/// Text, borrowed where it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// A version that the document lists.
pub(crate) struct Listed<'a> {
    pub(crate) version: Cow<'a, str>,
    pub(crate) deprecated: Option<Cow<'a, str>>,
}

/// Sorted by version, each once.
pub(crate) struct Versions<'a>(pub(crate) Vec<Listed<'a>>);

/// Whether an object has any member.
pub(crate) struct Present(pub(crate) bool);

/// Whether `listed`, as [`Versions`] has it, names this version.
pub(crate) fn lists(listed: &[Listed<'_>], version: &str) -> bool {
    listed.binary_search_by(|one| one.version.as_ref().cmp(version)).is_ok()
}

/// The names of maintainers, each once, in their order.
pub(crate) fn parse_maintainers(json: &RawValue) -> serde_json::Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Maintainer<'a> {
        #[serde(borrow)]
        name: Text<'a>,
    }
    let maintainers: Vec<Maintainer<'_>> = serde_json::from_str(json.get())?;
    if maintainers.len() > MAINTAINERS_MAX {
        return Err(serde_json::Error::custom("a package has at most 1000 maintainers"));
    }
    let mut names: Vec<String> = Vec::new();
    for Maintainer { name: Text(name) } in maintainers {
        if !names.iter().any(|known| *known == name) {
            names.push(name.into_owned());
        }
    }
    Ok(names)
}

/// Whether `user` is among the keys of `users`, with a value of `true`.
pub(crate) fn parse_star(users: &RawValue, user: &str) -> serde_json::Result<bool> {
    StarOf(user).deserialize(&mut serde_json::Deserializer::from_str(users.get()))
}

#[derive(Deserialize)]
struct Manifest<'a> {
    #[serde(borrow, default)]
    deprecated: Option<Deprecated<'a>>,
}

/// A message; old documents also have `true` and `false`.
struct Deprecated<'a>(Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Versions<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Collect(PhantomData)).map(Versions)
    }
}

struct Collect<'a>(PhantomData<&'a str>);

impl<'de: 'a, 'a> Visitor<'de> for Collect<'a> {
    type Value = Vec<Listed<'a>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("versions as an object of manifests")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut listed = Vec::new();
        while let Some((Text(version), manifest)) = map.next_entry::<Text<'a>, Manifest<'a>>()? {
            if listed.len() == VERSIONS_MAX {
                return Err(A::Error::custom("a document lists at most 100000 versions"));
            }
            let deprecated = manifest.deprecated.and_then(|deprecated| deprecated.0);
            listed.push(Listed { version, deprecated });
        }
        // Of two with one name the last stays, as in JavaScript: the sort is stable.
        listed.reverse();
        listed.sort_by(|one, other| one.version.cmp(&other.version));
        listed.dedup_by(|later, kept| later.version == kept.version);
        Ok(listed)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Deprecated<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Message(PhantomData)).map(Deprecated)
    }
}

struct Message<'a>(PhantomData<&'a str>);

impl<'de: 'a, 'a> Visitor<'de> for Message<'a> {
    type Value = Option<Cow<'a, str>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a deprecation message")
    }

    fn visit_bool<E>(self, deprecated: bool) -> Result<Self::Value, E> {
        Ok(deprecated.then_some(Cow::Borrowed("this version is deprecated")))
    }

    fn visit_borrowed_str<E>(self, message: &'de str) -> Result<Self::Value, E> {
        Ok((!message.is_empty()).then_some(Cow::Borrowed(message)))
    }

    fn visit_str<E>(self, message: &str) -> Result<Self::Value, E> {
        Ok((!message.is_empty()).then(|| Cow::Owned(message.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Looks for one user and keeps nothing of the others: a document may name any number of them.
struct StarOf<'u>(&'u str);

impl<'de> DeserializeSeed<'de> for StarOf<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for StarOf<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("users as an object of true and false")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut starred = false;
        while let Some((Text(user), on)) = map.next_entry::<Text<'de>, bool>()? {
            starred = if user == self.0 { on } else { starred };
        }
        Ok(starred)
    }
}

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Look).map(Present)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("_attachments as an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut present = false;
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            present = true;
        }
        Ok(present)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Document<'_> {
        Document::parse(json.as_bytes()).unwrap_or_else(|error| panic!("{error}: {json}"))
    }

    fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn versions_are_listed_with_what_they_say_of_their_deprecation() {
        let document = parse(
            r#"{"versions":{"2.0.0":{"deprecated":"no\tlonger","x":[1,{}]},"1.0.0":{"deprecated":""},
               "3.0.0":{},"4.0.0":{"deprecated":false},"5.0.0":{"deprecated":true},"6.0.0":{"deprecated":null},
               "__proto__":{"deprecated":"x"},"3.0.0":{"deprecated":"last"}},"readme":"r","time":{}}"#,
        );
        let listed = document.versions.map(|versions| versions.0).unwrap_or_default();
        let told: Vec<_> = listed.iter().map(|one| (&*one.version, one.deprecated.as_deref())).collect();
        assert_eq!(
            told,
            [
                ("1.0.0", None),
                ("2.0.0", Some("no\tlonger")),
                ("3.0.0", Some("last")),
                ("4.0.0", None),
                ("5.0.0", Some("this version is deprecated")),
                ("6.0.0", None),
                ("__proto__", Some("x")),
            ]
        );
        assert!(lists(&listed, "6.0.0") && !lists(&listed, "7.0.0"));
    }

    #[test]
    fn what_is_no_packument_is_refused() {
        for bad in [
            "",
            "[]",
            "null",
            "\"x\"",
            r#"{"versions":[]}"#,
            r#"{"versions":{"1.0.0":1}}"#,
            r#"{"_rev":1}"#,
            r#"{"_attachments":[]}"#,
            r#"{"versions":{},"versions":{}}"#,
            r#"{"a":1"#,
        ] {
            assert!(Document::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        let deep = format!(r#"{{"x":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert!(Document::parse(deep.as_bytes()).is_ok(), "what is skipped is not descended into");
    }

    #[test]
    fn versions_are_counted() {
        let document = |count: usize| {
            let all: Vec<String> = (0..count).map(|n| format!(r#""{n}":{{}}"#)).collect();
            format!(r#"{{"versions":{{{}}}}}"#, all.join(","))
        };
        assert_eq!(parse(&document(VERSIONS_MAX)).versions.map(|versions| versions.0.len()), Some(VERSIONS_MAX));
        assert!(Document::parse(document(VERSIONS_MAX + 1).as_bytes()).is_err());
    }

    #[test]
    fn maintainers_are_names_each_once() {
        let names = parse_maintainers(raw(r#"[{"name":"ann","email":"e"},{"name":"b\u006fb"},{"name":"ann"}]"#));
        assert_eq!(names.unwrap(), ["ann", "bob"]);
        for bad in [r#"[{}]"#, r#"["ann"]"#, r#"{}"#, "1"] {
            assert!(parse_maintainers(raw(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_star_is_ones_own() {
        for (users, expected) in [
            (r#"{"ann":true,"bob":false}"#, true),
            (r#"{"ann":false,"bob":true}"#, false),
            (r#"{"bob":true}"#, false),
            ("{}", false),
        ] {
            assert_eq!(parse_star(raw(users), "ann").unwrap(), expected, "{users}");
        }
        assert!(parse_star(raw(r#"{"ann":1}"#), "ann").is_err());
    }
}
