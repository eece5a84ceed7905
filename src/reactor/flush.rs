//! Hands a send buffer to the kernel: one vectored write, or one `sendfile` for a file range.

use std::io::{self, ErrorKind, IoSlice, Write};
use std::os::fd::AsFd;

use mio::net::TcpStream;

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
pub(super) fn flush(stream: &mut TcpStream, out: &mut SendBuf, sent: &mut u64) -> io::Result<Flushed> {
    let start = *sent;
    loop {
        let Some(front) = out.front() else { return Ok(Flushed::All) };
        if *sent - start >= SEND_PER_TURN_BYTES {
            return Ok(Flushed::Paused);
        }
        let wanted = out.front_len();
        let result = match front {
            Front::File(file, offset, length) => sys::send_file(stream.as_fd(), file, offset, length),
            _ => send_bytes(stream, out),
        };
        match result {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                *sent += count as u64;
                out.advance(count as u64);
                // A short write of bytes means the socket buffer is full; asking again is a wasted call.
                if (count as u64) < wanted && !out.front_is_file() {
                    return Ok(Flushed::Blocked);
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Flushed::Blocked),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn send_bytes(stream: &mut TcpStream, out: &SendBuf) -> io::Result<usize> {
    if let Some(bytes) = out.only_own() {
        return stream.write(bytes);
    }
    let mut slices = [IoSlice::new(&[]); SEND_PIECES_MAX];
    let mut count = 0;
    out.slices(|slice| {
        slices[count] = IoSlice::new(slice);
        count += 1;
        count < SEND_PIECES_MAX
    });
    match (count, out.is_followed_by_file()) {
        (1, true) => sys::send_more(stream.as_fd(), &slices[0]),
        _ => stream.write_vectored(&slices[..count]),
    }
}
