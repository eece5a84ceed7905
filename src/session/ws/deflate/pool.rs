//! The contexts of one thread that no connection uses at the moment.

use zlib_rs::{Deflate, DeflateConfig, Inflate};

use crate::limits::{WS_CONTEXTS_KEPT, WS_DEFLATE_STEP_BYTES, WS_WINDOW_BITS_MAX, WS_WINDOW_BITS_MIN};

/// Memory of one context that unfolds: its window, of the largest size always, and its tables.
pub const INFLATE_CONTEXT_BYTES: usize = 47_552 + size_of::<Inflate>();

/// Memory of one context that compresses, beside what its window takes: nearly all of it hashes.
const DEFLATE_BASE_BYTES: usize = 148_608 + size_of::<Deflate>();

/// Memory of one context that compresses with a window of `bits`: two windows, and a link for each place in one.
pub const fn deflate_context_bytes(bits: u8) -> usize {
    DEFLATE_BASE_BYTES + (4 << bits)
}

/// The fastest. Counted by callgrind on JSON with history, it compresses messages of 130 bytes with a thirteenth
/// of the instructions of level 2 into 8 % more, and those of 1,300 bytes with a quarter into a third more:
/// level 2 and above make codes of their own for each message.
const LEVEL: i32 = 1;

/// How much is coded as one block; more gains nothing for messages and costs 100 KB for each context.
const MEMORY_LEVEL: i32 = 5;

/// Contexts for the next messages and connections, all as if they were new; and the thread's working memory.
#[derive(Default)]
#[expect(clippy::vec_box, reason = "contexts move between here and connections, which are small without one")]
pub struct Pool {
    inflaters: Vec<Box<Inflate>>,
    /// With the bits of the window.
    deflaters: Vec<(u8, Box<Deflate>)>,
    step: Vec<u8>,
}

impl Pool {
    /// Without any; allocates nothing.
    pub const fn new() -> Self {
        Self { inflaters: Vec::new(), deflaters: Vec::new(), step: Vec::new() }
    }

    /// Bytes of memory that it holds.
    pub fn held_bytes(&self) -> usize {
        let deflaters: usize = self.deflaters.iter().map(|(bits, _)| deflate_context_bytes(*bits)).sum();
        self.inflaters.len() * INFLATE_CONTEXT_BYTES + deflaters + self.step.capacity()
    }

    /// Where the next bytes come out, before they are appended to what came before.
    pub(super) fn step(&mut self) -> &mut [u8] {
        if self.step.is_empty() {
            self.step = vec![0; WS_DEFLATE_STEP_BYTES];
        }
        &mut self.step
    }

    pub(super) fn inflater(&mut self) -> Box<Inflate> {
        self.inflaters.pop().unwrap_or_else(|| Box::new(Inflate::new(false, WS_WINDOW_BITS_MAX)))
    }

    pub(super) fn keep_inflater(&mut self, mut context: Box<Inflate>) {
        if self.inflaters.len() < WS_CONTEXTS_KEPT {
            context.reset(false);
            self.inflaters.push(context);
        }
    }

    pub(super) fn deflater(&mut self, bits: u8) -> Box<Deflate> {
        let kept = self.deflaters.iter().position(|(kept, _)| *kept == bits);
        kept.map_or_else(|| new_deflater(bits), |index| self.deflaters.swap_remove(index).1)
    }

    pub(super) fn keep_deflater(&mut self, bits: u8, mut context: Box<Deflate>) {
        if self.deflaters.len() == WS_CONTEXTS_KEPT {
            // Connections of another window come now: the oldest makes room.
            self.deflaters.remove(0);
        }
        context.reset();
        self.deflaters.push((bits, context));
    }
}

fn new_deflater(bits: u8) -> Box<Deflate> {
    debug_assert!((WS_WINDOW_BITS_MIN..=WS_WINDOW_BITS_MAX).contains(&bits));
    // Negative bits are the library's word for deflate without a header.
    let window_bits = -i32::from(bits);
    let config = DeflateConfig { level: LEVEL, window_bits, mem_level: MEMORY_LEVEL, ..DeflateConfig::default() };
    Box::new(Deflate::new_with_config(config))
}
