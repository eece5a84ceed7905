//! Patterns of paths, as a program writes them: `/users/{id}`, `/files/{*path}`.

/// A pattern, checked, with the names of its captures.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// As the program wrote it.
    pub(super) text: String,
    /// As the router takes it.
    pub(super) routed: String,
    pub(super) names: Vec<Box<str>>,
}

impl Pattern {
    /// # Panics
    /// On a pattern that is none: a mistake of the program, found when it starts.
    pub(super) fn new(text: String) -> Self {
        assert!(text.starts_with('/'), "{text:?}: a pattern begins with a slash");
        let mut pattern = Self { text, routed: String::new(), names: Vec::new() };
        let segments: Vec<&str> = pattern.text[1..].split('/').collect();
        for (index, segment) in segments.iter().enumerate() {
            pattern.routed.push('/');
            let is_last = index + 1 == segments.len();
            assert!(is_last || !segment.is_empty(), "{}: a segment is empty", pattern.text);
            match capture(&pattern.text, segment) {
                None => pattern.routed.push_str(segment),
                Some((name, rest)) => {
                    assert!(is_last || !rest, "{}: {segment} takes all that is left, so it stands last", pattern.text);
                    assert!(!pattern.names.iter().any(|known| **known == *name), "{}: two {segment}", pattern.text);
                    pattern.routed.push_str(&format!("{{{name}{}}}", if rest { ":rest" } else { "" }));
                    pattern.names.push(name.into());
                }
            }
        }
        pattern
    }
}

/// The name of a capture, and whether it takes all that is left; `None` for a literal.
fn capture<'a>(pattern: &str, segment: &'a str) -> Option<(&'a str, bool)> {
    let Some(inside) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        assert!(!segment.contains(['{', '}']), "{pattern}: a capture is a whole segment, {{name}} or {{*name}}");
        return None;
    };
    let name = inside.strip_prefix('*').unwrap_or(inside);
    let is_name = !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'_');
    assert!(is_name, "{pattern}: {segment} has not a name of letters, digits and underscores");
    Some((name, name.len() < inside.len()))
}

/// Whether `path` lies below the pattern `prefix`, segment by segment.
pub(super) fn covers(prefix: &str, path: &str) -> bool {
    let mut segments = path.split('/').skip(1);
    let mut wanted = prefix.split('/').skip(1).filter(|segment| !segment.is_empty());
    wanted.all(|want| segments.next().is_some_and(|segment| want == segment || want.starts_with('{')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_given_to_the_router_in_its_own_words() {
        for (text, routed, names) in [
            ("/", "/", &[][..]),
            ("/a/b", "/a/b", &[]),
            ("/a/", "/a/", &[]),
            ("/users/{id}", "/users/{id}", &["id"]),
            ("/{a}/x/{b_2}", "/{a}/x/{b_2}", &["a", "b_2"]),
            ("/f/{*path}", "/f/{path:rest}", &["path"]),
        ] {
            let pattern = Pattern::new(text.into());
            assert_eq!(pattern.routed, routed);
            assert_eq!(pattern.names.iter().map(|name| &**name).collect::<Vec<_>>(), names, "{text}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_by_name() {
        for (text, why) in [
            ("users", "begins with a slash"),
            ("", "begins with a slash"),
            ("/a//b", "a segment is empty"),
            ("/{*rest}/b", "it stands last"),
            ("/{id}/{id}", "two {id}"),
            ("/x{id}", "a whole segment"),
            ("/{}", "not a name"),
            ("/{a-b}", "not a name"),
            ("/{id:rest}", "not a name"),
        ] {
            let panic = std::panic::catch_unwind(|| Pattern::new(text.into())).expect_err(text);
            let said = panic.downcast_ref::<String>().expect("a text");
            assert!(said.contains(why), "{text}: {said}");
        }
    }

    #[test]
    fn a_prefix_covers_whole_segments() {
        for (prefix, path, expected) in [
            ("", "/anything", true),
            ("/", "/", true),
            ("/api", "/api", true),
            ("/api", "/api/x", true),
            ("/api", "/apis", false),
            ("/t/{tenant}/api", "/t/7/api/x", true),
            ("/t/{tenant}/api", "/t/7", false),
        ] {
            assert_eq!(covers(prefix, path), expected, "{prefix} {path}");
        }
    }
}
