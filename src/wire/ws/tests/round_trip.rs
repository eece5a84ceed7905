//! What is written comes out again: any messages, in any fragments, with control frames between them, in any
//! pieces.

use alloc::vec::Vec;

use proptest::prelude::*;

use super::support::{Said, feed_with};
use crate::wire::ws::{Decoder, Kind, Limits, Opcode, Role, mask, put_header, put_masked_header};

const LIMITS: Limits = Limits { message_bytes: 1 << 20, fragments: 64 };

/// A message, where it is cut into fragments, and pings before some of them.
#[derive(Debug, Clone)]
struct Sent {
    kind: Kind,
    compressed: bool,
    payload: Vec<u8>,
    cuts: Vec<(usize, bool)>,
}

fn sent() -> impl Strategy<Value = Sent> {
    let payload = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..40),
        2 => prop::collection::vec(any::<u8>(), 100..300),
        1 => prop::collection::vec(any::<u8>(), 65_500..66_000),
    ];
    let text = "[ -~é漢🦀]{0,60}".prop_map(|text| (Kind::Text, text.into_bytes()));
    let bytes = payload.prop_map(|bytes| (Kind::Binary, bytes));
    let cuts = prop::collection::vec((0usize..70_000, any::<bool>()), 0..5);
    (prop_oneof![text, bytes], any::<bool>(), cuts).prop_map(|((kind, payload), compressed, cuts)| {
        let mut cuts: Vec<_> = cuts.into_iter().map(|(at, ping)| (at % (payload.len() + 1), ping)).collect();
        cuts.sort_unstable();
        Sent { kind, compressed, payload, cuts }
    })
}

fn put(out: &mut Vec<u8>, key: Option<[u8; 4]>, opcode: Opcode, fin: bool, rsv1: bool, payload: &[u8]) {
    let Some(key) = key else {
        let (header, length) = put_header(opcode, fin, rsv1, payload.len());
        out.extend_from_slice(&header[..length]);
        out.extend_from_slice(payload);
        return;
    };
    let (header, length) = put_masked_header(opcode, fin, rsv1, payload.len(), key);
    out.extend_from_slice(&header[..length]);
    let start = out.len();
    out.extend_from_slice(payload);
    mask(&mut out[start..], key);
}

/// Its frames, and what is said by them in this order.
fn write(sent: &Sent, key: Option<[u8; 4]>, out: &mut Vec<u8>, said: &mut Vec<Said>) {
    let mut opcode = Opcode::from(sent.kind);
    let mut start = 0;
    for &(cut, ping) in &sent.cuts {
        let rsv1 = sent.compressed && opcode != Opcode::Continuation;
        put(out, key, opcode, false, rsv1, &sent.payload[start..cut]);
        (opcode, start) = (Opcode::Continuation, cut);
        if ping {
            put(out, key, Opcode::Ping, true, false, &cut.to_be_bytes());
            said.push(Said::Ping(cut.to_be_bytes().to_vec()));
        }
    }
    let rsv1 = sent.compressed && opcode != Opcode::Continuation;
    put(out, key, opcode, true, rsv1, &sent.payload[start..]);
    said.push(Said::Message(sent.kind, sent.compressed, sent.payload.clone()));
}

fn pieces<'b>(bytes: &'b [u8], sizes: &[usize]) -> Vec<&'b [u8]> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    for &size in sizes.iter().cycle().take(2_000) {
        let (piece, after) = rest.split_at(size.min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_written_comes_out_again(
        all in prop::collection::vec(sent(), 1..6),
        key: Option<[u8; 4]>,
        sizes in prop::collection::vec(prop_oneof![1usize..20, 1usize..3_000, 1usize..100_000], 1..5),
        offset in 0usize..8,
    ) {
        let (mut bytes, mut said) = (Vec::new(), Vec::new());
        all.iter().for_each(|sent| write(sent, key, &mut bytes, &mut said));
        let role = if key.is_some() { Role::Server } else { Role::Client };
        let outcome = feed_with(Decoder::new(role, true), &pieces(&bytes, &sizes), offset, &LIMITS);
        prop_assert_eq!(outcome, (said, None));
    }
}
