//! Answers that are made on the pool, and what is left there.

use std::io::Read;

use super::*;

#[test]
fn work_for_the_pool_is_an_answer_like_any_other() {
    let app = App::new()
        .middleware(Tell("a"))
        .get("/quick", || Blocking(|| "from the pool"))
        .get("/slow", || Slow(|| Json(7)))
        .get("/error", || Blocking(|| Err::<(), _>(Error::failure("not there"))))
        .get("/panic", || Blocking(|| -> &'static str { panic!("the work breaks") }))
        .get("/twice", || Blocking(|| Blocking(|| "in the end")))
        .test();
    for (target, status, body) in [
        ("/quick", 200, "from the pool"),
        ("/slow", 200, "7"),
        ("/twice", 200, "in the end"),
        ("/error", 500, r#"{"error":"the server failed on this request"}"#),
        ("/panic", 500, r#"{"error":"the server failed on this request"}"#),
    ] {
        let answer = app.get(target).send();
        assert_eq!((answer.status, answer.text()), (status, body), "{target}");
        assert_eq!(after_of(&answer), "a", "{target}: what a middleware left is there after the work");
    }
    assert_eq!(app.failures(), 2);
}

/// Tells the name of the thread that drops it.
struct Told(std::sync::mpsc::Sender<Option<String>>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.send(std::thread::current().name().map(str::to_owned)).expect("open");
    }
}

#[test]
fn what_was_made_for_a_client_that_is_gone_is_dropped_on_the_pool() {
    use std::io::Write;
    use std::net::TcpStream;
    use std::sync::{Mutex, mpsc};

    let (dropped, drops) = mpsc::channel();
    let (begun, begins) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = Arc::new(Mutex::new(may_go_on));
    let upload = move || {
        let (begun, may_go_on) = (begun.clone(), Arc::clone(&may_go_on));
        let write = move |_: &mut (), _: &[u8]| {
            begun.send(()).expect("open");
            may_go_on.lock().unwrap().recv().expect("open");
            Err(Error::new(403, "not this"))
        };
        Upload::fold((), write, |()| "")
    };
    let running = App::new()
        .settings(Settings { threads: 1, pin: false, ..Settings::default() })
        .before(move |request| {
            request.set_local(Told(dropped.clone()));
            None
        })
        .upload(Method::Put, "/", 1 << 30, upload)
        .start("127.0.0.1:0")
        .expect("a free port");
    let mut gone = TcpStream::connect(running.local_addr()).unwrap();
    gone.write_all(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n").unwrap();
    gone.write_all(&[b'x'; 300_000]).unwrap();
    begins.recv().unwrap();
    socket2::SockRef::from(&gone).set_linger(Some(Duration::ZERO)).unwrap();
    drop(gone);
    // When another is answered, the loop has seen the end of the first.
    for _ in 0..2 {
        let mut other = TcpStream::connect(running.local_addr()).unwrap();
        other.write_all(b"GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        assert!(other.read_to_end(&mut Vec::new()).is_ok_and(|count| count > 0));
        assert_ne!(drops.recv().unwrap(), None, "that of this request");
    }
    go_on.send(()).unwrap();
    let name = drops.recv().unwrap().expect("a name");
    assert!(name.starts_with("lattice-job"), "dropped by {name}");
}
