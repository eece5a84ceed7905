//! Which requests open a WebSocket.

use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

use crate::limits::WS_PROTOCOLS_MAX;
use crate::wire::http1::{Limits, parse_head, slots};
use crate::wire::ws::handshake::{Refusal, accept_input, offer};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// The fields of a request that opens one.
fn sound() -> Vec<(&'static str, String)> {
    vec![
        ("Host", "example.org".into()),
        ("Upgrade", "websocket".into()),
        ("Connection", "Upgrade".into()),
        ("Sec-WebSocket-Key", KEY.into()),
        ("Sec-WebSocket-Version", "13".into()),
    ]
}

/// The offered protocols, or why there is no WebSocket.
fn ask_line(line: &str, fields: &[(&str, String)]) -> Result<Vec<String>, Refusal> {
    let lines: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!("{line}\r\n{lines}\r\n");
    let slots = slots();
    let parsed = parse_head(request.as_bytes(), &slots, &Limits::default());
    let (head, _) = parsed.expect("a head without mistakes").expect("a whole head");
    let offer = offer(&head)?;
    assert_eq!(offer.key, KEY.as_bytes());
    Ok(offer.protocols().iter().map(|name| String::from(*name)).collect())
}

fn ask(fields: &[(&str, String)]) -> Result<Vec<String>, Refusal> {
    ask_line("GET /chat HTTP/1.1", fields)
}

/// The request with another value for a field, or without it.
fn with(name: &str, value: Option<&str>) -> Vec<(&'static str, String)> {
    let mut fields = sound();
    fields.retain(|(known, _)| value.is_some() || *known != name);
    for field in fields.iter_mut().filter(|(known, _)| *known == name) {
        field.1 = value.unwrap_or_default().into();
    }
    fields
}

/// The request with one field more.
fn and(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    let mut fields = sound();
    fields.push((name, value.into()));
    fields
}

#[test]
fn the_request_of_the_rfc_opens_one() {
    assert_eq!(ask(&and("Sec-WebSocket-Protocol", "chat, superchat")), Ok(vec!["chat".into(), "superchat".into()]));
    assert_eq!(ask(&sound()), Ok(vec![]));
}

#[test]
fn what_is_hashed_is_the_key_and_the_guid() {
    let key = KEY.as_bytes().try_into().expect("24 bytes");
    assert_eq!(&accept_input(key), b"dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
}

#[test]
fn upgrade_and_connection_are_lists_without_case_over_all_their_fields() {
    for (name, value) in [
        ("Upgrade", "WebSocket"),
        ("Upgrade", "h2c, websocket"),
        ("Upgrade", ",websocket ,"),
        ("Connection", "keep-alive, Upgrade"),
        ("Connection", "UPGRADE,keep-alive"),
    ] {
        assert_eq!(ask(&with(name, Some(value))), Ok(vec![]), "{name}: {value}");
    }
    let mut apart = with("Connection", Some("keep-alive"));
    apart.push(("connection", "upgrade".into()));
    assert_eq!(ask(&apart), Ok(vec![]));
}

#[test]
fn what_asks_for_no_websocket_is_told_to() {
    for fields in [
        with("Upgrade", None),
        with("Upgrade", Some("h2c")),
        with("Upgrade", Some("websockets")),
        with("Upgrade", Some("websocket/13")),
        with("Upgrade", Some("web socket")),
    ] {
        assert_eq!(ask(&fields), Err(Refusal::NotUpgrade));
    }
    assert_eq!(ask_line("GET / HTTP/1.0", &sound()), Err(Refusal::NotUpgrade));
}

#[test]
fn an_upgrade_that_connection_does_not_name_is_refused() {
    for fields in
        [with("Connection", None), with("Connection", Some("keep-alive")), with("Connection", Some("upgrades"))]
    {
        assert_eq!(ask(&fields), Err(Refusal::Connection));
    }
}

#[test]
fn only_a_get_without_a_body_opens_one() {
    assert_eq!(ask_line("POST / HTTP/1.1", &sound()), Err(Refusal::Method));
    assert_eq!(ask_line("HEAD / HTTP/1.1", &sound()), Err(Refusal::Method));
    assert_eq!(ask(&and("Content-Length", "1")), Err(Refusal::Body));
    assert_eq!(ask(&and("Transfer-Encoding", "chunked")), Err(Refusal::Body));
    assert_eq!(ask(&and("Content-Length", "0")), Ok(vec![]));
}

#[test]
fn the_version_is_13_and_sent_once() {
    for fields in [
        with("Sec-WebSocket-Version", None),
        with("Sec-WebSocket-Version", Some("8")),
        with("Sec-WebSocket-Version", Some("")),
        with("Sec-WebSocket-Version", Some("013")),
        with("Sec-WebSocket-Version", Some("13, 8")),
    ] {
        assert_eq!(ask(&fields), Err(Refusal::Version));
    }
    assert_eq!(ask(&and("Sec-WebSocket-Version", "13")), Err(Refusal::VersionRepeated));
}

#[test]
fn the_key_is_16_bytes_in_base64_and_sent_once() {
    for fields in [
        with("Sec-WebSocket-Key", None),
        with("Sec-WebSocket-Key", Some("")),
        with("Sec-WebSocket-Key", Some("dGhlIHNhbXBsZSBub25jZQ=")),
        with("Sec-WebSocket-Key", Some("dGhlIHNhbXBsZSBub25jZQA=")),
        with("Sec-WebSocket-Key", Some("dGhlIHNhbXBsZSBub25jZQAA")),
        with("Sec-WebSocket-Key", Some("dGhlIHNhbXBsZSBub25jZQ===")),
        with("Sec-WebSocket-Key", Some("dGhlIHNhbXBsZSBub25jZ-==")),
        with("Sec-WebSocket-Key", Some("dGhlIHNhbXBsZSBub25j Q==")),
        with("Sec-WebSocket-Key", Some("dGhlIHNhbXBsZSBub25jZ===")),
        and("Sec-WebSocket-Key", KEY),
    ] {
        assert_eq!(ask(&fields), Err(Refusal::Key));
    }
}

#[test]
fn protocols_are_tokens_over_all_fields_each_once() {
    let mut fields = and("Sec-WebSocket-Protocol", "a, ,b");
    fields.push(("sec-websocket-protocol", "lattice.config.v1".into()));
    assert_eq!(ask(&fields), Ok(vec!["a".into(), "b".into(), "lattice.config.v1".into()]));
    for value in ["a b", "a, \"b\"", "a,a", "a;q=1", "caf\u{e9}", "a, b, a"] {
        assert_eq!(ask(&and("Sec-WebSocket-Protocol", value)), Err(Refusal::Protocols), "{value}");
    }
    // Names differ in case (RFC 6455 §11.3.4 compares them as they are).
    assert_eq!(ask(&and("Sec-WebSocket-Protocol", "a,A")).map(|all| all.len()), Ok(2));
}

#[test]
fn as_many_protocols_are_offered_as_may_be() {
    for (count, is_fine) in [(WS_PROTOCOLS_MAX - 1, true), (WS_PROTOCOLS_MAX, true), (WS_PROTOCOLS_MAX + 1, false)] {
        let list: Vec<String> = (0..count).map(|number| format!("p{number}")).collect();
        let expected = if is_fine { Ok(list.clone()) } else { Err(Refusal::Protocols) };
        assert_eq!(ask(&and("Sec-WebSocket-Protocol", &list.join(", "))), expected, "{count}");
    }
}

#[test]
fn a_refusal_says_what_its_status_asks_for() {
    for refusal in Refusal::ALL {
        let names: Vec<&str> = refusal.fields().iter().map(|(name, _)| *name).collect();
        assert_eq!(names.contains(&"upgrade"), refusal.status() == 426, "{refusal:?}");
        assert_eq!(names.contains(&"allow"), refusal.status() == 405, "{refusal:?}");
        assert!(refusal.sentence().ends_with('.'), "{refusal:?}");
    }
    assert!(Refusal::Protocols.sentence().contains(&format!("{WS_PROTOCOLS_MAX} ")));
    assert!(Refusal::Version.fields().contains(&("sec-websocket-version", "13")));
    assert!(Refusal::ALL.is_sorted_by_key(|refusal| format!("{refusal:?}")));
}
