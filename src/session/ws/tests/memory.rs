//! A connection that waits for nothing holds nothing.

use super::support::{binary, closing, frame, text};
use super::*;

#[test]
fn an_idle_connection_holds_what_it_held_at_first() {
    let mut bench = Bench::new();
    let base = bench.ws.held_bytes();
    assert_eq!(base, size_of::<Ws>());
    let long = vec![3; 400_000];
    let fragments = [frame(0x02, &long[..200_000]), frame(0x80, &long[200_000..])].concat();
    for bytes in [text("hi"), binary(&long), fragments, frame(0x89, b"ping"), [text("job"), binary(&long)].concat()] {
        // As reads bring them, then with each frame in two parts.
        for size in [65_536, 7_001] {
            for piece in bytes.chunks(size) {
                bench.feed(piece);
                bench.settle();
            }
        }
        assert!(bench.ws.is_idle());
        assert_eq!(bench.ws.held_bytes(), base, "after {} bytes", bytes.len());
    }
}

#[test]
fn a_message_under_way_is_counted() {
    let mut bench = Bench::new();
    let base = bench.ws.held_bytes();
    bench.feed(&frame(0x02, &[1; 100_000]));
    let held = bench.ws.held_bytes() - base;
    assert!((100_000..300_000).contains(&held), "{held}");
    assert!(!bench.ws.is_idle());
    bench.feed(&frame(0x80, b"")).settle();
    assert_eq!(bench.ws.held_bytes(), base);
}

#[test]
fn what_waits_is_counted_until_it_has_left() {
    let mut bench = Bench::new();
    let base = bench.ws.held_bytes();
    bench.feed(&[text("job"), binary(&[1; 50_000])].concat());
    assert!(bench.ws.held_bytes() > base + 50_000, "what came waits for the job");
    bench.settle();
    for _ in 0..10 {
        bench.push(&[1; 50_000]);
    }
    assert!(bench.ws.held_bytes() > base + 400_000, "what is to be sent waits for the peer");
    bench.settle();
    assert!(bench.ws.held_bytes() < base + 1_000, "{}", bench.ws.held_bytes() - base);
}

#[test]
fn the_end_gives_everything_back() {
    let parts = || [frame(0x02, &[1; 100_000]), frame(0x89, b"ping")].concat();
    for end in [closing(1000, ""), frame(0x83, b""), frame(0x88, b"x")] {
        let mut bench = Bench::new();
        let base = bench.ws.held_bytes();
        bench.feed(&parts());
        bench.feed(&end);
        assert_eq!((bench.phase(), bench.ws.held_bytes()), (Phase::Linger, base));
    }
    let mut bench = Bench::new();
    let base = bench.ws.held_bytes();
    bench.feed(&parts()).deadline();
    assert_eq!((bench.phase(), bench.ws.held_bytes()), (Phase::Linger, base));
}
