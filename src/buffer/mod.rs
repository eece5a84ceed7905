//! Bytes on their way: `RecvBuf` in, `SendBuf` out.
//!
//! A thread owns one `RecvBuf`; a connection owns memory only while a message is incomplete.
//! A `SendBuf` is a queue of pieces in the order they leave: bytes of its own, static bytes, memory that
//! was handed over, ranges of shared bodies and, in the node, ranges of files. Nothing here knows a socket.

mod aligned;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use zerocopy::IntoBytes;

pub use aligned::Aligned;
pub(crate) use aligned::rotated;

use crate::limits::{RECV_BUFFER_BYTES, SEND_COPY_BYTES_MAX, SEND_KEPT_BYTES_MAX};

/// The receive buffer of one thread.
///
/// The unread rest of an incomplete message is put back in front of the next read. It begins at a multiple
/// of 8, so that payloads can be moved to one where they lie.
#[derive(Debug)]
pub struct RecvBuf {
    words: Box<[u64]>,
    filled: usize,
}

impl RecvBuf {
    /// A buffer of [`RECV_BUFFER_BYTES`].
    pub fn new() -> Self {
        Self { words: alloc::vec![0; RECV_BUFFER_BYTES / size_of::<u64>()].into_boxed_slice(), filled: 0 }
    }

    /// Forgets what it holds and begins with `rest`.
    ///
    /// `rest` must leave room for at least one byte more.
    pub fn begin(&mut self, rest: &[u8]) {
        assert!(rest.len() < self.words.as_bytes().len(), "a rest that fills the buffer leaves no room to read");
        // Nearly always there is none, and then nothing is called.
        if !rest.is_empty() {
            self.words.as_mut_bytes()[..rest.len()].copy_from_slice(rest);
        }
        self.filled = rest.len();
    }

    /// Where the next read goes.
    pub fn space(&mut self) -> &mut [u8] {
        &mut self.words.as_mut_bytes()[self.filled..]
    }

    /// Counts `count` bytes written to [`Self::space`].
    pub fn commit(&mut self, count: usize) {
        assert!(count <= self.words.as_bytes().len() - self.filled);
        self.filled += count;
    }

    /// Everything received and not yet forgotten.
    pub fn bytes(&self) -> &[u8] {
        &self.words.as_bytes()[..self.filled]
    }

    /// The same, for who changes them where they lie.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.words.as_mut_bytes()[..self.filled]
    }
}

impl Default for RecvBuf {
    fn default() -> Self {
        Self::new()
    }
}

/// One piece of what leaves for a peer.
#[derive(Debug, Clone)]
enum Piece {
    /// The next `n` bytes of the buffer's own.
    Own(usize),
    /// Memory that was handed over; so many of its bytes have left.
    Owned(Aligned, usize),
    Static(&'static [u8]),
    Shared(Arc<[u8]>, Range<usize>),
    #[cfg(feature = "node")]
    File(Arc<std::fs::File>, u64, u64),
}

/// What the kernel can be given next.
#[derive(Debug)]
pub enum Front<'a> {
    /// Bytes in memory; more pieces of this kind may follow, see [`SendBuf::slices`].
    Bytes,
    /// A range of a file: its handle, offset and length, both in bytes.
    #[cfg(feature = "node")]
    File(&'a std::fs::File, u64, u64),
    /// Never made; carries the lifetime where there are no files.
    #[cfg(not(feature = "node"))]
    #[doc(hidden)]
    Never(core::marker::PhantomData<&'a ()>),
}

/// A queue of pieces to send, and its own bytes between them.
#[derive(Debug, Default)]
pub struct SendBuf {
    /// Bytes of its own; those before `own_sent` have left.
    own: Vec<u8>,
    own_sent: usize,
    /// Own bytes at the end of `own` that no piece counts yet.
    own_open: usize,
    pieces: VecDeque<Piece>,
    /// Bytes in `pieces`, without `own_open`.
    queued: u64,
}

impl SendBuf {
    /// An empty queue; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes still to leave.
    pub fn len(&self) -> u64 {
        self.queued + self.own_open as u64
    }

    /// Whether nothing is left to send.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that are held for this peer alone: file and shared pieces do not count.
    pub fn own_bytes(&self) -> usize {
        let handed_over = |piece: &Piece| match piece {
            Piece::Owned(bytes, sent) => bytes.len() - sent,
            _ => 0,
        };
        self.own.len() - self.own_sent + self.pieces.iter().map(handed_over).sum::<usize>()
    }

    /// Bytes of memory that it holds: its own, and its share of bodies that others hold too.
    pub fn held_bytes(&self) -> usize {
        let share = |piece: &Piece| match piece {
            Piece::Shared(body, _) => body.len() / Arc::strong_count(body),
            Piece::Owned(bytes, _) => bytes.capacity_bytes(),
            _ => 0,
        };
        let pieces = self.pieces.capacity() * size_of::<Piece>();
        self.own.capacity() + pieces + self.pieces.iter().map(share).sum::<usize>()
    }

    /// Appends a copy of `bytes`.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.own.extend_from_slice(bytes);
        self.own_open += bytes.len();
    }

    /// Appends a copy of `bytes` in which `patch` stands at `at`: one copy where the parts would be three.
    #[inline]
    pub fn put_patched<const N: usize>(&mut self, bytes: &[u8], at: usize, patch: &[u8; N]) {
        let start = self.own.len() + at;
        self.put(bytes);
        self.own[start..start + N].copy_from_slice(patch);
    }

    /// Appends `number` in decimal.
    pub fn put_decimal(&mut self, number: u64) {
        let mut digits = [0u8; 20];
        self.put(decimal(number, &mut digits));
    }

    /// Appends bytes that live as long as the program.
    pub fn put_static(&mut self, bytes: &'static [u8]) {
        if bytes.len() <= SEND_COPY_BYTES_MAX {
            return self.put(bytes);
        }
        self.push(Piece::Static(bytes), bytes.len() as u64);
    }

    /// Appends a range of a shared body, without a copy unless it is small.
    pub fn put_shared(&mut self, body: &Arc<[u8]>, range: Range<usize>) {
        if range.len() <= SEND_COPY_BYTES_MAX {
            return self.put(&body[range]);
        }
        assert!(range.end <= body.len());
        let length = range.len() as u64;
        self.push(Piece::Shared(Arc::clone(body), range), length);
    }

    /// Appends memory that is handed over, without a copy unless it is small.
    pub fn put_owned(&mut self, bytes: Aligned) {
        if bytes.len() <= SEND_COPY_BYTES_MAX {
            return self.put(&bytes);
        }
        let length = bytes.len() as u64;
        self.push(Piece::Owned(bytes, 0), length);
    }

    /// Appends a range of a file; the kernel copies it.
    #[cfg(feature = "node")]
    pub fn put_file(&mut self, file: &Arc<std::fs::File>, offset: u64, length: u64) {
        if length > 0 {
            self.push(Piece::File(Arc::clone(file), offset, length), length);
        }
    }

    fn push(&mut self, piece: Piece, length: u64) {
        self.close_own();
        self.pieces.push_back(piece);
        self.queued += length;
    }

    /// Turns the open own bytes into a piece, so that another may follow.
    fn close_own(&mut self) {
        if self.own_open > 0 {
            self.pieces.push_back(Piece::Own(self.own_open));
            self.queued += self.own_open as u64;
            self.own_open = 0;
        }
    }

    /// What is to leave next, or `None` when nothing is.
    pub fn front(&self) -> Option<Front<'_>> {
        match self.pieces.front() {
            #[cfg(feature = "node")]
            Some(Piece::File(file, offset, length)) => Some(Front::File(file, *offset, *length)),
            Some(_) => Some(Front::Bytes),
            None if self.own_open > 0 => Some(Front::Bytes),
            None => None,
        }
    }

    /// Bytes in the run in front: all in-memory pieces up to a file, or that file's range.
    pub fn front_len(&self) -> u64 {
        #[cfg(feature = "node")]
        if let Some(Piece::File(_, _, length)) = self.pieces.front() {
            return *length;
        }
        let mut length = 0;
        self.slices(|slice| {
            length += slice.len() as u64;
            true
        });
        length
    }

    /// Whether a file's range is in front.
    pub fn front_is_file(&self) -> bool {
        matches!(self.front(), Some(front) if !matches!(front, Front::Bytes))
    }

    /// Whether something follows the run of bytes in front: then the kernel may wait for it.
    pub fn is_followed_by_file(&self) -> bool {
        #[cfg(feature = "node")]
        return self.pieces.iter().skip(1).any(|piece| matches!(piece, Piece::File(..)));
        #[cfg(not(feature = "node"))]
        false
    }

    /// The one slice that is left, when memory of its own is all there is: the common case.
    #[inline]
    pub fn only_own(&self) -> Option<&[u8]> {
        (self.pieces.is_empty() && self.own_open > 0).then(|| &self.own[self.own_sent..])
    }

    /// Hands the run of in-memory pieces in front to `each`, in order, until it answers `false`.
    pub fn slices<'a>(&'a self, mut each: impl FnMut(&'a [u8]) -> bool) {
        let mut own = self.own_sent;
        for piece in &self.pieces {
            let slice: &[u8] = match piece {
                Piece::Own(count) => {
                    own += count;
                    &self.own[own - count..own]
                }
                Piece::Owned(bytes, sent) => &bytes[*sent..],
                Piece::Static(bytes) => bytes,
                Piece::Shared(body, range) => &body[range.clone()],
                #[cfg(feature = "node")]
                Piece::File(..) => return,
            };
            if !each(slice) {
                return;
            }
        }
        if self.own_open > 0 {
            each(&self.own[own..]);
        }
    }

    /// Counts `count` bytes as gone.
    pub fn advance(&mut self, count: u64) {
        assert!(count <= self.len());
        let mut left = count;
        while left > 0 {
            let Some(piece) = self.pieces.front_mut() else {
                self.own_sent += left as usize;
                self.own_open -= left as usize;
                break;
            };
            let length = piece_len(piece);
            let taken = length.min(left);
            left -= taken;
            self.queued -= taken;
            if matches!(piece, Piece::Own(_)) {
                self.own_sent += taken as usize;
            }
            if taken == length {
                self.pieces.pop_front();
            } else {
                shorten(piece, taken);
            }
        }
        if self.is_empty() {
            self.clear();
        } else if self.own_sent >= RECV_BUFFER_BYTES && self.own_sent * 2 >= self.own.len() {
            // A peer that is never quite caught up must not make the sent part grow for ever.
            self.own.drain(..self.own_sent);
            self.own_sent = 0;
        }
    }

    /// Drops what is queued; keeps the memory, unless it is more than answers usually take.
    #[inline]
    pub fn clear(&mut self) {
        if self.own.capacity() > SEND_KEPT_BYTES_MAX {
            self.own = Vec::new();
        }
        self.own.clear();
        // Nearly always there are none, and then nothing is called.
        if !self.pieces.is_empty() {
            self.pieces.clear();
        }
        (self.own_sent, self.own_open, self.queued) = (0, 0, 0);
    }

    /// Moves what is left into a queue of its own and leaves this one empty, its memory kept.
    pub fn take(&mut self) -> SendBuf {
        let mut taken = SendBuf {
            own: self.own[self.own_sent..].to_vec(),
            own_sent: 0,
            own_open: self.own_open,
            pieces: VecDeque::new(),
            queued: self.queued,
        };
        core::mem::swap(&mut taken.pieces, &mut self.pieces);
        self.clear();
        taken
    }

    /// Appends all of `other`, which ends empty.
    pub fn append(&mut self, other: &mut SendBuf) {
        if self.is_empty() {
            core::mem::swap(self, other);
            other.clear();
            return;
        }
        self.close_own();
        other.close_own();
        self.own.extend_from_slice(&other.own[other.own_sent..]);
        self.queued += other.queued;
        self.pieces.append(&mut other.pieces);
        other.clear();
    }
}

/// `number` in decimal, written into the end of `digits`.
#[inline]
pub fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[start..];
        }
    }
}

fn piece_len(piece: &Piece) -> u64 {
    match piece {
        Piece::Own(count) => *count as u64,
        Piece::Owned(bytes, sent) => (bytes.len() - sent) as u64,
        Piece::Static(bytes) => bytes.len() as u64,
        Piece::Shared(_, range) => range.len() as u64,
        #[cfg(feature = "node")]
        Piece::File(_, _, length) => *length,
    }
}

/// Drops the first `count` bytes of `piece`, which has more than that.
fn shorten(piece: &mut Piece, count: u64) {
    match piece {
        Piece::Own(left) => *left -= count as usize,
        Piece::Owned(_, sent) => *sent += count as usize,
        Piece::Static(bytes) => *bytes = &bytes[count as usize..],
        Piece::Shared(_, range) => range.start += count as usize,
        #[cfg(feature = "node")]
        Piece::File(_, offset, length) => {
            *offset += count;
            *length -= count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn collect(buf: &SendBuf) -> Vec<u8> {
        let mut all = Vec::new();
        buf.slices(|slice| {
            all.extend_from_slice(slice);
            true
        });
        all
    }

    fn sample() -> (SendBuf, Vec<u8>) {
        let mut buf = SendBuf::new();
        let shared: Arc<[u8]> = (0..9000u32).map(|n| n as u8).collect();
        static LONG: [u8; 5000] = [7; 5000];
        buf.put(b"one ");
        buf.put_shared(&shared, 10..8000);
        buf.put(b" two ");
        buf.put_static(&LONG);
        buf.put_owned(Aligned::from(&shared[..7001]));
        buf.put_owned(Aligned::from(&b"three"[..]));
        buf.put_shared(&shared, 0..3);
        let parts: [&[u8]; 7] = [b"one ", &shared[10..8000], b" two ", &LONG, &shared[..7001], b"three", &shared[..3]];
        let expected = parts.concat();
        (buf, expected)
    }

    #[test]
    fn pieces_leave_in_order_however_they_are_taken() {
        for step in [1usize, 3, 4, 5, 7990, 20_000] {
            let (mut buf, expected) = sample();
            let mut sent = Vec::new();
            while !buf.is_empty() {
                let all = collect(&buf);
                let count = step.min(all.len());
                sent.extend_from_slice(&all[..count]);
                buf.advance(count as u64);
            }
            assert_eq!(sent, expected, "steps of {step}");
            assert!(buf.front().is_none());
        }
    }

    #[test]
    fn a_rest_that_is_taken_or_appended_is_the_same_rest() {
        for cut in [0u64, 2, 4, 100, 7994, 7999, 12_000, 12_999, 15_000, 20_001] {
            let (mut buf, expected) = sample();
            buf.advance(cut);
            let mut taken = buf.take();
            assert!(buf.is_empty());
            let (mut tail, more) = sample();
            taken.append(&mut tail);
            assert!(tail.is_empty());
            assert_eq!(collect(&taken), [&expected[cut as usize..], &more].concat(), "cut at {cut}");
            assert_eq!(taken.len(), (expected.len() + more.len()) as u64 - cut);
        }
    }

    #[test]
    fn small_shared_bodies_are_copied_and_large_ones_are_not() {
        let body: Arc<[u8]> = vec![1u8; SEND_COPY_BYTES_MAX + 1].into();
        let mut buf = SendBuf::new();
        buf.put_shared(&body, 0..SEND_COPY_BYTES_MAX);
        assert_eq!(Arc::strong_count(&body), 1);
        buf.put_shared(&body, 0..SEND_COPY_BYTES_MAX + 1);
        assert_eq!(Arc::strong_count(&body), 2);
        buf.clear();
        assert_eq!(Arc::strong_count(&body), 1);
    }

    #[test]
    fn memory_handed_over_is_copied_if_small_and_counts_until_it_left() {
        for (bytes, is_copied) in [(SEND_COPY_BYTES_MAX, true), (SEND_COPY_BYTES_MAX + 1, false)] {
            let owned = Aligned::from(&vec![1u8; bytes][..]);
            let (place, held) = (owned.as_ptr(), owned.capacity_bytes());
            let mut buf = SendBuf::new();
            buf.put_owned(owned);
            buf.slices(|slice| {
                assert_eq!(slice.as_ptr() != place, is_copied, "{bytes}");
                true
            });
            assert_eq!((buf.len(), buf.own_bytes()), (bytes as u64, bytes));
            assert!(buf.held_bytes() >= held);
            buf.advance(7);
            assert_eq!(buf.own_bytes(), bytes - 7);
            buf.advance(bytes as u64 - 7);
            assert_eq!((buf.own_bytes(), buf.is_empty()), (0, true));
        }
    }

    #[test]
    fn memory_is_kept_up_to_a_bound() {
        let mut buf = SendBuf::new();
        for (bytes, kept) in [(1000, true), (SEND_KEPT_BYTES_MAX, true), (SEND_KEPT_BYTES_MAX + 1, false)] {
            buf = SendBuf { own: Vec::with_capacity(bytes), ..buf };
            buf.put(b"x");
            buf.advance(1);
            assert_eq!(buf.own.capacity() > 0, kept, "{bytes}");
        }
    }

    #[test]
    fn the_receive_buffer_begins_with_the_rest() {
        let mut buf = RecvBuf::new();
        buf.begin(b"GET ");
        buf.space()[..2].copy_from_slice(b"/ ");
        buf.commit(2);
        assert_eq!(buf.bytes(), b"GET / ");
        assert_eq!(buf.bytes().as_ptr().addr() % size_of::<u64>(), 0);
        buf.bytes_mut()[0] = b'P';
        assert_eq!(buf.bytes_mut().len(), 6);
        assert_eq!(buf.bytes(), b"PET / ");
        assert_eq!(buf.space().len(), RECV_BUFFER_BYTES - 6);
    }
}
