//! The slice as clients see it, over a real directory and without sockets.
#![allow(clippy::disallowed_methods, reason = "a test writes the files that the slice serves")]

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::*;
use crate::app::compress::Policy;
use crate::app::testing::{Answer, Bench, unfold};
use crate::limits::{FILE_FRESH_NS, FILES_OPEN_MAX};
use crate::store::files::Directory;
use crate::wire::http::accept::Coding;

/// A directory, and a thread that serves it under `/s`.
struct Tree {
    dir: tempfile::TempDir,
    bench: Bench,
    shared: Arc<Shared>,
}

/// Served with `settings`, with files of an hour ago.
fn tree(settings: Settings) -> Tree {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("root")).unwrap();
    let files = Directory::open(&dir.path().join("root")).unwrap();
    let shared = Shared::new(settings, Arc::new(files));
    let bench = bench(&shared);
    let tree = Tree { dir, bench, shared };
    for (name, text) in [
        ("index.html", "<p>home"),
        ("a.txt", "0123456789"),
        ("b c\u{e4}.bin", "odd"),
        (".env", "hidden"),
        ("sub/index.html", "<p>sub"),
        ("sub/.git/config", "hidden"),
        ("plain/x.js", "let x"),
        ("empty.css", ""),
    ] {
        tree.write(name, text.as_bytes(), 3600);
    }
    fs::write(tree.dir.path().join("secret.txt"), "secret").unwrap();
    tree
}

fn bench(shared: &Arc<Shared>) -> Bench {
    Bench::new("/s", &StaticFiles::routes(true), Box::new(StaticFiles::new(Arc::clone(shared))))
}

impl Tree {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("root").join(name)
    }

    /// Writes a file as of `ago_s` seconds ago.
    fn write(&self, name: &str, bytes: &[u8], ago_s: u64) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(ago_s)).unwrap();
    }

    fn get(&mut self, name: &str) -> Answer {
        self.bench.get(&format!("/s/{name}"))
    }

    fn ask(&mut self, name: &str, fields: &[&str]) -> Answer {
        self.bench.ask(&[&[&*format!("GET /s/{name} HTTP/1.1")], fields].concat())
    }
}

#[test]
fn a_file_is_sent_with_what_is_known_of_it_and_the_second_time_without_a_job() {
    for memory_bytes_max in [1 << 20, 0] {
        let mut tree = tree(Settings { memory_bytes_max, ..Settings::default() });
        let cold = tree.get("a.txt");
        assert_eq!((cold.status, cold.text().as_str(), cold.jobs), (200, "0123456789", 1));
        for (name, value) in [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", "10"),
            ("Cache-Control", "no-cache"),
            ("X-Content-Type-Options", "nosniff"),
            ("Accept-Ranges", "bytes"),
        ] {
            assert_eq!(cold.header(name), Some(value));
        }
        let (etag, modified) = (cold.header("ETag").unwrap(), cold.header("Last-Modified").unwrap());
        assert!(etag.starts_with('"') && etag.ends_with('"'));
        let hot = tree.get("a.txt");
        assert_eq!((&hot.head, &hot.body, hot.jobs), (&cold.head, &cold.body, 0));
        for (field, status) in [
            (format!("If-None-Match: {etag}"), 304),
            (format!("If-Modified-Since: {modified}"), 304),
            ("If-Match: \"x\"".into(), 412),
            ("Range: bytes=2-3".into(), 206),
            (format!("Range: bytes=2-3\r\nIf-Range: {modified}"), 206),
            ("Range: bytes=10-".into(), 416),
        ] {
            let answer = tree.ask("a.txt", &[&field]);
            assert_eq!((answer.status, answer.jobs), (status, 0), "{field}");
        }
        let head = tree.bench.ask(&["HEAD /s/a.txt HTTP/1.1"]);
        assert_eq!((head.head, head.body.len()), (cold.head, 0));
        assert_eq!((tree.get("empty.css").status, tree.get("b%20c%C3%A4.bin").text()), (200, "odd".into()));
    }
}

#[test]
fn a_directory_is_its_index_and_only_with_its_slash() {
    let mut tree = tree(Settings::default());
    for (path, status, location) in [
        ("/s/", 200, None),
        ("/s", 301, Some("/s/")),
        ("/s?a=b", 301, Some("/s/?a=b")),
        ("/s/sub/", 200, None),
        ("/s/sub", 301, Some("/s/sub/")),
        ("/s/sub?x", 301, Some("/s/sub/?x")),
        ("/s/plain", 404, None),
        ("/s/plain/", 404, None),
        ("/s/a.txt/", 404, None),
        ("/s/sub//", 404, None),
        ("/s//sub", 404, None),
        ("/s//", 404, None),
    ] {
        for _ in 0..2 {
            let answer = tree.bench.get(path);
            assert_eq!((answer.status, answer.header("Location")), (status, location), "{path}");
        }
    }
    assert_eq!(tree.get("sub/").text(), "<p>sub");
    assert_eq!(tree.get("sub/").jobs, 0);
    assert_eq!(tree.get("sub/").header("Content-Type"), Some("text/html; charset=utf-8"));
}

#[test]
fn what_is_not_to_be_seen_is_not_there() {
    let mut tree = tree(Settings::default());
    symlink("../secret.txt", tree.path("out.txt")).unwrap();
    symlink(tree.dir.path(), tree.path("up")).unwrap();
    for name in [
        "nothing",
        ".env",
        "%2eenv",
        "sub/.git/config",
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "%2e%2e%2fsecret.txt",
        "sub/../../secret.txt",
        "sub/../a.txt",
        "./a.txt",
        "out.txt",
        "up/secret.txt",
        "sub%2findex.html",
        "a.txt%5c",
        "..\\secret.txt",
        "a.txt/x",
    ] {
        let answer = tree.get(name);
        assert_eq!((answer.status, answer.header("Cache-Control")), (404, Some("no-store")), "{name}");
    }
    for name in ["%00", "a.txt%00", "%", "%2", "%zz", "%+1"] {
        assert_eq!(tree.get(name).status, 400, "{name}");
    }
    assert_eq!(tree.get("%252e%252e/secret.txt").status, 404, "an escape is decoded once");
    tree.write("50%25", b"fifty", 10);
    assert_eq!((tree.get("50%2525").text(), tree.get("a%2Etxt").status), ("fifty".into(), 200));
    let mut open = self::tree(Settings { dotfiles: true, ..Settings::default() });
    assert_eq!((open.get(".env").text(), open.get("..").status, open.get("%2e").status), ("hidden".into(), 404, 404));
}

#[test]
fn the_sibling_that_the_client_takes_is_sent() {
    let mut tree = tree(Settings::default());
    for (name, text) in [("x.js.br", "br"), ("x.js.gz", "gz"), ("x.js.zst", "zst")] {
        tree.write(&format!("plain/{name}"), text.as_bytes(), 3600 - 1);
    }
    let mut tags = Vec::new();
    for (accept, encoding, body) in [
        ("gzip, br, zstd", Some("br"), "br"),
        ("gzip", Some("gzip"), "gz"),
        ("zstd, gzip", Some("zstd"), "zst"),
        ("identity", None, "let x"),
    ] {
        let answer = tree.ask("plain/x.js", &[&format!("Accept-Encoding: {accept}")]);
        assert_eq!((answer.header("Content-Encoding"), answer.text().as_str()), (encoding, body), "{accept}");
        assert_eq!(answer.header("Vary"), Some("Accept-Encoding"));
        assert_eq!(answer.header("Content-Type"), Some("text/javascript; charset=utf-8"));
        tags.push(answer.header("ETag").unwrap().to_owned());
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4);
    let alone = tree.ask("plain/x.js.gz", &["Accept-Encoding: gzip"]);
    assert_eq!((alone.header("Content-Type"), alone.header("Content-Encoding")), (Some("application/gzip"), None));
}

#[test]
fn a_sibling_that_is_older_than_its_file_or_of_no_use_is_not_sent() {
    let mut tree = tree(Settings::default());
    tree.write("plain/x.js.br", b"old", 3600 + 10);
    tree.write("plain/x.js.gz", b"", 1);
    fs::create_dir(tree.path("plain/x.js.zst")).unwrap();
    tree.write("b.png", b"png", 3600);
    tree.write("b.png.gz", b"gz", 3600);
    for name in ["plain/x.js", "b.png"] {
        let answer = tree.ask(name, &["Accept-Encoding: gzip, br, zstd"]);
        assert_eq!((answer.header("Content-Encoding"), answer.header("Vary")), (None, None), "{name}");
    }
}

#[test]
fn files_are_compressed_once_where_that_is_wished() {
    let policy = Policy { bytes_min: 100, ..Policy::default() };
    let mut tree = tree(Settings { compress: Some(policy), ..Settings::default() });
    let text = "body { color: red }\n".repeat(50);
    for name in ["big.css", "big.png"] {
        tree.write(name, text.as_bytes(), 3600);
    }
    let plain = tree.get("big.css");
    for coding in Coding::ALL {
        let answer = tree.ask("big.css", &[&format!("Accept-Encoding: {}", coding.token())]);
        assert_eq!((answer.header("Content-Encoding"), answer.jobs), (Some(coding.token()), 0));
        assert_eq!(unfold(Some(coding), &answer.body), text.as_bytes());
        assert_ne!(answer.header("ETag"), plain.header("ETag"));
    }
    for name in ["big.png", "empty.css", "plain/x.js"] {
        assert_eq!(tree.ask(name, &["Accept-Encoding: br"]).header("Content-Encoding"), None, "{name}");
    }
    // Looked at again, it is what it was: nothing is compressed anew.
    tree.bench.now.monotonic_ns += FILE_FRESH_NS;
    let kept = tree.shared.peek(&FilePath::new(b"big.css", false).unwrap()).unwrap();
    assert_eq!(tree.get("big.css").jobs, 1);
    assert!(Arc::ptr_eq(&kept, &tree.shared.peek(&FilePath::new(b"big.css", false).unwrap()).unwrap()));
    tree.write("big.css.gz", b"sibling", 1);
    tree.bench.now.monotonic_ns += FILE_FRESH_NS;
    assert_eq!(tree.ask("big.css", &["Accept-Encoding: gzip"]).text(), "sibling");
}

/// A tree with one file that is worth compressing.
fn packable() -> Tree {
    let tree = tree(Settings { compress: Some(Policy::default()), ..Settings::default() });
    tree.write("big.css", "body { color: red }\n".repeat(20_000).as_bytes(), 3600);
    tree
}

#[test]
fn whoever_comes_while_a_file_is_compressed_gets_it_as_it_is() {
    let mut tree = packable();
    let path = FilePath::new(b"big.css", false).unwrap();
    let shared = Arc::clone(&tree.shared);
    let packing = shared.begin_packing(&path).expect("nobody is at it");
    assert!(shared.begin_packing(&path).is_none());
    for _ in 0..2 {
        let plain = tree.ask("big.css", &["Accept-Encoding: br"]);
        assert_eq!((plain.status, plain.header("Content-Encoding"), plain.jobs), (200, None, 1), "it is not kept");
        assert_eq!(plain.header("Vary"), Some("Accept-Encoding"));
        let date = format!("If-Range: {}", plain.header("Last-Modified").unwrap());
        assert_eq!(tree.ask("big.css", &["Range: bytes=0-0", &date]).status, 200, "the date may be that of a coding");
        let tag = format!("If-Range: {}", plain.header("ETag").unwrap());
        assert_eq!(tree.ask("big.css", &["Range: bytes=0-0", &tag]).status, 206);
    }
    drop(packing);
    let packed = tree.ask("big.css", &["Accept-Encoding: br"]);
    assert_eq!((packed.header("Content-Encoding"), packed.jobs), (Some("br"), 1));
    // Who began before it was done, and is answered after it, does not undo it.
    assert_eq!(tree.ask("big.css", &["Accept-Encoding: br"]).jobs, 0);
}

#[test]
fn many_who_miss_a_file_at_once_have_it_compressed_once() {
    let tree = packable();
    let path = FilePath::new(b"big.css", false).unwrap();
    let start = std::sync::Barrier::new(8);
    let found = std::thread::scope(|scope| {
        let look = || {
            start.wait();
            resolve(&tree.shared, &path, false, None).unwrap()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(look)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let packed = tree.shared.peek(&path).expect("it is kept");
    for resolved in found {
        let Resolved::File(entry) = resolved else { panic!("a file") };
        assert!(Arc::ptr_eq(&entry, &packed) || entry.is_partial && entry.contents.len() == 1);
    }
    assert!(packed.contents.len() > 1 && tree.shared.begin_packing(&path).is_some());
}

/// How many handles of this process lead to what this path led to.
#[cfg(target_os = "linux")]
fn handles(path: &std::path::Path) -> usize {
    let open = fs::read_dir("/proc/self/fd").unwrap().flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    let name = path.to_str().unwrap();
    open.filter(|target| target.to_str().is_some_and(|target| target.starts_with(name))).count()
}

#[cfg(target_os = "linux")]
#[test]
fn a_large_file_that_was_deleted_is_closed_once_it_is_not_believed_any_more() {
    let mut tree = tree(Settings { memory_bytes_max: 5, ..Settings::default() });
    let mut other = bench(&tree.shared);
    assert_eq!((tree.get("a.txt").status, other.get("/s/a.txt").status), (200, 200));
    assert_eq!(handles(&tree.path("a.txt")), 1, "both threads have the same");
    fs::remove_file(tree.path("a.txt")).unwrap();
    tree.bench.now.monotonic_ns += FILE_FRESH_NS - 1;
    tree.get("empty.css");
    assert_eq!(handles(&tree.path("a.txt")), 1, "it is still believed");
    tree.bench.now.monotonic_ns += 1;
    other.now = tree.bench.now;
    tree.get("plain/x.js");
    assert_eq!(handles(&tree.path("a.txt")), 1, "the other thread has not looked");
    other.get("/s/index.html");
    assert_eq!(handles(&tree.path("a.txt")), 0, "nobody has asked for it again");
}

#[test]
fn a_change_is_seen_within_the_time_that_was_said() {
    for memory_bytes_max in [1 << 20, 0] {
        let mut tree = tree(Settings { memory_bytes_max, ..Settings::default() });
        let old = tree.get("a.txt");
        fs::rename(tree.path("sub/index.html"), tree.path("a.txt")).unwrap();
        tree.bench.now.monotonic_ns += FILE_FRESH_NS / 2 - 1;
        assert_eq!((tree.get("a.txt").text(), tree.get("a.txt").jobs), ("0123456789".into(), 0));
        tree.bench.now.monotonic_ns += 1;
        let new = tree.get("a.txt");
        assert_eq!((new.text().as_str(), new.jobs), ("<p>sub", 1));
        assert_ne!(new.header("ETag"), old.header("ETag"));
        fs::remove_file(tree.path("a.txt")).unwrap();
        tree.bench.now.monotonic_ns += FILE_FRESH_NS;
        assert_eq!((tree.get("a.txt").status, tree.get("a.txt").jobs), (404, 1));
        tree.write("a.txt", b"again", 0);
        assert_eq!(tree.get("a.txt").text(), "again");
    }
}

#[test]
fn while_one_looks_the_others_are_answered_until_the_time_is_over() {
    let tree = tree(Settings::default());
    let mut kept = Kept::new();
    let path = FilePath::new(b"a.txt", false).unwrap();
    let Resolved::File(entry) = resolve(&tree.shared, &path, false, None).unwrap() else { panic!("a file") };
    kept.keep(b"a.txt", &entry, 1000, 1 << 20);
    let mut find = |now_ns| match kept.find(b"a.txt", now_ns, 100) {
        Known::Fresh(_) => "fresh",
        Known::Due(_) => "due",
        Known::Nothing => "nothing",
    };
    for (now_ns, expected) in [
        (1000, "fresh"),
        (1049, "fresh"),
        (1050, "due"),
        (1051, "fresh"),
        (1099, "fresh"),
        (1100, "due"),
        (1101, "due"),
        (999, "fresh"),
    ] {
        assert_eq!(find(now_ns), expected, "{now_ns}");
    }
    kept.keep(b"a.txt", &entry, 1060, 1 << 20);
    kept.keep(b"a.txt", &entry, 1055, 1 << 20);
    assert!(matches!(kept.find(b"a.txt", 1109, 100), Known::Fresh(_)), "an earlier look does not undo a later one");
    assert!(matches!(kept.find(b"b.txt", 1109, 100), Known::Nothing));
}

#[test]
fn a_state_that_may_hide_a_second_change_is_read_again() {
    let mut tree = tree(Settings::default());
    let now = SystemTime::now() + Duration::from_secs(60);
    let write = |tree: &Tree, text: &str| {
        fs::write(tree.path("a.txt"), text).unwrap();
        File::options().write(true).open(tree.path("a.txt")).unwrap().set_modified(now).unwrap();
    };
    write(&tree, "one");
    assert_eq!(tree.get("a.txt").text(), "one");
    let modified = tree.get("a.txt").header("Last-Modified").unwrap().to_owned();
    let part = tree.ask("a.txt", &["Range: bytes=0-0", &format!("If-Range: {modified}")]);
    assert_eq!(part.status, 200, "nor does its date hold a range");
    write(&tree, "two");
    tree.bench.now.monotonic_ns += FILE_FRESH_NS;
    assert_eq!(tree.get("a.txt").text(), "two");
}

#[test]
fn threads_share_what_is_in_memory() {
    let mut tree = tree(Settings::default());
    tree.get("a.txt");
    let path = FilePath::new(b"a.txt", false).unwrap();
    let kept = tree.shared.peek(&path).unwrap();
    let mut other = bench(&tree.shared);
    let answer = other.get("/s/a.txt");
    assert_eq!((answer.status, answer.jobs), (200, 1));
    assert!(Arc::ptr_eq(&kept, &tree.shared.peek(&path).unwrap()), "it was read once");
    assert_eq!(Arc::strong_count(&kept), 4, "here, in the process, on two threads");
}

#[test]
fn what_is_kept_is_bounded() {
    let mut tree = tree(Settings { cache_bytes: 256 * 1024, memory_bytes_max: 100 * 1024, ..Settings::default() });
    for (name, bytes) in
        [("at.bin", 100 * 1024), ("above.bin", 100 * 1024 + 1), ("one.bin", 90_000), ("two.bin", 90_000)]
    {
        tree.write(name, &vec![b'x'; bytes], 3600);
    }
    let is_in_memory = |tree: &mut Tree, name: &str| {
        tree.get(name);
        let entry = tree.shared.peek(&FilePath::new(name.as_bytes(), false).unwrap()).unwrap();
        matches!(entry.contents[0].source, entry::Source::Memory(_))
    };
    assert!(is_in_memory(&mut tree, "at.bin") && !is_in_memory(&mut tree, "above.bin"));
    for name in ["one.bin", "two.bin"] {
        tree.get(name);
    }
    let kept = ["at.bin", "one.bin", "two.bin"].iter().filter(|name| tree.get(name).jobs == 0).count();
    assert!(kept < 3, "three do not fit");
    // Open files weigh so much that only so many fit.
    let mut tree = self::tree(Settings { memory_bytes_max: 0, ..Settings::default() });
    let names: Vec<String> = (0..FILES_OPEN_MAX + 1).map(|index| format!("{index}.bin")).collect();
    for name in &names {
        tree.write(name, b"x", 3600);
        tree.get(name);
    }
    let open = names.iter().filter(|name| tree.shared.peek(&FilePath::new(name.as_bytes(), false).unwrap()).is_some());
    let count = open.count();
    assert!(count < FILES_OPEN_MAX && count > FILES_OPEN_MAX / 2, "{count}");
}

#[test]
fn a_directory_that_is_gone_is_a_failure_of_ours() {
    let mut tree = tree(Settings::default());
    tree.get("a.txt");
    fs::remove_dir_all(tree.path("")).unwrap();
    assert_eq!(tree.get("a.txt").status, 200, "believed for a while");
    tree.bench.now.monotonic_ns += FILE_FRESH_NS;
    let answer = tree.get("a.txt");
    assert_eq!(answer.status, 500);
    assert!(!answer.text().contains(tree.dir.path().to_str().unwrap()), "where it was is told to nobody");
}
