//! What a program is told of: slow requests, the end.

use super::*;

#[test]
fn slow_requests_are_told_with_their_route() {
    let told: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&told);
    let app = App::new().get("/{x}", || "").on_slow(Duration::ZERO, move |slow| {
        let line = format!("{} {} {} {}", slow.method.as_str(), slow.path, slow.pattern, slow.status);
        log.lock().unwrap().push(line);
    });
    let app = app.test();
    app.get("/a").send();
    app.get("/a/b").send();
    assert_eq!(*told.lock().unwrap(), ["GET /a /{x} 200", "GET /a/b  404"]);
}

#[test]
fn a_hook_that_panics_does_not_keep_the_server_from_ending() {
    let told = Arc::new(AtomicU32::new(0));
    let tell = |number: u32| {
        let told = Arc::clone(&told);
        move || {
            told.fetch_add(number, Ordering::Relaxed);
        }
    };
    let running = App::new()
        .settings(Settings { threads: 1, pin: false, ..Settings::default() })
        .on_drain(|| panic!("this hook breaks"))
        .on_drain(tell(1))
        .on_stop(tell(10))
        .start("127.0.0.1:0")
        .expect("a free port");
    running.shutdown();
    running.wait().expect("it ends well");
    assert_eq!(told.load(Ordering::Relaxed), 11);
}
