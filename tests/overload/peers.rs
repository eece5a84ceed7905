//! Connections of one address. A trusted proxy names the addresses: those of this machine do not count.

use crate::support::{Node, Raw, Setup};
use crate::{LONG, PING, ask};

fn start(per_ip: u32, extra: &str) -> Node {
    let config = format!("[node]\nconnections_per_ip = {per_ip}\n[http]\n{extra}\n");
    Setup::new().threads(2).config(&config).start()
}

fn behind_proxy(per_ip: u32) -> Node {
    start(per_ip, "proxy_protocol = \"v1v2\"\ntrusted_proxies = [\"127.0.0.1\"]")
}

/// A connection of `client`, which has asked for something.
fn of(node: &Node, client: &str) -> Raw {
    let (family, other) = if client.contains(':') { ("TCP6", "::1") } else { ("TCP4", "127.0.0.1") };
    let mut raw = node.connect();
    raw.send(format!("PROXY {family} {client} {other} 1 2\r\n").as_bytes());
    raw.send(PING);
    raw
}

fn status(raw: &mut Raw) -> u16 {
    raw.response("GET").status
}

#[test]
fn an_address_has_its_connections_and_the_next_is_told_why_not() {
    let node = behind_proxy(3);
    for (first, same, other) in
        [("192.0.2.1", "192.0.2.1", "192.0.2.2"), ("2001:db8:1:1::1", "2001:db8:1:1:2::2", "2001:db8:1:2::1")]
    {
        let mut held: Vec<Raw> = (0..3).map(|_| of(&node, first)).collect();
        assert!(held.iter_mut().all(|raw| status(raw) == 200), "as many as it may");
        let crowded = node.meters().sum("crowded");
        for _ in 0..2 {
            let mut more = of(&node, same);
            let response = more.response("GET");
            assert_eq!((response.status, response.header("retry-after")), (429, Some("1")));
            assert!(response.json()["error"].is_string());
            assert_eq!(more.until_close(), b"");
        }
        assert_eq!(node.meters().sum("crowded"), crowded + 2);
        assert_eq!(status(&mut of(&node, other)), 200, "another address has its own");
        held.iter_mut().for_each(ask);
        held.pop();
        node.wait_for_meters("one has left", LONG, |meters| meters.open() == 2);
        assert_eq!(status(&mut of(&node, same)), 200);
        drop(held);
        node.wait_for_meters("all have left", LONG, |meters| meters.open() == 0);
    }
}

#[test]
fn connections_of_this_machine_and_of_nobody_are_not_counted() {
    let node = start(1, "");
    let mut local: Vec<Raw> = (0..10).map(|_| node.connect()).collect();
    local.iter_mut().for_each(ask);
    let node = behind_proxy(1);
    let mut checks: Vec<Raw> = (0..10).map(|_| node.connect()).collect();
    for raw in &mut checks {
        raw.send(b"PROXY UNKNOWN\r\n");
        ask(raw);
    }
    assert_eq!(node.meters().sum("crowded"), 0);
}

#[test]
fn without_a_bound_an_address_has_any_number() {
    let node = behind_proxy(0);
    let mut held: Vec<Raw> = (0..50).map(|_| of(&node, "192.0.2.1")).collect();
    assert!(held.iter_mut().all(|raw| status(raw) == 200));
}
