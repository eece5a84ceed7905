//! Compression of one connection, if it was agreed on.

use std::cell::RefCell;
use std::mem::size_of;

use super::deflate::{Deflater, Inflater, Pool};
use crate::app::ws::Compress;
use crate::limits::WS_COMPRESS_BYTES_MIN;
use crate::wire::ws::extension::Agreed;

/// Both directions.
pub(super) struct Deflate {
    pub(super) inflater: Inflater,
    pub(super) deflater: Deflater,
}

impl Deflate {
    pub(super) fn new(agreed: &Agreed) -> Self {
        Self {
            inflater: Inflater::new(agreed.client_takeover),
            deflater: Deflater::new(agreed.server_takeover, agreed.server_bits),
        }
    }

    /// Bytes of memory that it holds.
    pub(super) fn held_bytes(&self) -> usize {
        size_of::<Self>() + self.inflater.held_bytes() + self.deflater.held_bytes()
    }
}

/// The way out for one call, with the contexts of the thread.
pub(super) struct Compressing<'a> {
    pub(super) deflater: &'a mut Deflater,
    pub(super) contexts: &'a RefCell<Pool>,
}

impl Compress for Compressing<'_> {
    fn compress(&mut self, payload: &[u8], out: &mut Vec<u8>) -> bool {
        self.deflater.deflate(payload, WS_COMPRESS_BYTES_MIN, out, &mut self.contexts.borrow_mut())
    }
}
