//! What a command says, and how it ends.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use crate::app::store::StoreError;
use crate::settings::Problems;
use crate::store::AccountError;

/// The configuration is wrong: EX_CONFIG of sysexits.h.
const EX_CONFIG: u8 = 78;
/// The arguments are not understood, as the parser of arguments ends too.
const USAGE: u8 = 2;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The configuration is wrong.
    Config(String),
    /// Anything else.
    Failed(String),
    /// The arguments are not understood, which only looking at them closely has shown.
    Usage(String),
}

/// How a command ends.
pub(crate) type Ended = Result<ExitCode, Failure>;

impl Failure {
    /// Tells the person, and gives the exit code.
    pub(crate) fn tell(self) -> ExitCode {
        match self {
            Failure::Config(message) => {
                say(&format!("lattice: the configuration is wrong; nothing was started\n{message}"));
                ExitCode::from(EX_CONFIG)
            }
            Failure::Failed(message) => {
                say(&format!("lattice: {message}"));
                ExitCode::FAILURE
            }
            Failure::Usage(message) => {
                say(&format!("lattice: {message}"));
                ExitCode::from(USAGE)
            }
        }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Failure::Config(problems.to_string().trim_end().to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let advice = if error.full { ": free space on that disk, then try again" } else { "" };
        Failure::Failed(format!("the store failed: {}{advice}", error.message))
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Store(error) => error.into(),
            AccountError::BadName(_) => Failure::Failed(error.to_string()),
            AccountError::Missing(_) => Failure::Failed(format!("{error}: `lattice user list` shows those there are")),
        }
    }
}

/// A line for the person, on stderr. If nobody can read it there is nobody to tell.
pub(crate) fn say(line: &str) {
    writeln!(io::stderr().lock(), "{line}").ok();
}

/// Text for whoever reads stdout. A reader that has read enough, as `head` does, is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    match put(text) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(unwritable(&error)),
        _ => Ok(()),
    }
}

/// A line of many; whether anybody still reads them.
pub(crate) fn print_line(line: &str) -> Result<bool, Failure> {
    match put(&format!("{line}\n")) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(unwritable(&error)),
    }
}

fn put(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
}

fn unwritable(error: &io::Error) -> Failure {
    Failure::Failed(format!("stdout cannot be written: {error}"))
}

/// Whether what goes to stdout may have colour: a terminal reads it, and `NO_COLOR` says nothing against it.
pub(crate) fn is_coloured() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Text without what could do something to a terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// Rows in columns wide enough for each, under a heading.
pub(crate) fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let heading = heading.map(String::from);
    let width = |column: usize| rows.iter().chain([&heading]).map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    std::iter::once(&heading).chain(rows).map(|row| table_row(row, &widths)).collect()
}

fn table_row(cells: &[String], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
    let line = padded.collect::<Vec<_>>().join("  ");
    format!("{}\n", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["1".to_string(), "alice".to_string()], ["1000".to_string(), "é".to_string()]];
        assert_eq!(table(["ID", "USER"], &rows), "ID    USER\n1     alice\n1000  é\n");
        assert_eq!(table(["ID"], &[]), "ID\n");
    }
}
