//! What the operator does with users and tokens, beside the node or without one.

use std::fmt;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, ToSql};

use crate::app::identity::is_user_name;
use crate::app::store::{Joined, Result, StoreError, User};
use crate::limits::USER_NAME_BYTES_MAX;
use crate::store::Inner;
use crate::store::number::unsigned;
use crate::store::writer::Work;
use crate::store::{password, token, users};

/// The operator's side of the users.
pub struct Accounts(pub(crate) Arc<Inner>);

/// What a token lets its bearer do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenRights {
    /// Reads only.
    pub read_only: bool,
    /// Everything, whoever its user is.
    pub admin: bool,
}

/// A user as the operator sees one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// As everybody may know it.
    pub user: User,
    /// Whether any password opens it.
    pub has_password: bool,
    /// How many tokens it has.
    pub tokens: u64,
}

/// A token as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    /// Names it for [`Accounts::revoke_token`].
    pub id: i64,
    /// Its prefix and its last characters.
    pub shown: String,
    /// What it is good for.
    pub rights: TokenRights,
    /// Milliseconds since 1970.
    pub created_ms: u64,
}

/// Why the operator's wish was not done.
#[derive(Debug)]
pub enum AccountError {
    /// No user may be called so.
    BadName(String),
    /// There is no such user.
    Missing(String),
    /// The store failed.
    Store(StoreError),
}

impl fmt::Display for AccountError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccountError::BadName(name) => write!(
                formatter,
                "{name:?} cannot be a user name: 1 to {USER_NAME_BYTES_MAX} of a-z, 0-9, '.', '_' and '-' are allowed, \
                 not beginning with '.' or '-'"
            ),
            AccountError::Missing(name) => write!(formatter, "there is no user {name:?}"),
            AccountError::Store(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for AccountError {}

impl From<StoreError> for AccountError {
    fn from(error: StoreError) -> Self {
        AccountError::Store(error)
    }
}

/// Whether a user may be called so.
pub fn check_name(name: &str) -> std::result::Result<(), AccountError> {
    if is_user_name(name) {
        Ok(())
    } else {
        Err(AccountError::BadName(name.chars().take(USER_NAME_BYTES_MAX + 1).collect()))
    }
}

impl Accounts {
    /// All users, by name.
    pub fn list(&self) -> Result<Vec<Account>> {
        self.0.readers.read(|db| Ok(accounts(db)?))
    }

    /// A new user; without a password only tokens open the account. The name of a user who was
    /// removed may be given again here, with what is left to its name. Slow with a password.
    pub fn create(
        &self,
        name: &str,
        password: Option<&str>,
        email: &str,
        admin: bool,
    ) -> std::result::Result<Joined, AccountError> {
        check_name(name)?;
        let hash = password.map(password::hash).transpose()?;
        let (name, email) = (name.to_owned(), email.to_owned());
        Ok(self.0.writer.write(move |work| Ok(create(work, &name, hash.as_deref(), &email, admin)?))?)
    }

    /// Removes a user with all tokens. The name stays taken and stays among maintainers.
    pub fn remove(&self, name: &str) -> std::result::Result<(), AccountError> {
        let wanted = name.to_owned();
        let removed = self.0.writer.write(move |work| Ok(remove(work, &wanted)?))?;
        if removed { Ok(()) } else { Err(AccountError::Missing(name.to_owned())) }
    }

    /// Sets a password, or (with `None`) lets none open the account. Tokens stay. Slow.
    pub fn set_password(&self, name: &str, password: Option<&str>) -> std::result::Result<(), AccountError> {
        let hash = password.map(password::hash).transpose()?;
        self.change(name, "UPDATE users SET password = ?2 WHERE name = ?1 AND removed_ms IS NULL", hash)
    }

    /// Lets a user do everything, or no longer.
    pub fn set_admin(&self, name: &str, admin: bool) -> std::result::Result<(), AccountError> {
        self.change(name, "UPDATE users SET admin = ?2 WHERE name = ?1 AND removed_ms IS NULL", admin)
    }

    /// Sets the address.
    pub fn set_email(&self, name: &str, email: &str) -> std::result::Result<(), AccountError> {
        let email = email.to_owned();
        self.change(name, "UPDATE users SET email = ?2 WHERE name = ?1 AND removed_ms IS NULL", email)
    }

    /// A new token, returned this once.
    pub fn create_token(&self, user: &str, rights: TokenRights) -> std::result::Result<String, AccountError> {
        issue(&self.0, user, rights)?.ok_or_else(|| AccountError::Missing(user.to_owned()))
    }

    /// A user's tokens, oldest first.
    pub fn tokens(&self, user: &str) -> std::result::Result<Vec<TokenInfo>, AccountError> {
        let found = self.0.readers.read(|db| Ok(users::user(db, user)?.map(|_| tokens(db, user)).transpose()?))?;
        found.ok_or_else(|| AccountError::Missing(user.to_owned()))
    }

    /// Ends a token by its id; whether there was one.
    pub fn revoke_token(&self, id: i64) -> Result<bool> {
        self.0
            .writer
            .write(move |work| Ok(work.db.prepare_cached("DELETE FROM tokens WHERE id = ?1")?.execute([id])? == 1))
    }

    /// Ends all tokens of a user; how many there were.
    pub fn revoke_all(&self, user: &str) -> std::result::Result<usize, AccountError> {
        let user = user.to_owned();
        Ok(self.0.writer.write(move |work| Ok(revoke_all(work, &user)?))?)
    }

    /// Changes one column of a user who is there.
    fn change(
        &self,
        name: &str,
        sql: &'static str,
        value: impl ToSql + Send + 'static,
    ) -> std::result::Result<(), AccountError> {
        let wanted = name.to_owned();
        let write = move |work: &mut Work<'_>| Ok(work.db.prepare_cached(sql)?.execute((wanted, value))?);
        match self.0.writer.write(write)? {
            0 => Err(AccountError::Missing(name.to_owned())),
            _ => Ok(()),
        }
    }
}

fn accounts(db: &Connection) -> rusqlite::Result<Vec<Account>> {
    let mut statement = db.prepare_cached(
        "SELECT name, email, admin, created_ms, password IS NOT NULL,
            (SELECT count(*) FROM tokens t WHERE t.user = users.id)
         FROM users WHERE removed_ms IS NULL ORDER BY name",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(Account { user: users::from_row(row)?, has_password: row.get(4)?, tokens: unsigned(row.get(5)?) })
    })?;
    rows.collect()
}

fn create(work: &Work<'_>, name: &str, hash: Option<&str>, email: &str, admin: bool) -> rusqlite::Result<Joined> {
    let mut insert = work.db.prepare_cached(
        "INSERT INTO users (name, email, password, admin, created_ms) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (name) DO UPDATE SET email = excluded.email, password = excluded.password,
            admin = excluded.admin, created_ms = excluded.created_ms, removed_ms = NULL
         WHERE removed_ms IS NOT NULL",
    )?;
    let added = insert.execute((name, email, hash, admin, work.now_ms))?;
    Ok(if added == 1 { Joined::Done } else { Joined::Exists })
}

/// A new token of a user who is there.
pub(crate) fn issue(inner: &Inner, user: &str, rights: TokenRights) -> Result<Option<String>> {
    let token = token::create()?;
    let user = user.to_owned();
    inner.writer.write(move |work| Ok(insert_token(work, &user, &token, rights)?.then_some(token)))
}

fn insert_token(work: &Work<'_>, user: &str, token: &str, rights: TokenRights) -> rusqlite::Result<bool> {
    let mut find = work.db.prepare_cached("SELECT id FROM users WHERE name = ?1 AND removed_ms IS NULL")?;
    let Some(id) = find.query_row([user], |row| row.get::<_, i64>(0)).optional()? else { return Ok(false) };
    let mut insert = work.db.prepare_cached(
        "INSERT INTO tokens (user, sha256, tail, read_only, admin, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let digest = token::digest_of(token);
    insert.execute((id, digest, token::tail(token), rights.read_only, rights.admin, work.now_ms))?;
    Ok(true)
}

fn tokens(db: &Connection, user: &str) -> rusqlite::Result<Vec<TokenInfo>> {
    let mut statement = db.prepare_cached(
        "SELECT t.id, t.tail, t.read_only, t.admin, t.created_ms
         FROM tokens t JOIN users u ON u.id = t.user WHERE u.name = ?1 ORDER BY t.id",
    )?;
    let rows = statement.query_map([user], |row| {
        Ok(TokenInfo {
            id: row.get(0)?,
            shown: token::shown(&row.get::<_, String>(1)?),
            rights: TokenRights { read_only: row.get(2)?, admin: row.get(3)? },
            created_ms: unsigned(row.get(4)?),
        })
    })?;
    rows.collect()
}

fn remove(work: &Work<'_>, name: &str) -> rusqlite::Result<bool> {
    let mut update = work.db.prepare_cached(
        "UPDATE users SET removed_ms = ?2, password = NULL, email = '', admin = 0
         WHERE name = ?1 AND removed_ms IS NULL",
    )?;
    let removed = update.execute((name, work.now_ms))? == 1;
    revoke_all(work, name)?;
    Ok(removed)
}

fn revoke_all(work: &Work<'_>, user: &str) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM tokens WHERE user = (SELECT id FROM users WHERE name = ?1)";
    work.db.prepare_cached(sql)?.execute([user])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_name_is_told_what_is_allowed() {
        assert!(check_name("ann").is_ok());
        let error = check_name(&"n".repeat(1000)).unwrap_err().to_string();
        assert!(error.contains("a-z, 0-9") && error.len() < 300, "{error}");
    }
}
