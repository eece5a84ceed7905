//! A client on a loopback connection: requests out, the sum of what was answered in.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::super::output::Failure;
use super::suite::mix;

/// Longer than any answer of a node that lives.
const PATIENCE: Duration = Duration::from_secs(10);
/// More than all answers that are read at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// A connection.
pub(super) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

impl Client {
    pub(super) fn connect(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(broken)?;
        stream.set_nodelay(true).and_then(|()| stream.set_read_timeout(Some(PATIENCE))).map_err(broken)?;
        Ok(Self { stream, buffer: vec![0; BUFFER_BYTES], filled: 0 })
    }

    /// Sends `requests` in one write and reads this many answers: the sum of their statuses and bodies.
    pub(super) fn ask(&mut self, requests: &[u8], answers: usize) -> Result<u64, Failure> {
        self.stream.write_all(requests).map_err(broken)?;
        let (mut sum, mut used) = (0, 0);
        for _ in 0..answers {
            let answer = loop {
                match answer_in(&self.buffer[used..self.filled]) {
                    Some(answer) => break answer,
                    None => self.fill()?,
                }
            };
            sum = mix(sum, answer.sum);
            used += answer.bytes;
        }
        self.buffer.copy_within(used..self.filled, 0);
        self.filled -= used;
        Ok(sum)
    }

    fn fill(&mut self) -> Result<(), Failure> {
        match self.stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) => Err(broken(ErrorKind::UnexpectedEof.into())),
            Ok(count) => {
                self.filled += count;
                Ok(())
            }
            // With a timeout the kernel does not begin again by itself.
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(broken(error)),
        }
    }
}

fn broken(error: std::io::Error) -> Failure {
    Failure::Failed(format!("the connection to the node broke: {error}"))
}

/// A whole answer: its length, and the sum of its status and body.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    bytes: usize,
    sum: u64,
}

/// The answer at the start of `bytes`, once it is whole. Our node sends a Content-Length with each.
fn answer_in(bytes: &[u8]) -> Option<Answer> {
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(head) = response.parse(bytes).ok()? else { return None };
    let field = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case("content-length"))?;
    let length: usize = std::str::from_utf8(field.value).ok()?.parse().ok()?;
    let body = bytes.get(head..head.checked_add(length)?)?;
    let sum = body.iter().fold(u64::from(response.code?), |sum, &octet| mix(sum, u64::from(octet)));
    Some(Answer { bytes: head + length, sum })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_once_it_is_whole() {
        let bytes = b"HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200";
        let whole = bytes.len() - b"HTTP/1.1 200".len();
        for end in 0..whole {
            assert_eq!(answer_in(&bytes[..end]), None, "cut at {end}");
        }
        let answer = answer_in(bytes).expect("it is whole");
        assert_eq!(answer.bytes, whole);
        let other = answer_in(b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\n{}").expect("it is whole");
        let dated = answer_in(b"HTTP/1.1 200 OK\r\nDate: then\r\ncontent-length: 2\r\n\r\n{}").expect("it is whole");
        assert!(answer.sum != other.sum && answer.sum == dated.sum, "status and body count, the date does not");
    }
}
