//! The commands of two READMEs, run as they stand there, with other places for the library, the node and what is
//! left behind.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::client;
use crate::library::{library, source};
use crate::succeed;
use crate::support::{Node, Setup};

const README: &str = include_str!("../../README.md");
const OF_EXAMPLES: &str = include_str!("../../examples/README.md");

fn blocks(text: &'static str) -> Vec<&'static str> {
    text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or("")).collect()
}

/// What stands in for a reader's machine.
struct Reader {
    room: tempfile::TempDir,
    node: Option<Node>,
    token: String,
}

impl Reader {
    fn new() -> Self {
        Self { room: tempfile::tempdir().unwrap(), node: None, token: String::new() }
    }

    fn with_node() -> Self {
        let setup = Setup::new();
        let token = setup.data_ref().token("you", &["--admin"]);
        Self { node: Some(setup.start()), token, ..Self::new() }
    }

    /// Runs lines in a shell, which must succeed; what they said.
    fn run(&self, lines: &str) -> String {
        let (place, library) = (self.room.path().display().to_string(), library().display().to_string());
        let mut lines = lines.replace("/tmp", &place).replace("target/cabi", &library);
        if let Some(node) = &self.node {
            lines = lines.replace("127.0.0.1:4873", &node.address().to_string());
            lines = lines.replace("lattice-data", &node.data().path().display().to_string());
        }
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", &lines]).current_dir(env!("CARGO_MANIFEST_DIR"));
        shell.env("PATH", path()).env("NODE_PATH", source("tests/clients/node_modules"));
        shell.env("LIBLATTICE_CONFIG", format!("{library}/liblattice_config.so")).env("ADMIN_TOKEN", &self.token);
        succeed(shell)
    }
}

/// The programs of the machine, and before them the Node.js and Bun of the tests.
fn path() -> std::ffi::OsString {
    let folder = |program: PathBuf| program.parent().map(Path::to_path_buf).unwrap_or_default();
    let machine = std::env::var_os("PATH").unwrap_or_default();
    let folders = [client::node_js(), client::bun()].map(folder).into_iter().chain(std::env::split_paths(&machine));
    std::env::join_paths(folders).unwrap()
}

/// Runs what builds the library and programs; `scripts/cabi` was run already.
fn build(reader: &Reader, block: &str) {
    let compilers: Vec<&str> = block.lines().filter(|line| line.starts_with("c")).collect();
    assert!(block.starts_with("scripts/cabi\n") && !compilers.is_empty(), "{block}");
    compilers.into_iter().for_each(|line| drop(reader.run(line)));
}

#[test]
fn the_commands_of_the_readme_work() {
    let block = blocks(README).into_iter().find(|block| block.starts_with("scripts/cabi\n"));
    let block = block.expect("the README builds the library");
    let reader = Reader::new();
    build(&reader, block);
    let shown: Vec<String> =
        block.lines().filter(|line| line.starts_with("echo ")).map(|line| reader.run(line)).collect();
    assert_eq!(shown.len(), 2, "{block}");
    assert!(shown[0].ends_with("flags METRICS\n") && shown[1].ends_with("flags\n"), "{shown:?}");
    assert!(reader.room.path().join("lattice.config").exists(), "the block makes it");
}

#[test]
fn the_commands_of_the_examples_work_with_a_node() {
    let [programs, obeys, sees] = blocks(OF_EXAMPLES)[..] else { panic!("there are three blocks") };
    let reader = Reader::with_node();
    build(&reader, programs);
    let said = obeys.lines().map(|line| reader.run(line));
    let statuses: Vec<String> = said.filter(|said| !said.contains("sequence")).collect();
    assert_eq!(statuses.concat(), "401\n200\n401\n200\n401\n");
    let promised = OF_EXAMPLES.lines().any(|line| line.contains("401, 200, 401, 200, 401"));
    assert!(promised, "that is what the README says");
    let said = reader.run(sees);
    let last = said.lines().rfind(|line| line.starts_with("sequence ")).unwrap();
    assert!(said.contains("waiting\n") && last.starts_with("sequence 8: ") && last.contains(" DEBUG "), "{said}");
}
