mod bounds;
mod contexts;
mod naive;
mod rfc;
mod sequences;
mod vectors;

use super::{Deflater, Inflater, Pool};
use crate::buffer::Aligned;
use crate::wire::ws::{Error, Kind};

/// A connection's inflater and what is around it.
struct Receiver {
    inflater: Inflater,
    pool: Pool,
    out: Aligned,
}

impl Receiver {
    fn new(takeover: bool) -> Self {
        Self { inflater: Inflater::new(takeover), pool: Pool::new(), out: Aligned::new() }
    }

    fn take(&mut self, kind: Kind, payload: &[u8], bytes_max: usize) -> Result<&[u8], Error> {
        self.inflater.inflate(kind, payload, bytes_max, &mut self.out, &mut self.pool)?;
        Ok(&self.out)
    }

    fn binary(&mut self, payload: &[u8]) -> Result<&[u8], Error> {
        self.take(Kind::Binary, payload, 1 << 20)
    }
}

/// A connection's deflater and what is around it.
struct Sender {
    deflater: Deflater,
    pool: Pool,
}

impl Sender {
    fn new(takeover: bool, bits: u8) -> Self {
        Self { deflater: Deflater::new(takeover, bits), pool: Pool::new() }
    }

    /// The payload, or `None` if the message goes as it is.
    fn send(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let is_compressed = self.deflater.deflate(message, 0, &mut out, &mut self.pool);
        assert!(is_compressed || out.is_empty());
        is_compressed.then_some(out)
    }
}

/// Bytes that nothing makes smaller, the same for the same seed.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|_| next()).collect()
}
