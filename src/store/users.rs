//! Who may come in: the questions that the node asks about users and tokens.
//!
//! What only the operator may do is in [`super::accounts`].

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row};

use crate::app::identity::{Identity, Shown, Standing};
use crate::app::store::{Joined, Result, Standings, User, Users};
use crate::store::Inner;
use crate::store::accounts::{self, TokenRights};
use crate::store::error::broken;
use crate::store::number::unsigned;
use crate::store::{password, token};

/// What [`Users`] is here.
pub(crate) struct UserStore(pub(crate) Arc<Inner>);

impl Users for UserStore {
    fn identify_token(&self, token: &str) -> Result<Option<Identity>> {
        if !token::is_well_formed(token) {
            return Ok(None);
        }
        let digest = token::digest_of(token);
        self.0.readers.read(|db| Ok(by_token(db, &digest)?))
    }

    fn identify_password(&self, name: &str, password: &str) -> Result<Option<Identity>> {
        let found = self.0.readers.read(|db| Ok(by_name(db, name)?))?;
        let (hash, admin) = found.unwrap_or_default();
        if !password::verify(password, hash.as_deref())? {
            return Ok(None);
        }
        Ok(hash.map(|hash| with_password(name, &hash, admin)))
    }

    fn user(&self, name: &str) -> Result<Option<User>> {
        self.0.readers.read(|db| Ok(user(db, name)?))
    }

    fn join(&self, name: &str, password: &str, email: &str) -> Result<Joined> {
        accounts::check_name(name).map_err(|error| broken(error.to_string()))?;
        let taken = self.0.readers.read(|db| Ok(is_taken(db, name)?))?;
        if taken {
            return Ok(Joined::Exists);
        }
        let hash = password::hash(password)?;
        let (name, email) = (name.to_owned(), email.to_owned());
        self.0.writer.write(move |work| {
            let mut insert = work.db.prepare_cached(
                "INSERT OR IGNORE INTO users (name, email, password, created_ms) VALUES (?1, ?2, ?3, ?4)",
            )?;
            let added = insert.execute((name, email, hash, work.now_ms))?;
            Ok(if added == 1 { Joined::Done } else { Joined::Exists })
        })
    }

    fn issue_token(&self, user: &str, read_only: bool) -> Result<Option<String>> {
        accounts::issue(&self.0, user, TokenRights { read_only, admin: false })
    }

    fn revoke_token(&self, user: &str, token: &str) -> Result<bool> {
        let (user, digest) = (user.to_owned(), token::digest_of(token));
        self.0.writer.write(move |work| {
            let mut delete = work.db.prepare_cached(
                "DELETE FROM tokens WHERE sha256 = ?1 AND user = (SELECT id FROM users WHERE name = ?2)",
            )?;
            Ok(delete.execute((digest, user))? == 1)
        })
    }
}

impl Standings for UserStore {
    fn changed(&self, identities: &[Arc<Identity>]) -> Result<Vec<Arc<str>>> {
        let mut asked = HashSet::new();
        let mut changed = Vec::new();
        self.0.readers.read(|db| {
            for identity in identities {
                let what = (identity.user(), identity.shown, identity.admin, identity.read_only);
                if asked.insert(what) && !is_current(db, identity)? {
                    changed.extend(identity.user().cloned());
                }
            }
            Ok(())
        })?;
        changed.sort_unstable();
        changed.dedup();
        Ok(changed)
    }
}

/// Whether these credentials would make the same of their bearer now.
fn is_current(db: &Connection, identity: &Identity) -> rusqlite::Result<bool> {
    let Standing::User(name) = &identity.standing else { return Ok(true) };
    let current = match identity.shown {
        Shown::Token(id) => by_token_id(db, id)?,
        Shown::Password(_) => match by_name(db, name)? {
            Some((Some(hash), admin)) => Some(with_password(name, &hash, admin)),
            _ => None,
        },
        // Nothing here let them in.
        Shown::Nothing => return Ok(true),
    };
    Ok(current.is_some_and(|current| current == *identity))
}

/// Who showed the password of this hash.
fn with_password(name: &str, hash: &str, admin: bool) -> Identity {
    let shown = Shown::Password(password::mark(hash));
    Identity { standing: Standing::User(name.into()), read_only: false, admin, shown }
}

/// Whose the token is that fits a condition.
macro_rules! bearer_where {
    ($condition:literal) => {
        concat!(
            "SELECT t.id, t.read_only, t.admin OR u.admin, u.name FROM tokens t JOIN users u ON u.id = t.user
             WHERE u.removed_ms IS NULL AND ",
            $condition
        )
    };
}

fn by_token(db: &Connection, digest: &[u8; 32]) -> rusqlite::Result<Option<Identity>> {
    db.prepare_cached(bearer_where!("t.sha256 = ?1"))?.query_row([digest], bearer).optional()
}

fn by_token_id(db: &Connection, id: i64) -> rusqlite::Result<Option<Identity>> {
    db.prepare_cached(bearer_where!("t.id = ?1"))?.query_row([id], bearer).optional()
}

fn bearer(row: &Row<'_>) -> rusqlite::Result<Identity> {
    let standing = Standing::User(row.get(3)?);
    Ok(Identity { standing, read_only: row.get(1)?, admin: row.get(2)?, shown: Shown::Token(row.get(0)?) })
}

/// The password's hash, if there is one, and whether the user is an admin.
fn by_name(db: &Connection, name: &str) -> rusqlite::Result<Option<(Option<String>, bool)>> {
    let mut statement =
        db.prepare_cached("SELECT password, admin FROM users WHERE name = ?1 AND removed_ms IS NULL")?;
    statement.query_row([name], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

pub(crate) fn user(db: &Connection, name: &str) -> rusqlite::Result<Option<User>> {
    let mut statement =
        db.prepare_cached("SELECT name, email, admin, created_ms FROM users WHERE name = ?1 AND removed_ms IS NULL")?;
    statement.query_row([name], from_row).optional()
}

pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User { name: row.get(0)?, email: row.get(1)?, admin: row.get(2)?, created_ms: unsigned(row.get(3)?) })
}

/// Also by a user who was removed.
fn is_taken(db: &Connection, name: &str) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM users WHERE name = ?1")?.exists([name])
}
