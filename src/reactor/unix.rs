//! Listening at a file: a Unix socket, its mode, and what may already be there.
//!
//! A socket file outlives the process that made it. One that nobody answers at is replaced, any other
//! file is left alone. The file is never more open than it is to be, not even while it is made, and it
//! is removed at the end unless another node has put its own in its place.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

use super::Listener;

/// A socket file of ours; dropping it removes the file.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// Device and inode: another file of this name is not ours.
    identity: (u64, u64),
}

impl Listener {
    /// Listens at `path`, for whoever `mode` lets write to it.
    pub fn unix(path: &Path, mode: u32, backlog: u32) -> io::Result<(Self, SocketFile)> {
        remove_stale(path)?;
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        // The file is made with the socket's own mode, less the umask: nobody gets in between.
        #[cfg(target_os = "linux")]
        File::from(OwnedFd::from(socket.try_clone()?)).set_permissions(Permissions::from_mode(mode))?;
        socket.bind(&SockAddr::unix(path)?)?;
        let file = SocketFile { path: path.to_owned(), identity: identity(path)? };
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        Ok((Self::new(socket, true)?, file))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            // Whoever cannot remove it now replaces it later.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}

/// Removes a socket file at which nobody answers.
fn remove_stale(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(ErrorKind::AlreadyExists, "there is a file that is no socket"));
    }
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // One whose queue is full must not hold up the start.
    probe.set_nonblocking(true)?;
    match probe.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
        _ => Err(ErrorKind::AddrInUse.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

    const BACKLOG: u32 = 8;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("the file is there").permissions().mode() & 0o777
    }

    fn place() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("socket");
        (dir, path)
    }

    #[test]
    fn the_file_has_its_mode_and_goes_with_its_owner() {
        for wanted in [0o600, 0o660, 0o666, 0o777] {
            let (_dir, path) = place();
            let (listener, file) = Listener::unix(&path, wanted, BACKLOG).expect("it listens");
            assert_eq!(mode(&path), wanted);
            assert_eq!((listener.path(), listener.address()), (Some(path.clone()), None));
            UnixStream::connect(&path).expect("a connection");
            drop((listener, file));
            assert!(!path.exists());
        }
    }

    #[test]
    fn a_file_nobody_answers_at_is_replaced() {
        let (_dir, path) = place();
        drop(UnixListener::bind(&path).expect("a socket")); // its file stays
        assert!(path.exists());
        let (_listener, _file) = Listener::unix(&path, 0o600, BACKLOG).expect("it listens");
        UnixStream::connect(&path).expect("a connection");
    }

    #[test]
    fn whoever_listens_already_keeps_the_place_also_with_a_full_queue() {
        let (_dir, path) = place();
        let held = Listener::unix(&path, 0o600, 0).expect("it listens");
        let mut crowd = Vec::new();
        for _ in 0..4 {
            let error = Listener::unix(&path, 0o600, BACKLOG).err().expect("taken");
            assert_eq!(error.kind(), ErrorKind::AddrInUse);
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
            socket.set_nonblocking(true).expect("a socket");
            crowd.push((socket.connect(&SockAddr::unix(&path).expect("short")).is_ok(), socket));
        }
        assert!(crowd.iter().any(|(connected, _)| !connected), "the queue is full");
        drop(held);
    }

    #[test]
    fn other_files_are_left_alone() {
        let (_dir, path) = place();
        fs::write(&path, b"precious").expect("a file");
        assert_eq!(Listener::unix(&path, 0o600, BACKLOG).err().expect("refused").kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).expect("the file"), b"precious");
        fs::remove_file(&path).expect("ours");
        let datagram = UnixDatagram::bind(&path).expect("a socket");
        assert!(Listener::unix(&path, 0o600, BACKLOG).is_err(), "somebody receives there");
        assert!(path.exists());
        drop(datagram);
    }

    #[test]
    fn a_successors_file_is_not_removed() {
        let (_dir, path) = place();
        let (_listener, file) = Listener::unix(&path, 0o600, BACKLOG).expect("it listens");
        fs::rename(&path, path.with_extension("old")).expect("ours");
        let (_next, _next_file) = Listener::unix(&path, 0o600, BACKLOG).expect("it listens");
        drop(file);
        assert!(path.exists());
    }
}
