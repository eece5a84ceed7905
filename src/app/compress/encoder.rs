//! One encoder for all codings.
//!
//! Bytes are pushed in; what has come out so far is taken. After [`Encoder::flush`] what was taken
//! can be read up to the last byte pushed; after [`Encoder::finish`] it is a whole body. An encoder
//! holds a window of at most 256 KiB for live streams and 4 MiB otherwise, and the tables beside it.

use std::io::{self, Write};
use std::mem::take;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::wire::http::accept::Coding;

/// How long compressing may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// For one answer, while its client waits.
    Live,
    /// For what is kept and sent many times: some ten times as long, a tenth smaller.
    Kept,
}

impl Effort {
    const fn gzip_level(self) -> u32 {
        match self {
            Effort::Live => 5,
            Effort::Kept => 9,
        }
    }

    const fn brotli_quality(self) -> u32 {
        match self {
            Effort::Live => 4,
            Effort::Kept => 9,
        }
    }

    const fn zstd_level(self) -> i32 {
        match self {
            Effort::Live => 3,
            Effort::Kept => 15,
        }
    }

    /// The window's size as a power of two. A zstd decoder for the web needs no more than 8 MiB
    /// (RFC 9659), a brotli one no more than 16 MiB (RFC 7932 §9.1).
    const fn window_log(self) -> u32 {
        match self {
            Effort::Live => 18,
            Effort::Kept => 22,
        }
    }
}

/// Bytes of brotli's own output buffer.
const BROTLI_BUFFER_BYTES: usize = 4096;

/// Compresses a body as it comes.
pub struct Encoder(Inner);

enum Inner {
    // The state of brotli is several times as large as that of the others.
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    /// An encoder that has seen nothing. Fails only for want of memory.
    pub fn new(coding: Coding, effort: Effort) -> io::Result<Self> {
        let out = Vec::new();
        Ok(Self(match coding {
            Coding::Brotli => {
                let (quality, window_log) = (effort.brotli_quality(), effort.window_log());
                let writer = brotli::CompressorWriter::new(out, BROTLI_BUFFER_BYTES, quality, window_log);
                Inner::Brotli(Box::new(writer))
            }
            Coding::Gzip => Inner::Gzip(GzEncoder::new(out, Compression::new(effort.gzip_level()))),
            Coding::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(out, effort.zstd_level())?;
                encoder.window_log(effort.window_log())?;
                Inner::Zstd(encoder)
            }
        }))
    }

    /// Takes the next bytes of the body.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer().write_all(bytes)
    }

    /// Brings everything pushed so far into what can be taken. Costs a few bytes each time.
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer().flush()
    }

    /// What has come out since it was last taken; may be nothing.
    pub fn take(&mut self) -> Vec<u8> {
        match &mut self.0 {
            Inner::Brotli(writer) => take(writer.get_mut()),
            Inner::Gzip(encoder) => take(encoder.get_mut()),
            Inner::Zstd(encoder) => take(encoder.get_mut()),
        }
    }

    /// Ends the body: what is left to take.
    pub fn finish(self) -> io::Result<Vec<u8>> {
        match self.0 {
            // It has no error to tell: what could fail is writing, and a Vec takes everything.
            Inner::Brotli(writer) => Ok(writer.into_inner()),
            Inner::Gzip(encoder) => encoder.finish(),
            Inner::Zstd(encoder) => encoder.finish(),
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match &mut self.0 {
            Inner::Brotli(writer) => &mut **writer,
            Inner::Gzip(encoder) => encoder,
            Inner::Zstd(encoder) => encoder,
        }
    }
}

/// A whole body at once.
pub fn compress(coding: Coding, effort: Effort, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = Encoder::new(coding, effort)?;
    encoder.push(body)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::unfold;
    use proptest::prelude::*;
    use std::io::Read;

    /// As far as a body that has not ended can be read.
    fn unfold_start(coding: Coding, bytes: &[u8]) -> Vec<u8> {
        let mut reader: Box<dyn Read + '_> = match coding {
            Coding::Brotli => Box::new(brotli::Decompressor::new(bytes, 4096)),
            Coding::Gzip => Box::new(flate2::read::GzDecoder::new(bytes)),
            Coding::Zstd => Box::new(zstd::stream::read::Decoder::new(bytes).unwrap()),
        };
        let (mut plain, mut piece) = (Vec::new(), [0; 64]);
        while let Ok(count @ 1..) = reader.read(&mut piece) {
            plain.extend_from_slice(&piece[..count]);
        }
        plain
    }

    const TEXT: &str = "a body that repeats itself, a body that repeats itself, ";

    #[test]
    fn a_body_at_once_is_smaller_and_unfolds_to_itself() {
        let body = TEXT.repeat(200).into_bytes();
        for coding in Coding::ALL {
            for effort in [Effort::Live, Effort::Kept] {
                let packed = compress(coding, effort, &body).unwrap();
                assert!(packed.len() < body.len() / 10, "{coding:?}: {}", packed.len());
                assert_eq!(unfold(Some(coding), &packed), body);
                assert_eq!(compress(coding, effort, &body).unwrap(), packed, "the same each time");
                assert_eq!(unfold(Some(coding), &compress(coding, effort, b"").unwrap()), b"");
            }
        }
    }

    #[test]
    fn what_was_flushed_can_be_read_before_the_end() {
        for coding in Coding::ALL {
            let mut encoder = Encoder::new(coding, Effort::Live).unwrap();
            let mut sent = Vec::new();
            for round in 1..=3 {
                encoder.push(TEXT.as_bytes()).unwrap();
                encoder.flush().unwrap();
                sent.extend(encoder.take());
                assert_eq!(unfold_start(coding, &sent), TEXT.repeat(round).into_bytes(), "{coding:?}");
            }
            sent.extend(encoder.finish().unwrap());
            assert_eq!(unfold(Some(coding), &sent), TEXT.repeat(3).into_bytes(), "{coding:?}");
        }
    }

    #[test]
    fn a_window_is_no_larger_than_decoders_must_have() {
        // A frame of unknown length says its window in the byte after the descriptor (RFC 8878 §3.1.1.1.2).
        for (effort, bytes_max) in [(Effort::Live, 256 * 1024), (Effort::Kept, 8 * 1024 * 1024)] {
            let mut encoder = Encoder::new(Coding::Zstd, effort).unwrap();
            encoder.push(&vec![7; 9 * 1024 * 1024]).unwrap();
            encoder.flush().unwrap();
            let descriptor = encoder.take()[5];
            let base = 1u64 << (10 + (descriptor >> 3));
            let window = base + base / 8 * u64::from(descriptor & 7);
            assert!(window <= bytes_max, "{effort:?}: {window}");
        }
    }

    proptest! {
        #[test]
        fn a_body_means_the_same_however_it_is_pushed(pieces: Vec<Vec<u8>>, flush_at in 0usize..8) {
            for coding in Coding::ALL {
                let mut encoder = Encoder::new(coding, Effort::Live).unwrap();
                let mut packed = Vec::new();
                for (index, piece) in pieces.iter().enumerate() {
                    encoder.push(piece).unwrap();
                    if index == flush_at {
                        encoder.flush().unwrap();
                    }
                    packed.extend(encoder.take());
                }
                packed.extend(encoder.finish().unwrap());
                prop_assert_eq!(unfold(Some(coding), &packed), pieces.concat());
            }
        }
    }
}
