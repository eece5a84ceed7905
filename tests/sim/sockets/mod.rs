//! WebSockets on a fake loop, played from a seed: clients that send byte by byte, take little, break off or
//! reset; jobs that come late, find no place or panic; topics, and a drain at any moment.
//!
//! What a client is sent is compared with what its script says by itself ([`script::Script`]): its own frames
//! come back in order, publications reach it in order, and the end has the code that it must have.

mod channel;
mod judge;
mod node;
mod script;

use crate::rng::Rng;
use crate::socket::Socket;
use judge::Judge;
use node::Node;
use script::Script;

/// A client and how it behaves.
struct Client {
    script: Script,
    judge: Judge,
    /// Bytes of the script that were sent.
    sent: usize,
    /// Those that it ever sends.
    stop: usize,
    crumbs: bool,
}

/// What came of a seed, for replay.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
pub(crate) struct Summary {
    pub(crate) steps: u64,
    pub(crate) frames: u64,
    pub(crate) pushed: u64,
    pub(crate) jobs: u64,
    pub(crate) ends: Vec<u16>,
}

/// Steps after which a play that has not ended is stuck.
const STEPS_MAX: u64 = 2_000_000;

/// A mistake in the loop that must be noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    None,
    /// Does not look for effects of effects.
    ForgetsEffects,
    /// Never goes on with what a session keeps.
    ForgetsReady,
    /// Sends a publication twice.
    PushesTwice,
}

/// Plays one seed.
pub(crate) fn play(seed: u64, mistake: Mistake) -> Result<Summary, String> {
    let mut rng = Rng::new(seed);
    let mut node = Node::new(&mut rng, mistake);
    let mut clients: Vec<Client> = (0..rng.between(1, 4)).map(|key| client(&mut rng, key as usize)).collect();
    for client in &clients {
        let least = client.script.least_room();
        node.connect(Socket::new(&mut rng, least));
    }
    let mut summary = Summary::default();
    let drains = rng.once_in(6);
    loop {
        summary.steps += 1;
        if summary.steps > STEPS_MAX {
            return Err("it does not come to an end".into());
        }
        let mut moved = false;
        for (key, client) in clients.iter_mut().enumerate() {
            if rng.once_in(2) {
                moved |= client.step(&mut node, key, &mut rng)?;
            } else {
                moved = true;
            }
        }
        moved |= node.step(&mut rng)?;
        if drains && rng.once_in(400) {
            node.drain()?;
        }
        if !moved {
            break;
        }
    }
    for (key, client) in clients.iter().enumerate() {
        let end = client.judge.finish(&client.script, &node, key, client.sent);
        summary.ends.push(end.map_err(|problem| format!("client {key}: {problem}"))?);
        summary.frames += client.judge.frames();
    }
    (summary.pushed, summary.jobs) = (node.pushed, node.jobs);
    node.finish()?;
    Ok(summary)
}

fn client(rng: &mut Rng, key: usize) -> Client {
    let script = Script::new(rng, key);
    let length = script.bytes.len();
    let stop = if rng.once_in(8) { rng.between(0, length as u64) as usize } else { length };
    let crumbs = length < 3_000 && rng.once_in(2);
    Client { script, judge: Judge::new(), sent: 0, stop, crumbs }
}

impl Client {
    /// Takes what has come, and sends a little; whether anything happened.
    fn step(&mut self, node: &mut Node, key: usize, rng: &mut Rng) -> Result<bool, String> {
        let mut moved = false;
        let came = node.take(key, rng);
        if !came.is_empty() {
            moved = true;
            self.judge.came(&came).map_err(|problem| format!("client {key}: {problem}"))?;
        }
        if self.sent < self.stop {
            let most = if self.crumbs { *rng.pick(&[1, 1, 1, 30]) } else { *rng.pick(&[1, 100, 5_000, 100_000]) };
            let count = (rng.between(1, most) as usize).min(self.stop - self.sent);
            node.arrive(key, &self.script.bytes[self.sent..self.sent + count]);
            self.sent += count;
            if self.sent == self.stop && self.stop < self.script.bytes.len() && rng.once_in(2) {
                node.reset(key);
            }
            moved = true;
        } else {
            // It has said all: it goes when the node does, or when nothing comes for a while.
            moved |= node.end(key, self.script.ends_itself || self.stop < self.script.bytes.len());
        }
        Ok(moved)
    }
}
