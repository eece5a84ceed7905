//! What is JSON, what is none, and where each bound is.

use super::*;

fn tokens(pieces: &[&[u8]]) -> Result<Vec<Token>, Error> {
    let mut scanner = Scanner::new(1000);
    let mut all = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            let (used, token) = scanner.step(rest)?;
            rest = &rest[used..];
            all.extend(token);
        }
    }
    scanner.finish().map(|()| all)
}

const SAMPLE: &[u8] = r#" {"a":[1,-0.5e+3,true,{"b\u00e9\n":"x\"\\é€𝄞"},[],{}],"c":null , "d":"","e":0} "#.as_bytes();

#[test]
fn a_text_means_the_same_wherever_it_is_cut() {
    let whole = tokens(&[SAMPLE]).unwrap();
    assert_eq!(whole.len(), 24);
    for cut in 0..=SAMPLE.len() {
        assert_eq!(tokens(&[&SAMPLE[..cut], &SAMPLE[cut..]]).as_ref(), Ok(&whole), "cut at {cut}");
    }
    let bytes: Vec<&[u8]> = SAMPLE.chunks(1).collect();
    assert_eq!(tokens(&bytes), Ok(whole));
}

#[test]
fn every_beginning_is_incomplete() {
    let text = SAMPLE.trim_ascii();
    for cut in 0..text.len() {
        assert_eq!(check(&text[..cut], 1000), Err(Error::Incomplete), "cut at {cut}");
    }
}

#[test]
fn what_is_no_json_is_refused() {
    let bad = [
        "{]",
        "[}",
        "{,}",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\"}",
        "{a:1}",
        "{'a':1}",
        "[01]",
        "[-]",
        "[1.]",
        "[.5]",
        "[+1]",
        "[1e]",
        "[1e+]",
        "[tru]",
        "[TRUE]",
        "[nul1]",
        "[\"\\x\"]",
        "[\"\\u12g4\"]",
        "[\"\n\"]",
        "[\"\0\"]",
        "{}x",
        "{} {}",
        "[1 2]",
        "[--1]",
        "[0x1]",
        "[NaN]",
        "//",
        "{\"a\":1 \"b\":2}",
        "\u{feff}{}",
        "}",
    ];
    for bad in bad {
        assert_eq!(check(bad.as_bytes(), 1000), Err(Error::Syntax), "{bad:?}");
    }
}

#[test]
fn serde_agrees_on_what_is_json() {
    for good in ["{}", "[]", "[1,2.5,-3e9,0,1E-2]", "[\"\\u0041\\/\\b\\f\\n\\r\\t\"]", "[[[{}]]]", "\"x\"", "true"] {
        assert_eq!(check(good.as_bytes(), 1000), Ok(()), "{good}");
        assert!(serde_json::from_str::<serde_json::Value>(good).is_ok());
    }
}

#[test]
fn bytes_that_are_no_utf8_are_refused() {
    for bad in
        [b"\xff".as_slice(), b"\xc0\xae", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80", b"\xf8\x88"]
    {
        assert_eq!(check(&[b"[\"", bad, b"\"]"].concat(), 1000), Err(Error::Utf8), "{bad:?}");
    }
    for text in ["\u{7f}", "\u{80}", "\u{7ff}", "\u{800}", "\u{ffff}", "\u{10000}", "\u{10ffff}"] {
        assert_eq!(check(format!("[\"{text}\"]").as_bytes(), 1000), Ok(()));
    }
}

#[test]
fn a_text_may_be_64_levels_deep() {
    let deep = |levels: usize| ["[".repeat(levels), "]".repeat(levels)].concat();
    assert_eq!(check(deep(JSON_DEPTH_MAX - 1).as_bytes(), 1000), Ok(()));
    assert_eq!(check(deep(JSON_DEPTH_MAX).as_bytes(), 1000), Ok(()));
    assert_eq!(check(deep(JSON_DEPTH_MAX + 1).as_bytes(), 1000), Err(Error::Depth));
    assert_eq!(check("[".repeat(10_000_000).as_bytes(), 1000), Err(Error::Depth));
    assert_eq!(check("{\"a\":".repeat(1_000_000).as_bytes(), 1000), Err(Error::Depth));
}

#[test]
fn a_number_may_have_64_bytes() {
    let number = |bytes: usize| format!("[{}]", "1".repeat(bytes));
    assert_eq!(check(number(JSON_NUMBER_BYTES_MAX - 1).as_bytes(), 10), Ok(()));
    assert_eq!(check(number(JSON_NUMBER_BYTES_MAX).as_bytes(), 10), Ok(()));
    assert_eq!(check(number(JSON_NUMBER_BYTES_MAX + 1).as_bytes(), 10), Err(Error::Number));
    assert_eq!(check(format!("[0.{}e9]", "0".repeat(10_000_000)).as_bytes(), 10), Err(Error::Number));
}

#[test]
fn a_text_may_have_so_many_nodes() {
    let list = |values: usize| format!("[{}]", vec!["0"; values].join(","));
    assert_eq!(check(list(8).as_bytes(), 10), Ok(()));
    assert_eq!(check(list(9).as_bytes(), 10), Ok(()));
    assert_eq!(check(list(10).as_bytes(), 10), Err(Error::Nodes));
}

#[test]
fn no_key_makes_the_parser_read_a_string_as_json() {
    let hidden = serde_json::to_string(&"[".repeat(100)).unwrap();
    for key in
        ["$serde_json::private::RawValue", "\\u0024serde_json::private::RawValue", "$serde\\u005fjson::private::x"]
    {
        assert_eq!(check(format!("{{\"{key}\":{hidden}}}").as_bytes(), 1000), Err(Error::ReservedKey), "{key}");
        assert_eq!(check(format!("[{{\"a\":{{\"{key}\":1}}}}]").as_bytes(), 1000), Err(Error::ReservedKey), "{key}");
    }
    for key in ["$", "$schema", "\\u0024", "\\ud800", "serde_json::private::RawValue", "$serde_json::privat"] {
        assert_eq!(check(format!("{{\"{key}\":{hidden}}}").as_bytes(), 1000), Ok(()), "{key}");
    }
    let value = "[\"$serde_json::private::RawValue\"]";
    assert_eq!(check(value.as_bytes(), 1000), Ok(()), "a value is only a value");
}
