//! New files: whole or not there.

use std::ffi::CStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use lattice::config::{Config, ConfigFile, Error, Slot};

use crate::child::command;
use crate::{Room, c, config};

#[test]
fn a_new_file_begins_with_the_record() {
    let room = Room::new();
    let file = room.create(config(7));
    assert_eq!(file.snapshot(), Ok(Slot { config: config(7), sequence: 1 }));
    let bytes = fs::read(room.path("config")).unwrap();
    assert_eq!((bytes.len(), &bytes[..13]), (64, config(7).to_bytes().as_slice()));
    assert_eq!(fs::metadata(room.path("config")).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(room.names(), ["config"]);
}

#[test]
fn what_is_there_stays() {
    let room = Room::new();
    room.create(config(1));
    assert_eq!(ConfigFile::create(&c(&room.path("config")), config(2)).err(), Some(Error::Exists));
    fs::create_dir(room.path("directory")).unwrap();
    assert_eq!(ConfigFile::create(&c(&room.path("directory")), config(2)).err(), Some(Error::Exists));
    assert_eq!(room.open().snapshot().unwrap().config, config(1));
    assert_eq!(room.names(), ["config", "directory"]);
}

#[test]
fn a_place_that_is_none_is_named() {
    let room = Room::new();
    let error = |name: &str| ConfigFile::create(&c(&room.path(name)), config(1)).err();
    assert_eq!(error("missing/config"), Some(Error::NotFound));
    assert_eq!(error(&"n".repeat(250)), Some(Error::PathTooLong), "with the temporary name");
    assert_eq!(error(&"d/".repeat(2500)), Some(Error::PathTooLong));
    assert!(room.names().is_empty());
}

#[test]
fn a_bare_record_is_imported_in_its_place() {
    let room = Room::new();
    let mut future = config(3).to_bytes();
    future[0] = 9;
    for bytes in [config(3).to_bytes(), future, [0; 13]] {
        fs::write(room.path("config"), bytes).unwrap();
        assert_eq!(ConfigFile::open(&c(&room.path("config"))).err(), Some(Error::Bare));
        let file = ConfigFile::import(&c(&room.path("config"))).unwrap();
        assert_eq!(file.snapshot(), Ok(Slot { config: Config::from_bytes(bytes), sequence: 1 }));
        assert_eq!(room.names(), ["config"]);
    }
    assert_eq!(ConfigFile::import(&c(&room.path("config"))).err(), Some(Error::Exists), "it is one already");
    assert_eq!(ConfigFile::import(&c(&room.path("missing"))).err(), Some(Error::NotFound));
}

#[test]
fn of_many_that_import_one_does_and_no_update_is_lost() {
    for _ in 0..500 {
        // In memory, where nothing takes its time: so that they meet.
        let room = Room(tempfile::tempdir_in("/dev/shm").unwrap());
        let path = c(&room.path("config"));
        fs::write(room.path("config"), config(0).to_bytes()).unwrap();
        let import = || {
            let imported = ConfigFile::import(&path);
            let is_ours = imported.is_ok();
            let mut file = imported.or_else(|_| opened(&path)).unwrap();
            file.lock(5000).unwrap().change(|last| Ok(config(last.registry_hash() + 1))).unwrap();
            is_ours
        };
        let imported: usize = std::thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(import));
            threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum()
        });
        assert_eq!(imported, 1);
        assert_eq!(room.open().snapshot().unwrap(), Slot { config: config(4), sequence: 5 });
    }
}

/// Opens a file that somebody imports right now.
fn opened(path: &CStr) -> Result<ConfigFile, Error> {
    loop {
        match ConfigFile::open_writable(path) {
            Err(Error::Bare) => std::thread::yield_now(),
            opened => return opened,
        }
    }
}

/// What a process does that finds temporary files of its name, left over from one of the same number.
pub(crate) fn heir(path: &Path, left_over: usize) {
    let name = |number: usize| format!("{}.{:08x}{number:08x}", path.display(), std::process::id());
    for number in 0..left_over {
        fs::write(name(number), b"left over").unwrap();
    }
    let created = ConfigFile::create(&c(path), config(1)).map(|file| file.snapshot().unwrap().config);
    assert_eq!(created, if left_over < 64 { Ok(config(1)) } else { Err(Error::Exists) });
    assert!((0..left_over).all(|number| fs::read(name(number)).unwrap() == b"left over"));
}

#[test]
fn what_a_crash_left_is_passed_by() {
    for left_over in [0, 1, 63, 64] {
        let room = Room::new();
        assert!(command("heir", &room.path("config"), left_over).status().unwrap().success(), "{left_over}");
        assert_eq!(room.names().len(), left_over + usize::from(left_over < 64));
    }
}

#[test]
fn a_name_without_a_directory_is_in_this_one() {
    let name = format!("config-of-{}", std::process::id());
    let path = c(Path::new(&name));
    let created = ConfigFile::create(&path, config(1)).map(|file| file.snapshot());
    fs::remove_file(&name).unwrap();
    assert_eq!(created.unwrap().unwrap().config, config(1));
}

/// A file system with hardly any room.
struct Tiny(PathBuf);

impl Tiny {
    fn mount(room: &Room) -> Option<Self> {
        let path = room.path("tiny");
        fs::create_dir(&path).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=8k,mode=700", "tmpfs"]).arg(&path).output();
        let mounted = mount.is_ok_and(|output| output.status.success());
        if !mounted {
            eprintln!("skipped: only root mounts a file system");
        }
        mounted.then_some(Self(path))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Leaves no byte.
    fn fill(&self) {
        let mut file = fs::File::create(self.file("fill")).unwrap();
        assert!((0..64).any(|_| file.write_all(&[1; 4096]).is_err()), "it is small");
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn on_a_full_disk_nothing_is_left_and_what_is_there_can_be_changed() {
    let room = Room::new();
    let Some(tiny) = Tiny::mount(&room) else { return };
    let mut file = ConfigFile::create(&c(&tiny.file("config")), config(1)).unwrap();
    fs::write(tiny.file("bare"), config(2).to_bytes()).unwrap();
    tiny.fill();
    assert_eq!(ConfigFile::create(&c(&tiny.file("new")), config(1)).err(), Some(Error::DiskFull));
    assert!(!tiny.file("new").exists());
    assert_eq!(ConfigFile::import(&c(&tiny.file("bare"))).err(), Some(Error::DiskFull));
    assert_eq!(fs::read(tiny.file("bare")).unwrap(), config(2).to_bytes());
    let temporary = fs::read_dir(&tiny.0).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
        name.starts_with("new") || name.starts_with("bare.")
    });
    assert_eq!(temporary.count(), 0);
    assert_eq!(file.replace(config(2), 1).unwrap().config, config(2), "its bytes have their place");
}

#[test]
fn a_file_system_that_is_read_only_can_be_read() {
    let room = Room::new();
    let Some(tiny) = Tiny::mount(&room) else { return };
    let path = c(&tiny.file("config"));
    ConfigFile::create(&path, config(1)).unwrap();
    let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(&tiny.0).status().unwrap();
    assert!(remounted.success());
    assert_eq!(ConfigFile::open_writable(&path).err(), Some(Error::ReadOnly));
    assert_eq!(ConfigFile::create(&c(&tiny.file("new")), config(1)).err(), Some(Error::ReadOnly));
    assert_eq!(ConfigFile::open(&path).unwrap().snapshot().unwrap().config, config(1));
}
