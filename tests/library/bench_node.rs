use crate::example::Example;
use crate::support::noise;

#[test]
fn the_benchmarked_program_answers_as_it_is_measured() {
    let folder = tempfile::tempdir().expect("the temp dir is writable");
    let file = folder.path().join("large.bin");
    std::fs::write(&file, noise(1 << 20, 1)).expect("the temp dir is writable");
    let bench = Example::start("bench_node", &[file.to_str().expect("a temporary path is UTF-8")]);
    assert!(bench.get("/file/large.bin").body == noise(1 << 20, 1));
    let text = bench.get("/plaintext");
    assert_eq!((text.text().as_str(), text.header("content-type")), ("Hello, World!", Some("text/plain")));
    for id in [7, 8] {
        let user = bench.get(&format!("/users/{id}"));
        assert_eq!(user.header("x-served-by"), Some("lattice"));
        assert_eq!((user.json()["id"].as_u64(), user.json()["active"].as_bool()), (Some(id), Some(id % 2 == 0)));
        assert!((190..=230).contains(&user.body.len()), "{} bytes", user.body.len());
    }
    assert_eq!(bench.get("/users/x").status, 404);
    bench.stop();
}
