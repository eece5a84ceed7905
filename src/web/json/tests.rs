//! Against `serde_json`, byte by byte.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;

fn same<T: Serialize>(value: &T) {
    let mut out = b"before".to_vec();
    write(value, &mut out).expect("JSON");
    let expected = format!("before{}", serde_json::to_string(value).expect("JSON"));
    assert_eq!(String::from_utf8_lossy(&out), expected);
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Newtype(u8);

#[derive(Serialize)]
struct Pair(i8, Unit);

#[derive(Serialize)]
enum Kind {
    Unit,
    Newtype(Newtype),
    Tuple(u8, Option<u8>),
    Struct { a: u8, b: Vec<Kind> },
}

#[derive(Serialize)]
struct All<'a> {
    kinds: Vec<Kind>,
    pair: Pair,
    raw: &'a RawValue,
    none: Option<u8>,
    #[serde(flatten)]
    more: BTreeMap<&'a str, char>,
}

#[test]
fn every_shape_is_written_as_serde_json_writes_it() {
    let inner = vec![Kind::Unit, Kind::Tuple(1, None)];
    let kinds = vec![Kind::Newtype(Newtype(7)), Kind::Struct { a: 2, b: inner }, Kind::Tuple(3, Some(4))];
    let raw: Box<RawValue> = serde_json::from_str(r#"{"as": [ "it" , 1e3 ]}"#).expect("JSON");
    let more = BTreeMap::from([("x", '"'), ("y", 'é')]);
    same(&All { kinds, pair: Pair(-1, Unit), raw: &raw, none: None, more });
    same(&(i64::MIN, i64::MAX, u64::MAX, i128::MIN, u128::MAX, -1i8, u8::MAX, 0));
    same(&(0.0f64, -1.5f32, 1e300f64, f64::NAN, f64::INFINITY, 0.1f32 + 0.2f32));
    same(&BTreeMap::from([(-1i8, ()), (5, ())]));
    same(&BTreeMap::from([(true, 1), (false, 2)]));
    same(&BTreeMap::from([('\n', [0u8; 0])]));
    same(&json!({"a": [1, 2.5, null, true, {"b": []}], "": "\u{7f}\u{80}\u{0}"}));
}

#[test]
fn a_key_that_is_no_text_is_refused() {
    let map = BTreeMap::from([(vec![1], 1)]);
    assert!(write(&map, &mut Vec::new()).is_err() && serde_json::to_string(&map).is_err());
    let map = BTreeMap::from([(None::<u8>, 1)]);
    assert!(write(&map, &mut Vec::new()).is_err() && serde_json::to_string(&map).is_err());
}

#[test]
fn each_octet_is_told_apart_wherever_it_stands() {
    for octet in 0..128u8 {
        for length in 1..40 {
            for at in (0..length).filter(|at| length < 20 || at % 8 == 7) {
                let mut text = vec![b'x'; length];
                text[at] = octet;
                same(&String::from_utf8(text).expect("ASCII"));
            }
        }
    }
}

proptest! {
    #[test]
    fn every_text_is_written_as_serde_json_writes_it(text in "(?s).{0,40}") {
        same(&text);
        same(&Value::from(text));
    }
}
