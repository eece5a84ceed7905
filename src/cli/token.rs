//! `lattice token`: makes, lists and ends what clients show instead of a password.
//!
//! Works beside a running node as well as without one.

use std::process::ExitCode;

use clap::Subcommand;

use super::output::{Ended, Failure, print, say, table};
use super::place::{NOTICED, Place};
use crate::app::store::Joined;
use crate::store::{Accounts, TokenInfo, TokenRights};
use crate::wire::date::rfc3339;

const CREATE_EXAMPLES: &str = "\
Examples:
  lattice token create --user alice
  lattice token create --user ci --read-only --data /srv/npm
  npm config set //127.0.0.1:4873/:_authToken \"$(lattice token create --user alice)\"

The token is alone on stdout and is shown this once: only its hash is kept.";

const LIST_EXAMPLES: &str = "\
Example:
  lattice token list --user alice";

const REVOKE_EXAMPLES: &str = "\
Example:
  lattice token revoke 7        the ID that `lattice token list --user NAME` shows";

/// Make, list and revoke access tokens
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a token; the user too, if there is none of that name
    #[command(after_help = CREATE_EXAMPLES)]
    Create {
        /// Whose token it is
        #[arg(long, value_name = "NAME")]
        user: String,
        /// It may read and install, and change nothing
        #[arg(long, conflicts_with = "admin")]
        read_only: bool,
        /// It may do everything, whatever its user may
        #[arg(long)]
        admin: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Show a user's tokens, without the tokens themselves
    #[command(after_help = LIST_EXAMPLES)]
    List {
        /// Whose tokens
        #[arg(long, value_name = "NAME")]
        user: String,
        #[command(flatten)]
        place: Place,
    },
    /// End a token
    #[command(after_help = REVOKE_EXAMPLES)]
    Revoke {
        /// Its number in the list
        id: i64,
        #[command(flatten)]
        place: Place,
    },
}

pub(crate) fn run(args: Args) -> Ended {
    match args.command {
        Command::Create { user, read_only, admin, place } => {
            create(&*place.accounts()?, &user, TokenRights { read_only, admin })
        }
        Command::List { user, place } => list(&*place.accounts_there()?, &user),
        Command::Revoke { id, place } => revoke(&*place.accounts_there()?, id),
    }
}

fn create(accounts: &Accounts, user: &str, rights: TokenRights) -> Ended {
    if accounts.create(user, None, "", false)? == Joined::Done {
        say(&format!("user {user} is new, and has no password: `lattice user passwd {user}` sets one"));
    }
    let token = accounts.create_token(user, rights)?;
    say(&format!("a token of {user} that {}; it is shown this once:", describe(rights)));
    print(&format!("{token}\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn describe(rights: TokenRights) -> &'static str {
    match rights {
        TokenRights { admin: true, .. } => "may do everything",
        TokenRights { read_only: true, .. } => "may only read",
        _ => "may do what the user may",
    }
}

fn list(accounts: &Accounts, user: &str) -> Ended {
    let rows: Vec<[String; 4]> = accounts.tokens(user)?.iter().map(row).collect();
    print(&table(["ID", "TOKEN", "CREATED", "RIGHTS"], &rows))?;
    Ok(ExitCode::SUCCESS)
}

fn row(token: &TokenInfo) -> [String; 4] {
    let created = rfc3339(token.created_ms);
    [
        token.id.to_string(),
        token.shown.clone(),
        String::from_utf8_lossy(&created).into_owned(),
        describe(token.rights).into(),
    ]
}

fn revoke(accounts: &Accounts, id: i64) -> Ended {
    match accounts.revoke_token(id)? {
        true => say(&format!("token {id} is revoked; {NOTICED}")),
        false => {
            let hint = "`lattice token list --user NAME` shows those there are";
            return Err(Failure::Failed(format!("there is no token {id}: {hint}")));
        }
    }
    Ok(ExitCode::SUCCESS)
}
