//! The slice without a node: a config in memory, everybody who may ask, every way to ask wrongly.

mod channel;
mod page;
mod socket;

use std::sync::{Arc, Mutex};

use serde_json::Value as Json;

use super::Control;
use super::change::{Change, Demand};
use crate::app::identity::{Identity, Shown, Standing};
use crate::app::live::{LiveConfig, first};
use crate::app::reply::Terms;
use crate::app::router::{Found, RouterBuilder};
use crate::app::testing::{drain, request};
use crate::app::ws::Terms as WsTerms;
use crate::app::{App, Flow, Guard, Moment, Reply, Request, Value, Verdict};
use crate::buffer::SendBuf;
use crate::config::{Config, Error, Flags, Slot};
use crate::wire::http1::{Limits, Method, parse_head, slots};

/// A config without a file. `trouble` comes instead of what was asked.
struct Memory {
    state: Mutex<(Slot, Vec<bool>)>,
    unreadable: Mutex<Option<Error>>,
    unwritable: Mutex<Option<Error>>,
    /// Somebody else writes once, right before the next change.
    overtaken: Mutex<bool>,
}

impl Memory {
    fn new() -> Arc<Self> {
        let slot = Slot { config: first("http://h"), sequence: 1 };
        Arc::new(Self {
            state: Mutex::new((slot, Vec::new())),
            unreadable: Mutex::default(),
            unwritable: Mutex::default(),
            overtaken: Mutex::new(false),
        })
    }

    fn slot(&self) -> Slot {
        self.state.lock().unwrap().0
    }
}

impl LiveConfig for Memory {
    fn read(&self) -> Result<Slot, Error> {
        self.unreadable.lock().unwrap().map_or_else(|| Ok(self.slot()), Err)
    }

    fn replace(&self, config: Config, expected: u64, durable: bool) -> Result<Slot, Error> {
        if let Some(error) = *self.unwritable.lock().unwrap() {
            return Err(error);
        }
        let mut state = self.state.lock().unwrap();
        if std::mem::take(&mut *self.overtaken.lock().unwrap()) {
            state.0.sequence += 1;
        }
        if state.0.sequence != expected {
            return Err(Error::Conflict);
        }
        state.0 = Slot { config, sequence: expected + 1 };
        state.1.push(durable);
        Ok(state.0)
    }
}

/// `Authorization: root`, `user`, `reader` (an administrator's token that may only read), `bad`.
struct Named;

impl Guard for Named {
    fn check(&mut self, request: &Request<'_>, _reply: &mut Reply<'_>) -> Verdict {
        let Some(name) = request.header("Authorization") else { return Verdict::Pass };
        let standing = if name == b"bad" { Standing::Invalid } else { Standing::User("ann".into()) };
        let (admin, read_only) = (name == b"root" || name == b"reader", name == b"reader");
        Verdict::Known(Arc::new(Identity { standing, read_only, admin, shown: Shown::Nothing }))
    }

    fn resume(&mut self, _request: &Request<'_>, _value: Value, _reply: &mut Reply<'_>) -> Verdict {
        Verdict::Pass
    }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
    jobs: usize,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// The slice on one thread.
struct Thread(App);

impl Thread {
    fn new(config: &Arc<Memory>, anonymous_reads: bool) -> Self {
        let mut router = RouterBuilder::new();
        router.mount(&[""], &Control::routes());
        let control = Control::new(config.clone(), "http://h", anonymous_reads, &WsTerms::default());
        Self(App::new(Arc::new(router.build()), vec![Box::new(Named)], vec![Box::new(control)]))
    }

    fn ask(&mut self, lines: &[&str], body: &str) -> Answer {
        let length = format!("Content-Length: {}", body.len());
        let text = [&lines[..1], &["Host: h", &length], &lines[1..], &["", ""]].concat().join("\r\n");
        let slots = slots();
        let (head, _) = parse_head(text.as_bytes(), &slots, &Limits::default()).unwrap().expect("a whole head");
        let router = Arc::clone(self.0.router());
        let Found::Route(route, params) = router.find(head.method, head.path) else { panic!("{lines:?}: no route") };
        let now = Moment { monotonic_ns: 0, unix_ms: 0 };
        let mut request = Request { body: body.as_bytes(), ..request(&head, route, params, now) };
        let mut out = SendBuf::new();
        let terms = Terms { date: b"", head_only: head.method == Method::Head, close: false, http10: false };
        let mut reply = Reply::new(&mut out, terms);
        let (mut progress, mut jobs) = (self.0.begin(), 0);
        let mut flow = self.0.call(&mut request, &mut progress, &mut reply);
        while let Flow::Wait(_, job) = flow {
            jobs += 1;
            flow = self.0.resume(&mut request, &mut progress, job().value, &mut reply);
        }
        let status = reply.finished().expect("a whole answer");
        // A body that is no text is not looked at here.
        let text = String::from_utf8_lossy(&drain(&mut out)).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        Answer { status, head: head.to_owned(), body: body.to_owned(), jobs }
    }

    /// The head of a GET with this field.
    fn head(&mut self, path: &str, field: &str) -> String {
        self.ask(&[&format!("GET {path} HTTP/1.1"), field], "").head
    }

    fn get(&mut self, fields: &[&str]) -> Answer {
        self.ask(&[&["GET /_dashboard/api/config HTTP/1.1"], fields].concat(), "")
    }

    fn post(&mut self, if_match: &str, body: &str) -> Answer {
        let if_match = format!("If-Match: {if_match}");
        self.ask(&["POST /_dashboard/api/config HTTP/1.1", "Authorization: root", &if_match], body)
    }
}

#[test]
fn the_config_is_shown_with_its_sequence_as_its_tag() {
    let config = Memory::new();
    let mut thread = Thread::new(&config, true);
    let answer = thread.get(&[]);
    assert_eq!((answer.status, answer.header("ETag")), (200, Some("\"1\"")));
    assert_eq!(answer.json(), crate::app::live::show::json(&config.slot()));
    assert_eq!(answer.json()["flags"]["CACHE_ENABLED"], true);
    let known = thread.get(&["If-None-Match: \"1\""]);
    assert_eq!((known.status, known.body.as_str()), (304, ""));
    assert_eq!(thread.get(&["If-None-Match: \"2\""]).status, 200);
    assert_eq!(thread.ask(&["HEAD /_dashboard/api/config HTTP/1.1"], "").body, "");
}

#[test]
fn every_kind_of_change_is_made_and_told() {
    for (body, field, value) in [
        (r#"{"flag": {"name": "DEBUG", "on": true}}"#, "feature_flags", 0b1111_1100),
        (r#"{"flag": {"name": "cache_enabled", "on": false}}"#, "feature_flags", 0b1101_1000),
        (r#"{"byte": {"offset": 10, "value": 24}}"#, "rows", 24),
        (r#"{"byte": {"offset": 8, "value": 128}}"#, "feature_flags", 0x8000_00f8),
        (r#"{"byte": {"offset": 9, "value": 2}}"#, "terminal_mode", 2),
        (r#"{"fields": {"rows": 50, "cols": 255}}"#, "cols", 255),
        (r#"{"fields": {"feature_flags": 4294967295}}"#, "feature_flags", u32::MAX),
        (r#"{"hex": "0178563412a50000c0021850ee"}"#, "reserved", 0xee),
    ] {
        let config = Memory::new();
        let answer = Thread::new(&config, true).post("\"1\"", body);
        assert_eq!((answer.status, answer.header("ETag")), (200, Some("\"2\"")), "{body}: {}", answer.body);
        assert_eq!(answer.json()[field], value, "{body}");
        assert_eq!(answer.json(), crate::app::live::show::json(&config.slot()), "{body}");
    }
}

#[test]
fn a_change_is_durable_when_that_is_asked() {
    let config = Memory::new();
    let mut thread = Thread::new(&config, true);
    for (sequence, durable) in [(1, "true"), (2, "false")] {
        let body = format!(r#"{{"durable": {durable}, "fields": {{"rows": 1}}}}"#);
        assert_eq!(thread.post(&format!("\"{sequence}\""), &body).status, 200);
    }
    assert_eq!(thread.post("\"3\"", r#"{"fields": {"rows": 1}}"#).status, 200);
    assert_eq!(config.state.lock().unwrap().1, [true, false, false]);
}

#[test]
fn what_is_wrong_is_named_with_what_is_allowed() {
    for (body, parts) in [
        ("", &["the body", "JSON object"][..]),
        ("[]", &["the body", "\"[]\"", "an object"]),
        ("{}", &["the body", "empty", "exactly one of flag, byte, fields, hex"]),
        (r#"{"durable": true}"#, &["the body", "exactly one of"]),
        (r#"{"flag": {"name": "DEBUG", "on": true}, "hex": ""}"#, &["\"flag\", \"hex\"", "exactly one of"]),
        (r#"{"colour": 1}"#, &["\"colour\"", "exactly one of"]),
        (r#"{"flag": 1}"#, &["flag may not be", "an object"]),
        (r#"{"flag": {"name": "DEBUG"}}"#, &["flag may not be without on", "name and on"]),
        (r#"{"flag": {"name": "DEBUG", "on": true, "now": 1}}"#, &["\"now\"", "name and on"]),
        (r#"{"flag": {"name": "DEBUG", "on": 1}}"#, &["flag.on may not be \"1\"", "true or false"]),
        (r#"{"flag": {"name": "LOUD", "on": true}}"#, &["\"LOUD\"", "PREMIUM_TYPES, PRIVATE_REGISTRY"]),
        (r#"{"byte": {"offset": 13, "value": 0}}"#, &["offset may not be 13", "0 to 12"]),
        (r#"{"byte": {"offset": -1, "value": 0}}"#, &["byte.offset", "\"-1\"", "0 to 12"]),
        (r#"{"byte": {"offset": 10, "value": 256}}"#, &["rows may not be 256", "0 to 255"]),
        (r#"{"byte": {"offset": 5, "value": 256}}"#, &["byte 5 (feature_flags) may not be 256", "0 to 255"]),
        (r#"{"byte": {"offset": 9, "value": 3}}"#, &["terminal_mode may not be 3", "0, 1 or 2"]),
        (r#"{"byte": {"offset": 0, "value": 2}}"#, &["version may not be 2", "1, the only version"]),
        (r#"{"byte": {"offset": 10, "value": 1.5}}"#, &["byte.value", "\"1.5\"", "0 to 255"]),
        (r#"{"fields": {}}"#, &["fields", "a field at least"]),
        (r#"{"fields": {"height": 1}}"#, &["\"height\"", "version, registry_hash"]),
        (r#"{"fields": {"rows": "24"}}"#, &["rows may not be", "0 to 255"]),
        (r#"{"fields": {"rows": 256}}"#, &["rows may not be 256", "0 to 255"]),
        (r#"{"fields": {"registry_hash": 4294967296}}"#, &["registry_hash may not be 4294967296", "4294967295"]),
        (r#"{"hex": 1}"#, &["hex", "a text"]),
        (r#"{"hex": "01"}"#, &["hex may not be \"01\"", "26 hexadecimal digits"]),
        (r#"{"hex": "0278563412a50000c0021850ee"}"#, &["version may not be 2"]),
        (r#"{"durable": 1, "fields": {"rows": 1}}"#, &["durable", "true or false"]),
    ] {
        let config = Memory::new();
        let answer = Thread::new(&config, true).post("\"1\"", body);
        assert_eq!((answer.status, answer.jobs), (400, 0), "{body}: {}", answer.body);
        let error = answer.json()["error"].as_str().expect("a sentence").to_owned();
        for part in parts {
            assert!(error.contains(part), "{body}: {part} in {error}");
        }
        assert_eq!(config.slot().sequence, 1, "{body}");
    }
}

#[test]
fn nobody_changes_what_they_have_not_seen() {
    let config = Memory::new();
    let mut thread = Thread::new(&config, true);
    let body = r#"{"fields": {"rows": 1}}"#;
    let missing = thread.ask(&["POST /_dashboard/api/config HTTP/1.1", "Authorization: root"], body);
    assert_eq!((missing.status, missing.jobs), (428, 0));
    assert!(missing.json()["reason"].as_str().is_some_and(|reason| reason.contains("ETag")));
    for other in ["\"2\"", "\"0\"", "1", "W/\"1\"", "\"x\"", "\"\""] {
        let answer = thread.post(other, body);
        assert_eq!(answer.status, 412, "{other}");
        assert!(answer.json()["reason"].as_str().is_some_and(|reason| reason.contains("its sequence is 1")));
    }
    *config.overtaken.lock().unwrap() = true;
    assert_eq!(thread.post("\"1\"", body).status, 412, "somebody came between reading and writing");
    assert_eq!((config.slot().sequence, config.slot().config.rows()), (2, 0));
    for (sequence, good) in [(2, "\"2\""), (3, "*"), (4, "\"9\", \"4\"")] {
        let answer = thread.post(good, body);
        assert_eq!((answer.status, config.slot().sequence), (200, sequence + 1), "{good}");
    }
}

#[test]
fn readers_are_those_of_the_registry_and_writers_are_administrators() {
    let body = r#"{"fields": {"rows": 1}}"#;
    for (anonymous_reads, is_private, who, reads, writes) in [
        (true, false, "", 200, 401),
        (true, false, "bad", 401, 401),
        (true, false, "user", 200, 403),
        (true, false, "reader", 200, 403),
        (true, false, "root", 200, 200),
        (true, true, "", 401, 401),
        (true, true, "user", 200, 403),
        (false, false, "", 401, 401),
        (false, false, "user", 200, 403),
        (false, true, "root", 200, 200),
    ] {
        let config = Memory::new();
        let mut thread = Thread::new(&config, anonymous_reads);
        thread.0.on_flags(Flags::default().with(Flags::PRIVATE_REGISTRY, is_private));
        let field = format!("Authorization: {who}");
        let fields: &[&str] = if who.is_empty() { &[] } else { &[&field] };
        let environment = thread.ask(&[&["GET /_dashboard/api/env HTTP/1.1"], fields].concat(), "");
        let shown = thread.get(fields);
        let lines = [&["POST /_dashboard/api/config HTTP/1.1", "If-Match: \"1\""], fields].concat();
        let changed = thread.ask(&lines, body);
        let case = format!("{who:?} anonymous_reads {anonymous_reads} private {is_private}");
        assert_eq!([shown.status, environment.status, changed.status], [reads, reads, writes], "{case}");
        for answer in [shown, environment, changed].iter().filter(|answer| answer.status == 401) {
            assert_eq!((answer.header("WWW-Authenticate"), answer.jobs), (Some("Bearer"), 0), "{case}");
        }
    }
}

#[test]
fn the_environment_comes_in_three_styles() {
    let mut thread = Thread::new(&Memory::new(), true);
    let mut ask = |query: &str| thread.ask(&[&format!("GET /_dashboard/api/env{query} HTTP/1.1")], "");
    for query in ["", "?format=shell"] {
        let shell = ask(query);
        assert!(shell.body.starts_with("export NPM_CONFIG_REGISTRY='http://h/'\n"), "{}", shell.body);
        assert!(shell.body.contains("export LIVE_CONFIG_CACHE_ENABLED='true'\n"));
        assert_eq!(shell.header("Content-Type"), Some("text/plain; charset=utf-8"));
    }
    assert!(ask("?format=dotenv").body.starts_with("NPM_CONFIG_REGISTRY=\"http://h/\"\n"));
    assert_eq!(ask("?format=json").json()["LIVE_CONFIG_SEQUENCE"], "1");
    let wrong = ask("?format=fish");
    assert_eq!(wrong.status, 400);
    assert_eq!(wrong.json()["error"], "format may not be \"fish\": allowed is shell, json, dotenv");
}

#[test]
fn a_file_that_cannot_be_used_is_told_with_what_is_wrong() {
    for (error, status) in [
        (Error::Damaged, 500),
        (Error::Cut, 500),
        (Error::ReadOnly, 403),
        (Error::Locked, 503),
        (Error::DiskFull, 507),
        (Error::Refused(crate::config::Refusal::UnknownVersion), 409),
    ] {
        let config = Memory::new();
        let mut thread = Thread::new(&config, true);
        *config.unwritable.lock().unwrap() = Some(error);
        let answer = thread.post("\"1\"", r#"{"fields": {"rows": 1}}"#);
        assert_eq!((answer.status, answer.json()["reason"].as_str()), (status, Some(error.sentence())));
        assert_eq!(answer.header("Retry-After").is_some(), status == 503);
    }
    let config = Memory::new();
    *config.unreadable.lock().unwrap() = Some(Error::Cut);
    let answer = Thread::new(&config, true).get(&[]);
    assert_eq!((answer.status, answer.json()["reason"].as_str()), (500, Some(Error::Cut.sentence())));
}

#[test]
fn a_demand_is_one_change() {
    let demand = Demand::parse(br#"{"durable": true, "flag": {"name": "METRICS", "on": false}}"#).unwrap();
    assert_eq!(demand, Demand { change: Change::Flag(Flags::METRICS, false), durable: true });
}
