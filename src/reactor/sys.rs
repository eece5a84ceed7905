//! Raw system calls that the standard library has no safe name for.
//!
//! Each function is one call; what it was given proves it safe.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use socket2::{SockAddr, Socket};

/// Flag of send(2): a peer that is gone is an error, no signal.
pub const NO_SIGNAL: i32 = if cfg!(target_os = "linux") { libc::MSG_NOSIGNAL } else { 0 };

/// Flag of send(2): more follows at once, so that the kernel may wait to fill a segment.
#[cfg(target_os = "linux")]
pub const MORE: i32 = libc::MSG_MORE;

/// Takes a connection from a listener's queue: it does not block, and no child process gets it.
#[cfg(target_os = "linux")]
pub fn accept(listener: &Socket) -> io::Result<(Socket, SockAddr)> {
    listener.accept4(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC)
}

/// Copies what waits at a socket, and leaves it there.
pub fn peek(socket: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<usize> {
    // SAFETY: `bytes` is valid for writes of its length during the call; the descriptor is open.
    let seen = unsafe { libc::recv(socket.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len(), libc::MSG_PEEK) };
    usize::try_from(seen).map_err(|_| io::Error::last_os_error())
}

/// Receives into `buffer`; 0 means that the peer has ended.
///
/// The bare system call: the C library's function of this name first marks the thread as one that
/// may be cancelled here, and afterwards as one that may not, which none of ours ever is.
#[cfg(target_os = "linux")]
#[inline]
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    let (descriptor, none) = (socket.as_raw_fd() as libc::c_long, std::ptr::null_mut::<libc::c_void>());
    // SAFETY: `buffer` is valid for writes of its length during the call; no address is asked for.
    let received =
        unsafe { libc::syscall(libc::SYS_recvfrom, descriptor, buffer.as_mut_ptr(), buffer.len(), 0usize, none, none) };
    count(received as isize)
}

/// Sends as much of `bytes` as the kernel takes now. The bare system call, as [`receive`] is.
#[cfg(target_os = "linux")]
#[inline]
pub fn send(socket: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    let (descriptor, flags) = (socket.as_raw_fd() as libc::c_long, NO_SIGNAL as libc::c_long);
    let none = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: `bytes` is valid for reads of its length during the call; no address is given.
    let sent = unsafe { libc::syscall(libc::SYS_sendto, descriptor, bytes.as_ptr(), bytes.len(), flags, none, 0usize) };
    count(sent as isize)
}

/// Receives into `buffer`; 0 means that the peer has ended.
#[cfg(not(target_os = "linux"))]
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: `buffer` is valid for writes of its length during the call.
    count(unsafe { libc::recv(socket.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) })
}

/// Sends as much of `bytes` as the kernel takes now.
#[cfg(not(target_os = "linux"))]
pub fn send(socket: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: `bytes` is valid for reads of its length during the call.
    count(unsafe { libc::send(socket.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), NO_SIGNAL) })
}

/// Sends a range of a file. Fewer bytes than asked for are normal; none means the file is too short.
#[cfg(target_os = "linux")]
pub fn send_file(socket: BorrowedFd<'_>, file: &File, offset: u64, length: u64) -> io::Result<usize> {
    let mut offset = libc::off_t::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
    // The kernel takes at most 2^31 - 4096 bytes a call.
    let length = length.min(0x7fff_f000) as usize;
    // SAFETY: both descriptors are open; `offset` is a local the kernel may write to.
    let sent = unsafe { libc::sendfile(socket.as_raw_fd(), file.as_raw_fd(), &mut offset, length) };
    count(sent)
}

/// The processors this process may run on.
#[cfg(target_os = "linux")]
pub fn allowed_cpus() -> Vec<usize> {
    // SAFETY: a cpu_set_t is plain bits, for which zero is a value.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `set` is a cpu_set_t of the size given.
    let result = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) };
    if result != 0 {
        return Vec::new();
    }
    // SAFETY: the index stays below CPU_SETSIZE, the number of bits in the set.
    (0..libc::CPU_SETSIZE as usize).filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &set) }).collect()
}

/// Keeps the calling thread on one processor.
#[cfg(target_os = "linux")]
pub fn pin_to(cpu: usize) -> io::Result<()> {
    assert!(cpu < libc::CPU_SETSIZE as usize);
    // SAFETY: a cpu_set_t is plain bits, for which zero is a value.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `cpu` is below CPU_SETSIZE; `set` is a cpu_set_t of the size given.
    let result = unsafe {
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set)
    };
    count(result as isize).map(drop)
}

/// Leaves connections in the kernel until they have sent something, or for `seconds`.
#[cfg(target_os = "linux")]
pub fn defer_accept(listener: BorrowedFd<'_>, seconds: i32) -> io::Result<()> {
    // SAFETY: the option's value is an i32 that lives during the call, and its size is given.
    let result = unsafe {
        libc::setsockopt(
            listener.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_DEFER_ACCEPT,
            (&raw const seconds).cast(),
            size_of::<i32>() as libc::socklen_t,
        )
    };
    count(result as isize).map(drop)
}

/// Lets the core on which a connection arrives choose among the listeners of its port: those of `cores[N]`
/// go to the one that was opened as the Nth. On any other core the kernel's hash chooses.
#[cfg(target_os = "linux")]
pub fn steer_by_core(listener: BorrowedFd<'_>, cores: &[usize]) -> io::Result<()> {
    /// Of `asm-generic/socket.h`; the C library's crate does not name it.
    const SO_ATTACH_REUSEPORT_CBPF: i32 = 51;
    let mut code = steering(cores);
    let program = libc::sock_fprog {
        len: u16::try_from(code.len()).map_err(|_| io::ErrorKind::InvalidInput)?,
        filter: code.as_mut_ptr(),
    };
    // SAFETY: the option's value is a sock_fprog of the size given; it and the `len` instructions it points
    // to live during the call, which copies them.
    let result = unsafe {
        libc::setsockopt(
            listener.as_raw_fd(),
            libc::SOL_SOCKET,
            SO_ATTACH_REUSEPORT_CBPF,
            (&raw const program).cast(),
            size_of::<libc::sock_fprog>() as libc::socklen_t,
        )
    };
    count(result as isize).map(drop)
}

/// "If the core is `cores[N]`, N; else none of them", for the kernel's packet filter.
#[cfg(target_os = "linux")]
fn steering(cores: &[usize]) -> Vec<libc::sock_filter> {
    let step = |code: u32, k: u32, jf| libc::sock_filter { code: code as u16, jt: 0, jf, k };
    let mut code =
        vec![step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, (libc::SKF_AD_OFF + libc::SKF_AD_CPU) as u32, 0)];
    for (index, &core) in cores.iter().enumerate() {
        code.push(step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, core as u32, 1));
        code.push(step(libc::BPF_RET | libc::BPF_K, index as u32, 0));
    }
    code.push(step(libc::BPF_RET | libc::BPF_K, u32::MAX, 0));
    code
}

fn count(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

/// Whether an error of accept(2) is about the one connection it took from the queue: the network's
/// own errors are handed over there. Any other, such as a lack of descriptors or of memory, would
/// come again at once.
pub fn concerns_one_connection(error: &io::Error) -> bool {
    use libc::{
        ECONNABORTED, ECONNRESET, EHOSTDOWN, EHOSTUNREACH, EINTR, ENETDOWN, ENETUNREACH, ENOPROTOOPT, EOPNOTSUPP,
        EPERM, EPROTO, ETIMEDOUT,
    };
    #[cfg(target_os = "linux")]
    if error.raw_os_error() == Some(libc::ENONET) {
        return true;
    }
    matches!(
        error.raw_os_error(),
        Some(
            ECONNABORTED
                | ECONNRESET
                | EHOSTDOWN
                | EHOSTUNREACH
                | EINTR
                | ENETDOWN
                | ENETUNREACH
                | ENOPROTOOPT
                | EOPNOTSUPP
                | EPERM
                | EPROTO
                | ETIMEDOUT
        )
    )
}

/// Takes `count` descriptors from `first` on, which whoever started the process left open for it. Each
/// is checked to be open, and closed in children from now on.
pub fn take_descriptors(first: i32, count: usize) -> io::Result<Vec<OwnedFd>> {
    let take = |index| {
        let descriptor = first + index as i32;
        // SAFETY: the call takes no pointer; on a number that is not open it fails.
        if unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) } == -1 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it is open, as the call above has shown, and meant for this process alone: nothing
        // else here owns a number that was there before the process began.
        Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
    };
    (0..count).map(take).collect()
}

/// Takes a variable out of the environment. Only while the process has one thread.
pub fn remove_variable(name: &str) {
    // SAFETY: no other thread reads or writes the environment: the caller has not started any.
    unsafe { std::env::remove_var(name) }
}

/// Raises the limit of open files as far as the process may on its own; the limit then.
///
/// Shells start programs with 1,024, a number that dates from `select`.
pub fn raise_open_files() -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a local that the call writes to.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: `limit` is a local that the call reads.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(limit.rlim_cur)
}

/// Opens a file, maps its first eight bytes, loads them, and gives all of it back: the least that a program can
/// do to read a file that is mapped. For measuring.
pub fn map_once(path: &CStr) -> io::Result<u64> {
    const BYTES: usize = size_of::<u64>();
    // SAFETY: `path` ends with a zero byte.
    let file = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if file < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new and nobody else's.
    let file = unsafe { OwnedFd::from_raw_fd(file) };
    // SAFETY: the kernel chooses a place where nothing is.
    let start = unsafe { libc::mmap(ptr::null_mut(), BYTES, libc::PROT_READ, libc::MAP_SHARED, file.as_raw_fd(), 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping begins a page, so it has eight bytes that are aligned; it is unmapped once, afterwards.
    unsafe {
        let word = ptr::read_volatile(start.cast::<u64>());
        libc::munmap(start, BYTES);
        Ok(word)
    }
}

#[cfg(not(target_os = "linux"))]
pub use portable::*;

/// The same with what every Unix has: slower, never on the hot path that is measured.
#[cfg(not(target_os = "linux"))]
mod portable {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileExt;

    fn write(socket: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
        File::from(socket.as_fd().try_clone_to_owned()?).write(bytes)
    }

    pub const MORE: i32 = 0;

    pub fn accept(listener: &Socket) -> io::Result<(Socket, SockAddr)> {
        let (stream, address) = listener.accept()?;
        stream.set_nonblocking(true)?;
        Ok((stream, address))
    }

    pub fn send_file(socket: BorrowedFd<'_>, file: &File, offset: u64, length: u64) -> io::Result<usize> {
        let mut bytes = [0; 64 * 1024];
        let wanted = bytes.len().min(length as usize);
        let count = file.read_at(&mut bytes[..wanted], offset)?;
        if count == 0 { Ok(0) } else { write(socket, &bytes[..count]) }
    }

    pub fn allowed_cpus() -> Vec<usize> {
        Vec::new()
    }

    pub fn pin_to(_cpu: usize) -> io::Result<()> {
        Ok(())
    }

    pub fn defer_accept(_listener: BorrowedFd<'_>, _seconds: i32) -> io::Result<()> {
        Ok(())
    }

    pub fn steer_by_core(_listener: BorrowedFd<'_>, _cores: &[usize]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_mapped_and_read() {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::io::Write::write_all(&mut file, &[1, 2, 0, 0, 0, 0, 0, 0, 9]).expect("it is ours");
        let path = std::ffi::CString::new(file.path().to_str().expect("UTF-8")).expect("no zero byte");
        assert_eq!(map_once(&path).expect("it can be read"), u64::from_ne_bytes([1, 2, 0, 0, 0, 0, 0, 0]));
        assert_eq!(map_once(c"/nowhere/at/all").map_err(|error| error.kind()), Err(io::ErrorKind::NotFound));
    }

    #[test]
    fn what_would_come_again_at_once_is_not_blamed_on_one_connection() {
        let concerns = |code| concerns_one_connection(&io::Error::from_raw_os_error(code));
        for code in [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::EBADF, libc::EINVAL] {
            assert!(!concerns(code), "{code}");
        }
        for code in [libc::ECONNABORTED, libc::EPROTO, libc::EINTR, libc::ENETDOWN] {
            assert!(concerns(code), "{code}");
        }
    }
}
