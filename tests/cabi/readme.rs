//! The commands of the README, run as they stand there, with another place for the library and the file.

use std::process::Command;

use crate::library::library;
use crate::succeed;

#[test]
fn the_commands_of_the_readme_work() {
    let readme = include_str!("../../README.md");
    let mut blocks = readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or(""));
    let block = blocks.find(|block| block.starts_with("scripts/cabi\n")).expect("the README builds the library");
    let room = tempfile::tempdir().unwrap();
    let (library, place) = (library().display().to_string(), room.path().display().to_string());
    for line in block.lines().skip(1) {
        let line = line.replace("/tmp", &place).replace("target/cabi", &library);
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).current_dir(env!("CARGO_MANIFEST_DIR"));
        shell.env("LATTICE_CONFIG_LIBRARY", format!("{library}/liblattice_config.so"));
        let said = succeed(shell);
        assert!(line.starts_with("cc ") || said.contains("METRICS"), "{line}: {said}");
    }
    assert!(room.path().join("lattice.config").exists(), "the block makes it");
}
