//! Unix sockets: the same service, connections dealt to all threads, a file that comes and goes.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};

use crate::support::{Node, Raw, Setup};
use crate::{LONG, PING, ask, with_socket};

fn connect(node: &Node) -> Raw {
    Raw::connect_unix(&node.data().root().join("socket"))
}

#[test]
fn a_unix_socket_serves_what_the_address_serves() {
    let node = with_socket().threads(2).args(&["--echo"]).start();
    assert!(node.output().contains(" and unix:socket with "), "{}", node.output());
    let large = vec![b'x'; 900_000];
    for _ in 0..4 {
        let mut raw = connect(&node);
        ask(&mut raw);
        raw.send(format!("POST /-/echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", large.len()).as_bytes());
        raw.send(&large);
        let response = raw.response("POST");
        assert_eq!((response.status, response.body.len()), (200, large.len()));
        ask(&mut raw);
        raw.send(&PING.repeat(100));
        (0..100).for_each(|_| assert_eq!(raw.response("GET").status, 200));
        raw.finish();
        assert_eq!(raw.until_close(), b"");
    }
    assert_eq!(node.get("/-/ping").status, 200);
    node.wait_for_meters("all are gone", LONG, |meters| meters.open() == 0);
}

#[test]
fn connections_are_dealt_to_all_threads_in_turn() {
    let node = with_socket().threads(3).start();
    let mut lasting: Vec<Raw> = (0..30).map(|_| connect(&node)).collect();
    lasting.iter_mut().for_each(ask);
    assert_eq!(node.meters().of_each_thread("accepted"), [10, 10, 10]);
    assert_eq!(node.meters().of_each_thread("requests"), [10, 10, 10]);
}

#[test]
fn whoever_connected_before_the_end_is_answered() {
    let node = with_socket().threads(2).start();
    for round in 0..20 {
        ask(&mut connect(&node));
        if round == 10 {
            assert_eq!(node.get("/-/ping").status, 200);
        }
    }
    let mut crowd: Vec<Raw> = (0..200).map(|_| connect(&node)).collect();
    crowd.iter_mut().for_each(|raw| raw.send(PING));
    node.signal("TERM");
    for raw in &mut crowd {
        assert_eq!(raw.response("GET").status, 200);
    }
    drop(crowd);
    assert_eq!(node.wait(LONG).and_then(|status| status.code()), Some(0));
}

#[test]
fn the_file_has_its_mode_and_goes_when_the_node_does() {
    let node = with_socket().config("[node]\nsocket_mode = \"0606\"\n").start();
    let path = node.data().root().join("socket");
    assert_eq!(std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o606);
    node.terminate();
    assert!(!path.exists());
}

#[test]
fn a_file_that_a_killed_node_left_is_replaced() {
    let node = with_socket().start();
    node.kill();
    let path = node.data().root().join("socket");
    assert!(path.exists() && UnixStream::connect(&path).is_err(), "it was left behind");
    let next = node.setup().start();
    ask(&mut connect(&next));
}

#[test]
fn a_place_that_is_taken_stops_the_start_and_is_left_alone() {
    for taken_by_a_file in [true, false] {
        let setup = with_socket();
        let path = setup.data_ref().root().join("socket");
        let listener = if taken_by_a_file {
            std::fs::write(&path, b"precious").expect("a file");
            None
        } else {
            Some(UnixListener::bind(&path).expect("a socket"))
        };
        let output = setup.clone().start_and_fail();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("cannot listen on unix:socket: "), "{said}");
        match listener {
            Some(_) => assert!(UnixStream::connect(&path).is_ok()),
            None => assert_eq!(std::fs::read(&path).expect("the file"), b"precious"),
        }
    }
}

#[test]
fn unix_sockets_alone_need_a_name_for_the_node() {
    let output = Setup::new().places("unix:socket").start_and_fail();
    assert_eq!(output.status.code(), Some(78), "{}", String::from_utf8_lossy(&output.stderr));
}
