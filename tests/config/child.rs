//! Other processes: this test program again, as somebody else.

use std::path::Path;
use std::process::{Child, Command, Stdio};

const ROLE: &str = "LATTICE_CONFIG_ROLE";
const PATH: &str = "LATTICE_CONFIG_PATH";
const NUMBER: &str = "LATTICE_CONFIG_NUMBER";

/// A process that plays `role` with the file.
pub(crate) fn command(role: &str, path: &Path, number: usize) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child::role", "--ignored", "--quiet", "--nocapture"]);
    // What the test harness says there is nothing new.
    command.stdout(Stdio::null());
    command.env(ROLE, role).env(PATH, path).env(NUMBER, number.to_string());
    command
}

/// Ends when dropped.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn start(role: &str, path: &Path, number: usize) -> Self {
        Self(command(role, path, number).spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "what the processes of other tests do"]
fn role() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let path = std::path::PathBuf::from(std::env::var_os(PATH).unwrap());
    let number = std::env::var(NUMBER).unwrap().parse().unwrap();
    match role.as_str() {
        "collector" => crate::open::collector(&path),
        "cut" => crate::cut::reader(&path, number),
        "heir" => crate::create::heir(&path, number),
        "holder" => crate::lock::holder(&path),
        "reader" => crate::kill::reader(&path, number),
        "short" => crate::torn::short_writer(&path, number),
        "writer" => crate::kill::writer(&path, number),
        other => panic!("no role {other}"),
    }
}
