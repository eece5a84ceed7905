//! Who asks, as a service sees it.

use std::net::IpAddr;
use std::sync::Arc;

use super::get;
use crate::app::{
    App, BodyPolicy, Flow, Lane, Moment, Outcome, Reply, Request, RouteSpec, RouterBuilder, Service, Value,
};
use crate::buffer::SendBuf;
use crate::session::http1::Http1;
use crate::session::trust::Trusted;
use crate::session::{Memory, Pressure, Settings, Turn};
use crate::wire::http::forwarded::Style;
use crate::wire::http1::Method;

/// Says who asks, at once or after a job.
struct Mirror;

impl Service for Mirror {
    fn call(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        if request.params.at(0) == b"job" {
            return Flow::Wait(Lane::Io, Box::new(|| Outcome::value(())));
        }
        self.resume(request, Box::new(()), reply)
    }

    fn resume(&mut self, request: &Request<'_>, _value: Value, reply: &mut Reply<'_>) -> Flow {
        let peer = request.peer.map_or("unix".to_owned(), |peer| peer.to_string());
        reply.json(200, format!("[{peer} {}]", request.secure).as_bytes());
        Flow::Done
    }
}

/// The answer to a request for `path` from `peer` with this field.
fn asked(path: &str, peer: Option<IpAddr>, field: &str, settings: &Settings) -> String {
    let mut router = RouterBuilder::new();
    let spec = RouteSpec { method: Method::Get, pattern: "/{x}", id: 0, body: BodyPolicy::Discard, open: true };
    router.mount(&[""], &[spec]);
    let mut app = App::new(Arc::new(router.build()), Vec::new(), vec![Box::new(Mirror)]);
    let (mut session, mut out) = (Http1::new(), SendBuf::new());
    let now = Moment { monotonic_ns: 0, unix_ms: 0 };
    let (pressure, memory) = (Pressure::None, Memory::new());
    let mut turn = Turn {
        app: &mut app,
        settings,
        out: &mut out,
        date: b"",
        now,
        peer,
        draining: false,
        pressure,
        memory: &memory,
    };
    let request = String::from_utf8(get(path)).expect("text").replace("\r\n\r\n", &format!("\r\n{field}\r\n\r\n"));
    session.on_bytes(request.as_bytes(), &mut turn);
    if let Some(work) = session.take_work() {
        session.on_done((work.run)().0, &mut turn);
    }
    String::from_utf8(out.only_own().expect("an answer").to_vec()).expect("text")
}

#[test]
fn a_service_sees_the_client_behind_trusted_proxies_also_after_a_job() {
    let trusted = Trusted { networks: vec!["10.0.0.0/8".parse().expect("a network")], unix: true };
    let settings = Settings { trusted, forwarded: Some(Style::Standard), ..Settings::default() };
    let field = "Forwarded: for=198.51.100.7;proto=https";
    let ip = |text: &str| Some(text.parse::<IpAddr>().expect("an address"));
    for path in ["/now", "/job"] {
        for (peer, expected) in [
            (ip("10.0.0.1"), "[198.51.100.7 true]"),
            (None, "[198.51.100.7 true]"),
            (ip("192.0.2.1"), "[192.0.2.1 false]"),
        ] {
            let answer = asked(path, peer, field, &settings);
            assert!(answer.ends_with(expected), "{path} {peer:?}: {answer}");
        }
        let other = asked(path, ip("10.0.0.1"), "X-Forwarded-For: 198.51.100.7", &settings);
        assert!(other.ends_with("[10.0.0.1 false]"), "the other field is not read: {other}");
        let off = asked(path, None, field, &Settings { forwarded: None, ..settings.clone() });
        assert!(off.ends_with("[unix false]"), "{off}");
    }
}
