//! The guard in front of a service that says who asks.

use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::app::identity::{Shown, Standing};
use crate::app::reply::Terms;
use crate::app::router::{BodyPolicy, Found as Route, RouteSpec, RouterBuilder};
use crate::app::store::{Joined, StoreError, User};
use crate::app::testing::request;
use crate::app::{App, Flow, Moment, Service};
use crate::buffer::SendBuf;
use crate::wire::http1::{Limits, Method, parse_head, slots};

#[derive(Default)]
struct FakeUsers {
    revoked: Mutex<bool>,
    broken: Mutex<bool>,
}

impl FakeUsers {
    fn known(&self, is_right: bool) -> Result<Option<Identity>> {
        if *self.broken.lock().unwrap() {
            return Err(StoreError { full: false, message: "disk".into() });
        }
        let standing = Standing::User("ann".into());
        let valid = is_right && !*self.revoked.lock().unwrap();
        Ok(valid.then_some(Identity { standing, read_only: false, admin: false, shown: Shown::Token(7) }))
    }
}

impl Users for FakeUsers {
    fn identify_token(&self, token: &str) -> Result<Option<Identity>> {
        self.known(token == "good")
    }

    fn identify_password(&self, name: &str, password: &str) -> Result<Option<Identity>> {
        self.known((name, password) == ("ann", "secret"))
    }

    fn user(&self, _name: &str) -> Result<Option<User>> {
        Ok(None)
    }

    fn join(&self, _name: &str, _password: &str, _email: &str) -> Result<Joined> {
        Ok(Joined::Exists)
    }

    fn issue_token(&self, _user: &str, _read_only: bool) -> Result<Option<String>> {
        Ok(None)
    }

    fn revoke_token(&self, _user: &str, _token: &str) -> Result<bool> {
        Ok(false)
    }
}

struct WhoAsks;

impl Service for WhoAsks {
    fn call(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        reply.json(200, format!("{:?}", request.identity.standing).as_bytes());
        Flow::Done
    }
}

struct Thread {
    users: Arc<FakeUsers>,
    app: App,
    now_ns: u64,
    /// What requests are sent to.
    host: &'static str,
}

impl Thread {
    fn new() -> Self {
        Self::trusting(Origins::default())
    }

    fn trusting(origins: Origins) -> Self {
        let users = Arc::new(FakeUsers::default());
        let mut builder = RouterBuilder::new();
        let spec = RouteSpec { method: Method::Get, pattern: "/", id: 0, body: BodyPolicy::Discard, open: false };
        builder.mount(&[""], &[spec]);
        let guard = IdentityGuard::new(users.clone(), [1; 32]).trusting(&Arc::new(origins));
        let app = App::new(Arc::new(builder.build()), vec![Box::new(guard)], vec![Box::new(WhoAsks)]);
        Self { users, app, now_ns: 0, host: "h" }
    }

    /// What was answered, and on which lanes jobs ran.
    fn ask(&mut self, authorization: &str) -> (String, Vec<Lane>) {
        self.ask_and(authorization, |_, _| {})
    }

    fn ask_at(&mut self, host: &'static str, fields: &str) -> (String, Vec<Lane>) {
        self.host = host;
        self.ask(fields)
    }

    fn ask_and(&mut self, authorization: &str, between: impl Fn(&FakeUsers, &mut App)) -> (String, Vec<Lane>) {
        let text = format!("GET / HTTP/1.1\r\nHost: {}\r\n{authorization}\r\n", self.host);
        let slots = slots();
        let (head, _) = parse_head(text.as_bytes(), &slots, &Limits::default()).unwrap().unwrap();
        let router = Arc::clone(self.app.router());
        let Route::Route(route, params) = router.find(head.method, head.path) else { panic!("a route") };
        let now = Moment { monotonic_ns: self.now_ns, unix_ms: 0 };
        let mut progress = self.app.begin();
        let mut request = request(&head, route, params, now);
        let mut out = SendBuf::new();
        let terms = Terms { date: b"", head_only: false, close: false, http10: false };
        let mut reply = Reply::new(&mut out, terms);
        let mut lanes = Vec::new();
        let mut flow = self.app.call(&mut request, &mut progress, &mut reply);
        while let Flow::Wait(lane, job) = flow {
            lanes.push(lane);
            let outcome = job();
            between(&self.users, &mut self.app);
            flow = self.app.resume(&mut request, &mut progress, outcome.value, &mut reply);
        }
        let answer = String::from_utf8_lossy(out.only_own().unwrap()).into_owned();
        (answer.rsplit("\r\n").next().unwrap_or_default().to_owned(), lanes)
    }
}

const TOKEN: &str = "Authorization: Bearer good\r\n";
const ANN: &str = r#"User("ann")"#;

fn basic(password: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("ann:{password}")))
}

#[test]
fn credentials_are_looked_up_once_and_in_the_lane_they_cost() {
    let mut thread = Thread::new();
    let right = basic("secret");
    let wrong = basic("guess");
    for (field, who, lanes) in [
        ("", "Anonymous", vec![]),
        (TOKEN, ANN, vec![Lane::Io]),
        (TOKEN, ANN, vec![]),
        ("authorization: bearer good\r\n", ANN, vec![Lane::Io]),
        ("Authorization: Bearer other\r\n", "Invalid", vec![Lane::Io]),
        ("Authorization: Bearer other\r\n", "Invalid", vec![]),
        (&right, ANN, vec![Lane::Slow]),
        (&right, ANN, vec![]),
        (&wrong, "Invalid", vec![Lane::Slow]),
        (&wrong, "Invalid", vec![]),
        ("Authorization: Digest x\r\n", "Invalid", vec![]),
        ("Authorization: x\r\n", "Invalid", vec![]),
    ] {
        assert_eq!(thread.ask(field), (who.into(), lanes), "{field}");
    }
}

const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const OFFER: &str = "Sec-WebSocket-Protocol: lattice.config.v1, lattice.token.good\r\n";
const COOKIE: &str = "Cookie: a=b; lattice_token=good\r\n";

#[test]
fn a_browser_may_show_a_token_when_it_opens_a_websocket() {
    for (fields, who) in [
        ("Sec-WebSocket-Protocol: lattice.config.v1\r\n", "Anonymous"),
        (OFFER, ANN),
        ("Sec-WebSocket-Protocol: lattice.token.good, lattice.config.v1\r\n", ANN),
        ("Sec-WebSocket-Protocol: lattice.token.bad\r\n", "Invalid"),
        ("Sec-WebSocket-Protocol: lattice.token.\r\n", "Invalid"),
        ("Sec-WebSocket-Protocol: lattice.token.good, lattice.token.bad\r\n", "Invalid"),
        ("Sec-WebSocket-Protocol: LATTICE.TOKEN.good\r\n", "Anonymous"),
        (COOKIE, ANN),
        ("Cookie: lattice_token=bad\r\n", "Invalid"),
        ("Cookie: lattice_token=bad; lattice_token=good\r\n", "Invalid"),
        ("Cookie: LATTICE_TOKEN=good\r\n", "Anonymous"),
    ] {
        assert_eq!(Thread::new().ask(&format!("{UPGRADE}{fields}")).0, who, "{fields}");
    }
}

#[test]
fn of_several_credentials_the_field_counts_first_and_the_cookie_last() {
    for (fields, who) in [
        (["Authorization: Bearer bad\r\n", OFFER, COOKIE], "Invalid"),
        (["Sec-WebSocket-Protocol: lattice.token.bad\r\n", COOKIE, ""], "Invalid"),
        (["Cookie: lattice_token=bad\r\n", OFFER, ""], ANN),
        (["Cookie: lattice_token=bad\r\n", TOKEN, ""], ANN),
    ] {
        assert_eq!(Thread::new().ask(&format!("{UPGRADE}{}", fields.concat())).0, who, "{fields:?}");
    }
}

#[test]
fn other_requests_show_credentials_in_their_field_alone() {
    for fields in [
        COOKIE.to_owned(),
        OFFER.to_owned(),
        format!("Upgrade: websocket\r\n{OFFER}{COOKIE}"),
        format!("{}{OFFER}{COOKIE}", UPGRADE.replace("websocket", "h2c")),
        format!("{}{OFFER}{COOKIE}", UPGRADE.replace("Version: 13", "Version: 8")),
    ] {
        assert_eq!(Thread::new().ask(&fields), ("Anonymous".into(), vec![]), "{fields}");
    }
}

#[test]
fn a_cookie_counts_for_pages_of_this_node_alone() {
    for (origin, listed, who) in [
        ("https://evil.example", "", "Anonymous"),
        ("null", "", "Anonymous"),
        ("https://good.example", "https://good.example", ANN),
        ("https://evil.example", "https://good.example", "Anonymous"),
        // That all pages may open a WebSocket does not make them this node's.
        ("https://evil.example", "*", "Anonymous"),
        ("http://127.0.0.1:1", "*", ANN),
    ] {
        let origins = match listed {
            "*" => Origins::any(),
            listed => Origins::listed([listed.to_owned()]),
        };
        let mut thread = Thread::trusting(origins);
        let fields = format!("{UPGRADE}{COOKIE}Origin: {origin}\r\n");
        assert_eq!(thread.ask_at("127.0.0.1:1", &fields).0, who, "{origin} {listed}");
        // A script that knows a token shows it itself.
        let fields = format!("{UPGRADE}{OFFER}Origin: {origin}\r\n");
        assert_eq!(thread.ask_at("127.0.0.1:1", &fields).0, ANN, "{origin} {listed}");
    }
}

#[test]
fn what_a_token_turned_out_to_be_is_kept_however_it_was_shown() {
    let mut thread = Thread::new();
    assert_eq!(thread.ask(&format!("{UPGRADE}{OFFER}")), (ANN.into(), vec![Lane::Io]));
    for fields in [format!("{UPGRADE}{OFFER}"), format!("{UPGRADE}{COOKIE}"), TOKEN.to_owned()] {
        assert_eq!(thread.ask(&fields), (ANN.into(), vec![]), "{fields}");
    }
    thread.app.on_change(&Change::Identity("ann".into()));
    assert_eq!(thread.ask(&format!("{UPGRADE}{OFFER}")).1, [Lane::Io]);
}

#[test]
fn what_is_known_is_asked_about_again_after_its_time() {
    let mut thread = Thread::new();
    thread.ask(TOKEN);
    *thread.users.revoked.lock().unwrap() = true;
    thread.now_ns = cache::VALID_NS - 1;
    assert_eq!(thread.ask(TOKEN).0, ANN);
    thread.now_ns = cache::VALID_NS;
    assert_eq!(thread.ask(TOKEN).0, "Invalid");
}

#[test]
fn a_revoked_token_is_worth_nothing_once_that_was_announced() {
    let mut thread = Thread::new();
    thread.ask(TOKEN);
    *thread.users.revoked.lock().unwrap() = true;
    thread.app.on_change(&Change::Identity("ann".into()));
    assert_eq!(thread.ask(TOKEN), ("Invalid".into(), vec![Lane::Io]));
}

#[test]
fn a_lookup_that_a_revocation_overtakes_is_not_kept() {
    let mut thread = Thread::new();
    let (who, _) = thread.ask_and(TOKEN, |users, app| {
        *users.revoked.lock().unwrap() = true;
        app.on_change(&Change::Identity("ann".into()));
    });
    assert_eq!(who, ANN, "it was asked before");
    assert_eq!(thread.ask(TOKEN), ("Invalid".into(), vec![Lane::Io]));
}

#[test]
fn a_store_that_fails_is_no_verdict_about_anybody() {
    let mut thread = Thread::new();
    *thread.users.broken.lock().unwrap() = true;
    assert!(thread.ask(TOKEN).0.starts_with(r#"{"error":"the registry's store failed""#));
    *thread.users.broken.lock().unwrap() = false;
    assert_eq!(thread.ask(TOKEN).0, ANN);
}
