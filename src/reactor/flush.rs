//! Hands a send buffer to the kernel: one vectored write, or one `sendfile` for a file range.

use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::AsFd;

use socket2::Socket;

use super::sys;
use crate::buffer::{Front, SendBuf};
use crate::limits::{SEND_PER_TURN_BYTES, SEND_PIECES_MAX};

/// How far a flush came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flushed {
    /// Everything left.
    All,
    /// The kernel takes no more for now.
    Blocked,
    /// The kernel would take more, but others are to have their turn.
    Paused,
}

/// Sends what it can; counts the bytes into `sent`.
#[inline]
pub(super) fn flush(stream: &Socket, out: &mut SendBuf, sent: &mut u64) -> io::Result<Flushed> {
    // Nearly always there is one run of bytes, and the kernel takes all of it.
    if let Some(bytes) = out.only_own()
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
        if *sent - start >= SEND_PER_TURN_BYTES {
            return Ok(Flushed::Paused);
        }
        let (offered, result) = match front {
            Front::File(file, offset, length) => (length, sys::send_file(stream.as_fd(), file, offset, length)),
            _ => send_bytes(stream, out),
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

/// How many bytes the kernel was offered, and what it said.
fn send_bytes(stream: &Socket, out: &SendBuf) -> (u64, io::Result<usize>) {
    if let Some(bytes) = out.only_own() {
        return (bytes.len() as u64, sys::send(stream.as_fd(), bytes));
    }
    let mut slices = [IoSlice::new(&[]); SEND_PIECES_MAX];
    let (mut count, mut offered) = (0, 0);
    out.slices(|slice| {
        slices[count] = IoSlice::new(slice);
        offered += slice.len() as u64;
        count += 1;
        count < SEND_PIECES_MAX
    });
    // What more follows at once may fill the segment up.
    let flags = if out.is_followed_by_file() { sys::NO_SIGNAL | sys::MORE } else { sys::NO_SIGNAL };
    (offered, stream.send_vectored_with_flags(&slices[..count], flags))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::SEND_COPY_BYTES_MAX;
    use std::io::Read;
    use std::sync::Arc;

    #[test]
    fn more_pieces_than_one_call_takes_are_no_full_socket() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let far = std::net::TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        let (near, _) = listener.accept().expect("a connection");
        near.set_nonblocking(true).expect("a socket");
        let near = Socket::from(near);
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
}
