//! A real node in a process of its own: this program, on a free port, with a directory of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use super::super::output::Failure;
use super::scratch::Scratch;

/// A node that runs until it is dropped.
pub(super) struct Node {
    child: Child,
    address: SocketAddr,
    // Dropped after `drop` has ended the process.
    _scratch: Scratch,
}

impl Node {
    /// Starts a node with one thread and the default settings.
    pub(super) fn start() -> Result<Self, Failure> {
        let scratch = Scratch::new()?;
        let program = std::env::current_exe().map_err(|error| failed(format!("no path to this program: {error}")))?;
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--threads", "1", "--data", "data"]);
        // Its own working directory, too: no registry.toml and no variable of ours reaches it.
        command.current_dir(scratch.path()).stdin(Stdio::null()).stdout(Stdio::piped());
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_read_by_a_node(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        let child = command.spawn().map_err(|error| failed(format!("a node cannot be started: {error}")))?;
        let mut node = Self { child, address: SocketAddr::from(([0; 4], 0)), _scratch: scratch };
        node.address = node.announced()?;
        Ok(node)
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Memory of the process that is in use, in bytes.
    pub(super) fn resident_bytes(&self) -> Result<f64, Failure> {
        // The sums of `status` are approximate; these are not.
        let path = format!("/proc/{}/smaps_rollup", self.child.id());
        let text = fs::read_to_string(&path).map_err(|error| failed(format!("{path} cannot be read: {error}")))?;
        resident(&text).ok_or_else(|| failed(format!("{path} does not say how much is in use")))
    }

    /// The address in the first line of the node.
    fn announced(&mut self) -> Result<SocketAddr, Failure> {
        let stdout = self.child.stdout.take().expect("it was asked for above");
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        read.map_err(|error| failed(format!("a node said nothing: {error}")))?;
        address_in(&line).ok_or_else(|| failed("a node did not start; what it said is above".into()))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // A node that ended by itself is no failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn failed(message: String) -> Failure {
    Failure::Failed(message)
}

fn is_read_by_a_node(name: &str) -> bool {
    name.starts_with("LATTICE_") || matches!(name, "REGISTRY_HOST" | "REGISTRY_PORT" | "MCP_PORT")
}

fn address_in(line: &str) -> Option<SocketAddr> {
    line.split_once("http://")?.1.split_whitespace().next()?.parse().ok()
}

fn resident(text: &str) -> Option<f64> {
    let kib = text.lines().find_map(|line| line.strip_prefix("Rss:"))?.trim().strip_suffix(" kB")?;
    Some(kib.trim().parse::<f64>().ok()? * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_says_where_a_node_listens() {
        let line = "lattice 0.1.0 listens on http://127.0.0.1:4873 with 1 thread, data in data, ready in 9 µs\n";
        assert_eq!(address_in(line), Some("127.0.0.1:4873".parse().expect("an address")));
        assert_eq!((address_in(""), address_in("http:// x")), (None, None));
    }

    #[test]
    fn the_kernel_says_how_much_is_in_use() {
        assert_eq!(
            resident("55d0-7ffc ---p 00000000 [rollup]\nRss:            6420 kB\nPss: 1 kB\n"),
            Some(6_574_080.0)
        );
        assert_eq!((resident(""), resident("Rss: many kB")), (None, None));
    }
}
