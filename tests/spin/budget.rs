//! What one connection may use of a turn, and what becomes of the rest.

use std::time::Duration;

use crate::support::{Package, Raw, while_others_are_served};
use crate::{LONG, PING, Watch, ask, assert_rests, echo, patient};

#[test]
fn a_pipeline_goes_on_after_its_budget_without_a_further_event() {
    let node = patient().start();
    let mut raw = node.connect();
    // Fewer bytes than one read takes, more requests than one turn answers.
    let count = 1500;
    raw.send(&PING.repeat(count));
    for number in 0..count {
        assert_eq!(raw.response("GET").status, 200, "number {number}");
    }
    ask(&mut raw);
    assert_rests(&node, Duration::from_millis(300), "after the pipeline");
}

#[test]
fn a_large_answer_goes_on_after_its_budget() {
    let node = patient().start();
    let mut raw = node.connect();
    let length = 32 * 1024 * 1024;
    while_others_are_served(&node, || {
        raw.send(&echo(length));
        assert_eq!(raw.response("POST").body.len(), length);
    });
    ask(&mut raw);
}

#[test]
fn a_large_file_goes_on_after_its_budget() {
    let setup = patient();
    let token = setup.data_ref().token("alice", &[]);
    let node = setup.start();
    let length = 24 * 1024 * 1024;
    let package = Package::new("large", "1.0.0").noise(length, 7);
    let login = format!("Bearer {token}");
    let fields = [("Authorization", login.as_str()), ("Content-Type", "application/json")];
    assert_eq!(node.http("PUT", &package.path(), &fields, &package.body()).status, 201);
    // Once the kernel has let the sockets grow, it takes more at once than one turn may send.
    let mut raw = node.connect();
    for _ in 0..8 {
        raw.send(format!("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", package.tarball_path()).as_bytes());
        assert!(raw.response("GET").body.len() > length);
    }
    ask(&mut raw);
}

#[test]
fn more_connections_than_one_turn_accepts_are_all_accepted() {
    let node = patient().open_files_max(2048).start();
    node.signal("STOP");
    let mut crowd: Vec<Raw> = (0..600).map(|_| node.connect()).collect();
    node.signal("CONT");
    crowd.iter_mut().for_each(ask);
}

#[test]
fn connections_that_come_and_go_never_hear_the_answers_of_others() {
    let node = patient().start();
    let watch = Watch::begin(&node);
    for number in 0..1000_u32 {
        let mut raw = node.connect();
        let body = number.to_string();
        let head = format!("POST /-/echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        raw.send(head.as_bytes());
        if number % 3 == 0 {
            continue; // gone before it hears anything
        }
        assert_eq!(raw.response("POST").text(), body);
    }
    let meters = node.wait_for_meters("all are closed", LONG, |meters| meters.open() == 0);
    assert_eq!(meters.sum("accepted"), 1000);
    let wakes = meters.sum("wakes") - watch.wakes;
    assert!(wakes <= 4 * 1000, "{wakes} wakes for 1000 connections");
}

#[test]
fn readers_in_a_hurry_do_not_keep_others_waiting() {
    let node = patient().start();
    let mut greedy: Vec<Raw> = (0..4).map(|_| node.connect()).collect();
    while_others_are_served(&node, || {
        for _ in 0..10 {
            greedy.iter_mut().for_each(|raw| raw.send(&PING.repeat(1000)));
            for raw in &mut greedy {
                (0..1000).for_each(|_| assert_eq!(raw.response("GET").status, 200));
            }
        }
    });
}
