//! The one thread that writes: it takes what is queued, runs it in one transaction, and answers all
//! after the commit, so that many callers share one wait for the disk.
//!
//! Each operation has its own savepoint: an error undoes it alone. A commit that fails fails the
//! whole batch. Files follow the transaction: see [`Work::adopt`] and [`Work::doom`].

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, ErrorCode};

use crate::app::store::{BlobId, Result, StagedBlob, StoreError};
use crate::store::blobs::BlobDir;
use crate::store::effects::Effects;
use crate::store::error::{again, broken};
use crate::store::recovery;
use crate::store::staging::StagedFile;

/// Most operations that share one commit: enough to hide the disk, few enough to answer soon.
const BATCH_MAX: usize = 64;

/// Tells a caller what came of it: its own result, or the error that befell the batch.
type Answer = Box<dyn FnOnce(Option<&StoreError>)>;
/// An operation that will be run, or refused because there is no transaction to run it in.
type Job = Box<dyn FnOnce(std::result::Result<&mut Work<'_>, &StoreError>) -> Ran + Send>;

/// An operation that was run and waits for the commit.
struct Ran {
    failed: bool,
    answer: Answer,
}

/// What an operation works with.
pub(crate) struct Work<'a> {
    /// Inside the transaction.
    pub(crate) db: &'a Connection,
    /// Milliseconds since 1970.
    pub(crate) now_ms: i64,
    dir: &'a Arc<BlobDir>,
    effects: &'a mut Effects,
}

impl Work<'_> {
    /// Publishes a blob with this transaction: last thing, after every rule has been checked.
    pub(crate) fn adopt(&mut self, staged: StagedFile) -> Result<()> {
        if !staged.is_of(self.dir) {
            return Err(broken("the blob was staged in another store"));
        }
        self.db.prepare_cached("DELETE FROM doomed_blobs WHERE blob = ?1")?.execute([staged.id().0])?;
        self.effects.adopt(staged)
    }

    /// Removes a blob after the commit if no version has it then.
    pub(crate) fn doom(&mut self, id: BlobId) -> Result<()> {
        self.db.prepare_cached("INSERT OR IGNORE INTO doomed_blobs (blob) VALUES (?1)")?.execute([id.0])?;
        self.effects.doom(id);
        Ok(())
    }
}

/// The queue to the thread.
pub(crate) struct Writer {
    queue: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(db: Connection, dir: Arc<BlobDir>) -> Result<Self> {
        let (queue, jobs) = mpsc::sync_channel(BATCH_MAX);
        let scribe = Scribe { db, dir };
        let thread = thread::Builder::new().name("store-writer".into()).spawn(move || scribe.run(&jobs))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Runs an operation and returns once it is durable, or undone.
    pub(crate) fn write<T, F>(&self, operation: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Work<'_>) -> Result<T> + Send + 'static,
    {
        let (sender, receiver) = mpsc::sync_channel(1);
        let job: Job = Box::new(move |work| {
            let result = match work {
                Ok(work) => attempt(operation, work),
                Err(error) => Err(again(error)),
            };
            Ran { failed: result.is_err(), answer: Box::new(move |error| drop(sender.send(settle(result, error)))) }
        });
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue.send(job).map_err(|_| stopped())?;
        receiver.recv().map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    /// Everything queued is still written.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // It panicked: it has nothing left to say.
            let _ = thread.join();
        }
    }
}

fn stopped() -> StoreError {
    broken("the store has stopped")
}

/// A panic in one operation is that operation's failure.
fn attempt<T>(operation: impl FnOnce(&mut Work<'_>) -> Result<T>, work: &mut Work<'_>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(|| operation(work))).unwrap_or_else(|_| Err(broken("a write to the store panicked")))
}

/// An operation's own error says more than the batch's.
fn settle<T>(result: Result<T>, error: Option<&StoreError>) -> Result<T> {
    match error {
        Some(error) => result.and(Err(again(error))),
        None => result,
    }
}

/// A batch that failed.
struct Failure {
    error: StoreError,
    /// Nothing of it can come back after a crash.
    certain: bool,
}

impl<E: Into<StoreError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: error.into(), certain: true }
    }
}

/// The thread's own things.
struct Scribe {
    db: Connection,
    dir: Arc<BlobDir>,
}

impl Scribe {
    fn run(&self, jobs: &Receiver<Job>) {
        let mut queue = VecDeque::with_capacity(BATCH_MAX);
        while let Ok(job) = jobs.recv() {
            queue.push_back(job);
            queue.extend(jobs.try_iter().take(BATCH_MAX - 1));
            // A batch takes at least one job, so this ends.
            while !queue.is_empty() {
                self.batch(&mut queue);
            }
        }
    }

    fn batch(&self, queue: &mut VecDeque<Job>) {
        let mut effects = Effects::new(Arc::clone(&self.dir));
        let mut answers = Vec::with_capacity(queue.len());
        let failure = self.transact(queue, &mut effects, &mut answers).err();
        match &failure {
            None => self.clean_up(effects),
            Some(failure) => {
                let _ = self.db.execute_batch("ROLLBACK");
                effects.abandon(failure.certain);
                if answers.is_empty() {
                    refuse(queue, &failure.error, &mut answers);
                }
            }
        }
        for answer in answers {
            answer(failure.as_ref().map(|failure| &failure.error));
        }
    }

    fn transact(
        &self,
        queue: &mut VecDeque<Job>,
        effects: &mut Effects,
        answers: &mut Vec<Answer>,
    ) -> std::result::Result<(), Failure> {
        self.statement("BEGIN IMMEDIATE")?;
        while let Some(job) = queue.pop_front() {
            let (answer, ended) = self.run_one(job, effects);
            answers.push(answer);
            ended?;
            if self.db.is_autocommit() {
                // SQLite undoes a whole transaction on some errors of the disk.
                return Err(broken("the disk failed during the write").into());
            }
        }
        effects.make_durable()?;
        self.statement("COMMIT").map_err(|error| Failure { certain: is_certain(&error), error: error.into() })
    }

    /// The operation's answer, and whether the transaction can go on.
    fn run_one(&self, job: Job, effects: &mut Effects) -> (Answer, rusqlite::Result<()>) {
        if let Err(error) = self.statement("SAVEPOINT operation") {
            return (job(Err(&error.into())).answer, Ok(()));
        }
        let mark = effects.mark();
        let mut work = Work { db: &self.db, now_ms: now_ms(), dir: &self.dir, effects };
        let ran = job(Ok(&mut work));
        if ran.failed {
            effects.undo(mark);
        }
        (ran.answer, self.end_savepoint(ran.failed))
    }

    fn end_savepoint(&self, failed: bool) -> rusqlite::Result<()> {
        if self.db.is_autocommit() {
            return Ok(()); // The savepoint went with its transaction.
        }
        if failed {
            self.statement("ROLLBACK TO operation")?;
        }
        self.statement("RELEASE operation")
    }

    fn clean_up(&self, effects: Effects) {
        let doomed = effects.settle();
        // It is written down in the database: what fails now is done at the next start.
        let _ = recovery::bury(&self.db, &self.dir, &doomed);
    }

    fn statement(&self, sql: &str) -> rusqlite::Result<()> {
        self.db.prepare_cached(sql)?.execute([]).map(drop)
    }
}

fn refuse(queue: &mut VecDeque<Job>, error: &StoreError, answers: &mut Vec<Answer>) {
    answers.extend(queue.drain(..).map(|job| job(Err(error)).answer));
}

/// After these errors the commit record was not written. After a failed write or sync of it, a crash
/// may still bring the transaction back.
fn is_certain(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ConstraintViolation | ErrorCode::DatabaseBusy | ErrorCode::DiskFull | ErrorCode::ReadOnly)
    )
}

fn now_ms() -> i64 {
    // Before 1970 it is 1970.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
