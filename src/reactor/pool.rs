//! A few threads for what blocks: the store, files, hashing, rendering, and letting go of such things.
//!
//! A lane that is full refuses work, and the thread that offered it does not drop it either: what is in
//! it may have files to remove.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::app::Lane;
use crate::limits::{DISCARDS_QUEUED_MAX, SLOW_JOBS_QUEUED_MAX};

type Task = Box<dyn FnOnce() + Send>;

/// One queue and the threads that serve it.
struct Queue {
    state: Mutex<State>,
    more: Condvar,
    /// Most tasks waiting.
    max: usize,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<Task>,
    closed: bool,
}

/// The pool. Ends with [`Pool::close`].
pub struct Pool {
    io: Arc<Queue>,
    slow: Arc<Queue>,
    /// How much waits to be dropped.
    discards: Arc<AtomicUsize>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Pool {
    /// Starts `threads` threads for quick work and one for slow work.
    pub fn start(threads: usize) -> std::io::Result<Self> {
        // A connection has one job at a time, so the number of connections bounds this queue.
        let io = Arc::new(Queue::new(usize::MAX));
        let slow = Arc::new(Queue::new(SLOW_JOBS_QUEUED_MAX));
        let mut handles = Vec::new();
        for index in 0..threads.max(1) {
            handles.push(spawn(&format!("lattice-job-{index}"), &io)?);
        }
        handles.push(spawn("lattice-slow", &slow)?);
        Ok(Self { io, slow, discards: Arc::default(), threads: Mutex::new(handles) })
    }

    /// Queues a task; `false` when its lane is full or the pool has ended: then it is discarded.
    pub fn submit(&self, lane: Lane, task: Task) -> bool {
        let queue = match lane {
            Lane::Io => &self.io,
            Lane::Slow => &self.slow,
        };
        match queue.push(task) {
            Ok(()) => true,
            Err(refused) => {
                self.discard(Box::new(refused));
                false
            }
        }
    }

    /// Drops on a thread of the pool what may block whoever drops it. It is dropped here instead when
    /// [`DISCARDS_QUEUED_MAX`] others wait, or the pool has ended.
    pub fn discard(&self, given_up: Box<dyn Send>) {
        if self.discards.fetch_add(1, Ordering::Relaxed) >= DISCARDS_QUEUED_MAX {
            self.discards.fetch_sub(1, Ordering::Relaxed);
            return drop(given_up);
        }
        let discards = Arc::clone(&self.discards);
        let task = Box::new(move || {
            discards.fetch_sub(1, Ordering::Relaxed);
            drop(given_up);
        });
        drop(self.io.push(task));
    }

    /// Runs what is queued, then ends the threads.
    pub fn close(&self) {
        self.io.close();
        self.slow.close();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // The panics of tasks are caught; a thread has nothing else to report.
            let _ = thread.join();
        }
    }
}

impl Queue {
    fn new(max: usize) -> Self {
        Self { state: Mutex::default(), more: Condvar::new(), max }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the task back when there is no room for it.
    fn push(&self, task: Task) -> Result<(), Task> {
        let mut state = self.lock();
        if state.closed || state.tasks.len() >= self.max {
            return Err(task);
        }
        state.tasks.push_back(task);
        self.more.notify_one();
        Ok(())
    }

    fn pop(&self) -> Option<Task> {
        let mut state = self.lock();
        loop {
            if let Some(task) = state.tasks.pop_front() {
                return Some(task);
            }
            if state.closed {
                return None;
            }
            state = self.more.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        self.lock().closed = true;
        self.more.notify_all();
    }
}

fn spawn(name: &str, queue: &Arc<Queue>) -> std::io::Result<JoinHandle<()>> {
    let queue = Arc::clone(queue);
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        while let Some(task) = queue.pop() {
            // Who waits for a result catches a panic nearer to it; the thread must outlive the rest.
            let _ = catch_unwind(AssertUnwindSafe(task));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn tasks_queued_before_the_end_are_run() {
        let pool = Pool::start(2).expect("threads");
        let (sender, receiver) = mpsc::channel();
        for number in 0..100 {
            let sender = sender.clone();
            assert!(pool.submit(Lane::Io, Box::new(move || sender.send(number).expect("open"))));
        }
        pool.close();
        assert!(!pool.submit(Lane::Io, Box::new(|| ())), "closed");
        drop(sender);
        let mut numbers: Vec<i32> = receiver.iter().collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_task_that_panics_does_not_take_its_thread_along() {
        let pool = Pool::start(1).expect("threads");
        let (sender, receiver) = mpsc::channel();
        assert!(pool.submit(Lane::Io, Box::new(|| panic!("a task breaks"))));
        assert!(pool.submit(Lane::Io, Box::new(move || sender.send(1).expect("open"))));
        assert_eq!(receiver.recv(), Ok(1));
        pool.close();
    }

    /// Tells the name of the thread that drops it.
    struct Told(mpsc::Sender<Option<String>>);

    impl Drop for Told {
        fn drop(&mut self) {
            self.0.send(std::thread::current().name().map(str::to_owned)).expect("open");
        }
    }

    /// Keeps the only thread of a lane busy until what is returned is dropped.
    fn occupy(pool: &Pool, lane: Lane) -> mpsc::Sender<()> {
        let (hold, held) = mpsc::channel::<()>();
        let (begun, begins) = mpsc::channel();
        let task = move || {
            begun.send(()).expect("open");
            let _ = held.recv();
        };
        assert!(pool.submit(lane, Box::new(task)));
        begins.recv().expect("it runs");
        hold
    }

    #[test]
    fn what_is_refused_is_dropped_by_the_pool_and_not_by_who_offered_it() {
        let pool = Pool::start(1).expect("threads");
        let (sender, told) = mpsc::channel();
        let hold = occupy(&pool, Lane::Slow);
        (0..SLOW_JOBS_QUEUED_MAX).for_each(|_| assert!(pool.submit(Lane::Slow, Box::new(|| ()))));
        let file = Told(sender);
        assert!(!pool.submit(Lane::Slow, Box::new(move || drop(file))));
        assert_eq!(told.recv(), Ok(Some("lattice-job-0".into())));
        drop(hold);
        pool.close();
    }

    #[test]
    fn so_much_waits_to_be_dropped_and_no_more() {
        let pool = Pool::start(1).expect("threads");
        let (sender, told) = mpsc::channel();
        let here = std::thread::current().name().map(str::to_owned);
        for _ in 0..2 {
            let hold = occupy(&pool, Lane::Io);
            for number in 0..DISCARDS_QUEUED_MAX {
                pool.discard(Box::new(Told(sender.clone())));
                assert!(told.try_recv().is_err(), "number {number}");
            }
            pool.discard(Box::new(Told(sender.clone())));
            assert_eq!(told.try_recv(), Ok(here.clone()), "one too many");
            drop(hold);
            for _ in 0..DISCARDS_QUEUED_MAX {
                assert_eq!(told.recv(), Ok(Some("lattice-job-0".into())), "and there is room again");
            }
        }
        pool.close();
        pool.discard(Box::new(Told(sender)));
        assert_eq!(told.recv(), Ok(here), "nobody else is left");
    }

    #[test]
    fn the_slow_lane_is_full_at_its_bound_and_not_below() {
        let pool = Pool::start(1).expect("threads");
        let hold = occupy(&pool, Lane::Slow);
        for number in 0..SLOW_JOBS_QUEUED_MAX {
            assert!(pool.submit(Lane::Slow, Box::new(|| ())), "number {number}");
        }
        assert!(!pool.submit(Lane::Slow, Box::new(|| ())));
        drop(hold);
        pool.close();
    }
}
