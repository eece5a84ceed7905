use crate::example::Example;
use crate::support::noise;

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
