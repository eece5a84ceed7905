//! Bodies of requests, taken piece by piece.

use super::*;

/// Counts what it was given, and that it was dropped.
struct Counted {
    bytes: u64,
    pieces: u32,
    dropped: Arc<AtomicU32>,
}

impl Receive for Counted {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.bytes += bytes.len() as u64;
        self.pieces += 1;
        if bytes.contains(&b'!') {
            return Err(Error::new(422, "no exclamation marks"));
        }
        assert!(!bytes.contains(&b'?'), "no question marks");
        Ok(())
    }

    fn finish(self) -> impl IntoResponse {
        format!("{} bytes", self.bytes)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

fn uploads(dropped: &Arc<AtomicU32>) -> TestClient {
    let dropped = Arc::clone(dropped);
    let receive = move |request: &Request<'_>| -> Result<Upload, Error> {
        let counted = Counted { bytes: 0, pieces: 0, dropped: Arc::clone(&dropped) };
        match request.header("x-key") {
            Some(_) => Ok(Upload::to(counted)),
            None => Err(Error::new(401, "show a key")),
        }
    };
    App::new()
        .middleware(Tell("a"))
        .upload(Method::Put, "/up", 1_000_000, receive)
        .post("/wrong", || Upload::fold((), |_, _| Ok(()), |_| ()))
        .test()
}

#[test]
fn an_upload_is_taken_piece_by_piece_or_refused() {
    let dropped = Arc::default();
    let app = uploads(&dropped);
    let put = |body: Vec<u8>| app.put("/up").header("X-Key", "k").body(body).send();
    for bytes in [1, 300_000, 999_999, 1_000_000] {
        let answer = put(vec![b'x'; bytes]);
        assert_eq!((answer.status, answer.text()), (200, &*format!("{bytes} bytes")));
        assert_eq!(after_of(&answer), "a");
    }
    assert_eq!(put(vec![b'x'; 1_000_001]).status, 413);
    assert_eq!(app.put("/up").header("X-Key", "k").send().status, 411);
    let answer = app.put("/up").body("unwanted").send();
    assert_eq!((answer.status, answer.header("connection")), (401, Some("close")));
    let mut body = vec![b'x'; 600_000];
    body[10] = b'!';
    let answer = put(body);
    assert_eq!((answer.status, answer.text()), (422, r#"{"error":"no exclamation marks"}"#));
    assert_eq!(put(b"?".to_vec()).status, 500);
    assert_eq!(dropped.load(Ordering::Relaxed), 6 + 1, "six were begun and one was made before it was refused");
    assert_eq!(app.post("/wrong").body("x").send().status, 500);
}
