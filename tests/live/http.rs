//! `/_dashboard/api`, on a real node.

use std::sync::Barrier;
use std::thread;

use super::Site;

#[test]
fn a_change_over_http_is_in_the_file_before_it_is_answered() {
    let site = Site::start();
    for (count, durable) in [true, false, true].into_iter().enumerate() {
        let rows = 20 + count;
        let changed = site.post(&format!(r#"{{"durable": {durable}, "fields": {{"rows": {rows}}}}}"#));
        assert_eq!((changed.status, &changed.json()["rows"]), (200, &rows.into()), "{changed:?}");
        assert_eq!(site.config(&["get", "rows"]), format!("{rows}\n"));
        let etag = changed.header("ETag").expect("a tag").to_owned();
        assert_eq!(etag, format!("\"{}\"", site.config(&["get", "sequence"]).trim()));
        let known = site.node.http("GET", "/_dashboard/api/config", &[("If-None-Match", &etag)], b"");
        assert_eq!(known.status, 304);
    }
}

#[test]
fn of_many_who_change_the_same_config_one_does() {
    let site = Site::start();
    for round in 0..5_u32 {
        let etag = site.node.get("/_dashboard/api/config").header("ETag").expect("a tag").to_owned();
        let together = Barrier::new(8);
        let statuses: Vec<u16> = thread::scope(|scope| {
            let ask = |column: u32| {
                let (site, etag, together) = (&site, &etag, &together);
                scope.spawn(move || {
                    together.wait();
                    site.post_for(etag, &format!(r#"{{"fields": {{"cols": {}}}}}"#, round * 8 + column)).status
                })
            };
            let asked: Vec<_> = (0..8).map(ask).collect();
            asked.into_iter().map(|asked| asked.join().expect("no panic")).collect()
        });
        let count = |wanted: u16| statuses.iter().filter(|status| **status == wanted).count();
        assert_eq!((count(200), count(412)), (1, 7), "{statuses:?}");
    }
}

#[test]
fn who_may_not_is_told_so() {
    let site = Site::start();
    let body = br#"{"fields": {"rows": 1}}"#;
    let user = site.bearer(&site.user);
    for (fields, status) in [
        (vec![("If-Match", "*")], 401),
        (vec![("If-Match", "*"), ("Authorization", "Bearer nonsense")], 401),
        (vec![("If-Match", "*"), ("Authorization", user.as_str())], 403),
    ] {
        let answer = site.node.http("POST", "/_dashboard/api/config", &fields, body);
        assert_eq!((answer.status, answer.header("WWW-Authenticate").is_some()), (status, status == 401), "{answer:?}");
    }
    let root = site.bearer(&site.root);
    let without = site.node.http("POST", "/_dashboard/api/config", &[("Authorization", &root)], body);
    assert_eq!(without.status, 428);
    let wrong = site.post(r#"{"fields": {"rows": 256}}"#);
    assert_eq!(wrong.status, 400);
    assert_eq!(wrong.json()["error"], "rows may not be 256: allowed is 0 to 255");
    assert_eq!(site.node.http("PUT", "/_dashboard/api/config", &[], b"").status, 405);
    assert_eq!(site.config(&["get", "sequence"]), "1\n");
}

#[test]
fn a_shell_takes_the_environment_as_it_is() {
    let site = Site::start();
    let text = site.node.get("/_dashboard/api/env?format=shell").text();
    let script = format!("{text}printf '%s %s' \"$LIVE_CONFIG_CACHE_ENABLED\" \"$NPM_CONFIG_REGISTRY\"");
    let output = std::process::Command::new("sh").args(["-euc", &script]).output().expect("a shell");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("true {}", site.node.url("/")), "{output:?}");
}
