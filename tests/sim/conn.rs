//! A connection of the fake reactor: its socket, session and deadlines, as in `src/reactor/conn.rs`,
//! and how it reads and flushes.

use lattice::app::App;
use lattice::buffer::{Front, RecvBuf, SendBuf};
use lattice::limits::{READS_PER_TURN_MAX, SEND_PER_TURN_BYTES, SEND_SHORT_BYTES};
use lattice::session::deadlines::Deadlines;
use lattice::session::{Phase, Session, Settings, Turn};

use crate::judge::Judge;
use crate::node::Defect;
use crate::socket::{Socket, Trouble};

/// A connection of the node.
pub(crate) struct Conn {
    pub(crate) thread: usize,
    pub(crate) socket: Socket,
    pub(crate) judge: Judge,
    pub(crate) shut: bool,
    pub(crate) session: Session,
    pub(crate) unsent: Option<Box<SendBuf>>,
    pub(crate) sent: u64,
    pub(crate) readable: bool,
    pub(crate) read_to_end: bool,
    pub(crate) write_armed: bool,
    pub(crate) writable: bool,
    pub(crate) listed: bool,
    pub(crate) hung_up: bool,
    /// It was listed by an event, which may say nothing new.
    pub(crate) by_event: bool,
    pub(crate) barren: u32,
    pub(crate) deadlines: Deadlines,
    /// The client ended, a deadline passed, or the drain reached it while it was idle.
    pub(crate) excused: bool,
    /// Bytes to send that the session is not told of, for a loop that forgets them.
    pub(crate) hidden: u64,
    /// The field lines of the last head, for a loop that takes them for those of the next.
    pub(crate) fields: Vec<u8>,
}

/// How far a flush came.
#[derive(PartialEq, Eq, Clone, Copy)]
pub(crate) enum Flushed {
    All,
    Blocked,
    Paused,
    HeldBack,
}

/// What the reads of a turn came to.
#[derive(Default)]
pub(crate) struct Reads {
    pub(crate) bytes: usize,
    pub(crate) eof: bool,
    pub(crate) broken: bool,
}

impl Conn {
    pub(crate) fn new(thread: usize, socket: Socket, judge: Judge, settings: &Settings, now_ns: u64) -> Self {
        let session = Session::new();
        let deadlines = Deadlines::new(&session, settings, now_ns);
        Self {
            thread,
            socket,
            judge,
            shut: false,
            session,
            unsent: None,
            sent: 0,
            readable: false,
            read_to_end: false,
            write_armed: false,
            writable: false,
            listed: false,
            hung_up: false,
            by_event: false,
            barren: 0,
            deadlines,
            excused: false,
            hidden: 0,
            fields: Vec::new(),
        }
    }

    /// Tells the judge how much the session has written, `queued` bytes of which have not left.
    pub(crate) fn note_written(&mut self, queued: u64) {
        self.judge.on_written(self.sent + self.hidden + queued);
    }

    /// Bytes still to send.
    pub(crate) fn queued(&self) -> u64 {
        self.unsent.as_ref().map_or(0, |unsent| unsent.len())
    }
}

/// What a thread may still send in this turn, for all its connections.
pub(crate) struct Share {
    pub(crate) left: u64,
}

impl Share {
    fn holds_back(&self, queued: u64) -> bool {
        self.left == 0 && queued > SEND_SHORT_BYTES
    }
}

/// Reads until there is no more, the session has enough, or others are to have their turn.
pub(crate) fn read(
    conn: &mut Conn,
    recv: &mut RecvBuf,
    turn: &mut Turn<'_>,
    catch_up: &mut impl FnMut(&mut App),
    defect: Defect,
) -> Reads {
    let mut reads = Reads::default();
    for _ in 0..READS_PER_TURN_MAX {
        if !conn.readable || !conn.session.wants_read(turn.out.len()) {
            break;
        }
        recv.begin(if defect == Defect::ForgetsRest { &[] } else { conn.session.rest() });
        let space = recv.space();
        let room = space.len();
        match conn.socket.read(space) {
            Ok(0) => {
                conn.readable = false;
                reads.eof = true;
                conn.session.on_eof();
            }
            Ok(count) => {
                conn.readable = count == room || conn.read_to_end;
                reads.bytes += count;
                recv.commit(count);
                catch_up(turn.app);
                conn.judge.on_delivered(count);
                let between =
                    conn.session.rest().is_empty() && matches!(conn.session.phase(), Phase::Idle | Phase::Head);
                if defect == Defect::ReusesFields && between {
                    let mut bytes = with_fields_of_last(conn, recv.bytes());
                    conn.session.on_bytes(&mut bytes, turn);
                } else {
                    conn.session.on_bytes(recv.bytes_mut(), turn);
                }
                conn.note_written(turn.out.len());
            }
            Err(Trouble::WouldBlock) => conn.readable = false,
            Err(Trouble::Broken) => {
                reads.broken = true;
                break;
            }
        }
    }
    reads
}

/// Heads that are as long as the one before, taken for it: what remembering by too little would do.
fn with_fields_of_last(conn: &mut Conn, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while bytes[at..].starts_with(b"GET ") || bytes[at..].starts_with(b"HEAD ") {
        let find = |from: usize, text: &[u8]| bytes[from..].windows(text.len()).position(|found| found == text);
        let Some(start) = find(at, b"\r\n").map(|length| at + length + 2) else { break };
        let Some(end) = find(start, b"\r\n\r\n").map(|length| start + length) else { break };
        let fields = bytes[start..end].to_vec();
        if fields.len() == conn.fields.len() {
            bytes[start..end].copy_from_slice(&conn.fields);
        }
        conn.fields = fields;
        at = end + 4;
    }
    bytes
}

/// `None` when the socket is broken.
pub(crate) fn flush_if_open(
    conn: &mut Conn,
    out: &mut SendBuf,
    share: &mut Share,
    draining: bool,
    defect: Defect,
) -> Result<Option<Flushed>, String> {
    if conn.write_armed && !conn.writable {
        return Ok(Some(Flushed::Blocked));
    }
    if share.holds_back(out.len()) {
        return Ok(Some(Flushed::HeldBack));
    }
    conn.writable = false;
    let start = conn.sent;
    let flushed = flush(conn, out, draining, defect);
    share.left = share.left.saturating_sub(conn.sent - start);
    flushed
}

fn flush(conn: &mut Conn, out: &mut SendBuf, draining: bool, defect: Defect) -> Result<Option<Flushed>, String> {
    let start = conn.sent;
    while let Some(front) = out.front() {
        let room = SEND_PER_TURN_BYTES.saturating_sub(conn.sent - start);
        if room == 0 {
            return Ok(Some(Flushed::Paused));
        }
        let wanted = out.front_len().min(room) as usize;
        match conn.socket.write(wanted) {
            Ok(count) => {
                conn.judge.on_received(&front_bytes(&front, out, count), draining)?;
                conn.sent += count as u64;
                let short = count < wanted;
                let first = conn.sent == count as u64;
                if !(short && first && defect == Defect::SendsTwice) {
                    out.advance(count as u64);
                }
                if short {
                    return Ok(Some(Flushed::Blocked));
                }
            }
            Err(Trouble::WouldBlock) => return Ok(Some(Flushed::Blocked)),
            Err(Trouble::Broken) => return Ok(None),
        }
    }
    Ok(Some(Flushed::All))
}

/// Takes everything out of a queue.
pub(crate) fn take_bytes(out: &mut SendBuf) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(front) = out.front() {
        let count = out.front_len() as usize;
        bytes.extend_from_slice(&front_bytes(&front, out, count));
        out.advance(count as u64);
    }
    bytes
}

/// The first `count` bytes of what one call gives the kernel.
pub(crate) fn front_bytes(front: &Front<'_>, out: &SendBuf, count: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(count);
    match front {
        Front::File(file, offset, _) => {
            use std::os::unix::fs::FileExt;
            bytes.resize(count, 0);
            file.read_exact_at(&mut bytes, *offset).expect("the file is as long as its answer says");
        }
        _ => out.slices(|slice| {
            bytes.extend_from_slice(&slice[..slice.len().min(count - bytes.len())]);
            bytes.len() < count
        }),
    }
    bytes
}

/// Between requests a connection holds nothing.
pub(crate) fn check_idle(conn: &Conn) -> Result<(), String> {
    let queued = conn.queued();
    let idle = conn.session.phase() == Phase::Idle;
    if idle && !conn.session.rest().is_empty() {
        return Err("idle with bytes at hand".into());
    }
    if idle && queued == 0 && !conn.judge.is_settled() {
        return Err("idle, though it was asked something".into());
    }
    Ok(())
}
