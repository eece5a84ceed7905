//! What can go wrong with a file, each with its sentence. The path is added by whoever knows it.

use core::fmt;

use super::Refusal;

/// Why a config file could not be opened, read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// A record of 13 bytes, not yet a file of 64.
    Bare,
    /// The config was changed again and again while it was read.
    Busy,
    /// Somebody else wrote first.
    Conflict,
    /// The file became shorter after it was opened.
    Cut,
    /// Neither slot is whole.
    Damaged,
    /// The permissions forbid it.
    Denied,
    /// A directory.
    Directory,
    /// No room is left for it.
    DiskFull,
    /// No bytes.
    Empty,
    /// There is a file already.
    Exists,
    /// A named pipe.
    Fifo,
    /// Anything else, by its `errno`.
    Io(i32),
    /// Another writer kept the lock for all of the time.
    Locked,
    /// More than 64 bytes.
    Long,
    /// Others may write it.
    Mode,
    /// No such file, or no such directory.
    NotFound,
    /// A device or a socket.
    NotRegular,
    /// It belongs to another user.
    Owner,
    /// The name, or the temporary one beside it, is too long.
    PathTooLong,
    /// It was opened for reading, or may only be read.
    ReadOnly,
    /// The record does not allow it.
    Refused(Refusal),
    /// Another file has taken its name.
    Replaced,
    /// Fewer than 64 bytes.
    Short,
    /// A part of a slot was written.
    ShortWrite,
    /// A symbolic link.
    Symlink,
    /// As many config files are open as one process can have.
    TooMany,
}

impl Error {
    /// The error in words.
    pub const fn sentence(self) -> &'static str {
        match self {
            Error::Bare => "the file is a bare record of 13 bytes: import it first",
            Error::Busy => "the config changed again and again while it was read",
            Error::Conflict => "the config was changed by somebody else: read it again",
            Error::Cut => "the file became shorter while it was open: restore it and open it again",
            Error::Damaged => "neither slot of the file is whole",
            Error::Denied => "the permissions of the file or its directory forbid it",
            Error::Directory => "this is a directory, not a config file",
            Error::DiskFull => "there is no room left on the disk",
            Error::Empty => "the file is empty",
            Error::Exists => "there is a file of this name already",
            Error::Fifo => "this is a named pipe, not a config file",
            Error::Io(_) => "the operating system reports an error",
            Error::Locked => "another writer holds the lock of the file",
            Error::Long => "the file is longer than 64 bytes",
            Error::Mode => "others than the owner may write the file: take that away (chmod go-w)",
            Error::NotFound => "there is no such file or directory",
            Error::NotRegular => "this is a device or a socket, not a config file",
            Error::Owner => "the file belongs to another user",
            Error::PathTooLong => "the name of the file is too long",
            Error::ReadOnly => "the file may only be read",
            Error::Refused(refusal) => refusal.sentence(),
            Error::Replaced => "another file has taken the name of this one: open it again",
            Error::Short => "the file is shorter than 64 bytes",
            Error::ShortWrite => "only a part of the update was written: the config before it stands",
            Error::Symlink => "this is a symbolic link: name the file itself",
            Error::TooMany => "too many config files are open in this process",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.sentence())
    }
}

impl core::error::Error for Error {}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Error::Refused(refusal)
    }
}
