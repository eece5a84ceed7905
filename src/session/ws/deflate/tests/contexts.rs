//! Who holds a context, and when.

use super::{Receiver, Sender, noise};
use crate::limits::{WS_COMPRESS_BYTES_MIN, WS_CONTEXTS_KEPT, WS_DEFLATE_STEP_BYTES};
use crate::session::ws::deflate::{Deflater, INFLATE_CONTEXT_BYTES, Inflater, Pool, deflate_context_bytes};
use crate::wire::ws::Error;

const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

#[test]
fn a_connection_that_compresses_nothing_holds_nothing() {
    let (mut sender, mut receiver) = (Sender::new(true, 15), Receiver::new(true));
    assert_eq!((sender.send(b""), receiver.binary(b"")), (None, Ok(&b""[..])));
    assert_eq!(sender.deflater.held_bytes() + receiver.inflater.held_bytes(), 0);
    assert_eq!(sender.pool.held_bytes() + receiver.pool.held_bytes(), 0);
    assert_eq!((size_of::<Inflater>(), size_of::<Deflater>()), (16, 16));
}

#[test]
fn short_messages_go_as_they_are() {
    for (len, is_compressed) in
        [(WS_COMPRESS_BYTES_MIN - 1, false), (WS_COMPRESS_BYTES_MIN, true), (WS_COMPRESS_BYTES_MIN + 1, true)]
    {
        let (mut deflater, mut pool, mut out) = (Deflater::new(true, 15), Pool::new(), Vec::new());
        let message = vec![b'a'; len];
        assert_eq!(deflater.deflate(&message, WS_COMPRESS_BYTES_MIN, &mut out, &mut pool), is_compressed, "{len}");
        assert_eq!((out.is_empty(), deflater.held_bytes() == 0), (!is_compressed, !is_compressed));
    }
}

#[test]
fn history_is_held_and_given_back_at_the_end() {
    let (mut sender, mut receiver) = (Sender::new(true, 12), Receiver::new(true));
    let payload = sender.send(&[b'a'; 200]).expect("compressed");
    receiver.binary(&payload).expect("whole");
    assert_eq!(sender.deflater.held_bytes(), deflate_context_bytes(12));
    assert_eq!(receiver.inflater.held_bytes(), INFLATE_CONTEXT_BYTES);
    assert_eq!(sender.pool.held_bytes() + receiver.pool.held_bytes(), 2 * WS_DEFLATE_STEP_BYTES);
    sender.deflater.release(&mut sender.pool);
    receiver.inflater.release(&mut receiver.pool);
    assert_eq!(sender.deflater.held_bytes() + receiver.inflater.held_bytes(), 0);
    assert_eq!(sender.pool.held_bytes(), deflate_context_bytes(12) + WS_DEFLATE_STEP_BYTES);
    assert_eq!(receiver.pool.held_bytes(), INFLATE_CONTEXT_BYTES + WS_DEFLATE_STEP_BYTES);
}

#[test]
fn without_history_connections_share_the_contexts_of_their_thread() {
    let mut pool = Pool::new();
    let mut out = Vec::new();
    let mut deflaters: Vec<Deflater> = (0..100).map(|_| Deflater::new(false, 15)).collect();
    for deflater in &mut deflaters {
        out.clear();
        assert!(deflater.deflate(&[b'a'; 500], 0, &mut out, &mut pool));
        assert!(!deflater.deflate(&noise(1, 500), 0, &mut out, &mut pool));
        assert_eq!(deflater.held_bytes(), 0);
    }
    assert_eq!(pool.held_bytes(), deflate_context_bytes(15) + WS_DEFLATE_STEP_BYTES);
}

#[test]
fn a_thread_keeps_so_many_contexts_and_no_more() {
    let mut pool = Pool::new();
    for count in [WS_CONTEXTS_KEPT - 1, WS_CONTEXTS_KEPT, WS_CONTEXTS_KEPT + 1] {
        let mut inflaters: Vec<Inflater> = (0..count).map(|_| Inflater::new(true)).collect();
        let mut deflaters: Vec<Deflater> = (0..count).map(|_| Deflater::new(true, 15)).collect();
        for (inflater, deflater) in inflaters.iter_mut().zip(&mut deflaters) {
            let mut out = crate::buffer::Aligned::new();
            inflater.inflate(crate::wire::ws::Kind::Text, &HELLO, 5, &mut out, &mut pool).expect("whole");
            assert!(deflater.deflate(b"Hello", 0, &mut Vec::new(), &mut pool));
        }
        inflaters.iter_mut().for_each(|inflater| inflater.release(&mut pool));
        deflaters.iter_mut().for_each(|deflater| deflater.release(&mut pool));
        let kept = count.min(WS_CONTEXTS_KEPT);
        let expected = kept * (INFLATE_CONTEXT_BYTES + deflate_context_bytes(15)) + WS_DEFLATE_STEP_BYTES;
        assert_eq!(pool.held_bytes(), expected, "{count}");
    }
    // Another window makes room for itself.
    let mut other = Deflater::new(false, 9);
    other.deflate(&[b'a'; 200], 0, &mut Vec::new(), &mut pool);
    assert!(pool.held_bytes() < WS_CONTEXTS_KEPT * (INFLATE_CONTEXT_BYTES + deflate_context_bytes(15)));
}

#[test]
fn a_context_of_the_pool_knows_nothing_of_whom_it_served() {
    let mut receiver = Receiver::new(false);
    let mut sender = Sender::new(false, 15);
    let message = [b'a'; 300];
    let payload = sender.send(&message).expect("compressed");
    assert_eq!(receiver.binary(&HELLO[..3]), Err(Error::Compressed), "a context in the middle of a block");
    assert_eq!(receiver.binary(&[0xf2, 0x00, 0x11, 0x00, 0x00]), Err(Error::Compressed));
    assert_eq!(receiver.binary(&payload), Ok(&message[..]));
    assert_eq!(sender.send(&noise(5, 3000)), None);
    assert_eq!(sender.send(&message), Some(payload));
}
