//! The shape of the database and how a connection to it is set up.
//!
//! In comes a path, out goes a connection to a database of exactly the newest schema. `user_version`
//! counts the migrations that were applied; each runs in one transaction with the count, so it
//! happened wholly or not at all. Refused: a newer schema, another program's database.

use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::store::error::{OpenError, broken};
use crate::store::lock;

/// `LATT`: tells `file` and us whose database this is.
const APPLICATION_ID: i64 = 0x4C41_5454;
/// How long a connection waits for another process's write.
const BUSY: Duration = Duration::from_secs(10);
/// Pause between tries where SQLite does not wait by itself.
const RETRY: Duration = Duration::from_millis(20);
/// Tries of the same.
const RETRIES_MAX: usize = 250;
/// More than there are different statements.
const STATEMENTS_CACHED: usize = 96;
/// In order; the first makes version 1.
const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql")];

/// The schema this program writes.
pub(crate) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Opens the connection that writes, brings the database up to date and returns it.
///
/// `exclusive`: the caller holds the lock of `dir`, so nobody minds a migration.
pub(crate) fn open_writer(dir: &Path, file: &Path, exclusive: bool) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(file, flags)?;
    configure(&connection)?;
    check(&connection, file)?;
    enter_wal(&connection)?;
    migrate(&mut connection, dir, file, exclusive)?;
    Ok(connection)
}

/// Opens a connection that only reads.
pub(crate) fn open_reader(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    configure(&connection)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    // A mapped database turns an I/O error into a signal; the page cache costs little more.
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // FULL: a commit that was answered survives a loss of power.
    connection.pragma_update(None, "synchronous", "FULL")
}

fn enter_wal(connection: &Connection) -> Result<(), OpenError> {
    let mut mode = ask_for_wal(connection)?;
    for _ in 0..RETRIES_MAX {
        if mode == "wal" {
            break;
        }
        thread::sleep(RETRY);
        mode = ask_for_wal(connection)?;
    }
    if mode != "wal" {
        return Err(broken("the database cannot use a write-ahead log here: choose a local file system").into());
    }
    // A long read lets the log grow; this gives the space back afterwards.
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    Ok(())
}

/// The mode after asking. SQLite does not wait for others here, whatever the busy timeout.
fn ask_for_wal(connection: &Connection) -> rusqlite::Result<String> {
    match connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok("busy".to_owned()),
        answer => answer,
    }
}

pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Whose database is it, and of which age? One view of it: another process may be creating it.
pub(crate) fn check(connection: &Connection, file: &Path) -> Result<(), OpenError> {
    check_within(&*connection.unchecked_transaction()?, file)
}

/// [`check`] inside the caller's transaction.
fn check_within(connection: &Connection, file: &Path) -> Result<(), OpenError> {
    let found = version(connection)?;
    let owner: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let things: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let untouched = found == 0 && owner == 0 && things == 0;
    if owner != APPLICATION_ID && !untouched {
        return Err(OpenError::Foreign { file: file.to_path_buf() });
    }
    if found > VERSION {
        return Err(OpenError::Newer { file: file.to_path_buf(), found, known: VERSION });
    }
    Ok(())
}

fn migrate(connection: &mut Connection, dir: &Path, file: &Path, exclusive: bool) -> Result<(), OpenError> {
    let found = version(connection)?;
    if found >= VERSION {
        return Ok(());
    }
    // A running node must not find another schema under its feet. A new database has no such node.
    let _lock = if exclusive || found == 0 { None } else { Some(lock::acquire(dir)?) };
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    // Another process may have been quicker.
    check_within(&transaction, file)?;
    for number in version(&transaction)?..VERSION {
        transaction.execute_batch(MIGRATIONS[number as usize])?;
        transaction.pragma_update(None, "user_version", number + 1)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("lattice.db");
        (dir, file)
    }

    #[test]
    fn a_new_database_gets_the_newest_schema_and_keeps_it() {
        let (dir, file) = file();
        for _ in 0..2 {
            let connection = open_writer(dir.path(), &file, false).unwrap();
            assert_eq!(version(&connection).unwrap(), VERSION);
            let ask = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0)).unwrap();
            assert_eq!(ask("PRAGMA application_id"), APPLICATION_ID);
            assert_eq!(ask("PRAGMA foreign_keys"), 1);
            assert_eq!(ask("PRAGMA synchronous"), 2);
            assert_eq!(ask("PRAGMA mmap_size"), 0);
        }
    }

    #[test]
    fn a_newer_schema_is_refused_and_named() {
        let (dir, file) = file();
        let connection = open_writer(dir.path(), &file, true).unwrap();
        connection.pragma_update(None, "user_version", VERSION + 1).unwrap();
        drop(connection);
        let error = open_writer(dir.path(), &file, true).unwrap_err();
        assert!(matches!(error, OpenError::Newer { found, known, .. } if found == VERSION + 1 && known == VERSION));
        assert!(error.to_string().contains("later release"), "{error}");
    }

    #[test]
    fn the_database_of_another_program_is_left_alone() {
        let (dir, file) = file();
        Connection::open(&file).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
        let error = open_writer(dir.path(), &file, true).unwrap_err();
        assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
        let tables: i64 = Connection::open(&file)
            .unwrap()
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .unwrap();
        assert_eq!(tables, 1);
    }

    #[test]
    fn a_database_that_cannot_have_a_log_is_refused() {
        // A database in memory never has one.
        let memory = Connection::open_in_memory().unwrap();
        assert_eq!(ask_for_wal(&memory).unwrap(), "memory");
        assert!(enter_wal(&memory).unwrap_err().to_string().contains("local file system"));
    }

    #[test]
    fn many_may_create_it_at_once() {
        let (dir, file) = file();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| open_writer(dir.path(), &file, false).unwrap());
            }
        });
    }
}
