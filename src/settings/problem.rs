//! A mistake in the configuration, told so that it can be mended: where, what, what is allowed.

use std::fmt;

/// Most mistakes told at once: nobody reads more, and finding each place takes time.
pub(crate) const PROBLEMS_MAX: usize = 100;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A place in a file; lines and columns count from 1.
    File {
        /// As it was named.
        name: String,
        /// The line.
        line: usize,
        /// The character in the line.
        column: usize,
    },
    /// An environment variable, by name.
    Variable(String),
    /// A flag of the command line, by name.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File { name, line, column } => write!(formatter, "{name}:{line}:{column}"),
            Origin::Variable(name) => write!(formatter, "environment variable {name}"),
            Origin::Flag(name) => write!(formatter, "flag {name}"),
        }
    }
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it is.
    pub origin: Origin,
    /// What is wrong: the key, the bad value and why it is bad.
    pub what: String,
    /// What is allowed, or what to do.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}\n    {}", self.origin, self.what, self.remedy)
    }
}

/// All mistakes of a configuration, in the order of file, environment, flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|problem| writeln!(formatter, "{problem}"))?;
        if self.0.len() >= PROBLEMS_MAX {
            writeln!(formatter, "these are the first {PROBLEMS_MAX} mistakes; there may be more")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// A value shown in a message: one line, printable, not too long.
pub(crate) fn excerpt(text: &str) -> String {
    const CHARS: usize = 60;
    let line = text.lines().next().unwrap_or("");
    let mut shown: String = line.chars().take(CHARS).flat_map(printable).collect();
    if line.chars().nth(CHARS).is_some() || text.lines().nth(1).is_some() {
        shown.push('…');
    }
    shown
}

/// A control character would do something to the operator's terminal.
fn printable(character: char) -> impl Iterator<Item = char> {
    let escaped = character.is_control().then(|| character.escape_default());
    let plain = escaped.is_none().then_some(character);
    escaped.into_iter().flatten().chain(plain)
}
