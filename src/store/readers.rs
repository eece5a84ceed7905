//! Connections that only read, opened when needed and kept for the next who asks.
//!
//! A read sees one moment: everything in the closure runs in one read transaction.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use crate::app::store::Result;
use crate::store::schema;

/// The connections that are not in use.
pub(crate) struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
    idle_max: usize,
}

impl Readers {
    pub(crate) fn new(file: PathBuf, idle_max: usize) -> Self {
        Self { file, idle: Mutex::new(Vec::new()), idle_max }
    }

    /// Runs `work` on the database as of one moment.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let mut connection = self.check_out()?;
        let transaction = connection.transaction()?;
        let result = work(&transaction);
        // Nothing was written; ending the read lets the log be reused.
        transaction.rollback()?;
        self.check_in(connection);
        result
    }

    fn check_out(&self) -> Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(connection) => Ok(connection),
            None => Ok(schema::open_reader(&self.file)?),
        }
    }

    fn check_in(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.idle_max {
            idle.push(connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_sees_one_moment_and_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("lattice.db");
        let writer = schema::open_writer(dir.path(), &file, true).unwrap();
        let readers = Readers::new(file, 1);
        let count = |db: &Connection| db.query_row("SELECT count(*) FROM users", [], |row| row.get::<_, i64>(0));
        readers
            .read(|db| {
                assert_eq!(count(db)?, 0);
                writer.execute("INSERT INTO users (name, created_ms) VALUES ('ann', 1)", [])?;
                assert_eq!(count(db)?, 0, "later writes are not seen");
                assert!(db.execute("DELETE FROM users", []).is_err());
                Ok(())
            })
            .unwrap();
        assert_eq!(readers.read(|db| Ok(count(db)?)).unwrap(), 1);
        assert_eq!(readers.idle.lock().unwrap().len(), 1);
    }

    #[test]
    fn no_more_are_kept_than_the_bound() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("lattice.db");
        let _writer = schema::open_writer(dir.path(), &file, true).unwrap();
        let readers = Readers::new(file, 1);
        readers.read(|_| readers.read(|_| Ok(()))).unwrap();
        assert_eq!(readers.idle.lock().unwrap().len(), 1);
    }
}
