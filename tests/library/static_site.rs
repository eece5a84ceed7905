use crate::example::Example;

#[test]
fn a_directory_is_a_site() {
    let folder = tempfile::tempdir().expect("the temp dir is writable");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("it is writable");
    write("index.html", "<!doctype html><p>home");
    write("app.js", &"let x = 1;\n".repeat(1000));
    write(".secret", "nobody's business");
    let site = Example::start("static_site", &[folder.path().to_str().expect("a temporary path is UTF-8")]);
    let home = site.get("/");
    assert_eq!((home.status, home.text().as_str()), (200, "<!doctype html><p>home"));
    assert!(home.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
    assert_eq!(home.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(home.header_count("x-content-type-options"), 1);
    assert!(home.header("content-security-policy").is_some());
    let packed = site.ask("GET", "/app.js", &[("Accept-Encoding", "gzip")], b"");
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() < 1000, "{} bytes", packed.body.len());
    let tag = home.header("etag").expect("a validator").to_owned();
    assert_eq!(site.ask("GET", "/", &[("If-None-Match", &tag)], b"").status, 304);
    for hidden in ["/.secret", "/%2e%2e/etc/passwd", "/../etc/passwd", "/nothing"] {
        assert_eq!(site.get(hidden).status, 404, "{hidden}");
    }
    write("new.txt", "new");
    assert_eq!(site.get("/new.txt").text(), "new");
    site.stop();
}
