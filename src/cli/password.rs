//! Asks for a password: twice at a terminal, or one line of stdin for scripts.

use std::io::{self, BufRead};

use super::output::Failure;
use crate::limits::PASSWORD_BYTES_MAX;

/// The password, from stdin if a script gives it there.
pub(crate) fn ask(user: &str, from_stdin: bool) -> Result<String, Failure> {
    let password = if from_stdin { from_line(io::stdin().lock())? } else { from_terminal(user)? };
    check(password)
}

fn from_line(input: impl BufRead) -> Result<String, Failure> {
    let mut line = String::new();
    let taken = input.take(PASSWORD_BYTES_MAX as u64 + 3).read_line(&mut line);
    taken.map_err(|error| Failure::Failed(format!("the password cannot be read from stdin: {error}")))?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_string())
}

fn from_terminal(user: &str) -> Result<String, Failure> {
    let first = prompt(&format!("Password for {user}: "))?;
    let second = prompt("The same again: ")?;
    match first == second {
        true => Ok(first),
        false => Err(Failure::Failed("the two passwords differ: nothing was changed".into())),
    }
}

fn prompt(question: &str) -> Result<String, Failure> {
    rpassword::prompt_password(question).map_err(|error| {
        Failure::Failed(format!(
            "there is no terminal to ask for a password ({error}): pipe it in and add --password-stdin"
        ))
    })
}

fn check(password: String) -> Result<String, Failure> {
    match password.len() {
        0 => Err(Failure::Failed("the password is empty: nothing was changed".into())),
        1..=PASSWORD_BYTES_MAX => Ok(password),
        _ => {
            Err(Failure::Failed(format!("the password is longer than {PASSWORD_BYTES_MAX} bytes: nothing was changed")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8]) -> Result<String, Failure> {
        from_line(input).and_then(check)
    }

    #[test]
    fn a_line_is_a_password_without_its_end() {
        for input in [&b"secret\n"[..], b"secret\r\n", b"secret", b"secret\nmore\n"] {
            assert_eq!(read(input).ok().as_deref(), Some("secret"));
        }
        assert_eq!(read(b" spaced \n").ok().as_deref(), Some(" spaced "));
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        assert!(read(b"").is_err());
        assert!(read(b"\n").is_err());
        assert!(read(b"\xff\n").is_err());
        assert!(read(&[b'x'; PASSWORD_BYTES_MAX]).is_ok());
        assert!(read(&[&[b'x'; PASSWORD_BYTES_MAX][..], b"\r\n"].concat()).is_ok());
        assert!(read(&[b'x'; PASSWORD_BYTES_MAX + 1]).is_err());
        assert!(read(&[b'x'; 100_000]).is_err());
    }
}
