//! What a node finds when it starts, and what it makes of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use lattice::app::live::registry_hash;
use lattice::config::{Config, Flags, Image};

use super::{config, config_of, open, said};
use crate::support::Setup;

#[test]
fn the_first_start_makes_a_config_that_changes_nothing() {
    let node = Setup::new().threads(2).start();
    let file = config_of(node.data());
    let status = fs::metadata(&file).expect("the node made it");
    assert_eq!((status.len(), status.permissions().mode() & 0o777), (64, 0o600));
    let slot = open(&file).snapshot().expect("a config");
    assert_eq!((slot.sequence, slot.config.flags()), (1, Flags(0b1111_1000)));
    assert_eq!(slot.config.registry_hash(), registry_hash(&node.url("")));
    let bytes = fs::read(&file).expect("the file can be read");
    assert_eq!(bytes[..13], slot.config.to_bytes(), "a dump begins with the 13 bytes");
}

#[test]
fn the_file_may_be_elsewhere() {
    for by_variable in [false, true] {
        let setup = Setup::new();
        let path = setup.data_ref().root().join("elsewhere.bin");
        let shown = path.to_str().expect("a temporary path is UTF-8");
        let node = match by_variable {
            false => setup.config(&format!("[node]\nlive_config = '{shown}'\n")).start(),
            true => setup.env("LATTICE_NODE_LIVE_CONFIG", shown).start(),
        };
        assert!(path.exists() && !config_of(node.data()).exists());
        assert_eq!(node.get("/_dashboard/api/config").header("ETag"), Some("\"1\""));
    }
}

#[test]
fn a_file_in_no_directory_is_told() {
    let setup = Setup::new().config("[node]\nlive_config = 'nowhere/config.bin'\n");
    let output = setup.start_and_fail();
    assert_refused(&output, &["nowhere/config.bin: ", "its directory does not exist either"]);
}

/// A start with these bytes in the place of the config.
fn start_with(bytes: &[u8]) -> (Setup, Output) {
    let setup = Setup::new();
    let file = config_of(setup.data_ref());
    fs::create_dir_all(file.parent().expect("a directory")).expect("the temp dir is writable");
    fs::write(&file, bytes).expect("the temp dir is writable");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("ours");
    (setup.clone(), setup.start_and_fail())
}

fn assert_refused(output: &Output, parts: &[&str]) {
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78), "{told}");
    for part in parts {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert!(output.stdout.is_empty(), "it never listened");
}

#[test]
fn a_config_that_cannot_be_used_is_told_with_what_to_do_and_nothing_starts() {
    let mut damaged = Image::new(Config::new()).to_bytes();
    damaged[20] ^= 1;
    for (bytes, why) in [
        (&damaged[..], "neither slot of the file is whole"),
        (&[0; 64], "neither slot of the file is whole"),
        (&[], "the file is empty"),
        (&[1; 40], "shorter than 64 bytes"),
        (&[1; 65], "longer than 64 bytes"),
    ] {
        let (setup, output) = start_with(bytes);
        assert_refused(&output, &["config.bin: ", why, "lattice config import", "lattice config verify"]);
        // What it says can be done, and helps.
        let (file, backup) = (config_of(setup.data_ref()), setup.data_ref().root().join("backup.bin"));
        fs::write(&backup, Config::new().with_size(24, 80).to_bytes()).expect("the temp dir is writable");
        said(&config(&file, &["import", backup.to_str().expect("UTF-8")]));
        let node = setup.start();
        assert_eq!(node.get("/_dashboard/api/config").json()["rows"], 24, "{why}");
    }
}

#[test]
fn a_bare_record_is_imported_when_that_is_asked() {
    let (setup, output) = start_with(&Config::new().with_size(50, 120).to_bytes());
    assert_refused(&output, &["bare record of 13 bytes", "lattice config import"]);
    let file = config_of(setup.data_ref());
    said(&config(&file, &["import", file.to_str().expect("UTF-8")]));
    assert_eq!(setup.start().get("/_dashboard/api/config").json()["rows"], 50);
}

#[test]
fn a_file_that_others_may_write_is_refused() {
    let node = Setup::new().start();
    let (setup, file) = (node.setup(), config_of(node.data()));
    node.terminate();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("ours");
    assert_refused(&setup.clone().start_and_fail(), &["others than the owner may write", "chmod go-w"]);
    fs::remove_file(&file).expect("ours");
    fs::create_dir(&file).expect("the temp dir is writable");
    assert_refused(&setup.clone().start_and_fail(), &["this is a directory"]);
    fs::remove_dir(&file).expect("ours");
    std::os::unix::fs::symlink(Path::new("elsewhere"), &file).expect("the temp dir is writable");
    assert_refused(&setup.start_and_fail(), &["a symbolic link"]);
}
