//! What contexts of compressed WebSocket connections really take: the figures that are counted are those of
//! the library's version that is compiled in, and no bomb takes more than its bound.
#![allow(clippy::disallowed_methods, reason = "a test reads what the kernel says of its process")]

use lattice::buffer::Aligned;
use lattice::session::ws::deflate::{Deflater, Inflater, Pool};
use lattice::wire::ws::{Error, Kind};

const CONNECTIONS: usize = 200;
/// Of what was counted, in percent: pages that no message touched, and what the allocator rounds up.
const LEAST: usize = 80;
const MOST: usize = 110;
const BOMB_BYTES_MAX: usize = 16 << 20;
/// What comes with the bound, in KiB: memory that grows is copied, the contexts, and the test's own.
const BESIDE_KIB: usize = (BOMB_BYTES_MAX >> 10) + 2048;

fn status_kib(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).expect("known");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Bytes without repetition, so that every part of a context is used.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn contexts_take_what_is_counted_and_bombs_what_is_allowed() {
    // Bombs first: the peak never falls again.
    let mut pool = Pool::new();
    let mut payload = Vec::new();
    assert!(Deflater::new(true, 15).deflate(&vec![0; 1 << 20], 0, &mut payload, &mut pool));
    payload.extend_from_slice(&[0, 0, 0xff, 0xff]);
    let bomb = payload.repeat(1024);
    let before = status_kib("VmHWM");
    let mut out = Aligned::new();
    let outcome = Inflater::new(true).inflate(Kind::Binary, &bomb, BOMB_BYTES_MAX, &mut out, &mut pool);
    assert_eq!(outcome, Err(Error::MessageTooLarge));
    let peak = status_kib("VmHWM") - before;
    println!("a bomb of 1 GiB in {} bytes took {peak} KiB", bomb.len());
    assert!(peak <= (BOMB_BYTES_MAX >> 10) + BESIDE_KIB, "{peak} KiB");
    drop((out, bomb, payload, pool));

    let mut pool = Pool::new();
    let message = noise(32_000);
    let mut connections = Vec::with_capacity(CONNECTIONS);
    let (mut payload, mut out) = (Vec::with_capacity(64 << 10), Aligned::with_capacity(64 << 10));
    let before = status_kib("VmRSS");
    for _ in 0..CONNECTIONS {
        let (mut deflater, mut inflater) = (Deflater::new(true, 15), Inflater::new(true));
        for _ in 0..3 {
            payload.clear();
            assert!(deflater.deflate(&message, 0, &mut payload, &mut pool));
            inflater.inflate(Kind::Binary, &payload, 1 << 20, &mut out, &mut pool).expect("whole");
        }
        connections.push((deflater, inflater));
    }
    let took = (status_kib("VmRSS") - before) << 10;
    let counted: usize = connections.iter().map(|(one, other)| one.held_bytes() + other.held_bytes()).sum();
    println!("{CONNECTIONS} connections counted {counted} bytes and took {took}");
    assert!((counted / 100 * LEAST..counted / 100 * MOST).contains(&took), "{took} of {counted}");
}
