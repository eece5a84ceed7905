//! Hands a send buffer to the kernel: one vectored write, or one `sendfile` for a file range.

use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::AsFd;

use socket2::Socket;

use super::sys;
use crate::buffer::{Front, SendBuf};
use crate::limits::{SEND_ALL_PER_TURN_BYTES, SEND_PER_TURN_BYTES, SEND_PIECES_MAX, SEND_SHORT_BYTES};

/// How far a flush came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flushed {
    /// Everything left.
    All,
    /// The kernel takes no more for now.
    Blocked,
    /// The kernel would take more, but others are to have their turn.
    Paused,
    /// All connections together have had their share of this turn: this one comes first in the next.
    HeldBack,
}

/// What a thread may still send in this turn, for all its connections.
#[derive(Debug)]
pub(super) struct Share {
    left: u64,
}

impl Share {
    /// That of a whole turn.
    pub(super) fn new() -> Self {
        Self { left: SEND_ALL_PER_TURN_BYTES }
    }

    /// Whether `queued` bytes have to wait for the next turn.
    #[inline]
    pub(super) fn holds_back(&self, queued: u64) -> bool {
        self.left == 0 && queued > SEND_SHORT_BYTES
    }

    /// Counts what was sent.
    #[inline]
    pub(super) fn take(&mut self, sent: u64) {
        self.left = self.left.saturating_sub(sent);
    }
}

/// Sends what it can; counts the bytes into `sent`.
#[inline(always)]
pub(super) fn flush(stream: &Socket, out: &mut SendBuf, sent: &mut u64) -> io::Result<Flushed> {
    // Nearly always there is one run of bytes, and the kernel takes all of it.
    if let Some(bytes) = out.only_own()
        && bytes.len() as u64 <= SEND_PER_TURN_BYTES
        && let Ok(count) = sys::send(stream.as_fd(), bytes)
        && count > 0
    {
        *sent += count as u64;
        if count == bytes.len() {
            out.clear();
            return Ok(Flushed::All);
        }
        out.advance(count as u64);
        return Ok(Flushed::Blocked);
    }
    flush_pieces(stream, out, sent)
}

fn flush_pieces(stream: &Socket, out: &mut SendBuf, sent: &mut u64) -> io::Result<Flushed> {
    let start = *sent;
    loop {
        let Some(front) = out.front() else { return Ok(Flushed::All) };
        let room = SEND_PER_TURN_BYTES.saturating_sub(*sent - start);
        if room == 0 {
            return Ok(Flushed::Paused);
        }
        let (offered, result) = match front {
            Front::File(file, offset, length) => {
                let length = length.min(room);
                (length, sys::send_file(stream.as_fd(), file, offset, length))
            }
            _ => send_bytes(stream, out, room),
        };
        match result {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                *sent += count as u64;
                out.advance(count as u64);
                // A short write of bytes means the socket buffer is full; asking again is a wasted call.
                if (count as u64) < offered && !out.front_is_file() {
                    return Ok(Flushed::Blocked);
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Flushed::Blocked),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// How many bytes the kernel was offered, at most `room`, and what it said.
fn send_bytes(stream: &Socket, out: &SendBuf, room: u64) -> (u64, io::Result<usize>) {
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if let Some(bytes) = out.only_own() {
        let bytes = &bytes[..bytes.len().min(room)];
        return (bytes.len() as u64, sys::send(stream.as_fd(), bytes));
    }
    let mut slices = [IoSlice::new(&[]); SEND_PIECES_MAX];
    let (mut count, mut offered) = (0, 0);
    out.slices(|slice| {
        let slice = &slice[..slice.len().min(room - offered)];
        slices[count] = IoSlice::new(slice);
        offered += slice.len();
        count += 1;
        count < SEND_PIECES_MAX && offered < room
    });
    // What more follows at once may fill the segment up.
    let flags = if out.is_followed_by_file() { sys::NO_SIGNAL | sys::MORE } else { sys::NO_SIGNAL };
    (offered as u64, stream.send_vectored_with_flags(&slices[..count], flags))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::SEND_COPY_BYTES_MAX;
    use std::io::Read;
    use std::sync::Arc;

    /// A connection: the end that sends, and the one that reads.
    fn pair() -> (Socket, std::net::TcpStream) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let far = std::net::TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        let (near, _) = listener.accept().expect("a connection");
        near.set_nonblocking(true).expect("a socket");
        (Socket::from(near), far)
    }

    /// Sends all of `out`, and never more than the limit in one turn.
    fn assert_bounded_turns(mut out: SendBuf, what: &str) {
        let ((near, far), total) = (pair(), out.len());
        let reader = std::thread::spawn(move || far.take(total).read_to_end(&mut Vec::new()).expect("bytes"));
        let mut sent = 0;
        loop {
            let before = sent;
            let flushed = flush(&near, &mut out, &mut sent).expect("open");
            assert!(sent - before <= SEND_PER_TURN_BYTES, "{what}: {} bytes in one turn", sent - before);
            match flushed {
                Flushed::All => break,
                Flushed::Blocked | Flushed::HeldBack => std::thread::sleep(std::time::Duration::from_millis(1)),
                Flushed::Paused => assert_eq!(sent - before, SEND_PER_TURN_BYTES, "{what}: there was room"),
            }
        }
        assert_eq!((sent, reader.join().expect("no panic") as u64), (total, total), "{what}");
    }

    #[test]
    fn a_turn_sends_no_more_than_its_share() {
        for length in [SEND_PER_TURN_BYTES - 1, SEND_PER_TURN_BYTES, SEND_PER_TURN_BYTES + 1, 5 * SEND_PER_TURN_BYTES] {
            let bytes = vec![b'x'; length as usize];
            let mut own = SendBuf::new();
            own.put(&bytes);
            assert_bounded_turns(own, "bytes of its own");
            let shared: Arc<[u8]> = bytes.into();
            let mut pieces = SendBuf::new();
            pieces.put(b"a head");
            pieces.put_shared(&shared, 0..shared.len());
            assert_bounded_turns(pieces, "a head and a shared body");
            let file = tempfile::tempfile().expect("the temp dir is writable");
            file.set_len(length).expect("the temp dir is writable");
            let mut range = SendBuf::new();
            range.put(b"a head");
            range.put_file(&Arc::new(file), 0, length);
            assert_bounded_turns(range, "a head and a file");
        }
    }

    #[test]
    fn more_pieces_than_one_call_takes_are_no_full_socket() {
        let (near, far) = pair();
        let piece: Arc<[u8]> = vec![b'x'; SEND_COPY_BYTES_MAX + 1].into();
        let mut out = SendBuf::new();
        for _ in 0..SEND_PIECES_MAX + 1 {
            out.put_shared(&piece, 0..piece.len());
        }
        let total = out.len();
        // A reader that keeps up, so that the socket is never full.
        let reader = std::thread::spawn(move || far.take(total).read_to_end(&mut Vec::new()).expect("bytes"));
        let mut sent = 0;
        assert_eq!(flush(&near, &mut out, &mut sent).expect("open"), Flushed::All);
        assert_eq!((sent, reader.join().expect("no panic") as u64), (total, total));
    }

    #[test]
    fn long_answers_wait_once_the_share_of_a_turn_is_used_up() {
        let mut share = Share::new();
        share.take(SEND_ALL_PER_TURN_BYTES - 1);
        assert!(!share.holds_back(u64::MAX), "a byte is left");
        share.take(1);
        for (queued, held) in [(0, false), (SEND_SHORT_BYTES, false), (SEND_SHORT_BYTES + 1, true)] {
            assert_eq!(share.holds_back(queued), held, "{queued}");
        }
        share.take(1);
        assert!(share.holds_back(u64::MAX), "it does not wrap");
    }
}
