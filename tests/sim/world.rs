//! The world around the node: clients, the kernel's moods, the pool, and time. All of it follows
//! from the seed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use lattice::limits::{DRAIN_IDLE_NS, SECOND_NS, SEND_ALL_PER_TURN_BYTES};
use lattice::session::Pressure;

use crate::judge::Judge;
use crate::node::{Defect, Node, Ran, Task};
use crate::rng::Rng;
use crate::scenario::Scenario;
use crate::socket::Socket;

const MICRO: u64 = 1_000;
const MILLI: u64 = 1_000_000;
/// Steps after which a simulation is not going to end.
const STEPS_MAX: usize = 100_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The client sends some of what it has to.
    Send(usize),
    /// The client reads some of what was sent to it.
    Take(usize),
    /// The client sends no more.
    Finish(usize),
    Reset(usize),
    Run(usize),
    Announce(usize),
    /// A source's word reaches the thread of its connection.
    Wake(usize),
    /// Something happens that sources wait for.
    Stir,
    /// Memory gets tight, or is not any more.
    Press(usize),
    Drain,
    DrainIdle,
}

/// The client of a connection.
struct Client {
    script: Vec<u8>,
    sent: usize,
    /// It stops here: at the end, or where it gives up.
    stop: usize,
    pace: Pace,
    taking: bool,
    /// Takes what is sent to it in seconds, not in microseconds.
    slow: bool,
    finishing: bool,
    /// How often it still waits for a 100.
    waits: u32,
}

#[derive(Debug, Clone, Copy)]
enum Pace {
    Byte,
    Crumbs,
    Mixed,
    Whole,
    /// In two pieces, the first of so many bytes.
    Cut(usize),
}

/// What a simulation did, to compare and to print.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) steps: usize,
    pub(crate) turns: usize,
    pub(crate) conns: usize,
    pub(crate) end_ns: u64,
}

/// One simulation.
pub(crate) struct World {
    rng: Rng,
    node: Node,
    clients: Vec<Client>,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    sequence: u64,
    tasks: BTreeMap<usize, Task>,
    ran: BTreeMap<usize, (Ran, usize)>,
    next_task: usize,
    stirring: bool,
    trace: bool,
    summary: Summary,
}

/// Plays one seed; what went wrong, if anything did.
pub(crate) fn play(seed: u64, scenario: &dyn Scenario, defect: Defect, trace: bool) -> Result<Summary, String> {
    let mut rng = Rng::new(seed);
    let settings = scenario.settings(&mut rng);
    let mut reference = scenario.reference();
    let threads = rng.between(1, 2) as usize;
    let apps = (0..threads).map(|_| scenario.app()).collect();
    let node = Node::new(apps, settings.clone(), defect);
    let mut world = World {
        rng,
        node,
        clients: Vec::new(),
        events: BinaryHeap::new(),
        sequence: 0,
        tasks: BTreeMap::new(),
        ran: BTreeMap::new(),
        next_task: 0,
        stirring: false,
        trace,
        summary: Summary::default(),
    };
    world.node.share = *world.rng.pick(&[SEND_ALL_PER_TURN_BYTES, SEND_ALL_PER_TURN_BYTES, 100_000, 1]);
    let mut has_to_drain = false;
    for _ in 0..scenario.connections(&mut world.rng) {
        let (asks, expected) = scenario.script(&settings, &mut reference, &mut world.rng);
        has_to_drain |= world.connect(Judge::new(asks, expected), scenario.cut());
    }
    if has_to_drain || (scenario.cut().is_none() && world.rng.once_in(5)) {
        let at = world.rng.below(20 * MILLI);
        world.at(at, Event::Drain);
    }
    if scenario.cut().is_none() && world.rng.once_in(8) {
        let (at, how) = (world.rng.below(10 * MILLI), world.rng.between(1, 2) as usize);
        let until = at + world.rng.below(2 * MILLI);
        world.at(at, Event::Press(how));
        world.at(until, Event::Press(0));
    }
    world.run(scenario)?;
    scenario.ended()?;
    Ok(world.summary)
}

impl World {
    /// Lets a client in; whether only a drain will end what it is sent.
    fn connect(&mut self, judge: Judge, cut: Option<usize>) -> bool {
        let (script, endless) = (judge.script(), judge.is_endless());
        let thread = self.rng.below(self.node.threads.len() as u64) as usize;
        let socket = Socket::new(&mut self.rng, judge.answer_bytes() / 500);
        let key = self.node.accept(thread, socket, judge);
        let length = script.len();
        let stop =
            if cut.is_none() && self.rng.once_in(6) { self.rng.below(length as u64 + 1) as usize } else { length };
        let pace = match self.rng.below(8) {
            _ if cut.is_some() => Pace::Cut(cut.unwrap_or_default()),
            0 if length < 1500 => Pace::Byte,
            0..=2 if length < 8000 => Pace::Crumbs,
            3..=5 => Pace::Mixed,
            _ => Pace::Whole,
        };
        let waits = self.rng.below(6) as u32;
        if self.trace {
            eprintln!("connection {key} on thread {thread}: {length} bytes, {pace:?}, stops at {stop}, asks:");
            eprintln!("{}", crate::reference::show(&script));
        }
        self.clients.push(Client {
            script,
            sent: 0,
            stop,
            pace,
            taking: false,
            slow: self.rng.once_in(6),
            finishing: false,
            waits,
        });
        let at = self.rng.below(3 * MILLI);
        self.at(at, Event::Send(key));
        let leaves = endless && self.rng.once_in(2);
        if leaves || (cut.is_none() && self.rng.once_in(8)) {
            let at = self.rng.below(10 * MILLI);
            self.at(at, Event::Reset(key));
        }
        self.summary.conns += 1;
        endless && !leaves
    }

    fn at(&mut self, at_ns: u64, event: Event) {
        self.sequence += 1;
        self.events.push(Reverse((at_ns, self.sequence, event)));
    }

    fn after(&mut self, ns: u64, event: Event) {
        self.at(self.node.now_ns + ns, event);
    }

    fn run(&mut self, scenario: &dyn Scenario) -> Result<(), String> {
        loop {
            self.stir(scenario);
            self.summary.steps += 1;
            if self.summary.steps > STEPS_MAX {
                return Err("it does not come to an end".into());
            }
            let busy = (0..self.node.threads.len()).any(|thread| self.node.is_busy(thread));
            // Sometimes more happens before the loop looks.
            if busy && !(self.next_event() <= self.node.now_ns + 100 * MICRO && self.rng.once_in(2)) {
                self.turns()?;
                continue;
            }
            let deadline = (0..self.node.threads.len()).map(|thread| self.node.next_deadline(thread)).min();
            let next = self.next_event().min(deadline.unwrap_or(u64::MAX));
            if next == u64::MAX {
                break;
            }
            self.node.now_ns = self.node.now_ns.max(next);
            if self.next_event() <= self.node.now_ns
                && let Some(Reverse((_, _, event))) = self.events.pop()
            {
                if event == Event::Stir {
                    self.stirring = scenario.stir(&mut self.rng);
                    self.schedule_stir();
                }
                self.happen(event)?;
            }
        }
        self.summary.end_ns = self.node.now_ns;
        match self.node.conns.iter().position(Option::is_some) {
            Some(key) => Err(format!("connection {key} is left open, and nothing will ever happen to it")),
            None => Ok(()),
        }
    }

    /// What sources wait for begins to happen when there are some that wait.
    fn stir(&mut self, scenario: &dyn Scenario) {
        if !self.stirring && scenario.is_restless() {
            self.stirring = true;
            self.schedule_stir();
        }
        let woken = std::mem::take(&mut *self.node.wakes.lock().expect("nobody panics while it is held"));
        for key in woken {
            let delay = if self.rng.once_in(2) { 0 } else { self.delay() };
            self.at_wake(key, delay);
        }
    }

    fn schedule_stir(&mut self) {
        if self.stirring {
            let delay = self.delay();
            self.after(delay, Event::Stir);
        }
    }

    /// A word of a source arrives, now and then twice, and the second time late.
    fn at_wake(&mut self, key: usize, delay: u64) {
        self.after(delay, Event::Wake(key));
        if self.rng.once_in(10) {
            let late = self.delay();
            self.after(delay + late, Event::Wake(key));
        }
    }

    fn next_event(&self) -> u64 {
        self.events.peek().map_or(u64::MAX, |Reverse((at_ns, _, _))| *at_ns)
    }

    fn turns(&mut self) -> Result<(), String> {
        let threads = self.node.threads.len();
        let first = self.rng.below(threads as u64) as usize;
        for thread in (0..threads).map(|index| (first + index) % threads) {
            if self.node.is_busy(thread) {
                self.node.refuse_next = self.rng.once_in(300);
                self.node.turn(thread)?;
                self.summary.turns += 1;
                self.node.now_ns += self.rng.between(1, 20) * MICRO;
            }
        }
        self.look()
    }

    /// What the turn left for the world to do.
    fn look(&mut self) -> Result<(), String> {
        for task in std::mem::take(&mut self.node.submitted) {
            let id = self.next_task;
            self.next_task += 1;
            self.tasks.insert(id, task);
            let delay = self.delay();
            self.after(delay, Event::Run(id));
        }
        for key in 0..self.clients.len() {
            let Some(conn) = &self.node.conns[key] else { continue };
            if !conn.socket.is_drained() && !self.clients[key].taking {
                self.clients[key].taking = true;
                let stall = self.rng.once_in(2000);
                let delay = if stall { self.rng.below(40 * SECOND_NS) } else { self.reading(key) };
                self.after(delay, Event::Take(key));
            }
            let done = self.clients[key].sent >= self.clients[key].stop;
            let leaves = self.node.conns[key].as_ref().is_some_and(|conn| conn.shut || conn.judge.is_content());
            if leaves && done && !self.clients[key].finishing {
                self.clients[key].finishing = true;
                // Some go at once, some stay until they are sent away.
                if !self.rng.once_in(3) {
                    let delay = self.rng.below(2 * MILLI);
                    self.after(delay, Event::Finish(key));
                }
            }
        }
        Ok(())
    }

    /// How long a client leaves what was sent to it.
    fn reading(&mut self, key: usize) -> u64 {
        let slow = self.clients[key].slow && self.clients[key].script.len() > 200;
        self.rng.below(if slow { 2 * SECOND_NS } else { MILLI })
    }

    /// How long something takes: mostly little, sometimes very long.
    fn delay(&mut self) -> u64 {
        match self.rng.below(40) {
            0 => self.rng.below(SECOND_NS),
            1..=9 => self.rng.below(5 * MILLI),
            _ => self.rng.below(200 * MICRO),
        }
    }

    fn happen(&mut self, event: Event) -> Result<(), String> {
        if self.trace {
            eprintln!("{:>12} ns  {event:?}", self.node.now_ns);
        }
        match event {
            Event::Send(key) => self.send(key),
            Event::Take(key) => self.take(key),
            Event::Finish(key) => self.touch(key, Socket::end),
            Event::Reset(key) => self.touch(key, Socket::reset),
            Event::Run(id) => {
                if let Some(task) = self.tasks.remove(&id) {
                    self.run_task(id, task);
                }
            }
            Event::Announce(id) => {
                if let Some((ran, thread)) = self.ran.remove(&id) {
                    self.node.announce(ran, thread);
                }
            }
            Event::Wake(key) => {
                let thread = self.thread_of(key);
                self.node.on_wake(key, thread);
            }
            Event::Stir => {}
            Event::Press(how) => {
                self.node.pressure = [Pressure::None, Pressure::Soft, Pressure::Hard][how];
            }
            Event::Drain => {
                self.node.draining = true;
                self.after(DRAIN_IDLE_NS, Event::DrainIdle);
            }
            Event::DrainIdle => {
                self.node.drain_idle()?;
                self.look()?;
            }
        }
        Ok(())
    }

    fn run_task(&mut self, id: usize, task: Task) {
        let thread = match &task {
            Task::Work(key, _) => self.thread_of(*key),
            Task::Drop(_) => 0,
        };
        if let Some(ran) = self.node.run(task) {
            self.ran.insert(id, (ran, thread));
            let delay = if self.rng.once_in(2) { 0 } else { self.delay() };
            self.after(delay, Event::Announce(id));
        }
    }

    /// The result of a connection that is gone goes anywhere: nobody is there to take it.
    fn thread_of(&self, key: usize) -> usize {
        self.node.conns[key].as_ref().map_or(0, |conn| conn.thread)
    }

    fn touch(&mut self, key: usize, act: impl FnOnce(&mut Socket)) {
        let Some(conn) = &mut self.node.conns[key] else { return };
        act(&mut conn.socket);
        self.node.on_readable(key);
    }

    fn send(&mut self, key: usize) {
        let Some(conn) = &mut self.node.conns[key] else { return };
        if conn.socket.is_over() {
            return;
        }
        let client = &mut self.clients[key];
        let left = client.stop - client.sent;
        if left == 0 {
            // Gives up, or lets the node wait: half of them say that they send no more.
            if client.stop < client.script.len() || self.rng.once_in(3) {
                self.after(self.node.now_ns % MILLI, Event::Finish(key));
            }
            return;
        }
        let mut count = match client.pace {
            Pace::Byte => 1,
            Pace::Crumbs => self.rng.between(1, 20) as usize,
            Pace::Mixed => match self.rng.below(4) {
                0 => 1,
                1 => self.rng.between(1, 100) as usize,
                _ => self.rng.between(1, 70_000) as usize,
            },
            Pace::Whole => left,
            Pace::Cut(at) => at.checked_sub(client.sent).filter(|count| *count > 0).unwrap_or(left),
        };
        count = count.min(left);
        if let Some(gate) = conn.judge.gate(client.sent).filter(|_| client.waits > 0) {
            count = count.min(gate - client.sent);
        }
        if count == 0 {
            client.waits -= 1;
            return self.after(2 * MILLI, Event::Send(key));
        }
        conn.socket.arrive(&client.script[client.sent..client.sent + count]);
        client.sent += count;
        self.node.on_readable(key);
        let pause = if self.rng.once_in(400) { self.rng.below(90 * SECOND_NS) } else { self.rng.below(150 * MICRO) };
        self.after(pause, Event::Send(key));
    }

    fn take(&mut self, key: usize) {
        self.clients[key].taking = false;
        let Some(conn) = &mut self.node.conns[key] else { return };
        let count = self.rng.between(1, conn.socket.capacity() as u64) as usize;
        conn.socket.drain(count);
        self.node.on_writable(key);
        if !self.node.conns[key].as_ref().is_some_and(|conn| conn.socket.is_drained()) {
            self.clients[key].taking = true;
            let delay = self.reading(key);
            self.after(delay, Event::Take(key));
        }
    }
}
