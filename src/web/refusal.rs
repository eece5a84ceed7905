//! Refusals in a program's own words.
//!
//! In comes a refusal, out come fields and a body for it. Refused, so that the client is told in the
//! node's own words: an answer that panics or fails, that is longer than [`REFUSAL_BYTES_MAX`] with its
//! fields, or whose body is not at hand.
//!
//! [`REFUSAL_BYTES_MAX`]: crate::limits::REFUSAL_BYTES_MAX

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use super::later::guarded;
use super::response::{Body, Kind, Response, Special};
use super::table::Table;
use crate::app::refusal::{Refusal, RefusalKind, Words};

/// What is told of refusals, and words the answer to them.
pub(super) type OnRefusal = Box<dyn Fn(&Refusal) -> Response + Send + Sync>;

impl Table {
    /// The program's words for a refusal.
    pub(super) fn words(&self, refusal: &Refusal) -> Option<Words> {
        words_of(&self.reworded(refusal)?)
    }

    /// The answer to a request whose job finds its queue full.
    pub(super) fn busy(&self, peer: Option<IpAddr>) -> Response {
        let refusal = Refusal { kind: RefusalKind::Busy, peer };
        let plain = || Response::error(refusal.status(), refusal.error(), refusal.reason().as_deref());
        let mut response = self.reworded(&refusal).unwrap_or_else(plain);
        for (name, value) in refusal.fields() {
            if response.header(name).is_none() {
                response.set_header(name, value);
            }
        }
        response
    }

    /// What the program answers, if that may leave.
    fn reworded(&self, refusal: &Refusal) -> Option<Response> {
        let on_refusal = self.on_refusal.as_ref()?;
        let response = guarded(|| on_refusal(refusal).with_status(refusal.status()));
        let fault = match &response.failure {
            Some(failure) => failure.to_string(),
            None if words_of(&response).is_none() => "the answer is too long, or not at hand".to_owned(),
            None => return Some(response),
        };
        self.failures.fetch_add(1, Ordering::Relaxed);
        log::error!("App::on_refusal, {}: {fault}", refusal.name());
        None
    }
}

fn words_of(response: &Response) -> Option<Words> {
    Words::new(response.fields.bytes(), at_hand(response.body())?)
}

fn at_hand(body: &Body) -> Option<&[u8]> {
    match body {
        Body::Empty => Some(&[]),
        Body::Static(bytes) => Some(bytes),
        Body::Bytes(bytes) => Some(bytes),
        Body::Shared(bytes, range) => bytes.get(range.clone()),
        Body::Special(Special(Kind::Rendered(bytes))) => Some(bytes),
        Body::File(..) | Body::Stream(..) | Body::Special(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Source;
    use crate::limits::REFUSAL_BYTES_MAX;
    use crate::web::{
        App, Error, IntoResponse, Method, Request, RequestId, Settings, Slow, TestClient, TestResponse, Upload,
    };

    fn app(words: impl Fn(&Refusal) -> Response + Send + Sync + 'static) -> App {
        App::new()
            .on_refusal(words)
            .upload(Method::Put, "/up", 10, || Upload::fold((), |_, _| Ok(()), |_| ()))
            .get("/slow", || Slow(|| "done"))
    }

    fn too_large(app: &TestClient) -> TestResponse {
        app.put("/up").body("eleven byte").send()
    }

    /// That it is the server's own.
    fn assert_own(answer: &TestResponse) {
        assert_eq!((answer.status, answer.header("connection")), (413, Some("close")));
        assert_eq!(answer.text(), r#"{"error":"request body too large","reason":"at most 10 bytes are taken here"}"#);
    }

    #[test]
    fn the_program_chooses_the_words_and_not_the_status() {
        let words = |refusal: &Refusal| {
            let text = format!("{} {} {}", refusal.status(), refusal.name(), refusal.peer.is_some());
            Response::text(text).with_header("X-Why", refusal.error()).with_header("Connection", "keep-alive")
        };
        let app = app(words).test();
        let answer = too_large(&app);
        assert_eq!((answer.status, answer.text()), (413, "413 body_too_large true"));
        assert_eq!(answer.header("x-why"), Some("request body too large"));
        assert_eq!(answer.header("connection"), Some("close"));
        let lengthless = app.put("/up").send();
        assert_eq!((lengthless.status, lengthless.text()), (411, "411 length_required true"));
        assert_eq!(lengthless.header("connection"), None, "nothing of a body came");
        let unknown = app.get("/up").header("Expect", "wonders").body("x").send();
        assert_eq!((unknown.status, unknown.text()), (417, "417 unknown_expectation true"));
        assert_eq!(app.failures(), 0);
    }

    #[test]
    fn the_words_of_the_server_name_bounds_and_no_key_of_a_file_that_a_program_has_not() {
        let settings = Settings { body_bytes: 10, head_bytes: 1024, headers: 9, ..Settings::default() };
        let app = App::new().settings(settings).post("/", |body: Vec<u8>| body.len().to_string()).test();
        let many = (0..10).fold(app.get("/"), |request, _| request.header("X", "y"));
        for (request, status, said) in [
            (app.post("/").body("eleven byte"), 413, "at most 10 bytes are taken here"),
            (app.get("/").header("X", &"y".repeat(1024)), 431, "send fewer or shorter fields"),
            (many, 431, "send fewer"),
        ] {
            let answer = request.send();
            assert_eq!(answer.status, status, "{said}");
            assert!(answer.text().ends_with(&format!("{said}\"}}")), "{}", answer.text());
        }
    }

    #[test]
    fn words_that_fail_are_replaced_and_counted() {
        type Hook = fn(&Refusal) -> Response;
        let hooks: [Hook; 5] = [
            |_| panic!("the hook breaks"),
            |_| Error::failure("it fails").into_response(),
            |_| Response::new("text/plain", Body::Stream(Box::new(Nothing), Some(0))),
            |_| Response::later(|| "later"),
            |_| {
                Response::new(
                    "text/plain",
                    Body::File(std::sync::Arc::new(tempfile::tempfile().expect("a file")), 0, 0),
                )
            },
        ];
        for (number, hook) in hooks.into_iter().enumerate() {
            let app = app(hook).test();
            assert_own(&too_large(&app));
            assert_eq!(app.failures(), 1, "number {number}");
        }
    }

    struct Nothing;

    impl Source for Nothing {
        fn pull(&mut self, _: &mut Vec<u8>) -> crate::app::Pull {
            crate::app::Pull::End
        }
    }

    #[test]
    fn words_are_taken_up_to_their_bound() {
        let line = "Content-Type: text/plain; charset=utf-8\r\n";
        for (bytes, taken) in [(REFUSAL_BYTES_MAX - 1, true), (REFUSAL_BYTES_MAX, true), (REFUSAL_BYTES_MAX + 1, false)]
        {
            let text = "x".repeat(bytes - line.len());
            let app = app(move |_| Response::text(text.clone())).test();
            let answer = too_large(&app);
            match taken {
                true => assert_eq!((answer.status, answer.body.len()), (413, bytes - line.len())),
                false => assert_own(&answer),
            }
            assert_eq!(app.failures(), u64::from(!taken), "{bytes}");
        }
    }

    #[test]
    fn every_kind_of_body_that_is_at_hand_is_taken() {
        let bodies: [fn() -> Body; 4] = [
            || Body::Static(b"hello"),
            || Body::Bytes(b"hello".to_vec()),
            || Body::Shared(std::sync::Arc::from(*b"<hello>"), 1..6),
            || crate::web::Json("hell").into_response().take_body(),
        ];
        for (body, expected) in bodies.into_iter().zip(["hello", "hello", "hello", "\"hell\""]) {
            assert_eq!(too_large(&app(move |_| Response::new("text/plain", body())).test()).text(), expected);
        }
        assert_eq!(too_large(&app(|_| Response::empty(204)).test()).header("content-length"), Some("0"));
    }

    #[test]
    fn a_full_slow_queue_is_told_in_the_same_words_behind_the_middlewares() {
        let told = |request: &Request<'_>, response: &mut Response| {
            let named = request.local::<crate::web::RequestIdText>().is_some();
            response.set_header("X-After", format!("{} {named}", response.status()));
        };
        let plain = App::new().middleware(RequestId).after(told).get("/slow", || Slow(|| "done"));
        let worded = app(|refusal| Response::text(refusal.name())).middleware(RequestId).after(told);
        for (app, text) in
            [(plain, r#"{"error":"the node is busy","reason":"try again in a second"}"#), (worded, "busy")]
        {
            let app = app.test();
            let done = app.get("/slow").send();
            assert_eq!((done.text(), done.header("x-after")), ("done", Some("200 true")));
            app.fill_slow_queue();
            let busy = app.get("/slow").send();
            assert_eq!((busy.status, busy.text(), busy.header("x-after")), (503, text, Some("503 true")));
            assert_eq!((busy.header("retry-after"), busy.header("connection")), (Some("1"), Some("close")));
            assert_eq!(busy.header("x-request-id").map(str::len), Some(32));
            assert_eq!(app.failures(), 0);
        }
        let app = app(|_| Response::empty(200).with_header("Retry-After", "60")).test();
        app.fill_slow_queue();
        let busy = app.get("/slow").send();
        assert_eq!((busy.status, busy.header("retry-after")), (503, Some("60")));
    }

    #[test]
    fn a_middleware_whose_work_finds_no_place_is_refused_before_a_service_of_the_core() {
        use crate::service::ping::Ping;
        let guard = |_: &mut Request<'_>| Some(Slow(|| "guarded").into_response());
        let seen = |_: &Request<'_>, response: &mut Response| response.set_header("X-After", "yes");
        let app = App::new()
            .after(seen)
            .group("/node", |group| group.before(guard).mount("/", Ping::routes(), Ping::new))
            .test();
        assert_eq!(app.get("/node/healthz").send().text(), "guarded");
        app.fill_slow_queue();
        let busy = app.get("/node/healthz").send();
        assert_eq!((busy.status, busy.header("x-after")), (503, Some("yes")));
    }
}
