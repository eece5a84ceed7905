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
        self.submit(operation)?.recv().map_err(|_| stopped())?
    }

    /// Queues an operation; its result comes once it is durable, or undone.
    fn submit<T, F>(&self, operation: F) -> Result<Receiver<Result<T>>>
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
        Ok(receiver)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::staging::Staging;
    use crate::store::{schema, testing};

    struct Desk {
        root: tempfile::TempDir,
        dir: Arc<BlobDir>,
        writer: Writer,
    }

    impl Desk {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            let dir = Arc::new(BlobDir::new(root.path()));
            dir.create().unwrap();
            let db = schema::open_writer(root.path(), &root.path().join("lattice.db"), true).unwrap();
            let writer = Writer::start(db, Arc::clone(&dir)).unwrap();
            Self { root, dir, writer }
        }

        /// Occupies the thread, so that what is submitted meanwhile is one batch.
        fn occupy(&self) -> SyncSender<()> {
            let (release, released) = mpsc::sync_channel(1);
            let (begin, begun) = mpsc::sync_channel(1);
            let job = move |_: &mut Work<'_>| {
                begin.send(()).unwrap();
                released.recv().map_err(|_| stopped())
            };
            drop(self.writer.submit(job).unwrap());
            begun.recv().unwrap();
            release
        }

        fn add(&self, name: &'static str) -> Receiver<Result<()>> {
            self.writer.submit(move |work| Ok(add(work, name)?)).unwrap()
        }

        fn users(&self) -> Vec<String> {
            let db = schema::open_reader(&self.root.path().join("lattice.db")).unwrap();
            let mut statement = db.prepare("SELECT name FROM users ORDER BY id").unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().map(std::result::Result::unwrap).collect()
        }

        fn stage(&self, bytes: &[u8]) -> StagedFile {
            let mut staging = Box::new(Staging::begin(Arc::clone(&self.dir)).unwrap());
            crate::app::store::BlobWriter::write(&mut *staging, bytes).unwrap();
            let staged = crate::app::store::BlobWriter::finish(staging).unwrap();
            *staged.into_any().downcast().unwrap()
        }
    }

    fn add(work: &mut Work<'_>, name: &str) -> rusqlite::Result<()> {
        work.db.execute("INSERT INTO users (name, created_ms) VALUES (?1, 1)", [name]).map(drop)
    }

    /// Makes the commit fail: the tag of no version is noticed only then.
    fn sabotage(work: &mut Work<'_>) -> Result<()> {
        work.db.execute_batch("PRAGMA defer_foreign_keys = ON; INSERT INTO tags VALUES (1, 't', '1.0.0')")?;
        Ok(())
    }

    #[test]
    fn an_operation_that_fails_is_undone_alone() {
        let desk = Desk::new();
        let release = desk.occupy();
        let ann = desk.add("ann");
        let failing: Receiver<Result<()>> = desk
            .writer
            .submit(|work| {
                add(work, "bob")?;
                Err(broken("no"))
            })
            .unwrap();
        let panicking: Receiver<Result<()>> = desk
            .writer
            .submit(|work| {
                add(work, "cleo")?;
                panic!("on purpose")
            })
            .unwrap();
        let twice = desk.add("ann");
        let dan = desk.add("dan");
        release.send(()).unwrap();
        ann.recv().unwrap().unwrap();
        assert_eq!(failing.recv().unwrap().unwrap_err().message, "no");
        assert!(panicking.recv().unwrap().unwrap_err().message.contains("panicked"));
        assert!(twice.recv().unwrap().unwrap_err().message.contains("UNIQUE"));
        dan.recv().unwrap().unwrap();
        assert_eq!(desk.users(), ["ann", "dan"]);
    }

    #[test]
    fn a_commit_that_fails_fails_the_whole_batch_and_its_files() {
        let desk = Desk::new();
        let release = desk.occupy();
        let ann = desk.add("ann");
        let staged = desk.stage(b"blob");
        let path = desk.dir.path(&staged.id());
        let publishing = desk.writer.submit(move |work| work.adopt(staged)).unwrap();
        let failing: Receiver<Result<()>> = desk.writer.submit(|_| Err(broken("its own"))).unwrap();
        let saboteur = desk.writer.submit(sabotage).unwrap();
        release.send(()).unwrap();
        for receiver in [ann, publishing, saboteur] {
            assert!(receiver.recv().unwrap().unwrap_err().message.contains("FOREIGN KEY"));
        }
        assert_eq!(failing.recv().unwrap().unwrap_err().message, "its own");
        assert!(!path.exists());
        assert_eq!(testing::names(desk.dir.tmp()).len(), 0);
        assert_eq!(desk.users().len(), 0);
        desk.add("bob").recv().unwrap().unwrap();
        assert_eq!(desk.users(), ["bob"]);
    }

    #[test]
    fn a_transaction_that_sqlite_gave_up_fails_what_was_in_it_and_no_more() {
        let desk = Desk::new();
        let release = desk.occupy();
        let ann = desk.add("ann");
        let lost: Receiver<Result<()>> = desk.writer.submit(|work| Ok(work.db.execute_batch("ROLLBACK")?)).unwrap();
        let bob = desk.add("bob");
        release.send(()).unwrap();
        assert!(ann.recv().unwrap().is_err());
        assert!(lost.recv().unwrap().is_err());
        bob.recv().unwrap().unwrap();
        assert_eq!(desk.users(), ["bob"]);
    }

    #[test]
    fn a_transaction_that_cannot_begin_refuses_the_batch() {
        let desk = Desk::new();
        let other = Connection::open(desk.root.path().join("lattice.db")).unwrap();
        let release = desk.occupy();
        let quick = desk.writer.submit(|work| Ok(work.db.busy_timeout(std::time::Duration::ZERO)?)).unwrap();
        release.send(()).unwrap();
        quick.recv().unwrap().unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(desk.add("ann").recv().unwrap().unwrap_err().message.contains("locked"));
        other.execute_batch("ROLLBACK").unwrap();
        desk.add("bob").recv().unwrap().unwrap();
        assert_eq!(desk.users(), ["bob"]);
    }

    #[test]
    fn more_than_one_batch_is_written_and_all_that_is_queued_before_the_end() {
        let mut desk = Desk::new();
        let release = desk.occupy();
        let writer = &desk.writer;
        let queued = BATCH_MAX;
        let answers: Vec<_> =
            (0..queued).map(|number| writer.submit(move |work| Ok(add(work, &number.to_string())?)).unwrap()).collect();
        release.send(()).unwrap();
        desk.writer.queue = None;
        if let Some(thread) = desk.writer.thread.take() {
            thread.join().unwrap();
        }
        assert!(answers.into_iter().all(|answer| answer.recv().unwrap().is_ok()));
        assert_eq!(desk.users().len(), queued);
        assert!(desk.writer.write(|_| Ok(())).unwrap_err().message.contains("stopped"));
    }

    #[test]
    fn a_blob_of_another_store_is_not_taken() {
        let (desk, other) = (Desk::new(), Desk::new());
        let staged = other.stage(b"blob");
        assert!(desk.writer.write(move |work| work.adopt(staged)).is_err());
        assert_eq!(testing::names(other.dir.tmp()).len(), 0);
    }

    #[test]
    fn after_an_uncertain_failure_both_names_of_a_blob_stay() {
        let desk = Desk::new();
        for certain in [false, true] {
            let staged = desk.stage(b"blob");
            let path = desk.dir.path(&staged.id());
            let mut effects = Effects::new(Arc::clone(&desk.dir));
            effects.adopt(staged).unwrap();
            effects.make_durable().unwrap();
            effects.abandon(certain);
            assert_eq!(path.exists(), !certain);
            assert_eq!(testing::names(desk.dir.tmp()).len(), usize::from(!certain));
            testing::names(desk.dir.tmp())
                .iter()
                .for_each(|name| std::fs::remove_file(desk.dir.tmp().join(name)).unwrap());
            let _ = std::fs::remove_file(path);
        }
    }

    #[test]
    fn only_errors_that_wrote_nothing_are_certain() {
        use rusqlite::ffi;
        let failure = |code| rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_BUSY, ffi::SQLITE_CONSTRAINT_FOREIGNKEY, ffi::SQLITE_READONLY] {
            assert!(is_certain(&failure(code)), "{code}");
        }
        for code in [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_CORRUPT, ffi::SQLITE_NOMEM] {
            assert!(!is_certain(&failure(code)), "{code}");
        }
    }
}
