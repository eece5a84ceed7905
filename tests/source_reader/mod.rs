//! Reads Rust sources just well enough to find the paths in them: text in, paths out.
//!
//! What is no code (comments, literals, test modules) is blanked out first; what is left is words
//! and signs, and a path is `crate`, `lattice` or `super` with what follows it. A `super` inside an inline
//! module is read as if it stood in the file itself; this house has no inline modules but for tests.

/// `source` without comments, literals and what `#[cfg(test)]` covers.
pub(crate) fn code_of(source: &str) -> String {
    without_tests(&without_text(source))
}

/// The words of `code`.
pub(crate) fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|letter| !is_word(letter)).filter(|word| !word.is_empty())
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Puts a blank for each comment, string and character.
fn without_text(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        let length = text_length(rest, code.chars().last());
        if length == 0 {
            code.push(next);
            rest = &rest[next.len_utf8()..];
        } else {
            code.push(' ');
            rest = &rest[length..];
        }
    }
    code
}

/// How many bytes of comment or literal `rest` begins with; `before` is the letter before it.
fn text_length(rest: &str, before: Option<char>) -> usize {
    if rest.starts_with("//") {
        rest.find('\n').unwrap_or(rest.len())
    } else if rest.starts_with("/*") {
        block_comment_length(rest)
    } else if rest.starts_with('"') {
        string_length(rest)
    } else if rest.starts_with('\'') {
        char_length(rest)
    } else if before.is_some_and(is_word) {
        0
    } else {
        raw_string_length(rest)
    }
}

/// Block comments nest.
fn block_comment_length(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn string_length(rest: &str) -> usize {
    let mut escaped = false;
    for (at, next) in rest.char_indices().skip(1) {
        if next == '"' && !escaped {
            return at + 1;
        }
        escaped = next == '\\' && !escaped;
    }
    rest.len()
}

/// A character; nothing where the quote begins a lifetime.
fn char_length(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((at, escaped))) => {
            let from = at + escaped.len_utf8();
            rest[from..].find('\'').map_or(rest.len(), |end| from + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

/// `r"…"`, `r#"…"#`, `br"…"`, `cr"…"`.
fn raw_string_length(rest: &str) -> usize {
    let Some(body) = rest.strip_prefix(['b', 'c']).unwrap_or(rest).strip_prefix('r') else { return 0 };
    let hashes = body.len() - body.trim_start_matches('#').len();
    if !body[hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let start = rest.len() - body.len() + hashes + 1;
    rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len())
}

/// Cuts out each item that stands under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        kept.push_str(&rest[..at]);
        let item = &rest[at + MARK.len()..];
        rest = &item[item_length(item)..];
    }
    kept + rest
}

/// An item ends with its first `;` outside of brackets, or with the brace that closes its first one.
fn item_length(item: &str) -> usize {
    let (mut braces, mut brackets) = (0, 0);
    for (at, next) in item.char_indices() {
        match next {
            '[' | '(' => brackets += 1,
            ']' | ')' => brackets -= 1,
            '{' => braces += 1,
            '}' if braces == 1 && !item[at..].starts_with("};") => return at + 1,
            '}' => braces -= 1,
            ';' if braces == 0 && brackets == 0 => return at + 1,
            _ => {}
        }
    }
    item.len()
}

/// Every path in `code` that begins at the crate's root, as the names after it, however it is
/// written: `crate::a`, `lattice::a`, `super::a`, and the branches of `use crate::{a, b::c}`.
pub(crate) fn paths_of(code: &str, module: &[String]) -> Vec<Vec<String>> {
    let tokens = tokens_of(code);
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let is_inside = at > 0 && tokens[at - 1] == "::";
        at = match root_of(&tokens, at, module) {
            Some((base, next)) if !is_inside => branches(&tokens, next, base, &mut paths).max(at + 1),
            _ => at + 1,
        };
    }
    paths
}

/// Words, `::`, and every other sign for itself.
fn tokens_of(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            _ if is_word(first) => rest.find(|letter| !is_word(letter)).unwrap_or(rest.len()),
            _ if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    tokens
}

/// If a path begins at token `at`: the module it starts from, and the token after its first `::`.
fn root_of(tokens: &[&str], at: usize, module: &[String]) -> Option<(Vec<String>, usize)> {
    if tokens.get(at + 1) != Some(&"::") {
        return None;
    }
    match tokens[at] {
        "crate" | "lattice" => Some((Vec::new(), at + 2)),
        "super" => Some((parent(module), at + 2)),
        _ => None,
    }
}

fn parent(module: &[String]) -> Vec<String> {
    module.split_last().map(|(_, rest)| rest.to_vec()).unwrap_or_default()
}

/// Follows a path from token `at` and notes where each of its branches ends; returns the token after.
fn branches(tokens: &[&str], mut at: usize, mut path: Vec<String>, paths: &mut Vec<Vec<String>>) -> usize {
    loop {
        match tokens.get(at) {
            Some(&"{") => return group(tokens, at + 1, &path, paths),
            Some(&"self") => {}
            Some(&"super") => path = parent(&path),
            Some(name) if name.starts_with(is_word) => path.push((*name).into()),
            // A glob or a type parameter: the path ends before it.
            _ => break,
        }
        at += 1;
        if tokens.get(at) != Some(&"::") {
            break;
        }
        at += 1;
    }
    paths.push(path);
    at
}

/// The branches in braces, from the token after the opening one.
fn group(tokens: &[&str], mut at: usize, path: &[String], paths: &mut Vec<Vec<String>>) -> usize {
    loop {
        match tokens.get(at) {
            None => return at,
            Some(&"}") => return at + 1,
            Some(&("," | "*")) => at += 1,
            // What a branch is renamed to leads nowhere.
            Some(&"as") => at += 2,
            Some(_) => at = branches(tokens, at, path.to_vec(), paths).max(at + 1),
        }
    }
}

fn shown(module: &str, source: &str) -> Vec<String> {
    let module: Vec<String> = module.split("::").map(String::from).collect();
    paths_of(&code_of(source), &module).iter().map(|path| path.join("::")).collect()
}

#[test]
fn every_way_to_write_a_path_is_found() {
    for (source, paths) in [
        ("use crate::app::Request;", &["app::Request"][..]),
        (
            "use crate::{app, wire::http1::{Head, self}, limits as l, buffer};",
            &["app", "wire::http1::Head", "wire::http1", "limits", "buffer"],
        ),
        ("use crate::wire::*;", &["wire"]),
        ("use crate::*;", &[""]),
        ("pub(crate) use crate::store::x as y;", &["store::x"]),
        ("pub(in crate::wire) fn f() {}", &["wire"]),
        ("fn f() -> crate::app::Flow { lattice::node::run::<u8>() }", &["app::Flow", "node::run"]),
        ("let x: Vec<crate::a::B> = crate :: c :: D { e: 1 };", &["a::B", "c::D"]),
        ("use super::Error;", &["wire::http1::Error"]),
        ("use super::super::date;", &["wire::date"]),
        ("super::super::super::session::x()", &["session::x"]),
        ("use super::{super::{super::store, date}, head::Head};", &["store", "wire::date", "wire::http1::head::Head"]),
        ("use {crate::a, crate::b::C};", &["a", "b::C"]),
        ("use std::crate_like::x; use other::super_::y; pub(crate) fn f() {}", &[]),
        ("macro_rules! m { () => { $crate::store::x() } }", &["store::x"]),
    ] {
        assert_eq!(shown("wire::http1::head", source), paths, "{source}");
    }
}

#[test]
fn what_is_no_code_is_passed_over() {
    for source in [
        "// crate::a\n/// crate::b\n//! crate::c",
        "/* crate::a /* crate::b */ crate::c */",
        r#"let s = "crate::a \" crate::b";"#,
        r##"let s = (r"crate::a\", r#"crate::b "x" crate::c"#, br"crate::d", b"crate::e");"##,
        "#[cfg(test)]\nmod tests { use crate::a; mod inner { use crate::b; } }",
        "#[cfg(test)] use crate::{a, b};",
        "#[cfg(test)] mod tests;",
        "#[cfg(test)] const X: [crate::a::B; 3] = crate::a::C;",
    ] {
        assert_eq!(shown("wire", source), Vec::<String>::new(), "{source}");
    }
}

#[test]
fn code_is_found_again_after_it() {
    for source in [
        "/* a /* b */ */ crate::x",
        "// a\ncrate::x",
        r#""\\"; crate::x"#,
        r##"r#"""#; crate::x"##,
        r"'\''; b'\\'; '\u{22}'; crate::x",
        "'\"'; crate::x; '\"'",
        "fn f<'a>(a: &'a str) { crate::x } // '",
        "#[cfg(test)] mod tests { fn f() { let s = \"}\"; } } crate::x",
        "#[cfg(test)] mod tests; crate::x",
        "#[cfg(test)] use crate::{a, b}; crate::x",
        "#[cfg(not(test))] use crate::x;",
        "let r = 1; for br in r { crate::x }",
    ] {
        assert_eq!(shown("wire", source), ["x"], "{source}");
    }
}

#[test]
fn unsafe_is_a_word_of_code() {
    let contains = |source: &str| words(&code_of(source)).any(|word| word == "unsafe");
    assert!(contains("unsafe { x }") && contains("unsafe extern \"C\" {}"));
    assert!(!contains("// unsafe\n#![deny(unsafe_code)]\n\"unsafe\""));
}
