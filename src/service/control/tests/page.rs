//! The page and its files.

use super::{Memory, Thread};
use crate::config::Flags;

const PATHS: [&str; 5] =
    ["/_dashboard", "/_dashboard/style.css", "/_dashboard/app.js", "/_dashboard/socket.js", "/_dashboard/frames.js"];

fn get(thread: &mut Thread, path: &str, fields: &[&str]) -> super::Answer {
    thread.ask(&[&[format!("GET {path} HTTP/1.1").as_str()], fields].concat(), "")
}

#[test]
fn everybody_gets_it_under_a_strict_policy() {
    let mut thread = Thread::new(&Memory::new(), false);
    thread.0.on_flags(Flags::PRIVATE_REGISTRY);
    for path in PATHS {
        let answer = get(&mut thread, path, &[]);
        assert_eq!((answer.status, answer.header("Cache-Control")), (200, Some("no-cache")), "{path}");
        assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
        let policy = answer.header("Content-Security-Policy").unwrap();
        for part in ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"));
        for elsewhere in ["http://", "https://", "//cdn", "<script>", "style=", "onclick="] {
            assert!(!answer.body.contains(elsewhere), "{path}: {elsewhere}");
        }
    }
}

#[test]
fn it_is_confirmed_by_its_tag_and_compressed_for_who_takes_that() {
    let mut thread = Thread::new(&Memory::new(), true);
    for path in PATHS {
        let plain = get(&mut thread, path, &[]);
        let tag = plain.header("ETag").unwrap().to_owned();
        let again = get(&mut thread, path, &[&format!("If-None-Match: {tag}")]);
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{path}");
        let head = thread.head(path, "Accept-Encoding: gzip");
        assert!(head.contains("Content-Encoding: gzip") && !head.contains(&tag), "{head}");
    }
}

#[test]
fn a_slash_at_the_end_is_taken_away() {
    let mut thread = Thread::new(&Memory::new(), true);
    for (path, place) in [("/_dashboard/", "../_dashboard"), ("/_dashboard/app.js/", "../app.js")] {
        let answer = get(&mut thread, path, &[]);
        assert_eq!((answer.status, answer.header("Location")), (308, Some(place)));
    }
}

#[test]
fn the_page_loads_what_there_is() {
    let mut thread = Thread::new(&Memory::new(), true);
    let page = get(&mut thread, "/_dashboard", &[]).body;
    let references = page.split('"').filter(|part| part.ends_with(".js") || part.ends_with(".css"));
    let paths: Vec<String> = references.map(|path| format!("/{path}")).collect();
    assert_eq!(paths, ["/_dashboard/style.css", "/_dashboard/app.js"]);
    for path in &PATHS[2..] {
        let script = get(&mut thread, path, &[]).body;
        let imports = script.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next());
        imports.for_each(|file| assert!(PATHS.contains(&format!("/_dashboard/{file}").as_str()), "{file}"));
    }
}
