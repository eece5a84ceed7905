//! What may happen to the file under a running node. It lives, says what is wrong, keeps what was in force,
//! and takes the next file that is sound.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use lattice::app::live::USUAL;
use lattice::config::{Config, Flags, Image};

use super::{LONG, Site, ask, config_of, said};
use crate::support::{Setup, http, lattice};

const OPENED_AGAIN: &str = "was opened again";

/// Waits until the node has said so once more than `before` times.
fn wait_for(site: &Site, what: &str, before: usize) {
    let deadline = Instant::now() + LONG;
    while site.node.output().matches(what).count() <= before {
        assert!(Instant::now() < deadline, "not said: {what}\n{}", site.node.output());
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// A sound file with these flags, beside the node's.
fn other(site: &Site, flags: Flags) -> PathBuf {
    let path = site.node.data().path().join("other.bin");
    fs::write(&path, Image::new(Config::new().with_flags(flags)).to_bytes()).expect("the temp dir is writable");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("ours");
    path
}

const PRIVATE: Flags = Flags(Flags::PRIVATE_REGISTRY.0 | Flags::LOGGING.0);

#[test]
fn a_file_that_is_cut_ends_no_node() {
    for bytes in [0, 13, 40] {
        let site = Site::start();
        let mut connections = site.connections();
        site.config(&["flag", "PRIVATE_REGISTRY", "on"]);
        // What one thread has seen is in force for the other, too.
        assert_eq!(ask(&mut connections[0], "/open").status, 401);
        let file = OpenOptions::new().write(true).open(site.file()).expect("ours");
        file.set_len(bytes).expect("a file can be cut");
        for connection in &mut connections {
            assert_eq!(ask(connection, "/open").status, 401, "cut to {bytes}: what was in force stays so");
        }
        drop(file);
        wait_for(&site, "what was in force stays in force", 0);
        let user = site.bearer(&site.user);
        let shown = site.node.http("GET", "/_dashboard/api/config", &[("Authorization", &user)], b"");
        assert_eq!(shown.status, 500, "{shown:?}");
        // A whole file in its place, and all is well.
        let said_before = site.node.output().matches(OPENED_AGAIN).count();
        fs::rename(other(&site, USUAL), site.file()).expect("the same directory");
        wait_for(&site, OPENED_AGAIN, said_before);
        for connection in &mut connections {
            assert_eq!(ask(connection, "/open").status, 200, "cut to {bytes}, then mended");
        }
        assert_eq!(site.node.meters().sum("panics"), 0);
    }
}

#[test]
fn another_file_in_its_place_is_the_config_from_then_on() {
    let site = Site::start();
    let mut connections = site.connections();
    let replace: [fn(&Site); 4] = [
        |site| fs::rename(other(site, PRIVATE), site.file()).expect("the same directory"),
        |site| {
            fs::remove_file(site.file()).expect("ours");
            fs::rename(other(site, PRIVATE), site.file()).expect("the same directory");
        },
        |site| {
            fs::rename(site.file(), site.file().with_extension("aside")).expect("the same directory");
            fs::rename(other(site, PRIVATE), site.file()).expect("the same directory");
        },
        |site| {
            let (from, to) = (other(site, PRIVATE), site.file());
            fs::remove_file(&to).expect("ours");
            let copied = Command::new("cp").arg("-p").arg(from).arg(to).status();
            assert!(copied.is_ok_and(|status| status.success()));
        },
    ];
    for replace in replace {
        let said_before = site.node.output().matches(OPENED_AGAIN).count();
        replace(&site);
        wait_for(&site, OPENED_AGAIN, said_before);
        for connection in &mut connections {
            assert_eq!(ask(connection, "/open").status, 401);
        }
        // And it is as live as the one before.
        site.config(&["flag", "PRIVATE_REGISTRY", "off"]);
        for connection in &mut connections {
            assert_eq!(ask(connection, "/open").status, 200);
        }
    }
}

#[test]
fn a_copy_over_the_file_is_obeyed() {
    let site = Site::start();
    let mut connections = site.connections();
    site.config(&["set", "rows", "7"]);
    // The threads have seen sequence 1, and nothing since; now there is another sequence 1.
    let copied = Command::new("cp").arg(other(&site, PRIVATE)).arg(site.file()).status();
    assert!(copied.is_ok_and(|status| status.success()));
    wait_for(&site, OPENED_AGAIN, 0);
    for connection in &mut connections {
        assert_eq!(ask(connection, "/open").status, 401);
    }
}

#[test]
fn a_damaged_file_leaves_what_was_in_force_and_can_be_mended_in_place() {
    let site = Site::start();
    let mut connections = site.connections();
    site.config(&["flag", "PRIVATE_REGISTRY", "on"]);
    assert_eq!(ask(&mut connections[0], "/open").status, 401);
    // Over both slots, without cutting it.
    let noise = OpenOptions::new().write(true).open(site.file()).expect("ours");
    std::os::unix::fs::FileExt::write_all_at(&noise, &[0x5a; 64], 0).expect("ours");
    for connection in &mut connections {
        assert_eq!(ask(connection, "/open").status, 401);
    }
    wait_for(&site, "neither slot of the file is whole", 0);
    let verified = super::config(&site.file(), &["verify"]);
    assert_eq!(verified.status.code(), Some(1), "{verified:?}");
    site.config(&["import", other(&site, Flags::LOGGING).to_str().expect("UTF-8")]);
    for connection in &mut connections {
        assert_eq!(ask(connection, "/open").status, 200);
    }
}

/// A node that may not write the file, which belongs to whoever runs the tests. Root may write anything,
/// so for root that right is taken away.
struct Barred(Child);

impl Drop for Barred {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn a_file_that_may_only_be_read_is_obeyed_and_not_written() {
    let setup = Setup::new();
    let data = setup.data_ref().clone();
    let token = data.token("root", &["--admin"]);
    let file = config_of(&data);
    fs::write(&file, Image::new(Config::new().with_flags(Flags::LOGGING).with_size(1, 2)).to_bytes()).expect("ours");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).expect("ours");
    let log = data.root().join("out");
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-dac_override", "--inh-caps=-dac_override", env!("CARGO_BIN_EXE_lattice")]);
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !is_root {
        command = Command::new(env!("CARGO_BIN_EXE_lattice"));
    }
    command.args(["serve", "--listen", "127.0.0.1:0", "--threads", "2", "--data"]).arg(data.path()).env_clear();
    command.current_dir(data.root()).stdin(Stdio::null()).process_group(0);
    command.stdout(fs::File::create(&log).expect("the temp dir is writable")).stderr(Stdio::inherit());
    let _node = Barred(command.spawn().expect("the binary runs"));
    let deadline = Instant::now() + LONG;
    let address = loop {
        let text = fs::read_to_string(&log).expect("it is there");
        if let Some((_, rest)) = text.split_once("http://") {
            break rest.split(' ').next().expect("an address").to_owned();
        }
        assert!(Instant::now() < deadline, "it does not listen: {text}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    let url = format!("http://{address}/_dashboard/api/config");
    let shown = http("GET", &url, &[], b"");
    assert_eq!((shown.status, &shown.json()["rows"]), (200, &1.into()), "{shown:?}");
    let bearer = format!("Bearer {token}");
    let changed = http("POST", &url, &[("Authorization", &bearer), ("If-Match", "*")], br#"{"fields": {"rows": 9}}"#);
    assert_eq!(changed.status, 403, "{changed:?}");
    assert_eq!(changed.json()["reason"], "the file may only be read");
    let sequence = said(&lattice(&["config", "get", "sequence", "--file", file.to_str().expect("UTF-8")], b""));
    assert_eq!(sequence, "1\n");
}
