//! Properties that hold for any bytes at all. Each panics where one does not.
//!
//! The fuzz targets are one line each around these; `tests/corpus.rs` replays what they found.

use alloc::vec::Vec;

use super::accept::{Coding, FULL_WEIGHT, MediaType, coding, media, media_weights};
use super::conditional::{Conditions, Decision, Modified, Validators};
use super::etag::{Comparison, EntityTag, matches};
use super::fields::{Field, trim};
use super::multipart::Multipart;
use super::range::{Selection, content_range, select};
use crate::limits::{ETAGS_MAX, PREFERENCES_MAX, RANGE_GAP_BYTES_MAX, RANGES_MAX};
use crate::wire::http1::Method;

/// `data` is the length of a representation (four bytes) and a `Range`. What is selected is within
/// it, whatever was asked; asking for what was selected selects it again.
pub fn range(data: &[u8]) {
    let Some((length, value)) = data.split_first_chunk::<4>() else { return };
    let length = u64::from(u32::from_le_bytes(*length));
    let selection = select(Some(value), length);
    let parts: Vec<_> = match &selection {
        Selection::Whole | Selection::Unsatisfiable => return,
        Selection::One(part) => [part.clone()].into(),
        Selection::Several(parts) => {
            assert!(parts.len() > 1 && parts.len() <= RANGES_MAX);
            parts.clone()
        }
    };
    assert!(parts.iter().all(|part| part.start < part.end && part.end <= length));
    let mut sorted = parts.clone();
    sorted.sort_by_key(|part| part.start);
    assert!(sorted.windows(2).all(|pair| pair[0].end + RANGE_GAP_BYTES_MAX < pair[1].start), "{sorted:?}");
    let specs = parts.iter().map(|part| alloc::format!("{}-{}", part.start, part.end - 1));
    let again = alloc::format!("bytes={}", specs.collect::<Vec<_>>().join(","));
    assert_eq!(select(Some(again.as_bytes()), length), selection, "{again}");
    let multipart = Multipart::new(&parts, length, b"text/plain", "b");
    let written: u64 = multipart.parts().map(|(head, part)| head.len() as u64 + (part.end - part.start)).sum();
    assert_eq!(multipart.content_length(), written + multipart.closing().len() as u64);
    for ((head, _), part) in multipart.parts().zip(&parts) {
        let told = content_range(part, length);
        assert!(memchr::memmem::find(head, &told).is_some());
    }
}

const CONDITIONS: [&str; 5] = ["If-Match", "If-Unmodified-Since", "If-None-Match", "If-Modified-Since", "If-Range"];
const METHODS: [Method; 6] = [Method::Get, Method::Head, Method::Put, Method::Delete, Method::Post, Method::Options];

/// `data` is lines: each a digit that names a field, and its value. Decisions are those a method can
/// have, and adding our own tag in front of a list is always noticed.
pub fn conditional(data: &[u8]) {
    let lines = data.split(|&byte| byte == b'\n').filter_map(|line| line.split_first());
    let field = |(which, value): (&u8, _)| (CONDITIONS[usize::from(*which) % CONDITIONS.len()].as_bytes(), value);
    let fields: Vec<Field<'_>> = lines.map(field).collect();
    let tag = EntityTag { weak: false, opaque: b"\"abc\"" };
    let current = Validators { etag: Some(tag), modified: Some(Modified { unix_s: 784_111_777, is_strong: true }) };
    let conditions = Conditions::of(&fields[..]);
    for method in METHODS {
        let decision = conditions.decide(method, Some(&current));
        let is_read = matches!(method, Method::Get | Method::Head);
        assert!(decision != Decision::NotModified || is_read, "{method:?}");
        assert!(decision == Decision::Proceed || method != Method::Options);
        assert!(conditions.decide(method, None) != Decision::NotModified, "what is not there is not known");
        assert!(!fields.is_empty() || decision == Decision::Proceed);
    }
    assert!(fields.iter().any(|(name, _)| *name == b"If-Range") || conditions.range_applies(&current));
    for (_, value) in &fields {
        list(value, &tag);
    }
}

fn list(value: &[u8], tag: &EntityTag<'_>) {
    if let Some(parsed) = EntityTag::parse(value) {
        assert!(parsed.opaque.len() >= 2 && value.ends_with(parsed.opaque));
        assert!(parsed.is_equivalent(&parsed) && parsed.is_same(&parsed) != parsed.weak);
        assert!(matches([value].into_iter(), Some(Some(parsed)), Comparison::Weak));
    }
    let found = |value: &[u8], comparison| matches([value].into_iter(), Some(Some(*tag)), comparison);
    assert!(!found(value, Comparison::Strong) || found(value, Comparison::Weak), "strong is never wider");
    let in_front = [b"\"abc\" ,", value].concat();
    assert!(found(&in_front, Comparison::Strong));
    let behind = ["\"x\",".repeat(ETAGS_MAX).as_bytes(), b"\"abc\""].concat();
    assert!(!found(&behind, Comparison::Weak), "the bound holds");
}

/// `data` is an `Accept` or `Accept-Encoding`, a line each value. What is chosen is offered, nothing is
/// chosen that was ruled out, and lines mean what one line of all of them means.
pub fn accept(data: &[u8]) {
    let values = || data.split(|&byte| byte == b'\n');
    let offered = [MediaType::new("text/html"), MediaType::new("application/json")];
    let weights = media_weights(values(), &offered);
    assert!(weights.iter().all(|weight| weight.value <= FULL_WEIGHT && (weight.rank > 0 || weight.value == 0)));
    match media(values(), &offered) {
        Some(index) => assert!(weights.iter().all(|weight| weight.value <= weights[index].value)),
        None => assert!(weights.iter().all(|weight| weight.value == 0)),
    }
    let chosen = coding(values(), &Coding::ALL);
    if let Some(Some(coding)) = chosen {
        assert!(Coding::ALL.contains(&coding));
    }
    if data.contains(&b'"') {
        return;
    }
    let joined: Vec<u8> = data.iter().map(|&byte| if byte == b'\n' { b',' } else { byte }).collect();
    assert_eq!(coding([&joined[..]].into_iter(), &Coding::ALL), chosen);
    assert_eq!(media_weights([&joined[..]].into_iter(), &offered), weights);
    if joined.split(|&byte| byte == b',').count() <= PREFERENCES_MAX {
        assert_eq!(plain_coding(&joined), chosen);
    }
}

/// The same decision, made the long way for a list without quotes.
fn plain_coding(list: &[u8]) -> Option<Option<Coding>> {
    let said: Vec<(Vec<u8>, u16)> = list.split(|&byte| byte == b',').map(plain_preference).collect();
    let find = |name: &[u8]| said.iter().find(|(known, _)| known == name).map(|(_, weight)| *weight);
    let any = find(b"*");
    let gzip = said.iter().find(|(known, _)| known == b"gzip" || known == b"x-gzip").map(|(_, weight)| *weight);
    let weight = |coding| match coding {
        Coding::Gzip => gzip.or(any),
        other => find(other.token().as_bytes()).or(any),
    };
    let best = Coding::ALL.iter().rev().max_by_key(|coding| weight(**coding)).copied();
    let best = best.filter(|coding| weight(*coding).is_some_and(|weight| weight > 0));
    let identity = find(b"identity");
    match best {
        Some(coding) if identity > weight(coding) => Some(None),
        Some(coding) => Some(Some(coding)),
        None if identity.or(any) != Some(0) => Some(None),
        None => Coding::ALL.into_iter().find(|coding| weight(*coding).is_none()).map(Some),
    }
}

fn plain_preference(member: &[u8]) -> (Vec<u8>, u16) {
    let mut parts = member.split(|&byte| byte == b';').map(trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let q = parts.find_map(|part| match part {
        [b'q' | b'Q'] => Some(&b""[..]),
        [b'q' | b'Q', b'=', value @ ..] => Some(value),
        _ => None,
    });
    let text = q.and_then(|q| core::str::from_utf8(q).ok()).unwrap_or("1");
    let is_weight = text.starts_with("0") && text.len() <= 5 && (text.len() == 1 || text.as_bytes()[1] == b'.');
    let digits = text.get(2..).unwrap_or_default();
    if !is_weight || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return (name, FULL_WEIGHT);
    }
    let padded = alloc::format!("{digits:0<3}");
    (name, padded.parse().unwrap_or(FULL_WEIGHT))
}
