//! Documents, whole and cut, good and hostile.

use super::*;

const SAMPLE: &str = r#"{"_id":"n","versions":{"1.0.0":{"name":"n","a":[1,{"data":"x"}]}},
    "_attachments":{"n-1.0.0.tgz":{"content_type":"x","data":"AAEC\/+8=","length":5}},"dist-tags":{"latest":"1.0.0"}}"#;

fn error(text: &str) -> Option<Error> {
    let whole = split(text.as_bytes(), text.len()).err();
    assert_eq!(split(text.as_bytes(), 1).err(), whole, "the same error byte by byte: {text:.80}");
    whole
}

#[test]
fn a_document_comes_apart_the_same_wherever_it_is_cut() {
    let expected = split(SAMPLE.as_bytes(), usize::MAX).unwrap();
    assert_eq!(expected.1, [0, 1, 2, 0xff, 0xef]);
    assert_eq!(expected.0.attachment, Some(Attachment { key: "n-1.0.0.tgz".into(), bytes: 5 }));
    assert_eq!(String::from_utf8(expected.0.json.clone()).unwrap(), SAMPLE.replace(r"AAEC\/+8=", ""));
    for cut in 0..=SAMPLE.len() {
        let mut splitter = Splitter::new();
        let mut data = Vec::new();
        let (left, right) = SAMPLE.as_bytes().split_at(cut);
        for mut rest in [left, right] {
            while !rest.is_empty() {
                let (used, decoded) = splitter.on_bytes(rest).unwrap();
                data.extend_from_slice(decoded);
                rest = &rest[used..];
            }
        }
        assert_eq!((splitter.finish().unwrap(), data), expected, "cut at {cut}");
    }
    fuzz(SAMPLE.as_bytes());
}

#[test]
fn an_attachment_may_come_first() {
    let text = r#"{"_attachments":{"a.tgz":{"data":"QUJD"}},"versions":{}}"#;
    let (document, data) = split(text.as_bytes(), 3).unwrap();
    assert_eq!(data, b"ABC");
    assert_eq!(document.json, text.replace("QUJD", "").as_bytes());
}

#[test]
fn a_document_without_attachments_stays_as_it_is() {
    for text in
        ["{}", r#"{"_attachments":{},"versions":{"1.0.0":{"data":"x"}},"data":"y"}"#, r#" {"users":{"me":true}} "#]
    {
        let (document, data) = split(text.as_bytes(), 2).unwrap();
        assert_eq!((document.json.as_slice(), document.attachment, data), (text.as_bytes(), None, vec![]));
    }
}

#[test]
fn poison_keys_in_versions_or_tags_are_refused_however_they_are_escaped() {
    for key in ["__proto__", "constructor", "prototype", r"\u005f_proto__", r"__prot\u006f__", r"\u0063onstructor"] {
        for place in ["versions", "dist-tags", "_attachments", r"\u0076ersions", r"dist\u002dtags"] {
            assert_eq!(error(&format!(r#"{{"{place}":{{"{key}":{{}}}}}}"#)), Some(Error::PoisonKey), "{place} {key}");
        }
    }
    assert_eq!(error(r#"{"versions":{"1.0.0":{"scripts":{"constructor":"x"}}}}"#), None);
}

#[test]
fn a_key_twice_is_refused_where_it_matters() {
    let bad = [
        r#"{"name":"a","name":"b"}"#,
        r#"{"name":"a","n\u0061me":"b"}"#,
        r#"{"versions":{"1.0.0":{},"1.0.0":{}}}"#,
        r#"{"versions":{"1.0.0":{"bin":{},"bin":{}}}}"#,
        r#"{"dist-tags":{"a":"1","a":"2"}}"#,
        r#"{"versions":{},"versions":{}}"#,
        r#"{"_attachments":{"a":{"data":"","data":""}}}"#,
        r#"{"_attachments":{},"_attachments":{}}"#,
    ];
    for text in bad {
        assert_eq!(error(text), Some(Error::DuplicateKey), "{text}");
    }
}

#[test]
fn one_attachment_is_enough_and_it_must_have_data() {
    assert_eq!(error(r#"{"_attachments":{"a":{"data":""},"b":{"data":""}}}"#), Some(Error::ManyAttachments));
    for data in ["1", "null", "{}", "[]", "true"] {
        assert_eq!(error(&format!(r#"{{"_attachments":{{"a":{{"data":{data}}}}}}}"#)), Some(Error::Data), "{data}");
    }
    for stub in ["{}", "1", r#""x""#, "[]", r#"{"stub":true}"#] {
        assert_eq!(error(&format!(r#"{{"_attachments":{{"a":{stub}}}}}"#)), Some(Error::Data), "{stub}");
    }
}

#[test]
fn provenance_is_refused_with_a_way_out() {
    let text = r#"{"_attachments":{"n-1.0.0.tgz":{"data":""},"n-1.0.0.sigstore":{"data":"{}"}}}"#;
    assert_eq!(error(text), Some(Error::Provenance));
    assert_eq!(Error::Provenance.status(), 501);
    assert!(Error::Provenance.sentence().contains("without --provenance"));
}

#[test]
fn base64_with_junk_is_refused() {
    for data in ["A", "AAA", "AA=A", "QUJD\\n", "QU JD", "QUJD\\u002b", "QUJ-", "AB==", "AAAA====", "QUJD\\\\", "\\"] {
        let text = format!(r#"{{"_attachments":{{"a.tgz":{{"data":"{data}"}}}}}}"#);
        assert_eq!(error(&text), Some(Error::Base64), "{data}");
    }
}

#[test]
fn what_is_not_one_object_is_refused() {
    for text in ["[]", "\"x\"", "1 ", "null", "[{}]"] {
        assert_eq!(error(text), Some(Error::NotAnObject), "{text}");
    }
    assert_eq!(error(""), Some(Error::Json(scan::Error::Incomplete)));
    for text in ["{}x", "{}{}", "{} ,", "{\"a\":}"] {
        assert_eq!(error(text), Some(Error::Json(scan::Error::Syntax)), "{text}");
    }
    assert_eq!(error(r#"{"_attachments":{"a":{"data":"QUJD"#), Some(Error::Json(scan::Error::Incomplete)));
}

#[test]
fn json_bombs_end_where_they_begin() {
    assert_eq!(error(&format!("{{\"a\":{}", "[".repeat(100_000))), Some(Error::Json(scan::Error::Depth)));
    assert_eq!(error(&format!("{{\"a\":{}}}", "9".repeat(100_000))), Some(Error::Json(scan::Error::Number)));
    let list = "0,".repeat(JSON_NODES_MAX);
    assert_eq!(
        split(format!("{{\"a\":[{list}0]}}").as_bytes(), usize::MAX).err(),
        Some(Error::Json(scan::Error::Nodes))
    );
    let list = "0,".repeat(PUBLISH_NODES_MAX);
    let text = format!(r#"{{"_attachments":{{"a":{{"data":""}}}},"a":[{list}0]}}"#);
    assert_eq!(split(text.as_bytes(), usize::MAX).err(), Some(Error::Json(scan::Error::Nodes)));
}

#[test]
fn a_publish_document_may_have_8_mib_beside_its_tarball() {
    let of = |bytes: usize| {
        let frame = r#"{"_attachments":{"a":{"data":"AAAA"}},"r":""}"#;
        frame.replace(r#""r":""#, &format!(r#""r":"{}"#, "x".repeat(bytes + 4 - frame.len())))
    };
    for (bytes, expected) in [(-1, None), (0, None), (1, Some(Error::TooLarge))] {
        let text = of(PUBLISH_DOCUMENT_BYTES_MAX.saturating_add_signed(bytes));
        assert_eq!(split(text.as_bytes(), 65536).err(), expected, "{bytes}");
    }
    let late =
        format!(r#"{{"r":"{}","_attachments":{{"a":{{"data":"AAAA"}}}}}}"#, "x".repeat(PUBLISH_DOCUMENT_BYTES_MAX));
    assert_eq!(split(late.as_bytes(), 65536).err(), Some(Error::TooLarge));
    assert_eq!(Error::TooLarge.status(), 413);
}

#[test]
fn a_metadata_document_may_have_64_mib() {
    let of = |bytes: usize| format!(r#"{{"r":"{}"}}"#, "x".repeat(bytes - 8));
    assert!(split(of(METADATA_DOCUMENT_BYTES_MAX).as_bytes(), 65536).is_ok());
    assert_eq!(split(of(METADATA_DOCUMENT_BYTES_MAX + 1).as_bytes(), 65536).err(), Some(Error::TooLarge));
}

#[test]
fn one_object_may_have_100000_keys() {
    let of = |keys: usize| {
        let keys: Vec<String> = (0..keys).map(|n| format!("\"{n}\":0")).collect();
        format!("{{\"versions\":{{{}}}}}", keys.join(","))
    };
    assert_eq!(split(of(JSON_KEYS_MAX).as_bytes(), 65536).err(), None);
    assert_eq!(split(of(JSON_KEYS_MAX + 1).as_bytes(), 65536).err(), Some(Error::TooManyKeys));
}

#[test]
fn a_large_attachment_leaves_nothing_in_memory() {
    let text = format!(r#"{{"_attachments":{{"a":{{"data":"{}"}}}}}}"#, "QUJD".repeat(1_000_000));
    let mut splitter = Splitter::new();
    let mut rest = text.as_bytes();
    let mut decoded_bytes = 0;
    while !rest.is_empty() {
        let (used, decoded) = splitter.on_bytes(rest).unwrap();
        decoded_bytes += decoded.len();
        rest = &rest[used..];
    }
    assert_eq!(decoded_bytes, 3_000_000);
    assert!(splitter.kept.capacity() < 1024);
}

#[test]
fn the_fuzz_property_holds_for_documents_with_a_few_bytes_changed() {
    let signs = b"{}[]\":,\\/u0=A_\x00\xff \n";
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    for _ in 0..20_000 {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        for _ in 0..=next(3) {
            let at = next(bytes.len());
            match next(3) {
                0 => bytes[at] = signs[next(signs.len())],
                1 => bytes.insert(at, signs[next(signs.len())]),
                _ => drop(bytes.remove(at)),
            }
        }
        fuzz(&bytes);
    }
}
