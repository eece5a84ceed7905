//! Observers that come and go with a flag.

use std::sync::Mutex;

use super::*;
use crate::app::testing::request;
use crate::wire::http1::{Limits, Method, parse_head, slots};

struct Silent;

impl Service for Silent {
    fn call(&mut self, _request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        reply.status(204).empty();
        Flow::Done
    }
}

/// Notes how long answers took.
struct Noting(Arc<Mutex<Vec<u64>>>);

impl Observer for Noting {
    fn on_answer(&mut self, _request: &Request<'_>, answer: &Answer) {
        self.0.lock().unwrap().push(answer.elapsed_ns);
    }
}

/// Has the app hear of an answer to a request that begins now; what the observers were told.
fn answer(app: &mut App, noted: &Arc<Mutex<Vec<u64>>>) -> Vec<u64> {
    let slots = slots();
    let (head, _) = parse_head(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", &slots, &Limits::default()).unwrap().unwrap();
    let router = Arc::clone(app.router());
    let Found::Route(route, params) = router.find(head.method, head.path) else { panic!("no route") };
    let request = request(&head, route, params, Moment { monotonic_ns: 0, unix_ms: 0 });
    let began_ns = app.begin().began_ns;
    app.answered(&request, 200, began_ns);
    std::mem::take(&mut noted.lock().unwrap())
}

/// A clock that goes by `step` each time it is read.
fn ticking(step: u64) -> Stopwatch {
    let now = Mutex::new(1000);
    Arc::new(move || {
        let mut now = now.lock().unwrap();
        *now += step;
        *now
    })
}

fn app() -> App {
    let mut router = RouterBuilder::new();
    let route = RouteSpec { method: Method::Get, pattern: "/", id: 0, body: BodyPolicy::Discard, open: true };
    router.mount(&[""], &[route]);
    App::new(Arc::new(router.build()), Vec::new(), vec![Box::new(Silent)])
}

#[test]
fn an_observer_for_debugging_is_asked_while_that_is_on() {
    let noted = Arc::default();
    let mut app = app().debugged_by(Box::new(Noting(Arc::clone(&noted))), ticking(5));
    assert!(answer(&mut app, &noted).is_empty());
    for _ in 0..3 {
        for _ in 0..2 {
            app.on_flags(Flags::DEBUG);
            assert_eq!(answer(&mut app, &noted), [5], "once, however often it was turned on");
        }
        for _ in 0..2 {
            app.on_flags(live::USUAL);
            assert!(answer(&mut app, &noted).is_empty());
            assert_eq!(app.begin().began_ns, 0, "nobody reads the clock");
        }
    }
}

#[test]
fn other_observers_and_their_clock_stay_as_they_are() {
    let (noted, debugged) = (Arc::default(), Arc::default());
    let mut app = app()
        .observed_by(vec![Box::new(Noting(Arc::clone(&noted)))], ticking(3))
        .debugged_by(Box::new(Noting(Arc::clone(&debugged))), ticking(5));
    for flags in [Flags(0), Flags::DEBUG, Flags(0), Flags::DEBUG] {
        app.on_flags(flags);
        assert_eq!(answer(&mut app, &noted), [3]);
        let told = std::mem::take(&mut *debugged.lock().unwrap());
        assert_eq!(told, if flags == Flags::DEBUG { vec![3] } else { vec![] });
    }
}
