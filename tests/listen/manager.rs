//! A service manager played by the test: it hands over sockets, and hears how the node is.

use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::time::{Duration, Instant};

use crate::support::{Raw, Setup, undisturbed};
use crate::{LONG, NAMED, ask};

/// The end at which the manager hears.
struct Manager {
    socket: UnixDatagram,
    address: String,
}

impl Manager {
    /// At a name without a file: `NOTIFY_SOCKET` begins with `@`.
    fn without_a_file(name: &str) -> Manager {
        let name = format!("lattice-test-{}-{name}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        Manager { socket: UnixDatagram::bind_addr(&address).expect("a socket"), address: format!("@{name}") }
    }

    fn at(setup: &Setup) -> Manager {
        let path = setup.data_ref().root().join("notify");
        Manager { socket: UnixDatagram::bind(&path).expect("a socket"), address: path.display().to_string() }
    }

    /// The next word, or `None` if there is none for `wait`.
    fn hear(&self, wait: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(wait)).expect("a timeout");
        let mut bytes = [0; 4096];
        let count = undisturbed(|| self.socket.recv(&mut bytes)).ok()?;
        Some(String::from_utf8_lossy(&bytes[..count]).into_owned())
    }

    /// Words until one has `part`.
    fn hear_of(&self, part: &str) {
        let deadline = Instant::now() + LONG;
        while Instant::now() < deadline {
            if self.hear(LONG).is_some_and(|word| word.contains(part)) {
                return;
            }
        }
        panic!("nothing about {part}");
    }
}

#[test]
fn an_address_that_is_handed_over_is_served_by_all_threads() {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address");
    // Whoever connects before the node runs is served too.
    let mut early = Raw::connect(address);
    early.send(crate::PING);
    let node = Setup::new().threads(2).hand_over(socket).start();
    assert_eq!(node.address(), address, "it listens there and nowhere else");
    assert_eq!(early.response("GET").status, 200);
    let mut lasting: Vec<Raw> = (0..19).map(|_| node.connect()).collect();
    lasting.iter_mut().for_each(ask);
    assert_eq!(node.meters().of_each_thread("accepted"), [10, 10]);
    // The socket is the manager's: the next node takes it up.
    let setup = node.setup();
    assert_eq!(node.terminate().code(), Some(0));
    let mut waiting = Raw::connect(address);
    waiting.send(crate::PING);
    let next = setup.start();
    assert_eq!((next.address(), waiting.response("GET").status), (address, 200));
}

#[test]
fn an_address_and_a_file_are_taken_over_together() {
    let setup = Setup::new();
    let path = setup.data_ref().root().join("handed");
    let file = UnixListener::bind(&path).expect("a socket");
    let node = setup.hand_over(TcpListener::bind("127.0.0.1:0").expect("a port")).hand_over(file).start();
    ask(&mut node.connect());
    ask(&mut Raw::connect_unix(&path));
    assert!(node.output().contains(&format!(" and unix:{} with ", path.display())), "{}", node.output());
    node.terminate();
    assert!(path.exists(), "the file is the manager's");
}

#[test]
fn sockets_for_another_process_are_not_taken() {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address");
    let node = Setup::new().hand_over(socket).handed_to("1").start();
    assert_ne!(node.address(), address);
    ask(&mut node.connect());
}

#[test]
fn what_is_no_listening_socket_stops_the_start() {
    let datagram = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let file = std::fs::File::open("/dev/null").expect("a file");
    let everywhere = TcpListener::bind("0.0.0.0:0").expect("a port");
    for (setup, part) in [
        (Setup::new().hand_over(datagram), "no stream socket that listens"),
        (Setup::new().hand_over(file), "cannot listen at the socket number 3"),
        (Setup::new().hand_over(everywhere), "public_url is not set"),
        (Setup::new().env("LISTEN_FDNAMES", "web").hand_over(std::fs::File::open("/dev/null").expect("a file")), "web"),
    ] {
        let output = setup.start_and_fail();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn the_manager_hears_when_the_node_serves_and_when_it_goes() {
    for abstract_name in [true, false] {
        let setup = Setup::new().threads(1).config(NAMED);
        let manager = if abstract_name { Manager::without_a_file("ready") } else { Manager::at(&setup) };
        let node = setup.env("NOTIFY_SOCKET", &manager.address).start();
        let ready = manager.hear(LONG).expect("a word");
        assert!(ready.starts_with("READY=1\nSTATUS=listens on http://127.0.0.1:"), "{ready}");
        assert_eq!(node.get("/-/ping").status, 200, "it is ready");
        assert_eq!(manager.hear(Duration::from_millis(300)), None, "no watchdog was asked for");
        node.signal("TERM");
        let stopping = manager.hear(LONG).expect("a word");
        assert!(stopping.starts_with("STOPPING=1\nSTATUS="), "{stopping}");
        assert_eq!(node.wait(LONG).and_then(|status| status.code()), Some(0));
    }
}

#[test]
fn a_manager_that_is_gone_or_nonsense_does_not_stop_the_node() {
    for address in ["/nonexistent/notify", "relative", "@", &"/".repeat(200)] {
        let node = Setup::new().env("NOTIFY_SOCKET", address).env("WATCHDOG_USEC", "x").start();
        assert_eq!(node.get("/-/ping").status, 200, "{address}");
        assert!(node.wait_for_output("the service manager", LONG), "{address}");
    }
}

#[test]
fn the_watchdog_is_fed_as_long_as_every_thread_turns() {
    let manager = Manager::without_a_file("watchdog");
    let node = Setup::new().threads(2).env("NOTIFY_SOCKET", &manager.address).env("WATCHDOG_USEC", "400000").start();
    manager.hear_of("READY=1");
    let (begin, before) = (Instant::now(), node.meters().sum("wakes"));
    for _ in 0..5 {
        assert_eq!(manager.hear(LONG).as_deref(), Some("WATCHDOG=1"));
    }
    assert!(begin.elapsed() >= Duration::from_millis(790), "once each half interval: {:?}", begin.elapsed());
    let wakes = node.meters().sum("wakes") - before;
    // Each thread once each time, and once more for the one that had begun.
    assert!(wakes <= 2 * 7, "{wakes} wakes");
    // A process that stands still says nothing; it goes on when it can.
    node.signal("STOP");
    while manager.hear(Duration::from_millis(500)).is_some() {}
    assert_eq!(manager.hear(Duration::from_secs(1)), None);
    node.signal("CONT");
    manager.hear_of("WATCHDOG=1");
}

#[test]
fn a_watchdog_of_another_process_is_not_fed_and_idle_threads_sleep() {
    let manager = Manager::without_a_file("other");
    let setup = Setup::new().threads(2).env("NOTIFY_SOCKET", &manager.address);
    let node = setup.env("WATCHDOG_USEC", "200000").env("WATCHDOG_PID", "1").start();
    manager.hear_of("READY=1");
    let before = node.meters().sum("wakes");
    assert_eq!(manager.hear(Duration::from_millis(600)), None);
    assert_eq!(node.meters().sum("wakes"), before);
}
