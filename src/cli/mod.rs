//! The command line: arguments in, a command run, an exit code out.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done; for `verify` and `config verify`: nothing is damaged |
//! | 1 | it failed, and stderr says why; for the two `verify`: something is damaged; for `bench`: too slow |
//! | 2 | the arguments are not understood |
//! | 78 | the configuration is wrong, or its live part damaged (EX_CONFIG of sysexits.h); nothing was begun |
//!
//! What a script reads goes to stdout, what a person reads goes to stderr. Text is plain: only the help
//! and the picture of the live config have colour, and those respect `NO_COLOR` and pipes.

mod bench;
mod config;
mod log;
mod output;
mod password;
mod place;
mod serve;
mod sources;
mod token;
mod user;
mod verify;

use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};

use output::Failure;

const EXAMPLES: &str = "\
Examples:
  lattice                                     serve with ./registry.toml, or with the defaults
  lattice --listen 127.0.0.1:5000 --data /srv/npm
  lattice token create --user alice           a token for alice, on the last line
  lattice verify                              whether everything published is whole
  lattice config check                        what registry.toml comes to, or what is wrong with it
  lattice config get                          the live config, which can be changed while a node runs
  lattice config flag PRIVATE_REGISTRY on     close it to whoever is not logged in, at once
  lattice bench --quick                       how fast it is on this machine

Then, for npm, pnpm, yarn and bun:
  npm config set registry http://127.0.0.1:4873/
  npm config set //127.0.0.1:4873/:_authToken TOKEN

Every key of registry.toml is an environment variable too: LATTICE_NODE_LISTEN, LATTICE_NPM_ALLOW_SIGNUP, …
Exit codes: 0 done, 1 failed, 2 arguments not understood, 78 configuration wrong.";

/// A private npm registry on its own event loop.
#[derive(Debug, Parser)]
#[command(name = "lattice", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Lattice {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Args,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Token(token::Args),
    User(user::Args),
    Verify(verify::Args),
    Config(config::Args),
    Bench(bench::Args),
}

/// Runs the command that the arguments name; `started` is when the process began.
pub fn main(started: Instant) -> ExitCode {
    let Lattice { command, serve } = Lattice::parse();
    let result = match command.unwrap_or(Command::Serve(serve)) {
        Command::Serve(args) => serve::run(args, started),
        Command::Token(args) => token::run(args),
        Command::User(args) => user::run(args),
        Command::Verify(args) => verify::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Bench(args) => bench::run(&args),
    };
    result.unwrap_or_else(Failure::tell)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Lattice::command().debug_assert();
    }

    #[test]
    fn no_command_is_serve_with_the_same_flags() {
        for args in [&["lattice", "--threads", "2", "--echo"][..], &["lattice", "serve", "--threads", "2", "--echo"]] {
            let Lattice { command, serve } = Lattice::parse_from(args);
            let Command::Serve(args) = command.unwrap_or(Command::Serve(serve)) else { panic!("not serve") };
            assert_eq!((args.threads.as_deref(), args.echo), (Some("2"), true));
        }
        assert!(Lattice::try_parse_from(["lattice", "--echo", "user", "list"]).is_err(), "flags of serve are its own");
    }

    #[test]
    fn every_command_has_examples() {
        fn check(command: &clap::Command) {
            let leaf = command.get_subcommands().next().is_none();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(!leaf || help.contains("Example"), "{}", command.get_name());
            command.get_subcommands().for_each(check);
        }
        check(&Lattice::command());
    }
}
