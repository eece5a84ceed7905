use crate::example::Example;
use crate::support::{Response, noise};

/// The body in two chunks, and the digest behind it.
fn put_with_digest(upload: &Example, name: &str, body: &[u8], digest: &str) -> Response {
    let mut raw = upload.connect();
    raw.send(format!("PUT /files/{name} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").as_bytes());
    for piece in body.chunks(body.len().div_ceil(2)) {
        raw.send(&[format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat());
    }
    raw.send(format!("0\r\nContent-Digest: sha-256=:{digest}:\r\n\r\n").as_bytes());
    raw.response("PUT")
}

#[test]
fn what_follows_a_body_is_given_to_whoever_takes_it() {
    let folder = tempfile::tempdir().expect("the temp dir is writable");
    let upload = Example::start("upload", &[folder.path().to_str().expect("a temporary path is UTF-8")]);
    let hello = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    let stored = put_with_digest(&upload, "hello", b"hello", hello);
    assert_eq!((stored.status, stored.text().as_str()), (201, r#"{"bytes":5}"#));
    let refused = put_with_digest(&upload, "jello", b"jello", hello);
    assert_eq!((refused.status, refused.header("connection")), (422, None), "the body was whole: it may go on");
    assert_eq!((upload.get("/files/hello").status, upload.get("/files/jello").status), (200, 404));
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 1, "what was refused leaves nothing behind");
    upload.stop();
}

#[test]
fn a_large_body_goes_to_disk_and_comes_back() {
    let folder = tempfile::tempdir().expect("the temp dir is writable");
    let path = folder.path().to_str().expect("a temporary path is UTF-8");
    let upload = Example::start("upload", &[path]);
    let body = noise(5_000_000, 7);
    let stored = upload.ask("PUT", "/files/noise.bin", &[], &body);
    assert_eq!((stored.status, stored.text().as_str()), (201, r#"{"bytes":5000000}"#));
    let fetched = upload.get("/files/noise.bin");
    assert_eq!(fetched.header("content-length"), Some("5000000"));
    assert!(fetched.body == body, "it comes back as it went");
    assert_eq!(upload.get("/files/other").status, 404);
    std::fs::create_dir(folder.path().join("folder")).expect("the temp dir is writable");
    assert_eq!(upload.get("/files/folder").status, 404);
    std::fs::remove_dir(folder.path().join("folder")).expect("it is empty");
    assert_eq!(upload.ask("PUT", "/files/..%2Fx", &[], b"x").status, 400);
    assert_eq!(upload.ask("PUT", "/files/x", &[], b"").status, 411);

    // A client that goes away in the middle leaves nothing behind.
    let mut raw = upload.connect();
    raw.send(b"PUT /files/half HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n");
    raw.send(&body[..1_000_000]);
    drop(raw);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let names = || std::fs::read_dir(folder.path()).expect("a folder").flatten().map(|entry| entry.file_name());
    while names().collect::<Vec<_>>() != ["noise.bin"] {
        assert!(std::time::Instant::now() < deadline, "{:?}", names().collect::<Vec<_>>());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    upload.stop();
}
