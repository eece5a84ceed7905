//! Drives one connection for one turn, as `src/reactor/drive.rs` does: think, perform, flush, wait.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use lattice::app::{App, Change, Lane, Moment, Wake};
use lattice::buffer::{RecvBuf, SendBuf};
use lattice::limits::{SEND_HIGH_WATER_BYTES, SLOW_JOBS_QUEUED_MAX, SOURCE_PIECE_BYTES};
use lattice::session::deadlines::{Deadlines, Moved};
use lattice::session::{Done, Phase, Pressure, Session, Turn};

use super::{BARREN_MAX, Cause, Defect, Fate, Node, Task, Thread, Wakes};
use crate::conn::{Conn, Flushed, Reads, check_idle, flush_if_open, read, take_bytes};
use crate::judge::End;
use crate::reference::{DATE, START_UNIX_MS};
use crate::slice::Intended;

impl Node {
    pub(super) fn drive(&mut self, key: usize, cause: Cause) -> Result<(), String> {
        match catch_unwind(AssertUnwindSafe(|| self.step(key, cause))) {
            Ok(Ok(Fate::Keep)) => Ok(()),
            Ok(Ok(Fate::Close(end))) => self.close(key, end),
            Ok(Err(problem)) => Err(format!("connection {key}: {problem}")),
            Err(payload) if payload.is::<Intended>() => {
                let thread = self.conns[key].as_ref().map_or(0, |conn| conn.thread);
                self.threads[thread].scratch.clear();
                self.threads[thread].app.on_change(&Change::Everything);
                self.close(key, End::Panicked)
            }
            Err(payload) => resume_unwind(payload),
        }
    }

    fn step(&mut self, key: usize, cause: Cause) -> Result<Fate, String> {
        let defect = self.defect;
        let Some(conn) = &mut self.conns[key] else { return Ok(Fate::Keep) };
        if conn.hung_up && conn.session.is_sending() && defect != Defect::ForgetsHangUps {
            if let Cause::Done(Done::Source(source, ..)) = cause {
                self.submitted.push(Task::Drop(Box::new(source)));
            }
            return Ok(Fate::Close(End::Broken));
        }
        let Thread { app, recv, scratch, memory, share, epoch, changes, .. } = &mut self.threads[conn.thread];
        let current = self.epoch;
        let mut catch_up = |app: &mut App| {
            if current != *epoch && defect != Defect::ForgetsChanges {
                *epoch = current;
                changes.drain(..).for_each(|change| app.on_change(&change));
            }
        };
        let mut held = conn.unsent.take();
        let fresh = held.is_none();
        let hidden = if defect == Defect::ForgetsQueue { held.take() } else { None };
        conn.hidden = hidden.as_ref().map_or(0, |hidden| hidden.len());
        let mut turn = Turn {
            app,
            settings: &self.settings,
            out: held.as_deref_mut().unwrap_or(scratch),
            date: DATE,
            now: Moment { monotonic_ns: self.now_ns, unix_ms: START_UNIX_MS + self.now_ns / 1_000_000 },
            peer: None,
            draining: self.draining && defect != Defect::ForgetsDrain,
            pressure: self.pressure,
            memory,
        };
        let (served, phase) = (conn.session.served(), conn.session.phase());
        if conn.session.is_idle() != (phase == Phase::Idle) {
            return Err(format!("idle, or not: {phase:?}"));
        }
        if turn.pressure != Pressure::None {
            conn.judge.on_pressed();
        }
        let worked = matches!(cause, Cause::Done(_));
        let reads = think(conn, cause, recv, &mut turn, &mut catch_up, defect);
        if conn.session.has_effects() {
            let hands = Hands {
                slow_queued: &mut self.slow_queued,
                refuse_next: &mut self.refuse_next,
                submitted: &mut self.submitted,
                wakes: &self.wakes,
            };
            perform(conn, key, &mut turn, hands);
        } else if conn.session.wants_wake() || conn.session.take_work().is_some() {
            return Err("there was something to do, and nobody was told".into());
        }
        if let Some(mut all) = hidden {
            all.append(turn.out);
            (held, conn.hidden) = (Some(all), 0);
        }
        let out = held.as_deref_mut().unwrap_or(scratch);
        if fresh && matches!(defect, Defect::LosesLastChunks | Defect::FillsNotModified) {
            let bytes = defect.spoil(take_bytes(out));
            out.put(&bytes);
            conn.note_written(out.len());
        }
        check_queue(&conn.session, out)?;
        let before = conn.sent;
        let flushed = flush_if_open(conn, out, share, self.draining, defect)?;
        let (sent, left) = (conn.sent > before, out.len());
        if left > 0 {
            conn.unsent = Some(held.unwrap_or_else(|| Box::new(scratch.take())));
        }
        let Some(flushed) = flushed else { return Ok(Fate::Close(End::Broken)) };
        // A streamed answer whose head left before the drain says nothing of the end that follows it.
        conn.excused |= reads.eof || self.draining && conn.session.phase() == Phase::Over;
        let answered = conn.session.served() - served;
        let moved = Moved { read: reads.bytes as u64, sent: conn.sent - before, left, ended: conn.read_to_end };
        let asked_and_answered = answered > 0 && conn.session.is_idle() && flushed == Flushed::All;
        if asked_and_answered && !(conn.write_armed || reads.eof || reads.broken) {
            return self.rest(key, moved);
        }
        if reads.broken {
            return Ok(Fate::Close(End::Broken));
        }
        if conn.session.phase() == Phase::Over && left == 0 {
            return Ok(Fate::Close(End::Over));
        }
        let changed = answered > 0 || conn.session.phase() != phase;
        let waits_for_us = flushed == Flushed::HeldBack;
        let progress = worked || changed || reads.bytes > 0 || sent || reads.eof;
        let news = std::mem::take(&mut conn.by_event);
        conn.barren = if progress || news || waits_for_us { 0 } else { conn.barren + 1 };
        if conn.barren > BARREN_MAX {
            return Err(format!("driven without end in {:?}", conn.session.phase()));
        }
        conn.deadlines.update(&conn.session, moved, &self.settings, self.now_ns);
        check_idle(conn)?;
        self.wait_for_more(key, flushed);
        Ok(Fate::Keep)
    }

    /// Asked and answered: the short way, which must come to the same as the long one.
    fn rest(&mut self, key: usize, moved: Moved) -> Result<Fate, String> {
        let Some(conn) = &mut self.conns[key] else { return Ok(Fate::Keep) };
        conn.by_event = false;
        conn.barren = 0;
        let mut long: Deadlines = conn.deadlines;
        long.update(&conn.session, moved, &self.settings, self.now_ns);
        conn.deadlines.rest(conn.session.is_ws(), conn.session.served(), &self.settings, self.now_ns);
        if conn.deadlines != long {
            return Err(format!("the short way to rest is another: {:?}, {long:?}", conn.deadlines));
        }
        let has_more = conn.session.is_ready(0) || conn.session.take_abandoned().is_some();
        if has_more || !conn.session.wants_read(0) {
            return Err("at rest with something to do".into());
        }
        check_idle(conn)?;
        if conn.readable && !conn.listed {
            conn.listed = true;
            self.threads[conn.thread].ready.push(key);
        }
        Ok(Fate::Keep)
    }

    fn wait_for_more(&mut self, key: usize, flushed: Flushed) {
        let Some(conn) = &mut self.conns[key] else { return };
        let queued = if self.defect == Defect::ForgetsQueue { 0 } else { conn.queued() };
        if flushed != Flushed::HeldBack {
            conn.write_armed = flushed == Flushed::Blocked;
        }
        if matches!(conn.session.phase(), Phase::Linger | Phase::Over)
            && let Some(sink) = conn.session.take_abandoned()
        {
            if self.defect == Defect::KeepsSinks {
                std::mem::forget(sink)
            } else {
                self.submitted.push(Task::Drop(sink))
            }
        }
        if conn.session.phase() == Phase::Linger && conn.queued() == 0 {
            conn.shut = true;
        }
        let ready = conn.session.is_ready(queued) && self.defect != Defect::ForgetsReady;
        let may_go_on = ready || (conn.readable && conn.session.wants_read(queued));
        let Thread { ready, held_back, .. } = &mut self.threads[conn.thread];
        let list = match flushed {
            Flushed::HeldBack => held_back,
            Flushed::Paused => ready,
            _ if may_go_on => ready,
            Flushed::All | Flushed::Blocked => return,
        };
        if !conn.listed {
            conn.listed = true;
            list.push(key);
        }
    }
}

/// Lets the session go on with why it is driven, with what it holds, and with what the socket has.
fn think(
    conn: &mut Conn,
    cause: Cause,
    recv: &mut RecvBuf,
    turn: &mut Turn<'_>,
    catch_up: &mut impl FnMut(&mut App),
    defect: Defect,
) -> Reads {
    let worked = match cause {
        Cause::Listed => false,
        Cause::Done(Done::Wake) if defect == Defect::ForgetsWakes => true,
        Cause::Done(done) => {
            catch_up(turn.app);
            conn.session.on_done(done, turn);
            true
        }
        Cause::Due => {
            conn.session.on_deadline(turn);
            false
        }
    };
    conn.note_written(turn.out.len());
    // A result has let it go on already.
    if !worked && conn.session.is_ready(turn.out.len()) {
        catch_up(turn.app);
        conn.session.on_ready(turn);
        conn.note_written(turn.out.len());
    }
    read(conn, recv, turn, catch_up, defect)
}

/// What effects need of the node.
struct Hands<'a> {
    slow_queued: &'a mut usize,
    refuse_next: &'a mut bool,
    submitted: &'a mut Vec<Task>,
    wakes: &'a Wakes,
}

/// Does what the session asked for.
fn perform(conn: &mut Conn, key: usize, turn: &mut Turn<'_>, hands: Hands<'_>) {
    if conn.session.wants_wake() {
        let wakes = Arc::clone(hands.wakes);
        let wake = Wake::new(move || wakes.lock().expect("nobody panics while it is held").push(key));
        conn.session.on_wake_made(wake, turn);
        conn.note_written(turn.out.len());
    }
    if let Some(work) = conn.session.take_work() {
        let full = work.lane == Lane::Slow && *hands.slow_queued >= SLOW_JOBS_QUEUED_MAX;
        if full || std::mem::take(hands.refuse_next) {
            hands.submitted.push(Task::Drop(Box::new(work)));
            conn.judge.on_busy(conn.session.served());
            conn.session.on_done(Done::Busy, turn);
            conn.note_written(turn.out.len());
        } else {
            *hands.slow_queued += usize::from(work.lane == Lane::Slow);
            hands.submitted.push(Task::Work(key, work));
        }
    }
    if let Some(ended) = conn.session.take_ended() {
        hands.submitted.push(Task::Drop(ended));
    }
}

/// Bytes of the head of a streamed answer and of what frames a piece, with room to spare.
const FRAME_BYTES: usize = 4 * 1024;

/// A source is held up by a client that does not keep up: no more than the high-water mark and one
/// piece wait for it.
fn check_queue(session: &Session, out: &SendBuf) -> Result<(), String> {
    let most = SEND_HIGH_WATER_BYTES + SOURCE_PIECE_BYTES + FRAME_BYTES;
    match session.is_sending() && out.len() > most as u64 {
        true => Err(format!("a source was asked on though {} bytes wait for the client", out.len())),
        false => Ok(()),
    }
}
