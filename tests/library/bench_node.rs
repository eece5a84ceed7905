use crate::example::Example;
use crate::support::{Came, WebSocket, noise};

#[test]
fn the_benchmarked_program_answers_as_it_is_measured() {
    let folder = tempfile::tempdir().expect("the temp dir is writable");
    let file = folder.path().join("large.bin");
    std::fs::write(&file, noise(1 << 20, 1)).expect("the temp dir is writable");
    let bench = Example::start("bench_node", &[file.to_str().expect("a temporary path is UTF-8")]);
    assert!(bench.get("/file/large.bin").body == noise(1 << 20, 1));
    let text = bench.get("/plaintext");
    assert_eq!((text.text().as_str(), text.header("content-type")), ("Hello, World!", Some("text/plain")));
    for id in ["7", "a%20b"] {
        let user = bench.get(&format!("/users/{id}"));
        assert_eq!((user.header("x-bench"), user.header("content-type")), (Some("1"), Some("application/json")));
        assert_eq!(user.json()["id"].as_str(), Some(id.replace("%20", " ").as_str()));
        assert!((180..=220).contains(&user.body.len()), "{} bytes", user.body.len());
    }
    let mut socket = WebSocket::open(bench.address(), "/ws", &[]).unwrap_or_else(|answer| panic!("{answer:?}"));
    socket.send_binary(&noise(1 << 16, 2));
    assert_eq!(socket.next(), Came::Binary(noise(1 << 16, 2)));
    bench.stop();
}
