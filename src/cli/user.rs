//! `lattice user`: makes, lists and removes accounts, and sets their passwords.
//!
//! Works beside a running node as well as without one.

use std::process::ExitCode;

use clap::Subcommand;

use super::output::{Ended, Failure, print, say, table};
use super::password;
use super::place::{NOTICED, Place};
use crate::app::store::Joined;
use crate::limits::EMAIL_BYTES_MAX;
use crate::store::{Account, AccountError, Accounts, check_name};
use crate::wire::date::rfc3339;

const ADD_EXAMPLES: &str = "\
Examples:
  lattice user add alice --email alice@example.com
  echo \"$PASSWORD\" | lattice user add ci --password-stdin

A user who only ever uses tokens needs no password: `lattice token create --user NAME` is enough.";

const LIST_EXAMPLES: &str = "\
Example:
  lattice user list";

const PASSWD_EXAMPLES: &str = "\
Examples:
  lattice user passwd alice
  echo \"$PASSWORD\" | lattice user passwd ci --password-stdin

Tokens stay valid: `lattice token list` and `lattice token revoke` end them.";

const REMOVE_EXAMPLES: &str = "\
Example:
  lattice user remove alice

All tokens of the user end. The name stays among the maintainers of its packages, and nobody can sign
up under it; `lattice user add` can give it out again.";

/// Make, list and remove users, and set passwords
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a user with a password
    #[command(after_help = ADD_EXAMPLES)]
    Add {
        /// The name: a-z, 0-9, '.', '_' and '-'
        name: String,
        /// Shown with the packages the user maintains
        #[arg(long, value_name = "ADDRESS", default_value = "", hide_default_value = true)]
        email: String,
        /// The user may do everything
        #[arg(long)]
        admin: bool,
        /// Read the password from the first line of stdin
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Show all users
    #[command(after_help = LIST_EXAMPLES)]
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Set a user's password
    #[command(after_help = PASSWD_EXAMPLES)]
    Passwd {
        /// The user
        name: String,
        /// Read the password from the first line of stdin
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Remove a user and all tokens of it
    #[command(after_help = REMOVE_EXAMPLES)]
    Remove {
        /// The user
        name: String,
        #[command(flatten)]
        place: Place,
    },
}

pub(crate) fn run(args: Args) -> Ended {
    match args.command {
        Command::Add { name, email, admin, password_stdin, place } => {
            check_name(&name)?;
            check_email(&email)?;
            add(&*place.accounts()?, &name, &email, admin, password_stdin)?;
        }
        Command::List { place } => list(&*place.accounts_there()?)?,
        Command::Passwd { name, password_stdin, place } => passwd(&*place.accounts_there()?, &name, password_stdin)?,
        Command::Remove { name, place } => {
            place.accounts_there()?.remove(&name)?;
            say(&format!("user {name} is removed, with all tokens; {NOTICED}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// It ends up in documents and on terminals.
fn check_email(email: &str) -> Result<(), Failure> {
    let odd = email.contains(|character: char| character.is_control() || character.is_whitespace());
    let well_formed = email.is_empty() || email.contains('@') && email.len() <= EMAIL_BYTES_MAX && !odd;
    let message =
        || format!("{email:?} is no mail address: allowed is NAME@HOST without spaces, up to {EMAIL_BYTES_MAX} bytes");
    if well_formed { Ok(()) } else { Err(Failure::Failed(message())) }
}

fn add(accounts: &Accounts, name: &str, email: &str, admin: bool, from_stdin: bool) -> Result<(), Failure> {
    let exists =
        || Failure::Failed(format!("there is a user {name} already: `lattice user passwd {name}` sets its password"));
    if is_there(accounts, name)? {
        return Err(exists());
    }
    let password = password::ask(name, from_stdin)?;
    match accounts.create(name, Some(&password), email, admin)? {
        Joined::Exists => Err(exists()),
        Joined::Done => {
            say(&format!("user {name} is added{}", if admin { ", and may do everything" } else { "" }));
            Ok(())
        }
    }
}

fn passwd(accounts: &Accounts, name: &str, from_stdin: bool) -> Result<(), Failure> {
    if !is_there(accounts, name)? {
        return Err(AccountError::Missing(name.to_string()).into());
    }
    let password = password::ask(name, from_stdin)?;
    accounts.set_password(name, Some(&password))?;
    say(&format!("the password of {name} is set; tokens stay valid; {NOTICED}"));
    Ok(())
}

/// Asked before a password is, so that nobody types one in vain.
fn is_there(accounts: &Accounts, name: &str) -> Result<bool, Failure> {
    Ok(accounts.list()?.iter().any(|account| account.user.name == name))
}

fn list(accounts: &Accounts) -> Result<(), Failure> {
    let rows: Vec<[String; 6]> = accounts.list()?.iter().map(row).collect();
    print(&table(["NAME", "EMAIL", "CREATED", "TOKENS", "PASSWORD", "RIGHTS"], &rows))
}

fn row(account: &Account) -> [String; 6] {
    let Account { user, has_password, tokens } = account;
    [
        user.name.clone(),
        if user.email.is_empty() { "-".into() } else { user.email.clone() },
        String::from_utf8_lossy(&rfc3339(user.created_ms)).into_owned(),
        tokens.to_string(),
        if *has_password { "set" } else { "none" }.into(),
        if user.admin { "administrator" } else { "user" }.into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_short_and_plain() {
        let long = format!("{}@e.x", "a".repeat(250));
        for (email, good) in
            [("", true), ("a@b", true), (&long, true), ("ab", false), ("a @b", false), ("a@b\u{1b}[2J", false)]
        {
            assert_eq!(check_email(email).is_ok(), good, "{email:?}");
        }
        assert!(check_email(&format!("a{long}")).is_err());
    }
}
